"""Trains the student detector stage by stage; an interrupted training resumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers

from video_classifier.ml import files
from video_classifier.ml.distillation.batches import (
    DistillationBatches,
    Scene,
    Teacher,
    TrainingStage,
)
from video_classifier.ml.distillation.loss import distillation_loss
from video_classifier.ml.networks import precision
from video_classifier.ml.watch import UNWATCHED, Watch

STAGES = (
    # Many small views, half of them mosaics, …
    TrainingStage(
        size=256,
        epochs=12,
        learning_rate=8e-4,
        warmup=200,
        weight_decay=0.01,
        ema_momentum=0.998,
        mosaics=0.5,
        blended=0.0,
        letterboxed=0.3,
    ),
    # … then larger ones, most of them as in production …
    TrainingStage(
        size=320,
        epochs=2,
        learning_rate=4e-4,
        warmup=50,
        weight_decay=0.01,
        ema_momentum=0.99,
        mosaics=0.25,
        blended=0.0,
        letterboxed=0.6,
    ),
    # … then strongly augmented ones: there are few scenes, and the student had memorized them.
    # The mean of three such runs generalizes better than any of them.
    TrainingStage(
        size=320,
        epochs=7,
        learning_rate=1e-3,
        warmup=100,
        weight_decay=0.03,
        ema_momentum=0.998,
        mosaics=0.5,
        blended=0.4,
        letterboxed=0.4,
        runs=3,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationSettings:
    work: Path  # a folder for checkpoints
    stages: Sequence[TrainingStage] = STAGES
    steps: int = 200  # batches of an epoch
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEpoch:
    """One epoch of a stage is done."""

    number: int  # in its stage, from 1
    loss: float

    def __str__(self) -> str:
        return f"epoch {self.number}: loss {self.loss:.3f}"


def train(
    network: keras.Model,
    scenes: Sequence[Scene],
    teacher: Teacher,
    settings: DistillationSettings,
    *,
    watch: Watch = UNWATCHED,
) -> None:
    """Trains `network` in place, from the last checkpoint in `settings.work` on.

    A stage of several runs ends with the mean of their weights: Wortsman et al., "Model soups",
    ICML 2022. `watch` gets each StageEpoch. Raises NotFiniteError.
    """
    epochs = sum(stage.epochs * stage.runs for stage in settings.stages)
    with watch.task("Training the detector", epochs) as advance:

        def after_epoch(epoch: StageEpoch) -> None:
            watch.report(epoch)
            advance()

        for number, stage in enumerate(settings.stages):
            start = network.get_weights()
            ends = []
            for run in range(stage.runs):
                network.set_weights(start)
                seed = settings.seed + number + 10 * run
                batches = DistillationBatches(
                    scenes, teacher, stage, steps=settings.steps, seed=seed
                )
                _run(network, batches, settings.work / f"stage-{number}-{run}", after_epoch)
                ends.append(network.get_weights())
            network.set_weights([np.mean(alike, axis=0) for alike in zip(*ends, strict=True)])


def _run(
    network: keras.Model,
    batches: DistillationBatches,
    checkpoint: Path,
    after_epoch: Callable[[StageEpoch], None],
) -> None:
    """Trains in place, or loads the weights that an earlier call ended with."""
    done = checkpoint.with_suffix(".weights.h5")  # Keras requires the suffix
    if done.exists():
        network.load_weights(done)
        return
    _compiled(network, batches).fit(
        batches,
        epochs=batches.stage.epochs,
        shuffle=False,  # batches are drawn by number: a resumed epoch has the same ones
        verbose=0,
        callbacks=[
            _finite_check(network),  # first: no checkpoint of what diverged
            keras.callbacks.BackupAndRestore(checkpoint),
            _epoch_setter(batches),
            _reporter(after_epoch),
        ],
    )
    with files.atomic_write(done) as aside:
        network.save_weights(aside)


def _compiled(network: keras.Model, batches: DistillationBatches) -> keras.Model:
    """The network with the cells of its three grids concatenated, as in the targets."""
    stage = batches.stage
    rows = [layers.Reshape((-1, 5))(grid) for grid in network.outputs]
    student = keras.Model(network.inputs, layers.Concatenate(axis=1, name="cells")(rows))
    rate = keras.optimizers.schedules.CosineDecay(
        stage.learning_rate / 50,
        stage.epochs * len(batches) - stage.warmup,
        alpha=0.01,
        warmup_target=stage.learning_rate,
        warmup_steps=stage.warmup,
    )
    optimizer = keras.optimizers.AdamW(
        rate,
        weight_decay=stage.weight_decay,
        clipnorm=5.0,
        use_ema=True,
        ema_momentum=stage.ema_momentum,
    )
    student.compile(optimizer, loss=distillation_loss(stage.size), jit_compile=False)
    return student


def _epoch_setter(batches: DistillationBatches) -> keras.callbacks.Callback:
    """Keras tells a data set that an epoch begins, but not which; it need not be the first."""

    def set_epoch(epoch: int, _: object) -> None:
        batches.epoch = epoch

    return keras.callbacks.LambdaCallback(on_epoch_begin=set_epoch)


def _finite_check(network: keras.Model) -> keras.callbacks.Callback:
    def check(_: int, logs: dict[str, float]) -> None:
        precision.check_finite(logs["loss"], network.get_weights(), policy=precision.PLAIN)

    return keras.callbacks.LambdaCallback(on_epoch_end=check)


def _reporter(after_epoch: Callable[[StageEpoch], None]) -> keras.callbacks.Callback:
    def report(epoch: int, logs: dict[str, float]) -> None:
        after_epoch(StageEpoch(number=epoch + 1, loss=logs["loss"]))

    return keras.callbacks.LambdaCallback(on_epoch_end=report)
