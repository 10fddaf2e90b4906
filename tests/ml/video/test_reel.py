"""A reel gives the same pictures at the same times as often as it is gone through."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.makers import videos
from tests.ml.conftest import Clips
from video_classifier.ml.contracts import ClipError, ClipSpec
from video_classifier.ml.video import decoding, sampling
from video_classifier.ml.video import reel as reels
from video_classifier.ml.video.reel import Reel
from video_classifier.ml.video.scaling import Fitter

SPEC = ClipSpec(frames=16, height=48, width=64)


def reel_numbers(reel: Reel, **options: Any) -> dict[int, int]:
    """The numbers of the pictures that a look sees, by their places."""
    fit = Fitter(width=64, height=48)
    return reel.look(lambda _, frame: videos.number_of(fit(frame)), **options)


@pytest.mark.parametrize("name", ["h264.mp4", "h264.avi", "open_gop.ts", "vp9.webm"])
def test_a_reel_shows_the_clip_at_an_even_rate(clips: Clips, name: str) -> None:
    reel = Reel(clips(name), rate=5)

    seen = reel_numbers(reel)

    assert list(seen.values()) == list(range(0, max(seen.values()) + 1, 2))
    assert reel.times == pytest.approx([number / 10 for number in seen.values()], abs=0.002)
    assert reel.length == pytest.approx(len(seen) / 5)
    assert reel.warnings == ()


def test_a_short_clip_is_looked_at_more_often(clips: Clips) -> None:
    reel = Reel(clips("h264.mp4"), rate=1, least=15)

    assert list(reel_numbers(reel).values()) == list(range(0, 30, 2))


def test_a_clip_of_few_frames_shows_each_once(clips: Clips) -> None:
    reel = Reel(clips("few_frames.mp4"), rate=50, least=100)

    assert list(reel_numbers(reel).values()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kept", [0, reels._KEPT])
@pytest.mark.parametrize("name", ["h264.mp4", "mpeg4.avi"])
def test_a_second_look_sees_the_same_whether_or_not_pictures_were_kept(
    clips: Clips, monkeypatch: pytest.MonkeyPatch, name: str, kept: int
) -> None:
    monkeypatch.setattr(reels, "_KEPT", kept)
    reel = Reel(clips(name), rate=5)
    every = reel_numbers(reel)

    assert reel_numbers(reel, wants=[3, 7, 8].__contains__) == {at: every[at] for at in (3, 7, 8)}
    assert reel_numbers(reel) == every


def test_what_was_kept_is_not_decoded_again(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    reel = Reel(clips("h264.mp4"), rate=5)
    reel_numbers(reel, wants=lambda _: False)
    monkeypatch.delattr(decoding, "decode")

    assert len(reel_numbers(reel)) == 15


def test_a_damaged_clip_is_looked_at_as_far_as_it_is_sound(tmp_path: Path) -> None:
    clip = videos.zeroed(videos.indexed_first(tmp_path / "hole.mp4", 120), 0.4, 0.6)
    reel = Reel(clip, rate=5)

    seen = reel_numbers(reel)

    assert reel.times == pytest.approx([number / 10 for number in seen.values()])
    assert max(later - earlier for earlier, later in pairwise(reel.times)) > 1
    assert reel.warnings == sampling.sample(clip, SPEC).warnings


@pytest.mark.fuzz
@pytest.mark.parametrize("name", ["faststart.mp4", "h264.mkv", "h264.ts"])
def test_random_damage_leaves_no_place_without_its_picture(
    clips: Clips, tmp_path: Path, name: str, seed: int
) -> None:
    clip = tmp_path / name
    clip.write_bytes(videos.garbled(clips(name).read_bytes(), seed=seed))
    fit = Fitter(width=64, height=48)

    try:
        reel = Reel(clip, rate=10)
        first = reel.look(lambda _, frame: fit(frame))
    except (ClipError, MemoryError):
        return
    again = reel.look(lambda _, frame: fit(frame))

    assert list(first) == list(again) == list(range(len(reel.times)))
    assert all(np.array_equal(first[place], again[place]) for place in first)


def test_a_reel_of_what_is_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="not a video"):
        Reel(videos.text(tmp_path / "a.mp4", "no video"), rate=5)


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
    fit = Fitter(height=within[0], width=within[1])

    seen = Reel(clips(name), rate=1).look(lambda _, frame: fit(frame))

    assert {image.shape for image in seen.values()} == {shape}
    assert [videos.number_of(image) for image in seen.values()] == [0, 10, 20]


def test_pixels_that_are_not_square_are_shown_as_players_do(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "wide.mp4", 1, pixel_aspect=Fraction(4, 3))
    reel = Reel(clip, rate=1)
    fit = Fitter(height=500, width=500, pixel_aspect=reel.pixel_aspect)

    assert reel.look(lambda _, frame: fit(frame))[0].shape == (48, 85, 3)
