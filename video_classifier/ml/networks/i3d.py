"""Inception-v1 in three dimensions, pretrained on Kinetics-400: sees a whole window's movement.

Carreira & Zisserman, "Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset",
CVPR 2017. Its last two blocks are left out: with few people to learn from, a linear classifier of
what the five blocks before them see does better on people whom it has not seen (ADR 17).
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.networks.pretrained import I3DWeights
from video_classifier.ml.networks.registry import SpecError

LEAST_FRAMES, LEAST_SIDE = 4, 32  # with less, most of what the last blocks see is padding

_EPSILON = 1e-3  # of the batch normalization that the weights were trained with
# Filters of a block's four branches: 1x1; 1x1, 3x3; 1x1, 3x3; 1x1 after a pool.
_BLOCKS = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
}
_SEEN = tuple(name for name in _BLOCKS if name >= "Mixed_4b")  # the blocks that give features
FEATURES = 2 * sum(  # the highest value and the mean of each of their channels
    one + two + three + four for one, _, two, _, three, four in map(_BLOCKS.__getitem__, _SEEN)
)


@keras.saving.register_keras_serializable(package="shoplift")
class ScaledConv3D(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """relu(convolution * scale + bias), padded "same"; the scale, one a filter, is not trained.

    That is a convolution with batch normalization at inference. The scale isn't multiplied into the
    kernel: the pretrained kernels then stay numbers of 16 bits, and can be stored as such without
    loss.
    """

    def __init__(self, filters: int, size: int, strides: int = 1, **usual: object) -> None:
        """`size` and `strides` are the same over time, height and width."""
        super().__init__(**usual)
        self.filters, self.size, self.strides = filters, size, strides

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = *(self.size,) * 3, input_shape[-1], self.filters
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="he_normal")
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.scale = self.add_weight(
            name="scale", shape=(self.filters,), initializer="ones", trainable=False
        )

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        x = ops.conv(x, self.kernel, self.strides, padding="same")
        return ops.relu(x * self.scale + self.bias)

    def get_config(self) -> dict[str, object]:
        own = {"filters": self.filters, "size": self.size, "strides": self.strides}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="shoplift")
class MaxPool3D(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """MaxPooling3D with padding "same", of operations that LiteRT has: the same numbers.

    A maximum over a box is one over space and then over time: two poolings in two dimensions.
    """

    def __init__(self, size: tuple[int, int], strides: tuple[int, int], **usual: object) -> None:
        """`size` and `strides` are (over time, over height and width)."""
        super().__init__(**usual)
        self.size, self.strides = tuple(size), tuple(strides)

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        _, frames, height, width, channels = x.shape
        (time, side), (time_step, side_step) = self.size, self.strides
        x = ops.reshape(x, (-1, height, width, channels))
        x = ops.max_pool(x, side, side_step, padding="same")
        _, height, width, _ = x.shape
        x = ops.reshape(x, (-1, frames, height * width, channels))
        if self.size[0] > 1:
            x = ops.max_pool(x, (time, 1), (time_step, 1), padding="same")
        return ops.reshape(x, (-1, x.shape[1], height, width, channels))

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "size": self.size, "strides": self.strides}


def backbone(spec: ClipSpec, weights: I3DWeights | None) -> keras.Model:
    """(batch, *spec.shape) uint8 to (batch, FEATURES) float32, named "backbone".

    The features are what five blocks see, from early to late: the highest value and the mean of
    each channel over time and space. With `weights` it is frozen; None is a random start. Raises
    WeightsError, and SpecError for windows that are too small.
    """
    if spec.frames < LEAST_FRAMES or min(spec.height, spec.width) < LEAST_SIDE:
        msg = (
            f"I3D needs {LEAST_FRAMES} frames of {LEAST_SIDE} x {LEAST_SIDE} pixels or more, "
            f"not {spec.frames} of {spec.width} x {spec.height}."
        )
        raise SpecError(msg)
    window = keras.Input(spec.shape, dtype="uint8", name="window")
    x = layers.Rescaling(1 / 127.5, offset=-1)(window)
    x = _unit(x, "Conv3d_1a_7x7", 64, 7, strides=2)
    x = MaxPool3D((1, 3), (1, 2), name="MaxPool3d_2a_3x3")(x)
    x = _unit(x, "Conv3d_2b_1x1", 64, 1)
    x = _unit(x, "Conv3d_2c_3x3", 192, 3)
    x = MaxPool3D((1, 3), (1, 2), name="MaxPool3d_3a_3x3")(x)
    pooled = []
    for name, filters in _BLOCKS.items():
        if name == "Mixed_4b":
            x = MaxPool3D((3, 3), (2, 2), name="MaxPool3d_4a_3x3")(x)
        x = _block(x, name, filters)
        if name in _SEEN:
            pooled += [layers.GlobalMaxPooling3D()(x), layers.GlobalAveragePooling3D()(x)]
    features = layers.Concatenate(name="features")(pooled)
    network = _restored(keras.Model(window, features, name="backbone"), weights)
    network.trainable = weights is None
    return network


def _block(x: keras.KerasTensor, name: str, filters: tuple[int, ...]) -> keras.KerasTensor:
    """An Inception module: four branches, side by side."""
    one, two_in, two, three_in, three, four = filters
    branches = [f"{name}/Branch_{number}" for number in range(4)]
    first = _unit(x, f"{branches[0]}/Conv3d_0a_1x1", one, 1)
    second = _unit(x, f"{branches[1]}/Conv3d_0a_1x1", two_in, 1)
    second = _unit(second, f"{branches[1]}/Conv3d_0b_3x3", two, 3)
    third = _unit(x, f"{branches[2]}/Conv3d_0a_1x1", three_in, 1)
    third = _unit(third, f"{branches[2]}/Conv3d_0b_3x3", three, 3)
    pooled = MaxPool3D((3, 3), (1, 1), name=_layer_name(f"{branches[3]}/MaxPool3d_0a_3x3"))(x)
    fourth = _unit(pooled, f"{branches[3]}/Conv3d_0b_1x1", four, 1)
    return layers.Concatenate(name=name)([first, second, third, fourth])


def _unit(
    x: keras.KerasTensor, name: str, filters: int, size: int, *, strides: int = 1
) -> keras.KerasTensor:
    return ScaledConv3D(filters, size, strides, name=_layer_name(name))(x)


def _layer_name(name: str) -> str:
    """Keras allows no slash."""
    return name.replace("/", "-")


def _restored(model: keras.Model, weights: I3DWeights | None) -> keras.Model:
    """The model with the weights of its convolutions, if there are any. Raises WeightsError."""
    if weights is None:
        return model
    for layer in model.layers:
        if isinstance(layer, ScaledConv3D):
            name, shape = layer.name.replace("-", "/"), layer.bias.shape
            beta, mean, variance = (
                weights.array(f"{name}/{each}", shape) for each in ("beta", "mean", "variance")
            )
            scale = 1 / np.sqrt(variance + _EPSILON)
            layer.kernel.assign(weights.array(f"{name}/kernel", layer.kernel.shape))
            layer.bias.assign(beta - mean * scale)
            layer.scale.assign(scale)
    return model
