"""A person who is in view where one segment ends and the next begins is one person."""

from __future__ import annotations

from video_classifier.ml.contracts import Box, Span, Track
from video_classifier.ml.serving.joining import join

SHARED = Span(58.0, 60.0)


def track(start: float, end: float, *, left: float, speed: float = 0.0, step: float = 0.5) -> Track:
    """Somebody who is at `left` at 58 s, and moves to the right from there."""
    times = [start + step * number for number in range(1 + round((end - start) / step))]
    lefts = [left + speed * (time - SHARED.start) for time in times]
    return Track(
        times=tuple(times),
        boxes=tuple(Box(left=at, top=0.2, right=at + 0.1, bottom=0.8) for at in lefts),
    )


def test_who_is_in_the_same_place_in_the_shared_stretch_is_one_person() -> None:
    before = [track(0, 60, left=0.1), track(30, 60, left=0.5)]
    after = [track(58, 90, left=0.51), track(58, 70, left=0.1), track(80, 99, left=0.1)]

    assert join(before, after, SHARED) == [(0, 1), (1, 0)]


def test_nobody_is_joined_who_is_elsewhere() -> None:
    assert join([track(0, 60, left=0.1)], [track(58, 99, left=0.16)], SHARED) == []


def test_somebody_who_walks_is_followed_at_other_moments_too() -> None:
    before = [track(50, 60, left=0.2, speed=0.1)]
    after = [track(58.2, 62.2, left=0.2, speed=0.1, step=0.4)]

    assert join(before, after, SHARED) == [(0, 0)]


def test_who_left_before_the_other_came_is_not_joined() -> None:
    assert join([track(0, 58.5, left=0.1)], [track(59, 99, left=0.1)], SHARED) == []


def test_only_the_shared_stretch_counts() -> None:
    """What the earlier segment alone knows says nothing of the later one's person."""
    before = [track(0, 57.5, left=0.1)]

    assert join(before, [track(0, 57.5, left=0.1)], SHARED) == []


def test_pairs_are_those_that_fit_best_together() -> None:
    """The first fits the second's counterpart too, but then the second would have none."""
    before = [track(0, 60, left=0.10), track(0, 60, left=0.14)]
    after = [track(58, 90, left=0.12), track(58, 90, left=0.08)]

    assert join(before, after, SHARED) == [(0, 1), (1, 0)]


def test_without_people_there_are_no_pairs() -> None:
    assert join([], [track(58, 99, left=0.1)], SHARED) == []
    assert join([track(0, 60, left=0.1)], [], SHARED) == []
