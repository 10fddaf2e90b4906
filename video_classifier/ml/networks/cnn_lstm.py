"""A small convolutional network looks at each frame, an LSTM at their order.

After Donahue et al., "Long-term Recurrent Convolutional Networks for Visual Recognition and
Description", CVPR 2015, and small enough to learn from scratch.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.networks.backbone import each_frame
from video_classifier.ml.networks.registry import register


@register("cnn_lstm")
def cnn_lstm(spec: ClipSpec, _backbone_weights: str | Path | None) -> keras.Model:
    clip = keras.Input(spec.shape, dtype="uint8", name="clip")
    x = each_frame(_eye(spec), clip)
    x = layers.LSTM(128)(x)
    x = layers.Dropout(0.5)(x)
    score = layers.Dense(1, activation="sigmoid", name="score")(x)
    return keras.Model(clip, score, name="cnn_lstm")


def _eye(spec: ClipSpec) -> keras.Model:
    """(batch, height, width, 3) uint8 to (batch, 128) float32."""
    frame = keras.Input((spec.height, spec.width, 3), dtype="uint8", name="frame")
    x = layers.Rescaling(1 / 127.5, offset=-1)(frame)
    for filters in (16, 32, 64, 128):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.GroupNormalization(groups=8)(x)
        x = layers.Activation("relu")(x)
    return keras.Model(frame, layers.GlobalAveragePooling2D()(x), name="eye")
