"""How far boxes overlap, and which of them belong together by that.

Boxes are arrays (..., 4): left, top, right, bottom, in any unit.
"""

from __future__ import annotations

from typing import TypeVar

import lap
import numpy as np

from video_classifier.ml.contracts import Floats, Floats32, Integers, Track

Array = TypeVar("Array", Floats, Floats32)


def corners(track: Track) -> Floats:
    """(n, 4): left, top, right, bottom at each of the track's times, 0 to 1 of the picture."""
    return np.array([(box.left, box.top, box.right, box.bottom) for box in track.boxes])


def corners_at(track: Track, moments: Floats) -> Floats:
    """(n, 4): the same at n `moments`, in seconds, interpolated linearly."""
    sides = corners(track).T
    return np.stack([np.interp(moments, track.times, side) for side in sides], axis=1)


def areas(boxes: Array) -> Array:
    """(...): of boxes (..., 4)."""
    area: Array = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return area


def intersections(boxes: Array, others: Array) -> Array:
    """(...): shared areas of boxes (..., 4); shapes broadcast."""
    corner = np.maximum(boxes[..., :2], others[..., :2])
    opposite = np.minimum(boxes[..., 2:], others[..., 2:])
    shared: Array = np.clip(opposite - corner, 0, None).prod(axis=-1)
    return shared


def iou(boxes: Array, others: Array) -> Array:
    """(...): intersection over union of boxes (..., 4), 0 to 1; shapes broadcast."""
    shared = intersections(boxes, others)
    union = areas(boxes) + areas(others) - shared
    ratio: Array = shared / np.maximum(union, np.finfo(union.dtype).tiny)
    return ratio


def best_pairs(values: Floats) -> tuple[Integers, Integers]:
    """Rows and columns of (n, m) `values`, each at most once, whose sum is the largest."""
    _, column_of, _ = lap.lapjv(-values, extend_cost=True)
    rows = np.flatnonzero(column_of >= 0)
    return rows, column_of[rows]
