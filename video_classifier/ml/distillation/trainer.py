"""Fine-tunes the student detector; an interrupted training resumes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
from keras import layers

from video_classifier.ml import files
from video_classifier.ml.distillation.batches import DistillationBatches
from video_classifier.ml.distillation.loss import distillation_loss
from video_classifier.ml.distillation.network import VALUES
from video_classifier.ml.distillation.teachers import Labelled
from video_classifier.ml.networks import precision
from video_classifier.ml.watch import UNWATCHED, Watch

CLIP_NORM = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationSettings:
    work: Path  # a folder for checkpoints
    epochs: int = 150
    steps: int = 10  # batches of an epoch
    minutes: float = 45.0  # after which no epoch begins, each time it is started
    learning_rate: float = 3e-4
    warmup: int = 10  # batches in which it rises
    ema_momentum: float = 0.98  # of the moving average of the weights, which is kept
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingEpoch:
    """One epoch is done."""

    number: int  # from 1
    loss: float

    def __str__(self) -> str:
        return f"epoch {self.number}: loss {self.loss:.3f}"


def train(
    network: keras.Model,
    scenes: Sequence[Sequence[Labelled]],
    settings: DistillationSettings,
    *,
    watch: Watch = UNWATCHED,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Trains `network` in place, from the last checkpoint in `settings.work` on.

    It ends after so many epochs, or with the one in which so many minutes are over on `clock`, in
    seconds. `watch` gets each TrainingEpoch. Raises NotFiniteError.
    """
    height, width = network.input_shape[1:3]
    batches = DistillationBatches(
        scenes, height=height, width=width, steps=settings.steps, seed=settings.seed
    )
    done = settings.work / "trained.weights.h5"
    if done.exists():
        network.load_weights(done)
        return
    with watch.task("Training the detector", settings.epochs) as advance:

        def after_epoch(epoch: TrainingEpoch) -> None:
            watch.report(epoch)
            advance()

        _compiled(network, settings).fit(
            batches,
            epochs=settings.epochs,
            shuffle=False,  # batches are drawn by number: a resumed epoch has the same ones
            verbose=0,
            callbacks=[
                _finite_check(network),  # first: no checkpoint of what diverged
                keras.callbacks.BackupAndRestore(settings.work / "checkpoint"),
                _epoch_setter(batches),
                _reporter(after_epoch),
                _time_limit(settings.minutes, clock),
            ],
        )
    with files.atomic_write(done) as aside:
        network.save_weights(aside)


def _compiled(network: keras.Model, settings: DistillationSettings) -> keras.Model:
    """The network with the cells of its four grids concatenated."""
    rows = [layers.Reshape((-1, VALUES))(grid) for grid in network.outputs]
    student = keras.Model(network.inputs, layers.Concatenate(axis=1, name="cells")(rows))
    # It doesn't fall: the moving average does what that would, whenever time is up.
    rate = keras.optimizers.schedules.PolynomialDecay(
        settings.learning_rate / 50, settings.warmup, settings.learning_rate
    )
    optimizer = keras.optimizers.Adam(
        rate, clipnorm=CLIP_NORM, use_ema=True, ema_momentum=settings.ema_momentum
    )
    loss = distillation_loss(*network.input_shape[1:3])
    student.compile(optimizer, loss=loss, jit_compile=False)
    return student


def _epoch_setter(batches: DistillationBatches) -> keras.callbacks.Callback:
    """Keras tells a data set that an epoch begins, but not which; it need not be the first."""

    def set_epoch(epoch: int, _: object) -> None:
        batches.epoch = epoch

    return keras.callbacks.LambdaCallback(on_epoch_begin=set_epoch)


def _time_limit(minutes: float, clock: Callable[[], float]) -> keras.callbacks.Callback:
    end = clock() + 60 * minutes

    class TimeLimit(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is not typed
        def on_epoch_end(self, _: int, __: object = None) -> None:
            self.model.stop_training = clock() >= end

    return TimeLimit()


def _finite_check(network: keras.Model) -> keras.callbacks.Callback:
    def check(_: int, logs: dict[str, float]) -> None:
        precision.check_finite(logs["loss"], network.get_weights(), policy=precision.PLAIN)

    return keras.callbacks.LambdaCallback(on_epoch_end=check)


def _reporter(after_epoch: Callable[[TrainingEpoch], None]) -> keras.callbacks.Callback:
    def report(epoch: int, logs: dict[str, float]) -> None:
        after_epoch(TrainingEpoch(number=epoch + 1, loss=logs["loss"]))

    return keras.callbacks.LambdaCallback(on_epoch_end=report)
