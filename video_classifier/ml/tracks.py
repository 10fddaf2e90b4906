"""Links the persons found in single pictures into tracks.

In the manner of SORT (Bewley et al., "Simple online and realtime tracking", ICIP 2016): boxes are
assigned to where tracks should be by now, by their overlap. As in ByteTrack (Zhang et al.,
"ByteTrack", ECCV 2022) faint boxes may carry a track on, and never start one. There is no Kalman
filter: the whole clip is known, so that boxes are smoothed afterwards, from both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import linear_sum_assignment

from video_classifier.ml.clip import Box, Track
from video_classifier.ml.detection import Detections

VERSION = 1  # raise it when the same detections would give other tracks: caches go by it

Floats = npt.NDArray[np.float64]

_FAINT = 0.5  # of the threshold: from here on a box carries a track on
_LEAST_OVERLAP = 0.1  # of a box with where the track should be; at 4 pictures a second it is small
_SAME_OVERLAP = 0.6  # on average: two tracks are of the same person
_INERTIA = 0.5  # how much of its speed a track keeps when a box tells another
_LONGEST_GAP = 1.0  # seconds without a box
_SHORTEST = 0.5  # seconds in view, in a clip that is that long
_SMOOTHING = 0.15  # seconds, the standard deviation of a Gaussian


@dataclass(slots=True, kw_only=True)
class _Trail:
    """A track as it grows: boxes, and how fast all their edges move, per second."""

    boxes: dict[int, Floats]  # (4,), by the number of the picture
    second: float  # of the latest box
    speed: Floats = field(default_factory=lambda: np.zeros(4))

    @property
    def first(self) -> int:
        return min(self.boxes)

    @property
    def last(self) -> int:
        return max(self.boxes)

    def expected(self, second: float) -> Floats:
        return self.boxes[self.last] + self.speed * (second - self.second)

    def grow(self, number: int, second: float, box: Floats) -> None:
        speed = (box - self.boxes[self.last]) / (second - self.second)
        is_young = len(self.boxes) == 1
        self.speed = speed if is_young else _INERTIA * self.speed + (1 - _INERTIA) * speed
        self.boxes[number] = box
        self.second = second


def link(
    times: Sequence[float], detections: Sequence[Detections], *, threshold: float
) -> tuple[Track, ...]:
    """Who was in view and where, in the order of appearance.

    Detections in pictures at `times`, ascending, in seconds; those that score `threshold` are to
    be believed. A track goes without gaps from the first box to the last. Who is in view for less
    than half a second is left out, unless the clip itself is not much longer.
    """
    trails: list[_Trail] = []
    for number, (second, found) in enumerate(zip(times, detections, strict=True)):
        boxes, scores = found.boxes.astype(np.float64), found.scores
        sure = boxes[scores >= threshold]
        faint = boxes[(scores < threshold) & (scores >= _FAINT * threshold)]
        alive = [trail for trail in trails if second - trail.second <= _LONGEST_GAP]
        left, fresh = _assign(alive, sure, number, second)
        _assign(left, faint, number, second)
        trails += [_Trail(boxes={number: box}, second=second) for box in fresh]
    step = _step(times)
    least = min(_SHORTEST, step * len(times) / 2)
    lasting = [trail for trail in trails if len(trail.boxes) * step >= least]
    tracks = [_finished(trail, times, step) for trail in lasting]
    return tuple(sorted(_distinct(tracks), key=lambda track: track.times[0]))


def overlap(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union of boxes (..., 4) as left, top, right, bottom; shapes broadcast."""
    corner = np.maximum(boxes[..., :2], others[..., :2])
    opposite = np.minimum(boxes[..., 2:], others[..., 2:])
    shared = np.clip(opposite - corner, 0, None).prod(axis=-1)
    union = _areas(boxes) + _areas(others) - shared
    ratio: Floats = shared / np.maximum(union, np.finfo(np.float64).tiny)
    return ratio


def prominence(track: Track) -> float:
    """How long and how large somebody is in view: seconds times the share of the picture."""
    return float(_areas(corners(track)).mean() * (track.times[-1] - track.times[0] + _SHORTEST))


def corners(track: Track) -> Floats:
    """(n, 4): left, top, right, bottom at each of the track's times, 0 to 1 of the picture."""
    return np.array([(box.left, box.top, box.right, box.bottom) for box in track.boxes])


def _areas(boxes: Floats) -> Floats:
    areas: Floats = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return areas


def _assign(
    trails: Sequence[_Trail], boxes: Floats, number: int, second: float
) -> tuple[list[_Trail], Floats]:
    """Lets trails grow by the boxes that fit best; returns the trails and boxes left over."""
    if not trails or not len(boxes):
        return list(trails), boxes
    expected = np.stack([trail.expected(second) for trail in trails])
    fits = overlap(expected[:, None], boxes[None])
    pairs = [
        (row, column)
        for row, column in zip(*linear_sum_assignment(fits, maximize=True), strict=True)
        if fits[row, column] >= _LEAST_OVERLAP
    ]
    for row, column in pairs:
        trails[row].grow(number, second, boxes[column])
    rows = {row for row, _ in pairs}
    left = [trail for row, trail in enumerate(trails) if row not in rows]
    return left, np.delete(boxes, [column for _, column in pairs], axis=0)


def _step(times: Sequence[float]) -> float:
    """Seconds from picture to picture, as most of them have it; a lone one stays for half a one."""
    return float(np.median(np.diff(times))) if len(times) > 1 else _SHORTEST


def _finished(trail: _Trail, times: Sequence[float], step: float) -> Track:
    """Gaps filled and boxes smoothed."""
    numbers = sorted(trail.boxes)
    within = np.asarray(times[numbers[0] : numbers[-1] + 1])
    seen = np.array([times[number] for number in numbers])
    edges = np.stack([trail.boxes[number] for number in numbers])
    filled = np.stack([np.interp(within, seen, edge) for edge in edges.T], axis=1)
    smooth = np.clip(gaussian_filter1d(filled, _SMOOTHING / step, axis=0, mode="nearest"), 0.0, 1.0)
    return Track(
        times=tuple(within.tolist()),
        boxes=tuple(
            Box(left=left, top=top, right=right, bottom=bottom)
            for left, top, right, bottom in smooth.tolist()
        ),
    )


def _distinct(tracks: Sequence[Track]) -> list[Track]:
    """Without those that go along with a longer one."""
    gone: set[int] = set()
    for one, other in combinations(range(len(tracks)), 2):
        if not {one, other} & gone and _is_same(tracks[one], tracks[other]):
            gone.add(min(one, other, key=lambda number: prominence(tracks[number])))
    return [track for number, track in enumerate(tracks) if number not in gone]


def _is_same(one: Track, other: Track) -> bool:
    """Whether they are at one place for most of the shorter one's time."""
    common = sorted(set(one.times) & set(other.times))
    if 2 * len(common) <= min(len(one.times), len(other.times)):
        return False
    return float(overlap(_at(one, common), _at(other, common)).mean()) >= _SAME_OVERLAP


def _at(track: Track, times: Sequence[float]) -> Floats:
    return corners(track)[np.searchsorted(track.times, times)]
