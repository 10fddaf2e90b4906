"""Whether a camera's scores have changed since it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats
from video_classifier.ml.measures.errors import MeasureError

POINTS = 101  # quantiles that stand for a distribution
SIGNIFICANT = 0.01
NOTABLE = 0.1  # of the statistic: with much footage the smallest change is significant
FEWEST = 10  # recordings below which there is no verdict
PERMUTATIONS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How the scores of some footage differ from those of a measure.

    `statistic` is the largest difference of both distribution functions, 0 to 1, `p_value` how
    often it would be as large without drift. `has_drifted` if it is significant and notable; never
    by fewer than FEWEST recordings.
    """

    statistic: float
    p_value: float
    has_drifted: bool
    recordings: int

    @property
    def sentence(self) -> str:
        if self.recordings < FEWEST:
            return (
                f"{self.recordings} recordings are too few to say whether scores have changed; "
                f"it takes {FEWEST}."
            )
        what = "have changed" if self.has_drifted else "haven't changed notably"
        return (
            f"Scores {what}: they differ by {self.statistic:.2f} at most "
            f"(p = {self.p_value:.3f}, {self.recordings} recordings)."
        )


def reference(scores: npt.ArrayLike) -> list[float]:
    """The quantiles of (n,) scores from the lowest to the highest, POINTS of them."""
    return [float(each) for each in np.quantile(_checked(scores), np.linspace(0, 1, POINTS))]


def compare(
    reference: Sequence[float],
    scores: npt.ArrayLike,
    recordings: npt.ArrayLike,
    seed: int = 0,
    *,
    reference_recordings: int | None = None,
) -> Drift:
    """Compares (n,) `scores`, with the recording of each, with the quantiles of `reference`.

    The statistic is Kolmogorov's and Smirnov's. Their tables take candidates for independent, and
    find drift between any two days; so its distribution comes from a randomization test by
    recordings instead: without drift the deviation of each recording is as likely with the other
    sign (Fisher, "The Design of Experiments", 1935, section 21). The reference is a sample, too,
    of `reference_recordings` (None: as many as there are here), so what is drawn is enlarged by
    the share of the variance that comes from it.

    Raises MeasureError for nothing to compare.
    """
    found, quantiles = _checked(scores), _checked(reference)
    names, numbers = np.unique(np.asarray(recordings), return_inverse=True)
    if numbers.shape != found.shape:
        msg = "Each score has a recording."
        raise MeasureError(msg)
    deviations = _deviations(quantiles, found, numbers, len(names)) / len(found)
    statistic = float(np.abs(deviations.sum(axis=0)).max())
    share_of_reference = len(names) / (reference_recordings or len(names))
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(PERMUTATIONS, len(names)))
    drawn = np.abs(signs @ deviations).max(axis=1) * sqrt(1 + share_of_reference)
    p_value = float((1 + (drawn >= statistic).sum()) / (1 + PERMUTATIONS))
    return Drift(
        statistic=statistic,
        p_value=p_value,
        has_drifted=len(names) >= FEWEST and p_value < SIGNIFICANT and statistic >= NOTABLE,
        recordings=len(names),
    )


def _deviations(
    quantiles: Floats, scores: Floats, numbers: npt.NDArray[np.intp], recordings: int
) -> Floats:
    """(recordings, points): how many more scores each has below a point than the reference would.

    A score that equals a quantile, as in ties, counts as below it in both.
    """
    points = np.unique(quantiles)
    expected = np.searchsorted(quantiles, points, side="right") / len(quantiles)
    bins = len(points) + 1  # the last one for scores above all points
    places = numbers * bins + np.searchsorted(points, scores, side="left")
    counts = np.bincount(places, minlength=recordings * bins).reshape(recordings, bins)
    found = np.cumsum(counts, axis=1)[:, :-1]
    sizes = np.bincount(numbers, minlength=recordings)
    return found - sizes[:, None] * expected[None, :]


def _checked(scores: npt.ArrayLike) -> Floats:
    array = np.asarray(scores, np.float64)
    if array.ndim != 1 or not len(array):
        msg = "There are no scores to compare."
        raise MeasureError(msg)
    if not ((array >= 0) & (array <= 1)).all():
        msg = "Scores are numbers from 0 to 1."
        raise MeasureError(msg)
    return array
