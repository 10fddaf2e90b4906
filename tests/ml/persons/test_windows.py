"""Windows of a track show movement in real time, whatever the frame rate of the file."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.makers import crowd
from tests.makers.crowd import Spotter, Way, between, standing, walking
from video_classifier.ml.contracts import Box, ClipSpec, Region, Sample, Track, Window
from video_classifier.ml.persons import finder, windows
from video_classifier.ml.video.reel import Reel

MOVEMENT = ClipSpec(frames=16, height=32, width=32, view=Region.PERSON, rate=8.0)
SPREAD = ClipSpec(frames=4, height=32, width=32, view=Region.PERSON)
SOMEWHERE = Box(left=0.4, top=0.2, right=0.5, bottom=0.8)


def track(first: float, last: float) -> Track:
    return Track(times=(first, last), boxes=(SOMEWHERE, SOMEWHERE))


def eighths(seconds: float) -> list[float]:
    return [number / 8 for number in range(round(seconds * 8))]


# Where they are


@pytest.mark.parametrize(
    ("moments", "starts"),
    [
        (1, (0,)),
        (15, (0,)),
        (16, (0,)),
        (20, (0,)),  # half a second is left, which may be
        (21, (0, 5)),
        (24, (0, 8)),
        (28, (0, 8)),
        (29, (0, 8, 13)),
        (80, (0, 8, 16, 24, 32, 40, 48, 56, 64)),
    ],
)
def test_a_window_begins_every_second_and_one_ends_with_the_track(
    moments: int, starts: tuple[int, ...]
) -> None:
    assert windows.window_starts(moments, MOVEMENT) == starts


def test_a_track_shorter_than_a_window_holds_its_last_picture() -> None:
    found = windows.of_track(eighths(10), track(3.0, 4.0), MOVEMENT)

    assert found.starts == (0,)
    assert found.places == (*range(24, 33), *[32] * 7)
    assert found.spans == ((3.0, 4.0),)


def test_windows_lie_within_the_track() -> None:
    found = windows.of_track(eighths(10), track(1.0, 4.875), MOVEMENT)

    assert found.spans == ((1.0, 3.0), (2.0, 4.0), (3.0, 4.875))
    assert found.places == tuple(range(8, 40))
    assert found.starts == (0, 8, 16)


def test_somebody_in_view_for_a_single_picture_has_a_window() -> None:
    found = windows.of_track([0.0, 0.5], Track(times=(0.5,), boxes=(SOMEWHERE,)), MOVEMENT)

    assert (found.places, found.spans) == ((1,) * 16, ((0.5, 0.5),))


def test_times_that_are_a_little_off_are_the_same_picture() -> None:
    times = [round(moment + off, 4) for moment, off in zip(eighths(4), [0, 5e-4] * 16, strict=True)]

    found = windows.of_track(times, track(times[0], times[-1]), MOVEMENT)

    assert found.places[:32] == tuple(range(32))


def test_frames_that_are_spread_out_are_one_window_of_the_whole_track() -> None:
    found = windows.of_track(eighths(10), track(2.0, 8.0), SPREAD)

    assert (found.starts, found.spans) == ((0,), ((2.0, 8.0),))
    assert len(found.places) == 4


# Cut out of real videos


def write(folder: Path, *ways: Way, **options: object) -> Path:
    return crowd.write(folder / "clip.mp4", *ways, **options)  # type: ignore[arg-type]


def look(clip: Path) -> tuple[Reel, tuple[Track, ...]]:
    return finder.find(finder.reel(clip), Spotter())


def taken(
    reel: Reel, tracks: tuple[Track, ...], spec: ClipSpec = MOVEMENT
) -> tuple[list[Window], Sample]:
    found: list[Window] = []
    sample = finder.take_windows(reel, tracks, spec, found.append)
    return found, sample


@pytest.mark.parametrize("rate", [5, 10, 15, 25, 30])
def test_at_any_frame_rate_windows_show_the_same_moments(tmp_path: Path, rate: int) -> None:
    clip = write(tmp_path, walking(0.05, speed=0.1), seconds=6, rate=rate)

    found, _ = taken(*look(clip))

    assert [each.start for each in found][:4] == pytest.approx([0, 1, 2, 3])
    assert len(found) in {4, 5}
    for each in found:
        moments = each.start + np.arange(16) / 8
        behind = moments - np.array(each.times)
        assert (behind > -2e-3).all()
        assert (behind < 1 / 8 + 1 / rate).all()
        assert list(each.times) == sorted(each.times)


def test_pictures_are_those_of_the_crops(tmp_path: Path) -> None:
    clip = write(tmp_path, walking(0.05, speed=0.1), between(standing(0.8), 1, 2.5), seconds=5)
    reel, tracks = look(clip)
    assert len(tracks) == 2

    found, _ = taken(reel, tracks)

    for number, crops in enumerate(finder.take_crops(reel, tracks, MOVEMENT)[0], 1):
        of_track = [each for each in found if each.track == number]
        assert len(of_track) == len(crops.windows)
        for one, other in zip(of_track, crops.windows, strict=True):
            np.testing.assert_array_equal(one.images, other)
            assert np.shares_memory(other, crops.images)


def test_spread_out_they_are_the_crops_too(tmp_path: Path) -> None:
    reel, tracks = look(write(tmp_path, walking(0.05, speed=0.1)))

    (window,), _ = taken(reel, tracks, SPREAD)

    ((crops,), _) = finder.take_crops(reel, tracks, SPREAD)
    np.testing.assert_array_equal(window.images, crops.images)
    assert window.times == crops.times


def test_somebody_cut_by_the_edge_keeps_their_size_and_stays_in_the_middle(tmp_path: Path) -> None:
    found, _ = taken(*look(write(tmp_path, standing(0.0, width=0.06), standing(0.5), seconds=4)))

    assert {each.track for each in found} == {1, 2}
    for each in found:
        pale = each.images[..., 0] > 150
        assert pale[:, 14:18, 15:17].all()
        heights = pale.any(axis=2).sum(axis=1)
        assert heights.min() > 20


def test_no_window_crosses_a_gap(tmp_path: Path) -> None:
    way = standing(0.4)
    gone = [between(way, 0, 4), between(way, 7, 12)]

    found, _ = taken(*look(write(tmp_path, *gone, seconds=12)))

    assert {each.track for each in found} == {1, 2}
    for each in found:
        assert each.end < 4 or each.start >= 7
        assert max(later - earlier for earlier, later in pairwise(each.times)) < 0.3


def test_no_window_crosses_a_pause_of_the_recording(tmp_path: Path) -> None:
    times = [*np.arange(0, 3.55, 0.1), *np.arange(600, 603.5, 0.1)]

    found, _ = taken(*look(write(tmp_path, standing(0.4), times=times)))

    assert [each.track for each in found] == [1, 1, 1, 2, 2]
    for each in found:
        assert each.end - each.start <= 2
        assert each.times[-1] - each.times[0] <= 2


def test_below_three_pictures_a_second_there_are_no_windows(tmp_path: Path) -> None:
    for rate, is_enough in ((2, False), (3, True)):
        reel, tracks = look(write(tmp_path, standing(0.4), seconds=8, rate=rate))

        assert bool(taken(reel, tracks)[0]) == is_enough
        assert len(taken(reel, tracks, SPREAD)[0]) == 1


def test_windows_of_an_earlier_span_are_left_out_but_never_the_last() -> None:
    whole = windows.of_track(eighths(5.1), track(0.0, 5.0), MOVEMENT)

    later = whole.since(2.0)
    assert [end for _, end in whole.spans] == [2.0, 3.0, 4.0, 5.0]
    assert later.spans == whole.spans[1:]
    assert later.starts == whole.starts[1:]
    assert later.places == whole.places
    assert whole.since(60.0).spans == whole.spans[-1:]
