"""Multi-object tracking: links detections in single pictures into tracks.

In the manner of SORT (Bewley et al., "Simple online and realtime tracking", ICIP 2016): boxes are
assigned to where tracks should be by now, by their IoU. As in ByteTrack (Zhang et al.,
"ByteTrack", ECCV 2022) boxes of a low score may extend a track, but never start one, and as in
C-BIoU (Yang et al., "Hard to track objects with irregular motions and similar appearances? Make it
easier by buffering the matching space", WACV 2023) boxes are widened first: at a few pictures a
second somebody who walks past leaves their own box. There is no Kalman filter: the whole clip is
known, so that boxes are smoothed afterwards, with what comes before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from video_classifier.ml.contracts import Box, Floats, Track
from video_classifier.ml.persons.detector import Detections
from video_classifier.ml.persons.overlap import areas, best_pairs, corners, intersections, iou

VERSION = 2  # raise it when the same detections would give other tracks: caches go by it

MAX_TRACKS = 12  # that are scored in one clip
MAX_STEP = 1.1  # seconds: from picture to picture; nobody is followed where they are further apart

_LOW_SCORE = 0.5  # of the threshold: from here on a box extends a track
_BUFFER = 0.5  # of a box's sides, on each side
_MIN_IOU = 0.15  # of a box with where the track should be, both widened
_DUPLICATE_OVERLAP = 0.8  # of a box lies in another: it may be the same person …
_DUPLICATE_AREA = 0.25  # … if it has so much of the other's area
_SPEED_MOMENTUM = 0.5  # of the speed so far, when a new box gives another
_MAX_GAP = 1.6  # seconds from box to box
_MAX_TENTATIVE = (
    0.6  # seconds until a second box; if pictures are further apart, until the next one
)
_MIN_SECONDS = 0.5  # in view, in a clip that is that long
_SMOOTHING = 0.8  # seconds
_MAX_JITTER = 0.3  # of a step, by which pictures may be off an even rate
_RESAMPLED = 15  # steps within the time that is smoothed over


class _Boxes(NamedTuple):
    boxes: Floats  # (n, 4)
    scores: Floats  # (n,)


@dataclass(slots=True, kw_only=True, eq=False)
class _OpenTrack:
    """A track that may still be extended: boxes, and how fast their center moves."""

    boxes: dict[int, Floats]  # (4,), by the number of the picture
    second: float  # of the latest box
    speed: Floats = field(default_factory=lambda: np.zeros(2))  # (2,): to the right, down; a second

    @property
    def last(self) -> Floats:
        return self.boxes[max(self.boxes)]

    def is_tentative(self, number: int, second: float) -> bool:
        """Whether it is new, and the picture of that number may have its second box."""
        longest = MAX_STEP if number - 1 in self.boxes else _MAX_TENTATIVE
        return len(self.boxes) == 1 and second - self.second <= longest

    def expected(self, second: float) -> Floats:
        """The box predicted for `second`: moved on at its speed, of unchanged size."""
        return self.last + np.tile(self.speed, 2) * (second - self.second)

    def extend(self, number: int, second: float, box: Floats) -> None:
        moved = ((box - self.last)[:2] + (box - self.last)[2:]) / 2
        speed = moved / (second - self.second)
        if len(self.boxes) > 1:
            speed = _SPEED_MOMENTUM * self.speed + (1 - _SPEED_MOMENTUM) * speed
        self.speed = speed
        self.boxes[number] = box
        self.second = second


def track(
    times: Sequence[float], detections: Sequence[Detections], *, threshold: float
) -> tuple[Track, ...]:
    """The tracks of all people in a clip, in order of appearance.

    `detections` are of pictures at `times`, ascending, in seconds; those that score `threshold`
    count. A track has no gaps from its first box to its last. People in view for less than half a
    second are left out, unless the clip itself is not much longer.
    """
    open_tracks: list[_OpenTrack] = []
    for number, (second, found) in enumerate(zip(times, detections, strict=True)):
        high = _between(found, threshold, np.inf)
        low = _between(found, _LOW_SCORE * threshold, threshold)
        alive = [each for each in open_tracks if second - each.second <= _MAX_GAP]
        confirmed = [each for each in alive if len(each.boxes) > 1]
        tentative = [each for each in alive if each.is_tentative(number, second)]
        unmatched, unassigned = _assign(confirmed, high, number, second)
        _assign(unmatched, low, number, second)
        _, unassigned = _assign(tentative, unassigned, number, second)
        open_tracks += [_OpenTrack(boxes={number: box}, second=second) for box in unassigned.boxes]
    step = _step(times)
    least = min(max(2, round(_MIN_SECONDS / step)), (len(times) + 1) // 2)
    lasting = [each for each in open_tracks if len(each.boxes) >= least]
    tracks = [_finished(each, times, step) for each in lasting]
    return tuple(sorted(_without_duplicates(tracks), key=lambda track: track.times[0]))


def prominence(track: Track) -> float:
    """Prominence of a track: seconds in view times share of the picture's area."""
    return float(areas(corners(track)).mean() * (track.times[-1] - track.times[0] + _MIN_SECONDS))


def most_prominent(tracks: Sequence[Track]) -> tuple[Track, ...]:
    """The most prominent tracks, at most `MAX_TRACKS`, by descending prominence."""
    return tuple(sorted(tracks, key=prominence, reverse=True)[:MAX_TRACKS])


def smoothed(lines: Floats, times: Floats, *, step: float, over: float) -> Floats:
    """(n, k): straight lines fitted to each `over` seconds of `lines` (n, k) at n `times`.

    The filter of Savitzky & Golay (1964) of first order: unlike a mean it does not lag behind
    somebody who walks in or out. It needs even steps: where not all are about `step` seconds long,
    values are interpolated at small even ones and back.
    """
    if len(lines) < 2 or np.abs(np.diff(times) - step).max() <= _MAX_JITTER * step:  # noqa: PLR2004
        return _filtered(lines, round(over / step))
    steps = ceil((times[-1] - times[0]) / over * _RESAMPLED)
    even = np.linspace(times[0], times[-1], 1 + steps)
    smooth = _filtered(_interpolated(lines, times, even), _RESAMPLED)
    return _interpolated(smooth, even, times)


def _filtered(lines: Floats, window: int) -> Floats:
    window = min(window, len(lines))
    window -= 1 - window % 2
    if window < 3:  # noqa: PLR2004  (two values are on a line)
        return lines
    # In the middle of its window a fitted line has the mean of it; at both ends of all, the first
    # and the last line hold on. As `scipy.signal.savgol_filter` does it, which takes 0.3 s to load.
    places = np.arange(window) - window // 2
    line = 1 / window + np.outer(places, places) / (places @ places)  # values to those on the line
    means = sliding_window_view(lines, window, axis=0).mean(axis=-1)
    before, after = line[places < 0] @ lines[:window], line[places > 0] @ lines[-window:]
    return np.concatenate((before, means, after))


def _interpolated(lines: Floats, times: Floats, at: Floats) -> Floats:
    return np.stack([np.interp(at, times, line) for line in lines.T], axis=1)


def _widened(boxes: Floats) -> Floats:
    margin = _BUFFER * (boxes[:, 2:] - boxes[:, :2])
    return np.hstack((boxes[:, :2] - margin, boxes[:, 2:] + margin))


def _between(found: Detections, low: float, high: float) -> _Boxes:
    chosen = (found.scores >= low) & (found.scores < high)
    return _Boxes(found.boxes[chosen].astype(np.float64), found.scores[chosen].astype(np.float64))


def _assign(
    open_tracks: Sequence[_OpenTrack], found: _Boxes, number: int, second: float
) -> tuple[list[_OpenTrack], _Boxes]:
    """Extends tracks by the boxes that fit best; returns the tracks and boxes left over.

    Of boxes that fit equally well, that of the higher score is taken.
    """
    if not open_tracks or not len(found.boxes):
        return list(open_tracks), found
    expected = np.stack([each.expected(second) for each in open_tracks])
    overlaps = iou(_widened(expected)[:, None], _widened(found.boxes)[None])
    rows, columns = best_pairs(overlaps * found.scores)
    fits = overlaps[rows, columns] >= _MIN_IOU
    rows, columns = rows[fits], columns[fits]
    for row, column in zip(rows, columns, strict=True):
        open_tracks[row].extend(number, second, found.boxes[column])
    unmatched = [each for row, each in enumerate(open_tracks) if row not in rows]
    return unmatched, _Boxes(*(np.delete(values, columns, axis=0) for values in found))


def _step(times: Sequence[float]) -> float:
    """Median seconds from picture to picture; half a second if there is only one."""
    return float(np.median(np.diff(times))) if len(times) > 1 else _MIN_SECONDS


def _finished(open_track: _OpenTrack, times: Sequence[float], step: float) -> Track:
    """Gaps filled and boxes smoothed."""
    numbers = sorted(open_track.boxes)
    within = np.asarray(times[numbers[0] : numbers[-1] + 1])
    detected = np.array([times[number] for number in numbers])
    edges = np.stack([open_track.boxes[number] for number in numbers])
    filled = _interpolated(edges, detected, within)
    smooth = np.clip(smoothed(filled, within, step=step, over=_SMOOTHING), 0.0, 1.0)
    return Track(
        times=tuple(within.tolist()),
        boxes=tuple(
            Box(left=left, top=top, right=right, bottom=bottom)
            for left, top, right, bottom in smooth.tolist()
        ),
    )


def _without_duplicates(tracks: Sequence[Track]) -> list[Track]:
    """Drops tracks that lie mostly inside a more prominent one: the same person, or a part."""
    distinct: list[Track] = []
    for track in sorted(tracks, key=prominence, reverse=True):
        if not any(_is_within(track, other) for other in distinct):
            distinct.append(track)
    return distinct


def _is_within(track: Track, other: Track) -> bool:
    """Whether one box lies in the other for most of the time, and is not much smaller.

    People in the background are much smaller.
    """
    common = sorted(set(track.times) & set(other.times))
    if 2 * len(common) <= len(track.times):
        return False
    boxes, others = (corners(one)[np.searchsorted(one.times, common)] for one in (track, other))
    share = (intersections(boxes, others) / areas(boxes)).mean()
    size = (areas(boxes) / areas(others)).mean()
    return bool(share >= _DUPLICATE_OVERLAP and size >= _DUPLICATE_AREA)
