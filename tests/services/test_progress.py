"""How far an analysis is, in seconds of its clip."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeAnalysis, MakeClip, claimed, make_segment
from video_classifier.models import Analysis, Segment
from video_classifier.services import progress
from video_classifier.states import Status


@pytest.fixture
def recording(make_analysis: MakeAnalysis, make_clip: MakeClip) -> Analysis:
    """Ten minutes: two are done, the third failed, two run, and the rest waits."""
    made = make_analysis(clip=make_clip(duration=600.0), status=Status.RUNNING)
    Segment.objects.update(end=60.0, **done(30.0))
    job = claimed(made.started_at)  # type: ignore[arg-type]
    states: list[dict[str, object]] = [
        done(90.0),
        {"status": Status.FAILED, "error": "It is torn."},
        job | {"status": Status.RUNNING},
        job | {"status": Status.RUNNING},
    ]
    states += [{"status": Status.QUEUED} for _ in range(5)]
    for number, state in enumerate(states, 2):
        make_segment(made, number=number, start=60.0 * (number - 1), end=60.0 * number, **state)
    return made


def done(seconds: float) -> dict[str, object]:
    return {
        "status": Status.DONE,
        "reason": "There is nobody.",
        "seconds_reading": seconds / 2,
        "seconds_classifying": seconds / 2,
    }


def test_it_counts_what_has_ended(
    recording: Analysis, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    recording = Analysis.objects.select_related("clip").get()

    with django_assert_num_queries(1):
        found = progress.of(recording)

    assert (found.done_seconds, found.whole_seconds) == (180.0, 600.0)
    assert (found.segments_done, found.segments, found.waiting, found.paused) == (3, 10, 5, 0)
    (failed,) = found.failed
    assert (failed.start, failed.end, failed.reason) == (120.0, 180.0, "It is torn.")


def test_the_rest_takes_as_long_as_what_is_done_by_so_many_at_once(recording: Analysis) -> None:
    assert progress.of(recording).seconds_left == 420 * (120 / 120) / 2


def test_alone_it_takes_longer(recording: Analysis) -> None:
    recording.segments.filter(number=5).update(status=Status.QUEUED)

    assert progress.of(recording).seconds_left == 420.0


def test_before_the_first_segment_is_done_nobody_knows(recording: Analysis) -> None:
    recording.segments.filter(status=Status.DONE).update(status=Status.QUEUED, reason="")

    assert progress.of(recording).seconds_left is None


def test_nobody_knows_how_long_a_pause_lasts(recording: Analysis) -> None:
    recording.status = Status.PAUSED

    assert progress.of(recording).seconds_left is None


def test_a_short_clip_is_one_segment_as_long_as_the_clip(make_analysis: MakeAnalysis) -> None:
    found = progress.of(make_analysis())

    assert (found.done_seconds, found.whole_seconds) == (0.0, 2.0)
    assert (found.segments_done, found.segments) == (0, 1)
