"""Where somebody is at any moment, and what an outcome may say."""

from __future__ import annotations

import numpy as np
import pytest

from video_classifier.ml.contracts import (
    SLACK,
    Box,
    Outcome,
    Prediction,
    Sample,
    ScoredTrack,
    Track,
)

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


# Outcomes


def scored(score: float) -> ScoredTrack:
    return ScoredTrack(
        track=Track(times=(0.0,), boxes=(START,)),
        score=score,
        images=np.zeros((1, 8, 8, 3), np.uint8),
        times=(0.0,),
    )


def outcome(*scores: float, score: float | None = 0.7, decided_by: int | None = None) -> Outcome:
    return Outcome(
        prediction=None if score is None else Prediction(score=score, threshold=0.5),
        no_result="Nobody was found." if score is None else "",
        sample=Sample(images=np.zeros((1, 8, 8, 3), np.uint8), times=(0.0,), length=1.0),
        seconds_reading=0.1,
        seconds_classifying=0.1,
        tracks=tuple(map(scored, scores)),
        decided_by=decided_by,
    )


def test_the_track_that_decides_has_the_score_of_the_clip() -> None:
    decider = outcome(0.2, 0.7, decided_by=2).decider

    assert decider is not None
    assert decider.score == 0.7


def test_without_tracks_none_decides() -> None:
    assert outcome().decider is None
    assert outcome(score=None).decider is None


@pytest.mark.parametrize(
    ("scores", "score", "decided_by"),
    [
        ((0.2, 0.7), 0.7, None),  # one of them must have decided
        ((0.2, 0.7), 0.7, 1),  # not the score of that one
        ((0.2, 0.7), 0.7, 3),  # there is no such track
        ((0.2, 0.7), 0.7, 0),  # they count from 1
        ((), 0.7, 1),
        ((0.2,), None, None),  # nothing is scored without a result
    ],
)
def test_an_outcome_does_not_contradict_itself(
    scores: tuple[float, ...], score: float | None, decided_by: int | None
) -> None:
    with pytest.raises(ValueError, match="track"):
        outcome(*scores, score=score, decided_by=decided_by)


def test_a_hint_points_at_an_event_and_anything_else_at_none() -> None:
    (event,) = outcome().events

    assert (event.start, event.end, event.track, event.score) == (0.0, 1.0, None, 0.7)
    assert outcome(score=0.4).events == ()
    assert outcome(score=None).events == ()
