"""Boxes of one person become one track, whatever the detector missed or made of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.makers.crowd import Way, between, standing, walking
from video_classifier.ml.contracts import Box, Track
from video_classifier.ml.persons import overlap, tracking
from video_classifier.ml.persons.detector import Detections

STEP = 0.25
TIMES = tuple(np.arange(0, 6, STEP).tolist())
SURE, FAINT, HARDLY = 0.8, 0.3, 0.1

Scored = tuple[Box, float]


def found(*scored: Scored) -> Detections:
    boxes = [(box.left, box.top, box.right, box.bottom) for box, _ in scored]
    return Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array([score for _, score in scored], np.float32),
    )


def seen(*ways: Way, times: Sequence[float] = TIMES) -> list[Detections]:
    """What a perfect detector tells of those who go these ways."""
    return [found(*((box, SURE) for way in ways if (box := way(time)))) for time in times]


def link(detections: Sequence[Detections], times: Sequence[float] = TIMES) -> tuple[Track, ...]:
    return tracking.track(times, detections, threshold=0.5)


def center(track: Track, second: float) -> float:
    boxes = overlap.corners(track)
    return float(np.interp(second, track.times, boxes[:, [0, 2]].mean(axis=1)))


def test_nobody_makes_no_track() -> None:
    assert link(seen()) == ()


def test_who_walks_is_one_person_all_the_way() -> None:
    (track,) = link(seen(walking(0.1, speed=0.1)))

    assert track.times == TIMES
    assert [center(track, second) for second in (1, 3, 5)] == pytest.approx(
        [0.25, 0.45, 0.65], abs=1e-4
    )


@pytest.mark.parametrize("step", [STEP, 1 / 3, 0.5])
def test_who_leaves_their_own_box_from_picture_to_picture_is_still_one(step: float) -> None:
    times, speed = tuple(np.arange(0, 12, step).tolist()), 0.1025 / step

    (track,) = link(seen(walking(0.0, speed=speed, width=0.1), times=times), times)

    assert track.times[0] == 0
    assert track.times[-1] == pytest.approx(1 / speed, abs=2 * step)


@pytest.mark.parametrize("step", [STEP, 1 / 3, 0.5])
def test_two_who_pass_each_other_go_on(step: float) -> None:
    times = tuple(np.arange(0, 6, step).tolist())
    ways = walking(0.1, speed=0.1), walking(0.7, speed=-0.1)

    one, other = sorted(link(seen(*ways, times=times), times), key=lambda track: center(track, 0))

    assert {one.times, other.times} == {times}
    assert center(one, 5.5) > center(other, 5.5)


def test_who_comes_late_and_leaves_early_is_in_view_only_then() -> None:
    (track,) = link(seen(between(standing(0.4), 1.5, 4.0)))

    assert (track.times[0], track.times[-1]) == (1.5, 3.75)


def test_they_are_told_in_the_order_of_appearance() -> None:
    late, early = between(standing(0.1), 3, 6), between(standing(0.8), 1, 6)

    first, second = link(seen(late, early))

    assert (center(first, 4), center(second, 4)) == pytest.approx((0.85, 0.15))


def test_a_short_gap_is_filled() -> None:
    detections = seen(walking(0.05, speed=0.15))
    detections[8:11] = [found()] * 3

    (track,) = link(detections)

    assert track.times == TIMES
    assert center(track, TIMES[9]) == pytest.approx(0.1 + 0.15 * TIMES[9], abs=0.01)


def test_who_is_gone_for_long_comes_back_as_somebody_else() -> None:
    detections = seen(standing(0.4))
    detections[8:14] = [found()] * 6

    assert len(link(detections)) == 2


def test_a_faint_box_carries_a_track_on_and_starts_none() -> None:
    box, elsewhere = standing(0.4)(0.0), standing(0.1)(0.0)
    assert box
    assert elsewhere
    detections = [found((box, FAINT), (elsewhere, FAINT)) for _ in TIMES]
    detections[0] = detections[1] = found((box, SURE))

    (track,) = link(detections)

    assert track.times == TIMES
    assert center(track, 3) == pytest.approx(0.45)


def test_what_is_hardly_there_carries_nothing_on() -> None:
    box = standing(0.4)(0.0)
    assert box

    (track,) = link([found((box, SURE if time < 2 else HARDLY)) for time in TIMES])

    assert track.times[-1] == 1.75


@pytest.mark.parametrize("step", [0.1, STEP])
def test_who_flashes_up_is_left_out(step: float) -> None:
    times = tuple(np.arange(0, 3, step).tolist())

    assert link(seen(between(standing(0.4), 1, 1.25), times=times), times) == ()


@pytest.mark.parametrize("times", [(0.0,), (0.0, 0.1)])
def test_in_a_clip_of_a_moment_whoever_is_there_counts(times: tuple[float, ...]) -> None:
    (track,) = link(seen(standing(0.4), times=times), times)

    assert track.times == times


def test_half_a_person_takes_over_nothing() -> None:
    whole, left, right = (
        Box(left=left, top=0.2, right=right, bottom=0.8)
        for left, right in ((0.4, 0.6), (0.4, 0.53), (0.48, 0.61))
    )
    detections = [found((whole, SURE)) for _ in TIMES]
    for number in (5, 10, 11, 17):
        detections[number] = found((right, 0.82), (left, SURE))

    longest = max(link(detections), key=tracking.prominence)

    assert longest.times == TIMES


def test_a_part_of_a_person_is_no_person() -> None:
    upper_body = standing(0.42, top=0.2, width=0.16, height=0.3)

    (track,) = link(seen(standing(0.4, width=0.2), upper_body))

    assert track.boxes[5].bottom == pytest.approx(0.8)


def test_who_stands_in_the_background_is_a_person() -> None:
    far_away = standing(0.45, top=0.3, width=0.05, height=0.15)

    assert len(link(seen(standing(0.3, width=0.3), far_away))) == 2


def test_a_double_in_a_mirror_is_a_person_too() -> None:
    assert len(link(seen(walking(0.1, speed=0.05), walking(0.8, speed=-0.05)))) == 2


def test_twenty_people_are_twenty() -> None:
    rows = [
        standing(0.05 + 0.09 * n, top=t, width=0.06, height=0.35)
        for n in range(10)
        for t in (0.1, 0.5)
    ]

    assert len(link(seen(*rows))) == 20


def test_boxes_stay_within_the_picture() -> None:
    (track,) = link(seen(walking(0.6, speed=0.15, width=0.2)))

    edges = overlap.corners(track)
    assert edges.min() >= 0
    assert edges.max() <= 1


def test_boxes_that_tremble_are_smoothed() -> None:
    random = np.random.default_rng(1)
    left = 0.4 + random.uniform(-0.03, 0.03, len(TIMES))

    (track,) = link([found((Box(left=x, top=0.2, right=x + 0.1, bottom=0.8), SURE)) for x in left])

    smooth = overlap.corners(track)[:, 0]
    assert np.abs(np.diff(smooth)).mean() < np.abs(np.diff(left)).mean() / 2


def test_steps_of_uneven_length_are_smoothed_by_the_time_they_took() -> None:
    steps = np.random.default_rng(1).choice([0.05, 0.25, 0.5], 30)
    times = tuple((np.cumsum(steps) - steps[0]).tolist())

    (track,) = link(seen(walking(0.0, speed=0.05), times=times), times)

    expected = [0.05 + 0.05 * time for time in times]
    assert [center(track, time) for time in times] == pytest.approx(expected, abs=1e-4)


def test_steps_that_differ_by_a_frame_count_as_even() -> None:
    even = np.arange(20) / 4
    rounded = np.floor(even * 30) / 30  # 0.233 or 0.267 s apart
    lines = np.random.default_rng(1).uniform(size=(20, 4))

    smooth = tracking.smoothed(lines, rounded, step=0.25, over=0.8)

    np.testing.assert_array_equal(smooth, tracking.smoothed(lines, even, step=0.25, over=0.8))


@pytest.mark.parametrize("count", [3, 5, 6, 40])
def test_boxes_are_smoothed_as_scipy_does_it(count: int) -> None:
    from scipy.signal import savgol_filter

    lines = np.random.default_rng(count).uniform(size=(count, 4))

    smooth = tracking.smoothed(lines, np.arange(count) / 10, step=0.1, over=0.5)

    expected = savgol_filter(lines, min(5, count), polyorder=1, axis=0)
    np.testing.assert_allclose(smooth, expected, atol=1e-12)


@pytest.mark.parametrize("step", [0.1, 0.2, 0.25, 1 / 3, 0.4, 0.5, 0.7, 1.0])
def test_who_walks_is_one_person_at_any_rate(step: float) -> None:
    times = tuple(np.arange(0, 6, step).tolist())

    (track,) = link(seen(walking(0.1, speed=0.1), times=times), times)

    assert track.times == times


def test_nobody_is_followed_through_pictures_that_are_too_far_apart() -> None:
    times = tuple(np.arange(0, 30, 1.2).tolist())

    assert link(seen(standing(0.4), times=times), times) == ()


def test_nobody_is_followed_over_a_pause() -> None:
    times = [*np.arange(0, 5, 0.5).tolist(), *np.arange(605, 610, 0.5).tolist()]

    one, other = link(seen(walking(0.1, speed=0.001), times=times), times)

    assert (one.times[-1], other.times[0]) == (4.5, 605)


def test_who_is_longer_and_larger_in_view_is_more_prominent() -> None:
    large, brief, small = link(
        seen(standing(0.1, width=0.2), between(standing(0.4, width=0.2), 0, 2), standing(0.8))
    )

    assert tracking.prominence(large) > tracking.prominence(small)
    assert tracking.prominence(large) > tracking.prominence(brief)
