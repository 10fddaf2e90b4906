"""Rates against values of tables, and their intervals against simulated days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import exp, factorial

import numpy as np
import pytest

from video_classifier.ml.measures import poisson
from video_classifier.ml.measures.errors import MeasureError
from video_classifier.ml.measures.poisson import Rate

DAYS = 2000


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904), (100, 81.3640, 121.6268)],
)
def test_the_interval_is_that_of_the_tables(count: int, low: float, high: float) -> None:
    assert poisson.interval(count, 1) == pytest.approx((low, high), abs=1e-4)


def test_it_is_a_rate_of_the_exposure() -> None:
    assert poisson.interval(10, 4) == pytest.approx((4.7954 / 4, 18.3904 / 4), abs=1e-4)


def test_many_events_have_an_interval_as_well() -> None:
    low, high = poisson.interval(100_000, 1)

    assert (low, high) == pytest.approx((100_000 - 620, 100_000 + 620), abs=5)


@pytest.mark.parametrize("rate", [0.05, 0.3, 1.0, 2.5, 7.0, 40.0])
def test_the_interval_covers_the_true_rate_of_2000_days(rate: float) -> None:
    counts = np.random.default_rng(18).poisson(rate, DAYS)
    seen = {int(each): Rate(count=int(each), days=1, recordings=1) for each in np.unique(counts)}
    ends = {count: (each.low, each.high) for count, each in seen.items()}

    covered = np.mean([ends[int(count)][0] <= rate <= ends[int(count)][1] for count in counts])

    assert covered >= 0.95 - 2 * (0.95 * 0.05 / DAYS) ** 0.5  # two standard errors


@pytest.mark.parametrize("rate", [3.01, 3.2, 3.4, 3.7, 5.6])
def test_just_beyond_an_end_it_covers_as_much(rate: float) -> None:
    """Exactly, by all counts that are ever seen."""
    seen = [Rate(count=count, days=1, recordings=1) for count in range(40)]

    covered = sum(
        exp(-rate) * rate**each.count / factorial(each.count)
        for each in seen
        if each.low <= rate <= each.high
    )

    assert covered >= 0.95


def test_clusters_of_hints_make_it_too_narrow() -> None:
    generator = np.random.default_rng(18)
    counts = [int(generator.poisson(4, bursts).sum()) for bursts in generator.poisson(1, DAYS)]
    ends = {count: poisson.interval(count, 1) for count in set(counts)}

    covered = np.mean([ends[count][0] <= 4 <= ends[count][1] for count in counts])

    assert covered < 0.75


@pytest.mark.parametrize(
    ("rate", "sentence"),
    [
        (Rate(count=0, days=3, recordings=9), "0 in 3.0 days: fewer than 1.2 a day (95 %)"),
        (Rate(count=7, days=3, recordings=9), "7 in 3.0 days: 2.3 a day (95 %: 0.94 to 4.8)"),
        (
            Rate(count=2, days=0.25, recordings=1),
            "2 in 0.25 days: 8.0 a day (95 %: 0.97 to 28.9)",
        ),
    ],
)
def test_a_rate_is_a_sentence(rate: Rate, sentence: str) -> None:
    assert str(rate) == sentence


def test_where_some_have_no_answer_a_rate_is_a_range() -> None:
    rate, most = (Rate(count=count, days=3, recordings=9) for count in (0, 4))

    assert rate.up_to(most) == "0 to 4 in 3.0 days: 0 to 3.4 a day (95 %)"


@pytest.mark.parametrize(
    "refused",
    [
        lambda: poisson.interval(-1, 1),
        lambda: poisson.interval(poisson.MOST + 1, 1),
        lambda: poisson.interval(1, 0),
        lambda: poisson.interval(1, float("nan")),
        lambda: poisson.interval(1, 1, level=1),
        lambda: Rate(count=1, days=-1, recordings=1),
        lambda: poisson.paired_difference([], [], []),
        lambda: poisson.paired_difference([1], [1, 2], [1]),
        lambda: poisson.paired_difference([1], [-1], [1]),
        lambda: poisson.paired_difference([1], [1], [0]),
        lambda: poisson.paired_difference([1], [1], [float("nan")]),
    ],
)
def test_what_is_no_rate_is_refused(refused: Callable[[], object]) -> None:
    with pytest.raises(MeasureError):
        refused()


def test_a_difference_is_of_the_same_days() -> None:
    found = poisson.paired_difference([2, 2, 2, 2], [1, 1, 1, 1], [0.5] * 4)

    assert found.value == -2
    assert found.low < -2 < found.high
    assert found.recordings == 4


def test_a_difference_is_a_sentence_without_powers_of_ten() -> None:
    facts = {"value": 2400.0, "low": -11.2, "high": 7600.0, "recordings": 12}

    found = poisson.Difference(**facts)  # type: ignore[arg-type]

    assert found.sentence == "+2,400 a day (95 %: -11.2 to +7,600; 12 recordings)"
    assert replace(found, recordings=1).sentence.endswith("; 1 recording)")


def test_two_that_agree_may_differ_by_what_so_few_days_can_hide() -> None:
    found = poisson.paired_difference([1, 0, 0], [1, 0, 0], [1, 1, 1])

    assert found.value == 0
    assert found.low == pytest.approx(-3.6889 / 3, abs=1e-4)
    assert found.high == pytest.approx(3.6889 / 3, abs=1e-4)


def test_days_in_common_make_a_difference_certain_that_other_days_would_hide() -> None:
    busy = np.random.default_rng(18).poisson(20, 30)

    found = poisson.paired_difference(busy + 1, busy, np.ones(30))

    assert found.high < 0
    assert poisson.interval(int(busy.sum()), 30)[1] > poisson.interval(int(busy.sum()) + 30, 30)[0]


@pytest.mark.parametrize(
    ("recordings", "is_known"), [(1, False), (2, False), (3, False), (6, True)]
)
def test_events_of_one_recording_are_no_independent_ones(
    recordings: int, *, is_known: bool
) -> None:
    """Two ways that differ in all six events of each, which are of one day of a camera."""
    found = poisson.paired_difference([6] * recordings, [0] * recordings, [6] * recordings)

    assert found.value == -1
    assert (found.high < 0) == is_known


def test_the_interval_of_a_difference_covers_it() -> None:
    generator = np.random.default_rng(18)
    covered = 0
    for seed in range(100):
        common = generator.poisson(2, 12)
        before, after = common + generator.poisson(1, 12), common + generator.poisson(0.5, 12)
        found = poisson.paired_difference(before, after, np.ones(12), seed=seed)
        covered += found.low <= -0.5 <= found.high

    assert covered >= 0.94 * 100


def test_it_covers_it_where_events_of_a_recording_go_together() -> None:
    """All three events of a recording change, or none does."""
    generator = np.random.default_rng(18)
    covered = 0
    for seed in range(200):
        changed = generator.random((2, 8)) < 0.3
        before, after = 3 * changed
        found = poisson.paired_difference(before, after, np.full(8, 3.0), seed=seed)
        covered += found.low <= 0 <= found.high

    assert covered >= 0.94 * 200
