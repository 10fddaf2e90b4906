"""Computes in 16 bits where that is faster; weights and scores stay in 32.

Micikevicius et al., "Mixed Precision Training", ICLR 2018.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

PLAIN = "float32"
ON_GPU = "mixed_float16"
ON_CPU = "mixed_bfloat16"
_BATCH = 8  # clips, to see how long they take
_TRIALS = 4  # batches; the first traces the graph


class NotFiniteError(ArithmeticError):
    """A training no longer computes with numbers; the message, a sentence, says what to do."""


def fastest(build: Callable[[], keras.Model]) -> str:
    """The policy in which what `build` gives is to be trained on this machine.

    Processors have 16-bit instructions for some layers and go a long way round for others, so
    that a few batches are trained both ways to see. A policy in which these don't come out as
    numbers is not taken.
    """
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return ON_GPU
    return min((PLAIN, ON_CPU), key=lambda policy: _seconds(policy, build))


@contextmanager
def policy_of(name: str) -> Iterator[None]:
    """Networks that are built inside this block compute with the policy `name`."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def last_layer(network: keras.Model) -> keras.layers.Layer:
    """What gives the score."""
    import keras

    last = network
    while isinstance(last, keras.Model):
        last = last.layers[-1]
    return last


def build(policy: str, make: Callable[[], keras.Model]) -> keras.Model:
    """A network that computes by `policy`, but for its score: 16 bits round 0.998 to 1."""
    with policy_of(policy):
        network = make()
    last_layer(network).dtype_policy = PLAIN
    return network


def check_finite(loss: float, weights: Iterable[npt.NDArray[np.generic]], *, policy: str) -> None:
    """Raises NotFiniteError if the loss or a weight is infinite or no number.

    Seen with oneDNN's bfloat16 kernels on processors with AVX-512 BF16: the loss can be finite
    while the weights are not.
    """
    if np.isfinite(loss) and all(np.isfinite(weight).all() for weight in weights):
        return
    msg = f"The training broke down: computing in {policy}, its loss or weights are not finite. "
    raise NotFiniteError(
        msg + "Lower the learning rate."
        if policy == PLAIN
        else msg + "Train in 32 bits: leave out --mixed-precision."
    )


def _seconds(policy: str, make: Callable[[], keras.Model]) -> float:
    """Seconds per batch, the minimum of several; infinite if the output is not finite."""
    learner = build(policy, make)
    learner.compile(optimizer="adam", loss="binary_crossentropy")
    noise = np.random.default_rng(0).integers(0, 256, (_BATCH, *learner.input.shape[1:]))
    batch, targets = noise.astype(learner.input.dtype), np.arange(_BATCH) % 2
    seconds = []
    for _ in range(_TRIALS):
        start = time.perf_counter()
        loss = learner.train_on_batch(batch, targets)
        seconds.append(time.perf_counter() - start)
    try:
        check_finite(float(loss), learner.get_weights(), policy=policy)
    except NotFiniteError:
        return np.inf
    return min(seconds[1:])
