"""Two thresholds for one camera, from scores of its own footage that nobody has labelled.

The rule and its reasons: docs/adr/0027-a-cameras-own-measure.md.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from math import floor, inf, isfinite, nextafter

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.measures.errors import MeasureError, TooLittleFootageError
from video_classifier.ml.measures.poisson import Rate, interval
from video_classifier.ml.measures.shares import Share, share

MISS = 0.1  # the share of thefts that may lie below `low`
MOST_UNCERTAIN = 20.0  # candidates a day that somebody can look at
RESAMPLES = 1000

_ENOUGH = 4  # times the rank: so many candidates are counted first in a resample
_AT_ONCE = 500_000  # recordings that are drawn at once: bounds the memory it takes

_ROUNDING = 1e-9  # of days and budgets that are products


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CameraFootage:
    """The event candidates of one camera's footage, whatever they score, without confirmed ones.

    `scores` are (n,), 0 to 1, `recordings` (n,) numbers that tell which recording each is of, and
    `days` is how much was scored, in camera-days. `of` is how many recordings there are, those
    without a candidate too; None: as many as have one.

    Raises MeasureError for other shapes and values, and for footage without a candidate.
    """

    scores: Floats
    recordings: Integers
    days: float
    of: int | None = None
    known: int = field(init=False)  # recordings, with and without candidates

    def __post_init__(self) -> None:
        scores = np.asarray(self.scores, np.float64)
        recordings = np.asarray(self.recordings)
        if scores.ndim != 1 or scores.shape != recordings.shape:
            msg = "Each score of a camera's footage has a recording."
            raise MeasureError(msg)
        if not (isfinite(self.days) and self.days > 0):
            msg = f"No footage has been scored: its length is {self.days} days."
            raise MeasureError(msg)
        if not len(scores):
            msg = "Nobody was seen in this footage, so there is no score to choose a threshold by."
            raise MeasureError(msg)
        if not ((scores >= 0) & (scores <= 1)).all():  # not true of nan either
            msg = "Scores are numbers from 0 to 1."
            raise MeasureError(msg)
        with_one = len(np.unique(recordings))
        if self.of is not None and self.of < with_one:
            msg = f"There are candidates of {with_one} recordings, and not of {self.of}."
            raise MeasureError(msg)
        object.__setattr__(self, "scores", scores)
        object.__setattr__(self, "recordings", recordings)
        object.__setattr__(self, "known", self.of or with_one)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraThresholds:
    """What follows from a camera's footage, and what it promises.

    high                a hint from this score on
    low                 uncertain from here to `high`, no hint below; the same as `high` if no
                        such promise can be made
    rank                (budget + thefts a day) times days, rounded down: `high` lies just above
                        the candidate of this rank from the top
    rate                candidates of the footage that reach `high`; one fewer than `rank` unless
                        there are ties
    high_interval       95 % interval of `high`; its upper end is 1 if the footage is too short to
                        say
    noticed             share of thefts that reach `high`, by people whom the model hadn't seen
    uncertain_noticed   share of these thefts between `low` and `high`
    uncertain_a_day     candidates a day between both
    promised            false hints a day on average: at most the first if as many thefts a day as
                        were said are among the highest scores, at most the second if none is
    """

    high: float
    low: float
    rank: int
    rate: Rate
    high_interval: tuple[float, float]
    noticed: Share
    uncertain_noticed: Share
    uncertain_a_day: float
    promised: tuple[float, float]


def choose(  # noqa: PLR0913
    footage: CameraFootage,
    thefts: npt.ArrayLike,
    people: Sequence[Hashable],
    *,
    budget: float,
    thefts_a_day: float,
    miss: float = MISS,
    most_uncertain: float = MOST_UNCERTAIN,
    seed: int = 0,
) -> CameraThresholds:
    """The thresholds at which at most `budget` false hints a day are expected.

    `thefts` are (m,) scores of thefts by networks that hadn't seen the person, and `people` the
    person of each; none if they aren't known.

    The r highest of n candidates are an upper tail that a new candidate reaches with a probability
    of r / (n + 1), if it is exchangeable with them. So a threshold above the candidate of rank r
    lets at most r / days candidates a day pass on average. Days of a cluster of high scores are
    exchangeable as days, not as candidates: the more a camera's candidates come in clusters, the
    more hints a bad day has. If there are fewer candidates than the rank, `high` is the lowest
    score seen, as the footage says nothing of lower ones.

    `low` is split conformal (Papadopoulos et al., "Inductive confidence machines for regression",
    ECML 2002): the k-th lowest theft with k = floor((m + 1) * miss), below which a new theft that
    is exchangeable with them lies with a probability of at most `miss`. It is raised until at most
    `most_uncertain` candidates a day lie between.

    Raises TooLittleFootageError where the footage is shorter than one false hint at this budget
    takes, and MeasureError for a budget of 0, for values that are no numbers, and where so many
    candidates have the highest score possible that no threshold keeps the budget.
    """
    of_thefts = _checked(thefts, people)
    _check_wishes(budget, thefts_a_day, miss, most_uncertain)
    _check_length(footage.days, budget)
    ordered = np.sort(footage.scores)[::-1]
    rank = floor((budget + thefts_a_day) * footage.days + _ROUNDING)
    high = _above(ordered, rank)
    low = _low(ordered, high, of_thefts, miss, floor(most_uncertain * footage.days + _ROUNDING))
    between = int(((ordered >= low) & (ordered < high)).sum())
    return CameraThresholds(
        high=high,
        low=low,
        rank=rank,
        rate=Rate(count=int((ordered >= high).sum()), days=footage.days, recordings=footage.known),
        high_interval=_interval_of_high(footage, rank, high, seed),
        noticed=share(of_thefts >= high, people, seed=seed),
        uncertain_noticed=share((of_thefts >= low) & (of_thefts < high), people, seed=seed),
        uncertain_a_day=between / footage.days,
        promised=(budget, budget + thefts_a_day),
    )


def _above(ordered: Floats, rank: int) -> float:
    """Just above the candidate of that rank in scores from the highest down."""
    if rank > len(ordered):
        return float(ordered[-1])
    if (score := float(ordered[rank - 1])) >= 1:
        msg = (
            f"At least {rank} candidates of this footage have the highest score possible: no "
            "threshold keeps this budget. Look at their events, and confirm those that are thefts."
        )
        raise MeasureError(msg)
    return nextafter(score, inf)


def _low(ordered: Floats, high: float, thefts: Floats, miss: float, bearable: int) -> float:
    lowest = floor((len(thefts) + 1) * miss + _ROUNDING)
    if not lowest:
        return high
    low = float(np.sort(thefts)[lowest - 1])
    below = ordered[ordered < high]
    if len(below) > bearable:
        low = max(low, nextafter(float(below[bearable]), inf))
    return min(low, high)


def _interval_of_high(
    footage: CameraFootage, rank: int, high: float, seed: int
) -> tuple[float, float]:
    """Where `high` may lie: in resampled recordings, and by the ranks of independent candidates."""
    order = np.argsort(-footage.scores, kind="stable")
    ordered = footage.scores[order]
    _, numbers = np.unique(footage.recordings, return_inverse=True)
    places = _places(numbers[order], footage.known, rank, seed)
    low, top = np.percentile(ordered[np.minimum(places, len(ordered) - 1)], (2.5, 97.5))
    fewest, most = interval(rank, 1.0)
    by_rank_low = ordered[min(floor(most), len(ordered)) - 1]
    by_rank_top = ordered[min(floor(fewest), len(ordered)) - 1] if fewest >= 1 else 1.0
    return float(min(low, by_rank_low, high)), float(max(top, by_rank_top, high))


def _places(ranked: Integers, known: int, rank: int, seed: int) -> Integers:
    """(RESAMPLES,): the place of the candidate of that rank in recordings that are drawn anew.

    `ranked` are the recordings of the candidates, from the highest score down, and `known` is how
    many recordings there are. Nearly always the rank is among the first candidates: only where it
    isn't are all of them counted.
    """
    generator, first = np.random.default_rng(seed), ranked[: _ENOUGH * (rank + 25)]
    at_once = max(1, _AT_ONCE // known)
    found = []
    for begin in range(0, RESAMPLES, at_once):
        drawn = generator.integers(known, size=(min(at_once, RESAMPLES - begin), known))
        rows = known * np.arange(len(drawn))[:, np.newaxis]
        times = np.bincount((drawn + rows).reshape(-1), minlength=drawn.size).reshape(drawn.shape)
        places = (np.cumsum(times[:, first], axis=1) < rank).sum(axis=1)
        for row in np.flatnonzero(places == len(first)):
            places[row] = np.searchsorted(np.cumsum(times[row, ranked]), rank)
        found.append(places)
    return np.concatenate(found)


def _checked(thefts: npt.ArrayLike, people: Sequence[Hashable]) -> Floats:
    scores = np.asarray(thefts, np.float64).reshape(-1)
    if len(scores) != len(people):
        msg = "Each theft has a person."
        raise MeasureError(msg)
    if not ((scores >= 0) & (scores <= 1)).all():
        msg = "Scores of thefts are numbers from 0 to 1."
        raise MeasureError(msg)
    return scores


def _check_wishes(budget: float, thefts_a_day: float, miss: float, most_uncertain: float) -> None:
    if not (isfinite(budget) and budget > 0):
        msg = "A budget is a number above 0: no footage can promise that there is no false hint."
        raise MeasureError(msg)
    if not (isfinite(thefts_a_day) and thefts_a_day >= 0):
        msg = "The number of thefts a day is a number from 0 on."
        raise MeasureError(msg)
    if not (0 <= miss < 1 and isfinite(most_uncertain) and most_uncertain >= 0):
        msg = (
            "The share of thefts that may be missed is from 0 to below 1, and at least 0 uncertain "
        )
        msg += "candidates a day are bearable."
        raise MeasureError(msg)


def _check_length(days: float, budget: float) -> None:
    """Refuses to extrapolate: a rate below one in all the footage can't be seen in it."""
    missing = 1 / budget - days
    if missing > _ROUNDING:
        msg = (
            f"{_length(days)} of footage can't promise a budget of {budget:g} a day: "
            f"{_length(missing)} more are needed, or a larger budget."
        )
        raise TooLittleFootageError(missing, msg)


def _length(days: float) -> str:
    return f"{days:,.1f} camera-days" if days >= 1 else f"{days:.2g} camera-days"
