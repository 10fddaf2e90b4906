"""A small network, from scratch, that convolves over space and time at once.

After Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks",
ICCV 2015; with group normalization (Wu & He, ECCV 2018), as batches are small.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.networks.registry import register


@register("conv3d")
def conv3d(spec: ClipSpec, _backbone_weights: str | Path | None) -> keras.Model:
    clip = keras.Input(spec.shape, dtype="uint8", name="clip")
    x = layers.Rescaling(1 / 127.5, offset=-1)(clip)
    # Space shrinks early and time late: a theft is small, short and in motion.
    x = _block(x, filters=16, kernel=(3, 5, 5), strides=(1, 2, 2))
    x = layers.MaxPooling3D((1, 2, 2))(x)
    x = _block(x, filters=32)
    x = layers.MaxPooling3D(2)(x)
    x = _block(x, filters=64)
    x = layers.MaxPooling3D(2)(x)
    x = _block(x, filters=128)
    x = layers.GlobalAveragePooling3D()(x)
    x = layers.Dropout(0.5)(x)
    score = layers.Dense(1, activation="sigmoid", name="score")(x)
    return keras.Model(clip, score, name="conv3d")


def _block(
    x: keras.KerasTensor,
    *,
    filters: int,
    kernel: tuple[int, int, int] = (3, 3, 3),
    strides: tuple[int, int, int] = (1, 1, 1),
) -> keras.KerasTensor:
    x = layers.Conv3D(filters, kernel, strides=strides, padding="same", use_bias=False)(x)
    x = layers.GroupNormalization(groups=8)(x)
    return layers.Activation("relu")(x)
