"""Windows come out whole and in order, and hardly more than one is held."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from video_classifier.ml.video.collecting import WindowCollector


def collected(windows: Sequence[Sequence[int]], numbers: Sequence[int]) -> list[list[int]]:
    found: list[list[int]] = []
    collector = WindowCollector[int](windows, lambda _, pictures: found.append(pictures))
    for number in numbers:
        collector.add(number, number)
    return found


@pytest.mark.parametrize(
    "windows",
    [
        [],
        [[3]],
        [[3, 3, 3]],
        [[0, 1, 2], [2, 3, 4]],
        [[0, 1, 2, 2], [3, 4, 4, 5], [4, 5, 6, 6]],
        [[0, 1], [0, 1]],
    ],
)
def test_each_window_comes_once_with_its_pictures(windows: list[list[int]]) -> None:
    numbers = sorted({number for window in windows for number in window})

    assert collected(windows, numbers) == windows


def test_a_window_of_which_a_picture_is_missing_does_not_come() -> None:
    assert collected([[0, 1], [2, 3], [4, 5]], [0, 1, 2, 4, 5]) == [[0, 1]]


def test_pictures_of_one_window_are_held_at_a_time() -> None:
    windows = [range(start, start + 16) for start in range(0, 1000, 8)]
    collector = WindowCollector[int](windows, lambda *_: None)
    most = 0

    for number in range(1008):
        collector.add(number, number)
        most = max(most, len(collector._held))

    assert most == 15  # the next one completes a window
    assert not collector._held
