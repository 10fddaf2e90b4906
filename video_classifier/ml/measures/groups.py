"""Scores and hints by how somebody appears, and by the time of day: whether a model is fair.

With few people a difference between groups is theirs as much as their clothes': the intervals are
by person or recording, and what isn't measured is counted.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats
from video_classifier.ml.measures.errors import MeasureError
from video_classifier.ml.measures.shares import Share, of_resamples, resampled

QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")
PARTS_OF_DAY = {  # by the hour in which each begins
    "night (0 to 6 h)": 0,
    "morning (6 to 12 h)": 6,
    "afternoon (12 to 18 h)": 12,
    "evening (18 to 24 h)": 18,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What a model makes of one group of candidates or clips.

    `first` and `last` are the lowest and highest value in it, `score` is the mean score with a
    95 % interval; all are None of an empty group. `hints` is the share that reaches the threshold.
    """

    name: str
    first: float | None
    last: float | None
    score: float | None
    score_low: float | None
    score_high: float | None
    hints: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """Groups in order, and how many have no value: these are in none of them."""

    groups: tuple[Group, ...]
    unmeasured: int


def by_quarter(  # noqa: PLR0913
    values: npt.ArrayLike,
    scores: npt.ArrayLike,
    hints: npt.ArrayLike,
    people: Sequence[Hashable],
    *,
    borders: Sequence[float] | None = None,
    seed: int = 0,
) -> Grouped:
    """By quarters of (n,) `values` such as brightness, nan where not measured.

    `hints` are (n,) bools, and `people` the person or recording of each. Equal values are of one
    group, so that quarters may differ in size, and be empty. `borders` are three, to group others
    by the same values; None: the quartiles of these. Raises MeasureError for lengths that differ.
    """
    found = np.asarray(values, np.float64)
    known = found[np.isfinite(found)]
    if borders is None:
        borders = quartiles(known)
    numbers = np.where(np.isfinite(found), np.searchsorted(borders, found, side="left"), -1)
    return _grouped(QUARTERS, numbers, found, scores, hints, people, seed)


def quartiles(values: npt.ArrayLike) -> tuple[float, float, float]:
    """The borders of (n,) values; nan is left out. Of none they are 0."""
    found = np.asarray(values, np.float64)
    known = found[np.isfinite(found)]
    if not len(known):
        return 0.0, 0.0, 0.0
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)


def by_part_of_day(
    hours: npt.ArrayLike,
    scores: npt.ArrayLike,
    hints: npt.ArrayLike,
    people: Sequence[Hashable],
    *,
    seed: int = 0,
) -> Grouped:
    """By (n,) hours of the store's clocks, 0 to below 24, nan where not known."""
    found = np.asarray(hours, np.float64)
    if ((found < 0) | (found >= 24)).any():  # noqa: PLR2004
        msg = "Hours of a day are from 0 to below 24."
        raise MeasureError(msg)
    borders = tuple(PARTS_OF_DAY.values())[1:]
    numbers = np.where(np.isfinite(found), np.searchsorted(borders, found, side="right"), -1)
    return _grouped(tuple(PARTS_OF_DAY), numbers, found, scores, hints, people, seed)


def _grouped(  # noqa: PLR0913, PLR0917
    names: Sequence[str],
    numbers: npt.NDArray[np.intp],
    values: Floats,
    scores: npt.ArrayLike,
    hints: npt.ArrayLike,
    people: Sequence[Hashable],
    seed: int,
) -> Grouped:
    all_scores, flags = np.asarray(scores, np.float64), np.asarray(hints, bool)
    if not (values.shape == all_scores.shape == flags.shape == (len(people),)):
        msg = "Each candidate has a value, a score, a hint or none, and a person."
        raise MeasureError(msg)
    groups = []
    for number, name in enumerate(names):
        rows = np.flatnonzero(numbers == number).tolist()
        who = [people[row] for row in rows]
        groups.append(_group(name, values[rows], all_scores[rows], flags[rows], who, seed))
    return Grouped(groups=tuple(groups), unmeasured=int((numbers < 0).sum()))


def _group(  # noqa: PLR0913, PLR0917
    name: str,
    values: Floats,
    scores: Floats,
    flags: npt.NDArray[np.bool_],
    people: Sequence[Hashable],
    seed: int,
) -> Group:
    """One person gives no interval of a mean."""
    if not len(values):
        none = Share(count=0, of=0, people=0, low=None, high=None)
        nothing = dict.fromkeys(("first", "last", "score", "score_low", "score_high"))
        return Group(name=name, hints=none, **nothing)
    columns = np.column_stack((np.ones(len(values)), scores, flags)).astype(np.float64)
    drawn, clusters = resampled(columns, people, seed=seed)
    means = drawn[:, 1] / drawn[:, 0]
    low, high = (float(end) for end in np.percentile(means, (2.5, 97.5)))
    return Group(
        name=name,
        first=float(values.min()),
        last=float(values.max()),
        score=float(scores.mean()),
        score_low=low if clusters > 1 else None,
        score_high=high if clusters > 1 else None,
        hints=of_resamples(int(flags.sum()), len(flags), clusters, drawn[:, 2] / drawn[:, 0]),
    )
