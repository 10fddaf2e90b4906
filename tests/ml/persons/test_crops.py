"""A person is cut out steadily: in the middle and at one size, whatever they do."""

from __future__ import annotations

import numpy as np
import pytest

from tests.makers.crowd import SKIN, Way, picture, standing, walking
from video_classifier.ml.contracts import Box, ClipSpec, Image, Region, Track
from video_classifier.ml.persons.crops import Cropper

GRAY = 114
SPEC = ClipSpec(height=64, width=64, view=Region.PERSON)
SIZE = (320, 240)


def track(*boxes: Box, step: float = 0.25) -> Track:
    return Track(times=tuple(step * number for number in range(len(boxes))), boxes=boxes)


def along(way: Way, count: int = 12, step: float = 0.25) -> Track:
    boxes = [way(number * step) for number in range(count)]
    return track(*(box for box in boxes if box), step=step)


def cut(
    way: Way, second: float = 0.0, *, size: tuple[int, int] = SIZE, spec: ClipSpec = SPEC
) -> Image:
    return Cropper(along(way), spec).cut(picture([way], second, size=size), second)


def skin(image: Image) -> tuple[float, float, float, float]:
    """Where the person is in a crop: left, top, right, bottom, in pixels, as far as it is seen."""
    rows, columns = (np.flatnonzero((image[..., 0] > SKIN - 60).any(axis)) for axis in (1, 0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("size", [(64, 64), (320, 240), (240, 320), (4096, 2160)])
def test_a_person_is_in_the_middle_with_a_margin(size: tuple[int, int]) -> None:
    image = cut(standing(0.45, top=0.3, width=0.1, height=0.4), size=size)

    left, top, right, bottom = skin(image)
    assert image.shape == (64, 64, 3)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((32, 32), abs=1.5)
    assert max(right - left, bottom - top) == pytest.approx(64 / 1.2, abs=2.5)


def test_pixels_that_grow_stay_where_they_are() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[:20, 20:] = 255
    edges = 0.5 - 4 / 1.2 / 80, 0.5 + 4 / 1.2 / 80  # 4 by 4 pixels with their margin

    box = Box(left=edges[0], top=edges[0], right=edges[1], bottom=edges[1])
    grown = Cropper(track(box), SPEC).cut(image, 0.0)

    assert grown[:24, 40:].min() == 255
    assert grown[40:].max() == 0
    assert grown[:, :24].max() == 0
    assert grown[16, 31:33, 0].mean() == pytest.approx(127.5, abs=2)


def test_one_walks_and_stays_in_the_middle() -> None:
    way = walking(0.2, speed=0.1)

    middles = [np.mean(skin(cut(way, second))[::2]) for second in np.arange(0, 2.75, 0.125)]

    assert middles[3:-3] == pytest.approx([32] * 16, abs=1.5)


def test_the_square_keeps_its_size_when_somebody_bends_or_reaches_out() -> None:
    bent = Box(left=0.4, top=0.5, right=0.6, bottom=0.8)
    out = Box(left=0.2, top=0.2, right=0.8, bottom=0.8)
    upright = Box(left=0.45, top=0.2, right=0.55, bottom=0.8)
    window = Cropper(track(*[upright] * 8, *[bent] * 2, *[upright] * 4, out, out), SPEC)
    ruler = picture([standing(0.0, top=0.45, width=1.0, height=0.1)], size=SIZE)

    crops = [skin(window.cut(ruler, second)) for second in (0.5, 2.1, 3.5)]

    heights = [bottom - top for _, top, _, bottom in crops]
    assert heights == pytest.approx([64 / 1.2 * 0.1 / 0.6] * 3, abs=1)


def test_a_box_that_jumps_moves_the_square_gently() -> None:
    still, jump = (Box(left=x, top=0.2, right=x + 0.1, bottom=0.8) for x in (0.4, 0.5))
    window = Cropper(track(*[still] * 8, jump, *[still] * 8), SPEC)
    image = picture([standing(0.4)], size=SIZE)

    middles = [float(np.mean(skin(window.cut(image, 0.25 * number))[::2])) for number in range(17)]

    moved = 64 * 0.1 * SIZE[0] / (1.2 * 0.6 * SIZE[1])
    assert np.ptp(middles) < moved / 2


@pytest.mark.parametrize(
    ("box", "missing"),
    [
        (Box(left=0.0, top=0.3, right=0.1, bottom=0.7), np.s_[:, :5]),
        (Box(left=0.9, top=0.3, right=1.0, bottom=0.7), np.s_[:, -5:]),
        (Box(left=0.4, top=0.0, right=0.5, bottom=0.4), np.s_[:3]),
        (Box(left=0.4, top=0.6, right=0.5, bottom=1.0), np.s_[-3:]),
    ],
)
@pytest.mark.parametrize("size", [(320, 240), (64, 48)])
def test_what_is_beyond_the_edge_is_gray(
    box: Box, missing: tuple[slice, ...], size: tuple[int, int]
) -> None:
    image = Cropper(track(box), SPEC).cut(picture([lambda _: box], size=size), 0.0)

    left, top, right, bottom = skin(image)
    assert (image[missing] == GRAY).all()
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((32, 32), abs=2)


def test_who_is_larger_than_the_picture_is_shown_whole() -> None:
    image = cut(standing(0.0, top=0.0, width=1.0, height=1.0))

    left, _, right, _ = skin(image)
    assert right - left == pytest.approx(64 / 1.2, abs=2)
    assert (image[:4] == GRAY).all()


def test_a_picture_of_another_size_is_cut_alike() -> None:
    way = walking(0.2, speed=0.1)
    window = Cropper(along(way), SPEC)

    small, large = (
        window.cut(picture([way], 1.0, size=size), 1.0) for size in ((320, 240), (960, 720))
    )

    assert np.abs(small.astype(int) - large).mean() < 4


def test_a_network_gets_the_size_it_asks_for() -> None:
    image = cut(standing(0.4), spec=ClipSpec(height=32, width=48, view=Region.PERSON))

    assert image.shape == (32, 48, 3)
    assert image.dtype == np.uint8
