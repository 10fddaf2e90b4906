"""Training keeps the best epoch, weighs labels fairly and learns what can be learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.ml.conftest import TINY
from tests.ml.makers import entry, footage, people
from video_classifier.ml import crossvalidation, splits
from video_classifier.ml.mixing import balance, mix
from video_classifier.ml.training import Epoch, Settings, Trainer, cross_entropy

QUICK = replace(Settings(), epochs=12, learning_rate=0.01, batch_size=4)


@pytest.fixture
def trainer() -> Trainer:
    return Trainer("conv3d", TINY, footage(people(6)), QUICK, backbone_weights=None)


@pytest.mark.keras
def test_learns_what_can_be_learned(trainer: Trainer) -> None:
    entries = people(6)

    scores = crossvalidation.unseen_scores(
        trainer, crossvalidation.parts(entries, folds=3, seed=1)
    )

    figures = crossvalidation.unseen_metrics(entries, scores, threshold=0.5)
    assert figures["auc"].value == 1


@pytest.mark.keras
def test_the_best_epoch_is_kept(trainer: Trainer) -> None:
    epochs: list[Epoch] = []
    train, validation = splits.hold_out(people(6), seed=1)

    network, course = trainer.fit(train, validation, after_epoch=epochs.append)

    assert course.epochs == tuple(epochs)
    assert course.best == min(epochs, key=lambda epoch: epoch.validation_loss)
    targets = np.array([people(6)[row].target for row in validation])
    again = cross_entropy(targets, trainer.scores(network, validation), np.ones(len(targets)))
    assert again == pytest.approx(course.best.validation_loss, rel=1e-3)


@pytest.mark.keras
def test_the_score_of_a_clip_is_the_highest_of_its_persons(trainer: Trainer) -> None:
    clips = footage(people(6))
    bright, dark = clips[:2]
    together = replace(dark, others=(bright.served, dark.served))
    crowd = Trainer("conv3d", TINY, [*clips, together], QUICK, backbone_weights=None)
    network, _ = trainer.fit(*splits.hold_out(people(6), seed=1), after_epoch=lambda _: None)

    one, other, both = crowd.scores(network, np.array([0, 1, len(clips)]))

    assert one != other
    assert both == pytest.approx(max(one, other), abs=1e-6)


@pytest.mark.keras
def test_stops_when_it_gets_no_better() -> None:
    settings = replace(QUICK, epochs=40, patience=2, learning_rate=0.0)
    trainer = Trainer("conv3d", TINY, footage(people(6)), settings, backbone_weights=None)

    _, course = trainer.fit(*splits.hold_out(people(6), seed=1), after_epoch=lambda _: None)

    assert len(course.epochs) == 3


def test_blends_lie_between_two_clips_and_so_do_their_targets() -> None:
    clips = np.array([[0, 0], [200, 200]], np.uint8)
    random = np.random.default_rng(1)

    blended, targets = mix(clips, np.array([0, 1]), np.ones(2), alpha=0.4, random=random)

    assert blended.dtype == np.uint8
    np.testing.assert_allclose(blended[:, 0] / 200, targets, atol=0.01)


def test_blends_are_drawn_by_weight() -> None:
    clips = np.array([[0.0], [1.0], [2.0]])
    random = np.random.default_rng(1)

    blended, _ = mix(clips, np.zeros(3, int), np.array([0.0, 1.0, 0.0]), alpha=1, random=random)

    np.testing.assert_allclose(blended, 1, rtol=1e-6)


def test_labels_weigh_the_same_whatever_their_number() -> None:
    entries = [entry(number, shoplifter=number < 2, group=str(number)) for number in range(10)]

    weights = balance(entries, elsewhere=0.2)

    assert weights.mean() == pytest.approx(1)
    assert weights[:2].sum() == pytest.approx(weights[2:].sum())


def test_a_large_source_does_not_drown_a_small_one() -> None:
    entries = [entry(0, shoplifter=True, group="a")]
    entries += [entry(number, shoplifter=False, group="b") for number in range(1, 3)]
    entries += [
        entry(number, shoplifter=False, group="c", source="street") for number in range(3, 93)
    ]

    weights = balance(entries, elsewhere=0.2)

    assert weights[3:].sum() / weights[1:].sum() == pytest.approx(0.2)
    assert weights[:1].sum() == pytest.approx(weights[1:].sum())


def test_a_source_with_one_label_flatters_nothing() -> None:
    entries = people(4)
    entries += [
        entry(number, shoplifter=False, group="street", source="street") for number in range(90, 99)
    ]
    shop = np.random.default_rng(1).uniform(0.4, 0.6, 16)
    scores = np.concatenate([shop, np.full(8, 0.0), [0.9]])

    alone = crossvalidation.unseen_metrics(people(4), shop, threshold=0.5)
    both = crossvalidation.unseen_metrics(entries, scores, threshold=0.5)

    assert both["auc"] == alone["auc"]
    assert both["false_alarms_elsewhere"].value == pytest.approx(1 / 9)
