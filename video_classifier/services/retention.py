"""How long footage is kept, by store and by what people said of it, and its end when that is over.

Days are counted from the recording. What is over is deleted at once, with its files, also out of
the trash, which is for what people delete.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from video_classifier.models import Analysis, Clip, LiveEvent, Retention, Store
from video_classifier.querysets import UNFINISHED, ClipQuerySet
from video_classifier.services import audit, clips
from video_classifier.services.errors import Refused
from video_classifier.states import Action, Status, Verdict

logger = logging.getLogger(__name__)

ORDINARY, WAITING, FALSE_ALARM, CONFIRMED = Retention.STATES
_STATES = {
    Verdict.CONFIRMED: CONFIRMED,
    Verdict.MISSED: CONFIRMED,
    Verdict.DISPUTED: CONFIRMED,  # somebody has seen something
    Verdict.FALSE_ALARM: FALSE_ALARM,
    Verdict.UNSURE: WAITING,
}

MOST_DAYS = 3650
SOONEST = timedelta(days=1)  # after it came in: an old recording isn't gone before anybody saw it
UNSEEN = timedelta(days=7)  # after it came in: so long it may wait for its first result
AT_ONCE = 100

EXPIRED = "The clip was deleted: it was kept for as long as this store keeps such footage."
WRONG_DAYS = f"Write whole days from 1 to {MOST_DAYS}, or nothing to keep them."


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """What a manager chooses, by the names of Retention; None: until somebody deletes it."""

    ordinary: int | None = None
    waiting: int | None = None
    false_alarm: int | None = None
    confirmed: int | None = None


def state_of(verdict: str, *, hints: bool) -> str:
    """Which of Retention.STATES a clip is in. `hints`: as ClipQuerySet.hinting says it."""
    if verdict:
        return _STATES[Verdict(verdict)]
    return WAITING if hints else ORDINARY


def expires_at(
    clip: Clip,
    retention: Retention | Days | None,
    *,
    hints: bool,
    is_held: bool,
    first_result_at: datetime | None = None,
) -> datetime | None:
    """When it is to be deleted, as `due` finds it; None if it isn't.

    Where it waits for its first result, that may still change: then other days hold.
    """
    if retention is None or is_held:
        return None
    days: int | None = getattr(retention, state_of(clip.verdict, hints=hints))
    if days is None:
        return None
    # A clock that is ahead must not keep a clip for longer than its upload would.
    began: datetime = min(clip.recorded_at or clip.uploaded_at, clip.uploaded_at)
    over = max(began + timedelta(days=days), clip.uploaded_at + SOONEST)
    last = clip.uploaded_at + UNSEEN
    if first_result_at is not None:
        return max(over, min(first_result_at + SOONEST, last))
    return max(over, last) if waits_for_result(hints=hints, first_result_at=None) else over


def counts(retention: Retention | Days | None) -> bool:
    """Whether anything is ever over."""
    return any(getattr(retention, state, None) is not None for state in Retention.STATES)


def waits_for_result(*, hints: bool, first_result_at: datetime | None) -> bool:
    """Without a result there is no hint: then the latest analysis isn't finished."""
    return hints and first_result_at is None


def due(store: Store | int, retention: Retention | Days, *, now: datetime) -> ClipQuerySet:
    """The store's clips whose time is over, in the trash or not."""
    over = Q(pk=None)  # nothing
    for state in Retention.STATES:
        days: int | None = getattr(retention, state)
        if days is not None:
            before = now - timedelta(days=days)
            began = Q(recorded_at__lte=before) | Q(uploaded_at__lte=before)
            over |= began & _is_in(state)
    of_store = Clip.objects.filter(store=store, uploaded_at__lte=now - SOONEST)
    return of_store.unheld().filter(over).exclude(_is_unseen(now))


def _is_unseen(now: datetime) -> Q:
    """It waits for its first result, or nobody had a day to look at that."""
    results = Analysis.objects.filter(clip=OuterRef("pk"))
    coming = Q(status__in=UNFINISHED) | Q(status=Status.DONE)
    settled = Q(status=Status.DONE, finished_at__lte=now - SOONEST)
    return Q(
        Exists(results.filter(coming)),
        ~Exists(results.filter(settled)),
        uploaded_at__gt=now - UNSEEN,
    )


def _is_in(state: str) -> Q:
    """As `state_of` says it of one."""
    hints = Q(Exists(Clip.objects.filter(pk=OuterRef("pk")).hinting()))
    unanswered = Q(verdict="")
    answered = Q(verdict__in=[verdict for verdict, name in _STATES.items() if name == state])
    if state == WAITING:
        return answered | unanswered & hints
    return unanswered & ~hints if state == ORDINARY else answered


def all_due(*, now: datetime) -> Iterator[ClipQuerySet]:
    """Those of each store."""
    for retention in Retention.objects.select_related("store"):
        yield due(retention.store, retention, now=now)


def delete_expired(*, now: datetime) -> int:
    """Deletes what is over, each clip in a transaction of its own; says how many clips."""
    deleted = 0
    for retention in Retention.objects.order_by("pk"):
        keys = due(retention.pk, retention, now=now).values_list("pk", flat=True)
        left = iter(list(keys.order_by()))
        while some := list(islice(left, AT_ONCE)):
            deleted += sum(_delete_if_possible(each, now) for each in some)
        _forget_live_events(retention, now)
    if deleted:
        logger.info("deleted %d clips for good, whose time was over", deleted)
    return deleted


def _delete_if_possible(key: UUID, now: datetime) -> bool:
    """One that can't be deleted must keep neither the others, nor what is done after them."""
    try:
        return _delete(key, now)
    except Exception:
        logger.exception("clip %s, whose time is over, could not be deleted", key)
        return False


def _delete(key: UUID, now: datetime) -> bool:
    with transaction.atomic():
        # Then as it is: somebody may have answered, put it into a case, or changed the days.
        clip = Clip.objects.select_for_update().filter(pk=key).first()
        if clip is None:
            return False
        retention = Retention.objects.filter(store=clip.store_id).first()
        if retention is None:
            return False
        if not due(clip.store_id, retention, now=now).filter(pk=key).exists():
            return False
        hints = Clip.objects.filter(pk=key).hinting().exists()
        state = state_of(clip.verdict, hints=hints)
        LiveEvent.objects.filter(clip=clip).update(no_clip=EXPIRED)
        clips.delete(clip)
        audit.record(
            Action.EXPIRED,
            None,
            audit.CLIP,
            key,
            store=clip.store_id,
            state=state,
            days=getattr(retention, state),
        )
    return True


def _forget_live_events(retention: Retention, now: datetime) -> None:
    """Those without a clip are hints that nobody can answer; each has a picture."""
    if retention.waiting is None:
        return
    before = now - timedelta(days=retention.waiting)
    with transaction.atomic():
        closed = LiveEvent.objects.filter(clip=None, closed_at__isnull=False, ended_at__lt=before)
        _, counts = closed.filter(camera__store=retention.pk).delete()
        deleted = counts.get(LiveEvent._meta.label, 0)  # noqa: SLF001  (not what went with them)
        if deleted:
            audit.record(Action.EXPIRED, None, audit.LIVE_EVENTS, store=retention.pk, count=deleted)


def of(store: Store) -> Days:
    """What holds now."""
    found = Retention.objects.filter(store=store).values(*Retention.STATES).first()
    return Days(**found) if found else Days()


def change(store: Store, days: Days, *, by: User) -> bool:
    """False if that holds already. Raises Refused."""
    wanted = asdict(days)
    if not all(each is None or 1 <= each <= MOST_DAYS for each in wanted.values()):
        raise Refused(WRONG_DAYS)
    with transaction.atomic():
        Store.objects.select_for_update(no_key=True).filter(pk=store.pk).first()
        if of(store) == days:
            return False
        Retention.objects.update_or_create(store=store, defaults=wanted)
        audit.record(Action.RETENTION_CHANGED, by, audit.STORE, store.pk, store=store.pk, **wanted)
    return True
