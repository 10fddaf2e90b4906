"""Window scores as a line of steps."""

from __future__ import annotations

import pytest

from video_classifier.ml.contracts import WindowScore
from video_classifier.web.levels import Level, leading, levels, path


def window(start: float, end: float, score: float = 0.5) -> WindowScore:
    return WindowScore(start=start, end=end, score=score)


def stretches(*windows: WindowScore) -> list[tuple[float, float]]:
    return [(level.start, level.end) for level in levels(windows)]


def test_overlapping_windows_share_the_time_halfway_between_their_middles() -> None:
    found = stretches(window(0, 2), window(1, 3), window(2, 4))

    assert found == [(0, 1.5), (1.5, 2.5), (2.5, 4)]


def test_windows_in_a_row_leave_no_gap_between_their_pictures() -> None:
    assert stretches(window(0, 9.6), window(10, 19.6)) == [(0, 9.8), (9.8, 19.6)]


def test_a_longer_pause_is_a_gap() -> None:
    assert stretches(window(0, 2), window(5, 7)) == [(0, 2), (5, 7)]


def test_windows_of_the_same_time_give_no_level_without_length() -> None:
    assert stretches(window(0, 2), window(0, 2), window(1, 3)) == [(0, 1), (1, 1.5), (1.5, 3)]


def test_each_moment_belongs_to_one_level() -> None:
    drawn = levels([window(0, 2), window(1, 3)])

    assert [level.holds(1.5) for level in drawn] == [False, True]


def test_a_path_goes_up_with_the_score_and_lifts_the_pen_over_a_gap() -> None:
    drawn = levels([window(0, 2, 0.0), window(1, 3, 1.0), window(6, 8, 0.25)])

    assert path(drawn, 8) == "M0 100H187.5V0H375M750 75H1000"


@pytest.mark.parametrize(("score", "top"), [(0.0, "M0 100"), (1.0, "M0 0")])
def test_the_ends_of_the_scale_are_the_edges(score: float, top: str) -> None:
    assert path(levels([window(0, 2, score)]), 2).startswith(top)


def scores(drawn: list[Level]) -> list[float]:
    return [level.score for level in drawn]


def test_a_single_line_leads_all_the_time() -> None:
    line = levels([window(0, 2, 0.1), window(1, 3, 0.7), window(2, 4, 0.3)])

    assert scores(list(leading(line))) == [0.1, 0.7, 0.3]


def test_a_level_below_another_line_does_not_lead() -> None:
    high = levels([window(0, 2, 0.9), window(1, 3, 0.2)])
    low = levels([window(0, 2, 0.5), window(1, 3, 0.5), window(2, 4, 0.1)])

    assert scores(list(leading([*high, *low]))) == [0.9, 0.5, 0.1]


def test_after_a_line_has_ended_another_leads() -> None:
    short, long = levels([window(0, 1, 0.9)]), levels([window(0, 10, 0.4)])

    assert scores(list(leading([*short, *long]))) == [0.9, 0.4]
