"""Turns decoded frames into upright RGB images: the one way in which pictures are scaled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideData
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from video_classifier.ml.contracts import Image
from video_classifier.ml.video import tone
from video_classifier.ml.video.filters import AspectReader, FieldTaker, PixelAspect, cropped

MAX_SLIMNESS = 4  # times as high as wide: the slimmest preview, or a file could ask for any height

# Pictures that are halved in color, as nearly all are; so many pixels around a part are enough.
_IN_PARTS = {"yuv420p", "yuvj420p", "nv12"}
_MARGIN, _BLOCK = 8, 16

# Averages all that a pixel covers, and gives the same bytes on every processor.
_SCALING = (
    Interpolation.AREA
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orientation:
    """How a player turns and flips the stored picture; the axes swap first."""

    swaps_axes: bool = False
    flips_x: bool = False
    flips_y: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> Orientation:
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
    # `frame.side_data` would refer to the frame and the frame to it: until the garbage collector
    # comes, which is rare here, all frames of the clips before would stay in memory.
    side_data = SideDataContainer(frame)  # type: ignore[call-arg]
    try:
        found = bytes(side_data[SideData.DISPLAYMATRIX])
    except KeyError:
        return None
    return [int(number) for number in np.frombuffer(found, np.int32)]


class Picture(NamedTuple):
    """Both (height, width, 3) RGB, uint8, upright."""

    image: Image
    preview: Image | None


class Scaler:
    """Makes each frame a picture of `width` x `height`, and a preview if a width is given.

    The preview keeps the shape in which players show the frame, as far as MAX_SLIMNESS goes.
    """

    def __init__(
        self,
        *,
        width: int,
        height: int,
        preview_width: int | None = None,
        pixel_aspect: PixelAspect | None = None,
    ) -> None:
        self._size = width, height
        self._preview_width = preview_width
        self._shape = _Shape(pixel_aspect)
        self._field = FieldTaker()
        self._for_image = VideoReformatter()
        self._for_preview = VideoReformatter()  # its own, as each keeps the tables of one size

    def __call__(self, frame: VideoFrame) -> Picture:
        image = _scaled(self._field(frame), Orientation.of(frame), self._size, self._for_image)
        return Picture(image, self.preview(frame))

    def preview(self, frame: VideoFrame) -> Image | None:
        """The preview alone."""
        if self._preview_width is None:
            return None
        orientation = Orientation.of(frame)
        size = self._preview_size(frame, orientation, self._preview_width)
        return _scaled(self._field(frame), orientation, size, self._for_preview)

    def _preview_size(
        self, frame: VideoFrame, orientation: Orientation, width: int
    ) -> tuple[int, int]:
        shape = self._shape(frame)
        height = max(1, round(width / shape if orientation.swaps_axes else width * shape))
        if height > (highest := MAX_SLIMNESS * width):
            return max(1, round(width * highest / height)), highest
        return width, height


class FitWithin:
    """Makes each frame a picture in the shape in which players show it, within `width` x `height`.

    None is made larger than it is.
    """

    def __init__(self, *, width: int, height: int, pixel_aspect: PixelAspect | None = None) -> None:
        self._width, self._height = width, height
        self._shape = _Shape(pixel_aspect)
        self._field = FieldTaker()
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> Image:
        return self._scaled(frame, *self._how(frame))

    def by_parts(self, frame: VideoFrame) -> Image | Parts:
        """The same picture, of which perhaps only those parts are made that somebody looks at."""
        orientation, size = self._how(frame)
        if orientation == Orientation() and Parts.can_be_of(frame, size):
            return Parts(frame, lambda: self._scaled(frame, orientation, size))
        return self._scaled(frame, orientation, size)

    def _how(self, frame: VideoFrame) -> tuple[Orientation, tuple[int, int]]:
        orientation = Orientation.of(frame)
        width, height = float(frame.height / self._shape(frame)), float(frame.height)
        if orientation.swaps_axes:
            width, height = height, width
        share = min(1.0, self._width / width, self._height / height)
        return orientation, (max(1, round(width * share)), max(1, round(height * share)))

    def _scaled(self, frame: VideoFrame, orientation: Orientation, size: tuple[int, int]) -> Image:
        return _scaled(self._field(frame), orientation, size, self._reformatter)


class Parts:
    """A frame as an RGB image of its size, in which only the parts are converted that are cut out.

    They have the very bytes that they have in the whole image.
    """

    def __init__(self, frame: VideoFrame, convert: Callable[[], Image]) -> None:
        """`convert` makes the whole image."""
        self._frame, self._convert = frame, convert
        self._whole: Image | None = None

    @staticmethod
    def can_be_of(frame: VideoFrame, size: tuple[int, int]) -> bool:
        """Whether a frame needs no more than other colors to be an image of that size."""
        is_even = not (frame.width % 2 or frame.height % 2)
        is_as_it_is = size == (frame.width, frame.height) and not frame.interlaced_frame
        is_known = frame.format.name in _IN_PARTS and not tone.is_hdr(frame)
        return is_even and is_as_it_is and is_known

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the whole image."""
        return self._frame.height, self._frame.width, 3

    @property
    def whole(self) -> Image:
        if self._whole is None:
            self._whole = self._convert()
        return self._whole

    def __getitem__(self, cut: tuple[slice, slice]) -> Image:
        """The pixels in rows and columns, as of an array; both with a start and an end from 0."""
        height, width, _ = self.shape
        (top, bottom), (left, right) = _within(cut[0], height), _within(cut[1], width)
        if self._whole is not None or 2 * (bottom - top) * (right - left) > height * width:
            return self.whole[top:bottom, left:right]
        if top >= bottom or left >= right:
            return np.empty((max(0, bottom - top), max(0, right - left), 3), np.uint8)
        # The color of a pixel comes from some around it.
        box = (*_widened(top, bottom, height), *_widened(left, right, width))
        part = cropped(self._frame, *box)
        image = scaled_rgb(part, part.width, part.height, VideoReformatter())
        up, across = box[0], box[2]
        return image[top - up : bottom - up, left - across : right - across]


def _within(part: slice, length: int) -> tuple[int, int]:
    start, end, _ = part.indices(length)
    return start, end


def _widened(start: int, end: int, length: int) -> tuple[int, int]:
    """With a margin, on whole blocks of the picture."""
    first = max(0, start - _MARGIN) // _BLOCK * _BLOCK
    return first, min(length, -(-(end + _MARGIN) // _BLOCK) * _BLOCK)


class _Shape:
    """The height over the width of frames as players show them, before they turn them."""

    def __init__(self, header: PixelAspect | None) -> None:
        self._header = header
        self._read_aspect = AspectReader()

    def __call__(self, frame: VideoFrame) -> Fraction:
        aspect = self._header.at(frame, self._read_aspect(frame)) if self._header else 1
        return Fraction(frame.height) / (frame.width * aspect)


def _scaled(
    frame: VideoFrame,
    orientation: Orientation,
    size: tuple[int, int],
    reformatter: VideoReformatter,
) -> Image:
    width, height = reversed(size) if orientation.swaps_axes else size
    return orientation.apply(scaled_rgb(frame, width, height, reformatter))


def scaled_rgb(frame: VideoFrame, width: int, height: int, reformatter: VideoReformatter) -> Image:
    """(height, width, 3) RGB, uint8: the frame scaled, for an ordinary screen, not yet turned."""
    pixels = "gbrp16le" if tone.is_hdr(frame) else "rgb24"
    scaled = reformatter.reformat(frame, width, height, pixels, interpolation=_SCALING, threads=1)
    if tone.is_hdr(frame):
        return tone.mapped(scaled.to_ndarray().astype(np.uint16, copy=False), frame.color_trc)
    return scaled.to_ndarray().astype(np.uint8, copy=False)
