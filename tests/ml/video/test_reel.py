"""A reel gives the same pictures at the same times as often as it is gone through."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.makers import videos
from tests.ml.conftest import Clips
from video_classifier.ml.contracts import ClipError, ClipSpec
from video_classifier.ml.video import decoding, sampling
from video_classifier.ml.video import reel as reels
from video_classifier.ml.video.reel import Pass, Reel, open_reel
from video_classifier.ml.video.scaling import FitWithin

SPEC = ClipSpec(frames=16, height=48, width=64)


def numbered(reel: Reel, *places: int) -> Pass[int]:
    """A pass that reads the numbers of the pictures at these places, or of all."""
    fit = FitWithin(width=64, height=48)
    return reel.map(
        lambda _, frame: videos.number_of(fit(frame)),
        choose=lambda reel: places or range(len(reel.times)),
    )


def reel_numbers(reel: Reel, *places: int) -> dict[int, int]:
    return numbered(reel, *places).values


@pytest.mark.parametrize("name", ["h264.mp4", "h264.avi", "open_gop.ts", "vp9.webm"])
def test_a_reel_shows_the_clip_at_an_even_rate(clips: Clips, name: str) -> None:
    reel = open_reel(clips(name), rate=5)

    seen = reel_numbers(reel)

    assert list(seen.values()) == list(range(0, max(seen.values()) + 1, 2))
    assert reel.times == pytest.approx([number / 10 for number in seen.values()], abs=0.002)
    assert reel.length == pytest.approx(len(seen) / 5)
    assert reel.warnings == ()


def test_a_short_clip_is_looked_at_more_often(clips: Clips) -> None:
    reel = open_reel(clips("h264.mp4"), rate=1, min_pictures=15)

    assert list(reel_numbers(reel).values()) == list(range(0, 30, 2))


def test_a_clip_of_few_frames_shows_each_once(clips: Clips) -> None:
    reel = open_reel(clips("few_frames.mp4"), rate=50, min_pictures=100)

    assert list(reel_numbers(reel).values()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kept", [0, reels._MAX_KEPT])
@pytest.mark.parametrize("name", ["h264.mp4", "mpeg4.avi"])
def test_a_second_look_sees_the_same_whether_or_not_pictures_were_kept(
    clips: Clips, monkeypatch: pytest.MonkeyPatch, name: str, kept: int
) -> None:
    monkeypatch.setattr(reels, "_MAX_KEPT", kept)
    reel = open_reel(clips(name), rate=5)
    every = reel_numbers(reel)

    assert reel_numbers(reel, 3, 7, 8) == {at: every[at] for at in (3, 7, 8)}
    assert reel_numbers(reel) == every


def test_what_was_kept_is_not_decoded_again(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    reel = open_reel(clips("h264.mp4"), rate=5)
    reel_numbers(reel, 0)
    monkeypatch.delattr(decoding, "take_guided")

    assert len(reel_numbers(reel)) == 15


def test_what_turns_out_to_be_damaged_is_another_reel(tmp_path: Path) -> None:
    clip = videos.zeroed(videos.indexed_first(tmp_path / "hole.mp4", 120), 0.4, 0.6)
    reel = open_reel(clip, rate=5)

    done = numbered(reel)

    assert done.reel is not reel
    assert len(reel.times) == 60  # as the packets say
    assert done.reel.times == pytest.approx([number / 10 for number in done.values.values()])
    assert max(later - earlier for earlier, later in pairwise(done.reel.times)) > 1
    assert done.reel.warnings == sampling.sample(clip, SPEC).warnings


def test_places_are_chosen_anew_where_damage_is_found(tmp_path: Path) -> None:
    clip = videos.zeroed(videos.indexed_first(tmp_path / "hole.mp4", 120), 0.4, 0.6)
    fit = FitWithin(width=64, height=48)

    done = open_reel(clip, rate=5).map(
        lambda _, frame: videos.number_of(fit(frame)),
        choose=lambda reel: [place for place, time in enumerate(reel.times) if time > 10],
    )

    assert done.values
    assert min(done.values.values()) > 100
    assert list(done.values) == [at for at, time in enumerate(done.reel.times) if time > 10]


def test_a_reel_keeps_its_places_and_times(tmp_path: Path) -> None:
    clip = videos.zeroed(videos.indexed_first(tmp_path / "hole.mp4", 120), 0.4, 0.6)
    reel = open_reel(clip, rate=5)
    times = reel.times

    numbered(reel)

    assert reel.times is times


@pytest.mark.fuzz
@pytest.mark.parametrize("name", ["faststart.mp4", "h264.mkv", "h264.ts"])
def test_random_damage_leaves_no_place_without_its_picture(
    clips: Clips, tmp_path: Path, name: str, seed: int
) -> None:
    clip = tmp_path / name
    clip.write_bytes(videos.garbled(clips(name).read_bytes(), seed=seed))
    fit = FitWithin(width=64, height=48)

    try:
        first = open_reel(clip, rate=10).map(lambda _, frame: fit(frame))
    except (ClipError, MemoryError):
        return
    again = first.reel.map(lambda _, frame: fit(frame))

    assert again.reel is first.reel
    assert list(first.values) == list(again.values) == list(range(len(first.reel.times)))
    assert all(np.array_equal(first.values[at], again.values[at]) for at in first.values)
    assert again.content == first.content


def test_a_reel_of_what_is_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="not a video"):
        open_reel(videos.text(tmp_path / "a.mp4", "no video"), rate=5)


@pytest.mark.parametrize(
    ("name", "within", "shape"),
    [
        ("h264.mp4", (32, 32), (24, 32, 3)),
        ("h264.mp4", (12, 500), (12, 16, 3)),
        ("h264.mp4", (500, 500), (48, 64, 3)),
        ("turned.mp4", (24, 500), (24, 32, 3)),
    ],
)
def test_pictures_fit_in_the_shape_that_players_show(
    clips: Clips, name: str, within: tuple[int, int], shape: tuple[int, ...]
) -> None:
    fit = FitWithin(height=within[0], width=within[1])

    seen = open_reel(clips(name), rate=1).map(lambda _, frame: fit(frame)).values

    assert {image.shape for image in seen.values()} == {shape}
    assert [videos.number_of(image) for image in seen.values()] == [0, 10, 20]


def test_pixels_that_are_not_square_are_shown_as_players_do(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "wide.mp4", 1, pixel_aspect=Fraction(4, 3))
    reel = open_reel(clip, rate=1)
    fit = FitWithin(height=500, width=500, pixel_aspect=reel.pixel_aspect)

    assert reel.map(lambda _, frame: fit(frame)).values[0].shape == (48, 85, 3)
