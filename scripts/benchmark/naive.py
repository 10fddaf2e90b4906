"""The naive way to analyze a clip, for the benchmark to compare with.

OpenCV seeks to sixteen frame numbers, the backbone is wrapped in TimeDistributed, and
`Model.predict` is called on a single clip.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import keras
import numpy as np
from keras import layers

from video_classifier.ml.contracts import ClipSpec, Image


def network_of(network: keras.Model, spec: ClipSpec) -> keras.Model:
    """The twin that a tutorial would build: the same weights, the frames taken one by one."""
    if "backbone" not in {layer.name for layer in network.layers}:
        return network
    clip = keras.Input(spec.shape, dtype="uint8")
    features = layers.TimeDistributed(network.get_layer("backbone"))(clip)
    return keras.Model(clip, network.get_layer("head")(features))


def frames_of(clip: Path, spec: ClipSpec) -> Image:
    """(frames, height, width, 3) RGB, uint8."""
    capture = cv2.VideoCapture(str(clip))
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    images = []
    for share in range(spec.frames):
        capture.set(cv2.CAP_PROP_POS_FRAMES, int((share + 0.5) * count / spec.frames))
        _, image = capture.read()
        scaled = cv2.resize(image, (spec.width, spec.height))
        images.append(cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB))
    capture.release()
    return np.stack(images).astype(np.uint8, copy=False)


def score_of(network: keras.Model, images: Image) -> float:
    return float(network.predict(images[np.newaxis], verbose=0)[0, 0])
