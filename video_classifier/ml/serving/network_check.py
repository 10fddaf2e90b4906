"""Checks that a network read from a file takes the card's input and gives one probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from video_classifier.ml.contracts import ClipSpec

if TYPE_CHECKING:
    import keras


def fault(network: keras.Model, spec: ClipSpec) -> str:
    """The fault of a network, worded to follow "its network", or "".

    It has to take (batch, *spec.shape) alone, give (batch, 1) through a sigmoid alone, and have
    weights that are numbers.
    """
    inputs, outputs = (getattr(network, side, None) or [] for side in ("inputs", "outputs"))
    if [tuple(each.shape[1:]) for each in inputs] != [spec.shape]:
        return f"takes {_shapes(inputs)} and not {_sizes(spec.shape)}, as its card says"
    if [tuple(each.shape[1:]) for each in outputs] != [(1,)]:
        return f"gives {_shapes(outputs)} numbers for a clip and not one"
    if not ends_in(outputs[0], "sigmoid"):
        return "gives a number that is no probability: it doesn't end in a sigmoid"
    if not all(np.isfinite(weights).all() for weights in network.get_weights()):
        return "has weights that are no numbers"
    return ""


def ends_in(output: keras.KerasTensor, activation: str) -> bool:
    """Whether it is the output of this activation, of a model that ends in it, or a mean of these.

    `activation` is its name in keras.activations: "sigmoid", "softmax".
    """
    import keras

    made_by, _, number = output._keras_history  # noqa: SLF001  (nothing public says this)
    if isinstance(made_by, keras.Model):
        return ends_in(made_by.outputs[number], activation)
    if isinstance(made_by, keras.layers.Average):
        return all(ends_in(each, activation) for each in made_by.input)
    if type(made_by).__name__ == activation.capitalize():  # keras.ops.sigmoid, layers.Softmax
        return True
    return getattr(made_by, "activation", None) is keras.activations.get(activation)


def features(network: keras.Model) -> keras.KerasTensor | None:
    """What goes into the last layer, (batch, features), if that is one linear layer and a sigmoid.

    The layer may be in a model of its own, with nothing beside it. None of other networks.
    """
    import keras

    made_by, node, _ = network.outputs[0]._keras_history  # noqa: SLF001  (nothing public says this)
    layers = made_by.layers if isinstance(made_by, keras.Model) else [made_by]
    last = [each for each in layers if not isinstance(each, keras.layers.InputLayer)]
    if len(last) != 1 or not isinstance(last[0], keras.layers.Dense):
        return None
    given = made_by._inbound_nodes[node].input_tensors  # noqa: SLF001
    is_flat = len(given) == 1 and len(given[0].shape) == 2  # noqa: PLR2004
    return given[0] if is_flat and last[0].use_bias else None


def _shapes(tensors: list[keras.KerasTensor]) -> str:
    return " and ".join(_sizes(each.shape[1:]) for each in tensors) or "nothing"


def _sizes(shape: tuple[int | None, ...]) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape)
