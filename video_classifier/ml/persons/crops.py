"""Cuts one person out of a clip's pictures: a square of one size that goes along with them.

Where the square leaves the picture, what is missing is gray: somebody at the edge stays as large
as elsewhere, and in the middle.
"""

from __future__ import annotations

import cv2
import numpy as np

from video_classifier.ml.contracts import ClipSpec, Floats, Image, Track
from video_classifier.ml.persons.tracking import corners, smoothed

VERSION = 2  # raise it when a track would give other crops: caches go by it

_GRAY = (114, 114, 114)  # as detectors of the YOLO family fill what is not there
_MARGIN = 1.2  # times the larger side of the person
_USUAL = 80  # the percentile of these sides: who bends or reaches out keeps the size
_STEADINESS = 1.4  # seconds over which its way is smoothed


class Window:
    """What a network sees of somebody."""

    def __init__(self, track: Track, spec: ClipSpec) -> None:
        boxes = corners(track)
        self._size = spec.width, spec.height
        self._times = track.times
        self._extents = boxes[:, 2:] - boxes[:, :2]
        self._centers = _steady((boxes[:, :2] + boxes[:, 2:]) / 2, track)

    def cut(self, image: Image, second: float) -> Image:
        """(h, w, 3) RGB, uint8, from the clip's `second`, to (spec.height, spec.width, 3)."""
        whole = np.array((image.shape[1], image.shape[0]))
        side = _MARGIN * float(np.percentile((self._extents * whole).max(axis=1), _USUAL))
        center = whole * [np.interp(second, self._times, line) for line in self._centers.T]
        # Pixels that grow make a square jump if it is rounded to whole ones; those that shrink
        # have to be averaged.
        cut = _shrunk if side >= max(self._size) else _grown
        return cut(image, center, max(side, 1.0), self._size).astype(np.uint8, copy=False)


def _steady(centers: Floats, track: Track) -> Floats:
    if len(centers) == 1:
        return centers
    times = np.array(track.times)
    step = float(np.median(np.diff(times)))
    return smoothed(centers, times, step=step, over=_STEADINESS)


def _shrunk(image: Image, center: Floats, side: float, size: tuple[int, int]) -> cv2.typing.MatLike:
    whole = round(side)
    left, top = np.round(center - whole / 2).astype(int)
    patch = np.full((whole, whole, 3), _GRAY, np.uint8)
    inside = image[max(top, 0) : max(top + whole, 0), max(left, 0) : max(left + whole, 0)]
    down, across = max(-top, 0), max(-left, 0)
    patch[down : down + inside.shape[0], across : across + inside.shape[1]] = inside
    return cv2.resize(patch, size, interpolation=cv2.INTER_AREA)


def _grown(image: Image, center: Floats, side: float, size: tuple[int, int]) -> cv2.typing.MatLike:
    # The middle of pixel 0 is at 0.5, here as there.
    scale = np.array(size) / side
    shift = (np.array(size) - 1) / 2 - (center - 0.5) * scale
    return cv2.warpAffine(
        image,
        np.column_stack((np.diag(scale), shift)),
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_GRAY,
    )
