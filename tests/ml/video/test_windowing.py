"""A clip of up to a minute is one window, a longer one has one for each ten seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.makers import videos
from video_classifier.ml.contracts import ClipError, ClipSpec, Sample, Window
from video_classifier.ml.video import sampling, windowing

SPEC = ClipSpec(frames=4, height=48, width=64)


def cut(clip: Path, spec: ClipSpec = SPEC) -> tuple[list[Window], Sample]:
    """The windows that count, where some came again."""
    found: list[Window] = []

    def take(window: Window) -> None:
        del found[window.number :]
        found.append(window)

    sample = windowing.sample_windows(clip, spec, take, preview_width=64)
    assert [window.number for window in found] == list(range(len(found)))
    return found, sample


def write(folder: Path, seconds: int, rate: int = 2) -> Path:
    return videos.write(folder / "clip.mp4", seconds * rate, rate=rate)


@pytest.mark.parametrize("min_difference", [0.0, 1.0])
def test_a_short_clip_is_one_window_of_the_pictures_that_are_sampled(
    tmp_path: Path, min_difference: float
) -> None:
    clip = write(tmp_path, 60)
    spec = ClipSpec(frames=4, height=48, width=64, min_difference=min_difference)

    (window,), overview = cut(clip, spec)

    sample = sampling.sample(clip, spec, preview_width=64)
    assert (window.start, window.end) == (0.0, 60.0)
    for taken in (window, overview):
        assert taken.times == sample.times
        np.testing.assert_array_equal(taken.images, sample.images)
        np.testing.assert_array_equal(taken.previews, sample.previews)
    assert (overview.length, overview.content) == (sample.length, sample.content)


def test_a_clip_of_70_seconds_has_7_windows(tmp_path: Path) -> None:
    windows, _ = cut(write(tmp_path, 70))

    assert [(each.start, each.end) for each in windows] == [(n, n + 10) for n in range(0, 70, 10)]
    for each in windows:
        numbers = list(map(videos.number_of, each.images))
        assert numbers == [2 * each.start + offset for offset in (2, 7, 12, 17)]
        assert each.times == tuple(number / 2 for number in numbers)
        assert list(map(videos.number_of, each.previews)) == numbers


@pytest.mark.parametrize(
    ("seconds", "count", "last"), [(61, 6, 11.0), (64, 6, 14.0), (65, 7, 5.0), (69, 7, 9.0)]
)
def test_a_last_window_of_less_than_five_seconds_joins_the_one_before(
    tmp_path: Path, seconds: int, count: int, last: float
) -> None:
    windows, _ = cut(write(tmp_path, seconds))

    assert len(windows) == count
    assert windows[-1].end - windows[-1].start == pytest.approx(last)


def test_of_frames_that_differ_each_window_has_its_own(tmp_path: Path) -> None:
    spec = ClipSpec(frames=4, height=48, width=64, min_difference=1.0)

    windows, _ = cut(write(tmp_path, 70), spec)

    assert len(windows) == 7
    for each in windows:
        assert each.start <= each.times[0] <= each.times[-1] < each.end


def test_the_overview_is_spread_over_all_of_the_clip(tmp_path: Path) -> None:
    windows, overview = cut(write(tmp_path, 70))

    assert overview.times == pytest.approx((8.5, 26.0, 43.5, 61.0), abs=5)
    assert len(overview.images) == len(overview.previews) == 4
    assert set(overview.times) <= {time for each in windows for time in each.times}


def test_a_pause_between_two_windows_belongs_to_neither(tmp_path: Path) -> None:
    moments = [*range(0, 40_000, 500), *range(640_000, 670_000, 500)]
    clip = videos.write(tmp_path / "clip.mkv", len(moments), rate=2, shown_at=moments)

    windows, _ = cut(clip)

    spans = [(each.start, each.end) for each in windows]
    assert len(spans) == 7
    assert spans[3] == pytest.approx((30, 40), abs=1)
    assert spans[4][0] == pytest.approx(640, abs=1)


def test_where_a_clip_is_damaged_windows_come_again(tmp_path: Path) -> None:
    clip = videos.zeroed(write(tmp_path, 90, rate=5), 0.5, 0.6)

    windows, overview = cut(clip)

    assert 6 <= len(windows) <= 9
    assert overview.length > 60
    assert windows[-1].times[-1] > 70


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipError):
        cut(videos.text(tmp_path / "notes.mp4", "buy milk"))
