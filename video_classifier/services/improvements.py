"""Has a model learn from what people agree on: a job below all others, in a process of its own.

What comes of it is a candidate, a version that nothing uses: services.versions. docs/adr/0028.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, Min

from video_classifier.ml import files as ml_files
from video_classifier.ml.isolation.children import (
    Child,
    ChildBrokeError,
    ChildDiedError,
    ChildTooLargeError,
    Meanwhile,
)
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError
from video_classifier.ml.serving.engine import refuse_without_features
from video_classifier.models import Event, Improvement, ModelVersion, PlantedAct, Review, Store
from video_classifier.querysets import EventQuerySet
from video_classifier.services import (
    agreement,
    audit,
    catalog,
    database,
    disk,
    jobs,
    planted_acts,
    queue,
    review_exports,
    sandbox,
    versions,
)
from video_classifier.services.agreement import Kappa
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import GaveWayError, LeaseLostError, Pace
from video_classifier.states import Action, Answer, Status, Verdict

logger = logging.getLogger(__name__)

LEAST = 20  # events that people agree on
LEAST_EACH = 5  # of these, confirmed ones, and false alarms
MOST = 500  # events that are learned from: the newest
LONGEST = timedelta(hours=6)  # a run
PAUSE = timedelta(minutes=1)  # until another attempt, where a run was killed
STAGE_SECONDS = 1.0
FOLDER = "improvement-"  # the beginning of the name, in DATA_DIR

TOO_FEW = (
    "People agree on {count} events so far, and it takes {least}. Answer more of what waits in the "
    "review queue."
)
ONLY_CONFIRMED = (
    "Of the events that people agree on {ordinary} are false alarms, and it takes {least}: from "
    "confirmed ones alone a model learns nothing but to give more hints."
)
ONLY_FALSE = (
    "Of the events that people agree on {thefts} are confirmed, and it takes {least}: from false "
    "alarms alone a model learns nothing but to give fewer hints."
)
UNDER_WAY = "A model is learning from this store's reviews already. Wait for that, or cancel it."
NO_ROOM = "The server's disk is too full to learn. Tell your administrator, and try again later."
TOO_LONG = "It took too long to learn, and was ended. Try it when the server has less to do."
TOO_LARGE = "Learning takes more memory than is allowed."
KILLED = (
    "What learns was ended {count} times without a word: perhaps the server has too little memory."
)
AWAY = (
    "The database could not be asked in {count} attempts to learn. Ask again when it answers, and "
    "tell your administrator if it doesn't: the server's log has the cause."
)
BROKE = "Something broke on our side. The server's log has the cause."
OVER = "It is over already."
COLLECTING = "Collecting what people agree on"

LEFT_OUT = {
    "contradicted": "the same footage is in it twice, and people disagree",
    "copies": "the same footage is in it already",
    "unreadable": "its footage can't be read",
    "nobody in them": "nobody is found in it",
    "on both sides": "it would be on both sides of the test",
    "known to what is in use": "what is in use learned from it, so that they aren't compared on it",
}


class ImproveError(Exception):
    """The child's own: it says why nothing can be learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What there is to learn from in a store."""

    thefts: int  # events that people confirmed
    false_alarms: int
    reviewers: int
    cameras: int
    first: date | None
    last: date | None
    kappa: Kappa | None  # None: it isn't known

    @property
    def count(self) -> int:
        return self.thefts + self.false_alarms

    @property
    def problem(self) -> str:
        """Why it isn't enough, or ""."""
        facts = {"thefts": self.thefts, "ordinary": self.false_alarms, "least": LEAST_EACH}
        if self.count < LEAST:
            return TOO_FEW.format(count=self.count, least=LEAST)
        if self.false_alarms < LEAST_EACH:
            return ONLY_CONFIRMED.format(**facts)
        return ONLY_FALSE.format(**facts) if self.thefts < LEAST_EACH else ""


def material(store: Store) -> Material:
    """Of the newest events that people agree on."""
    events = _newest(store)
    rows = list(events.values_list("verdict", "analysis__clip__camera", "happened_at"))
    zone = ZoneInfo(store.time_zone)
    days = sorted(at.astimezone(zone).date() for *_, at in rows)
    verdicts = [verdict for verdict, *_ in rows]
    keys = events.values("pk")
    given = Review.objects.standing().filter(
        event__in=keys, by__isnull=False, answer__in=(Answer.CONFIRMED, Answer.FALSE_ALARM)
    )
    return Material(
        thefts=verdicts.count(Verdict.CONFIRMED),
        false_alarms=verdicts.count(Verdict.FALSE_ALARM),
        reviewers=given.values("by").distinct().count(),
        cameras=len({camera for _, camera, _ in rows if camera}),
        first=days[0] if days else None,
        last=days[-1] if days else None,
        kappa=_kappa(store, events),
    )


def _kappa(store: Store, agreed: EventQuerySet) -> Kappa | None:
    """Of all events from the first of those to the last: also of those that nobody agrees on."""
    ends = agreed.aggregate(first=Min("happened_at"), last=Max("happened_at"))
    if ends["first"] is None:
        return None
    every = Event.objects.current().filter(
        store=store, happened_at__gte=ends["first"], happened_at__lte=ends["last"]
    )
    return agreement.kappa(agreement.pairs(Review.objects.filter(event__in=every)))


def refuse_if_it_can_not_learn(model: str) -> None:
    """Raises Refused for a model that other heads can't be put on."""
    card = catalog.usable(model)
    with sandbox.refusing():
        refuse_without_features(bundle.network_file(catalog.folder(model), card))


def ask(store: Store, model: str, *, by: User | None) -> Improvement:
    """Queues it. Raises Refused."""
    model, _ = catalog.parts(model)
    refuse_if_it_can_not_learn(model)  # which may take long, where it has to be fetched
    with transaction.atomic():
        return _ask(store, model, by)


def _ask(store: Store, model: str, by: User | None) -> Improvement:
    if problem := material(store).problem:
        raise Refused(problem)
    if disk.is_nearly_full():
        raise Refused(NO_ROOM)
    held = Store.objects.select_for_update(no_key=True).get(pk=store.pk)
    if Improvement.objects.filter(store=held).unfinished().exists():
        raise Refused(UNDER_WAY)
    improvement = Improvement.objects.create(store=held, model=model, requested_by=by)
    audit.record(Action.IMPROVEMENT_ASKED, by, audit.STORE, held.pk, store=held.pk, model=model)
    queue.announce("improvements")
    return improvement


def cancel(improvement: Improvement | None, *, by: User) -> None:
    """A run of it ends within a second or so. Raises Refused if there is none, or it is over."""
    if improvement is None:
        raise Refused(OVER)
    of_it = Improvement.objects.filter(pk=improvement.pk)
    store, model = improvement.store_id, improvement.model
    with transaction.atomic():
        if not jobs.cancel(of_it, finished_at=database.now(), stage=""):
            raise Refused(OVER)
        audit.record(Action.IMPROVEMENT_CANCELLED, by, audit.STORE, store, store=store, model=model)
    shutil.rmtree(_folder(improvement), ignore_errors=True)  # which may take long


def put_back(*, worker: str) -> int:
    """Releases the job of `worker`, which shuts down."""
    return jobs.put_back(Improvement.objects.all(), worker=worker)


def run_next(*, worker: str, proceed: Callable[[], bool] = lambda: True) -> bool:
    """Runs the next one; returns whether there was any.

    What is interrupted goes back to its place, and doesn't look again at what it has seen.
    """
    every = Improvement.objects.all()
    jobs.requeue_stalled(every, give_up=partial(_fail, reason=BROKE))
    improvement = jobs.claim_next(every, worker=worker, related="store", allowed=lambda _: LONGEST)
    if improvement is None:
        return False
    with suppress(LeaseLostError):
        _run(improvement, proceed)
    return True


def _run(improvement: Improvement, proceed: Callable[[], bool]) -> None:
    try:
        with jobs.holding(improvement, proceed=proceed, too_long=TOO_LONG) as watch:
            _make(improvement, watch)
    except LeaseLostError:
        _sweep_if_cancelled(improvement)
        raise
    except GaveWayError:
        jobs.give_way(improvement)
    except disk.AwayError as error:  # what was looked at is kept for the next attempt
        logger.warning("store %s waits for the storage: %s", improvement.store_id, error.__cause__)
        jobs.give_way(improvement, pause=disk.PAUSE)
    except (Refused, ImproveError, BundleError) as refusal:
        _fail(improvement, str(refusal))
    except (ChildDiedError, jobs.CutOffError) as error:
        logger.warning("store %s: %s", improvement.store_id, error)
        why = AWAY if isinstance(error, jobs.CutOffError) else KILLED
        reason = why.format(count=improvement.attempts)
        jobs.try_again(improvement, give_up=partial(_fail, reason=reason), pause=PAUSE, stage="")
    except Exception as error:
        logger.exception("store %s: nothing was learned", improvement.store_id)
        is_full = disk.ran_full(error) or disk.is_nearly_full()
        _fail(improvement, NO_ROOM if is_full else BROKE)


def _sweep_if_cancelled(improvement: Improvement) -> None:
    """Another worker may go on with what is there."""
    if not Improvement.objects.filter(pk=improvement.pk).unfinished().exists():
        shutil.rmtree(_folder(improvement), ignore_errors=True)


def _fail(improvement: Improvement, reason: str) -> None:
    shutil.rmtree(_folder(improvement), ignore_errors=True)
    jobs.change(
        improvement, status=Status.FAILED, error=reason, stage="", finished_at=database.now()
    )


def _folder(improvement: Improvement) -> Path:
    """Beside the versions, as what is made is moved there."""
    return Path(settings.DATA_DIR) / f"{FOLDER}{improvement.pk}"


def sweep() -> None:
    """Removes what is left on this machine of jobs that another one has ended: there is footage."""
    for folder in Path(settings.DATA_DIR).glob(f"{FOLDER}*"):
        key = folder.name.removeprefix(FOLDER)
        if key.isdecimal() and not Improvement.objects.filter(pk=key).unfinished().exists():
            shutil.rmtree(folder, ignore_errors=True)


def _make(improvement: Improvement, watch: Callable[[], None]) -> None:
    folder, store = _folder(improvement), improvement.store
    reviews, made = folder / "reviews", folder / "version"
    for each in (reviews, made):
        shutil.rmtree(each, ignore_errors=True)
    jobs.change(improvement, stage=COLLECTING)
    used = versions.name_in_use(store.pk, improvement.model)
    summary = review_exports.lay_out(_newest(store), reviews, watch=watch)
    if not summary.labels:
        raise Refused(TOO_FEW.format(count=0, least=LEAST))
    due = Pace(STAGE_SECONDS)

    def on_stage(stage: str) -> None:
        if due():
            jobs.change(improvement, stage=stage[:200])

    with _child() as child:
        child.call(
            "improve",
            *(reviews, catalog.folder(improvement.model), made, settings.PERSON_DETECTOR),
            *(None if used == improvement.model else catalog.folder(used), folder / "cache"),
            returns=type(None),
            meanwhile=Meanwhile(parts=str, on_part=on_stage, watch=watch),
        )
    report = ml_files.read_json(made / "report.json")
    if not isinstance(report, dict):
        raise TypeError(report)
    (made / "report.json").unlink()
    _finish(improvement, made, report | {"left_out": _left_out(summary.left_out, report)})
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _child() -> Iterator[Child]:
    child = Child(
        "video_classifier.improving",
        errors={"ImproveError": ImproveError, "BundleError": BundleError},
        memory=settings.ANALYSIS_MEMORY,
    )
    try:
        yield child
    except ChildTooLargeError as error:
        raise Refused(TOO_LARGE) from error
    except ChildBrokeError as error:
        msg = "the child broke"
        raise RuntimeError(msg) from error
    finally:
        child.kill()


def _finish(improvement: Improvement, made: Path, report: dict[str, Any]) -> ModelVersion:
    learned = report.pop("learned")
    seen = [*learned, *(each["event"] for each in report["events"])]
    kappa = _kappa(improvement.store, Event.objects.filter(pk__in=seen))
    facts = report | {"kappa": [kappa.value, kappa.low, kappa.high] if kappa else None}
    with sandbox.refusing():
        card = bundle.read_card(made)
        known = card.training.get("clips_sha256", ())
        clips = Event.objects.filter(pk__in=learned).values_list(
            "analysis__clip__sha256", flat=True
        )
        own = {"clips_sha256": sorted({*known, *clips}), "store's report": facts}
        bundle.write_card(made, replace(card, training=dict(card.training) | own))

    def end() -> None:
        jobs.change(improvement, status=Status.DONE, error="", stage="", finished_at=database.now())

    return versions.add(
        made,
        store=improvement.store,
        model=improvement.model,
        improvement=improvement,
        facts=facts,
        together=end,
    )


def _left_out(exported: dict[str, int], report: dict[str, Any]) -> dict[str, int]:
    """By sentences."""
    found = {reason.rstrip("."): count for reason, count in exported.items()}
    for name, count in report.get("left_out", {}).items():
        reason = LEFT_OUT.get(name, name)
        found[reason] = found.get(reason, 0) + count
    return found


def _newest(store: Store) -> EventQuerySet:
    """Without acts for a test: versions are tried on these, and people call them what they like."""
    agreed = review_exports.agreed(store=store)
    acts = planted_acts.by_camera(PlantedAct.objects.filter(camera__store=store))
    rows = agreed.order_by("-happened_at", "-pk").values_list(
        *("pk", "analysis__clip__camera", "analysis__clip__recorded_at"),
        *("happened_at", "start", "end"),
    )
    real = (
        key
        for key, camera, recorded, at, start, end in rows.iterator(chunk_size=MOST)
        if not planted_acts.is_acted(acts[camera], recorded, at, end - start)
    )
    return agreed.filter(pk__in=list(islice(real, MOST)))
