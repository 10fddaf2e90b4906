"""I3D looks at a person's movement: frames in quick succession, all at once."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.networks import i3d
from video_classifier.ml.networks.pretrained import I3DWeights, Pretrained
from video_classifier.ml.networks.registry import register


@register(
    "i3d_person",
    pretrained=Pretrained.I3D,
    linear_head=True,
    spec=ClipSpec(view=Region.PERSON, rate=8.0),
)
def i3d_person(spec: ClipSpec, backbone_weights: str | Path | None) -> keras.Model:
    weights = None if backbone_weights is None else I3DWeights(backbone_weights)
    window = keras.Input(spec.shape, dtype="uint8", name="clip")
    score = _head()(i3d.backbone(spec, weights)(window))
    return keras.Model(window, score, name="i3d_person")


def _head() -> keras.Model:
    """(batch, i3d.FEATURES) float32 to (batch, 1): logistic regression."""
    features = keras.Input((i3d.FEATURES,), name="features")
    score = layers.Dense(1, activation="sigmoid", name="score")(features)
    return keras.Model(features, score, name="head")
