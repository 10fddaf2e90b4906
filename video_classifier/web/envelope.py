"""Scores of many tracks over hours as one line: at each place the highest, so that no peak is lost.

However long the stretch is, the line has at most COLUMNS values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from video_classifier.ml.contracts import Floats, Integers, WindowScore
from video_classifier.web.levels import JOINED, Level

COLUMNS = 600  # about as many as the chart has pixels
_ROUNDING = 1e-6  # of a column

Numbered = tuple[int | None, Sequence[WindowScore]]  # the track's number, its windows in order


def envelope(
    scored: Iterable[Numbered], since: float, until: float, *, columns: int = COLUMNS
) -> tuple[Level, ...]:
    """The highest window of each column, with the number of its track; of equal ones the first.

    Each window counts where `levels` draws it. Columns in a row that have the same are one level.
    """
    several = [(number, window) for number, windows in scored for window in windows]
    if not several:
        return ()
    tracks, starts, ends, scores = _arrays(several)
    starts, ends = _drawn(tracks, starts, ends)
    width = (until - since) / columns
    seen = np.flatnonzero((starts < ends) & (ends > since) & (starts < until))
    begins, stops = ((each[seen] - since) / width for each in (starts, ends))
    first = np.clip(np.floor(begins + _ROUNDING), 0, columns - 1).astype(np.intp)
    last = np.clip(np.ceil(stops - _ROUNDING) - 1, first, columns - 1).astype(np.intp)
    counts = last - first + 1
    of = np.repeat(seen, counts)
    offsets = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.repeat(first, counts) + offsets
    order = np.lexsort((starts[of], -scores[of], places))
    filled, at = np.unique(places[order], return_index=True)
    highest = of[order][at]
    return tuple(_levels(several, starts, filled, highest, since, width))


def _arrays(
    several: Sequence[tuple[int | None, WindowScore]],
) -> tuple[Integers, Floats, Floats, Floats]:
    tracks = np.array([number or 0 for number, _ in several], np.intp)
    starts, ends, scores = (
        np.array([getattr(window, name) for _, window in several], np.float64)
        for name in ("start", "end", "score")
    )
    return tracks, starts, ends, scores


def _drawn(tracks: Integers, starts: Floats, ends: Floats) -> tuple[Floats, Floats]:
    """Of each window what is nearer to its middle than to its neighbours', as `levels` has it."""
    middles = (starts + ends) / 2
    joined = (tracks[1:] == tracks[:-1]) & (starts[1:] - ends[:-1] <= JOINED)
    borders = (middles[1:] + middles[:-1]) / 2
    begins, stops = starts.copy(), ends.copy()
    begins[1:][joined] = borders[joined]
    stops[:-1][joined] = borders[joined]
    return begins, stops


def _levels(  # noqa: PLR0913, PLR0917
    several: Sequence[tuple[int | None, WindowScore]],
    starts: Floats,
    filled: Integers,
    highest: Integers,
    since: float,
    width: float,
) -> Iterator[Level]:
    """Runs of columns beside each other that have the same window."""
    breaks = np.flatnonzero((np.diff(filled) > 1) | (np.diff(highest) != 0)) + 1
    for run in np.split(np.arange(len(filled)), breaks):
        number, window = several[int(highest[run[0]])]
        start = since + float(filled[run[0]]) * width
        end = since + float(filled[run[-1]] + 1) * width
        own = float(starts[highest[run[0]]])
        yield Level(start=start, end=end, window=window, number=number, stop=max(start, own))
