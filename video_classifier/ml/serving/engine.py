"""Engines run networks. Which one is chosen by the name of the file that a card says is served.

Importing this loads no framework; reading a network does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from video_classifier.ml import litert, openvino
from video_classifier.ml.contracts import Floats, Floats32, Image
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

TRAIN_ELSEWHERE = "Export the reviews, train it anew and import it."

AnyNetwork = TypeVar("AnyNetwork", litert.Network, openvino.Network)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # most of TensorFlow's messages on stderr


class Engine(Protocol):
    """Anything that runs a network; safe to call from several threads."""

    def score(self, batch: Image) -> Floats:
        """(n,) float64: the network's output, as it is, for each of `batch`.

        That is (n, frames, height, width, 3) RGB, uint8, of the card's spec, with n of 1 or more.
        """


class FeatureEngine(Engine, Protocol):
    """Also gives what the network's last layer, a linear one, is applied to: for other heads."""

    def score_with_features(self, batch: Image) -> tuple[Floats, Floats32]:
        """As `score`, and (n, features) float32 of the same run."""

    def own_head(self) -> tuple[Floats, float]:
        """The network's own: kernel (features,) float64, and bias."""


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


class KerasFeatureEngine:
    """Runs a Keras network that ends in one linear layer and a sigmoid, once for both outputs."""

    def __init__(self, network: keras.Model, card: Card, features: keras.KerasTensor) -> None:
        import keras
        import tensorflow as tf

        kernel, bias = network.get_weights()[-2:]
        self._own = kernel.astype(np.float64).reshape(-1), float(bias[0])
        both = keras.Model(network.inputs, [network.outputs[0], features])
        signature = [tf.TensorSpec((1, *card.spec.shape), tf.uint8)]
        self._graph = tf.function(
            lambda batch: both(batch, training=False), input_signature=signature
        )

    def score(self, batch: Image) -> Floats:
        return self.score_with_features(batch)[0]

    def score_with_features(self, batch: Image) -> tuple[Floats, Floats32]:
        outputs = [self._graph(images[np.newaxis]) for images in batch]
        scores = np.array([score.numpy()[0, 0] for score, _ in outputs], np.float64)
        return scores, np.stack([features.numpy()[0] for _, features in outputs])

    def own_head(self) -> tuple[Floats, float]:
        return self._own


class ExportEngine:
    """Runs a network that `ml.training.export` made: without TensorFlow, inputs one by one."""

    def __init__(self, network: litert.Network | openvino.Network) -> None:
        self.network = network

    def score(self, batch: Image) -> Floats:
        outputs = [self.network.run(images[np.newaxis])[0, 0] for images in batch]
        return np.array(outputs, np.float64)


class OpenVinoFeatureEngine(ExportEngine):
    """Runs an export of a network that ends in one linear layer and a sigmoid."""

    network: openvino.Network

    def score_with_features(self, batch: Image) -> tuple[Floats, Floats32]:
        outputs = [self.network.run_all(images[np.newaxis]) for images in batch]
        scores = np.array([score[0, 0] for score, _ in outputs], np.float64)
        return scores, np.concatenate([features for _, features in outputs])

    def own_head(self) -> tuple[Floats, float]:
        if self.network.head is None:
            msg = "the network was read without its head"
            raise ValueError(msg)
        kernel, bias = self.network.head
        return kernel.astype(np.float64), bias


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


def _read_keras_features(file: Path, card: Card) -> FeatureEngine:
    network = read_keras_network(file, card)
    features = network_check.features(network)
    if features is None:
        raise _no_linear_head(file)
    return KerasFeatureEngine(network, card, features)


def _read_litert(file: Path, card: Card) -> Engine:
    return ExportEngine(_read_export(file, card, lambda: litert.Network(file.read_bytes())))


def _read_openvino(file: Path, card: Card) -> Engine:
    return ExportEngine(_read_export(file, card, lambda: openvino.Network(file)))


def _read_openvino_features(file: Path, card: Card) -> FeatureEngine:
    try:
        read = _read_export(file, card, lambda: openvino.Network(file, with_features=True))
    except openvino.NoLinearHeadError as error:
        raise _no_linear_head(file) from error
    return OpenVinoFeatureEngine(read)


def _no_linear_head(file: Path) -> BundleError:
    msg = (
        f"The model “{file.parent.name}” can't have heads of a store's own: its {file.name} "
        f"doesn't end in one linear layer and a sigmoid. {TRAIN_ELSEWHERE}"
    )
    return BundleError(msg)


def _read_export(file: Path, card: Card, read: Callable[[], AnyNetwork]) -> AnyNetwork:
    whose = f"The model “{file.parent.name}” can't be used:"
    try:
        network = read()
    except openvino.NoLinearHeadError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        msg = f"{whose} {LIBRARIES[file.name]} can't read its {file.name}. {REMEDY}"
        raise BundleError(msg) from error
    takes = network.input_shape == (1, *card.spec.shape) and network.input_dtype == np.uint8
    if not takes or network.output_shape != (1, 1):
        msg = f"{whose} the network in its {file.name} is of another shape than its card. {REMEDY}"
        raise BundleError(msg)
    return network


# By the name of the network's file. A new engine is a line here; it raises BundleError.
ENGINES: Mapping[str, Callable[[Path, Card], Engine]] = {
    KERAS_FILE: _read_keras,
    LITERT_FILE: _read_litert,
    OPENVINO_FILE: _read_openvino,
}

# Those that other heads can be put on. LiteRT overwrites what a network gives before its end.
FEATURE_ENGINES: Mapping[str, Callable[[Path, Card], FeatureEngine]] = {
    KERAS_FILE: _read_keras_features,
    OPENVINO_FILE: _read_openvino_features,
}


def refuse_without_features(file: Path) -> None:
    """Raises BundleError if whatever runs the network in `file` doesn't give its features."""
    if file.name not in FEATURE_ENGINES:
        msg = (
            f"The model “{file.parent.name}” can't have heads of a store's own: "
            f"{LIBRARIES[file.name]} gives nothing but its score. {TRAIN_ELSEWHERE}"
        )
        raise BundleError(msg)
