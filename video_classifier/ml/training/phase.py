"""One phase of a training: a network, all of it or its head, over some epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.networks import precision
from video_classifier.ml.training import optimization
from video_classifier.ml.training.checkpoint import State
from video_classifier.ml.training.examples import Examples
from video_classifier.ml.training.history import Epoch, History
from video_classifier.ml.training.mixup import mixup
from video_classifier.ml.training.settings import StopBy, TrainingSettings

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, kw_only=True)
class Clips:
    """The examples of training or of validation: (n,) each."""

    rows: Integers  # of the examples
    targets: npt.NDArray[np.integer]  # 0 or 1
    weights: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Subsets:
    """Of the clips; no group is in both."""

    train: Clips
    validation: Clips  # may be empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of a training: layers, examples, learning rate, number of epochs."""

    name: str
    network: keras.Model  # shares its weights with the network that is trained
    examples: Examples
    batch_size: int
    epochs: int  # at most
    learning_rate: float  # the highest


def compile_for(phase: Phase, settings: TrainingSettings, *, clips: int) -> None:
    """Before `train_epoch`; `clips` are those to train on."""
    optimization.compile_network(
        phase.network,
        settings,
        learning_rate=phase.learning_rate,
        steps=phase.epochs * -(-clips // phase.batch_size),
    )


def start(phase: Phase, settings: TrainingSettings, before: History) -> State:
    """The state at the start of a phase, after the phases `before`."""
    return State(
        history=before,
        best_weights=phase.network.get_weights(),
        random=np.random.default_rng(settings.seed),
    )


def train_epoch(phase: Phase, settings: TrainingSettings, state: State, subsets: Subsets) -> None:
    """Trains once on all clips to train on, and moves `state` on. Raises NotFiniteError."""
    network, number = phase.network, len(state.history.epochs)
    train = subsets.train
    inputs, targets = mixup(
        phase.examples.augmented(number, train.rows),
        train.targets,
        train.weights,
        alpha=settings.mixup,
        random=state.random,
    )
    loss = optimization.train_epoch(network, inputs, targets, batch_size=phase.batch_size)
    latest = network.get_weights()
    precision.check_finite(loss, latest, policy=settings.precision)
    # With few clips single epochs are noisy, so the moving average of the weights is validated
    # and kept. Training goes on with the weights themselves.
    network.optimizer.finalize_variable_values(network.trainable_variables)
    epoch = Epoch(
        number=number + 1,
        loss=loss,
        validation_loss=_validate(phase, settings, subsets.validation),
    )
    state.history = History(epochs=(*state.history.epochs, epoch))
    if state.history.best is epoch:
        state.best_weights = network.get_weights()
    network.set_weights(latest)


def is_over(phase: Phase, settings: TrainingSettings, before: History, history: History) -> bool:
    """Whether the phase, which began after the epochs `before`, has done its epochs or stalls."""
    done = len(history.epochs) - len(before.epochs)
    if settings.stop_by == StopBy.EPOCHS or not done:
        return done >= phase.epochs
    since_best = len(history.epochs) - max(history.best.number, len(before.epochs))
    return done >= phase.epochs or since_best >= settings.patience


def _validate(phase: Phase, settings: TrainingSettings, clips: Clips) -> float | None:
    """The loss; None if nobody is held back."""
    if not len(clips.rows):
        return None
    scores = optimization.scores_of(
        phase.network, phase.examples, clips.rows, best_windows=settings.best_windows
    )
    return optimization.cross_entropy(clips.targets, scores, clips.weights)
