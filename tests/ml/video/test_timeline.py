"""Times are exact, and what to decode follows from the order in which pictures are sent."""

from __future__ import annotations

import time
from fractions import Fraction
from math import ceil

import numpy as np
import pytest

from video_classifier.ml.video import timeline
from video_classifier.ml.video.timeline import PacketEntry, Run, Timeline

TENTH = Fraction(1, 10)


def entry(pts: int, dts: int, *, is_key: bool = False) -> PacketEntry:
    return PacketEntry(
        pts=pts, dts=dts, duration=1, is_key=is_key, is_hidden=False, is_corrupt=False
    )


def test_a_moment_on_the_edge_shows_the_frame_that_comes_up() -> None:
    shown = Timeline(ticks=range(32), end=32, time_base=TENTH)

    assert shown.uniform_indices(16) == list(range(1, 32, 2))


def test_regular_pictures_end_with_the_clip() -> None:
    shown = Timeline(ticks=range(100), end=100, time_base=TENTH)

    assert shown.indices_at_rate(5) == list(range(0, 100, 2))


def test_frames_that_claim_one_moment_follow_each_other() -> None:
    shown = Timeline(ticks=[5, 5, 5, 9], end=10, time_base=TENTH)

    assert list(shown.distinct_ticks()) == [0, 1, 2, 4]


def test_a_clock_that_was_set_back_is_taken_to_have_gone_on() -> None:
    shown = timeline.from_decoded([50, 51, 52, 0, 1], duration=1, time_base=TENTH)

    assert list(shown.ticks) == [50, 51, 52, 53, 54]


def test_packets_whose_clock_was_set_back_tell_no_timeline() -> None:
    entries = [entry(50, 50, is_key=True), entry(51, 51), entry(0, 0, is_key=True)]

    assert timeline.from_packets(entries, TENTH) is None


def test_pictures_before_the_first_keyframe_are_not_counted_on() -> None:
    entries = [entry(3, 0), entry(6, 1, is_key=True), entry(4, 2), entry(7, 3)]

    told = timeline.from_packets(entries, TENTH)

    assert told is not None
    assert list(told.ticks) == [6, 7]


def test_pictures_sent_after_a_keyframe_and_shown_before_it_need_the_one_before() -> None:
    entries = [entry(0, 0, is_key=True), entry(1, 1), entry(3, 2, is_key=True), entry(2, 3)]

    assert timeline.runs(entries, {2}) == [Run(0, 3)]
    assert timeline.runs(entries, {3}) == [Run(2, 2)]
    assert timeline.runs(entries, {2, 3}) == [Run(0, 3)]


def with_pause(seconds: int, *, each: int = 50) -> Timeline:
    """Ten pictures a second, `each` of them before and after a pause."""
    ticks = [*range(each), *range(each + 10 * seconds, 2 * each + 10 * seconds)]
    return Timeline(ticks=ticks, end=ticks[-1] + 1, time_base=TENTH)


@pytest.mark.parametrize("seconds", [5, 600, 100_000, 2_000_000_000])
def test_moments_are_spread_over_what_was_recorded(seconds: int) -> None:
    shown = with_pause(seconds)

    assert shown.length == pytest.approx(10)
    assert shown.uniform_indices(10) == list(range(5, 100, 10))
    assert shown.indices_at_rate(5) == list(range(0, 100, 2))


def test_a_second_of_the_clip_counts_pauses() -> None:
    shown = with_pause(600)

    assert shown.seconds(49) == pytest.approx(4.9)
    assert shown.seconds(50) == pytest.approx(605)
    assert shown.uniform_indices(2, start=300, end=607) == [55, 65]
    assert shown.uniform_indices_among(range(100), 2, start=300) == [62, 87]


def test_a_clock_that_was_set_forward_goes_on_after_some_seconds() -> None:
    shown = with_pause(2_000_000_000)

    (pause,) = shown.pauses(shown)

    assert shown.seconds(50) == pytest.approx(9.9)
    assert shown.uniform_indices(1, start=9, end=11) == [55]
    assert pause.is_jump
    assert (pause.after, pause.seconds) == pytest.approx((4.9, 2e9))
    assert list(shown.distinct_ticks())[49:52] == [49, 99, 100]


def test_a_time_lapse_does_not_pause() -> None:
    shown = Timeline(ticks=range(0, 20 * 600, 600), end=20 * 600, time_base=TENTH)

    assert list(shown.pauses(shown)) == []
    assert shown.length == 1200
    assert shown.uniform_indices(20) == list(range(20))


def test_what_was_sent_and_lost_is_no_pause() -> None:
    sent = Timeline(ticks=range(100), end=100, time_base=TENTH)
    shown = Timeline(ticks=[*range(20), *range(80, 100)], end=100, time_base=TENTH)

    assert list(shown.pauses(sent)) == []
    assert timeline.seconds_lost(sent, shown, least=0.5) == pytest.approx(6.1)


@pytest.mark.parametrize("apart", [1, 30, 39, 40, 600, 20_000_000_000])
def test_no_list_is_much_longer_than_the_pictures_are_many(apart: int) -> None:
    count = 10_000
    shown = Timeline(ticks=range(0, count * apart, apart), end=count * apart, time_base=TENTH)

    assert len(shown.indices_at_rate(50)) <= count
    assert len(shown.repeated_indices_at_rate(50)) <= 10 * count


def test_a_picture_is_repeated_as_long_as_it_is_shown() -> None:
    shown = Timeline(ticks=[0, 1, 5, 6], end=8, time_base=TENTH)

    assert shown.repeated_indices_at_rate(10) == [0, 1, 1, 1, 1, 2, 3, 3]
    assert shown.indices_at_rate(10) == [0, 1, 2, 3]


@pytest.mark.parametrize("rate", [0.3, 7, 10, 24, 60])
def test_regular_pictures_are_those_on_screen(rate: float) -> None:
    ticks = np.random.default_rng(3).integers(0, 300, 200)
    shown = Timeline(ticks=np.sort(ticks).tolist(), end=301, time_base=Fraction(1, 30))
    since = [(tick - shown.ticks[0]) / 30 for tick in shown.ticks]

    expected = [
        max(n for n, second in enumerate(since) if second <= moment / rate)
        for moment in range(ceil(shown.length * rate))
    ]

    assert shown.repeated_indices_at_rate(rate) == expected
    assert shown.indices_at_rate(rate) == sorted(set(expected))


def test_a_last_picture_is_shown_as_long_as_others() -> None:
    assert timeline.end_of(range(30), 480_000, TENTH) == 30
    assert timeline.end_of([0], 480_000, TENTH) == 40  # four seconds, as there are no others
    assert timeline.end_of([0], 10, TENTH) == 10


def test_stamps_beyond_reason_are_none() -> None:
    entries = timeline.PacketEntries()

    entries.append(entry(2**62, -(2**63)))
    entries.append(entry(7, 5, is_key=True))

    assert (entries[0].pts, entries[0].dts) == (None, None)
    assert list(entries)[1] == entry(7, 5, is_key=True)


def test_a_clock_that_is_set_back_again_and_again_does_not_overflow() -> None:
    told = [0, 2**59] * 40

    shown = timeline.from_decoded(told, duration=2**59, time_base=TENTH)

    assert len(shown.ticks) == 80
    assert shown.length < 400
    assert shown.seconds(79) < 600


def test_keyframes_shown_backwards_are_looked_up_quickly() -> None:
    count = 100_000
    entries = [entry(2 * count - number, number, is_key=True) for number in range(count)]

    start = time.process_time()
    found = timeline.runs(entries, range(2 * count + 1))

    assert len(found) == count
    assert time.process_time() - start < 5


def test_stretches_have_the_same_time_recorded_and_leave_pauses_out() -> None:
    ticks = [*range(300), *range(36_300, 36_700)]  # 30 s, an hour, 40 s
    shown = Timeline(ticks=ticks, end=36_700, time_base=TENTH)

    found = shown.stretches(each=10, least=5)

    starts = [0.0, 10.0, 20.0, 3630.0, 3639.9, 3649.9, 3659.9]  # the pause is as any interval
    assert [start for start, _ in found] == pytest.approx(starts, abs=0.11)
    assert [end - start for start, end in found] == pytest.approx([10.0] * 7, abs=0.2)
    for start, end in found:
        within = [
            shown.seconds(number) for number in shown.uniform_indices(4, start=start, end=end)
        ]
        assert start <= within[0] < within[-1] < end


@pytest.mark.parametrize(("length", "count"), [(3, 1), (5, 1), (15, 2), (14, 1), (101, 10)])
def test_a_short_rest_belongs_to_the_stretch_before(length: int, count: int) -> None:
    shown = Timeline(ticks=range(10 * length), end=10 * length, time_base=TENTH)

    found = shown.stretches(each=10, least=5)

    assert len(found) == count
    assert (found[0][0], found[-1][1]) == (0.0, length)
