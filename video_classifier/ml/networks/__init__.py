"""The networks, found by name. Importing this package registers all of them."""

from __future__ import annotations

from video_classifier.ml.networks import (
    cnn_gru,
    cnn_lstm,
    conv3d,
    i3d_person,
    mobilenetv2_gru,
    mobilenetv2_lstm,
    mobilenetv2_pool,
    person_ensemble,
    yolo_cnn_lstm,
)
from video_classifier.ml.networks.registry import (
    SpecError,
    UnknownNetworkError,
    build,
    designed_for,
    has_linear_head,
    is_pretrained,
    names,
    pretrained_of,
    register,
)

__all__ = [
    "SpecError",
    "UnknownNetworkError",
    "build",
    "cnn_gru",
    "cnn_lstm",
    "conv3d",
    "designed_for",
    "has_linear_head",
    "i3d_person",
    "is_pretrained",
    "mobilenetv2_gru",
    "mobilenetv2_lstm",
    "mobilenetv2_pool",
    "names",
    "person_ensemble",
    "pretrained_of",
    "register",
    "yolo_cnn_lstm",
]
