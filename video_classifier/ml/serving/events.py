"""The rule by which scores of windows become event candidates, and the score of a clip.

It is the same for serving, evaluation and training. A candidate is a run of windows of one track,
or of whole frames, with gaps of at most `MAX_GAP`; its score is the mean of its k best windows, or
of all if it has fewer, with k from the model's card. A run of more than `MAX_SECONDS` is cut where
it scores lowest, until none is longer. A clip's score is its best candidate's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np

from video_classifier.ml.contracts import EventCandidate, Floats, Integers, WindowScore

MAX_GAP = 10.0  # seconds from the end of a window to the start of the next one in a run
MAX_SECONDS = 120.0  # of a candidate of several windows
MIN_SECONDS = 10.0  # on each side of a cut

_ROUNDING = 1e-6  # seconds by which times that are the same may differ

Pictures = TypeVar("Pictures")


def candidates(
    windows: Sequence[WindowScore], *, best: int, max_gap: float = MAX_GAP, track: int | None = None
) -> tuple[EventCandidate, ...]:
    """The candidates of a track's windows, or of whole frames, in order of time.

    `best` is k. The peak is the middle of the best window, of equal ones the first.
    """
    ordered = sorted(windows, key=lambda each: each.start)
    scores, starts, ends = (
        np.array([getattr(each, name) for each in ordered], np.float64)
        for name in ("score", "start", "end")
    )
    found = []
    for run in _runs(scores, starts, ends, max_gap):
        peak = run.start + int(scores[run].argmax())
        found.append(
            EventCandidate(
                start=float(starts[run.start]),
                end=float(ends[run].max()),
                peak=float(starts[peak] + ends[peak]) / 2,
                score=mean_of_best(scores[run], best),
                track=track,
            )
        )
    return tuple(found)


def clip_score(  # noqa: PLR0913
    scores: Floats,
    tracks: Integers,
    starts: Floats,
    ends: Floats,
    *,
    best: int,
    max_gap: float = MAX_GAP,
) -> float:
    """The score of a clip: that of its best candidate, as `candidates` finds them.

    All arrays are (n,), one value a window in any order: its score, 0 to 1, the number of its
    track, and its start and end in seconds. Raises ValueError if there are none.
    """
    if not len(scores):
        msg = "a clip without windows has no score"
        raise ValueError(msg)
    order = np.argsort(starts, kind="stable")
    highest = 0.0
    for track in np.unique(tracks):
        of_it = order[tracks[order] == track]
        for run in _runs(scores[of_it], starts[of_it], ends[of_it], max_gap):
            highest = max(highest, mean_of_best(scores[of_it][run], best))
    return highest


class Decision(Generic[Pictures]):
    """Follows the windows of one track, or of whole frames, as they are scored in order of time.

    Keeps all scores, and the pictures of the window that decides: the best one of the best
    candidate so far; if that was cut out of a longer run, the best one of the run, which is the
    same with k = 1. At any time it holds those of two windows.
    """

    def __init__(self, *, best: int, max_gap: float = MAX_GAP) -> None:
        self._best, self._max_gap = best, max_gap
        self._ended: list[WindowScore] = []
        self._run: list[WindowScore] = []
        self._until = float("inf")  # the end of the run; there is none yet
        self._leading: tuple[float, Pictures] | None = None  # a candidate's score
        self._peak: tuple[float, Pictures] | None = None  # a window's score, in the run

    def add(self, window: WindowScore, pictures: Pictures) -> None:
        if window.start - self._until > self._max_gap + _ROUNDING:
            self._leading = self._leader()
            self._ended += self._run
            self._run, self._peak = [], None
        self._run.append(window)
        self._until = max(window.end, self._until if self._peak else window.end)
        if self._peak is None or window.score > self._peak[0]:
            self._peak = window.score, pictures

    @property
    def windows(self) -> tuple[WindowScore, ...]:
        return (*self._ended, *self._run)

    @property
    def pictures(self) -> Pictures:
        """Those of the window that decides. Raises ValueError if there is none."""
        if (leader := self._leader()) is None:
            msg = "there is no window to decide"
            raise ValueError(msg)
        return leader[1]

    def candidates(self, track: int | None = None) -> tuple[EventCandidate, ...]:
        return candidates(self.windows, best=self._best, max_gap=self._max_gap, track=track)

    def _leader(self) -> tuple[float, Pictures] | None:
        if self._peak is None:
            return self._leading
        found = candidates(self._run, best=self._best, max_gap=self._max_gap)
        score = max(each.score for each in found)
        if self._leading is None or score > self._leading[0]:
            return score, self._peak[1]
        return self._leading


def mean_of_best(scores: Floats, best: int) -> float:
    """Of the `best` highest of (n,) scores, or of all if there are fewer."""
    return float(np.sort(scores)[-best:].mean())


def _runs(scores: Floats, starts: Floats, ends: Floats, max_gap: float) -> Iterator[slice]:
    """The runs of one track's windows, which are in order of their starts; long ones are cut."""
    if not len(starts):
        return
    gaps = starts[1:] - np.maximum.accumulate(ends)[:-1]
    borders = (np.flatnonzero(gaps > max_gap + _ROUNDING) + 1).tolist()
    runs = zip([0, *borders], [*borders, len(starts)], strict=True)
    pending = [slice(first, last) for first, last in runs][::-1]
    while pending:
        run = pending.pop()
        if at := _lowest(scores[run], starts[run], ends[run]):
            pending += [slice(run.start + at, run.stop), slice(run.start, run.start + at)]
        else:
            yield run


def _lowest(scores: Floats, starts: Floats, ends: Floats) -> int:
    """The first window of the second part, if a run has to be cut; 0 if not, or if it can't be.

    That is the window of the lowest score that leaves enough on both sides; of equal ones the one
    nearest to the middle.
    """
    reached = np.maximum.accumulate(ends)
    if reached[-1] - starts[0] <= MAX_SECONDS + _ROUNDING:
        return 0
    before, after = reached[:-1] - starts[0], reached[-1] - starts[1:]
    possible = np.flatnonzero(np.minimum(before, after) >= MIN_SECONDS - _ROUNDING) + 1
    if not len(possible):
        return 0
    off_center = np.abs(starts[possible] - (starts[0] + reached[-1]) / 2)
    return int(possible[np.lexsort((off_center, scores[possible]))[0]])
