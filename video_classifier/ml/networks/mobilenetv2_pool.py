"""MobileNetV2 looks at each frame; what it sees is pooled over time, on average and at its most.

With few clips the simplest head is the best one: no order of frames to learn, one weight for
each of the pooled features, and half of these missing at every step (Srivastava et al.,
"Dropout", JMLR 2014).
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.networks.backbone import FEATURES, on_mobilenetv2
from video_classifier.ml.networks.pretrained import Pretrained
from video_classifier.ml.networks.registry import register


@register("mobilenetv2_pool", pretrained=Pretrained.MOBILENETV2)
def mobilenetv2_pool(spec: ClipSpec, backbone_weights: str | Path | None) -> keras.Model:
    return on_mobilenetv2("mobilenetv2_pool", spec, backbone_weights, head(spec))


def head(spec: ClipSpec, *, name: str = "head") -> keras.Model:
    """(batch, spec.frames, FEATURES) float32 to (batch, 1): the score."""
    features = keras.Input((spec.frames, FEATURES), name="features")
    x = layers.LayerNormalization()(features)
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    x = layers.Dropout(0.5)(x)
    score = layers.Dense(1, activation="sigmoid", name="score")(x)
    return keras.Model(features, score, name=name)
