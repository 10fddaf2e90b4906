"""Figures against ones worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from video_classifier.ml.evaluation import auc, confusion, measure

TARGETS = np.array([1, 1, 1, 0, 0, 0, 0, 0])
SCORES = np.array([0.9, 0.8, 0.2, 0.7, 0.4, 0.3, 0.1, 0.1])


def test_counts_what_was_called() -> None:
    found = confusion(TARGETS, SCORES, 0.5)

    assert (found.true_positives, found.false_negatives) == (2, 1)
    assert (found.false_positives, found.true_negatives) == (1, 4)


def test_a_score_at_the_threshold_is_called() -> None:
    assert confusion(np.array([1]), np.array([0.5]), 0.5).true_positives == 1


def test_auc_is_what_scikit_learn_calls_so() -> None:
    random = np.random.default_rng(1)
    targets, scores = random.integers(0, 2, 60), random.integers(0, 9, 60) / 10  # with ties

    assert auc(targets, scores) == pytest.approx(roc_auc_score(targets, scores))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auc", 12 / 15),
        ("accuracy", 6 / 8),
        ("precision", 2 / 3),
        ("recall", 2 / 3),
        ("specificity", 4 / 5),
        ("f1", 2 / 3),
    ],
)
def test_figures(name: str, value: float) -> None:
    figure = measure(TARGETS, SCORES, threshold=0.5)[name]

    assert figure.value == pytest.approx(value)
    assert figure.low is not None
    assert figure.high is not None
    assert 0 <= figure.low < value < figure.high <= 1


def test_a_perfect_result_on_few_clips_is_not_certain() -> None:
    figures = measure(np.array([0, 1] * 5), np.array([0.1, 0.9] * 5), threshold=0.5)

    assert figures["accuracy"].value == 1
    assert figures["accuracy"].low == pytest.approx(0.722, abs=0.001)  # Wilson, 10 of 10
    assert figures["auc"].value == figures["auc"].high == 1
    assert figures["auc"].low < 0.9  # type: ignore[operator]


def test_the_worst_result_on_two_clips_is_not_certain_either() -> None:
    found = measure(np.array([0, 1]), np.array([0.9, 0.1]), threshold=0.5)["auc"]

    assert (found.value, found.low) == (0, 0)
    assert found.high > 0.5  # type: ignore[operator]


def test_one_label_alone_has_no_auc() -> None:
    figures = measure(np.zeros(4, int), np.array([0.1, 0.2, 0.6, 0.7]), threshold=0.5)

    assert auc(np.zeros(4, int), np.ones(4)) is None
    assert figures["auc"].value is None
    assert figures["recall"].value is None
    assert figures["specificity"].value == 0.5


def test_clips_of_one_person_are_no_independent_witnesses() -> None:
    targets = np.array([0, 1] * 50)
    scores = np.where(np.arange(100) < 70, targets, 1 - targets) * 0.8 + 0.1
    people = [str(number // 20) for number in range(100)]

    apart = measure(targets, scores, threshold=0.5)["accuracy"]
    by_person = measure(targets, scores, threshold=0.5, groups=people)["accuracy"]

    assert apart.value == by_person.value == pytest.approx(0.7)
    assert by_person.high - by_person.low > 2 * (apart.high - apart.low)  # type: ignore[operator]


def test_the_same_scores_give_the_same_intervals() -> None:
    assert measure(TARGETS, SCORES, threshold=0.5) == measure(TARGETS, SCORES, threshold=0.5)
