"""Cuts one person out of a clip's pictures: a square of constant size, centered on the track.

Where the square leaves the picture it is padded with gray, so that somebody at the edge keeps
their size and stays in the middle.
"""

from __future__ import annotations

import cv2
import numpy as np

from video_classifier.ml.contracts import ClipSpec, Floats, Image, Track
from video_classifier.ml.persons.overlap import corners
from video_classifier.ml.persons.tracking import smoothed
from video_classifier.ml.video.scaling import Parts

VERSION = 2  # raise it when a track would give other crops: caches go by it

_GRAY = 114  # as detectors of the YOLO family pad
_PADDING = (_GRAY, _GRAY, _GRAY)
_MARGIN = 1.2  # times the larger side of the person
_SIDE_PERCENTILE = 80  # of these sides: robust against bending and reaching, which keep the size
_SMOOTHING = 1.4  # seconds over which the center is smoothed


class Cropper:
    """Cuts one track out of pictures, as a network's input."""

    def __init__(self, track: Track, spec: ClipSpec) -> None:
        boxes = corners(track)
        self._size = spec.width, spec.height
        self._times = track.times
        self._extents = boxes[:, 2:] - boxes[:, :2]
        self._centers = _smoothed_centers((boxes[:, :2] + boxes[:, 2:]) / 2, track)

    def cut(self, image: Image | Parts, second: float) -> Image:
        """(spec.height, spec.width, 3) of the picture (h, w, 3) at `second`; RGB, uint8."""
        whole = np.array((image.shape[1], image.shape[0]))
        side = _MARGIN * float(np.percentile((self._extents * whole).max(axis=1), _SIDE_PERCENTILE))
        center = whole * [np.interp(second, self._times, line) for line in self._centers.T]
        # Enlarged, a square that is rounded to whole pixels would jump; reduced, pixels have to be
        # averaged.
        if side >= max(self._size):
            crop = _reduced(image, center, side, self._size)
        else:
            whole_image = image.whole if isinstance(image, Parts) else image
            crop = _enlarged(whole_image, center, max(side, 1.0), self._size)
        return crop.astype(np.uint8, copy=False)


def _smoothed_centers(centers: Floats, track: Track) -> Floats:
    if len(centers) == 1:
        return centers
    times = np.array(track.times)
    step = float(np.median(np.diff(times)))
    return smoothed(centers, times, step=step, over=_SMOOTHING)


def _reduced(
    image: Image | Parts, center: Floats, side: float, size: tuple[int, int]
) -> cv2.typing.MatLike:
    whole = round(side)
    left, top = np.round(center - whole / 2).astype(int)
    inside = image[max(top, 0) : max(top + whole, 0), max(left, 0) : max(left + whole, 0)]
    if inside.shape[:2] == (whole, whole):
        return cv2.resize(inside, size, interpolation=cv2.INTER_AREA)
    patch = np.full((whole, whole, 3), _GRAY, np.uint8)
    down, across = max(-top, 0), max(-left, 0)
    patch[down : down + inside.shape[0], across : across + inside.shape[1]] = inside
    return cv2.resize(patch, size, interpolation=cv2.INTER_AREA)


def _enlarged(
    image: Image, center: Floats, side: float, size: tuple[int, int]
) -> cv2.typing.MatLike:
    # The middle of pixel 0 is at 0.5, here as there.
    scale = np.array(size) / side
    shift = (np.array(size) - 1) / 2 - (center - 0.5) * scale
    return cv2.warpAffine(
        image,
        np.column_stack((np.diag(scale), shift)),
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_PADDING,
    )
