"""Computes in 16 bits where that is faster; weights and scores stay in 32.

Micikevicius et al., "Mixed Precision Training", ICLR 2018.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

PLAIN = "float32"
ON_GPU = "mixed_float16"
ON_CPU = "mixed_bfloat16"
_BATCH = 8  # clips, to see how long they take


def fastest(build: Callable[[], keras.Model]) -> str:
    """The policy in which what `build` gives is to be trained on this machine.

    Processors have 16-bit instructions for some layers and go a long way round for others, so
    that a batch is trained both ways to see.
    """
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return ON_GPU
    return min((PLAIN, ON_CPU), key=lambda policy: _seconds(policy, build))


@contextmanager
def policy_of(name: str) -> Iterator[None]:
    """What is built inside computes so."""
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
    """A network that computes by `policy`, but for its score: 16 bits can't tell 0.998 from 1."""
    with policy_of(policy):
        network = make()
    last_layer(network).dtype_policy = PLAIN
    return network


def _seconds(policy: str, make: Callable[[], keras.Model]) -> float:
    """That the second batch takes; the first traces the graph."""
    learner = build(policy, make)
    learner.compile(optimizer="adam", loss="binary_crossentropy")
    batch = np.zeros((_BATCH, *learner.input.shape[1:]), learner.input.dtype)
    for _ in range(2):
        start = time.perf_counter()
        learner.train_on_batch(batch, np.zeros(_BATCH))
    return time.perf_counter() - start
