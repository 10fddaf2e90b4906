"""MobileNetV2 without its classifier: a frame becomes a vector of features."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.clip import ClipSpec

FEATURES = 1280  # of MobileNetV2 at width 1.0, after global average pooling


def mobilenetv2(spec: ClipSpec, weights: str | Path | None) -> keras.Model:
    """(batch, height, width, 3) uint8 to (batch, FEATURES) float32, named "backbone".

    `weights` is a file of ImageNet weights without top, "imagenet" for Keras' own
    download, or None for a random start. With weights the backbone is frozen.
    """
    shape = (spec.height, spec.width, 3)
    frame = keras.Input(shape, dtype="uint8", name="frame")
    x = layers.Rescaling(1 / 127.5, offset=-1)(frame)
    convolutions = keras.applications.MobileNetV2(
        input_shape=shape,
        include_top=False,
        weights=None if weights is None else str(weights),
    )
    x = layers.GlobalAveragePooling2D()(convolutions(x))
    backbone = keras.Model(frame, x, name="backbone")
    backbone.trainable = weights is None
    return backbone
