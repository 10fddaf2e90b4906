"""Training keeps the best epoch, resumes, and learns what can be learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.makers.datasets import entry, footage, people
from tests.makers.weights import write_i3d
from tests.ml.conftest import TINY, mean_of_pixels
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import Image, Integers
from video_classifier.ml.data import splits
from video_classifier.ml.data.footage import Footage
from video_classifier.ml.evaluation import cross_validation
from video_classifier.ml.networks.precision import NotFiniteError
from video_classifier.ml.networks.pretrained import WeightsError
from video_classifier.ml.training.history import Epoch
from video_classifier.ml.training.optimization import cross_entropy
from video_classifier.ml.training.recipe import Recipe, RecipeError
from video_classifier.ml.training.settings import ClassWeights, StopBy, TrainingSettings
from video_classifier.ml.training.trainer import Trainer
from video_classifier.ml.watch import Unwatched

QUICK = TrainingSettings(epochs=12, learning_rate=0.01, batch_size=4)


class Watched(Unwatched):
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.epochs: list[Epoch] = []

    def report(self, result: object) -> None:
        assert isinstance(result, Epoch)
        self.epochs.append(result)


def recipe(settings: TrainingSettings = QUICK, network: str = "conv3d") -> Recipe:
    return Recipe(network=network, spec=TINY, settings=settings)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One layer, where the network is no matter: what takes long is to prepare each of them."""
    from video_classifier.ml import networks

    monkeypatch.setattr(networks, "build", lambda name, spec, **_: mean_of_pixels(name, spec))


@pytest.fixture
def trainer(small: None) -> Trainer:
    return Trainer(recipe(replace(QUICK, learning_rate=0.1)), footage(people(6)))


@pytest.mark.keras
def test_learns_what_can_be_learned(trainer: Trainer) -> None:
    entries = people(6)

    scores = cross_validation.out_of_fold_scores(
        trainer, cross_validation.make_folds(entries, count=3, seed=1)
    )

    figures = cross_validation.out_of_fold_metrics(entries, scores, threshold=0.5)
    assert figures["auc"].value == 1


@pytest.mark.keras
def test_the_best_epoch_is_kept(trainer: Trainer) -> None:
    watched = Watched()
    train, validation = splits.hold_out(people(6), seed=1)

    network, history = trainer.fit(train, validation, watch=watched)

    assert history.epochs == tuple(watched.epochs)
    assert history.best == min(watched.epochs, key=lambda epoch: epoch.validation_loss or 0)
    targets = np.array([people(6)[row].target for row in validation])
    again = cross_entropy(targets, trainer.scores(network, validation), np.ones(len(targets)))
    assert again == pytest.approx(history.best.validation_loss, rel=1e-3)


@pytest.mark.keras
def test_the_score_of_a_clip_is_the_highest_of_its_persons(trainer: Trainer) -> None:
    clips = footage(people(6))
    bright, dark = clips[:2]
    both_inputs = np.concatenate([dark.inputs, bright.inputs])
    together = Footage(entry=dark.entry, inputs=both_inputs, frames=dark.frames)
    crowd = Trainer(trainer.recipe, [*clips, together])
    network, _ = trainer.fit(*splits.hold_out(people(6), seed=1))

    one, other, both = crowd.scores(network, np.array([0, 1, len(clips)]))

    assert one != other
    assert both == pytest.approx(max(one, other), abs=1e-6)


@pytest.mark.keras
def test_stops_when_it_gets_no_better(small: None) -> None:
    settings = replace(QUICK, epochs=40, patience=2, learning_rate=1e-30)
    trainer = Trainer(recipe(settings), footage(people(6)))

    _, history = trainer.fit(*splits.hold_out(people(6), seed=1))

    assert len(history.epochs) == 3


@pytest.mark.keras
def test_a_trainer_does_nothing_until_it_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    from video_classifier.ml import networks

    def build(*_: object, **__: object) -> None:
        msg = "No such weights."
        raise WeightsError(msg)

    monkeypatch.setattr(networks, "build", build)
    chosen = recipe(QUICK, "mobilenetv2_pool")

    trainer = Trainer(chosen, footage(people(4)), backbone_weights="none.h5")

    with pytest.raises(WeightsError):
        trainer.prepare()


FEW = replace(QUICK, epochs=4, batch_size=8)
EVERYBODY = splits.hold_out(people(4), seed=1)


def few(settings: TrainingSettings, checkpoints: Cache | None = None) -> Trainer:
    clips = footage(people(4))
    return Trainer(recipe(settings), clips, checkpoints=checkpoints)


def watched(trainer: Trainer) -> list[tuple[int, Integers]]:
    """The epochs and rows that are trained on from now on."""
    shown: list[tuple[int, Integers]] = []
    augmented = trainer._clips.augmented

    def watching(epoch: int, rows: Integers) -> Image:
        shown.append((epoch, rows))
        return augmented(epoch, rows)

    trainer._clips.augmented = watching  # type: ignore[method-assign]
    return shown


@pytest.mark.keras
def test_an_interrupted_training_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    class Interrupting(Watched):
        def report(self, result: object) -> None:
            super().report(result)
            if len(self.epochs) == 2:
                raise KeyboardInterrupt

    whole, history = few(FEW).fit(*EVERYBODY)
    with pytest.raises(KeyboardInterrupt):
        few(FEW, Cache(tmp_path)).fit(*EVERYBODY, watch=Interrupting())
    trainer = few(FEW, Cache(tmp_path))
    shown = watched(trainer)

    resumed, same = trainer.fit(*EVERYBODY)

    assert [epoch for epoch, _ in shown] == [2, 3]
    losses = [[epoch.loss for epoch in found.epochs] for found in (history, same)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.keras
def test_a_fold_that_was_scored_is_not_trained_again(small: None, tmp_path: Path) -> None:
    settings = replace(FEW, epochs=1)
    fold = cross_validation.make_folds(people(4), count=2, seed=1)[0]
    scores, history = few(settings, Cache(tmp_path)).out_of_fold_scores(fold)

    trainer = few(settings, Cache(tmp_path))
    same, none = trainer.out_of_fold_scores(fold)
    other = few(replace(settings, seed=7), Cache(tmp_path))

    assert history is not None
    assert none is None
    np.testing.assert_array_equal(scores, same)
    assert other.out_of_fold_scores(fold)[1] is not None


@pytest.mark.keras
def test_where_the_number_of_epochs_decides_everybody_is_trained_on(small: None) -> None:
    trainer = few(replace(FEW, epochs=2, stop_by=StopBy.EPOCHS, patience=0))
    shown = watched(trainer)

    _, history = trainer.fit(*EVERYBODY)

    assert [list(rows) for _, rows in shown] == [list(range(16))] * 2
    assert [epoch.validation_loss for epoch in history.epochs] == [None, None]
    assert history.best is history.epochs[-1]


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


@pytest.mark.long
@pytest.mark.keras
def test_the_backbones_end_learns_after_the_head(weights: Path) -> None:
    from video_classifier.ml import networks

    settings = replace(
        FEW,
        epochs=1,
        stop_by=StopBy.EPOCHS,
        augmented_copies=1,
        fine_tune=2,
        fine_tune_epochs=1,
        fine_tune_learning_rate=0.01,
    )
    trainer = Trainer(
        recipe(settings, "mobilenetv2_pool"), footage(people(4)), backbone_weights=weights
    )
    start = networks.build("mobilenetv2_pool", TINY, backbone_weights=weights)

    network, history = trainer.fit(*EVERYBODY)

    assert [epoch.number for epoch in history.epochs] == [1, 2]
    before, after = (one.get_layer("backbone") for one in (start, network))
    learned = [
        variable.path
        for variable, was in zip(after.weights, before.weights, strict=True)
        if not np.array_equal(variable.numpy(), was.numpy())
    ]
    assert sorted(path.split("/")[-2] for path in learned) == ["Conv_1", "block_16_project"]
    clips = np.stack([clip.inputs[0] for clip in footage(people(4))])
    alone = network.predict(clips, verbose=0)[:, 0]
    np.testing.assert_allclose(trainer.scores(network, np.arange(16)), alone, rtol=1e-4)


@pytest.mark.long
@pytest.mark.keras
def test_a_head_behind_a_backbone_of_windows_learns_on_its_outputs(tmp_path: Path) -> None:
    from video_classifier.ml import networks

    weights = write_i3d(tmp_path / "i3d.npz")
    settings = replace(FEW, epochs=1, stop_by=StopBy.EPOCHS, augmented_copies=1)
    trainer = Trainer(recipe(settings, "i3d_person"), footage(people(4)), backbone_weights=weights)
    start = networks.build("i3d_person", TINY, backbone_weights=weights)

    network, _ = trainer.fit(*EVERYBODY)

    learned = {
        variable.path.split("/")[-1]
        for variable, was in zip(network.weights, start.weights, strict=True)
        if not np.array_equal(variable.numpy(), was.numpy())
    }
    assert learned == {"kernel", "bias"}
    for before, after in zip(
        start.get_layer("backbone").weights, network.get_layer("backbone").weights, strict=True
    ):
        np.testing.assert_array_equal(before, after)
    clips = np.stack([clip.inputs[0] for clip in footage(people(4))])
    alone = network.predict(clips, verbose=0)[:, 0]
    np.testing.assert_allclose(trainer.scores(network, np.arange(16)), alone, rtol=1e-3)


@pytest.mark.keras
def test_what_has_no_backbone_is_not_fine_tuned() -> None:
    with pytest.raises(RecipeError, match="conv3d has no pretrained backbone"):
        recipe(replace(FEW, fine_tune=1)).check(None)


def test_without_class_weights_every_clip_counts_the_same() -> None:
    entries = [entry(number, shoplifter=number < 2, group=str(number)) for number in range(10)]
    trainer = Trainer(recipe(replace(FEW, class_weights=ClassWeights.NONE)), footage(entries))

    assert list(trainer._chosen(np.arange(10)).weights) == [1.0] * 10


@pytest.mark.keras
def test_what_was_trained_in_16_bits_is_kept_in_32(tmp_path: Path) -> None:
    import keras

    # Not conv3d: in bfloat16 some processors train it to what is no number.
    settings = replace(FEW, epochs=8, precision="mixed_bfloat16")
    trainer = Trainer(recipe(settings, "cnn_lstm"), footage(people(4)))

    network, history = trainer.fit(*EVERYBODY)

    assert history.epochs[-1].loss < history.epochs[0].loss
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.keras
def test_a_training_that_is_no_longer_finite_stops_and_says_so() -> None:
    watched = Watched()
    trainer = few(replace(FEW, learning_rate=1e30))

    with pytest.raises(NotFiniteError, match=r"in float32, .* not finite. Lower the learning rate"):
        trainer.fit(*EVERYBODY, watch=watched)

    assert all(np.isfinite(epoch.loss) for epoch in watched.epochs)
