"""Scores of windows become event candidates by one rule, and a clip's score is its best one's."""

from __future__ import annotations

from weakref import WeakSet

import numpy as np
import pytest

from video_classifier.ml.contracts import WindowScore
from video_classifier.ml.serving import events
from video_classifier.ml.serving.events import Decision


def windows(*scores: float, since: float = 0.0, seconds: float = 2.0) -> list[WindowScore]:
    """One that begins every second."""
    return [
        WindowScore(start=since + n, end=since + n + seconds, score=score)
        for n, score in enumerate(scores)
    ]


def test_windows_that_overlap_are_one_candidate() -> None:
    (found,) = events.candidates(windows(0.1, 0.9, 0.3), best=1, track=4)

    assert (found.start, found.end, found.peak) == (0.0, 4.0, 2.0)
    assert (found.score, found.track) == (0.9, 4)


@pytest.mark.parametrize(("best", "score"), [(1, 0.9), (2, 0.7), (3, 0.5), (4, 0.5), (1000, 0.5)])
def test_its_score_is_the_mean_of_its_best_windows(best: int, score: float) -> None:
    (found,) = events.candidates(windows(0.1, 0.9, 0.5), best=best)

    assert found.score == pytest.approx(score)


def test_the_score_of_a_single_window_is_exact() -> None:
    odd = 0.1 + 0.2

    assert events.candidates(windows(odd), best=3)[0].score == odd


@pytest.mark.parametrize(("gap", "count"), [(0.0, 1), (9.9, 1), (10.0, 1), (10.1, 2), (3600, 2)])
def test_a_gap_of_more_than_ten_seconds_begins_another(gap: float, count: int) -> None:
    late = windows(0.4, since=2.3 + gap)

    found = events.candidates(windows(0.8, since=0.3) + late, best=2)

    assert len(found) == count
    assert found[0].score == pytest.approx(0.6 if count == 1 else 0.8)


def test_a_long_window_bridges_those_within_it() -> None:
    long = WindowScore(start=0.0, end=20.0, score=0.1)

    assert (
        len(events.candidates([long, *windows(0.5, since=1), *windows(0.5, since=29)], best=1)) == 1
    )


def test_the_order_in_which_windows_come_does_not_matter() -> None:
    found = windows(0.1, 0.9, 0.3) + windows(0.7, since=60)

    assert events.candidates(found[::-1], best=2) == events.candidates(found, best=2)


def test_of_equal_windows_the_first_is_the_peak() -> None:
    assert events.candidates(windows(0.5, 0.5), best=1)[0].peak == 1.0


def test_without_windows_there_is_no_candidate_and_no_score() -> None:
    assert events.candidates([], best=1) == ()
    none = np.array([])
    with pytest.raises(ValueError, match="without windows"):
        events.clip_score(none, none.astype(np.intp), none, none, best=1)


@pytest.mark.parametrize("best", [1, 2])
def test_the_best_window_of_the_best_candidate_decides(best: int) -> None:
    """Of a single high window, and of several a little lower, the number of best ones chooses."""
    decision = Decision[str](best=best)
    for name, window in zip(
        ("low", "high", "lower", "good", "better", "last"),
        [*windows(0.1, 0.9, 0.2), *windows(0.7, 0.8, since=60), *windows(0.3, since=120)],
        strict=True,
    ):
        decision.add(window, name)

    assert decision.pictures == ("high" if best == 1 else "better")
    assert [each.start for each in decision.candidates(3)] == [0.0, 60.0, 120.0]
    assert len(decision.windows) == 6


def test_of_equal_windows_and_candidates_the_first_decides() -> None:
    decision = Decision[float](best=1)
    for window in (*windows(0.5, 0.5), *windows(0.5, since=60)):
        decision.add(window, window.start)

    assert decision.pictures == 0.0


def test_without_a_window_nothing_decides() -> None:
    with pytest.raises(ValueError, match="no window"):
        _ = Decision[str](best=1).pictures


def test_pictures_of_two_windows_are_kept_however_many_there_are() -> None:
    random = np.random.default_rng(0)
    decision, kept = Decision[Kept](best=2), WeakSet[Kept]()
    for number, score in enumerate(random.random(200).tolist()):
        pictures = Kept()
        kept.add(pictures)
        decision.add(windows(score, since=7.0 * number + 24 * (number // 5))[0], pictures)
        del pictures

        assert len(kept) <= 2

    highest = max(each.score for each in decision.candidates())
    assert highest > 0.5
    assert len(decision.candidates()) == 40


class Kept:
    pass


@pytest.mark.parametrize("seed", range(20))
def test_the_score_of_a_clip_is_its_best_candidates(seed: int) -> None:
    random = np.random.default_rng(seed)
    starts = random.uniform(0, 200, 30)
    scores, tracks, best = random.random(30), random.integers(1, 4, 30), int(random.integers(1, 5))

    score = events.clip_score(scores, tracks, starts, starts + 2, best=best)

    found = [
        candidate
        for track in (1, 2, 3)
        for candidate in events.candidates(
            [
                WindowScore(start=start, end=start + 2, score=each)
                for start, each in zip(
                    starts[tracks == track], scores[tracks == track], strict=True
                )
            ],
            best=best,
        )
    ]
    assert len(found) > 3
    assert score == max(each.score for each in found)


def test_a_run_of_two_minutes_is_one_candidate() -> None:
    (found,) = events.candidates(windows(*[0.5] * 119), best=1)

    assert (found.start, found.end) == (0, 120)


def test_a_longer_run_is_cut_where_it_scores_lowest() -> None:
    scores = [0.6] * 150
    scores[4], scores[40], scores[90] = 0.0, 0.2, 0.9

    found = events.candidates(windows(*scores), best=1)

    assert [(each.start, each.end, each.score) for each in found] == [(0, 41, 0.6), (40, 151, 0.9)]


def test_parts_that_are_still_too_long_are_cut_again() -> None:
    """Of equal windows in the middle."""
    found = events.candidates(windows(*[0.5] * 600), best=1)

    assert all(10 <= each.end - each.start <= 120 for each in found)
    assert [each.start for each in found] == pytest.approx(np.linspace(0, 600, 9)[:-1], abs=3)


def test_a_slope_is_cut_into_parts_of_ten_seconds_or_more() -> None:
    found = events.candidates(windows(*np.linspace(0, 1, 7200).tolist()), best=1)

    assert all(10 <= each.end - each.start <= 120 for each in found)


def test_a_single_long_window_stays_whole() -> None:
    (found,) = events.candidates(windows(0.5, seconds=600), best=1)

    assert found.end == 600


@pytest.mark.parametrize("best", [1, 10])
def test_a_clips_score_is_that_of_its_best_candidate_where_runs_are_cut(best: int) -> None:
    random = np.random.default_rng(best)
    for _ in range(20):
        found = windows(*random.random(400).tolist())
        scores, starts, ends = (
            np.array([getattr(each, name) for each in found]) for name in ("score", "start", "end")
        )

        score = events.clip_score(scores, np.zeros(400, np.intp), starts, ends, best=best)

        assert score == max(each.score for each in events.candidates(found, best=best))
        decision = Decision[float](best=best)
        for each in found:
            decision.add(each, each.score)
        assert decision.pictures == max(scores)
