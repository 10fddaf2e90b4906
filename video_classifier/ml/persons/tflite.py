"""Our own person detector on disk and at work: a network that learned what persons look like.

It is trained in Keras and runs in TensorFlow Lite, which takes a third of the time for single
pictures.
"""

from __future__ import annotations

import os
import threading
import warnings
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from video_classifier.ml import files
from video_classifier.ml.contracts import Floats32, Image
from video_classifier.ml.files import sha256
from video_classifier.ml.persons import boxes
from video_classifier.ml.persons import detector_card as cards
from video_classifier.ml.persons.detection import Detections, DetectorError
from video_classifier.ml.persons.detector_card import NETWORK_FILE, DetectorCard

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_DOUBLES = boxes.Doubles(same=0.35, vote=0.4)  # best on the scenes for validation

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # most of what TensorFlow says on stderr


def read(folder: Path) -> OwnDetector:
    """Raises DetectorError."""
    card = cards.read(folder)
    try:
        return OwnDetector((folder / NETWORK_FILE).read_bytes(), card)
    except (OSError, ValueError, RuntimeError) as error:
        msg = (
            f"The person detector {folder} can't be used: TensorFlow Lite can't read its "
            f"{NETWORK_FILE}. Restore the folder or train it again."
        )
        raise DetectorError(msg) from error


def write(folder: Path, content: bytes, card: DetectorCard) -> None:
    """Writes a converted network and its card, each of them whole."""
    folder.mkdir(parents=True, exist_ok=True)
    with files.atomic_write(folder / NETWORK_FILE) as aside:
        aside.write_bytes(content)
        card = replace(card, sha256=sha256(aside))
    cards.write(folder, card)


def convert(network: keras.Model, *, height: int, width: int) -> bytes:
    """For TensorFlow Lite, with weights of 16 bits; sides are multiples of 32.

    Takes (1, height, width, 3) RGB float32, 0 to 255, and gives (1, cells, 5): what `network`
    says, its grids end to end.
    """
    import keras
    import tensorflow as tf

    picture = keras.Input((height, width, 3), batch_size=1)
    rows = [keras.layers.Reshape((-1, 5))(grid) for grid in network(picture)]
    whole = keras.Model(picture, keras.layers.Concatenate(axis=1)(rows))
    converter = tf.lite.TFLiteConverter.from_keras_model(whole)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    with redirect_stdout(StringIO()):  # it prints all that it converts
        return bytes(converter.convert())


class OwnDetector:
    """Safe to call from several threads, one of which is served at a time."""

    def __init__(self, content: bytes, card: DetectorCard) -> None:
        self._card = card
        self._network = _interpreter(content)
        (self._input,) = self._network.get_input_details()
        (self._output,) = self._network.get_output_details()
        self._running = threading.Lock()

    @property
    def sha256(self) -> str:
        return self._card.sha256

    @property
    def threshold(self) -> float:
        return self._card.threshold

    @property
    def input_size(self) -> tuple[int, int]:
        _, height, width, _ = self._input["shape"].tolist()
        return height, width

    def detect(self, image: Image) -> Detections:
        filled, scale = boxes.fitted(image, *self.input_size)
        said = self.say(filled)
        height, width = (side * scale for side in image.shape[:2])
        return boxes.detections(
            boxes.from_yolox(said[:, :4], *self.input_size),
            boxes.sigmoid(said[:, 4]),
            height=height,
            width=width,
            doubles=_DOUBLES,
        )

    def say(self, picture: Image) -> Floats32:
        """What the network says of an RGB picture of `input_size`: (cells, 5)."""
        with self._running:
            self._network.set_tensor(self._input["index"], picture[np.newaxis].astype(np.float32))
            self._network.invoke()
            return np.asarray(self._network.get_tensor(self._output["index"])[0], np.float32)


def _interpreter(content: bytes) -> tf.lite.Interpreter:
    import tensorflow as tf

    with warnings.catch_warnings():
        # It is to move to a package of its own (ai-edge-litert), which has no wheels for Windows.
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated", UserWarning)
        network = tf.lite.Interpreter(model_content=content, num_threads=os.cpu_count())
    network.allocate_tensors()
    return network
