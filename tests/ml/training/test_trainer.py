"""Training keeps the best epoch, weighs labels fairly and learns what can be learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.makers.datasets import entry, footage, people
from tests.ml.conftest import TINY
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import Image, Integers
from video_classifier.ml.data import splits
from video_classifier.ml.evaluation import cross_validation
from video_classifier.ml.networks.precision import NotFiniteError
from video_classifier.ml.training.mixing import balance, mix
from video_classifier.ml.training.trainer import (
    Epoch,
    Schedule,
    Settings,
    StopBy,
    Trainer,
    cross_entropy,
    learning_rate,
)

QUICK = replace(Settings(), epochs=12, learning_rate=0.01, batch_size=4)


@pytest.fixture
def trainer() -> Trainer:
    return Trainer("conv3d", TINY, footage(people(6)), QUICK, backbone_weights=None)


@pytest.mark.keras
def test_learns_what_can_be_learned(trainer: Trainer) -> None:
    entries = people(6)

    scores = cross_validation.unseen_scores(
        trainer, cross_validation.parts(entries, folds=3, seed=1)
    )

    figures = cross_validation.unseen_metrics(entries, scores, threshold=0.5)
    assert figures["auc"].value == 1


@pytest.mark.keras
def test_the_best_epoch_is_kept(trainer: Trainer) -> None:
    epochs: list[Epoch] = []
    train, validation = splits.hold_out(people(6), seed=1)

    network, course = trainer.fit(train, validation, after_epoch=epochs.append)

    assert course.epochs == tuple(epochs)
    assert course.best == min(epochs, key=lambda epoch: epoch.validation_loss or 0)
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


FEW = replace(QUICK, epochs=4, batch_size=8)
EVERYBODY = splits.hold_out(people(4), seed=1)


def few(settings: Settings, unfinished: Cache | None = None) -> Trainer:
    clips = footage(people(4))
    return Trainer("conv3d", TINY, clips, settings, backbone_weights=None, unfinished=unfinished)


def watched(trainer: Trainer) -> list[tuple[int, Integers]]:
    """The epochs and rows that are trained on from now on."""
    shown: list[tuple[int, Integers]] = []
    varied = trainer._clips.varied

    def watching(epoch: int, rows: Integers) -> Image:
        shown.append((epoch, rows))
        return varied(epoch, rows)

    trainer._clips.varied = watching  # type: ignore[method-assign]
    return shown


@pytest.mark.keras
def test_an_interrupted_training_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    def interrupt(epoch: Epoch) -> None:
        if epoch.number == 2:
            raise KeyboardInterrupt

    whole, course = few(FEW).fit(*EVERYBODY, after_epoch=lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        few(FEW, Cache(tmp_path)).fit(*EVERYBODY, after_epoch=interrupt)
    trainer = few(FEW, Cache(tmp_path))
    shown = watched(trainer)

    resumed, same = trainer.fit(*EVERYBODY, after_epoch=lambda _: None)

    assert [epoch for epoch, _ in shown] == [2, 3]
    losses = [[epoch.loss for epoch in found.epochs] for found in (course, same)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.keras
def test_a_fold_that_was_scored_is_not_trained_again(tmp_path: Path) -> None:
    settings = replace(FEW, epochs=1)
    fold = cross_validation.parts(people(4), folds=2, seed=1)[0]
    scores, course = few(settings, Cache(tmp_path)).unseen_scores(fold, after_epoch=lambda _: None)

    trainer = few(settings, Cache(tmp_path))
    same, none = trainer.unseen_scores(fold, after_epoch=lambda _: pytest.fail("trained again"))
    other = few(replace(settings, seed=7), Cache(tmp_path))

    assert course is not None
    assert none is None
    np.testing.assert_array_equal(scores, same)
    assert other.unseen_scores(fold, after_epoch=lambda _: None)[1] is not None


@pytest.mark.keras
def test_where_the_number_of_epochs_decides_everybody_is_trained_on() -> None:
    trainer = few(replace(FEW, epochs=2, stop_by=StopBy.EPOCHS, patience=0))
    shown = watched(trainer)

    _, course = trainer.fit(*EVERYBODY, after_epoch=lambda _: None)

    assert [list(rows) for _, rows in shown] == [list(range(16))] * 2
    assert [epoch.validation_loss for epoch in course.epochs] == [None, None]
    assert course.best is course.epochs[-1]


@pytest.mark.keras
def test_a_cosine_rises_and_falls_and_a_constant_does_neither() -> None:
    rate = learning_rate(Schedule.COSINE, 0.4, steps=100)
    assert not isinstance(rate, float)

    assert [float(rate(step)) for step in (0, 10, 55, 100)] == pytest.approx(
        [0, 0.4, 0.2, 0], abs=1e-6
    )
    assert learning_rate(Schedule.CONSTANT, 0.4, steps=100) == 0.4


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a backbone that has learned nothing."""
    import keras

    keras.utils.set_random_seed(1)
    shape = (TINY.height, TINY.width, 3)
    backbone = keras.applications.MobileNetV2(input_shape=shape, include_top=False, weights=None)
    target = tmp_path_factory.mktemp("weights") / "mobilenet.weights.h5"
    backbone.save_weights(target)
    return target


@pytest.mark.keras
def test_the_backbones_end_learns_after_the_head(weights: Path) -> None:
    from video_classifier.ml import networks

    settings = replace(
        FEW,
        epochs=1,
        stop_by=StopBy.EPOCHS,
        variants=1,
        fine_tune=2,
        fine_tune_epochs=1,
        fine_tune_learning_rate=0.01,
    )
    trainer = Trainer(
        "mobilenetv2_pool", TINY, footage(people(4)), settings, backbone_weights=weights
    )
    start = networks.build("mobilenetv2_pool", TINY, backbone_weights=weights)

    network, course = trainer.fit(*EVERYBODY, after_epoch=lambda _: None)

    assert [epoch.number for epoch in course.epochs] == [1, 2]
    before, after = (one.get_layer("backbone") for one in (start, network))
    learned = [
        variable.path
        for variable, was in zip(after.weights, before.weights, strict=True)
        if not np.array_equal(variable.numpy(), was.numpy())
    ]
    assert sorted(path.split("/")[-2] for path in learned) == ["Conv_1", "block_16_project"]
    clips = np.stack([clip.served for clip in footage(people(4))])
    alone = network.predict(clips, verbose=0)[:, 0]
    np.testing.assert_allclose(trainer.scores(network, np.arange(16)), alone, rtol=1e-4)


def test_what_has_no_backbone_is_not_fine_tuned() -> None:
    with pytest.raises(ValueError, match="conv3d has no pretrained backbone"):
        few(replace(FEW, fine_tune=1))


def test_without_class_weights_every_clip_counts_the_same() -> None:
    entries = [entry(number, shoplifter=number < 2, group=str(number)) for number in range(10)]
    trainer = Trainer(
        "conv3d", TINY, footage(entries), replace(FEW, balanced=False), backbone_weights=None
    )

    assert list(trainer._weights(np.arange(10))) == [1.0] * 10


@pytest.mark.keras
def test_what_was_trained_in_16_bits_is_kept_in_32(tmp_path: Path) -> None:
    import keras

    # Not conv3d: in bfloat16 some processors train it to what is no number.
    settings = replace(FEW, epochs=8, precision="mixed_bfloat16")
    trainer = Trainer("cnn_lstm", TINY, footage(people(4)), settings, backbone_weights=None)

    network, course = trainer.fit(*EVERYBODY, after_epoch=lambda _: None)

    assert course.epochs[-1].loss < course.epochs[0].loss
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.keras
def test_a_training_that_is_no_longer_finite_stops_and_says_so() -> None:
    epochs: list[Epoch] = []
    trainer = few(replace(FEW, learning_rate=1e30))

    with pytest.raises(NotFiniteError, match=r"in float32, .* not finite. Lower the learning rate"):
        trainer.fit(*EVERYBODY, after_epoch=epochs.append)

    assert all(np.isfinite(epoch.loss) for epoch in epochs)


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

    alone = cross_validation.unseen_metrics(people(4), shop, threshold=0.5)
    both = cross_validation.unseen_metrics(entries, scores, threshold=0.5)

    assert both["auc"] == alone["auc"]
    assert both["false_alarms_elsewhere"].value == pytest.approx(1 / 9)
