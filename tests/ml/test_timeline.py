"""Times are exact, and what to decode follows from the order in which pictures are sent."""

from __future__ import annotations

from fractions import Fraction

from video_classifier.ml import timeline
from video_classifier.ml.timeline import Entry, Run, Timeline

TENTH = Fraction(1, 10)


def entry(pts: int, dts: int, *, is_key: bool = False) -> Entry:
    return Entry(pts=pts, dts=dts, duration=1, is_key=is_key, is_hidden=False, is_corrupt=False)


def test_a_moment_on_the_edge_shows_the_frame_that_comes_up() -> None:
    shown = Timeline(ticks=range(32), end=32, time_base=TENTH)

    assert shown.evenly(16) == list(range(1, 32, 2))


def test_regular_pictures_end_with_the_clip() -> None:
    shown = Timeline(ticks=range(100), end=100, time_base=TENTH)

    assert shown.regularly(5) == list(range(0, 100, 2))


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
