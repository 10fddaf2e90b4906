"""Trains the network of our own detector, stage by stage, so that it can be stopped and go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers

from video_classifier.ml import files
from video_classifier.ml.distillation import batches
from video_classifier.ml.distillation.batches import Lessons, Scene, Stage, Teacher
from video_classifier.ml.networks import precision

STAGES = (
    # Many views, small and put together from parts, …
    Stage(
        size=256,
        epochs=12,
        learning_rate=8e-4,
        warmup=200,
        weight_decay=0.01,
        averaged=0.998,
        mosaics=0.5,
        blended=0.0,
        whole=0.3,
    ),
    # … then larger ones, most of them as they will come …
    Stage(
        size=320,
        epochs=2,
        learning_rate=4e-4,
        warmup=50,
        weight_decay=0.01,
        averaged=0.99,
        mosaics=0.25,
        blended=0.0,
        whole=0.6,
    ),
    # … and then many that never come: few scenes are to be had, and these were known by heart.
    # The mean of three such runs finds more elsewhere than any of them.
    Stage(
        size=320,
        epochs=7,
        learning_rate=1e-3,
        warmup=100,
        weight_decay=0.03,
        averaged=0.998,
        mosaics=0.5,
        blended=0.4,
        whole=0.4,
        runs=3,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    work: Path  # where what is done is kept, and not done again
    stages: Sequence[Stage] = STAGES
    steps: int = 200  # batches of an epoch
    seed: int = 0


def train(
    network: keras.Model,
    scenes: Sequence[Scene],
    teacher: Teacher,
    settings: Settings,
    *,
    after_epoch: Callable[[int, float], None] = lambda _, __: None,
) -> None:
    """Trains `network` in place, and goes on where it was interrupted.

    A stage of several runs ends with the mean of their weights.
    Wortsman et al., "Model soups", ICML 2022.

    `after_epoch` gets the number of the epoch in its stage, from 0, and the loss.
    """
    for number, stage in enumerate(settings.stages):
        before = network.get_weights()
        ends = []
        for run in range(stage.runs):
            network.set_weights(before)
            seed = settings.seed + number + 10 * run
            taught = Lessons(scenes, teacher, stage, steps=settings.steps, seed=seed)
            _run(network, taught, settings.work / f"stage-{number}-{run}", after_epoch)
            ends.append(network.get_weights())
        network.set_weights([np.mean(alike, axis=0) for alike in zip(*ends, strict=True)])


def _run(
    network: keras.Model, taught: Lessons, place: Path, after_epoch: Callable[[int, float], None]
) -> None:
    """Trains in place, or takes what an earlier call has come to."""
    done = place.with_suffix(".weights.h5")  # Keras wants the suffix
    if done.exists():
        network.load_weights(done)
        return
    _compiled(network, taught).fit(
        taught,
        epochs=taught.stage.epochs,
        shuffle=False,  # batches are drawn by number: an epoch that is begun again is the same
        verbose=0,
        callbacks=[
            _staying_finite(network),  # first: what broke down is not to be gone on from
            keras.callbacks.BackupAndRestore(place),
            _turning_pages(taught),
            _telling(after_epoch),
        ],
    )
    with files.atomic_write(done) as aside:
        network.save_weights(aside)


def _compiled(network: keras.Model, taught: Lessons) -> keras.Model:
    """The network with its three grids laid end to end, as the lessons are."""
    stage = taught.stage
    rows = [layers.Reshape((-1, 5))(grid) for grid in network.outputs]
    student = keras.Model(network.inputs, layers.Concatenate(axis=1, name="cells")(rows))
    rate = keras.optimizers.schedules.CosineDecay(
        stage.learning_rate / 50,
        stage.epochs * len(taught) - stage.warmup,
        alpha=0.01,
        warmup_target=stage.learning_rate,
        warmup_steps=stage.warmup,
    )
    optimizer = keras.optimizers.AdamW(
        rate,
        weight_decay=stage.weight_decay,
        clipnorm=5.0,
        use_ema=True,
        ema_momentum=stage.averaged,
    )
    student.compile(optimizer, loss=batches.loss(stage.size), jit_compile=False)
    return student


def _turning_pages(taught: Lessons) -> keras.callbacks.Callback:
    """Keras tells a data set that an epoch begins, but not which one; it need not be the first."""

    def turn(epoch: int, _: object) -> None:
        taught.epoch = epoch

    return keras.callbacks.LambdaCallback(on_epoch_begin=turn)


def _staying_finite(network: keras.Model) -> keras.callbacks.Callback:
    def check(_: int, logs: dict[str, float]) -> None:
        precision.check_finite(logs["loss"], network.get_weights(), policy=precision.PLAIN)

    return keras.callbacks.LambdaCallback(on_epoch_end=check)


def _telling(after_epoch: Callable[[int, float], None]) -> keras.callbacks.Callback:
    def tell(epoch: int, logs: dict[str, float]) -> None:
        after_epoch(epoch, logs["loss"])

    return keras.callbacks.LambdaCallback(on_epoch_end=tell)
