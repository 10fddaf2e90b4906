"""Occlusion maps: the parts of the pictures that a score depends on, found by hiding each.

Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
from PIL import Image as Still

from video_classifier.ml.contracts import Image

GRAY = 128
DIMMED = 0.4  # how much light is left where hiding changes nothing

Drops = npt.NDArray[np.float32]


def heat_map(
    score: Callable[[Image], float],
    images: Image,
    *,
    grid: int = 8,
    after_each: Callable[[], None] = lambda: None,
) -> Drops:
    """How far `score` falls while one of `grid` x `grid` parts is gray in all pictures at once.

    `images` are (frames, height, width, 3) RGB, uint8. Returns (grid, grid), rows from above;
    0 where the score doesn't fall. Calls `after_each` part; what that raises ends the search.
    """
    _, height, width, _ = images.shape
    whole = score(images)
    drops = np.zeros((grid, grid), np.float32)
    parts = product(enumerate(_edges(height, grid)), enumerate(_edges(width, grid)))
    for (row, (top, bottom)), (column, (left, right)) in parts:
        hidden = images.copy()
        hidden[:, top:bottom, left:right] = GRAY
        drops[row, column] = max(0.0, whole - score(hidden))
        after_each()
    return drops


def drawn(images: Image, drops: Drops) -> Image:
    """The pictures as they are where the score falls most, dim and gray where it doesn't fall."""
    _, height, width, _ = images.shape
    weights = drops / (drops.max() or 1)
    spread = Still.fromarray(weights).resize((width, height), Still.Resampling.BILINEAR)
    light = np.asarray(spread, np.float32)[None, :, :, None]
    dim = DIMMED * images.mean(axis=-1, keepdims=True)
    picture: npt.NDArray[np.float64] = light * images + (1 - light) * dim
    return picture.round().astype(np.uint8)


def _edges(length: int, grid: int) -> list[tuple[int, int]]:
    return list(pairwise(round(length * step / grid) for step in range(grid + 1)))
