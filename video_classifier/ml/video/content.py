"""Measures whether a clip's pictures show anything that can be judged.

Of 75 real clips the one with the least movement has 8 different pictures of 16 that were spread
over it, and the flattest a contrast of 26. A frozen picture that was encoded again and again has
1, rarely more, and one that is all of a color a contrast below 2.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from typing import Protocol

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from video_classifier.ml.contracts import MIN_PICTURES, ClipContent

MAX_COUNTED = 16  # different pictures; the count is not needed beyond

MOVED = 3  # gray levels by which some pixel of a small picture differs where somebody may move

_SIDE = 32  # pixels: pictures are compared this small, so that noise and fine print average out
_DIFFERENT = 4  # gray levels, of 256, by which some pixel of that size differs; less is encoding


_MAX_BETWEEN = 7  # pictures that are held until one is looked at
_MAX_SHOWN = 8  # pictures that another is compared with: keyframes look a little different

_Small = npt.NDArray[np.int16]


class _Shrinker:
    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> _Small:
        small = self._reformatter.reformat(
            frame, _SIDE, _SIDE, "gray", interpolation=Interpolation.AREA
        )
        return small.to_ndarray().astype(np.int16)


class Meter(Protocol):
    """Measures what there is in pictures, which come one by one and in order."""

    def look(self, frame: VideoFrame) -> int:
        """Takes a picture, and says by a number what it shows: a new one, or that of one before."""

    def pass_by(self, frame: VideoFrame) -> None:
        """Takes a picture that need not be measured if those around it are alike."""

    def restart(self) -> None:
        """Starts over."""

    @property
    def is_moving(self) -> bool:
        """Whether there are different pictures enough so far to judge them."""

    def read(self, *, pictures: int, share_decoded: float) -> ClipContent:
        """What was found in all of them."""


class ContentMeter:
    """Takes the pictures of a clip one by one, and measures what there is in them."""

    def __init__(self) -> None:
        self._small = _Shrinker()
        self._different: list[_Small] = []
        self._contrasts = array("f")

    def restart(self) -> None:
        self._different.clear()
        del self._contrasts[:]

    def add(self, frame: VideoFrame) -> None:
        self.add_small(self._small(frame))

    def look(self, frame: VideoFrame) -> int:
        """As `add`; takes no picture to be like another."""
        self.add(frame)
        return len(self._contrasts)

    pass_by = add

    @property
    def is_moving(self) -> bool:
        return len(self._different) >= MIN_PICTURES

    def add_small(self, picture: _Small) -> None:
        """Of 32 x 32 gray levels."""
        self._contrasts.append(float(picture.std()))
        if len(self._different) < MAX_COUNTED and all(
            np.abs(picture - other).max() >= _DIFFERENT for other in self._different
        ):
            self._different.append(picture)

    def read(self, *, pictures: int, share_decoded: float) -> ClipContent:
        return ClipContent(
            pictures=pictures,
            pictures_different=len(self._different),
            contrast=float(np.median(self._contrasts)) if self._contrasts else 0.0,
            share_decoded=share_decoded,
        )


class SpanMeter:
    """Measures the content of pictures in a row of which only some are looked at.

    Those in between are measured if the next one that is looked at shows something else, and else
    taken to be like it. So what comes and goes in between, within half a second, is not noticed.
    """

    def __init__(self) -> None:
        self._small = _Shrinker()
        self._content = ContentMeter()
        self._between: list[VideoFrame] = []
        self._shown: OrderedDict[int, _Small] = OrderedDict()  # the latest last, by number
        self._count = 0

    def restart(self) -> None:
        self._content.restart()
        self._between.clear()
        self._shown.clear()

    def look(self, frame: VideoFrame) -> int:
        picture = self._small(frame)
        before = next(reversed(self._shown), None)
        number = self._number(picture)
        if number != before:
            self._measure_between()
        self._between.clear()
        self._content.add_small(picture)
        return number

    @property
    def is_moving(self) -> bool:
        return self._content.is_moving

    def pass_by(self, frame: VideoFrame) -> None:
        self._between.append(frame)
        if len(self._between) > _MAX_BETWEEN:
            self._measure_between()

    def read(self, *, pictures: int, share_decoded: float) -> ClipContent:
        self._measure_between()
        return self._content.read(pictures=pictures, share_decoded=share_decoded)

    def _number(self, picture: _Small) -> int:
        """That of the latest picture that shows the same."""
        for number in reversed(self._shown):
            if np.abs(picture - self._shown[number]).max() < MOVED:
                self._shown.move_to_end(number)
                return number
        self._count += 1
        self._shown[self._count] = picture
        if len(self._shown) > _MAX_SHOWN:
            self._shown.popitem(last=False)
        return self._count

    def _measure_between(self) -> None:
        for frame in self._between:
            self._content.add(frame)
        self._between.clear()
