"""Metrics and intervals against values worked out by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from video_classifier.ml.evaluation import intervals
from video_classifier.ml.evaluation.intervals import (
    auc,
    auc_drop,
    confusion,
    measure,
    within_group_auc,
)
from video_classifier.ml.serving.card import Interval

TARGETS = np.array([1, 1, 1, 0, 0, 0, 0, 0])
SCORES = np.array([0.9, 0.8, 0.2, 0.7, 0.4, 0.3, 0.1, 0.1])


def test_counts_the_confusion() -> None:
    found = confusion(TARGETS, SCORES, 0.5)

    assert (found.true_positives, found.false_negatives) == (2, 1)
    assert (found.false_positives, found.true_negatives) == (1, 4)


def test_a_score_at_the_threshold_is_a_hint() -> None:
    assert confusion(np.array([1]), np.array([0.5]), 0.5).true_positives == 1


def test_auc_agrees_with_scikit_learn() -> None:
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
        ("pr_auc", (1 / 1 + 2 / 2 + 3 / 6) / 3),
        ("eer", 1 / 3),
        ("brier", (0.01 + 0.04 + 0.64 + 0.49 + 0.16 + 0.09 + 0.01 + 0.01) / 8),
        ("ece", (0.1 + 0.2 + 0.8 + 0.7 + 0.4 + 0.3 + 0.2) / 8),
    ],
)
def test_metrics(name: str, value: float) -> None:
    figure = measure(TARGETS, SCORES, threshold=0.5)[name]

    assert figure.value == pytest.approx(value)
    assert figure.low is not None
    assert figure.high is not None
    assert 0 <= figure.low < value < figure.high <= 1


def test_metrics_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(1)
    targets, scores = random.integers(0, 2, 60), random.integers(0, 9, 60) / 10  # with ties

    found = measure(targets, scores, threshold=0.5)

    assert found["pr_auc"].value == pytest.approx(average_precision_score(targets, scores))
    assert found["brier"].value == pytest.approx(brier_score_loss(targets, scores))


def test_errors_are_equal_where_the_lines_between_two_thresholds_cross() -> None:
    targets = np.array([1, 0, 1, 0, 0])  # at 0.8: half missed, a third raised; below: 0, a third

    found = measure(targets, np.array([0.9, 0.8, 0.7, 0.6, 0.5]), threshold=0.5)["eer"]

    assert found.value == pytest.approx(1 / 3)


def test_guessing_has_an_equal_error_rate_of_a_half() -> None:
    found = measure(np.array([0, 1]), np.array([0.5, 0.5]), threshold=0.5)["eer"]

    assert found.value == pytest.approx(0.5)


def test_clips_of_one_bin_are_calibrated_together() -> None:
    scores = np.array([0.71, 0.73, 0.77, 0.79])

    found = measure(np.array([1, 1, 1, 0]), scores, threshold=0.5)["ece"]

    assert found.value == pytest.approx(0)


def test_a_score_of_one_is_in_the_last_bin() -> None:
    found = measure(np.array([0, 1]), np.array([1.0, 0.95]), threshold=0.5)["ece"]

    assert found.value == pytest.approx(0.475)


def test_an_interval_holds_its_value_though_resamples_do_worse() -> None:
    scores = np.repeat([0.25, 0.5, 0.75], 20)
    targets = np.array([1, 0, 0, 0] * 5 + [1, 1, 0, 0] * 5 + [1, 1, 1, 0] * 5)

    found = measure(targets, scores, threshold=0.5)["ece"]

    assert found.value == found.low == 0
    assert found.high > 0.05  # type: ignore[operator]


def test_resamples_are_drawn_in_batches_where_clips_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = measure(TARGETS, SCORES, threshold=0.5)

    monkeypatch.setattr(intervals, "_MAX_WEIGHTS", 5600)  # 700 resamples of eight clips

    assert measure(TARGETS, SCORES, threshold=0.5) == whole


def test_a_perfect_result_on_few_people_is_not_certain() -> None:
    people = [str(number // 2) for number in range(10)]

    found = measure(np.array([0, 1] * 5), np.array([0.1, 0.9] * 5), threshold=0.5, groups=people)

    assert found["accuracy"].low == pytest.approx(0.722, abs=0.001)  # Wilson, 10 of 10
    assert found["auc"].low < 0.9  # type: ignore[operator]


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


def test_clips_of_one_person_are_not_independent() -> None:
    targets = np.array([0, 1] * 50)
    scores = np.where(np.arange(100) < 70, targets, 1 - targets) * 0.8 + 0.1
    people = [str(number // 20) for number in range(100)]

    apart = measure(targets, scores, threshold=0.5)["accuracy"]
    by_person = measure(targets, scores, threshold=0.5, groups=people)["accuracy"]

    assert apart.value == by_person.value == pytest.approx(0.7)
    assert by_person.high - by_person.low > 2 * (apart.high - apart.low)  # type: ignore[operator]


def test_the_same_scores_give_the_same_intervals() -> None:
    assert measure(TARGETS, SCORES, threshold=0.5) == measure(TARGETS, SCORES, threshold=0.5)


def test_a_threshold_may_be_another_for_each_clip() -> None:
    targets, scores = np.array([0, 0, 1, 1]), np.array([0.4, 0.6, 0.4, 0.6])

    found = measure(targets, scores, threshold=np.array([0.5, 0.7, 0.3, 0.5]))

    assert found["accuracy"].value == 1


# Within one person


def test_within_a_person_only_pairs_of_that_person_count() -> None:
    # Ada: 0.9 and 0.8 against 0.7, both right. Bob: 0.2 against 0.1 right, against 0.3 wrong.
    targets = np.array([1, 1, 0, 1, 0, 0])
    scores = np.array([0.9, 0.8, 0.7, 0.2, 0.1, 0.3])

    found = within_group_auc(targets, scores, ["Ada"] * 3 + ["Bob"] * 3)

    assert found.value == pytest.approx(3 / 4)


def test_within_a_person_ties_count_half() -> None:
    targets, scores = np.array([1, 0, 0]), np.array([0.5, 0.5, 0.4])

    assert within_group_auc(targets, scores, ["Ada"] * 3).value == pytest.approx(3 / 4)


def test_who_is_known_as_a_thief_does_not_count_within_a_person() -> None:
    """All thefts above all ordinary clips but for who is in them."""
    targets = np.array([1, 0, 1, 0, 1, 0])
    scores = np.array([0.9, 0.9, 0.9, 0.9, 0.1, 0.1])
    people = ["Ada", "Ada", "Bob", "Bob", "Eve", "Eve"]

    assert within_group_auc(targets, scores, people).value == 0.5


def test_without_a_person_of_both_labels_nothing_is_measured() -> None:
    found = within_group_auc(np.array([1, 0]), np.array([0.9, 0.1]), ["Ada", "Bob"])

    assert found == Interval(value=None)


def test_the_interval_within_people_is_by_bootstrap_over_people() -> None:
    """Ada's thousand pairs are right and Bob's are wrong: a resample has one, the other or both."""
    targets = np.array(([1] * 32 + [0] * 32) * 2)
    scores = np.concatenate([targets[:64], 1 - targets[64:]]).astype(float)

    found = within_group_auc(targets, scores, ["Ada"] * 64 + ["Bob"] * 64)

    assert (found.value, found.low, found.high) == (0.5, 0, 1)


def test_without_a_mistake_within_people_the_interval_has_a_width() -> None:
    targets = np.array([1, 0, 1, 0])
    found = within_group_auc(targets, targets.astype(float), ["Ada", "Ada", "Bob", "Bob"])

    assert found.low is not None
    assert found.low < 0.5
    assert found.high == 1


# The drop of an AUC


def test_a_drop_is_the_difference_of_two_aucs() -> None:
    targets = np.array([1, 0, 1, 0])
    scores, others = np.array([0.9, 0.1, 0.8, 0.2]), np.array([0.9, 0.1, 0.1, 0.2])

    found = auc_drop(targets, scores, others, list("abcd"))

    assert found.value == pytest.approx(1 - 5 / 8)


def test_scores_that_rank_alike_have_no_drop_in_any_resample() -> None:
    random = np.random.default_rng(1)
    targets, scores = np.array([0, 1] * 20), random.uniform(size=40)

    found = auc_drop(targets, scores, scores**2, [str(number) for number in range(40)])

    assert (found.value, found.low, found.high) == (0, 0, 0)
