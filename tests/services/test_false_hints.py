"""False hints of a camera a day, and what of planted acts was noticed."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeClip, MakeStore
from tests.makers.live_cameras import make_event, make_feed
from tests.makers.reviews import make_hint, mark_missed
from tests.makers.scored_hours import WEIGHTS, make_hour, make_score
from video_classifier.models import Camera, CandidateScore, Clip, Feed, ScoredTime
from video_classifier.services import clips, false_hints, planted_acts
from video_classifier.services.false_hints import Found
from video_classifier.services.weights import Weights
from video_classifier.states import RecordedFrom, Status, Verdict

NOW = timezone.now()
HOUR = (NOW - timedelta(days=2)).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    return make_feed(make_store(), opens_at=time(8), closes_at=time(20))


@pytest.fixture
def camera(feed: Feed) -> Camera:
    return feed.camera


def see(feed: Feed, at: datetime, clip: Clip | None = None, **fields: Any) -> CandidateScore:
    """Something that became a live event."""
    ago = (NOW - at).total_seconds()
    row = make_score(
        feed.camera, at, 0.93, live_event=make_event(feed, ago=ago, clip=clip, **fields)
    )
    row.save()
    return row


def found(camera: Camera) -> Found:
    return false_hints.of_camera(camera, Weights(**WEIGHTS), now=NOW)


def test_of_a_camera_that_scored_nothing_no_rate_is_known(camera: Camera) -> None:
    hints = found(camera).hints

    assert (hints.seconds, hints.rate, hints.most_rate) == (0, None, None)


def test_no_false_hint_at_all_is_no_rate_of_zero(feed: Feed) -> None:
    for hours in range(24):
        make_hour(feed.camera, HOUR + timedelta(hours=hours))

    rate = found(feed.camera).hints.rate

    assert rate is not None
    assert rate.sentence == "0 in 2.0 days: fewer than 1.8 a day (95 %)"


def test_answers_to_the_clips_of_live_events_count(feed: Feed, make_clip: MakeClip) -> None:
    for hours in range(6):
        make_hour(feed.camera, HOUR + timedelta(hours=hours))
    verdicts = (Verdict.FALSE_ALARM, Verdict.CONFIRMED, Verdict.DISPUTED, "")
    for minutes, verdict in enumerate(verdicts):
        clip = make_clip(camera=feed.camera, verdict=verdict)
        see(feed, HOUR + timedelta(minutes=minutes), clip)
    see(feed, HOUR + timedelta(minutes=9))  # without a clip nobody can answer it

    hints = found(feed.camera).hints

    assert (hints.false_alarms, hints.confirmed, hints.open, hints.most) == (1, 1, 3, 4)
    assert (hints.days, hints.recordings) == (0.5, 6)


def test_answers_to_events_of_recordings_count(
    camera: Camera, make_analysis: MakeAnalysis, make_clip: MakeClip
) -> None:
    make_hour(camera, HOUR)
    analysis = make_analysis(clip=make_clip(camera=camera), status=Status.DONE)
    hint = make_hint(analysis, verdict=Verdict.FALSE_ALARM)
    make_score(camera, HOUR, 0.9, event=hint).save()

    assert found(camera).hints.false_alarms == 1


def test_an_hour_that_was_watched_live_and_recorded_as_well_counts_once(
    feed: Feed, make_clip: MakeClip
) -> None:
    """A recorder's file of two hours, of which one was watched; and one whose time is unknown."""
    camera, later = feed.camera, HOUR + timedelta(hours=1)
    make_hour(camera, HOUR)
    see(feed, HOUR + timedelta(minutes=10))
    known, unknown = (
        make_clip(camera=camera, recorded_at=HOUR, recorded_from=RecordedFrom.GIVEN),
        make_clip(camera=camera),
    )
    for clip, seconds in ((known, 7200.0), (unknown, 600.0)):
        ScoredTime.objects.create(camera=camera, clip=clip, start=HOUR, seconds=seconds, **WEIGHTS)
    of_clip = {"is_hint": True, "verdict": Verdict.FALSE_ALARM}
    for at, clip in ((HOUR, known), (later, known), (HOUR, unknown)):
        make_score(camera, at + timedelta(minutes=10), 0.9, clip=clip, **of_clip).save()

    hints = found(camera).hints

    assert hints.seconds == 2 * 3600 + 600
    assert (hints.recordings, hints.false_alarms, hints.open) == (3, 2, 1)


def test_a_recording_of_nothing_but_hours_that_were_watched_is_in_no_figure(
    feed: Feed, make_clip: MakeClip
) -> None:
    make_hour(feed.camera, HOUR)
    clip = make_clip(camera=feed.camera, recorded_at=HOUR, recorded_from=RecordedFrom.GIVEN)
    ScoredTime.objects.create(camera=feed.camera, clip=clip, start=HOUR, seconds=3600.0, **WEIGHTS)

    assert (found(feed.camera).hints.seconds, found(feed.camera).hints.recordings) == (3600, 1)


def test_uncertain_events_are_no_hints(feed: Feed) -> None:
    make_hour(feed.camera, HOUR)
    see(feed, HOUR, is_hint=False, score=0.7, low=0.5)

    assert found(feed.camera).hints.most == 0


def test_what_other_weights_scored_does_not_count(feed: Feed) -> None:
    make_hour(feed.camera, HOUR, model_sha256="old")
    see(feed, HOUR)
    make_hour(feed.camera, HOUR + timedelta(hours=1))
    CandidateScore.objects.update(model_sha256="old")

    hints = found(feed.camera).hints

    assert (hints.most, hints.seconds) == (0, 3600)


def test_hints_of_planted_acts_are_not_false(feed: Feed) -> None:
    make_hour(feed.camera, HOUR)
    see(feed, HOUR + timedelta(minutes=5))
    planted_acts.plant(feed.camera, HOUR + timedelta(minutes=5), None)

    what = found(feed.camera)

    assert what.hints.most == 0
    assert (what.planted.acts, what.planted.as_hints) == (1, 1)


def test_acts_are_noticed_as_hints_as_uncertain_or_not_at_all(feed: Feed) -> None:
    make_hour(feed.camera, HOUR)
    see(feed, HOUR + timedelta(minutes=5))
    see(feed, HOUR + timedelta(minutes=15), is_hint=False, score=0.7, low=0.5)
    for minutes in (5, 15, 25, 90):  # the last one when nothing was scored
        planted_acts.plant(feed.camera, HOUR + timedelta(minutes=minutes), None)

    planted = found(feed.camera).planted

    assert (planted.acts, planted.as_hints, planted.as_uncertain) == (3, 1, 1)
    assert planted.not_scored == 1
    assert planted.recall is not None
    assert planted.recall.value == pytest.approx(1 / 3)


def test_without_acts_the_recall_is_not_known(camera: Camera) -> None:
    make_hour(camera, HOUR)

    assert found(camera).planted.recall is None


def test_declared_misses_bound_the_recall_from_above(
    feed: Feed, make_analysis: MakeAnalysis, make_clip: MakeClip
) -> None:
    make_hour(feed.camera, HOUR)
    clip = make_clip(camera=feed.camera, verdict=Verdict.CONFIRMED)
    see(feed, HOUR, clip)
    analysis = make_analysis(
        clip=clip, status=Status.DONE, model=WEIGHTS["model"], finished_at=HOUR
    )
    for start in (1.0, 1.5, 30.0):  # the first two are the same stretch
        mark_missed(analysis, start, start + 2)

    what = found(feed.camera)

    assert what.misses == 2
    assert what.most_recall is not None
    assert what.most_recall.value == pytest.approx(1 / 3)


def test_without_declared_misses_nothing_is_said_of_the_recall(camera: Camera) -> None:
    make_hour(camera, HOUR)

    assert found(camera).most_recall is None


def test_what_is_too_long_ago_does_not_count(feed: Feed) -> None:
    make_hour(feed.camera, HOUR)
    make_hour(feed.camera, NOW - timedelta(days=29), [0.5])

    assert found(feed.camera).hints.seconds == 3600


# What became of the footage since


def test_a_false_alarm_stays_one_when_its_clip_is_deleted(feed: Feed, make_clip: MakeClip) -> None:
    make_hour(feed.camera, HOUR)
    clip = make_clip(camera=feed.camera, verdict=Verdict.FALSE_ALARM)
    see(feed, HOUR, clip)
    clips.delete(clip)

    hints = found(feed.camera).hints

    assert (hints.false_alarms, hints.open) == (1, 0)


def test_so_does_one_of_a_recording(
    feed: Feed, make_clip: MakeClip, make_analysis: MakeAnalysis
) -> None:
    clip = make_clip(camera=feed.camera)
    ScoredTime.objects.create(camera=feed.camera, clip=clip, start=HOUR, seconds=600, **WEIGHTS)
    analysis = make_analysis(clip=clip, status=Status.DONE, finished_at=HOUR)
    event = make_hint(analysis, verdict=Verdict.FALSE_ALARM)
    make_score(feed.camera, HOUR, 0.97, clip=clip, event=event, is_hint=True).save()
    clips.delete(clip)

    hints = found(feed.camera).hints

    assert (hints.false_alarms, hints.seconds) == (1, 600)


def test_what_began_before_the_time_counts_neither_by_its_length_nor_by_its_hints(
    feed: Feed,
) -> None:
    make_hour(feed.camera, HOUR)
    began = (NOW - false_hints.LOOKED_BACK).replace(minute=0, second=0, microsecond=0)
    make_hour(feed.camera, began, seconds=3600)
    see(feed, NOW - false_hints.LOOKED_BACK + timedelta(seconds=1))

    hints = found(feed.camera).hints

    assert (hints.most, hints.recordings) == (0, 1)


def test_what_a_version_scored_along_is_neither_time_nor_hint_of_it(
    feed: Feed, make_clip: MakeClip
) -> None:
    """It decided nothing then: hints of its own would have been others."""
    make_hour(feed.camera, HOUR, is_shadow=True)
    row = see(feed, HOUR, make_clip(camera=feed.camera, verdict=Verdict.FALSE_ALARM))
    CandidateScore.objects.filter(pk=row.pk).update(is_shadow=True)

    hints = found(feed.camera).hints

    assert (hints.seconds, hints.most) == (0, 0)
