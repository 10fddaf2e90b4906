"""How bright clothes and pictures are, and how large somebody is in them."""

from __future__ import annotations

import numpy as np
import pytest

from video_classifier.ml.contracts import Box, Image
from video_classifier.ml.serving import brightness


def crops_of(shirt: int, around: int = 114, size: int = 128) -> Image:
    """A person in a shirt, in the middle of each crop."""
    crops = np.full((16, size, size, 3), around, np.uint8)
    crops[:, size // 5 : size * 11 // 20, size * 3 // 8 : size * 5 // 8] = shirt
    return crops


@pytest.mark.parametrize(("shirt", "expected"), [(0, 0), (255, 1), (51, 0.2)])
def test_clothing_is_what_the_torso_shows(shirt: int, expected: float) -> None:
    found = brightness.appearance(crops_of(shirt), None)

    assert found.clothing == pytest.approx(expected)


def test_what_is_around_somebody_is_no_clothing() -> None:
    dark, bright = (brightness.appearance(crops_of(80, around), None) for around in (0, 255))

    assert dark.clothing == bright.clothing


def test_colors_count_as_bright_as_they_look() -> None:
    crops = crops_of(0)
    green, blue = crops.copy(), crops.copy()
    green[..., 1], blue[..., 2] = 255, 255

    assert brightness.appearance(green, None).clothing == pytest.approx(0.587)
    assert brightness.appearance(blue, None).clothing == pytest.approx(0.114)


def test_light_is_the_mean_of_the_picture() -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[:, 160:] = 255

    assert brightness.appearance(None, picture).light == pytest.approx(0.5)


def test_height_is_the_median_of_the_boxes() -> None:
    boxes = [Box(left=0, top=0, right=0.2, bottom=height) for height in (0.2, 0.3, 0.9)]

    assert brightness.appearance(None, None, boxes).height == pytest.approx(0.3)


def test_what_is_not_there_is_not_measured() -> None:
    found = brightness.appearance(None, None)

    assert (found.clothing, found.height, found.light) == (None, None, None)


def test_crops_of_one_pixel_have_a_brightness() -> None:
    assert brightness.appearance(
        np.full((1, 1, 1, 3), 255, np.uint8), None
    ).clothing == pytest.approx(1)
