"""Where somebody is at any moment, and what an outcome may say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.conftest import as_candidate, followed
from video_classifier.ml.contracts import (
    SLACK,
    Box,
    ClipSpec,
    EventCandidate,
    Outcome,
    Prediction,
    Region,
    Sample,
    Track,
    WindowScore,
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


# Shapes of windows


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ({"rate": -1.0}, "not -1"),
        ({"rate": float("nan")}, "not nan"),
        ({"rate": 9.0}, "0 to 8 pictures a second, not 9"),
        ({"min_difference": float("nan")}, "no frame differs"),
        ({"view": Region.FRAME, "rate": 8.0}, "of a person, not of whole frames"),
    ],
)
def test_no_window_has_an_impossible_shape(shape: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ClipSpec(**{"view": Region.PERSON} | shape)


@pytest.mark.parametrize(
    ("start", "end", "score"),
    [(2.0, 1.0, 0.5), (float("nan"), 1.0, 0.5), (0.0, float("inf"), 0.5)]
    + [(0.0, 1.0, score) for score in (-0.1, 1.1, float("nan"))],
)
def test_a_window_has_a_stretch_and_a_score(start: float, end: float, score: float) -> None:
    with pytest.raises(ValueError, match="window"):
        WindowScore(start=start, end=end, score=score)


@pytest.mark.parametrize("look", [{"clothing": 1.1}, {"light": float("nan")}])
def test_a_brightness_is_from_0_to_1(look: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="brightness"):
        WindowScore(start=0.0, end=1.0, score=0.5, **look)


# Outcomes


def candidate(score: float, track: int | None = None, *, start: float = 0.0) -> EventCandidate:
    return as_candidate(WindowScore(start=start, end=start + 1, score=score), track)


def outcome(score: float | None = 0.7, threshold: float = 0.5, **fields: Any) -> Outcome:
    usual = {
        "prediction": None if score is None else Prediction(score=score, threshold=threshold),
        "no_result": "Nobody was found." if score is None else "",
        "sample": Sample(images=np.zeros((1, 8, 8, 3), np.uint8), times=(0.0,), length=1.0),
        "seconds_reading": 0.1,
        "seconds_classifying": 0.1,
    }
    return Outcome(**usual | fields)


def of_tracks(*scores: float, score: float, **fields: Any) -> Outcome:
    candidates = tuple(candidate(each, number) for number, each in enumerate(scores, 1))
    tracks = tuple(map(followed, scores))
    return outcome(score, **{"tracks": tracks, "candidates": candidates} | fields)


def test_the_track_of_the_best_candidate_decides() -> None:
    found = of_tracks(0.2, 0.7, score=0.7)

    assert found.decided_by == 2
    assert found.decider is found.tracks[1]


def test_without_tracks_none_decides() -> None:
    for found in (outcome(candidates=(candidate(0.7),)), outcome(None)):
        assert found.decided_by is None
        assert found.decider is None


@pytest.mark.parametrize(
    "made",
    [
        lambda: outcome(candidates=()),  # a score of nothing
        lambda: outcome(0.6, candidates=(candidate(0.7),)),
        lambda: outcome(candidates=(candidate(0.7), candidate(0.8, start=20))),
        lambda: outcome(None, candidates=(candidate(0.7),)),  # nothing is scored without a result
        lambda: outcome(None, tracks=(followed(0.2),)),
        lambda: outcome(None, windows=(WindowScore(start=0.0, end=1.0, score=0.2),)),
        lambda: outcome(candidates=(candidate(0.7),), no_result="Nobody was found."),
        lambda: outcome(candidates=(candidate(0.7, 1),)),  # there is no such track
        lambda: of_tracks(0.7, score=0.7, candidates=(candidate(0.7, 2),)),
        lambda: of_tracks(0.7, score=0.7, candidates=(candidate(0.7),)),
        lambda: of_tracks(0.7, 0.7, score=0.7, candidates=(candidate(0.7, 1),)),
        lambda: of_tracks(0.2, score=0.7, candidates=(candidate(0.7, 1),)),
        lambda: of_tracks(0.7, score=0.7, windows=followed(0.7).windows),
    ],
)
def test_an_outcome_does_not_contradict_itself(made: Callable[[], Outcome]) -> None:
    with pytest.raises(ValueError, match=r"candidate|track|reason"):
        made()


def test_a_clip_is_a_hint_exactly_when_it_has_an_event() -> None:
    found = (candidate(0.5), candidate(0.7, start=20), candidate(0.4, start=40))

    assert outcome(candidates=found).events == found[:2]
    assert outcome(0.7, 0.71, candidates=found).events == ()
    assert outcome(None).events == ()
