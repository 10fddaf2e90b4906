"""People found by a detector; MobileNetV2 on each crop, then an LSTM over time.

The detector stands before the network: its input is already the person. At 224 by 224 pixels
the hands can be seen. The LSTM's states are pooled over time, so that a short theft in a long
visit is not forgotten at its end.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.networks.backbone import FEATURES, on_mobilenetv2
from video_classifier.ml.networks.pretrained import Pretrained
from video_classifier.ml.networks.registry import register


@register(
    "yolo_cnn_lstm",
    pretrained=Pretrained.MOBILENETV2,
    spec=ClipSpec(height=224, width=224, view=Region.PERSON),
)
def yolo_cnn_lstm(spec: ClipSpec, backbone_weights: str | Path | None) -> keras.Model:
    return on_mobilenetv2("yolo_cnn_lstm", spec, backbone_weights, head(spec))


def head(spec: ClipSpec, *, name: str = "head") -> keras.Model:
    """(batch, spec.frames, FEATURES) float32 to (batch, 1): the score."""
    features = keras.Input((spec.frames, FEATURES), name="features")
    x = layers.LayerNormalization()(features)
    x = layers.SpatialDropout1D(0.5)(x)
    x = layers.Dense(64)(x)
    x = layers.LSTM(64, return_sequences=True)(x)
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    x = layers.Dropout(0.3)(x)
    score = layers.Dense(1, activation="sigmoid", name="score")(x)
    return keras.Model(features, score, name=name)
