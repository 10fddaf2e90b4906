"""What shows nothing that could be judged is told from what does, with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.makers import crowd, videos
from tests.makers.crowd import between, walking
from video_classifier.ml.contracts import ClipSpec, Image
from video_classifier.ml.serving import no_result
from video_classifier.ml.video import sampling

SPEC = ClipSpec(frames=16, height=128, width=128)


def reason(video: Path) -> str:
    return no_result.reason(sampling.sample(video, SPEC), SPEC)


def indexed_first(path: Path) -> Path:
    """11 s, with the index in front, where it outlives a cut."""
    return videos.write(path, 110, size=(320, 240), muxing={"movflags": "faststart"})


def noisy(shade: int, number: int, *, strength: float = 2.0) -> Image:
    noise = np.random.default_rng(number).normal(0, strength, (120, 160, 3))
    return np.clip(shade + noise, 0, 255).astype(np.uint8)


def photograph(_: int) -> Image:
    return (
        np.random.default_rng(1).integers(0, 256, (15, 20, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    )


# Enough, and too little


def test_a_clip_in_which_something_moves_can_be_judged(tmp_path: Path) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", walking(0.1, speed=0.2), seconds=3)

    assert reason(clip) == ""


@pytest.mark.parametrize("count", [1, 7])
def test_fewer_than_eight_pictures_are_too_few(tmp_path: Path, count: int) -> None:
    clip = videos.write(tmp_path / "clip.mp4", count, rate=1)

    assert f"too few pictures to judge what somebody does: {count}," in reason(clip)


def test_eight_pictures_are_enough(tmp_path: Path) -> None:
    assert reason(videos.write(tmp_path / "clip.mp4", 8, rate=5)) == ""


@pytest.mark.parametrize(("rate", "says"), [(25, "lasts 0.8 s"), (20, "")])
def test_less_than_a_second_is_too_short(tmp_path: Path, rate: int, says: str) -> None:
    found = reason(videos.write(tmp_path / "clip.mp4", 20, rate=rate))

    assert says in found
    assert bool(found) is bool(says)


def test_a_clip_that_is_mostly_cut_off_is_not_judged(tmp_path: Path) -> None:
    clip = videos.cut(indexed_first(tmp_path / "clip.mp4"), 0.4)

    found = reason(clip)

    assert "of this clip could be read" in found
    assert "again" in found  # what to do


def test_a_clip_that_is_mostly_damaged_is_not_judged(tmp_path: Path) -> None:
    clip = videos.zeroed(indexed_first(tmp_path / "clip.mp4"), 0.3)

    assert "could be read" in reason(clip)


def test_a_clip_whose_end_is_missing_is_judged(tmp_path: Path) -> None:
    clip = videos.cut(indexed_first(tmp_path / "clip.mp4"), 0.8)

    assert reason(clip) == ""
    assert sampling.sample(clip, SPEC).warnings  # but not without a word


# Nothing to be seen


@pytest.mark.parametrize("shade", [0, 16, 128, 250])
def test_pictures_of_one_shade_show_nothing(tmp_path: Path, shade: int) -> None:
    clip = videos.draw(tmp_path / "clip.mp4", lambda number: noisy(shade, number))

    assert "nearly of one shade" in reason(clip)


def test_one_shade_under_the_noise_of_a_sensor_shows_nothing(tmp_path: Path) -> None:
    clip = videos.draw(tmp_path / "clip.mp4", lambda number: noisy(60, number, strength=12))

    assert "nearly of one shade" in reason(clip)


def test_a_clock_on_a_covered_camera_is_nothing_to_be_seen(tmp_path: Path) -> None:
    def covered(number: int) -> Image:
        image = noisy(20, number)
        image[4:12, 4 + number : 40 + number] = 240
        return image

    assert "nearly of one shade" in reason(videos.draw(tmp_path / "clip.mp4", covered))


def test_somebody_far_away_is_something_to_be_seen(tmp_path: Path) -> None:
    def empty_room(number: int) -> Image:
        image = np.linspace(40, 200, 120).astype(np.uint8)[:, None, None].repeat(160, 1)
        image = image.repeat(3, 2)
        image[60:75, 10 + number : 16 + number] = 230
        return image

    assert reason(videos.draw(tmp_path / "clip.mp4", empty_room)) == ""


# Nothing that moves


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_photograph_is_no_recording(tmp_path: Path, codec: str) -> None:
    clip = videos.draw(tmp_path / "clip.mp4", photograph, codec=codec)

    assert "Nothing moves" in reason(clip)


def test_three_photographs_are_no_recording(tmp_path: Path) -> None:
    clip = videos.draw(
        tmp_path / "clip.mp4", lambda number: np.roll(photograph(0), number // 20 * 30, 1)
    )

    assert "Nothing moves" in reason(clip)


def test_a_short_movement_in_a_still_scene_is_found(tmp_path: Path) -> None:
    """The sampled pictures miss most of it: they are 2 s apart."""
    clip = crowd.write(
        tmp_path / "clip.mp4",
        walking(0.5, speed=0.0, width=0.3),
        between(walking(-2.0, speed=0.2), 10, 13),
        seconds=32,
    )

    sampled = sampling.sample(clip, SPEC).images
    assert len({image.tobytes() for image in sampled}) < 8
    assert reason(clip) == ""
