"""Engines run networks. Which one is chosen by the name of the file that a card says is served.

Importing this loads no framework; reading a network does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from video_classifier.ml import litert, openvino
from video_classifier.ml.contracts import Floats, Image
from video_classifier.ml.serving import network_check
from video_classifier.ml.serving.card import REMEDY, BundleError, Card

if TYPE_CHECKING:
    import keras

KERAS_FILE = "network.keras"
LITERT_FILE = "network.tflite"
OPENVINO_FILE = "network.openvino"
LIBRARIES = {KERAS_FILE: "Keras", LITERT_FILE: "LiteRT", OPENVINO_FILE: "OpenVINO"}

WITHOUT_KERAS = (
    "that takes Keras and TensorFlow, which are not installed here. Install requirements.txt (for "
    "a GPU requirements-gpu.txt), or do it where they are."
)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # most of TensorFlow's messages on stderr


class Engine(Protocol):
    """Anything that runs a network; safe to call from several threads."""

    def score(self, batch: Image) -> Floats:
        """(n,) float64: the network's output, as it is, for each of `batch`.

        That is (n, frames, height, width, 3) RGB, uint8, of the card's spec, with n of 1 or more.
        """


class KerasEngine:
    """Runs a Keras network as one TensorFlow graph: `Model.predict` takes three times as long.

    The inputs of a batch go through it one by one. On two cores a batch of four at once took 1.3
    times as long for `person_ensemble` (docs/adr/0015-engines.md has the table), and its scores
    depended, in the seventh digit, on who else was in it.
    """

    def __init__(self, network: keras.Model, card: Card) -> None:
        import tensorflow as tf

        signature = [tf.TensorSpec((1, *card.spec.shape), tf.uint8)]
        self._graph = tf.function(
            lambda batch: network(batch, training=False), input_signature=signature
        )

    def score(self, batch: Image) -> Floats:
        outputs = [self._graph(images[np.newaxis]).numpy()[0, 0] for images in batch]
        return np.array(outputs, np.float64)


class ExportEngine:
    """Runs a network that `ml.training.export` made: without TensorFlow, inputs one by one."""

    def __init__(self, network: litert.Network | openvino.Network) -> None:
        self.network = network

    def score(self, batch: Image) -> Floats:
        outputs = [self.network.run(images[np.newaxis])[0, 0] for images in batch]
        return np.array(outputs, np.float64)


def keras_is_missing() -> bool:
    """Whether only what serves exports is installed. Loads nothing."""
    return find_spec("keras") is None


def refuse_without_keras(file: Path) -> None:
    """Raises BundleError if it takes Keras to run the network in `file`, and Keras is missing."""
    if file.name == KERAS_FILE and keras_is_missing():
        msg = f"The model “{file.parent.name}” can't be used: {WITHOUT_KERAS}"
        raise BundleError(msg)


def read_keras_network(file: Path, card: Card) -> keras.Model:
    """The network, if it is one that can be asked for scores. Raises BundleError."""
    refuse_without_keras(file)
    import keras

    from video_classifier.ml import networks  # noqa: F401  (registers the classes in the file)

    whose = f"The model “{file.parent.name}” can't be used:"
    try:
        network = keras.models.load_model(file, compile=False)
    except Exception as error:  # a file that is not Keras's own makes it raise anything
        msg = f"{whose} Keras can't read its {file.name}. {REMEDY}"
        raise BundleError(msg) from error
    if fault := network_check.fault(network, card.spec):
        msg = f"{whose} its network {fault}. {REMEDY}"
        raise BundleError(msg)
    return network


def _read_keras(file: Path, card: Card) -> Engine:
    return KerasEngine(read_keras_network(file, card), card)


def _read_litert(file: Path, card: Card) -> Engine:
    return _read_export(file, card, lambda: litert.Network(file.read_bytes()))


def _read_openvino(file: Path, card: Card) -> Engine:
    return _read_export(file, card, lambda: openvino.Network(file))


def _read_export(
    file: Path, card: Card, read: Callable[[], litert.Network | openvino.Network]
) -> Engine:
    whose = f"The model “{file.parent.name}” can't be used:"
    try:
        network = read()
    except (OSError, ValueError, RuntimeError) as error:
        msg = f"{whose} {LIBRARIES[file.name]} can't read its {file.name}. {REMEDY}"
        raise BundleError(msg) from error
    takes = network.input_shape == (1, *card.spec.shape) and network.input_dtype == np.uint8
    if not takes or network.output_shape != (1, 1):
        msg = f"{whose} the network in its {file.name} is of another shape than its card. {REMEDY}"
        raise BundleError(msg)
    return ExportEngine(network)


# By the name of the network's file. A new engine is a line here; it raises BundleError.
ENGINES: Mapping[str, Callable[[Path, Card], Engine]] = {
    KERAS_FILE: _read_keras,
    LITERT_FILE: _read_litert,
    OPENVINO_FILE: _read_openvino,
}
