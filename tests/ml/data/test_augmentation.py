"""Variants differ, keep their order and stay pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.ml.conftest import TINY
from video_classifier.ml.contracts import Image, Region
from video_classifier.ml.data.augmentation import Augmentation, augment, augment_window

STILL = Augmentation(shortest_stretch=1, smallest_crop=1, brightness=0, contrast=0, flip=0)


def ramp(frames: int = 24) -> Image:
    """Frame n is flat and of brightness 10 * n."""
    return np.stack([np.full((40, 40, 3), 10 * number, np.uint8) for number in range(frames)])


def variant(frames: Image, augmentation: Augmentation, seed: int = 1) -> Image:
    return augment(frames, TINY, augmentation, np.random.default_rng(seed))


def test_a_variant_is_what_a_network_takes() -> None:
    found = variant(ramp(), Augmentation())

    assert found.shape == TINY.shape
    assert found.dtype == np.uint8


def test_the_seed_decides() -> None:
    one, same, other = (variant(ramp(), Augmentation(), seed) for seed in (1, 1, 2))

    assert (one == same).all()
    assert (one != other).any()


def test_frames_stay_in_order() -> None:
    for seed in range(20):
        shades = variant(ramp(), replace(STILL, shortest_stretch=0.5), seed)[:, 0, 0, 0]
        assert list(shades) == sorted(shades)


def test_a_whole_stretch_takes_one_frame_of_each_share() -> None:
    for seed in range(20):
        shades = variant(ramp(24), STILL, seed)[:, 0, 0, 0] // 10
        assert list(shades // 6) == [0, 1, 2, 3]


def test_fewer_frames_than_wanted_are_repeated() -> None:
    assert variant(ramp(2), STILL).shape == TINY.shape


def test_a_flip_mirrors_the_picture() -> None:
    frames = ramp(4)
    frames[:, :, :20] = 255

    flipped = variant(frames, replace(STILL, flip=1))

    assert (flipped[:, :, -10:] == 255).all()
    assert (flipped[:, :, :10] != 255).any()


def test_light_changes_all_frames_alike_and_never_wraps() -> None:
    white = np.full((4, 40, 40, 3), 250, np.uint8)

    for seed in range(10):
        lit = variant(white, replace(STILL, brightness=0.3), seed)
        assert len(np.unique(lit)) == 1
        assert lit.min() > 150


def test_a_turn_moves_what_is_off_the_middle_and_all_frames_alike() -> None:
    frames = np.zeros((4, 40, 40, 3), np.uint8)
    frames[:, :20] = 255

    for seed in range(5):
        turned = variant(frames, replace(STILL, rotation=180), seed)
        assert (turned != variant(frames, STILL)).any()
        assert (turned == turned[:1]).all()
        assert (turned > 127).mean() == pytest.approx(0.5, abs=0.1)


def test_an_uneven_speed_keeps_the_order_and_the_ends() -> None:
    evenly = variant(ramp(), STILL)[:, 0, 0, 0] / 10
    found = [variant(ramp(), replace(STILL, speed=1.0), seed)[:, 0, 0, 0] for seed in range(40)]

    assert all(list(shades) == sorted(shades) for shades in found)
    middles = [shades[1] / 10 for shades in found]
    assert min(middles) < evenly[1] - 2
    assert max(middles) > evenly[1] + 2


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"flip": 1.5}, "flip must be from 0 to 1"),
        ({"rotation": -1}, "rotation must be from 0 to 180"),
        ({"smallest_crop": 0}, "smallest crop must be from 0.05 to 1"),
    ],
)
def test_what_goes_too_far_is_refused(wrong: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Augmentation(**wrong)


WINDOW = replace(TINY, frames=16, view=Region.PERSON, rate=8.0)
COLORS = np.random.default_rng(7).integers(0, 256, (16, 40, 40, 3)).astype(np.uint8)


def window(frames: Image, augmentation: Augmentation, seed: int = 1) -> Image:
    return augment_window(frames, WINDOW, augmentation, np.random.default_rng(seed))


@pytest.mark.parametrize(
    "name", ["gray", "recolor", "gamma", "shrink", "blur", "noise", "jpeg", "low_rate"]
)
def test_each_alteration_changes_the_picture_and_none_does_when_off(name: str) -> None:
    plain = window(COLORS, STILL)

    altered = window(COLORS, replace(STILL, **{name: 1.0}))

    assert altered.shape == WINDOW.shape
    assert altered.dtype == np.uint8
    assert (altered != plain).mean() > 0.2
    assert (window(COLORS, replace(STILL, **{name: 0.0})) == plain).all()


def test_gray_has_no_color() -> None:
    altered = window(COLORS, replace(STILL, gray=1))

    assert (altered[..., 0] == altered[..., 1]).all()
    assert (altered[..., 0] == altered[..., 2]).all()


def test_turned_hues_leave_gray_nearly_as_it_is() -> None:
    flat = np.full((16, 40, 40, 3), 100, np.uint8)

    shades = [window(flat, replace(STILL, recolor=1), seed).mean() for seed in range(10)]

    assert min(shades) > 75
    assert max(shades) < 125


def test_at_a_low_rate_pictures_are_held_and_stay_in_order() -> None:
    for seed in range(20):
        shades = window(ramp(16), replace(STILL, low_rate=1), seed)[:, 0, 0, 0]
        assert list(shades) == sorted(shades)
        assert 5 <= len(set(shades)) <= 16  # 3 to 8 pictures a second over 2 s


def test_a_copy_of_a_track_is_a_window_of_it_from_anywhere() -> None:
    starts = set()
    for seed in range(30):
        copy = augment(ramp(24), WINDOW, STILL, np.random.default_rng(seed))
        shades = copy[:, 0, 0, 0] // 10
        assert (np.diff(shades) == 1).all()
        starts.add(shades[0])

    assert starts == set(range(9))
