"""MobileNetV2 looks at each frame, two LSTMs at their order.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018;
Hochreiter & Schmidhuber, "Long Short-Term Memory", Neural Computation 1997.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers, ops

from video_classifier.ml.clip import ClipSpec
from video_classifier.ml.networks.backbone import FEATURES, mobilenetv2
from video_classifier.ml.networks.registry import register


@register("mobilenetv2_lstm", pretrained=True)
def mobilenetv2_lstm(spec: ClipSpec, backbone_weights: str | Path | None) -> keras.Model:
    clip = keras.Input(spec.shape, dtype="uint8", name="clip")
    # The frames become a batch of their own: TimeDistributed would unroll the backbone
    # once a frame, which costs a long first call and three times as long later ones.
    frames = ops.reshape(clip, (-1, spec.height, spec.width, 3))
    features = mobilenetv2(spec, backbone_weights)(frames)
    features = ops.reshape(features, (-1, spec.frames, FEATURES))
    return keras.Model(clip, _head(spec)(features), name="mobilenetv2_lstm")


def _head(spec: ClipSpec) -> keras.Model:
    """(batch, frames, FEATURES) float32 to (batch, 1): what is trained on clips."""
    features = keras.Input((spec.frames, FEATURES), name="features")
    x = layers.LayerNormalization()(features)
    x = layers.Dropout(0.5)(x)
    x = layers.LSTM(128, return_sequences=True)(x)
    x = layers.LSTM(64)(x)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dropout(0.3)(x)
    score = layers.Dense(1, activation="sigmoid", name="score")(x)
    return keras.Model(features, score, name="head")
