"""Two convolutions look at each frame, a gated recurrent unit in both directions at their order.

Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", EMNLP 2014.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.networks.backbone import each_frame
from video_classifier.ml.networks.registry import register


@register("cnn_gru", spec=ClipSpec(height=256, width=256))
def cnn_gru(spec: ClipSpec, _backbone_weights: str | Path | None) -> keras.Model:
    clip = keras.Input(spec.shape, dtype="uint8", name="clip")
    x = each_frame(_eye(spec), clip)
    x = layers.Bidirectional(layers.GRU(256))(x)
    x = layers.Dropout(0.5)(x)
    score = layers.Dense(1, activation="sigmoid", name="score")(x)
    return keras.Model(clip, score, name="cnn_gru")


def _eye(spec: ClipSpec) -> keras.Model:
    """(batch, height, width, 3) uint8 to (batch, 1024): a grid of 4 by 4 places."""
    frame = keras.Input((spec.height, spec.width, 3), dtype="uint8", name="frame")
    x = layers.Rescaling(1 / 127.5, offset=-1)(frame)
    for filters in (32, 64):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.AdaptiveAveragePooling2D(4)(x)
    return keras.Model(frame, layers.Flatten()(x), name="eye")
