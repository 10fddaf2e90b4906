"""Trains the network of our own detector, stage by stage, so that it can be stopped and go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.detectors import lessons
from video_classifier.ml.detectors.lessons import Lessons, Scene, Stage, Teacher

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

    `after_epoch` gets the number of the epoch in its stage, from 0, and the loss.
    """
    for number, stage in enumerate(settings.stages):
        done = settings.work / f"stage-{number}.weights.h5"
        if done.exists():
            network.load_weights(done)
            continue
        taught = Lessons(scenes, teacher, stage, steps=settings.steps, seed=settings.seed + number)
        _compiled(network, stage, settings).fit(
            taught,
            epochs=stage.epochs,
            verbose=0,
            callbacks=[
                keras.callbacks.BackupAndRestore(settings.work / f"stage-{number}"),
                _telling(after_epoch),
            ],
        )
        aside = settings.work / f"aside-{done.name}"  # Keras wants the suffix
        network.save_weights(aside)
        aside.replace(done)


def _compiled(network: keras.Model, stage: Stage, settings: Settings) -> keras.Model:
    """The network with its three grids laid end to end, as the lessons are."""
    rows = [layers.Reshape((-1, 5))(grid) for grid in network.outputs]
    student = keras.Model(network.inputs, layers.Concatenate(axis=1, name="cells")(rows))
    rate = keras.optimizers.schedules.CosineDecay(
        stage.learning_rate / 50,
        stage.epochs * settings.steps - stage.warmup,
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
    student.compile(optimizer, loss=lessons.loss(stage.size), jit_compile=False)
    return student


def _telling(after_epoch: Callable[[int, float], None]) -> keras.callbacks.Callback:
    def tell(epoch: int, logs: dict[str, float]) -> None:
        after_epoch(epoch, logs["loss"])

    return keras.callbacks.LambdaCallback(on_epoch_end=tell)
