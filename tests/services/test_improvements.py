"""A model learns from what people of a store agree on: what it takes, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from tests import buckets
from tests.buckets import Service
from tests.conftest import MakeAnalysis, MakeClip, MakeModel, MakeStore, MakeUser, claimed
from tests.makers.agreed import make_agreed
from tests.makers.models import write_light_meter
from tests.makers.versions import write_head
from video_classifier.integrations.bucket import Bucket
from video_classifier.ml.isolation.children import ChildDiedError, ChildTooLargeError, Meanwhile
from video_classifier.models import (
    AuditEntry,
    Camera,
    Event,
    HeatMap,
    Improvement,
    ModelVersion,
    Store,
)
from video_classifier.services import (
    catalog,
    improvements,
    jobs,
    planted_acts,
    review_exports,
    reviews,
    worker,
)
from video_classifier.services.errors import Refused
from video_classifier.services.improvements import ImproveError
from video_classifier.states import Action, Answer, Status, VersionState

pytestmark = pytest.mark.django_db

s3, bucket = buckets.s3, buckets.bucket

Agree = Callable[..., None]


@pytest.fixture(autouse=True)
def _unwatched(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread of heartbeats has a connection of its own, and doesn't see the test's rows."""
    settings.ANALYSIS_HEARTBEAT = timedelta(minutes=10)
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 600.0)


@pytest.fixture
def store(make_store: MakeStore, make_model: MakeModel) -> Store:
    make_model()
    return make_store()


@pytest.fixture
def camera(store: Store) -> Camera:
    return Camera.objects.create(store=store, name="Till")


@pytest.fixture
def people(make_user: MakeUser) -> list[User]:
    return [make_user(name) for name in ("ada", "dana")]


@pytest.fixture
def agree(
    camera: Camera, people: list[User], make_clip: MakeClip, make_analysis: MakeAnalysis
) -> Agree:
    """So many confirmed events and false alarms."""

    def make(thefts: int, ordinary: int, *, days_ago: int = 9, footage: Path | None = None) -> None:
        seeds = days_ago * 1000
        for number in range(thefts + ordinary):
            make_agreed(
                camera,
                people,
                is_theft=number < thefts,
                days_ago=days_ago,
                seed=seeds + number,
                make_clip=make_clip,
                make_analysis=make_analysis,
                footage=footage,
            )

    return make


class FakeChild:
    """Writes a version, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.meanwhile: Callable[[Meanwhile], None] = lambda _: None

    def call(self, _: str, *arguments: Any, meanwhile: Meanwhile, **__: object) -> None:
        self.meanwhile(meanwhile)
        if self.error:
            raise self.error
        made: Path = arguments[2]
        made.parent.mkdir(exist_ok=True)
        write_head("standard").rename(made)
        events = [{"event": 1, "is_theft": True, "before": 0.2, "after": 0.9}]
        report = {"learned": [], "events": events, "left_out": {"copies": 2}}
        (made / "report.json").write_text(json.dumps(report))


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> FakeChild:
    """In the place of the process that learns; nothing is cut out of clips."""
    found = FakeChild()

    @contextmanager
    def started() -> Iterator[FakeChild]:
        yield found

    def lay_out(*_: object, **__: object) -> object:
        summary = review_exports.Summary()
        summary.labels["shoplifter"] = 10
        summary.left_out["its file is gone"] = 1
        return summary

    monkeypatch.setattr(improvements, "_child", started)
    monkeypatch.setattr(review_exports, "lay_out", lay_out)
    return found


@pytest.fixture
def asked(store: Store, people: list[User]) -> Improvement:
    return Improvement.objects.create(store=store, model="standard", requested_by=people[0])


def run() -> bool:
    return improvements.run_next(worker="one")


def folders(settings: Settings) -> list[Path]:
    return list(Path(settings.DATA_DIR).glob("improvement-*"))


# Asking


def test_what_there_is_to_learn_from(store: Store, agree: Agree) -> None:
    agree(2, 3, days_ago=9)
    agree(1, 0, days_ago=1)

    found = improvements.material(store)

    assert (found.thefts, found.false_alarms, found.cameras, found.reviewers) == (3, 3, 1, 2)
    times = Event.objects.values_list("happened_at", flat=True)  # of a store in UTC
    assert (found.first, found.last) == (min(times).date(), max(times).date())


@pytest.mark.parametrize(
    ("thefts", "ordinary", "sentence"),
    [
        (5, 6, "People agree on 11 events so far, and it takes 20"),
        (18, 4, "4 are false alarms, and it takes 5: from confirmed ones alone"),
        (20, 0, "0 are false alarms"),
        (2, 19, "2 are confirmed, and it takes 5: from false alarms alone"),
    ],
    ids=["too few", "nearly only confirmed", "only confirmed", "nearly no theft"],
)
def test_it_takes_enough_of_both(
    store: Store, agree: Agree, thefts: int, ordinary: int, sentence: str
) -> None:
    agree(thefts, ordinary)

    with pytest.raises(Refused, match=sentence):
        improvements.ask(store, "standard", by=None)
    assert not Improvement.objects.exists()


def test_one_person_alone_confirms_nothing(
    store: Store, agree: Agree, people: list[User], make_user: MakeUser
) -> None:
    """Whatever one person says of thefts, somebody else has to see it, too."""
    del people[1:]
    agree(15, 15)

    found = improvements.material(store)

    assert (found.thefts, found.false_alarms, found.reviewers) == (0, 15, 1)
    assert found.kappa is None
    with pytest.raises(Refused):
        improvements.ask(store, "standard", by=None)


def test_acts_for_a_test_are_not_learned_from(store: Store, agree: Agree, camera: Camera) -> None:
    """Versions are tried on them, and who knows that staff acted calls one a false alarm."""
    agree(1, 1, days_ago=9)
    agree(0, 1, days_ago=8)
    for event in Event.objects.filter(happened_at__lt=timezone.now() - timedelta(days=8.5)):
        planted_acts.plant(camera, event.happened_at - timedelta(seconds=5), None, seconds=4)

    found = improvements.material(store)

    assert (found.thefts, found.false_alarms) == (0, 1)


def test_contradictions_are_not_agreed_on(store: Store, agree: Agree, people: list[User]) -> None:
    agree(5, 15)
    event = review_exports.agreed(store=store).filter(verdict="false_alarm")[7]
    reviews.answer(event, event.analysis.clip, people[1], answer=Answer.CONFIRMED)

    with pytest.raises(Refused, match="People agree on 19 events"):
        improvements.ask(store, "standard", by=None)
    kappa = improvements.material(store).kappa
    assert kappa is not None
    assert (kappa.pairs, kappa.agreed) == (6, 5)


def test_one_at_a_time_in_a_store(store: Store, agree: Agree, people: list[User]) -> None:
    agree(8, 12)
    made = improvements.ask(store, "standard@4", by=people[0])

    with pytest.raises(Refused, match="is learning from this store's reviews already"):
        improvements.ask(store, "standard", by=people[1])

    assert (made.model, made.status) == ("standard", Status.QUEUED)
    entry = AuditEntry.objects.get(action=Action.IMPROVEMENT_ASKED)
    assert (entry.actor, entry.store, entry.details) == (
        people[0].pk,
        store.pk,
        {"model": "standard"},
    )


def test_a_model_that_can_not_learn_is_refused(store: Store, make_model: MakeModel) -> None:
    with pytest.raises(Refused, match="There is no model “nothing”"):
        improvements.ask(store, "nothing", by=None)


# A run


def test_a_run_makes_a_candidate(child: FakeChild, asked: Improvement, settings: Settings) -> None:
    assert run()
    assert not run()

    asked.refresh_from_db()
    version = ModelVersion.objects.get()
    assert (asked.status, asked.stage, asked.made) == (Status.DONE, "", version)
    assert asked.finished_at
    assert (version.name, version.state) == ("standard@1", VersionState.CANDIDATE)
    assert version.card["left_out"] == {
        "its file is gone": 1,
        "the same footage is in it already": 2,
    }
    assert version.card["kappa"] is None
    assert catalog.usable("standard@1").served_sha256 == version.sha256
    assert not folders(settings)


def test_it_says_what_it_is_busy_with(
    child: FakeChild, asked: Improvement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(improvements, "STAGE_SECONDS", 0.0)
    seen = []

    def look(meanwhile: Meanwhile) -> None:
        meanwhile.on_part("Looking at event 3 of 20")
        asked.refresh_from_db()
        seen.append(asked.stage)

    child.meanwhile = look
    run()

    assert seen == ["Looking at event 3 of 20"]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ImproveError("There are too few."), "There are too few."),
        (Refused("More memory than is allowed."), "More memory than is allowed."),
        (OSError("x"), improvements.BROKE),
    ],
    ids=["too few", "too large", "broken"],
)
def test_what_fails_says_why(
    child: FakeChild, asked: Improvement, settings: Settings, error: Exception, sentence: str
) -> None:
    child.error = error

    assert run()

    asked.refresh_from_db()
    assert (asked.status, asked.error) == (Status.FAILED, sentence)
    assert not ModelVersion.objects.exists()
    assert not folders(settings)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ChildDiedError("it ended with -9"), "was ended 3 times without a word"),
        (OperationalError("cut off"), "The database could not be asked in 3 attempts"),
    ],
    ids=["killed", "no database"],
)
def test_a_run_that_is_interrupted_is_put_back_and_given_up_in_the_end(
    child: FakeChild, asked: Improvement, settings: Settings, error: Exception, sentence: str
) -> None:
    child.error = error

    run()
    asked.refresh_from_db()
    first = asked.status
    for _ in range(settings.ANALYSIS_ATTEMPTS):
        Improvement.objects.update(not_before=timezone.now() - timedelta(minutes=1))
        run()

    asked.refresh_from_db()
    assert (first, asked.status) == (Status.QUEUED, Status.FAILED)
    assert sentence in asked.error
    assert not ModelVersion.objects.exists()


def test_a_run_whose_worker_is_gone_goes_on_elsewhere(child: FakeChild, asked: Improvement) -> None:
    long_ago = timezone.now() - timedelta(days=1)
    Improvement.objects.update(status=Status.RUNNING, **claimed(long_ago))

    assert run()

    asked.refresh_from_db()
    assert (asked.status, asked.attempts) == (Status.DONE, 2)


def test_a_run_gives_way_and_that_is_no_attempt(child: FakeChild, asked: Improvement) -> None:
    child.meanwhile = lambda meanwhile: meanwhile.watch()

    improvements.run_next(worker="one", proceed=lambda: False)

    asked.refresh_from_db()
    assert (asked.status, asked.attempts) == (Status.QUEUED, 0)


def test_it_gives_way_to_every_other_kind(
    child: FakeChild,
    asked: Improvement,
    make_analysis: MakeAnalysis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.0)
    analysis = make_analysis(status=Status.DONE)

    def come(meanwhile: Meanwhile) -> None:
        HeatMap.objects.create(analysis=analysis)
        meanwhile.watch()

    child.meanwhile = come
    worker.step(worker="one", kinds=("heat_maps", "improvements"))

    asked.refresh_from_db()
    assert asked.status == Status.QUEUED


def test_what_is_cancelled_ends_and_leaves_nothing(
    child: FakeChild, asked: Improvement, settings: Settings
) -> None:
    by = asked.requested_by
    assert by is not None
    child.meanwhile = lambda _: improvements.cancel(asked, by=by)

    run()

    asked.refresh_from_db()
    assert asked.status == Status.CANCELLED
    assert not ModelVersion.objects.exists()
    assert not folders(settings)
    with pytest.raises(Refused, match="It is over already"):
        improvements.cancel(asked, by=by)
    entry = AuditEntry.objects.get(action=Action.IMPROVEMENT_CANCELLED)
    assert (entry.actor, entry.store) == (by.pk, asked.store_id)


def test_a_deadline_is_said(child: FakeChild, asked: Improvement) -> None:
    improvements_longest = timedelta(seconds=-1)

    def late(meanwhile: Meanwhile) -> None:
        meanwhile.watch()

    child.meanwhile = late
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(improvements, "LONGEST", improvements_longest)
        run()

    asked.refresh_from_db()
    assert (asked.status, asked.error) == (Status.FAILED, improvements.TOO_LONG)


def test_what_is_made_on_a_worker_can_be_used_elsewhere(
    bucket: Bucket, child: FakeChild, asked: Improvement, settings: Settings, tmp_path: Path
) -> None:
    assert run()

    version = ModelVersion.objects.get()
    assert not folders(settings)
    assert not catalog.imported().exists()
    settings.DATA_DIR = tmp_path  # of another machine
    assert catalog.usable(version.name).served_sha256 == version.sha256


def test_a_run_waits_for_the_storage_and_that_is_no_attempt(
    bucket: Bucket, s3: Service, child: FakeChild, asked: Improvement
) -> None:
    s3.fault, s3.only = "500", "PUT"

    assert run()

    asked.refresh_from_db()
    assert (asked.status, asked.attempts) == (Status.QUEUED, 0)
    assert asked.not_before > timezone.now()
    assert not ModelVersion.objects.exists()
    s3.fault = ""
    Improvement.objects.update(not_before=timezone.now() - timedelta(minutes=1))
    assert run()
    asked.refresh_from_db()
    assert asked.status == Status.DONE


def test_what_a_machine_keeps_of_a_job_that_another_one_ended_is_swept(
    asked: Improvement, settings: Settings
) -> None:
    footage = Path(settings.DATA_DIR) / f"improvement-{asked.pk}" / "reviews"
    footage.mkdir(parents=True)

    improvements.sweep()
    assert footage.exists()  # it goes on
    Improvement.objects.update(status=Status.CANCELLED)
    improvements.sweep()

    assert not folders(settings)


def test_too_much_memory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Large:
        def __init__(self, *_: object, **__: object) -> None:
            self.is_gone = False

        def kill(self) -> None:
            self.is_gone = True

    monkeypatch.setattr(improvements, "Child", Large)

    with pytest.raises(Refused, match="more memory than is allowed"), improvements._child() as one:
        raise ChildTooLargeError
    assert one.is_gone  # type: ignore[attr-defined]


@pytest.mark.keras
def test_the_whole_way(
    make_store: MakeStore, agree: Agree, store: Store, settings: Settings, tmp_path: Path
) -> None:
    """By a network of a few weights, in its own process."""
    write_light_meter(Path(settings.MODELS_STORAGE) / "meter", exported=False)
    for days_ago in (9, 0):
        agree(6, 6, days_ago=days_ago, footage=tmp_path)
    asked = improvements.ask(store, "meter", by=None)

    assert run()

    asked.refresh_from_db()
    assert (asked.status, asked.error) == (Status.DONE, "")
    version = ModelVersion.objects.get()
    assert version.card["train"] == {"thefts": 6, "false_alarms": 6}
    assert version.card["test"]["thefts"] == 6
    assert version.card["cameras"] == [f"{store} / Till"]
    card = catalog.usable("meter@1")
    assert len(card.training["clips_sha256"]) == 12
