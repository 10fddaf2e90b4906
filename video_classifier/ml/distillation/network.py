"""The network of our own person detector: NanoDet-Plus-m with one class.

ShuffleNetV2 1.0x, a Ghost-PAN of 96 channels at strides 8 to 64, and a light head a level. Anchor-
free: each cell says how well it lies on a person, and how far that person's four sides are away,
each as a distribution over eight distances. The batch normalization of the published weights is
part of their convolutions.

Lyu, "NanoDet-Plus", 2021, https://github.com/RangiLyu/nanodet (Apache-2.0); Ma et al.,
"ShuffleNet V2", ECCV 2018; Han et al., "GhostNet", CVPR 2020; Li et al., "Generalized Focal Loss",
NeurIPS 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from video_classifier.ml.contracts import Floats32
from video_classifier.ml.networks.pretrained import WeightsError
from video_classifier.ml.persons.layouts import BINS, NANODET, PERSON

STAGES = ((116, 3), (232, 7), (464, 3))  # channels, and blocks after the one that halves the sides
WIDTH = 96  # channels of the pyramid and the heads
RGB = 3  # channels of a picture
VALUES = 1 + 4 * BINS  # of a cell: a logit of the score, then of distances

FROZEN = 55  # convolutions of the backbone: what it knows of the world stays, and half of the time

Tensor = Any  # Keras is not typed


def build(weights: Path | None, *, height: int, width: int) -> keras.Model:
    """RGB (height, width, 3), 0 to 255, to one (rows, columns, VALUES) for each of four strides.

    Sides are multiples of 64. `weights` is the published network in ONNX; without it they are
    random. Raises WeightsError.
    """
    pictures = keras.Input((height, width, 3), name="pictures")
    mean, scale = (np.array(values[::-1]) for values in (NANODET.mean, NANODET.scale))
    scaled = layers.Rescaling(scale.tolist(), offset=(-mean * scale).tolist())(pictures)
    plan = _Plan()
    network = keras.Model(pictures, plan.outputs(scaled), name="person_detector")
    if weights is not None:
        _load(plan.convolutions, weights)
    for layer in plan.convolutions[:FROZEN]:
        layer.trainable = False
    return network


class _Plan:
    """Puts the layers together in the order of the published file."""

    def __init__(self) -> None:
        self.convolutions: list[keras.Layer] = []

    def outputs(self, x: Tensor) -> list[Tensor]:
        """Four grids of an input with ImageNet's statistics."""
        return self._heads(self._pyramid(self._backbone(x)))

    def _backbone(self, x: Tensor) -> list[Tensor]:
        """Features at strides 8, 16 and 32."""
        x = self._pointwise(x, 24, kernel=3, strides=2)
        x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
        x = layers.MaxPool2D(3, strides=2)(x)
        features = []
        for channels, blocks in STAGES:
            x = self._halving_block(x, channels // 2)
            for _ in range(blocks):
                x = self._block(x, channels // 2)
            features.append(x)
        return features

    def _halving_block(self, x: Tensor, channels: int) -> Tensor:
        left = self._depthwise(x, 3, strides=2)
        right = self._depthwise(self._pointwise(x, channels), 3, strides=2)
        left = self._pointwise(left, channels)
        return _shuffled(left, self._pointwise(right, channels))

    def _block(self, x: Tensor, channels: int) -> Tensor:
        kept, changed = x[..., :channels], x[..., channels:]
        changed = self._depthwise(self._pointwise(changed, channels), 3)
        return _shuffled(kept, self._pointwise(changed, channels))

    def _pyramid(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Of features at strides 8, 16 and 32, the pyramid at those and 64."""
        top = self._pointwise(features[2], WIDTH)
        middle = self._ghost(
            layers.Concatenate()([_enlarged(top), self._pointwise(features[1], WIDTH)])
        )
        fine = self._ghost(
            layers.Concatenate()([_enlarged(middle), self._pointwise(features[0], WIDTH)])
        )
        levels = [fine]
        for coarser in (middle, top):
            finer = self._separable(levels[-1], strides=2)
            levels.append(self._ghost(layers.Concatenate()([finer, coarser])))
        extra = self._separable(top, strides=2)
        return [*levels, layers.Add()([extra, self._separable(levels[-1], strides=2)])]

    def _ghost(self, x: Tensor) -> Tensor:
        """A bottleneck of two Ghost modules beside a short cut: half of the channels are cheap."""
        deep = self._pointwise(x, WIDTH // 2)
        deep = layers.Concatenate()([deep, _activated(self._depthwise(deep, 3))])
        deep = self._convolved(layers.Conv2D(WIDTH // 2, 1), deep)
        deep = layers.Concatenate()([deep, self._depthwise(deep, 3)])
        short = self._convolved(layers.Conv2D(WIDTH, 1), self._depthwise(x, 5))
        return layers.Add()([deep, short])

    def _heads(self, levels: Sequence[Tensor]) -> list[Tensor]:
        grids = [self._separable(x) for x in levels]
        return [self._scored(x) for x in reversed(grids)][::-1]

    def _scored(self, x: Tensor) -> Tensor:
        return self._convolved(layers.Conv2D(VALUES, 1), self._separable(x))

    def _separable(self, x: Tensor, strides: int = 1) -> Tensor:
        return self._pointwise(_activated(self._depthwise(x, 5, strides=strides)), WIDTH)

    def _pointwise(self, x: Tensor, channels: int, *, kernel: int = 1, strides: int = 1) -> Tensor:
        padded = layers.ZeroPadding2D(kernel // 2)(x) if kernel > 1 else x
        return _activated(self._convolved(layers.Conv2D(channels, kernel, strides=strides), padded))

    def _depthwise(self, x: Tensor, kernel: int, *, strides: int = 1) -> Tensor:
        if strides == 1:
            return self._convolved(layers.DepthwiseConv2D(kernel, padding="same"), x)
        # Keras would pad even sides below and to the right only.
        padded = layers.ZeroPadding2D(kernel // 2)(x)
        return self._convolved(layers.DepthwiseConv2D(kernel, strides=strides), padded)

    def _convolved(self, convolution: keras.Layer, x: Tensor) -> Tensor:
        self.convolutions.append(convolution)
        return convolution(x)


def _shuffled(left: Tensor, right: Tensor) -> Tensor:
    """Their channels in turn."""
    *sides, channels = left.shape[1:]
    return layers.Reshape((*sides, 2 * channels))(ops.stack((left, right), axis=-1))


def _activated(x: Tensor) -> Tensor:
    return layers.LeakyReLU(0.1)(x)


def _enlarged(x: Tensor) -> Tensor:
    return layers.UpSampling2D(interpolation="bilinear")(x)


def _load(convolutions: Sequence[keras.Layer], path: Path) -> None:
    arrays = _arrays(path)
    shapes = [tuple(layer.kernel.shape) for layer in convolutions]
    fitting = [_kernel_and_bias(*pair, shape) for pair, shape in zip(arrays, shapes, strict=False)]
    if len(arrays) != len(shapes) or [kernel.shape for kernel, _ in fitting] != shapes:
        msg = f"The weights {path} are not those of NanoDet-Plus-m: its convolutions differ."
        raise WeightsError(msg)
    for layer, pair in zip(convolutions, fitting, strict=True):
        layer.set_weights(pair)


def _arrays(path: Path) -> list[tuple[Floats32, Floats32]]:
    """Kernel (out, in, rows, columns) and bias (out,) of each convolution, in order."""
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(path).graph
        named = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        nodes = [node for node in graph.node if node.op_type == "Conv"]
        return [(named[node.input[1]], named[node.input[2]]) for node in nodes]
    except Exception as error:  # those of protobuf have no class in common
        msg = f"The weights {path} are missing, or no ONNX file of NanoDet-Plus-m."
        raise WeightsError(msg) from error


def _kernel_and_bias(
    kernel: Floats32, bias: Floats32, shape: tuple[int, ...]
) -> tuple[Floats32, Floats32]:
    """As Keras has them: of the last convolutions only the person's class and the distances; the
    first one gets red first."""
    if shape[-1] == VALUES and len(kernel) > VALUES:
        chosen = [PERSON, *range(len(kernel) - 4 * BINS, len(kernel))]
        kernel, bias = kernel[chosen], bias[chosen]
    is_depthwise = kernel.shape[1] == 1
    kernel = kernel.transpose((2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0))
    if shape[2] == RGB:
        kernel = kernel[:, :, ::-1]
    return kernel, bias
