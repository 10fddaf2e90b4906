"""What of a camera's footage scored how much is kept, of recordings and of what is watched live."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from tests.conftest import FakePredictor, MakeClip, MakeStore, followed, later, make_segment
from tests.makers.live_cameras import make_event, make_feed
from tests.makers.measures import WEIGHTS, make_score
from video_classifier.ml.contracts import Region, ScoredTrack, WindowScore
from video_classifier.ml.serving import no_result
from video_classifier.models import Analysis, Camera, CandidateScore, Clip, ScoredTime, Segment
from video_classifier.services import candidate_scores, clips, segments
from video_classifier.services.candidate_scores import LiveCandidate
from video_classifier.services.live_hints import Yardstick
from video_classifier.services.scored_footage import KEEP
from video_classifier.services.weights import Weights
from video_classifier.states import Origin, RecordedFrom

BEGAN = datetime(2026, 11, 26, 14, 30, tzinfo=UTC)
SHA = "f" * 64
YARDSTICK = Yardstick(
    model="standard",
    model_sha256=SHA,
    detector_sha256="d" * 64,
    threshold=0.5,
    view=Region.PERSON,
)
LIVE = Weights(model="standard", model_sha256=SHA, detector_sha256="d" * 64)


@pytest.fixture
def camera(make_store: MakeStore) -> Camera:
    return Camera.objects.create(store=make_store(), name="Till")


@pytest.fixture
def clip(make_clip: MakeClip, camera: Camera) -> Clip:
    return make_clip(
        camera=camera, duration=60.0, recorded_at=BEGAN, recorded_from=RecordedFrom.GIVEN
    )


def analyzed(clip: Clip, predictor: FakePredictor, **fields: Any) -> Analysis:
    analysis = Analysis.objects.create(clip=clip, model="standard", **fields)
    make_segment(analysis)
    return run(analysis, predictor)


def run(analysis: Analysis, *predictors: FakePredictor) -> Analysis:
    for each in predictors:
        segment = segments.claim_next(worker="one")
        assert segment is not None
        segments.run(segment, predictor=each)
    analysis.refresh_from_db()
    return analysis


def two(first: float, second: float) -> FakePredictor:
    tracks: tuple[ScoredTrack, ...] = (followed(first, since=1.0), followed(second, since=31.0))
    return FakePredictor(tracks=tracks)


# Recordings


def test_all_candidates_of_a_recording_are_kept_those_below_the_threshold_too(clip: Clip) -> None:
    analysis = analyzed(clip, two(0.2, 0.8))

    low, high = CandidateScore.objects.order_by("started_at")
    assert (low.score, low.event) == (0.2, None)
    assert (high.score, high.event) == (0.8, analysis.events.get())
    assert low.started_at == BEGAN + timedelta(seconds=1)
    assert high.ended_at == BEGAN + timedelta(seconds=32)
    assert (high.clip, high.camera, high.live_event) == (clip, clip.camera, None)
    assert (high.model, high.model_sha256, high.detector_sha256) == ("standard", SHA, "d" * 64)


def test_it_is_noted_how_much_was_scored(clip: Clip) -> None:
    analyzed(clip, two(0.2, 0.8))

    time = ScoredTime.objects.get()
    assert (time.clip, time.start, time.seconds, time.is_live) == (clip, BEGAN, 60.0, False)


def test_a_recording_without_a_time_counts_with_the_one_of_its_upload(
    make_clip: MakeClip, camera: Camera
) -> None:
    clip = make_clip(camera=camera)

    analyzed(clip, FakePredictor(0.2))

    assert ScoredTime.objects.get().start == clip.uploaded_at
    assert CandidateScore.objects.get().started_at == clip.uploaded_at


def test_where_nobody_is_was_looked_too(clip: Clip) -> None:
    analyzed(clip, FakePredictor(no_result=no_result.NOBODY))

    assert ScoredTime.objects.get().seconds == 60.0
    assert not CandidateScore.objects.exists()


def test_what_could_not_be_judged_was_not_scored(clip: Clip) -> None:
    analyzed(clip, FakePredictor(no_result="It is black."))

    assert not ScoredTime.objects.exists()


def test_segments_that_failed_were_not_scored(clip: Clip) -> None:
    analysis = Analysis.objects.create(clip=clip, model="standard")
    make_segment(analysis, end=40.0)
    make_segment(analysis, number=2, start=40.0, end=60.0)

    run(analysis, FakePredictor(0.2), FakePredictor(error=RuntimeError()))

    assert ScoredTime.objects.get().seconds == 40.0


def test_another_analysis_with_the_same_weights_replaces_them(clip: Clip) -> None:
    analyzed(clip, two(0.2, 0.8))
    again = analyzed(clip, two(0.3, 0.8))

    assert list(CandidateScore.objects.order_by("score").values_list("score", flat=True)) == [
        0.3,
        0.8,
    ]
    assert CandidateScore.objects.get(score=0.8).event == again.events.get()
    assert ScoredTime.objects.count() == 1


def test_the_same_file_of_the_same_camera_counts_once(make_clip: MakeClip, clip: Clip) -> None:
    analyzed(clip, FakePredictor(0.2))
    twin = make_clip(camera=clip.camera)

    analyzed(twin, FakePredictor(0.2))

    assert CandidateScore.objects.get().clip == twin
    assert ScoredTime.objects.get().clip == twin


def test_scores_of_other_weights_stay(clip: Clip) -> None:
    analyzed(clip, FakePredictor(0.2))
    CandidateScore.objects.update(model_sha256="0" * 64)

    analyzed(clip, FakePredictor(0.3))

    assert CandidateScore.objects.count() == 2


@pytest.mark.parametrize("origin", [Origin.EVENT, Origin.SAMPLE])
def test_clips_that_were_cut_from_a_live_camera_are_not_counted_again(
    clip: Clip, origin: Origin
) -> None:
    Clip.objects.update(origin=origin)
    clip.refresh_from_db()

    analyzed(clip, FakePredictor(0.2))

    assert not CandidateScore.objects.exists()
    assert not ScoredTime.objects.exists()


def test_clips_of_no_camera_are_not_counted(make_clip: MakeClip) -> None:
    analyzed(make_clip(), FakePredictor(0.2))

    assert not CandidateScore.objects.exists()


def test_scores_outlive_their_clip(clip: Clip) -> None:
    analyzed(clip, two(0.2, 0.8))

    clips.delete(clip)

    assert CandidateScore.objects.filter(clip=None, event=None).count() == 2
    assert ScoredTime.objects.get().clip is None


def test_a_deleted_file_that_is_uploaded_again_counts_once(
    make_clip: MakeClip, make_store: MakeStore, clip: Clip
) -> None:
    analyzed(clip, FakePredictor(0.2))
    twin, elsewhere = make_clip(camera=clip.camera), make_clip()
    elsewhere.camera = Camera.objects.create(store=clip.store, name="Door")
    elsewhere.save()
    clips.delete(clip)

    for each in (elsewhere, twin):
        analyzed(each, FakePredictor(0.2))

    assert {each.clip for each in CandidateScore.objects.all()} == {twin, elsewhere}
    assert {each.clip for each in ScoredTime.objects.all()} == {twin, elsewhere}


def test_a_clip_of_a_live_camera_that_was_downloaded_and_uploaded_is_not_counted(
    make_clip: MakeClip, clip: Clip
) -> None:
    make_clip(camera=clip.camera, origin=Origin.EVENT)

    analyzed(clip, FakePredictor(0.2))

    assert not ScoredTime.objects.exists()


def test_hints_are_known_as_such(clip: Clip) -> None:
    analyzed(clip, two(0.2, 0.8))

    found = CandidateScore.objects.order_by("score").values_list("is_hint", "is_shadow")
    assert list(found) == [(False, False), (True, False)]


def seen(score: float, *looks: tuple[float | None, float | None], since: float) -> ScoredTrack:
    """Somebody with a window a second, and how bright clothes and picture are in each."""
    windows = tuple(
        WindowScore(start=at, end=at + 1, score=score, clothing=clothing, light=light)
        for at, (clothing, light) in enumerate(looks, start=int(since))
    )
    return replace(followed(score, since=since), windows=windows)


def test_how_bright_clothes_and_pictures_are_is_kept_as_a_median_of_each_candidate(
    clip: Clip,
) -> None:
    dark = seen(0.2, (0.1, 0.5), (0.2, 0.6), (0.9, 0.7), since=1.0)
    twice = seen(0.8, (0.7, None), since=31.0)
    twice = replace(twice, windows=twice.windows + seen(0.3, (None, None), since=50.0).windows)

    analyzed(clip, FakePredictor(tracks=(dark, twice)))

    found = CandidateScore.objects.order_by("started_at").values_list("clothing", "light")
    assert list(found) == [(0.2, 0.6), (0.7, None), (None, None)]
    assert Segment.objects.get().appearance == {}


def test_brightness_is_that_of_the_windows_of_all_segments(clip: Clip) -> None:
    analysis = Analysis.objects.create(clip=clip, model="standard")
    make_segment(analysis, end=40.0)
    make_segment(analysis, number=2, start=40.0, end=60.0)
    first = seen(0.2, (0.1, 0.5), since=39.0)
    box = first.track.boxes[0]
    stays = replace(first.track, times=(37.0, 38.0, 39.0, 40.0, 41.0), boxes=(box,) * 5)
    first = replace(first, track=stays)
    second = replace(first, windows=seen(0.2, (0.3, 0.5), since=40.0).windows)

    run(
        analysis,
        FakePredictor(tracks=(first,)),
        FakePredictor(tracks=(later(second, by=-40.0),)),  # which it makes later by the span
    )

    assert list(CandidateScore.objects.values_list("clothing", "light")) == [(0.2, 0.5)]
    assert all(each.appearance == {} for each in Segment.objects.all())


def test_how_large_people_are_is_added_once_nothing_is_held(
    clip: Clip, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        analyzed(clip, two(0.2, 0.8))

    assert set(CandidateScore.objects.values_list("height", flat=True)) == {0.5}


@pytest.mark.parametrize(
    ("boxes", "height"),
    [([], None), ([[0, 0.1, 1, 0.4], [0, 0.2, 1, 0.3], [0, 0.0, 1, 0.5]], 0.3)],
)
def test_the_height_is_the_median(boxes: list[list[float]], height: float | None) -> None:
    assert candidate_scores.height(boxes) == height


# Live cameras


def candidate(score: float = 0.2, event: UUID | None = None) -> LiveCandidate:
    return LiveCandidate(
        start=1.0,
        end=9.0,
        score=score,
        height=0.4,
        clothing=0.3,
        light=0.6,
        live_event=event,
    )


def test_candidates_of_a_live_camera_are_kept(make_store: MakeStore) -> None:
    feed = make_feed(make_store())
    event = make_event(feed)

    written = candidate_scores.record_live(
        feed.pk, YARDSTICK, [candidate(), candidate(0.8, event.pk)], began=BEGAN
    )

    assert written == 2
    low, high = CandidateScore.objects.order_by("score")
    assert (low.score, low.live_event, low.height) == (0.2, None, 0.4)
    assert (low.clothing, low.light) == (0.3, 0.6)
    assert (low.started_at, low.ended_at) == (
        BEGAN + timedelta(seconds=1),
        BEGAN + timedelta(seconds=9),
    )
    assert (high.live_event, high.clip, high.detector_sha256) == (event, None, "d" * 64)
    assert (low.is_hint, high.is_hint) == (False, True)


def test_versions_in_the_shadow_have_the_same_candidates(camera: Camera) -> None:
    other = Weights(model="standard@1", model_sha256="0" * 64, detector_sha256="d" * 64)

    written = candidate_scores.record_live(
        camera.pk, YARDSTICK, [replace(candidate(), others=((other, 0.75),))], began=BEGAN
    )

    assert written == 2
    found = CandidateScore.objects.order_by("score").values_list(
        "model", "score", "height", "is_shadow"
    )
    assert list(found) == [("standard", 0.2, 0.4, False), ("standard@1", 0.75, 0.4, True)]


def test_a_camera_that_is_gone_has_no_scores(db: None) -> None:
    assert candidate_scores.record_live(4711, YARDSTICK, [candidate()], began=BEGAN) == 0

    candidate_scores.record_seconds(4711, LIVE, 10.0, at=BEGAN)
    assert not ScoredTime.objects.exists()


def test_seconds_add_up_by_the_hour(camera: Camera) -> None:
    for minutes, seconds in ((0, 4.0), (29, 3.0), (31, 2.0), (31, 0.0)):
        at = BEGAN + timedelta(minutes=minutes)
        candidate_scores.record_seconds(camera.pk, LIVE, seconds, at=at)

    hours = ScoredTime.objects.order_by("start").values_list("start", "seconds", "is_live")
    hour = BEGAN.replace(minute=0)
    assert list(hours) == [(hour, 7.0, True), (hour + timedelta(hours=1), 2.0, True)]


def test_seconds_of_other_weights_are_apart(camera: Camera) -> None:
    other = Weights(model="standard", model_sha256="0" * 64, detector_sha256="")
    for weights in (LIVE, other):
        candidate_scores.record_seconds(camera.pk, weights, 4.0, at=BEGAN)

    assert ScoredTime.objects.count() == 2


# How long they are kept


def test_what_is_too_long_ago_is_purged(camera: Camera) -> None:
    now = timezone.now()
    make_score(camera, started_at=now - KEEP - timedelta(minutes=1))
    kept = make_score(camera, started_at=now - KEEP + timedelta(minutes=1))
    candidate_scores.record_seconds(camera.pk, LIVE, 4.0, at=now - KEEP - timedelta(hours=2))
    candidate_scores.record_seconds(camera.pk, LIVE, 4.0, at=now)

    assert candidate_scores.purge(now=now) == 1
    assert CandidateScore.objects.get() == kept
    assert ScoredTime.objects.count() == 1


def test_an_old_recording_is_kept_as_long_as_one_of_today(clip: Clip, camera: Camera) -> None:
    now = timezone.now()
    make_score(camera, clip=clip, started_at=now - 2 * KEEP)
    ScoredTime.objects.create(
        camera=camera, clip=clip, start=now - 2 * KEEP, seconds=9.0, **WEIGHTS
    )

    assert candidate_scores.purge(now=now) == 0
    assert ScoredTime.objects.exists()
    assert candidate_scores.purge(now=now + KEEP + timedelta(minutes=1)) == 1
    assert not ScoredTime.objects.exists()
