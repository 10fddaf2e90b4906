"""Runs our own person detector: a network that learned from YOLOX what persons look like."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np

from video_classifier.ml.clip import Image
from video_classifier.ml.detection import Detections, DetectorError
from video_classifier.ml.detectors import boxes
from video_classifier.ml.detectors import card as cards
from video_classifier.ml.detectors.boxes import Floats
from video_classifier.ml.detectors.card import NETWORK_FILE, DetectorCard
from video_classifier.ml.digest import sha256

if TYPE_CHECKING:
    import keras

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # most of what TensorFlow says on stderr


def read(folder: Path) -> OwnDetector:
    """Raises DetectorError."""
    import keras

    card = cards.read(folder)
    try:
        network = keras.models.load_model(folder / NETWORK_FILE, compile=False)
    except (OSError, ValueError, TypeError) as error:
        msg = f"The person detector {folder} can't be used: Keras can't read its {NETWORK_FILE}."
        raise DetectorError(msg) from error
    return OwnDetector(network, card)


def write(folder: Path, network: keras.Model, card: DetectorCard) -> None:
    """Writes both files, each aside first and then renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f"aside-{NETWORK_FILE}"  # Keras wants the suffix
    network.save(aside)
    _compress(aside)
    card = replace(card, sha256=sha256(aside), parameters=network.count_params())
    aside.replace(folder / NETWORK_FILE)
    cards.write(folder, card)


def _compress(archive: Path) -> None:
    """Keras stores what it could pack; a quarter of so small a network's file is descriptions."""
    with ZipFile(archive) as file:
        contents = [(name, file.read(name)) for name in file.namelist()]
    with ZipFile(archive, "w", ZIP_DEFLATED) as file:
        for name, content in contents:
            file.writestr(name, content)


class OwnDetector:
    """Safe to call from several threads."""

    def __init__(self, network: keras.Model, card: DetectorCard) -> None:
        self._card = card
        self._call = _compiled(network)

    @property
    def sha256(self) -> str:
        return self._card.sha256

    @property
    def threshold(self) -> float:
        return self._card.threshold

    @property
    def input_size(self) -> tuple[int, int]:
        return self._card.size, self._card.size

    def detect(self, image: Image) -> Detections:
        filled, scale = boxes.fitted(image, *self._room(image))
        said = self._call(filled)
        height, width = (side * scale for side in image.shape[:2])
        return boxes.detections(
            boxes.from_yolox(said[:, :4], *filled.shape[:2]),
            boxes.sigmoid(said[:, 4]),
            height=height,
            width=width,
        )

    def _room(self, image: Image) -> tuple[int, int]:
        """(height, width) of the picture once it is made to fit, in whole cells."""
        scale = self._card.size / max(image.shape[:2])
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        return -(-height // boxes.STRIDES[-1]) * boxes.STRIDES[-1], -(
            -width // boxes.STRIDES[-1]
        ) * boxes.STRIDES[-1]


def _compiled(network: keras.Model) -> Callable[[Image], Floats]:
    """The network as TensorFlow graphs, one a size of picture, whose weights are constants.

    So TensorFlow merges normalization into the convolutions: twice as fast.
    """
    import tensorflow as tf

    constants = [
        [tf.constant(variable.numpy()) for variable in variables]
        for variables in (network.trainable_variables, network.non_trainable_variables)
    ]

    @tf.function  # type: ignore[untyped-decorator]
    def graph(pictures: tf.Tensor) -> tf.Tensor:
        levels, _ = network.stateless_call(*constants, tf.cast(pictures, tf.float32))
        return tf.concat([tf.reshape(level, (-1, 5)) for level in levels], axis=0)

    return lambda picture: graph(tf.constant(picture[np.newaxis])).numpy()
