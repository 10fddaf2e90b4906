"""Scores of many tracks over hours become one line, and no peak is lost on the way."""

from __future__ import annotations

from itertools import pairwise
from time import process_time

import numpy as np
import pytest

from video_classifier.ml.contracts import WindowScore
from video_classifier.web.envelope import envelope
from video_classifier.web.levels import levels


def window(start: float, score: float, length: float = 2.0) -> WindowScore:
    return WindowScore(start=start, end=start + length, score=score)


def run(*scores: float, since: float = 0.0) -> list[WindowScore]:
    """A window a second."""
    return [window(since + at, score) for at, score in enumerate(scores)]


def test_without_windows_there_is_no_line() -> None:
    assert envelope([], 0.0, 60.0) == ()
    assert envelope([(1, [])], 0.0, 60.0) == ()


@pytest.mark.parametrize("place", [0.0, 1234.5, 21_597.9])
def test_a_single_high_window_in_six_hours_is_on_the_line(place: float) -> None:
    low = [window(3.0 * n, 0.1) for n in range(7000)]

    found = envelope([(1, low), (2, [window(place, 0.9)])], 0.0, 21_600.0)

    highest = max(found, key=lambda level: level.score)
    assert (highest.score, highest.number) == (0.9, 2)
    assert highest.start <= place + 1 <= highest.end + 36


def test_the_number_of_values_is_bounded_whatever_the_length() -> None:
    for hours in (1, 6, 24):
        every = [(1, [window(2.0 * n, n % 97 / 97) for n in range(1800 * hours)])]
        assert 500 < len(envelope(every, 0.0, 3600.0 * hours)) <= 600


def test_levels_follow_each_other_and_leave_out_where_nobody_is() -> None:
    found = envelope([(1, run(0.5, 0.6)), (1, run(0.7, since=50.0))], 0.0, 60.0, columns=60)

    assert all(before.end <= after.start for before, after in pairwise(found))
    assert [(level.start, level.end, level.score) for level in found] == [
        (0.0, 1.0, 0.5),
        (1.0, 3.0, 0.6),
        (50.0, 52.0, 0.7),
    ]


def test_close_up_it_is_drawn_as_the_line_of_one_track() -> None:
    windows = run(0.2, 0.5, 0.9, 0.3)

    found = envelope([(1, windows)], 0.0, 5.0, columns=500)

    exact = levels(windows)
    assert [level.score for level in found] == [level.score for level in exact]
    assert [level.start for level in found] == pytest.approx([level.start for level in exact])


def test_of_equal_ones_the_first_is_named() -> None:
    found = envelope([(1, [window(5.0, 0.5)]), (2, [window(4.0, 0.5)])], 0.0, 60.0, columns=6)

    assert [level.number for level in found] == [2]


def test_what_lies_beside_the_stretch_is_left_out() -> None:
    windows = run(*[0.5] * 100)

    found = envelope([(1, windows)], 40.0, 50.0)

    assert found[0].start == 40.0
    assert found[-1].end == pytest.approx(50.0)


def test_the_keyboard_stops_where_the_window_begins() -> None:
    (level,) = envelope([(1, [window(100.0, 0.5)])], 0.0, 3600.0, columns=60)

    assert (level.start, level.stop) == (60.0, 100.0)


def test_a_hundred_thousand_windows_are_reduced_at_once() -> None:
    random = np.random.default_rng(0)
    starts = np.sort(random.uniform(0, 21_000, (4000, 25)), axis=1)
    every = [
        (number, [window(float(start), float(number % 100) / 100) for start in row])
        for number, row in enumerate(starts, 1)
    ]
    began = process_time()

    found = envelope(every, 0.0, 21_600.0)

    assert len(found) <= 600
    assert process_time() - began < 2.0
