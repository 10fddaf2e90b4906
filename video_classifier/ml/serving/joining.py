"""Finds tracks that are one person's: in a recording's segments, which share a stretch of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from video_classifier.ml.contracts import Floats, Span, Track
from video_classifier.ml.persons import overlap

MIN_IOU = 0.4  # on average over the moments at which both are in view


def join(before: Sequence[Track], after: Sequence[Track], shared: Span) -> list[tuple[int, int]]:
    """Pairs of the numbers, from 0 on, of tracks of one segment and of the one after it.

    `shared` is the stretch that both segments looked at. Each track is in one pair at most; of all
    ways to pair them, the one with the largest sum of mean IoUs is taken. Ascending.
    """
    if not before or not after:
        return []
    overlaps = np.array([[_mean_iou(one, other, shared) for other in after] for one in before])
    rows, columns = overlap.best_pairs(np.where(overlaps >= MIN_IOU, overlaps, 0.0))
    return [
        (row, column)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if overlaps[row, column] >= MIN_IOU
    ]


def _mean_iou(one: Track, other: Track, shared: Span) -> float:
    """0 if they are never in view together."""
    moments = _moments(one, other, shared)
    if not len(moments):
        return 0.0
    return float(
        overlap.iou(overlap.corners_at(one, moments), overlap.corners_at(other, moments)).mean()
    )


def _moments(one: Track, other: Track, shared: Span) -> Floats:
    """The times of both tracks, each once, at which both are in view."""
    times = np.union1d(one.times, other.times)
    start = max(one.times[0], other.times[0], shared.start)
    end = min(one.times[-1], other.times[-1], shared.until)
    found: Floats = times[(times >= start) & (times <= end)]
    return found
