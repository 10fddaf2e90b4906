"""Hiding parts of the pictures shows which of them a score depends on."""

from __future__ import annotations

import numpy as np
import pytest

from video_classifier.ml.contracts import Image
from video_classifier.ml.serving import occlusion


def white(*, frames: int = 3, height: int = 32, width: int = 64) -> Image:
    return np.full((frames, height, width, 3), 255, np.uint8)


def brightness_above_left(images: Image) -> float:
    return float(images[:, :4, :8].mean() / 255)


def test_a_score_of_one_corner_falls_there_and_nowhere_else() -> None:
    drops = occlusion.heat_map(brightness_above_left, white())

    assert drops.shape == (8, 8)
    assert drops[0, 0] == pytest.approx(1 - occlusion.GRAY / 255)
    assert np.count_nonzero(drops) == 1


def test_rows_come_from_above_and_columns_from_the_left() -> None:
    drops = occlusion.heat_map(lambda images: float(images[:, -4:, :8].mean()), white())

    assert drops[7, 0] == drops.max() > 0


def test_a_part_is_hidden_in_all_pictures_at_once() -> None:
    drops = occlusion.heat_map(lambda images: float(images.max() == 255), white(frames=4), grid=1)

    assert drops.tolist() == [[1.0]]


def test_where_hiding_raises_the_score_nothing_falls() -> None:
    drops = occlusion.heat_map(lambda images: -brightness_above_left(images), white())

    assert not drops.any()


@pytest.mark.parametrize("side", [5, 8, 30])
def test_every_pixel_is_hidden_once(side: int) -> None:
    def share_left(images: Image) -> float:
        return float((images == 255).mean())

    drops = occlusion.heat_map(share_left, white(height=side, width=side))

    assert drops.sum() == pytest.approx(1, rel=1e-4)


def test_the_pictures_stay_as_they_are_and_each_part_is_told() -> None:
    images, told = white(), []

    occlusion.heat_map(brightness_above_left, images, after_each=lambda: told.append(1))

    assert (images == 255).all()
    assert len(told) == 64


def test_who_has_something_better_to_do_ends_the_search() -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        occlusion.heat_map(brightness_above_left, white(), after_each=stop)


def test_what_matters_keeps_its_light_and_color() -> None:
    drops = np.zeros((8, 8), np.float32)
    drops[0, 0] = 0.3
    blue = np.full((1, 64, 64, 3), (0, 0, 240), np.uint8)

    picture = occlusion.drawn(blue, drops)[0]

    assert picture[2, 2].tolist() == [0, 0, 240]
    assert picture[40, 40].tolist() == [round(80 * occlusion.DIMMED)] * 3
    assert picture.dtype == np.uint8


def test_where_nothing_matters_all_is_dim() -> None:
    picture = occlusion.drawn(white(), np.zeros((8, 8), np.float32))

    assert (picture == round(255 * occlusion.DIMMED)).all()
