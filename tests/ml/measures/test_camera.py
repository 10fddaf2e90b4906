"""Thresholds by a budget: worked out by hand, and kept on days that nobody has seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.measures import camera
from video_classifier.ml.measures.camera import CameraFootage, CameraThresholds, choose
from video_classifier.ml.measures.errors import MeasureError, TooLittleFootageError

TENTHS = np.arange(10) / 10  # 0.0 to 0.9
THEFTS = np.linspace(0.05, 0.95, 19)
PEOPLE = [f"person {number % 6}" for number in range(19)]


def footage(scores: Floats, *, days: float = 1.0, of: int | None = None) -> CameraFootage:
    """Each score of a recording of its own."""
    return CameraFootage(scores=scores, recordings=np.arange(len(scores)), days=days, of=of)


def chosen(
    scores: Floats = TENTHS,
    *,
    days: float = 1.0,
    budget: float = 1.0,
    thefts: float = 1.0,
    most_uncertain: float = 20.0,
) -> CameraThresholds:
    return choose(
        footage(scores, days=days),
        THEFTS,
        PEOPLE,
        budget=budget,
        thefts_a_day=thefts,
        most_uncertain=most_uncertain,
    )


def test_the_threshold_lies_just_above_the_candidate_of_the_rank() -> None:
    found = chosen(budget=2, thefts=1)

    assert found.rank == 3
    assert 0.7 < found.high < 0.7 + 1e-9
    assert found.rate.count == 2
    assert found.promised == (2, 3)


def test_the_rank_grows_with_the_footage() -> None:
    assert chosen(days=3.4, budget=1, thefts=1).rank == 6


def test_products_that_rounding_puts_below_a_whole_number_are_whole() -> None:
    assert chosen(days=0.7, budget=10, thefts=0).rank == 7


def test_order_is_of_no_account() -> None:
    assert chosen(TENTHS[::-1]).high == chosen().high


def test_ties_at_the_threshold_are_no_hints() -> None:
    found = chosen(np.array([0.9, 0.5, 0.5, 0.5, 0.1]))

    assert 0.5 < found.high < 0.5 + 1e-9
    assert found.rate.count == 1


def test_scores_that_are_all_equal_give_no_hint() -> None:
    found = chosen(np.full(50, 0.3))

    assert found.rate.count == 0
    assert 0.3 < found.high < 0.3 + 1e-9


def test_fewer_candidates_than_the_budget_may_all_be_hints() -> None:
    found = chosen(np.array([0.4, 0.6]), days=2)

    assert found.high == 0.4
    assert found.rate.count == 2


def test_a_theft_in_a_quiet_day_does_not_raise_the_threshold_if_it_was_allowed_for() -> None:
    quiet = np.random.default_rng(18).beta(1, 8, 300)
    with_theft = np.append(quiet, 0.99)

    allowed, not_allowed = (chosen(with_theft, budget=1, thefts=thefts) for thefts in (1, 0))

    assert allowed.high == chosen(quiet, budget=1, thefts=0).high
    assert not_allowed.high > 0.99


def test_an_hour_is_too_little_for_one_a_day() -> None:
    with pytest.raises(TooLittleFootageError) as refusal:
        chosen(days=1 / 12)

    assert refusal.value.missing_days == pytest.approx(11 / 12)
    assert str(refusal.value) == (
        "0.083 camera-days of footage can't promise a budget of 1 a day: 0.92 camera-days more "
        "are needed, or a larger budget."
    )


def test_thefts_that_are_allowed_for_are_no_reason_to_extrapolate() -> None:
    with pytest.raises(TooLittleFootageError) as refusal:
        chosen(days=1, budget=0.25, thefts=5)

    assert refusal.value.missing_days == pytest.approx(3)


@pytest.mark.parametrize(
    "refused",
    [
        lambda: chosen(budget=0),
        lambda: chosen(budget=-1),
        lambda: chosen(budget=float("nan")),
        lambda: chosen(thefts=-1),
        lambda: chosen(thefts=float("nan")),
        lambda: chosen(most_uncertain=-1),
        lambda: chosen(np.array([])),
        lambda: chosen(np.array([0.5, np.nan])),
        lambda: chosen(np.array([1.5])),
        lambda: chosen(days=0),
        lambda: chosen(days=-1),
        lambda: chosen(days=float("nan")),
        lambda: chosen(np.ones(5)),
        lambda: footage(TENTHS, of=3),
        lambda: CameraFootage(scores=TENTHS, recordings=np.arange(3), days=1),
        lambda: choose(footage(TENTHS), [0.5], [], budget=1, thefts_a_day=1),
        lambda: choose(footage(TENTHS), [np.nan], ["Ada"], budget=1, thefts_a_day=1),
    ],
)
def test_what_promises_nothing_is_refused_in_a_sentence(refused: Callable[[], object]) -> None:
    with pytest.raises(MeasureError, match=r"\.$"):
        refused()


def test_all_but_a_tenth_of_thefts_are_at_least_uncertain() -> None:
    found = chosen(np.full(15, 0.5))

    assert found.low == pytest.approx(0.1)  # the second of 19: floor(20 * 0.1)
    assert found.noticed.count + found.uncertain_noticed.count == 18


def test_no_more_is_uncertain_than_somebody_can_look_at() -> None:
    found = chosen(budget=1, thefts=0, most_uncertain=3)

    assert found.uncertain_a_day == 3
    assert 0.5 < found.low < 0.6 + 1e-9


def test_nothing_is_uncertain_where_thefts_allow_no_promise() -> None:
    found = choose(footage(TENTHS), THEFTS[:8], PEOPLE[:8], budget=1, thefts_a_day=0)

    assert found.low == found.high


def test_without_thefts_what_is_noticed_is_not_known() -> None:
    found = choose(footage(TENTHS), [], [], budget=1, thefts_a_day=1)

    assert found.noticed.value is None
    assert found.low == found.high


def test_the_interval_of_the_threshold_is_open_where_the_footage_is_short() -> None:
    scores = np.random.default_rng(18).uniform(0, 0.9, 2000)

    short, long = chosen(scores), chosen(scores, days=20)

    assert short.high_interval[1] == 1
    assert long.high_interval[0] < long.high < long.high_interval[1] < 0.9


@pytest.mark.parametrize("rank", [1, 3, 40, 500])
def test_resamples_are_counted_as_if_one_by_one(rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of few and of many candidates, in blocks, and where a resample lacks the highest ones."""
    monkeypatch.setattr(camera, "RESAMPLES", 60)
    monkeypatch.setattr(camera, "_AT_ONCE", 90)
    recordings = np.sort(np.random.default_rng(0).integers(8, size=600))

    found = camera._places(recordings, 9, rank, seed=1)

    generator = np.random.default_rng(1)
    expected = []
    for _ in range(60):
        times = np.bincount(generator.integers(9, size=9), minlength=9)
        expected.append(int(np.searchsorted(np.cumsum(times[recordings]), rank)))
    assert found.tolist() == expected


def test_recordings_that_differ_widen_the_interval_of_the_threshold() -> None:
    generator = np.random.default_rng(18)
    levels = generator.uniform(0, 0.5, 10)
    scores = np.concatenate([level + generator.uniform(0, 0.1, 100) for level in levels])

    def width(recordings: Integers) -> float:
        one = CameraFootage(scores=scores, recordings=recordings, days=50)
        low, high = choose(one, [], [], budget=2, thefts_a_day=0).high_interval
        return high - low

    assert width(np.repeat(np.arange(10), 100)) > 2 * width(np.arange(1000))


@pytest.fixture
def _without_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which nobody looks at in simulations."""
    monkeypatch.setattr(camera, "RESAMPLES", 2)


@pytest.mark.usefixtures("_without_interval")
def test_the_budget_is_kept_on_new_days_on_average() -> None:
    """Days that are exchangeable: 300 cameras, each measured on three and followed for 20."""
    generator = np.random.default_rng(18)
    rates = []
    for _ in range(300):
        busy, spread = generator.uniform(20, 200), generator.uniform(2, 8)
        days = [generator.beta(1, spread, generator.poisson(busy)) for _ in range(23)]
        found = choose(footage(np.concatenate(days[:3]), days=3), [], [], budget=1, thefts_a_day=1)
        rates.append(sum((day >= found.high).sum() for day in days[3:]) / 20)

    assert np.mean(rates) <= 2 + 2 * np.std(rates) / 300**0.5
    assert np.mean(rates) > 1.7  # no more careful than it has to be


@pytest.mark.usefixtures("_without_interval")
@pytest.mark.parametrize(("lowest", "most"), [(0.99, 1.0), (0.0, 2.0)], ids=["seen", "unseen"])
def test_thefts_that_the_model_does_not_see_leave_their_share_to_false_hints(
    lowest: float, most: float
) -> None:
    """One theft a day that was allowed for: the lower promise holds only if it scores high."""
    generator, rates = np.random.default_rng(18), []

    def day() -> Floats:
        return generator.beta(1, 8, 100)

    for _ in range(300):
        thefts = generator.uniform(lowest, lowest + 0.01, 3)
        scores = np.concatenate([day(), day(), day(), thefts])
        found = choose(footage(scores, days=3), [], [], budget=1, thefts_a_day=1)
        rates.append(sum((day() >= found.high).sum() for _ in range(20)) / 20)

    assert np.mean(rates) == pytest.approx(most, abs=0.15)
    assert found.promised == (1, 2)


@pytest.mark.usefixtures("_without_interval")
def test_days_of_clusters_break_it() -> None:
    """One person who looks around makes ten candidates of the same height: rate and rank lie."""
    generator = np.random.default_rng(18)

    def day() -> Floats:
        return np.repeat(generator.beta(1, 4, generator.poisson(10)), 10)

    rates = []
    for _ in range(300):
        found = choose(
            footage(np.concatenate([day() for _ in range(3)]), days=3),
            [],
            [],
            budget=1,
            thefts_a_day=1,
        )
        rates.append(sum((day() >= found.high).sum() for _ in range(20)) / 20)

    assert np.mean(rates) > 2.5
