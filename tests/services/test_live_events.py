"""An event of a live camera, from its picture to the clip with its result."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, InterfaceError, OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import FakePredictor, MakeAnalysis, MakeClip, MakeModel, MakeStore
from tests.makers import videos
from tests.makers.deliveries import make_channel
from tests.makers.events import make_result_event
from tests.makers.measures import make_measure
from tests.services.test_watching import make_feed
from video_classifier.ml.contracts import Box, EventCandidate, Region, Track, WindowScore
from video_classifier.ml.serving import events
from video_classifier.models import (
    Alert,
    Analysis,
    AuditEntry,
    CandidateScore,
    Case,
    CaseItem,
    Clip,
    Delivery,
    Event,
    Feed,
    LiveEvent,
    Measure,
    Segment,
)
from video_classifier.services import (
    alerts,
    analyses,
    catalog,
    clips,
    confidence,
    database,
    disk,
    evidence,
    files,
    live_clips,
    live_events,
    segments,
    thresholds,
    trash,
    waiting_clips,
)
from video_classifier.services.errors import Refused
from video_classifier.services.live_clips import Cut
from video_classifier.services.live_events import Told
from video_classifier.services.live_hints import Hint, Shown, Yardstick
from video_classifier.services.thresholds import Thresholds
from video_classifier.states import (
    Action,
    Closing,
    Origin,
    Prediction,
    RecordedFrom,
    Status,
    ThresholdOrigin,
    Verdict,
    View,
)
from video_classifier.web.results import ResultSummary

BEGAN = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)  # the stretch
START = 100.0  # of the clip, in seconds of the stretch
LENGTH = 10.0
ONE = Thresholds(low=None, high=0.5, origin=ThresholdOrigin.MODEL, measure=None)


def candidate(windows: tuple[WindowScore, ...]) -> EventCandidate:
    (found,) = events.candidates(windows, best=1)
    return found


def hint(*, score: float = 0.8, whole: bool = False) -> Hint:
    """Of somebody who was in view from second 98 to 109, with windows from 101 to 105."""
    windows = tuple(
        WindowScore(start=start, end=start + 2, score=score if start == 102 else 0.3)
        for start in (101.0, 102.0, 103.0)
    )
    times = tuple(np.arange(98.0, 109.5, 0.5).tolist())
    box = Box(left=0.1, top=0.2, right=0.3, bottom=0.9)
    return Hint(
        candidate=candidate(windows),
        windows=windows,
        track=None if whole else Track(times=times, boxes=(box,) * len(times)),
        shown=Shown(
            score=score,
            images=np.full((2, 16, 16, 3), 200, np.uint8),
            times=(102.0, 103.5),
            preview=np.full((36, 64, 3), 90, np.uint8),
            strip=(np.zeros((18, 32, 3), np.uint8),) * 3,
            strip_times=(99.0, 102.5, 104.0),
        ),
    )


@pytest.fixture(autouse=True)
def yardstick(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> Yardstick:
    monkeypatch.setattr(disk, "LIVE_SHARE", 0.0)  # the disk of who tests is no matter
    make_model("standard")
    return Yardstick(
        model="standard",
        model_sha256=catalog.usable("standard").served_sha256,
        detector_sha256="d" * 64,
        threshold=0.5,
        view=Region.PERSON,
    )


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    return make_feed(make_store, "Till 2", store=make_store("Corner", time_zone="Europe/Berlin"))


@pytest.fixture
def told(feed: Feed, yardstick: Yardstick) -> Told:
    return Told(
        camera=feed.pk,
        hint=hint(),
        until=109.0,
        began=BEGAN,
        yardstick=yardstick,
        judged_by=ONE,
    )


@pytest.fixture
def cut(feed: Feed, tmp_path: Path) -> Cut:
    path = videos.write(tmp_path / "event.mp4", 100)
    return Cut(
        path=path,
        camera=feed.camera,
        origin=Origin.EVENT,
        recorded_at=BEGAN + timedelta(seconds=START),
    )


def keep(event: LiveEvent, told: Told, cut: Cut) -> bool:
    """Whether it has its clip then."""
    waiting_clips.keep(event, told, cut, start=START, length=LENGTH)
    assert not waiting_clips.send_left(worker="one")
    return LiveEvent.objects.filter(pk=event.pk).exclude(clip=None).exists()


@pytest.fixture
def kept(told: Told, cut: Cut) -> LiveEvent:
    """With its clip."""
    event = live_events.open_one(told)
    live_events.close(event, told, Closing.GONE)
    assert keep(event, told, cut)
    event.refresh_from_db()
    return event


def test_its_clip_keeps_nothing_of_what_scored_along(told: Told, cut: Cut) -> None:
    windows = tuple(replace(each, others=(0.5,)) for each in told.hint.windows)
    along = replace(told, hint=replace(told.hint, windows=windows))
    event = live_events.open_one(along)
    live_events.close(event, along, Closing.GONE)

    assert keep(event, along, cut)

    assert Segment.objects.get().shadows == {}


# While it happens


def test_an_event_opens_with_a_picture_and_a_box(told: Told) -> None:
    event = live_events.open_one(told)

    event.refresh_from_db()
    assert event.is_open
    assert (event.started_at, event.peak_at) == (told.at(101.0), told.at(103.0))
    assert event.ended_at == told.at(109.0)
    assert (event.score, event.threshold, event.model) == (0.8, 0.5, "standard")
    assert event.box == [0.1, 0.2, 0.3, 0.9]
    assert default_storage.exists(event.still)


def test_an_event_is_told_as_it_opens_once_the_camera_does_more_than_measure(
    told: Told, feed: Feed
) -> None:
    make_channel()
    live_events.open_one(told)
    assert not Alert.objects.exists()
    Feed.objects.update(alerts=True)

    event = live_events.open_one(told)

    assert Alert.objects.get().live_event == event
    assert Delivery.objects.get().status == Status.QUEUED


def break_alerts(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """After some rows were written already."""
    make = alerts.of_live_event

    def of_live_event(event: LiveEvent) -> None:
        make(event)
        raise error

    monkeypatch.setattr(alerts, "of_live_event", of_live_event)


@pytest.mark.parametrize("error", [ValueError("a mistake"), IntegrityError("gone meanwhile")])
def test_an_event_opens_whatever_is_wrong_with_its_alert(
    told: Told,
    feed: Feed,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    Feed.objects.update(alerts=True)
    break_alerts(monkeypatch, error)

    event = live_events.open_one(told)

    assert LiveEvent.objects.get() == event
    assert not Alert.objects.exists()
    assert f"live event {event.pk} is kept, but no alert of it could be made" in caplog.text


def test_where_the_database_is_busy_an_event_waits_for_its_alert(
    told: Told, feed: Feed, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Both or none; the watcher tries again."""
    monkeypatch.setattr(database, "is_busy", lambda error: isinstance(error, OperationalError))
    break_alerts(monkeypatch, OperationalError("database is locked"))

    with pytest.raises(OperationalError):
        live_events.open_one(told)

    assert not LiveEvent.objects.exists()
    assert not list(settings.MEDIA_ROOT.rglob("*.jpg"))


@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_lost_with_its_alert_is_not_said_to_be_open(
    told: Told, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the connection breaks in the middle, and with it the transaction."""

    def savepoint_rollback(_: str) -> None:
        raise InterfaceError

    monkeypatch.setattr(connection, "savepoint_rollback", savepoint_rollback)
    break_alerts(monkeypatch, InterfaceError("connection already closed"))

    with pytest.raises(InterfaceError):
        live_events.open_one(told)

    assert not LiveEvent.objects.exists()


def test_a_camera_that_is_gone_opens_none_and_leaves_no_picture(
    told: Told, settings: Settings
) -> None:
    with pytest.raises(live_events.CameraGoneError):
        live_events.open_one(replace(told, camera=10**6))

    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_without_room_for_the_picture_it_opens_all_the_same(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(default_storage, "save", full)

    assert live_events.open_one(told).still == ""


def test_a_better_moment_has_another_picture(told: Told) -> None:
    event = live_events.open_one(told)
    first = event.still

    live_events.update(event, replace(told, until=110.0), is_better=False)
    assert LiveEvent.objects.get().still == first
    live_events.update(event, replace(told, hint=hint(score=0.9)), is_better=True)

    event.refresh_from_db()
    assert event.score == 0.9
    assert not default_storage.exists(first)
    assert default_storage.exists(event.still)


def test_an_event_closes_once(told: Told) -> None:
    event = live_events.open_one(told)

    assert live_events.close(event, told, Closing.LONGEST)
    assert not live_events.close(event, told, Closing.GONE)

    event.refresh_from_db()
    assert (event.closing, event.is_open) == (Closing.LONGEST, False)


def test_what_a_dead_watcher_left_open_is_closed(told: Told) -> None:
    event = live_events.open_one(told)

    assert live_events.close_abandoned(told.camera) == 1

    event.refresh_from_db()
    assert (event.closing, event.no_clip) == (Closing.CUT_OFF, live_events.ABANDONED)


def test_until_there_is_a_clip_it_is_being_made(told: Told, cut: Cut) -> None:
    event = live_events.open_one(told)
    live_events.close(event, told, Closing.GONE)
    event.refresh_from_db()
    assert event.no_clip == live_events.BEING_MADE

    assert keep(event, told, cut)
    live_events.close_abandoned(told.camera)

    event.refresh_from_db()
    assert (event.clip is None, event.no_clip) == (False, "")


def test_what_a_dead_watcher_closed_without_a_clip_says_so(told: Told) -> None:
    event = live_events.open_one(told)
    live_events.close(event, told, Closing.GONE)

    live_events.close_abandoned(told.camera)

    event.refresh_from_db()
    assert (event.closing, event.no_clip) == (Closing.GONE, live_events.ABANDONED)


def test_an_event_that_is_gone_is_no_trouble(told: Told, cut: Cut) -> None:
    event = live_events.open_one(told)
    LiveEvent.objects.all().delete()

    live_events.update(event, told, is_better=True)

    assert not live_events.close(event, told, Closing.GONE)
    assert not keep(event, told, cut)
    assert not Clip.objects.exists()


def test_the_picture_goes_with_the_event(
    told: Told, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    event = live_events.open_one(told)

    with django_capture_on_commit_callbacks(execute=True):
        event.delete()

    assert not default_storage.exists(event.still)


def test_events_without_a_clip_are_kept_for_a_month(
    kept: LiveEvent, told: Told, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    now = timezone.now()
    for days in (29, 31):
        event = live_events.open_one(told)
        live_events.close(event, told, Closing.GONE)
        LiveEvent.objects.filter(pk=event.pk).update(closed_at=now - timedelta(days=days))
    LiveEvent.objects.filter(pk=kept.pk).update(closed_at=now - timedelta(days=31))
    still_open = live_events.open_one(told)

    with django_capture_on_commit_callbacks(execute=True):
        assert live_events.purge(now=now) == 1

    assert not default_storage.exists(event.still)
    assert LiveEvent.objects.filter(pk__in=(kept.pk, still_open.pk)).count() == 2
    assert LiveEvent.objects.count() == 3


def test_a_sweep_leaves_pictures_of_events_alone(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "GRACE", timedelta(seconds=-10))
    event = live_events.open_one(told)
    default_storage.save("live/left.jpg", ContentFile(b"left"))

    assert files.sweep().removed == 1
    assert default_storage.exists(event.still)


# Its clip


def test_the_clip_is_the_cameras_and_says_when_it_was_recorded(kept: LiveEvent) -> None:
    clip = kept.clip
    assert clip is not None
    assert (clip.origin, clip.camera_id, clip.uploaded_by) == (Origin.EVENT, kept.camera_id, None)
    assert clip.name == "Till 2 2026-11-26 15-01-40.mp4"
    assert (clip.recorded_at, clip.recorded_from) == (
        BEGAN + timedelta(seconds=START),
        RecordedFrom.LIVE,
    )
    assert clip.codec == "h264"
    assert default_storage.exists(str(clip.file.name))


def test_its_analysis_has_the_live_score_and_its_seconds(kept: LiveEvent) -> None:
    analysis = Analysis.objects.get()
    assert (analysis.status, analysis.prediction) == (Status.DONE, Prediction.HINT)
    assert (analysis.score, analysis.threshold) == (kept.score, kept.threshold)
    assert (analysis.view, analysis.decided_by, analysis.tracks_found) == (View.PERSON, 1, 1)
    assert Segment.objects.get().status == Status.DONE
    event = Event.objects.get()
    assert (event.start, event.end, event.peak, event.score) == (1.0, 5.0, 3.0, 0.8)
    track = analysis.tracks.get()
    assert (track.times[0], track.times[-1]) == (0.0, 9.0)  # what is in the clip
    assert track.windows[1] == [2.0, 4.0, 0.8]
    assert analysis.frame_times == [2.5, 4.0]
    assert analysis.warnings


def test_the_score_of_whole_pictures_is_kept_as_well(
    told: Told, cut: Cut, yardstick: Yardstick
) -> None:
    whole = replace(yardstick, view=Region.FRAME, detector_sha256="")
    told = replace(told, hint=hint(whole=True), yardstick=whole)
    event = live_events.open_one(told)

    assert keep(event, told, cut)

    analysis = Analysis.objects.get()
    assert (analysis.view, analysis.score, analysis.tracks.count()) == (View.FRAME, 0.8, 0)
    assert (Event.objects.get().start, Event.objects.get().track) == (1.0, None)
    assert analysis.warnings == []


@pytest.mark.usefixtures("kept")
def test_pages_and_lists_show_it() -> None:
    User.objects.create_superuser("boss", password="x")
    client = Client()
    client.force_login(User.objects.get(username="boss"))
    analysis = Analysis.objects.get()

    result = client.get(analysis.get_absolute_url())
    text = result.content.decode()

    assert result.status_code == 200
    assert "Till 2 2026-11-26 15-01-40.mp4" in text
    assert "An event of a live camera" in text
    assert "somebody who has left" not in text
    assert "Till 2 2026-11-26" in client.get("/history/").content.decode()
    assert client.get(f"{analysis.get_absolute_url()}events/1/").status_code == 200
    assert client.get(f"/api/v1/analyses/{analysis.pk}").json()["prediction"] == "hint"
    assert "Till 2" in b"".join(client.get("/events.csv")).decode()


@pytest.mark.usefixtures("kept")
def test_analyze_again_makes_another_analysis(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Analysis.objects.get()
    monkeypatch.setattr(catalog, "load", lambda _: FakePredictor(0.25))

    again = analyses.again(first, model="standard", user=user)
    assert segments.run_next(worker="one")

    again.refresh_from_db()
    first.refresh_from_db()
    assert (again.prediction, first.prediction) == (Prediction.NO_HINT, Prediction.HINT)


@pytest.mark.usefixtures("kept")
def test_the_confidence_of_clips_is_not_said_of_live_scores(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card's is of clips that nobody had chosen by their scores."""
    share = confidence.Share(value=0.9, low=0.8, high=0.95)
    card = SimpleNamespace(confidence=SimpleNamespace(of=lambda *_, **__: share))
    monkeypatch.setattr(confidence, "card_of", lambda _: card)
    live = Analysis.objects.get()
    again = analyses.again(live, model="standard", user=user)
    again.score = 0.9

    assert confidence.of(live) is None
    assert "best moment" in ResultSummary(analysis=live).confidence.sentence
    assert confidence.of(again) == share


# Without a clip


def test_a_file_that_is_no_video_leaves_the_event_with_a_reason(
    told: Told, cut: Cut, tmp_path: Path
) -> None:
    event = live_events.open_one(told)
    broken = videos.noise(tmp_path / "noise.mp4")

    assert not keep(event, told, replace(cut, path=broken))

    event.refresh_from_db()
    assert event.clip is None
    assert event.no_clip
    assert not Clip.objects.exists()


def test_on_a_disk_that_is_nearly_full_no_clip_is_kept(
    told: Told, cut: Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "LIVE_SHARE", 1.0)
    event = live_events.open_one(told)

    assert not keep(event, told, cut)

    event.refresh_from_db()
    assert "disk" in event.no_clip


def test_what_breaks_on_our_side_is_said_without_a_traceback(
    told: Told, cut: Cut, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = live_events.open_one(told)

    def broken(*_: object, **__: object) -> None:
        msg = "secret"
        raise RuntimeError(msg)

    monkeypatch.setattr(segments, "record", broken)

    assert not keep(event, told, cut)

    event.refresh_from_db()
    assert event.no_clip == live_events.BROKE
    assert not Clip.objects.exists()
    assert not Analysis.objects.exists()
    assert not any((Path(settings.MEDIA_ROOT) / evidence.FOLDER).glob("*"))


@pytest.mark.django_db(transaction=True)
def test_pictures_of_a_live_clip_are_stored_without_the_databases_lock(
    told: Told, cut: Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, held = files.write, []

    def slow(pictures: dict[str, bytes]) -> None:
        held.append(connection.in_atomic_block)
        write(pictures)

    monkeypatch.setattr(files, "write", slow)

    assert keep(live_events.open_one(told), told, cut)

    assert held == [False]


# The quota


def test_the_oldest_live_clips_make_room_for_new_ones(
    kept: LiveEvent, told: Told, cut: Cut, settings: Settings, user: User
) -> None:
    first = kept.clip
    assert first is not None
    settings.LIVE_CLIPS_MAX_BYTES = first.size_bytes + 10
    videos.write(cut.path, 100)  # the first was moved away
    event = live_events.open_one(told)

    assert keep(event, told, cut)

    kept.refresh_from_db()
    assert (kept.clip, kept.no_clip) == (None, live_clips.MADE_ROOM)
    assert Clip.objects.get().live_event == event
    assert AuditEntry.objects.get(action=Action.PURGED).object_id == str(first.pk)


def test_uploads_are_not_deleted_to_make_room(told: Told, cut: Cut, settings: Settings) -> None:
    """And a clip that never fits is not kept."""
    settings.LIVE_CLIPS_MAX_BYTES = 10
    event = live_events.open_one(told)

    assert not keep(event, told, cut)

    event.refresh_from_db()
    assert "LIVE_CLIPS_MAX_BYTES" in event.no_clip


@pytest.fixture
def stored(make_clip: MakeClip, make_analysis: MakeAnalysis) -> dict[str, Clip]:
    """Clips of events, five bytes each, from the oldest to the newest."""
    names = ("confirmed", "held", "waiting", "disputed", "false alarm", "nothing")
    now = timezone.now()
    found = {
        name: make_clip(name=name, origin=Origin.EVENT, uploaded_at=now - timedelta(days=9 - age))
        for age, name in enumerate(names)
    }
    make_result_event(make_analysis(clip=found["waiting"], status=Status.DONE))
    for name in ("confirmed", "disputed", "false alarm"):
        verdict = Verdict(name.replace(" ", "_"))
        Clip.objects.filter(pk=found[name].pk).update(verdict=verdict)
    case = Case.objects.create(store=found["held"].store, name="The coats")
    CaseItem.objects.create(case=case, clip=found["held"])
    return found


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (5, {"confirmed", "held", "waiting", "disputed", "nothing"}),
        (10, {"confirmed", "held", "waiting", "disputed"}),
        (15, {"confirmed", "held", "disputed"}),
        (20, {"confirmed", "held"}),
    ],
)
def test_what_is_settled_goes_first_and_what_is_needed_never(
    stored: dict[str, Clip], settings: Settings, wanted: int, left: set[str]
) -> None:
    settings.LIVE_CLIPS_MAX_BYTES = 30

    live_clips.make_room(stored["held"].store, wanted)

    assert set(Clip.objects.values_list("name", flat=True)) == left


def test_nothing_is_deleted_if_it_would_not_be_enough(
    stored: dict[str, Clip], settings: Settings
) -> None:
    settings.LIVE_CLIPS_MAX_BYTES = 30

    with pytest.raises(Refused, match="confirmed or in a case"):
        live_clips.make_room(stored["held"].store, 21)

    assert Clip.objects.count() == 6


def test_what_is_confirmed_or_marked_as_missed_meanwhile_stays(stored: dict[str, Clip]) -> None:
    assert not live_clips._delete(stored["confirmed"])
    Clip.objects.filter(pk=stored["nothing"].pk).update(verdict=Verdict.MISSED)
    assert not live_clips._delete(stored["nothing"])
    assert not live_clips._delete(stored["held"])


def test_a_clip_that_somebody_deletes_leaves_the_event(kept: LiveEvent, user: User) -> None:
    clip = kept.clip
    assert clip is not None

    trash.put(clip, by=user)
    clips.delete(clip)

    kept.refresh_from_db()
    assert kept.clip is None


def test_the_picture_goes_with_a_clip_that_is_deleted_for_good(
    kept: LiveEvent, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    clip, still = kept.clip, kept.still
    assert clip is not None
    assert default_storage.exists(still)

    with django_capture_on_commit_callbacks(execute=True):
        clips.delete(clip)

    kept.refresh_from_db()
    assert (kept.still, kept.box) == ("", [])
    assert not default_storage.exists(still)


# Ordinary seconds


def test_a_sample_is_analyzed_as_an_upload_is(feed: Feed, cut: Cut) -> None:
    clip = live_clips.keep_sample(replace(cut, origin=Origin.SAMPLE), model="standard")

    analysis = Analysis.objects.get()
    assert (clip.origin, analysis.clip, analysis.status) == (Origin.SAMPLE, clip, Status.QUEUED)
    assert (clip.camera, analysis.requested_by) == (feed.camera, None)


def test_names_of_cameras_may_hold_anything(feed: Feed) -> None:
    feed.camera.name = "a/b\\c"

    assert live_clips.name(feed.camera, BEGAN, ".mkv") == "a-b-c 2026-11-26 15-00-00.mkv"


# Between two thresholds


@pytest.fixture
def unsure(told: Told, feed: Feed) -> Told:
    """Of an event of 0.8, with a measure of the camera from 0.6 to 0.9."""
    Feed.objects.update(alerts=True)
    measure = make_measure(feed.camera, low=0.6, high=0.9)
    return replace(told, judged_by=thresholds.of_measure(measure))


def test_what_is_uncertain_is_kept_and_nobody_is_told(unsure: Told) -> None:
    event = live_events.open_one(unsure)

    event.refresh_from_db()
    assert (event.is_hint, event.low, event.threshold) == (False, 0.6, 0.9)
    assert not Alert.objects.exists()


def test_it_is_told_once_when_it_becomes_a_hint(unsure: Told) -> None:
    event = live_events.open_one(unsure)
    better = replace(unsure, hint=hint(score=0.95))

    live_events.update(event, better, is_better=True)
    live_events.update(event, replace(better, until=112.0), is_better=False)

    assert (Alert.objects.get().score, Alert.objects.get().threshold) == (0.95, 0.9)
    assert LiveEvent.objects.get().is_hint


def test_an_uncertain_event_that_is_gone_tells_nobody(unsure: Told) -> None:
    event = live_events.open_one(unsure)
    LiveEvent.objects.all().delete()

    live_events.update(event, replace(unsure, hint=hint(score=0.95)), is_better=True)

    assert not Alert.objects.exists()


def test_its_clip_keeps_the_thresholds_of_the_event(unsure: Told, cut: Cut) -> None:
    event = live_events.open_one(unsure)
    Measure.objects.update(low=0.1, high=0.2)  # as another one would have it

    live_events.close(event, unsure, Closing.GONE)
    assert keep(event, unsure, cut)

    analysis = Analysis.objects.get()
    assert (analysis.prediction, analysis.low, analysis.threshold) == (
        Prediction.UNCERTAIN,
        0.6,
        0.9,
    )
    assert (analysis.measure, analysis.threshold_origin) == (
        Measure.objects.get(),
        ThresholdOrigin.CAMERA,
    )
    assert Segment.objects.get().threshold == 0.5
    assert not Event.objects.get().is_hint
    assert not CandidateScore.objects.exists()
