"""Where the windows of a track are: the same for serving and for training.

With a rate, a window shows that many pictures a second, whatever the frame rate of the file: the
picture on screen at each moment of a grid that begins with the track. Without one, a single window
has pictures spread over the track.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor

import numpy as np

from video_classifier.ml.contracts import ClipSpec, Floats, Track

STEP = 1.0  # seconds from the start of a window to that of the next
MAX_UNCOVERED = 0.5  # seconds at the end of a track that may be in no window

_TOLERANCE = 1e-3  # seconds by which times that mean the same moment may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackWindows:
    """The windows of one track. They share pictures where they overlap."""

    places: tuple[int, ...]  # of the pictures, ascending; one comes again where none is newer
    starts: tuple[int, ...]  # of each window: its pictures are `places[start : start + frames]`
    spans: tuple[tuple[float, float], ...]  # start and end of each window in seconds

    def since(self, second: float) -> TrackWindows:
        """Without windows that end by then, but with the last one."""
        gone = sum(end <= second + _TOLERANCE for _, end in self.spans[:-1])
        return replace(self, starts=self.starts[gone:], spans=self.spans[gone:])


def of_track(times: Sequence[float], track: Track, spec: ClipSpec) -> TrackWindows:
    """The windows of a track in the pictures that come up at `times`, ascending, in seconds."""
    if not spec.rate:
        span = track.times[0], track.times[-1]
        return TrackWindows(
            places=tuple(uniform_places(in_view(times, track), spec.frames)),
            starts=(0,),
            spans=(span,),
        )
    moments = grid(track, spec.rate)
    starts = window_starts(len(moments), spec)
    on_screen = np.searchsorted(np.asarray(times), moments + _TOLERANCE, "right") - 1
    held = np.minimum(np.arange(starts[-1] + spec.frames), len(moments) - 1)
    return TrackWindows(
        places=tuple(on_screen[held].tolist()),
        starts=starts,
        spans=tuple(_span(track, spec, start) for start in starts),
    )


def grid(track: Track, rate: float) -> Floats:
    """(n,) seconds: `rate` moments a second, from the track's first one to its last."""
    first, last = track.times[0], track.times[-1]
    moments: Floats = first + np.arange(1 + floor((last - first + _TOLERANCE) * rate)) / rate
    return moments


def window_starts(moments: int, spec: ClipSpec) -> tuple[int, ...]:
    """The first moment of each window on a grid of so many moments.

    One every second, and one that ends with the grid if more than half a second of it would be in
    none. Where there are fewer moments than a window has frames there is one, and holds the last.
    """
    last = moments - spec.frames
    if last <= 0:
        return (0,)
    regular = range(0, last + 1, max(1, round(STEP * spec.rate)))
    uncovered = last - regular[-1]
    return (*regular, last) if uncovered > MAX_UNCOVERED * spec.rate else tuple(regular)


def _span(track: Track, spec: ClipSpec, start: int) -> tuple[float, float]:
    first, last = track.times[0], track.times[-1]
    begins = first + start / spec.rate
    return begins, min(begins + spec.frames / spec.rate, last)


def in_view(times: Sequence[float], track: Track) -> range:
    """The places of the pictures from the track's beginning to its end."""
    first, last = track.times[0], track.times[-1]
    return range(bisect_left(times, first), bisect_right(times, last))


def uniform_places(places: Sequence[int], count: int) -> list[int]:
    """The middle element of each of `count` equal parts."""
    return [places[(2 * share + 1) * len(places) // (2 * count)] for share in range(count)]
