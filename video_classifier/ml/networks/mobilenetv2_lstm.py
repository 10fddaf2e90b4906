"""MobileNetV2 looks at each frame, two LSTMs at their order.

Hochreiter & Schmidhuber, "Long Short-Term Memory", Neural Computation 1997.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.networks.backbone import FEATURES, on_mobilenetv2
from video_classifier.ml.networks.pretrained import Pretrained
from video_classifier.ml.networks.registry import register


@register("mobilenetv2_lstm", pretrained=Pretrained.MOBILENETV2)
def mobilenetv2_lstm(spec: ClipSpec, backbone_weights: str | Path | None) -> keras.Model:
    return on_mobilenetv2("mobilenetv2_lstm", spec, backbone_weights, _head(spec))


def _head(spec: ClipSpec) -> keras.Model:
    features = keras.Input((spec.frames, FEATURES), name="features")
    x = layers.LayerNormalization()(features)
    x = layers.Dropout(0.5)(x)
    x = layers.LSTM(128, return_sequences=True)(x)
    x = layers.LSTM(64)(x)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dropout(0.3)(x)
    score = layers.Dense(1, activation="sigmoid", name="score")(x)
    return keras.Model(features, score, name="head")
