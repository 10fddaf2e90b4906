"""Two heads on MobileNetV2 features of a person's crops; the score is their mean.

One head pools over time and the other follows the order of the frames: they err in different
places (Hansen & Salamon, "Neural Network Ensembles", PAMI 1990). The backbone runs once for both.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.networks import mobilenetv2_pool, yolo_cnn_lstm
from video_classifier.ml.networks.backbone import FEATURES, on_mobilenetv2
from video_classifier.ml.networks.pretrained import Pretrained
from video_classifier.ml.networks.registry import register

_HEADS = {"pool": mobilenetv2_pool.head, "order": yolo_cnn_lstm.head}


@register(
    "person_ensemble",
    pretrained=Pretrained.MOBILENETV2,
    spec=ClipSpec(height=224, width=224, view=Region.PERSON),
)
def person_ensemble(spec: ClipSpec, backbone_weights: str | Path | None) -> keras.Model:
    return on_mobilenetv2("person_ensemble", spec, backbone_weights, _head(spec))


def _head(spec: ClipSpec) -> keras.Model:
    features = keras.Input((spec.frames, FEATURES), name="features")
    score = layers.Average(name="score")(
        [head(spec, name=name)(features) for name, head in _HEADS.items()]
    )
    return keras.Model(features, score, name="head")
