"""A ring holds the newest groups of pictures of a stream, and no more than it may."""

from __future__ import annotations

import threading
from dataclasses import replace
from fractions import Fraction

import pytest

from tests.makers.streams import STARTED
from video_classifier.watching.ring import Ring, StreamFacts, StreamPacket

FACTS = StreamFacts(codec="h264", width=64, height=48, time_base=Fraction(1, 10), head=b"")


def packet(tick: int, *, key: bool = False, size: int = 10, arrived: float = -1.0) -> StreamPacket:
    when = tick / 10 if arrived < 0 else arrived
    return StreamPacket(data=bytes(size), pts=tick, dts=tick, duration=0, is_key=key, arrived=when)


def filled(ring: Ring, ticks: int, *, gop: int = 10) -> Ring:
    ring.begin(FACTS, STARTED)
    for tick in range(ticks):
        ring.add(packet(1000 + tick, key=tick % gop == 0))
    return ring


def ticks(ring: Ring, start: float, end: float, stretch: int | None = None) -> list[int]:
    excerpt = ring.between(start, end, stretch)
    return [each.pts - 1000 for each in excerpt.packets] if excerpt else []


def test_takes_whole_groups_of_the_newest_seconds() -> None:
    excerpt = filled(Ring(60, 10_000), 45).newest(1.7)

    assert excerpt is not None
    assert [each.pts for each in excerpt.packets] == list(range(1020, 1045))
    assert (excerpt.start, excerpt.end) == (2.0, 4.5)
    assert (excerpt.stretch, excerpt.started_at) == (1, STARTED)


def test_takes_what_there_is_if_more_is_asked_for() -> None:
    excerpt = filled(Ring(60, 10_000), 15).newest(100)

    assert excerpt is not None
    assert (excerpt.start, len(excerpt.packets)) == (0.0, 15)


def test_has_nothing_before_the_first_keyframe() -> None:
    ring = Ring(60, 10_000)
    ring.begin(FACTS, STARTED)

    assert not ring.add(packet(1))
    assert ring.newest(10) is None
    assert ring.between(0, 10) is None


def test_takes_between_two_moments_from_the_keyframe_before() -> None:
    assert ticks(filled(Ring(60, 10_000), 45), 1.5, 2.3) == list(range(10, 24))


def test_gives_nothing_of_a_moment_that_is_still_to_come() -> None:
    excerpt = filled(Ring(60, 10_000), 20).between(5, 6)

    assert excerpt is not None
    assert excerpt.start == 1.0


def test_keeps_the_picture_that_a_wanted_one_builds_on() -> None:
    ring = Ring(60, 10_000)
    ring.begin(FACTS, STARTED)
    for tick in (0, 3, 1, 2, 6, 4, 5):  # I P B B P B B
        ring.add(packet(1000 + tick, key=tick == 0))

    assert ticks(ring, 0, 0.2) == [0, 3, 1, 2]


def test_leaves_out_pictures_that_build_on_a_group_before() -> None:
    ring = Ring(60, 10_000)
    ring.begin(FACTS, STARTED)
    for tick in (0, 1, 2, 5, 3, 4, 6):  # 5 is a keyframe, 3 and 4 build on 2, too
        ring.add(packet(1000 + tick, key=tick in {0, 5}))

    assert ticks(ring, 0.5, 1) == [5, 6]
    assert ticks(ring, 0, 1) == [0, 1, 2, 5, 3, 4, 6]


def test_drops_whole_groups_once_the_rest_is_long_enough() -> None:
    ring = filled(Ring(2, 10_000), 45)

    assert ticks(ring, 0, 9) == list(range(20, 45))


def test_holds_no_more_bytes_than_it_may() -> None:
    ring = Ring(60, 250)
    ring.begin(FACTS, STARTED)
    for tick in range(100):
        ring.add(packet(1000 + tick, key=tick % 10 == 0))
        assert ring.held_bytes <= 250

    assert ticks(ring, 0, 99) == list(range(80, 100))


@pytest.mark.parametrize("bounds", [(1.5, 10_000), (60, 155)])
def test_cuts_off_a_group_that_is_too_large_by_itself(bounds: tuple[float, int]) -> None:
    ring = Ring(*bounds)
    ring.begin(FACTS, STARTED)

    kept = [ring.add(packet(1000 + tick, key=tick == 0)) for tick in range(40)]

    assert kept[0]
    assert not any(kept[16:])
    assert ring.held_bytes == 0
    assert ring.newest(10) is None
    assert ring.add(packet(1040, key=True))
    assert ticks(ring, 0, 99) == [40]


def test_counts_seconds_anew_in_a_new_stretch_and_keeps_the_old_one() -> None:
    ring = filled(Ring(60, 10_000), 20)
    later = replace(FACTS, width=32)

    assert ring.begin(later, STARTED) == 2
    assert ring.newest(5) is None
    assert not ring.add(packet(5, arrived=2.0))
    ring.add(packet(7, key=True, arrived=2.1))

    excerpt = ring.newest(5)
    assert excerpt is not None
    assert (excerpt.stretch, excerpt.start, excerpt.facts) == (2, 0.0, later)
    assert ticks(ring, 0, 9, stretch=1) == list(range(20))


def test_may_be_asked_while_it_is_filled() -> None:
    ring, failures = Ring(2, 10_000), []
    ring.begin(FACTS, STARTED)

    def ask() -> None:
        for _ in range(300):
            excerpt = ring.newest(1)
            if excerpt and not excerpt.packets[0].is_key:
                failures.append(excerpt)

    asking = threading.Thread(target=ask)
    asking.start()
    for tick in range(3000):
        ring.add(packet(1000 + tick, key=tick % 7 == 0))
    asking.join()

    assert not failures
