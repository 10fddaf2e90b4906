"""MobileNetV2 without its classifier, and how networks are built on it.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers, ops

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.networks import pretrained

FEATURES = 1280  # of MobileNetV2 at width 1.0, after global average pooling


def on_mobilenetv2(
    name: str, spec: ClipSpec, weights: str | Path | None, head: keras.Model
) -> keras.Model:
    """A network that runs MobileNetV2 on each frame, and `head` on the features.

    `head` takes (batch, spec.frames, FEATURES) float32 and gives (batch, 1); it becomes
    the layer "head", and alone is trained on clips where the backbone has weights.
    """
    clip = keras.Input(spec.shape, dtype="uint8", name="clip")
    return keras.Model(clip, head(each_frame(mobilenetv2(spec, weights), clip)), name=name)


def each_frame(backbone: keras.Model, clip: keras.KerasTensor) -> keras.KerasTensor:
    """(batch, frames, h, w, 3) through a network of single frames: (batch, frames, features).

    The frames become a batch of their own: TimeDistributed would unroll the network once
    a frame, which costs a long first call and three times as long later ones.
    """
    _, frames, *picture = clip.shape
    features = backbone(ops.reshape(clip, (-1, *picture)))
    return ops.reshape(features, (-1, frames, features.shape[-1]))


def mobilenetv2(spec: ClipSpec, weights: str | Path | None) -> keras.Model:
    """(batch, height, width, 3) uint8 to (batch, FEATURES) float32, named "backbone".

    `weights` as `pretrained.mobilenetv2` takes them; with any, the backbone is frozen.
    Raises WeightsError.
    """
    shape = (spec.height, spec.width, 3)
    frame = keras.Input(shape, dtype="uint8", name="frame")
    x = layers.Rescaling(1 / 127.5, offset=-1)(frame)
    convolutions = pretrained.mobilenetv2(shape, weights)
    x = layers.GlobalAveragePooling2D()(convolutions(x))
    backbone = keras.Model(frame, x, name="backbone")
    backbone.trainable = weights is None
    return backbone
