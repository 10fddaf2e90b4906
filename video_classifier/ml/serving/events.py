"""The rule by which scores of windows become event candidates, and the score of a clip.

It is the same for serving, evaluation and training. A candidate is a run of windows of one track,
or of whole frames, with gaps of at most `MAX_GAP`; its score is the mean of its k best windows, or
of all if it has fewer, with k from the model's card. A clip's score is its best candidate's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np

from video_classifier.ml.contracts import EventCandidate, Floats, Integers, WindowScore

MAX_GAP = 10.0  # seconds from the end of a window to the start of the next one in a run

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
    for run in _runs(starts, ends, max_gap):
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
        for run in _runs(starts[of_it], ends[of_it], max_gap):
            highest = max(highest, mean_of_best(scores[of_it][run], best))
    return highest


class Decision(Generic[Pictures]):
    """Follows the windows of one track, or of whole frames, as they are scored in order of time.

    Keeps all scores, and the pictures of the window that decides: the best one of the best
    candidate so far. At any time it holds those of two windows.
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
        score = mean_of_best(np.array([each.score for each in self._run]), self._best)
        if self._leading is None or score > self._leading[0]:
            return score, self._peak[1]
        return self._leading


def mean_of_best(scores: Floats, best: int) -> float:
    """Of the `best` highest of (n,) scores, or of all if there are fewer."""
    return float(np.sort(scores)[-best:].mean())


def _runs(starts: Floats, ends: Floats, max_gap: float) -> Iterator[slice]:
    """The runs of one track's windows, which are in order of their starts."""
    if not len(starts):
        return
    gaps = starts[1:] - np.maximum.accumulate(ends)[:-1]
    borders = (np.flatnonzero(gaps > max_gap + _ROUNDING) + 1).tolist()
    for first, last in zip([0, *borders], [*borders, len(starts)], strict=True):
        yield slice(first, last)
