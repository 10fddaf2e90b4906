"""The networks, found by name. Importing this package registers all of them."""

from __future__ import annotations

from video_classifier.ml.networks import conv3d, mobilenetv2_lstm
from video_classifier.ml.networks.registry import (
    UnknownNetworkError,
    build,
    is_pretrained,
    names,
    register,
)

__all__ = [
    "UnknownNetworkError",
    "build",
    "conv3d",
    "is_pretrained",
    "mobilenetv2_lstm",
    "names",
    "register",
]
