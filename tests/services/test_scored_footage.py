"""What counts as a camera's ordinary footage."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeClip, MakeStore
from tests.makers.live_cameras import make_event, make_feed
from tests.makers.reviews import make_hint
from tests.makers.scored_hours import WEIGHTS, make_hour, make_score
from video_classifier.models import (
    Activation,
    Camera,
    CandidateScore,
    Clip,
    ModelVersion,
    ScoredTime,
)
from video_classifier.services import clips, planted_acts, scored_footage
from video_classifier.services.weights import Weights
from video_classifier.states import Status, Verdict

OURS = Weights(**WEIGHTS)
HOUR = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def camera(make_store: MakeStore) -> Camera:
    return Camera.objects.create(store=make_store(), name="Aisle 4")


def make_recording(camera: Camera, clip: Clip, scores: list[float], start: datetime) -> None:
    ScoredTime.objects.create(camera=camera, clip=clip, start=start, seconds=600, **WEIGHTS)
    for number, score in enumerate(scores):
        make_score(camera, start + timedelta(minutes=number), score, clip=clip).save()


def test_a_camera_that_scored_nothing_has_no_weights(camera: Camera) -> None:
    assert scored_footage.weights_of(camera) is None


def test_the_weights_are_those_that_scored_last(camera: Camera) -> None:
    make_hour(camera, HOUR, model_sha256="old")
    make_hour(camera, HOUR - timedelta(days=3))  # an old recording, analyzed later

    assert scored_footage.weights_of(camera) == OURS


def test_a_camera_with_another_model_begins_anew(make_store: MakeStore) -> None:
    feed = make_feed(make_store(), model="another")
    make_hour(feed.camera, HOUR)

    assert scored_footage.weights_of(feed.camera) is None


def test_scores_of_other_weights_are_never_mixed(camera: Camera) -> None:
    make_hour(camera, HOUR, [0.1])
    make_hour(camera, HOUR, [0.9, 0.95], model_sha256="other")
    make_hour(camera, HOUR, [0.8], detector_sha256="other")

    assert scored_footage.read(camera, OURS).scores == [0.1]


def test_hours_and_recordings_are_counted_once(camera: Camera, make_clip: MakeClip) -> None:
    make_hour(camera, HOUR, [0.1, 0.2], seconds=1800)
    make_recording(camera, make_clip(camera=camera), [0.3], HOUR)

    found = scored_footage.read(camera, OURS)

    assert (found.seconds, found.recordings) == (2400, 2)
    of = dict(zip(found.scores, found.of_recordings, strict=True))
    assert of[0.1] == of[0.2] != of[0.3]


def test_what_a_deleted_recording_scored_still_counts(camera: Camera, make_clip: MakeClip) -> None:
    clip = make_clip(camera=camera)
    make_recording(camera, clip, [0.3], HOUR)
    clips.delete(clip)

    found = scored_footage.read(camera, OURS)

    assert (found.seconds, found.scores, found.of_recordings) == (600, [0.3], [0])


def test_what_begins_at_the_end_of_an_hour_may_be_counted_in_the_next(camera: Camera) -> None:
    make_hour(camera, HOUR)
    make_score(camera, HOUR - timedelta(seconds=2), 0.4).save()

    assert scored_footage.read(camera, OURS).scores == [0.4]


def test_only_the_time_that_is_asked_for_counts(camera: Camera) -> None:
    for hours in range(3):
        make_hour(camera, HOUR + timedelta(hours=hours), [hours / 10])

    first, last = HOUR + timedelta(hours=1), HOUR + timedelta(hours=2)
    found = scored_footage.read(camera, OURS, first=first, last=last)

    assert (found.scores, found.seconds) == ([0.1], 3600)
    assert (found.first_at, found.last_at) == (first, last)


def test_what_people_confirmed_is_left_out(
    camera: Camera, make_analysis: MakeAnalysis, make_clip: MakeClip
) -> None:
    clip = make_clip(camera=camera)
    make_recording(camera, clip, [0.3, 0.9], HOUR)
    analysis = make_analysis(clip=clip, status=Status.DONE)
    confirmed = make_hint(analysis, verdict=Verdict.CONFIRMED)
    CandidateScore.objects.filter(score=0.9).update(event=confirmed)

    found = scored_footage.read(camera, OURS)

    assert (found.scores, found.confirmed) == ([0.3], 1)


@pytest.mark.parametrize("verdict", [Verdict.CONFIRMED, Verdict.MISSED])
def test_what_people_saw_of_a_live_event_is_left_out(
    make_store: MakeStore, make_clip: MakeClip, verdict: Verdict
) -> None:
    feed = make_feed(make_store())
    make_hour(feed.camera, HOUR, [0.3, 0.9])
    clip = make_clip(camera=feed.camera, verdict=verdict)
    CandidateScore.objects.filter(score=0.9).update(live_event=make_event(feed, clip=clip))

    found = scored_footage.read(feed.camera, OURS)

    assert (found.scores, found.confirmed) == ([0.3], 1)


def test_acts_for_a_test_are_left_out(camera: Camera) -> None:
    make_hour(camera, HOUR, [0.9, 0.3])
    planted_acts.plant(camera, HOUR + timedelta(seconds=3), None)

    found = scored_footage.read(camera, OURS)

    assert (found.scores, found.planted) == ([0.3], 1)


@pytest.mark.parametrize(
    ("opens", "closes", "hours"),
    [
        (None, None, 24),
        (time(8), time(20), 12),
        (time(22), time(6), 8),
        (time(8, 30), time(20, 15, 30), 11.7583),
    ],
)
def test_a_day_is_as_long_as_the_camera_is_watched(
    make_store: MakeStore, opens: time | None, closes: time | None, hours: float
) -> None:
    feed = make_feed(make_store(), opens_at=opens, closes_at=closes)

    assert scored_footage.day_seconds(feed) / 3600 == pytest.approx(hours, abs=1e-3)


def test_a_camera_that_is_not_watched_live_has_days_of_24_hours() -> None:
    assert scored_footage.day_seconds(None) == 86_400


def test_a_day_that_is_asked_for_without_footage_is_empty(camera: Camera) -> None:
    make_hour(camera, HOUR, [0.2])

    found = scored_footage.read(camera, OURS, first=timezone.now())

    assert (found.seconds, found.first_at, list(found.scores)) == (0, None, [])


# Versions that score along


def test_a_version_in_the_shadow_does_not_score_the_camera(camera: Camera) -> None:
    make_hour(camera, HOUR)
    make_hour(camera, HOUR, model="i3d_person@1", model_sha256="c" * 64, is_shadow=True)

    assert scored_footage.weights_of(camera) == OURS


@pytest.mark.parametrize("is_live", [True, False])
def test_the_version_in_use_scores_the_camera_from_its_shadow_on(
    camera: Camera, *, is_live: bool
) -> None:
    if is_live:
        camera = make_feed(camera.store, model="i3d_person").camera
    store = camera.store
    make_hour(camera, HOUR)
    make_hour(camera, HOUR, model="i3d_person@1", model_sha256="c" * 64, is_shadow=True)
    version = ModelVersion.objects.create(
        store=store, model="i3d_person", number=1, sha256="c" * 64, network_sha256="n" * 64
    )
    Activation.objects.create(store=store, model="i3d_person", version=version)

    found = scored_footage.weights_of(camera)

    assert found is not None
    assert (found.model, found.model_sha256) == ("i3d_person@1", "c" * 64)


def test_the_hour_in_which_a_version_came_into_use_is_one(camera: Camera) -> None:
    make_hour(camera, HOUR, [0.3], seconds=1200, is_shadow=True)
    make_hour(camera, HOUR, seconds=2400)

    found = scored_footage.read(camera, OURS)

    assert (found.seconds, found.recordings, found.of_recordings) == (3600, 1, [0])


# Footage that was deleted


def test_what_people_confirmed_stays_left_out_when_its_clip_is_deleted(
    camera: Camera, make_clip: MakeClip, make_analysis: MakeAnalysis
) -> None:
    clip = make_clip(camera=camera, sha256="e" * 64)
    make_recording(camera, clip, [0.3], HOUR)
    event = make_hint(
        make_analysis(clip=clip, status=Status.DONE, finished_at=HOUR), verdict=Verdict.CONFIRMED
    )
    make_score(camera, HOUR + timedelta(minutes=5), 0.97, clip=clip, event=event).save()
    make_hour(camera, HOUR + timedelta(hours=3))
    live = make_clip(camera=camera, sha256="9" * 64, verdict=Verdict.CONFIRMED)
    seen = make_event(make_feed(camera.store), clip=live)
    make_score(camera, HOUR + timedelta(hours=3, minutes=1), 0.98, live_event=seen).save()
    clips.delete(clip)
    clips.delete(live)

    found = scored_footage.read(camera, OURS)

    assert (found.confirmed, found.scores) == (2, [0.3])


def test_two_deleted_recordings_of_one_time_are_two(camera: Camera, make_clip: MakeClip) -> None:
    both = [make_clip(camera=camera, sha256=each * 64) for each in "12"]
    for clip, score in zip(both, (0.3, 0.4), strict=True):
        make_recording(camera, clip, [score], HOUR)
        clips.delete(clip)

    found = scored_footage.read(camera, OURS)

    assert (found.recordings, sorted(found.of_recordings)) == (2, [0, 1])
