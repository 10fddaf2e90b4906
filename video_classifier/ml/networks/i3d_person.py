"""I3D looks at a person's movement: frames in quick succession, all at once."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.networks import i3d
from video_classifier.ml.networks.pretrained import I3DWeights, Pretrained
from video_classifier.ml.networks.registry import register


@register("i3d_person", pretrained=Pretrained.I3D, spec=ClipSpec(view=Region.PERSON, rate=8.0))
def i3d_person(spec: ClipSpec, backbone_weights: str | Path | None) -> keras.Model:
    weights = None if backbone_weights is None else I3DWeights(backbone_weights)
    backbone = i3d.trunk(spec, weights)
    window = keras.Input(spec.shape, dtype="uint8", name="clip")
    score = _head(backbone.output.shape[1:], weights)(backbone(window))
    return keras.Model(window, score, name="i3d_person")


def _head(shape: tuple[int, int, int, int], weights: I3DWeights | None) -> keras.Model:
    """(batch, *shape) float32 of the backbone to (batch, 1): the score.

    Its layer "blocks" gives (batch, i3d.FEATURES) float32, and starts from `weights`; "classifier"
    can be trained alone on these.
    """
    trunk_outputs = keras.Input(shape, name="trunk_outputs")
    features = i3d.last_blocks(shape, weights)(trunk_outputs)
    return keras.Model(trunk_outputs, _classifier()(features), name="head")


def _classifier() -> keras.Model:
    """(batch, i3d.FEATURES) float32 to (batch, 1): logistic regression."""
    features = keras.Input((i3d.FEATURES,), name="features")
    x = layers.Dropout(0.5)(features)
    score = layers.Dense(1, activation="sigmoid", name="score")(x)
    return keras.Model(features, score, name="classifier")
