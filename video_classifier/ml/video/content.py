"""Measures whether a clip's pictures show anything that can be judged.

Of 75 real clips the one with the least movement has 8 different pictures of 16 that were spread
over it, and the flattest a contrast of 26. A frozen picture that was encoded again and again has
1, rarely more, and one that is all of a color a contrast below 2.
"""

from __future__ import annotations

from array import array

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from video_classifier.ml.contracts import ClipContent

MAX_COUNTED = 16  # different pictures; the count is not needed beyond

MOVED = 3  # gray levels by which some pixel of a small picture differs where somebody may move

_SIDE = 32  # pixels: pictures are compared this small, so that noise and fine print average out
_DIFFERENT = 4  # gray levels, of 256, by which some pixel of that size differs; less is encoding


class _Shrinker:
    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> npt.NDArray[np.int16]:
        small = self._reformatter.reformat(
            frame, _SIDE, _SIDE, "gray", interpolation=Interpolation.AREA
        )
        return small.to_ndarray().astype(np.int16)


class StillnessMeter:
    """Finds pictures that show what the last one showed that was looked at."""

    def __init__(self) -> None:
        self._small = _Shrinker()
        self._last: npt.NDArray[np.int16] | None = None

    def is_same(self, frame: VideoFrame) -> bool:
        """Whether it is; if not, it is the one that is looked at."""
        picture = self._small(frame)
        if self._last is not None and np.abs(picture - self._last).max() < MOVED:
            return True
        self._last = picture
        return False

    def restart(self) -> None:
        """Starts over."""
        self._last = None


class ContentMeter:
    """Takes the pictures of a clip one by one, and measures what there is in them."""

    def __init__(self) -> None:
        self._small = _Shrinker()
        self._different: list[npt.NDArray[np.int16]] = []
        self._contrasts = array("f")

    def restart(self) -> None:
        """Starts over."""
        self._different.clear()
        del self._contrasts[:]

    def add(self, frame: VideoFrame) -> None:
        picture = self._small(frame)
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
