"""What of a recording has no scores, and why."""

from __future__ import annotations

import pytest

from tests.conftest import MakeAnalysis, MakeClip
from tests.makers import recordings
from video_classifier.models import Analysis, Segment
from video_classifier.services import gaps
from video_classifier.services.gaps import CANCELLED, NOT_RECORDED, Gap
from video_classifier.states import Status

BROKE, DARK = "It broke.", "The camera was in the dark."


@pytest.fixture
def recording(make_clip: MakeClip) -> Analysis:
    return recordings.analyzed(
        make_clip(duration=600.0), minutes=10, failed={2: BROKE, 3: BROKE}, nobody={7, 8}
    )


def change(number: int, **fields: object) -> None:
    Segment.objects.filter(number=number).update(**fields)


def test_failed_segments_in_a_row_are_one_gap(recording: Analysis) -> None:
    found = gaps.of(recording)

    assert found.gaps == (Gap(start=60.0, end=180.0, reason=BROKE),)
    assert (found.length, found.recorded, found.is_long) == (600.0, 600.0, True)


def test_a_break_of_the_recording_is_a_gap_and_nothing_that_is_missing(
    recording: Analysis,
) -> None:
    Segment.objects.filter(number=5).delete()

    found = gaps.of(recording)

    assert found.gaps[-1] == Gap(start=240.0, end=300.0, reason=NOT_RECORDED)
    assert [gap.reason for gap in found.missing] == [BROKE]
    assert found.recorded == 540.0


def test_where_nobody_is_there_is_no_gap(recording: Analysis) -> None:
    found = gaps.of(recording)

    assert found.nobody == 120.0
    assert not found.has_nobody


def test_where_nothing_could_be_seen_there_is_a_gap_with_the_reason(recording: Analysis) -> None:
    change(9, score=None, reason=DARK)

    assert gaps.of(recording).gaps[-1] == Gap(start=480.0, end=540.0, reason=DARK)


def test_what_was_cancelled_was_not_looked_at(recording: Analysis) -> None:
    change(10, status=Status.CANCELLED, score=None, threshold=None, end=None)

    assert gaps.of(recording).gaps[-1] == Gap(start=540.0, end=600.0, reason=CANCELLED)


@pytest.mark.parametrize(("failed", "empty"), [({}, True), ({3: BROKE}, True)])
def test_a_recording_without_anybody_is_known_to_be_one(
    make_clip: MakeClip, failed: dict[int, str], *, empty: bool
) -> None:
    nobody = {1, 2, 3, 4} - set(failed)
    made = recordings.analyzed(make_clip(duration=240.0), minutes=4, nobody=nobody, failed=failed)

    assert gaps.of(made).has_nobody is empty


def test_a_short_clip_is_of_one_piece(make_analysis: MakeAnalysis) -> None:
    found = gaps.of(make_analysis(status=Status.DONE))

    assert (found.is_long, found.gaps, found.nobody) == (False, (), 0)
