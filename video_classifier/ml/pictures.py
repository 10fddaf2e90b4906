"""Turns decoded frames into upright RGB images: the one way in which pictures are scaled."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from video_classifier.ml.clip import Image

# Averages all that a pixel covers, and gives the same bytes on every processor.
_SCALING = (
    Interpolation.AREA
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a player does to the stored picture before it shows it; the axes swap first."""

    swaps_axes: bool = False
    flips_x: bool = False
    flips_y: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> Turn:
        matrix = display_matrix(frame)
        if matrix is None:
            return cls()
        # Shown are x' = ax + cy and y' = bx + dy; only turns by 90 degrees and flips matter here.
        a, b, _, c, d = matrix[:5]
        if abs(a) >= abs(b):
            return cls(flips_x=a < 0, flips_y=d < 0)
        return cls(swaps_axes=True, flips_x=c < 0, flips_y=b < 0)

    @property
    def degrees(self) -> int:
        """Clockwise; a flip on top of it is left out."""
        if self.swaps_axes:
            return 90 if self.flips_x else 270
        return 180 if self.flips_y else 0

    def apply(self, image: Image) -> Image:
        if self.swaps_axes:
            image = image.swapaxes(0, 1)
        if self.flips_x:
            image = image[:, ::-1]
        if self.flips_y:
            image = image[::-1]
        return np.ascontiguousarray(image)


def display_matrix(frame: VideoFrame) -> list[int] | None:
    """The nine numbers, in FFmpeg's layout, that say how players turn and mirror the picture."""
    try:
        found = bytes(frame.side_data[SideData.DISPLAYMATRIX])  # type: ignore[typeddict-item]
    except KeyError:
        return None
    return [int(number) for number in np.frombuffer(found, np.int32)]


class Picture(NamedTuple):
    """Both (height, width, 3) RGB, uint8, upright."""

    image: Image
    preview: Image | None


class Scaler:
    """Makes each frame a picture of `width` x `height`, and a preview if a width is given.

    The preview keeps the shape in which players show the clip; `pixel_aspect` is the width of a
    stored pixel over its height.
    """

    def __init__(
        self,
        *,
        width: int,
        height: int,
        preview_width: int | None = None,
        pixel_aspect: Fraction | None = None,
    ) -> None:
        self._size = width, height
        self._preview_width = preview_width
        self._pixel_aspect = pixel_aspect or Fraction(1)
        self._for_image = VideoReformatter()
        self._for_preview = VideoReformatter()  # its own, as each keeps the tables of one size

    def __call__(self, frame: VideoFrame) -> Picture:
        turn = Turn.of(frame)
        image = _scaled(frame, turn, self._size, self._for_image)
        if self._preview_width is None:
            return Picture(image, None)
        size = self._preview_width, self._preview_height(frame, turn, self._preview_width)
        return Picture(image, _scaled(frame, turn, size, self._for_preview))

    def _preview_height(self, frame: VideoFrame, turn: Turn, width: int) -> int:
        shape = frame.height / (frame.width * self._pixel_aspect)
        return max(1, round(width / shape if turn.swaps_axes else width * shape))


class Fitter:
    """Makes each frame a picture in the shape in which players show it, within `width` x `height`.

    None is made larger than it is; `pixel_aspect` is the width of a stored pixel over its height.
    """

    def __init__(self, *, width: int, height: int, pixel_aspect: Fraction | None = None) -> None:
        self._width, self._height = width, height
        self._pixel_aspect = pixel_aspect or Fraction(1)
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> Image:
        turn = Turn.of(frame)
        width, height = float(frame.width * self._pixel_aspect), float(frame.height)
        if turn.swaps_axes:
            width, height = height, width
        share = min(1.0, self._width / width, self._height / height)
        size = max(1, round(width * share)), max(1, round(height * share))
        return _scaled(frame, turn, size, self._reformatter)


def _scaled(
    frame: VideoFrame, turn: Turn, size: tuple[int, int], reformatter: VideoReformatter
) -> Image:
    width, height = reversed(size) if turn.swaps_axes else size
    scaled = reformatter.reformat(frame, width, height, "rgb24", interpolation=_SCALING, threads=1)
    return turn.apply(scaled.to_ndarray().astype(np.uint8, copy=False))
