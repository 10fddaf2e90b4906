"""Links the persons found in single pictures into tracks.

In the manner of SORT (Bewley et al., "Simple online and realtime tracking", ICIP 2016): boxes are
assigned to where tracks should be by now, by their overlap. As in ByteTrack (Zhang et al.,
"ByteTrack", ECCV 2022) faint boxes may carry a track on, and never start one, and as in C-BIoU
(Yang et al., "Hard to track objects with irregular motions and similar appearances? Make it easier
by buffering the matching space", WACV 2023) boxes are widened first: at a few pictures a second
somebody who walks past leaves their own box. There is no Kalman filter: the whole clip is known,
so that boxes are smoothed afterwards, from both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.signal import savgol_filter

from video_classifier.ml.contracts import Box, Floats, Track
from video_classifier.ml.persons.boxes import areas, intersections, iou
from video_classifier.ml.persons.detector import Detections

VERSION = 2  # raise it when the same detections would give other tracks: caches go by it


MAX_STEP = 1.1  # seconds: from picture to picture; nobody is followed where they are further apart

_FAINT = 0.5  # of the threshold: from here on a box carries a track on
_BUFFER = 0.5  # of a box's sides, on each side
_LEAST_OVERLAP = 0.15  # of a box with where the track should be, both widened
_WITHIN = 0.8  # of a box lies in another: it may be the same person's …
_PART = 0.25  # … if it has so much of the other's area
_INERTIA = 0.5  # how much of its speed a track keeps when a box tells another
_LONGEST_GAP = 1.6  # seconds from box to box
_TRIAL = 0.6  # seconds until a second box; if pictures are further apart, until the next one
_SHORTEST = 0.5  # seconds in view, in a clip that is that long
_SMOOTHING = 0.8  # seconds
_UNEVEN = 0.3  # of a step: pictures come when they come, so far from where they are due
_SMALL_STEPS = 15  # within the time that is smoothed over


class _Found(NamedTuple):
    boxes: Floats  # (n, 4)
    scores: Floats  # (n,)


@dataclass(slots=True, kw_only=True, eq=False)
class _Trail:
    """A track as it grows: boxes, and how fast their center moves."""

    boxes: dict[int, Floats]  # (4,), by the number of the picture
    second: float  # of the latest box
    speed: Floats = field(default_factory=lambda: np.zeros(2))  # (2,): to the right, down; a second

    @property
    def last(self) -> Floats:
        return self.boxes[max(self.boxes)]

    def is_on_trial(self, number: int, second: float) -> bool:
        """Whether it is new, and the picture of that number may have its second box."""
        longest = MAX_STEP if number - 1 in self.boxes else _TRIAL
        return len(self.boxes) == 1 and second - self.second <= longest

    def expected(self, second: float) -> Floats:
        """Where it should be by now, as large as it was."""
        return self.last + np.tile(self.speed, 2) * (second - self.second)

    def grow(self, number: int, second: float, box: Floats) -> None:
        moved = ((box - self.last)[:2] + (box - self.last)[2:]) / 2
        speed = moved / (second - self.second)
        is_young = len(self.boxes) == 1
        self.speed = speed if is_young else _INERTIA * self.speed + (1 - _INERTIA) * speed
        self.boxes[number] = box
        self.second = second


def track(
    times: Sequence[float], detections: Sequence[Detections], *, threshold: float
) -> tuple[Track, ...]:
    """Who was in view and where, in the order of appearance.

    Detections in pictures at `times`, ascending, in seconds; those that score `threshold` are to
    be believed. A track goes without gaps from the first box to the last. Who is in view for less
    than half a second is left out, unless the clip itself is not much longer.
    """
    trails: list[_Trail] = []
    for number, (second, found) in enumerate(zip(times, detections, strict=True)):
        sure = _between(found, threshold, np.inf)
        faint = _between(found, _FAINT * threshold, threshold)
        alive = [trail for trail in trails if second - trail.second <= _LONGEST_GAP]
        known = [trail for trail in alive if len(trail.boxes) > 1]
        new = [trail for trail in alive if trail.is_on_trial(number, second)]
        left, fresh = _assign(known, sure, number, second)
        _assign(left, faint, number, second)
        _, fresh = _assign(new, fresh, number, second)
        trails += [_Trail(boxes={number: box}, second=second) for box in fresh.boxes]
    step = _step(times)
    least = min(max(2, round(_SHORTEST / step)), (len(times) + 1) // 2)
    lasting = [trail for trail in trails if len(trail.boxes) >= least]
    tracks = [_finished(trail, times, step) for trail in lasting]
    return tuple(sorted(_distinct(tracks), key=lambda track: track.times[0]))


def prominence(track: Track) -> float:
    """How long and how large somebody is in view: seconds times the share of the picture."""
    return float(areas(corners(track)).mean() * (track.times[-1] - track.times[0] + _SHORTEST))


def corners(track: Track) -> Floats:
    """(n, 4): left, top, right, bottom at each of the track's times, 0 to 1 of the picture."""
    return np.array([(box.left, box.top, box.right, box.bottom) for box in track.boxes])


def smoothed(lines: Floats, times: Floats, *, step: float, over: float) -> Floats:
    """Straight lines fitted to each `over` seconds of (n, k) values at n `times`, in seconds.

    The filter of Savitzky & Golay (1964) of first order: unlike a mean it does not lag behind
    somebody who walks in or out. It wants even steps: where they are not all about `step` seconds
    long, values are read off at small ones and put back. (n, k).
    """
    if len(lines) < 2 or np.abs(np.diff(times) - step).max() <= _UNEVEN * step:  # noqa: PLR2004
        return _filtered(lines, round(over / step))
    steps = ceil((times[-1] - times[0]) / over * _SMALL_STEPS)
    even = np.linspace(times[0], times[-1], 1 + steps)
    smooth = _filtered(_read_off(lines, times, even), _SMALL_STEPS)
    return _read_off(smooth, even, times)


def _filtered(lines: Floats, window: int) -> Floats:
    window = min(window, len(lines))
    window -= 1 - window % 2
    if window < 3:  # noqa: PLR2004  (two values are on a line)
        return lines
    smooth: Floats = savgol_filter(lines, window, polyorder=1, axis=0)
    return smooth


def _read_off(lines: Floats, times: Floats, at: Floats) -> Floats:
    return np.stack([np.interp(at, times, line) for line in lines.T], axis=1)


def _widened(boxes: Floats) -> Floats:
    margin = _BUFFER * (boxes[:, 2:] - boxes[:, :2])
    return np.hstack((boxes[:, :2] - margin, boxes[:, 2:] + margin))


def _between(found: Detections, low: float, high: float) -> _Found:
    chosen = (found.scores >= low) & (found.scores < high)
    return _Found(found.boxes[chosen].astype(np.float64), found.scores[chosen].astype(np.float64))


def _assign(
    trails: Sequence[_Trail], found: _Found, number: int, second: float
) -> tuple[list[_Trail], _Found]:
    """Lets trails grow by the boxes that fit best; returns the trails and boxes left over.

    Of boxes that fit alike the surer one is taken.
    """
    if not trails or not len(found.boxes):
        return list(trails), found
    expected = np.stack([trail.expected(second) for trail in trails])
    overlaps = iou(_widened(expected)[:, None], _widened(found.boxes)[None])
    rows, columns = linear_sum_assignment(overlaps * found.scores, maximize=True)
    fits = overlaps[rows, columns] >= _LEAST_OVERLAP
    rows, columns = rows[fits], columns[fits]
    for row, column in zip(rows, columns, strict=True):
        trails[row].grow(number, second, found.boxes[column])
    left = [trail for row, trail in enumerate(trails) if row not in rows]
    return left, _Found(*(np.delete(values, columns, axis=0) for values in found))


def _step(times: Sequence[float]) -> float:
    """Seconds from picture to picture, as most of them have it; a lone one stays for half a one."""
    return float(np.median(np.diff(times))) if len(times) > 1 else _SHORTEST


def _finished(trail: _Trail, times: Sequence[float], step: float) -> Track:
    """Gaps filled and boxes smoothed."""
    numbers = sorted(trail.boxes)
    within = np.asarray(times[numbers[0] : numbers[-1] + 1])
    seen = np.array([times[number] for number in numbers])
    edges = np.stack([trail.boxes[number] for number in numbers])
    filled = _read_off(edges, seen, within)
    smooth = np.clip(smoothed(filled, within, step=step, over=_SMOOTHING), 0.0, 1.0)
    return Track(
        times=tuple(within.tolist()),
        boxes=tuple(
            Box(left=left, top=top, right=right, bottom=bottom)
            for left, top, right, bottom in smooth.tolist()
        ),
    )


def _distinct(tracks: Sequence[Track]) -> list[Track]:
    """Without those that are somebody else's once more, or a part of them."""
    kept: list[Track] = []
    for track in sorted(tracks, key=prominence, reverse=True):
        if not any(_is_within(track, other) for other in kept):
            kept.append(track)
    return kept


def _is_within(track: Track, other: Track) -> bool:
    """Whether one box lies in the other for most of the time, and is not much smaller.

    Much smaller is who stands in the background.
    """
    common = sorted(set(track.times) & set(other.times))
    if 2 * len(common) <= len(track.times):
        return False
    boxes, others = (corners(one)[np.searchsorted(one.times, common)] for one in (track, other))
    share = (intersections(boxes, others) / areas(boxes)).mean()
    size = (areas(boxes) / areas(others)).mean()
    return bool(share >= _WITHIN and size >= _PART)
