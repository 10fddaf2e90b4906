"""Where somebody who was followed is at any moment."""

from __future__ import annotations

import pytest

from video_classifier.ml.contracts import SLACK, Box, Track

START = Box(left=0.0, top=0.2, right=0.1, bottom=0.6)
END = Box(left=0.4, top=0.2, right=0.7, bottom=0.8)


@pytest.fixture
def track() -> Track:
    """Stands for a second, then walks for two."""
    return Track(times=(1.0, 2.0, 4.0), boxes=(START, START, END))


def test_between_two_boxes_somebody_moves_evenly(track: Track) -> None:
    box = track.at(3.0)

    assert box is not None
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((0.2, 0.2, 0.4, 0.7))
    assert track.at(1.5) == START


def test_before_and_after_nobody_is_there(track: Track) -> None:
    assert track.at(0.9) is None
    assert track.at(4.1) is None


def test_a_rounded_moment_is_still_the_first_or_last(track: Track) -> None:
    assert track.at(1.0 - SLACK / 2) == START
    assert track.at(4.0 + SLACK / 2) == END
