"""From a camera's packets to an event with its clip and its result, and what may come between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from tests.conftest import MakeModel, MakeStore
from tests.makers import videos
from tests.makers.measures import make_measure
from tests.makers.versions import make_version
from tests.services.test_watching import make_feed
from tests.watching.fakes import RATE, ClipReader, NumberReader
from video_classifier.ml.contracts import ClipError, ClipSpec, Outcome, Region
from video_classifier.ml.serving import loading
from video_classifier.ml.serving.card import BundleError
from video_classifier.models import (
    Alert,
    Analysis,
    CandidateScore,
    Clip,
    Event,
    Feed,
    FeedHour,
    LiveEvent,
    Measure,
    ModelVersion,
    ScoredTime,
)
from video_classifier.services import (
    candidate_scores,
    catalog,
    disk,
    files,
    live_events,
    live_samples,
    segments,
    thresholds,
    versions,
    waiting_clips,
    watching,
)
from video_classifier.services.errors import Refused
from video_classifier.services.live_pictures import latest
from video_classifier.services.sandbox import ScorerDiedError
from video_classifier.states import Closing, Fault, FeedState, Origin, Prediction
from video_classifier.watching import camera as cameras
from video_classifier.watching import pictures, watcher
from video_classifier.watching.camera import Readers
from video_classifier.watching.watcher import Watcher

SECONDS = 50
PATIENCE = 60.0  # seconds: others use this machine, too
PRESENT = range(10 * RATE, 22 * RATE)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return videos.write(
        tmp_path_factory.mktemp("live") / "clip.mp4",
        SECONDS * RATE,
        rate=RATE,
        size=(320, 240),
        gop=7,
    )


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(disk, "LIVE_SHARE", 0.0)  # the disk of who tests is no matter
    monkeypatch.setattr(cameras, "LEAST_STRIDE", 0.0)
    monkeypatch.setattr(cameras, "SAMPLES_EVERY", 0.0)
    monkeypatch.setattr(watching, "WRITE_SECONDS", 0.0)
    monkeypatch.setattr(live_samples, "due", lambda *_: [])
    yield
    pictures.stop()


@pytest.fixture
def model(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> NumberReader:
    make_model("standard", spec=ClipSpec(rate=8.0, view=Region.PERSON), best_windows=10)
    monkeypatch.setattr(loading, "check", lambda folder, **_: _card(folder))
    found = NumberReader(catalog.usable("standard"), PRESENT)
    monkeypatch.setattr(catalog, "load", lambda _: found)
    return found


def _card(folder: Path) -> object:
    from video_classifier.ml.serving import bundle

    return bundle.read_card(folder)


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    return make_feed(make_store, pre_roll=5, post_roll=5)


class Scene:
    """A watcher whose cameras send what they are asked to."""

    def __init__(self, clip: Path) -> None:
        self.clip = clip
        self.began = timezone.now() - timedelta(minutes=2)
        self.readers: dict[int, ClipReader] = {}
        self.made = 0
        self.ended: list[int] = []
        self.watcher = Watcher(most=5, make_readers=self._make, end_process=self.ended.append)

    def _make(self, feed: Feed) -> Readers:
        reader = ClipReader(self.clip, began=self.began)
        self.readers[feed.pk] = reader
        self.made += 1
        return Readers(scored=reader, recorded=reader)

    def play(self, feed: Feed, start: int, end: int, step: int = 2) -> None:
        """Scores that stretch of the clip, as if it were just sent."""
        for until in range(start + step, end + 1, step):
            reader = self.readers[feed.pk]
            reader.send(until)
            reader.last_picture = time.monotonic()
            self.watcher.score_next()
            self.watcher.cut_clips()
            self.watcher.send_clips()


@pytest.fixture
def scene(clip: Path, model: NumberReader) -> Scene:
    return Scene(clip)


# The whole way


def test_packets_become_an_event_a_clip_and_a_result(scene: Scene, feed: Feed) -> None:
    scene.watcher.tick()
    scene.play(feed, 0, 16)

    event = LiveEvent.objects.get()
    assert event.is_open
    assert event.still
    assert abs((event.started_at - scene.began).total_seconds() - 10) < 0.2

    scene.play(feed, 16, 40)

    event.refresh_from_db()
    assert (event.closing, event.no_clip) == (Closing.GONE, "")
    kept = event.clip
    assert kept is not None
    assert (kept.origin, kept.camera) == (Origin.EVENT, feed.camera)
    assert kept.recorded_at is not None
    before = (event.started_at - kept.recorded_at).total_seconds()
    assert 5 <= before < 7  # the pre-roll, from the keyframe before
    assert abs(before + event.length + 5 - kept.duration) < 1.0  # and the post-roll
    analysis = Analysis.objects.get()
    assert (analysis.prediction, analysis.score) == (Prediction.HINT, event.score)
    found = Event.objects.get()
    assert abs(found.start - before) < 0.01
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    assert client.get(analysis.get_absolute_url()).status_code == 200


def test_the_pictures_of_the_clip_are_those_of_its_time(scene: Scene, feed: Feed) -> None:
    scene.watcher.tick()
    scene.play(feed, 0, 40)

    kept = Clip.objects.get()
    assert kept.recorded_at is not None
    first = round((kept.recorded_at - scene.began).total_seconds() * RATE)
    import av

    with av.open(kept.file.path) as container:
        numbers = [
            (round(float(frame.time or 0) * RATE), videos.number_of(videos.rgb(frame)))
            for frame in container.decode(video=0)
        ]
    assert numbers[0] == (0, first)
    assert all(number == first + at for at, number in numbers)


def test_people_see_what_was_scored(scene: Scene, feed: Feed) -> None:
    scene.watcher.tick()
    scene.play(feed, 0, 18)

    end = time.monotonic() + PATIENCE
    while latest(feed.pk) is None:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_files_begin_with_the_lead_and_hold_the_newest(
    scene: Scene, feed: Feed, model: NumberReader
) -> None:
    """Which is there only where somebody was in view, who has to be followed."""
    scene.watcher.tick()
    scene.play(feed, 0, 14)

    (nobody_before, _), (first, last) = model.seen[-2:]
    assert last >= 14 * RATE - 2
    assert 10 * RATE - 7 <= first <= 10 * RATE + 2  # since second 12, two before, and a keyframe
    assert 10 * RATE - 7 <= nobody_before <= 10 * RATE + 2  # since second 10, and a keyframe


def test_in_the_end_open_events_are_cut_off_and_have_their_clips(scene: Scene, feed: Feed) -> None:
    scene.watcher.tick()
    scene.play(feed, 0, 18)

    scene.watcher._leave()

    event = LiveEvent.objects.get()
    assert event.closing == Closing.CUT_OFF
    assert event.clip is not None
    assert (Feed.objects.get().worker, Feed.objects.get().state) == ("", FeedState.OFF)
    assert not scene.readers[feed.pk].running


def test_readers_that_take_long_to_end_are_all_told_before_any_is_waited_for(
    scene: Scene, feed: Feed, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or twenty cameras whose names are not found would outlast the watchdog."""
    make_feed(make_store, "Door")
    scene.watcher.tick()
    order = []
    monkeypatch.setattr(ClipReader, "stop", lambda _, timeout=5.0: order.append(timeout))

    scene.watcher._leave()

    assert order[:2] == [0.0, 0.0]
    assert order.count(5.0) == 2


# The row


def test_how_a_camera_fares_is_written_and_counted(scene: Scene, feed: Feed) -> None:
    scene.watcher.tick()
    scene.play(feed, 0, 18)
    scene.watcher._count_due = 0.0

    scene.watcher.tick()

    row = Feed.objects.get()
    assert (row.state, row.codec, row.width, row.frame_rate) == ("online", "h264", 320, float(RATE))
    assert row.score == 0.9
    assert row.stride is not None
    hours = FeedHour.objects.values_list("events", "scorings")  # two, if one ended meanwhile
    assert [sum(each) for each in zip(*hours, strict=True)] == [1, 9]


def test_an_edit_is_noticed(scene: Scene, feed: Feed) -> None:
    scene.watcher.tick()
    first = scene.readers[feed.pk]

    Feed.objects.update(revision=2)
    scene.watcher.tick()

    assert not first.running
    assert scene.made == 2
    assert scene.readers[feed.pk].running


@pytest.mark.parametrize("change", ["disabled", "deleted", "taken"])
def test_what_is_no_longer_ours_is_let_go_with_its_event(
    scene: Scene, feed: Feed, change: str
) -> None:
    scene.watcher.tick()
    scene.play(feed, 0, 18)

    if change == "disabled":
        Feed.objects.update(is_enabled=False)
    elif change == "taken":
        Feed.objects.update(worker="another")
    else:
        Feed.objects.all().delete()
    scene.watcher.tick()
    scene.watcher.cut_clips()
    scene.watcher.send_clips()

    assert scene.watcher.cameras == ()
    event = LiveEvent.objects.get()
    assert event.closing == Closing.CUT_OFF
    assert event.clip is not None
    if change == "disabled":
        assert Feed.objects.get().worker == ""
    if change == "taken":
        assert Feed.objects.get().worker == "another"


def test_outside_its_hours_a_camera_is_not_read(scene: Scene, feed: Feed) -> None:
    now = datetime.now(UTC)
    Feed.objects.update(
        opens_at=(now - timedelta(hours=3)).time(), closes_at=(now - timedelta(hours=1)).time()
    )

    scene.watcher.tick()

    assert scene.watcher.cameras == ()
    row = Feed.objects.get()
    assert (row.worker, row.state) == ("", FeedState.OFF)


def test_cameras_outside_their_hours_take_no_room(
    scene: Scene, feed: Feed, make_store: MakeStore
) -> None:
    """Nor are there more than it may watch when they all open."""
    now = datetime.now(UTC)
    closed = {
        "opens_at": (now - timedelta(hours=3)).time(),
        "closes_at": (now - timedelta(hours=1)).time(),
    }
    others = [make_feed(make_store, f"Door {number}") for number in range(5)]
    Feed.objects.exclude(pk=others[-1].pk).update(**closed)
    scene.watcher._most = 1

    for _ in range(3):
        scene.watcher.tick()
    assert scene.watcher.cameras == (others[-1].pk,)

    Feed.objects.update(opens_at=None, closes_at=None)
    for _ in range(3):
        scene.watcher.tick()
    assert scene.watcher.cameras == (others[-1].pk,)
    assert Feed.objects.exclude(worker="").count() == 1


def test_what_another_watcher_left_open_is_closed(scene: Scene, feed: Feed, clip: Path) -> None:
    dead = Scene(clip)
    dead.watcher.tick()
    dead.play(feed, 0, 18)
    Feed.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))

    scene.watcher.tick()

    event = LiveEvent.objects.get()
    assert (event.closing, event.no_clip) == (Closing.CUT_OFF, live_events.ABANDONED)


def test_without_the_database_for_long_all_cameras_are_let_go(
    scene: Scene, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.watcher.tick()

    def gone(**_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(watching, "held", gone)
    with pytest.raises(OperationalError):
        scene.watcher.tick()
    assert feed.pk in scene.watcher.cameras

    scene.watcher._beaten -= 60
    with pytest.raises(OperationalError):
        scene.watcher.tick()
    assert feed.pk not in scene.watcher.cameras


# What goes wrong


def test_a_new_stretch_cuts_an_event_off_and_begins_anew(scene: Scene, feed: Feed) -> None:
    scene.watcher.tick()
    scene.play(feed, 0, 18)

    scene.readers[feed.pk].begin_anew()
    scene.play(feed, 0, 4)
    scene.watcher._cameras[feed.pk].cut_clips(at_once=True)
    scene.watcher.send_clips()

    event = LiveEvent.objects.get()
    assert event.closing == Closing.CUT_OFF
    assert event.clip is not None  # of the packets of the old stretch


def test_where_the_pictures_stop_an_event_ends(scene: Scene, feed: Feed) -> None:
    scene.watcher.tick()
    scene.play(feed, 0, 18)

    scene.readers[feed.pk].last_picture = time.monotonic() - 11
    scene.watcher.score_next()

    assert LiveEvent.objects.get().closing == Closing.CUT_OFF


@pytest.mark.parametrize(
    "error", [Refused("The clip is damaged."), ScorerDiedError("dead"), cameras.TooSlowError()]
)
def test_a_stride_that_can_not_be_scored_is_left_out(
    scene: Scene, feed: Feed, model: NumberReader, error: Exception
) -> None:
    if isinstance(error, Refused):
        error.__cause__ = ClipError()
    scene.watcher.tick()
    scene.play(feed, 0, 12)

    model.error = error
    scene.play(feed, 12, 14)
    model.error = None
    scene.play(feed, 14, 20)

    assert LiveEvent.objects.count() == 1
    assert scene.watcher._cameras[feed.pk].report(disk_is_low=False).fault is None


def test_a_failing_model_is_that_cameras_fault(
    scene: Scene, feed: Feed, model: NumberReader, make_store: MakeStore
) -> None:
    other = make_feed(make_store, "Door")
    scene.watcher.tick()
    model.error = Refused("The model can't be used.")
    model.error.__cause__ = BundleError()
    scene.play(feed, 0, 4)
    model.error = None
    scene.play(other, 0, 4)

    scene.watcher.tick()

    rows = {row.pk: (row.state, row.fault) for row in Feed.objects.all()}
    assert rows == {
        feed.pk: (FeedState.FAULTY, Fault.MODEL),
        other.pk: (FeedState.ONLINE, ""),
    }
    assert not scene.watcher._cameras[feed.pk].tally.seconds_faulty  # pictures come all the same


def test_the_scorer_that_dies_of_one_camera_again_and_again_leaves_it_alone(
    scene: Scene, feed: Feed, model: NumberReader
) -> None:
    scene.watcher.tick()
    model.error = ScorerDiedError("dead")

    scene.play(feed, 0, 12)

    assert len(model.seen) == 0
    assert scene.watcher._cameras[feed.pk].report(disk_is_low=False).fault == Fault.BROKEN


def test_a_full_disk_is_told_and_events_still_open(
    scene: Scene, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "LIVE_SHARE", 1.0)
    scene.watcher.tick()
    scene.play(feed, 0, 40)
    scene.watcher.tick()

    assert (Feed.objects.get().state, Feed.objects.get().fault) == ("faulty", Fault.DISK)
    event = LiveEvent.objects.get()
    assert event.clip is None
    assert "disk" in event.no_clip


def test_an_event_whose_row_can_not_be_written_waits(
    scene: Scene, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: object) -> LiveEvent:
        raise OperationalError

    scene.watcher.tick()
    with monkeypatch.context() as patched:
        patched.setattr(live_events, "open_one", busy)
        scene.play(feed, 0, 18)
    assert not LiveEvent.objects.exists()

    scene.play(feed, 18, 20)

    assert LiveEvent.objects.get().is_open


def test_an_event_that_waited_into_another_stretch_keeps_its_time_and_clip(
    scene: Scene, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: object) -> LiveEvent:
        raise OperationalError

    scene.watcher.tick()
    with monkeypatch.context() as patched:
        patched.setattr(live_events, "open_one", busy)
        scene.play(feed, 0, 18)
        reader = scene.readers[feed.pk]
        reader.begin_anew()
        reader._began += timedelta(seconds=60)
        scene.play(feed, 0, 4)
    scene.play(feed, 4, 6)
    scene.watcher._cameras[feed.pk].cut_clips(at_once=True)
    scene.watcher.send_clips()

    event = LiveEvent.objects.get()
    assert abs((event.started_at - scene.began).total_seconds() - 10) < 0.2
    assert event.clip is not None
    assert event.clip.recorded_at is not None
    assert event.clip.recorded_at < event.started_at


def test_while_the_database_is_busy_clips_are_still_wanted(
    scene: Scene, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise OperationalError

    scene.watcher.tick()
    with monkeypatch.context() as patched:
        patched.setattr(live_events, "is_there", busy)
        with pytest.raises(OperationalError):
            scene.play(feed, 0, 40)
    assert LiveEvent.objects.get().no_clip == live_events.BEING_MADE
    assert not waiting_clips.are_here()

    scene.watcher.cut_clips()
    with monkeypatch.context() as patched:
        patched.setattr(segments, "record", busy)
        with pytest.raises(OperationalError):
            scene.watcher.send_clips()
    assert LiveEvent.objects.get().no_clip == live_events.ON_ITS_WAY
    assert not Clip.objects.exists()
    scene.watcher._send_due = 0.0  # half a minute later
    scene.watcher.send_clips()

    assert LiveEvent.objects.get().clip is not None
    assert LiveEvent.objects.get().no_clip == ""


def test_the_camera_that_was_scored_longest_ago_is_next(
    scene: Scene, feed: Feed, make_store: MakeStore, model: NumberReader
) -> None:
    other = make_feed(make_store, "Door")
    scene.watcher.tick()

    turns = []
    for until in (4, 6, 8, 10):
        for each in (feed, other):
            scene.readers[each.pk].send(until)
            scene.readers[each.pk].last_picture = time.monotonic()
        scene.watcher.score_next()
        by_time = sorted(scene.watcher._cameras.values(), key=lambda each: each.scored_at)
        turns.append(by_time[-1].pk)

    assert turns == [feed.pk, other.pk, feed.pk, other.pk]


def test_nothing_is_scored_sooner_than_two_seconds_later(
    scene: Scene, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cameras, "LEAST_STRIDE", 2.0)
    scene.watcher.tick()
    scene.readers[feed.pk].send(10)

    assert scene.watcher.score_next()
    scene.readers[feed.pk].send(20)
    assert not scene.watcher.score_next()


def test_ordinary_seconds_are_kept_once(
    scene: Scene, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = scene.began + timedelta(seconds=20)
    monkeypatch.setattr(
        live_samples,
        "due",
        lambda _, since, until: (
            [moment] if since <= moment <= until - timedelta(10 / 86400) else []
        ),
    )
    scene.watcher.tick()

    scene.play(feed, 0, 36)

    kept = Clip.objects.get(origin=Origin.SAMPLE)
    assert kept.recorded_at is not None
    assert timedelta() <= moment - kept.recorded_at < timedelta(seconds=2)
    assert 10 <= kept.duration < 12
    assert kept.analyses.get().status == "queued"


# Threads


def test_clips_wait_while_the_storage_is_away_and_ordinary_ones_stay_in_memory(
    scene: Scene, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples: list[int] = []
    monkeypatch.setattr(cameras.WatchedCamera, "keep_samples", lambda camera: samples.append(1))
    scene.watcher.tick()
    with monkeypatch.context() as patched:
        patched.setattr(files, "are_usable", lambda: False)
        scene.play(feed, 0, 40)
        assert LiveEvent.objects.get().no_clip == live_events.ON_ITS_WAY
        before = len(samples)
        scene.watcher._send_due = 0.0
        scene.watcher.send_clips()
        assert len(samples) == before

    scene.watcher.send_clips()
    assert not Clip.objects.exists()  # it is asked again half a minute later
    scene.watcher._send_due = 0.0
    scene.watcher.send_clips()

    assert LiveEvent.objects.get().clip is not None


@pytest.mark.parametrize("hung", ["thread", "reader"])
def test_what_hangs_ends_the_process(scene: Scene, feed: Feed, hung: str) -> None:
    scene.watcher.tick()
    scene.watcher._sign("scoring")
    scene.watcher.check_signs()
    assert scene.ended == []

    if hung == "thread":
        scene.watcher._signs["scoring"] -= watcher.STUCK + 1
    else:
        scene.readers[feed.pk].is_stuck = True
    scene.watcher.check_signs()

    assert scene.ended == [70]


@pytest.mark.django_db(transaction=True)
def test_it_runs_until_it_is_stopped(clip: Path, model: NumberReader, feed: Feed) -> None:
    import threading

    scene = Scene(clip)
    thread = threading.Thread(target=scene.watcher.run)
    thread.start()
    try:
        end = time.monotonic() + PATIENCE
        while feed.pk not in scene.readers:
            assert time.monotonic() < end
            time.sleep(0.02)
        for until in range(2, 18, 2):
            scene.readers[feed.pk].last_picture = time.monotonic()
            scene.readers[feed.pk].send(until)
            seen = len(model.seen)
            while len(model.seen) == seen:
                assert time.monotonic() < end
                time.sleep(0.01)
    finally:
        scene.watcher.stop()
        thread.join(PATIENCE)

    assert not thread.is_alive()
    event = LiveEvent.objects.get()
    assert event.closing == Closing.CUT_OFF
    assert event.clip is not None
    assert Feed.objects.get().worker == ""


# What everything scores, and thresholds of the camera's own


def measure(feed: Feed, *, low: float, high: float) -> Measure:
    """Of the weights that score it."""
    weights = {
        "model_sha256": catalog.usable("standard").served_sha256,
        "detector_sha256": "d" * 64,
    }
    return make_measure(feed.camera, low=low, high=high, **weights)


def test_what_all_candidates_scored_is_kept(scene: Scene, feed: Feed, model: NumberReader) -> None:
    model.scored_as = 0.2
    scene.watcher.tick()
    scene.play(feed, 0, 40)
    scene.watcher._count_due = 0.0
    scene.watcher.tick()

    found = CandidateScore.objects.get()
    assert (found.camera, found.live_event, found.clip) == (feed.camera, None, None)
    assert found.score == pytest.approx(0.2)
    assert abs((found.started_at - scene.began).total_seconds() - 10) < 0.2
    assert found.height is not None
    assert not LiveEvent.objects.exists()
    assert sum(each.seconds for each in ScoredTime.objects.all()) == pytest.approx(40, abs=1)


def test_a_candidate_that_became_an_event_is_linked_to_it(scene: Scene, feed: Feed) -> None:
    scene.watcher.tick()
    scene.play(feed, 0, 40)

    event = LiveEvent.objects.get()
    found = CandidateScore.objects.get()
    assert (found.live_event, found.score) == (event, event.score)


def test_scores_that_can_not_be_written_wait(
    scene: Scene, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> int:
        raise OperationalError

    scene.watcher.tick()
    with monkeypatch.context() as patched:
        patched.setattr(candidate_scores, "record_live", busy)
        scene.play(feed, 0, 40)
    assert not CandidateScore.objects.exists()

    scene.play(feed, 40, 42)

    assert CandidateScore.objects.get().live_event == LiveEvent.objects.get()


def test_the_measure_of_the_camera_decides(scene: Scene, feed: Feed) -> None:
    made = measure(feed, low=0.8, high=0.95)
    Feed.objects.update(alerts=True)
    scene.watcher.tick()
    scene.play(feed, 0, 40)

    event = LiveEvent.objects.get()
    analysis = Analysis.objects.get()
    assert (event.is_hint, event.low, event.threshold) == (False, 0.8, 0.95)
    assert (analysis.prediction, analysis.measure) == (Prediction.UNCERTAIN, made)
    assert not scene.watcher._cameras[feed.pk].tally.events  # which its health calls hints
    assert not Alert.objects.exists()


def test_another_measure_holds_without_an_open_event_being_cut_off(
    scene: Scene, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cameras, "MEASURE_EVERY", 0.0)
    scene.watcher.tick()
    scene.play(feed, 0, 16)

    measure(feed, low=0.95, high=0.99)
    scene.watcher.tick()
    scene.play(feed, 16, 20)

    event = LiveEvent.objects.get()
    assert (event.is_open, event.is_hint, event.low) == (True, True, None)
    people = scene.watcher._cameras[feed.pk]._people
    assert people is not None
    assert (people.thresholds.low, people.thresholds.high) == (0.95, 0.99)


def test_without_the_database_the_thresholds_stay(
    scene: Scene, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr(thresholds, "of_camera", away)
    scene.watcher.tick()
    scene.play(feed, 0, 16)

    assert LiveEvent.objects.get().threshold == 0.5


# Versions of the model


class Along(NumberReader):
    """A head in the shadow scores along, a half as high."""

    shadow = ""

    def analyze(self, video: Path, **facts: Any) -> Outcome:
        found = super().analyze(video, **facts)
        tracks = tuple(
            replace(each, windows=tuple(replace(w, others=(w.score / 2,)) for w in each.windows))
            for each in found.tracks
        )
        return replace(found, tracks=tracks, shadows=(self.shadow,))


@pytest.fixture
def loaded(model: NumberReader, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The names of models that were loaded, each with those beside it."""
    found: list[tuple[str, ...]] = []

    def load(name: str, *, shadows: tuple[str, ...] = ()) -> NumberReader:
        found.append((name, *shadows))
        if not shadows:
            return model
        reader = Along(model.card, model.present)
        reader.shadow = ModelVersion.objects.get(number=2).sha256
        return reader

    monkeypatch.setattr(catalog, "load", load)
    return found


def test_a_camera_is_scored_by_the_version_that_its_store_uses_and_by_its_shadow(
    scene: Scene, feed: Feed, loaded: list[tuple[str, ...]]
) -> None:
    active, shadow = (make_version(feed.camera.store, bias=bias) for bias in (0.0, 1.0))
    versions.activate(active, store=feed.camera.store_id, model="standard", by=None)
    versions.start_shadow(shadow, by=None)
    scene.watcher.tick()
    scene.play(feed, 0, 40)
    scene.watcher._count_due = 0.0
    scene.watcher.tick()

    assert loaded == [("standard@1", "standard@2")]
    assert LiveEvent.objects.get().model == Analysis.objects.get().model == "standard@1"
    own, along = CandidateScore.objects.order_by("model")
    assert (own.model, along.model, along.model_sha256) == (
        "standard@1",
        shadow.name,
        shadow.sha256,
    )
    assert along.score == pytest.approx(own.score / 2)
    assert along.live_event == own.live_event
    seconds = dict(ScoredTime.objects.values_list("model", "seconds"))
    assert seconds["standard@1"] == pytest.approx(seconds["standard@2"])


def test_a_camera_is_read_anew_when_another_version_is_activated(
    scene: Scene, feed: Feed, loaded: list[tuple[str, ...]]
) -> None:
    make_version(feed.camera.store, bias=1.0)
    scene.watcher.tick()
    scene.play(feed, 0, 4)
    second = make_version(feed.camera.store)
    versions.activate(second, store=feed.camera.store_id, model="standard", by=None)

    scene.watcher.tick()
    scene.play(feed, 0, 4)

    assert loaded == [("standard",), ("standard@2",)]
