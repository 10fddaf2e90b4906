"""Steps of a training: compile, one epoch, loss, learning rate, unfreezing, scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.serving import events
from video_classifier.ml.training.examples import Examples
from video_classifier.ml.training.settings import Schedule, TrainingSettings

if TYPE_CHECKING:
    import keras

WARMUP = 0.1  # of a cosine schedule's steps
PIXEL_BATCH = 4  # clips; a pretrained backbone needs a quarter of a gigabyte for each

_EPSILON = 1e-6  # scores are no nearer to 0 and 1 in a loss


def compile_network(
    network: keras.Model, settings: TrainingSettings, *, learning_rate: float, steps: int
) -> None:
    """For AdamW with a moving average of the weights, which the caller has to swap in."""
    import keras

    network.compile(
        optimizer=keras.optimizers.AdamW(
            learning_rate_of(settings.schedule, learning_rate, steps=steps),
            weight_decay=settings.weight_decay,
            clipnorm=1.0,
            use_ema=True,
            ema_momentum=settings.ema_momentum,
        ),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=settings.label_smoothing),
    )
    network.optimizer.build(network.trainable_variables)


def learning_rate_of(
    schedule: Schedule, highest: float, *, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """A constant, or a function of the step's number, of which there are `steps`."""
    import keras

    if schedule == Schedule.CONSTANT:
        return highest
    warmup = round(WARMUP * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=highest, warmup_steps=warmup
    )


def train_epoch(
    network: keras.Model, inputs: npt.NDArray[np.generic], targets: Floats, *, batch_size: int
) -> float:
    """One pass over `inputs` (n, ...) and `targets` (n,), 0 to 1, in order; the mean loss.

    `Model.fit` would replace the weights by their moving average at its end.
    """
    batches = [slice(start, start + batch_size) for start in range(0, len(inputs), batch_size)]
    losses = [network.train_on_batch(inputs[batch], targets[batch]) for batch in batches]
    return float(np.average(losses, weights=[len(inputs[batch]) for batch in batches]))


def scores_of(
    network: keras.Model, examples: Examples, rows: Integers, *, best_windows: int
) -> Floats:
    """The score of each clip in `rows`, (n,), 0 to 1, from the scores of its windows."""
    inputs = [np.arange(*examples.bounds[row : row + 2]) for row in rows]
    chosen = np.concatenate(inputs)
    output = network.predict(examples.inference_inputs[chosen], batch_size=PIXEL_BATCH, verbose=0)
    lengths = [len(each) for each in inputs]
    return scores_of_clips(
        np.asarray(output, np.float64)[:, 0], examples.windows[chosen], lengths, best_windows
    )


def scores_of_clips(
    scores: Floats, windows: Floats, lengths: Sequence[int], best_windows: int
) -> Floats:
    """The score of each clip, (n,), from the scores (w,) of their windows (w, 3).

    `lengths` says how many windows each clip has; they are in order.
    """
    borders = np.cumsum(lengths)[:-1]
    return np.array(
        [
            events.clip_score(of_it, *table.T, best=best_windows)
            for of_it, table in zip(
                np.split(scores, borders), np.split(windows, borders), strict=True
            )
        ]
    )


def cross_entropy(targets: npt.NDArray[np.integer], scores: Floats, weights: Floats) -> float:
    """Weighted mean binary cross-entropy, in nats, of (n,) targets 0 or 1 and scores 0 to 1."""
    clipped = np.clip(scores, _EPSILON, 1 - _EPSILON)
    losses = -np.where(targets == 1, np.log(clipped), np.log(1 - clipped))
    return float(np.average(losses, weights=weights))


def unfreeze(backbone: keras.Model, count: int) -> None:
    """Makes the last `count` convolutions trainable, and nothing else.

    Batch normalization stays as it is: few clips would spoil its statistics.
    """
    import keras

    backbone.trainable = True
    leaves = list(_leaves(backbone))
    for leaf in leaves:
        leaf.trainable = False
    convolutions = [
        leaf
        for leaf in leaves
        if leaf.weights and not isinstance(leaf, keras.layers.BatchNormalization)
    ]
    for leaf in convolutions[-count:]:
        leaf.trainable = True


def _leaves(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        yield from _leaves(layer) if hasattr(layer, "layers") else [layer]
