"""MobileNetV2 looks at each frame, a gated recurrent unit at their order.

Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", EMNLP 2014.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.networks.backbone import FEATURES, on_mobilenetv2
from video_classifier.ml.networks.pretrained import Pretrained
from video_classifier.ml.networks.registry import register


@register("mobilenetv2_gru", pretrained=Pretrained.MOBILENETV2)
def mobilenetv2_gru(spec: ClipSpec, backbone_weights: str | Path | None) -> keras.Model:
    return on_mobilenetv2("mobilenetv2_gru", spec, backbone_weights, _head(spec))


def _head(spec: ClipSpec) -> keras.Model:
    features = keras.Input((spec.frames, FEATURES), name="features")
    x = layers.LayerNormalization()(features)
    x = layers.Dropout(0.5)(x)
    x = layers.GRU(128)(x)
    x = layers.Dropout(0.3)(x)
    score = layers.Dense(1, activation="sigmoid", name="score")(x)
    return keras.Model(features, score, name="head")
