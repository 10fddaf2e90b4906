"""How long footage is kept, and that it goes when its time is over."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeStore
from tests.makers.live_cameras import make_event, make_feed
from video_classifier.models import (
    AuditEntry,
    Case,
    CaseItem,
    Clip,
    LiveEvent,
    Retention,
    Store,
)
from video_classifier.services import clips, database, housekeeping, retention, trash
from video_classifier.services.errors import Refused
from video_classifier.services.retention import Days, delete_expired, due, expires_at, state_of
from video_classifier.states import Action, Origin, Prediction, RecordedFrom, Status, Verdict

DAYS = Days(ordinary=10, waiting=20, false_alarm=3, confirmed=30)
HINT = {"status": Status.DONE, "prediction": Prediction.HINT}
UNCERTAIN = {
    "status": Status.DONE,
    "prediction": Prediction.UNCERTAIN,
    "score": 0.4,
    "low": 0.3,
    "threshold": 0.5,
}
NO_HINT = {"status": Status.DONE, "prediction": Prediction.NO_HINT, "score": 0.1}
NOW = timezone.now()


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@pytest.fixture
def store(make_store: MakeStore, user: User) -> Store:
    found = make_store()
    retention.change(found, DAYS, by=user)
    return found


@pytest.fixture
def make_old(make_analysis: MakeAnalysis, make_clip: MakeClip, store: Store) -> Any:
    def make(days: float, result: dict[str, Any] = NO_HINT, **fields: Any) -> Clip:
        clip = make_clip(uploaded_at=ago(days), **fields)
        make_analysis(clip=clip, **result)
        return clip

    return make


def hold(clip: Clip) -> CaseItem:
    case = Case.objects.create(store=clip.store, name="Bicycles")
    return CaseItem.objects.create(case=case, clip=clip)


def expired() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=Action.EXPIRED).order_by("pk"))


def files(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


# The rule


@pytest.mark.parametrize(
    ("verdict", "hints", "state"),
    [
        ("", False, "ordinary"),
        ("", True, "waiting"),
        (Verdict.UNSURE, True, "waiting"),
        (Verdict.FALSE_ALARM, True, "false_alarm"),
        (Verdict.CONFIRMED, True, "confirmed"),
        (Verdict.MISSED, False, "confirmed"),
        (Verdict.DISPUTED, True, "confirmed"),
    ],
)
def test_the_state_follows_from_verdict_and_hint(verdict: str, *, hints: bool, state: str) -> None:
    assert state_of(verdict, hints=hints) == state


@pytest.mark.parametrize(
    ("fields", "held", "days"),
    [
        ({"uploaded_at": ago(0)}, False, 10),
        ({"uploaded_at": ago(0), "recorded_at": ago(4)}, False, 6),
        ({"uploaded_at": ago(0), "recorded_at": ago(-400)}, False, 10),  # a clock that is ahead
        ({"uploaded_at": ago(0), "recorded_at": ago(9000)}, False, 1),  # not before anybody saw it
        ({"uploaded_at": ago(0)}, True, None),
    ],
)
def test_days_are_counted_from_the_recording(
    fields: dict[str, Any], *, held: bool, days: int | None
) -> None:
    found = expires_at(Clip(**fields), DAYS, hints=False, is_held=held)

    assert found == (None if days is None else ago(-days))


def test_without_days_it_stays() -> None:
    clip = Clip(uploaded_at=ago(9000))

    assert expires_at(clip, Days(waiting=1), hints=False, is_held=False) is None
    assert expires_at(clip, None, hints=False, is_held=False) is None


def test_what_is_uncertain_waits_as_a_hint_does(make_old: Any) -> None:
    clip = make_old(19, UNCERTAIN)
    assert delete_expired(now=NOW) == 0

    assert delete_expired(now=NOW + timedelta(days=2)) == 1
    assert expired()[0].details["state"] == "waiting"
    assert not Clip.objects.filter(pk=clip.pk).exists()


def test_what_is_due_is_what_the_rule_says(
    make_clip: MakeClip, make_analysis: MakeAnalysis, store: Store
) -> None:
    """Of all that a clip may be."""
    recorded: Iterable[float | None] = (None, -5, 2.9, 3.1, 15, 25, 31)
    results = (HINT, NO_HINT, {"status": Status.QUEUED}, None)
    for verdict, result, at, held in product(("", *Verdict), results, recorded, (False, True)):
        fields: dict[str, Any] = {"uploaded_at": ago(12 if at != 31 else 0.5), "verdict": verdict}
        if at is not None:
            fields |= {"recorded_at": ago(at), "recorded_from": RecordedFrom.GIVEN}
        clip = make_clip(**fields)
        if result:
            make_analysis(clip=clip, **result)
        if held:
            hold(clip)
    every = Clip.objects.select_related("store__retention")
    hinting = set(Clip.objects.hinting())

    by_rule = {
        clip
        for clip in every
        if (
            at_ := expires_at(
                clip,
                clip.store.retention,
                hints=clip in hinting,
                is_held=clip.case_items.exists(),
            )
        )
        and at_ <= NOW
    }

    found = list(due(store, store.retention, now=NOW))
    assert len(found) == len(set(found))
    assert set(found) == by_rule
    assert 0 < len(by_rule) < every.count()


# Deletion


def test_what_is_over_goes_with_its_files_and_is_noted(
    make_old: Any,
    store: Store,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    over, kept = make_old(11), make_old(9)

    with django_capture_on_commit_callbacks(execute=True):
        assert delete_expired(now=NOW) == 1

    assert list(Clip.objects.all()) == [kept]
    assert len(files(settings)) == 1
    (entry,) = expired()
    assert (entry.actor, entry.object_id, entry.store) == (None, str(over.pk), store.pk)
    assert entry.details == {"state": "ordinary", "days": 10}


def test_a_clip_in_a_case_stays(make_old: Any) -> None:
    clip = make_old(900)
    item = hold(clip)

    assert delete_expired(now=NOW) == 0
    item.delete()
    assert delete_expired(now=NOW) == 1


def test_what_waits_in_the_trash_goes_too(make_old: Any, user: User) -> None:
    trash.put(make_old(11), by=user)

    assert delete_expired(now=NOW) == 1


@pytest.mark.parametrize(
    ("came", "result", "deleted"),
    [
        (2, {"status": Status.QUEUED}, 0),
        (2, {"status": Status.RUNNING, "heartbeat_at": NOW}, 0),
        (2, HINT | {"finished_at": ago(0.5)}, 0),
        (2, HINT | {"finished_at": ago(1.5)}, 1),
        (2, NO_HINT | {"finished_at": ago(0.5)}, 0),
        (2, {"status": Status.FAILED, "error": "Broken."}, 1),
        (8, {"status": Status.QUEUED}, 1),  # it can't wait for ever
        (8, HINT | {"finished_at": ago(0.5)}, 1),
    ],
)
def test_an_old_recording_stays_until_its_first_result_can_be_seen(
    make_old: Any, came: float, result: dict[str, Any], deleted: int
) -> None:
    make_old(came, result, recorded_at=ago(900), recorded_from=RecordedFrom.NAME)

    assert delete_expired(now=NOW) == deleted


def test_to_analyze_it_again_does_not_prolong_it(
    make_old: Any, make_analysis: MakeAnalysis
) -> None:
    first = HINT | {"finished_at": ago(1.5)}
    clip = make_old(2, first, recorded_at=ago(900), recorded_from=RecordedFrom.NAME)
    make_analysis(clip=clip, status=Status.QUEUED)

    assert delete_expired(now=NOW) == 1


def test_other_stores_keep_theirs(make_clip: MakeClip, make_store: MakeStore, store: Store) -> None:
    make_clip(store=make_store("North"), uploaded_at=ago(900))

    assert delete_expired(now=NOW) == 0


def test_who_answers_meanwhile_keeps_it(make_old: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_old(11)
    keys = retention.due(clip.store, clip.store.retention, now=NOW)
    assert keys.exists()
    Clip.objects.update(verdict=Verdict.CONFIRMED)
    monkeypatch.setattr(clips, "delete", lambda _: pytest.fail("it was deleted"))

    assert not retention._delete(clip.pk, NOW)


def test_one_that_cannot_be_deleted_does_not_keep_the_others(
    make_old: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, _ = make_old(12), make_old(11)
    delete = clips.delete

    def refuse(clip: Clip) -> None:
        if clip == stuck:
            raise OSError
        delete(clip)

    monkeypatch.setattr(clips, "delete", refuse)

    assert delete_expired(now=NOW) == 1
    assert Clip.objects.get() == stuck


def test_two_workers_delete_it_once(make_old: Any) -> None:
    clip = make_old(11)
    assert delete_expired(now=NOW) == 1

    assert not retention._delete(clip.pk, NOW)
    assert len(expired()) == 1


def test_clips_of_live_cameras_go_and_their_events_say_why(make_old: Any, store: Store) -> None:
    clip = make_old(21, HINT, origin=Origin.EVENT)
    event = make_event(make_feed(store), clip=clip, still="live/x.jpg")

    delete_expired(now=NOW)

    event.refresh_from_db()
    assert (event.clip, event.still, event.no_clip) == (None, "", retention.EXPIRED)


def test_samples_of_live_cameras_are_ordinary(make_old: Any) -> None:
    make_old(11, origin=Origin.SAMPLE)

    assert delete_expired(now=NOW) == 1


def test_live_events_without_a_clip_go_as_hints(store: Store) -> None:
    feed = make_feed(store)
    day = timedelta(days=1).total_seconds()
    for days in (19, 21):
        make_event(feed, ago=days * day, no_clip="None could be made.")
    make_event(feed, ago=21 * day, is_open=True)

    delete_expired(now=NOW)

    assert LiveEvent.objects.count() == 2
    assert [each.details for each in expired()] == [{"count": 1}]


def test_it_goes_within_the_hour(make_old: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_next", "_next_expiry", "_next_uploads"):
        monkeypatch.setattr(housekeeping, name, time.monotonic() + 3600)
    make_old(11)

    housekeeping.tidy_if_due()
    assert Clip.objects.exists()
    monkeypatch.setattr(housekeeping, "_next_expiry", time.monotonic())
    housekeeping.tidy_if_due()

    assert not Clip.objects.exists()


def test_a_worker_whose_clock_is_ahead_deletes_nothing(
    make_old: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_old(5)
    monkeypatch.setattr(database, "now", lambda: NOW)
    monkeypatch.setattr(timezone, "now", lambda: ago(-3000))
    for name in ("_next", "_next_uploads"):
        monkeypatch.setattr(housekeeping, name, time.monotonic() + 3600)
    monkeypatch.setattr(housekeeping, "_next_expiry", 0.0)

    housekeeping.tidy_if_due()

    assert Clip.objects.exists()


def command(*options: str) -> str:
    out = StringIO()
    call_command("delete_expired", *options, stdout=out)
    return out.getvalue()


def test_the_command_says_what_would_go_and_deletes_it(make_old: Any) -> None:
    clip = make_old(11)
    make_old(9)

    dry = command("--dry-run")

    assert dry == f"{clip.pk}, of {ago(11):%Y-%m-%d}\n1 would be deleted for good.\n"
    assert Clip.objects.count() == 2
    assert command() == "1 deleted for good.\n"
    assert Clip.objects.count() == 1


# Choosing


def test_a_change_is_noted_once(make_store: MakeStore, user: User) -> None:
    store = make_store()

    assert retention.change(store, DAYS, by=user)
    assert not retention.change(store, DAYS, by=user)

    entry = AuditEntry.objects.get(action=Action.RETENTION_CHANGED)
    assert (entry.actor, entry.object_type, entry.store) == (user.pk, "store", store.pk)
    assert entry.details["ordinary"] == 10
    assert retention.of(store) == DAYS


@pytest.mark.parametrize("days", [0, -1, retention.MOST_DAYS + 1])
def test_days_are_bounded(make_store: MakeStore, user: User, days: int) -> None:
    with pytest.raises(Refused, match="whole days"):
        retention.change(make_store(), Days(confirmed=days), by=user)

    assert not Retention.objects.exists()
