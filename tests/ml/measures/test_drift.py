"""Drift is found where scores have changed, and seldom where only days differ."""

from __future__ import annotations

import numpy as np
import pytest

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.measures import drift
from video_classifier.ml.measures.errors import MeasureError


def hours(
    generator: np.random.Generator, count: int, shift: float = 0.0
) -> tuple[Floats, Integers]:
    """Scores of so many hours, each with a level of its own, and the hour of each."""
    levels = generator.normal(-1.5 + shift, 0.6, count)
    each = [generator.normal(level, 0.8, generator.integers(5, 40)) for level in levels]
    numbers = np.repeat(np.arange(count), [len(one) for one in each])
    return 1 / (1 + np.exp(-np.concatenate(each))), numbers


def test_a_shift_is_drift() -> None:
    generator = np.random.default_rng(18)
    before, _ = hours(generator, 48)
    scores, recordings = hours(generator, 84, shift=0.8)

    found = drift.compare(drift.reference(before), scores, recordings, reference_recordings=48)

    assert found.has_drifted
    assert found.recordings == 84
    assert "have changed" in found.sentence


@pytest.fixture
def _few_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "PERMUTATIONS", 400)


@pytest.mark.usefixtures("_few_permutations")
@pytest.mark.parametrize(("before", "after"), [(24, 84), (24, 12), (12, 60)])
def test_hours_that_differ_are_seldom_taken_for_drift(before: int, after: int) -> None:
    generator = np.random.default_rng(18)
    drifted = 0
    for seed in range(100):
        measured, _ = hours(generator, before)
        scores, recordings = hours(generator, after)
        drifted += drift.compare(
            drift.reference(measured), scores, recordings, seed, reference_recordings=before
        ).has_drifted

    assert drifted <= 0.03 * 100


@pytest.mark.usefixtures("_few_permutations")
def test_without_recordings_of_their_own_hours_would_be_drift() -> None:
    """What the tables of the test say, which take candidates for independent."""
    generator = np.random.default_rng(18)
    drifted = 0
    for seed in range(50):
        measured, _ = hours(generator, 24)
        scores, _ = hours(generator, 24)
        alone = np.arange(len(scores))
        drifted += drift.compare(drift.reference(measured), scores, alone, seed).has_drifted

    assert drifted > 0.15 * 50


def test_few_recordings_say_nothing() -> None:
    generator = np.random.default_rng(18)
    before, _ = hours(generator, 48)
    scores, recordings = hours(generator, 4, shift=4)

    found = drift.compare(drift.reference(before), scores, recordings)

    assert not found.has_drifted
    assert "too few" in found.sentence


def test_a_reference_is_as_long_for_one_score_as_for_many() -> None:
    assert drift.reference([0.5]) == [0.5] * drift.POINTS
    assert drift.reference(np.linspace(0, 1, 1001))[50] == pytest.approx(0.5)


def test_scores_that_are_all_the_same_have_not_drifted() -> None:
    found = drift.compare(drift.reference([0.5] * 9), [0.5] * 30, range(30))

    assert found.statistic == 0
    assert not found.has_drifted


@pytest.mark.parametrize(
    ("reference", "scores", "recordings"),
    [([], [0.5], [1]), ([0.5], [], []), ([0.5], [np.nan], [1]), ([0.5], [0.5, 0.5], [1])],
)
def test_nothing_is_compared_with_nothing(
    reference: list[float], scores: list[float], recordings: list[int]
) -> None:
    with pytest.raises(MeasureError):
        drift.compare(reference, scores, recordings)
