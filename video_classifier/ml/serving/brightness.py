"""How somebody appears in a picture: how bright their clothes are, how large they are, the light.

Numbers by which results are compared between groups, and no picture is kept for it. Skin and faces
are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from video_classifier.ml.contracts import Box, Floats, Image, Window, WindowScore

_LUMA = np.array((0.299, 0.587, 0.114))  # of R, G and B: ITU-R BT.601
_DIGITS = 3  # of a brightness that is kept
_MOMENTS = 4  # crops of a window that are looked at: from its first to its last
_EVERY = 4  # pixels of a whole picture
# Of a crop, whose square is 1.2 times as high as a standing person and centered on them: from the
# shoulders to the hips, and narrower than a person.
_TORSO_ROWS = (0.25, 0.5)
_TORSO_COLUMNS = (0.42, 0.58)


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """All from 0 to 1; None where it wasn't measured."""

    clothing: float | None  # median brightness of the torso
    height: float | None  # of the person in the picture, as a median
    light: float | None  # mean brightness of the whole picture


def appearance(crops: Image | None, picture: Image | None, boxes: Sequence[Box] = ()) -> Appearance:
    """Of one candidate, by its deciding window.

    `crops` are (n, height, width, 3) RGB uint8 as `persons.crops` cuts them, `picture` is the
    whole (height, width, 3) in the middle of the window, `boxes` are where the person is in it.
    Brightness is luma as it was recorded, with the camera's exposure in it: compare it within one
    camera. Of somebody who sits, bends or is cut off the torso is a guess.
    """
    return Appearance(
        clothing=None if crops is None or not crops.size else _torso(crops),
        height=float(np.median([box.bottom - box.top for box in boxes])) if boxes else None,
        light=None if picture is None or not picture.size else _mean(picture),
    )


def of_window(window: Window) -> Appearance:
    """As `appearance`, without the height; the light is that of the whole picture in its middle.

    Of whole frames there is no clothing, and without previews no light.
    """
    previews = window.previews
    return appearance(
        None if window.track is None else window.images,
        previews[len(previews) // 2] if previews else None,
    )


def of_windows(windows: Iterable[WindowScore]) -> Appearance:
    """The medians of a candidate's windows, rounded, without the height."""
    found = list(windows)
    return Appearance(
        clothing=_median(each.clothing for each in found),
        height=None,
        light=_median(each.light for each in found),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return round(median(known), _DIGITS) if known else None


def _torso(crops: Image) -> float:
    count, height, width, _ = crops.shape
    moments = np.unique(np.linspace(0, count - 1, _MOMENTS).round().astype(int))
    (top, bottom), (left, right) = _cut(_TORSO_ROWS, height), _cut(_TORSO_COLUMNS, width)
    return min(float(np.median(_luma(crops[moments, top:bottom, left:right]))), 1.0)


def _mean(picture: Image) -> float:
    return min(float(_luma(picture[::_EVERY, ::_EVERY]).mean()), 1.0)


def _cut(share: tuple[float, float], size: int) -> tuple[int, int]:
    """At least one pixel."""
    first = min(int(share[0] * size), size - 1)
    return first, max(first + 1, round(share[1] * size))


def _luma(pixels: Image) -> Floats:
    return np.asarray(pixels @ _LUMA / 255)
