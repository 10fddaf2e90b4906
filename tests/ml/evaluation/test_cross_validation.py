"""A clip's threshold and temperature come from clips of other folds."""

from __future__ import annotations

import numpy as np
import pytest

from tests.makers.datasets import entry, people
from video_classifier.ml.evaluation import cross_validation
from video_classifier.ml.evaluation.cross_validation import calibrated, in_domain, make_folds

ENTRIES = people(6)
FOLDS = make_folds(ENTRIES, count=3, seed=1)
SCORES = np.random.default_rng(1).uniform(0.1, 0.9, len(ENTRIES))


def test_no_clip_influences_its_own_threshold() -> None:
    changed = SCORES.copy()
    changed[FOLDS[0].test] = 0.99

    before = calibrated(ENTRIES, SCORES, FOLDS, false_alarms=0.2)
    after = calibrated(ENTRIES, changed, FOLDS, false_alarms=0.2)

    own, others = FOLDS[0].test, FOLDS[1].test
    np.testing.assert_array_equal(before.thresholds[own], after.thresholds[own])
    assert (before.thresholds[others] != after.thresholds[others]).all()
    assert before.calibration.threshold != after.calibration.threshold


def test_the_shown_scores_rank_the_clips_of_a_fold_as_before() -> None:
    found = calibrated(ENTRIES, SCORES, FOLDS, false_alarms=0.2)

    for fold in FOLDS:
        shown, scores = found.scores[fold.test], SCORES[fold.test]
        np.testing.assert_array_equal(np.argsort(shown), np.argsort(scores))
        assert not np.allclose(shown, scores)


def test_a_threshold_that_is_given_is_taken() -> None:
    found = calibrated(ENTRIES, SCORES, FOLDS, false_alarms=0.2, threshold=0.7)

    assert set(found.thresholds) == {0.7}
    assert found.calibration.threshold == 0.7


def test_metrics_hold_at_each_clips_own_threshold() -> None:
    targets = np.array([one.target for one in ENTRIES])
    thresholds = np.where(targets == 1, 0.0, 1.0)

    figures = cross_validation.out_of_fold_metrics(ENTRIES, SCORES, threshold=thresholds)

    assert figures["accuracy"].value == 1


def test_where_no_source_holds_both_labels_all_clips_count() -> None:
    thefts = [entry(number, shoplifter=True, group=str(number)) for number in range(3)]
    street = [
        entry(number, shoplifter=False, group=str(number), source="street")
        for number in range(3, 6)
    ]

    assert in_domain(thefts + street).all()
    assert list(in_domain(people(1) + street)) == [True] * 4 + [False] * 3


def test_a_source_with_one_label_flatters_nothing() -> None:
    entries = people(4)
    entries += [
        entry(number, shoplifter=False, group="street", source="street") for number in range(90, 99)
    ]
    shop = np.random.default_rng(1).uniform(0.4, 0.6, 16)
    scores = np.concatenate([shop, np.full(8, 0.0), [0.9]])

    alone = cross_validation.out_of_fold_metrics(people(4), shop, threshold=0.5)
    both = cross_validation.out_of_fold_metrics(entries, scores, threshold=0.5)

    assert both["auc"] == alone["auc"]
    assert both["false_alarms_elsewhere"].value == pytest.approx(1 / 9)
