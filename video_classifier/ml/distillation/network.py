"""The network of our own person detector: part of MobileNetV2, a small pyramid, two heads a level.

Anchor-free as YOLOX: each cell of three grids gives a score for lying on a person, and
that person's box. Fully convolutional: it takes any size that is a multiple of 32.

Sandler et al., "MobileNetV2", CVPR 2018; Lin et al., "Feature Pyramid Networks", CVPR 2017;
Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv:2107.08430.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.networks import pretrained

LEVELS = ("block_5_add", "block_12_add", "block_13_project_BN")  # MobileNetV2 at these strides
FROZEN_UP_TO = "block_2_add"  # edges and textures need no training; that saves a third
WIDTH = 64  # channels of the pyramid and the heads
PRIOR_LOGIT = -4.6  # of the score at the start, 1 %: Lin et al., "Focal Loss", ICCV 2017


def build(backbone_weights: str | Path | None) -> keras.Model:
    """RGB (height, width, 3), 0 to 255, to one (rows, columns, 5) a stride.

    The five are x, y, width and height as `boxes.from_yolox` reads them, and the score as a logit.
    Raises WeightsError.
    """
    backbone = pretrained.mobilenetv2((None, None, 3), backbone_weights)
    _freeze(backbone)
    pictures = keras.Input((None, None, 3), name="pictures")
    scaled = layers.Rescaling(1 / 127.5, offset=-1)(pictures)
    features = keras.Model(backbone.input, [backbone.get_layer(name).output for name in LEVELS])(
        scaled
    )
    return keras.Model(pictures, [_heads(x) for x in _pyramid(features)], name="person_detector")


def _freeze(backbone: keras.Model) -> None:
    """Batch normalization keeps ImageNet's statistics: batches here are too small and similar."""
    frozen = True
    for layer in backbone.layers:
        layer.trainable = not frozen and not isinstance(layer, layers.BatchNormalization)
        frozen = frozen and layer.name != FROZEN_UP_TO


def _pyramid(features: list[keras.KerasTensor]) -> list[keras.KerasTensor]:
    """Feature pyramid: each level is added to by the coarser ones."""
    fine, middle, coarse = (layers.Conv2D(WIDTH, 1)(x) for x in features)
    middle = layers.Add()([middle, _twice_as_large(coarse)])
    fine = layers.Add()([fine, _twice_as_large(middle)])
    return [_separable(x) for x in (fine, middle, coarse)]


def _twice_as_large(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.UpSampling2D(interpolation="bilinear")(x)


def _heads(x: keras.KerasTensor) -> keras.KerasTensor:
    where = layers.Conv2D(4, 1)(_separable(_separable(x)))
    prior = keras.initializers.Constant(PRIOR_LOGIT)
    whether = layers.Conv2D(1, 1, bias_initializer=prior)(_separable(_separable(x)))
    return layers.Concatenate()([where, whether])


def _separable(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.DepthwiseConv2D(5, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.Conv2D(WIDTH, 1, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU(6)(x)
