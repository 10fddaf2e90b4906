"""Who is who over the borders of segments, and which of their windows count."""

from __future__ import annotations

import pytest

from video_classifier.ml.contracts import Box, Span, Track, WindowScore
from video_classifier.services import following
from video_classifier.services.following import Piece


def standing(left: float, *, since: float, until: float) -> Track:
    """Somebody who stays where they are, looked at twice a second."""
    times = tuple(since + 0.5 * n for n in range(round(2 * (until - since)) + 1))
    box = Box(left=left, top=0.2, right=left + 0.2, bottom=0.8)
    return Track(times=times, boxes=(box,) * len(times))


def walking(start: float, end: float, *, since: float, until: float) -> Track:
    """Somebody who goes from one place to another, evenly."""
    times = tuple(since + 0.25 * n for n in range(round(4 * (until - since)) + 1))
    way = [start + (end - start) * (time - since) / (until - since) for time in times]
    return Track(
        times=times,
        boxes=tuple(Box(left=left, top=0.2, right=left + 0.2, bottom=0.8) for left in way),
    )


def piece(number: int, *tracks: Track) -> Piece:
    """A minute."""
    return Piece(span=Span(60.0 * (number - 1), 60.0 * number), tracks=tracks)


def test_who_stands_over_three_segments_is_one() -> None:
    pieces = [
        piece(1, standing(0.1, since=20, until=60)),
        piece(2, standing(0.1, since=58, until=120)),
        piece(3, standing(0.1, since=118, until=130)),
    ]

    assert following.numbers(pieces) == [(1,), (1,), (1,)]


def test_two_who_cross_at_the_border_stay_who_they_are() -> None:
    """They meet at 59 s, in the middle of the stretch that both segments looked at."""
    pieces = [
        piece(
            1,
            walking(0.0, 0.7, since=57, until=60),
            walking(0.7, 0.0, since=57, until=60),
        ),
        piece(
            2,
            walking(0.7 * (2 / 3), 0.0, since=58, until=60),
            walking(0.7 * (1 / 3), 0.7, since=58, until=60),
        ),
    ]

    assert following.numbers(pieces) == [(1, 2), (2, 1)]


def test_who_comes_into_view_later_is_somebody_else() -> None:
    pieces = [
        piece(1, standing(0.1, since=0, until=30)),
        piece(2, standing(0.1, since=70, until=80)),
    ]

    assert following.numbers(pieces) == [(1,), (2,)]


def test_nobody_is_followed_over_a_segment_that_failed() -> None:
    pieces = [
        piece(1, standing(0.1, since=0, until=60)),
        piece(3, standing(0.1, since=118, until=180)),
    ]

    assert following.numbers(pieces) == [(1,), (2,)]


def test_nobody_is_followed_over_a_break_in_the_recording() -> None:
    later = Piece(span=Span(600.0, 660.0), tracks=(standing(0.1, since=598, until=610),))

    assert following.numbers([piece(1, standing(0.1, since=0, until=60)), later]) == [(1,), (2,)]


def test_numbers_are_in_order_of_appearance_in_the_clip() -> None:
    pieces = [
        piece(1, standing(0.1, since=10, until=20), standing(0.5, since=59.5, until=60)),
        piece(2, standing(0.1, since=58.5, until=70), standing(0.5, since=59.5, until=100)),
    ]

    assert following.numbers(pieces) == [(1, 3), (2, 3)]


def test_a_piece_without_anybody_ends_all_tracks() -> None:
    pieces = [piece(1, standing(0.1, since=0, until=60)), piece(2), piece(3)]

    assert following.numbers(pieces) == [(1,), (), ()]


def test_only_what_is_near_a_border_is_kept_of_a_track() -> None:
    track = standing(0.1, since=58, until=120)

    near = following.near_borders(track.times, Span(60.0, 120.0))

    kept = Track(
        times=tuple(track.times[at] for at in near), boxes=tuple(track.boxes[at] for at in near)
    )
    assert kept.times == tuple(time for time in track.times if time <= 62 or time >= 116)
    pieces = [piece(2, kept), piece(3, standing(0.1, since=118, until=130))]
    assert following.numbers(pieces) == [(1,), (1,)]


def test_only_the_last_piece_is_kept_in_memory() -> None:
    import gc
    import weakref

    alive: list[weakref.ref[Piece]] = []
    most = 0

    def pieces() -> object:
        nonlocal most
        for number in range(1, 6):
            made = WeakPiece(
                span=Span(60.0 * (number - 1), 60.0 * number),
                tracks=(standing(0.1, since=60.0 * number - 62 + 2, until=60.0 * number),),
            )
            alive.append(weakref.ref(made))
            yield made
            del made
            gc.collect()
            most = max(most, sum(each() is not None for each in alive))

    following.numbers(pieces())  # type: ignore[arg-type]

    assert most == 1


class WeakPiece(Piece):
    """One that can be watched."""

    __slots__ = ("__weakref__",)


# Windows


def windows(*spans: tuple[float, float]) -> list[WindowScore]:
    return [WindowScore(start=start, end=end, score=0.5) for start, end in spans]


def test_in_the_shared_stretch_the_later_row_holds() -> None:
    before = windows((56, 58), (57, 59), (58, 60))
    after = windows((57.5, 59.5), (58.5, 60.5))

    found = following.windows([before, after])

    assert [(row, each.start) for row, each in found] == [
        (0, 56),
        (0, 57),
        (1, 57.5),
        (1, 58.5),
    ]


def test_the_same_window_counts_once() -> None:
    both = windows((58, 60))

    assert [row for row, _ in following.windows([both, both])] == [1]


@pytest.mark.parametrize("rows", [[[]], [[], []], []])
def test_no_windows_are_none(rows: list[list[WindowScore]]) -> None:
    assert following.windows(rows) == []


def test_a_row_without_windows_leaves_the_others() -> None:
    found = following.windows([windows((0, 2)), [], windows((120, 122))])

    assert [row for row, _ in found] == [0, 2]
