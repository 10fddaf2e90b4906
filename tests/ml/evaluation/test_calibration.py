"""Thresholds keep the false-alarm rate; a temperature changes confidence, never the ranking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ml.conftest import TINY
from video_classifier.ml.evaluation.calibration import (
    calibrate,
    choose_threshold,
    fit_temperature,
    reliability,
    tempered,
    with_temperature,
)

TARGETS = np.array([0, 0, 0, 0, 1, 1, 1])
SCORES = np.array([0.1, 0.2, 0.4, 0.8, 0.3, 0.6, 0.9])


@pytest.mark.parametrize(
    ("false_alarms", "threshold"),
    [(0, 0.85), (0.24, 0.85), (0.25, 0.5), (0.5, 0.25), (0.75, 0.15), (1, 0.05)],
)
def test_a_threshold_is_the_lowest_with_so_few_false_alarms(
    false_alarms: float, threshold: float
) -> None:
    assert choose_threshold(TARGETS, SCORES, false_alarms=false_alarms) == pytest.approx(threshold)


def test_clips_of_one_score_are_all_hints_or_none() -> None:
    targets, scores = np.array([0, 0, 0, 1]), np.array([0.1, 0.6, 0.6, 0.6])

    assert choose_threshold(targets, scores, false_alarms=0.4) == pytest.approx(0.8)


def test_a_share_of_clips_is_counted_without_rounding_errors() -> None:
    scores = np.arange(100) / 100

    threshold = choose_threshold(np.zeros(100, int), scores, false_alarms=0.29)

    assert (scores >= threshold).sum() == 29


@pytest.mark.parametrize(
    ("targets", "scores", "complaint"),
    [([1, 1], [0.4, 0.5], "needs ordinary clips"), ([0, 1], [1.0, 1.0], "no threshold")],
)
def test_a_threshold_that_does_not_exist_is_refused(
    targets: list[int], scores: list[float], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        choose_threshold(np.array(targets), np.array(scores), false_alarms=0)


def test_overconfident_scores_get_the_temperature_that_undoes_it() -> None:
    targets, too_sure = drawn(20_000, sharpness=3)

    assert fit_temperature(targets, too_sure) == pytest.approx(3, rel=0.05)


def test_clips_that_separate_give_a_temperature_all_the_same() -> None:
    assert 0 < fit_temperature(np.array([0, 1]), np.array([0.0, 1.0])) < 1


def drawn(clips: int, *, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Targets, and scores whose logits are so many times too large."""
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, clips)
    targets = (random.random(clips) < 1 / (1 + np.exp(-logits))).astype(int)
    return targets, 1 / (1 + np.exp(-sharpness * logits))


def test_the_threshold_is_of_scores_at_the_temperature() -> None:
    targets, scores = drawn(2000, sharpness=3)

    found = calibrate(targets, scores, np.ones(2000, bool), false_alarms=0.1)

    shown = tempered(scores, found.temperature)
    assert found.temperature == pytest.approx(3, rel=0.1)
    assert (shown[targets == 0] >= found.threshold).mean() == pytest.approx(0.1, abs=0.002)


def test_easy_clips_from_elsewhere_do_not_lower_a_threshold() -> None:
    targets, scores = drawn(2000, sharpness=1)
    alone = calibrate(targets, scores, np.ones(2000, bool), false_alarms=0.1)
    targets, scores = np.append(targets, np.zeros(5000, int)), np.append(scores, np.full(5000, 0.1))

    found = calibrate(targets, scores, np.arange(7000) < 2000, false_alarms=0.1)

    assert found == alone


def test_hard_clips_from_elsewhere_keep_their_share_too() -> None:
    targets, scores = drawn(2000, sharpness=1)
    targets, scores = np.append(targets, np.zeros(10, int)), np.append(scores, np.full(10, 0.99))

    found = calibrate(targets, scores, np.arange(2010) < 2000, false_alarms=0.1)

    assert (tempered(scores, found.temperature)[2000:] < found.threshold).all()


def test_a_temperature_of_one_changes_nothing_but_certainty() -> None:
    scores = np.array([0.0, 0.2, 0.9, 1.0])

    shown = tempered(scores, 1)

    np.testing.assert_allclose(shown[1:3], scores[1:3])
    assert 0 < shown[0] < shown[3] < 1


def test_bins_give_the_share_of_thefts() -> None:
    low, high = reliability(np.array([0, 1, 1]), np.array([0.12, 0.18, 1.0]))

    assert (low.clips, low.share) == (2, 0.5)
    assert low.score == pytest.approx(0.15)
    assert (high.clips, high.score, high.share) == (1, 1.0, 1.0)


@pytest.mark.keras
@pytest.mark.parametrize("name", ["conv3d", "mobilenetv2_lstm", "person_ensemble"])
def test_a_temperature_is_in_the_file_of_the_network(name: str, tmp_path: Path) -> None:
    import keras

    from video_classifier.ml import networks

    keras.utils.set_random_seed(1)
    network = networks.build(name, TINY)
    clips = np.random.default_rng(1).integers(0, 256, (4, *TINY.shape), np.uint8)
    before = network.predict(clips, verbose=0)[:, 0]

    with_temperature(network, 2.5).save(tmp_path / "network.keras")

    restored = keras.models.load_model(tmp_path / "network.keras")
    after = restored.predict(clips, verbose=0)[:, 0]
    np.testing.assert_allclose(after, tempered(before, 2.5), rtol=1e-4)
    np.testing.assert_array_equal(network.predict(clips, verbose=0)[:, 0], before)
    assert {layer.name for layer in network.layers} <= {layer.name for layer in restored.layers}
    assert restored.count_params() == network.count_params()


@pytest.mark.keras
def test_a_score_that_is_certain_stays_a_number() -> None:
    import keras

    logit = keras.Input((1,))
    certain = keras.Model(logit, keras.layers.Activation("sigmoid")(logit))
    logits = np.array([[-500.0], [0.0], [500.0]])

    shown = with_temperature(certain, 2).predict(logits, verbose=0)[:, 0]

    np.testing.assert_allclose(shown, tempered(np.array([0.0, 0.5, 1.0]), 2), rtol=1e-2)
