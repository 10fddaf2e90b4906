"""Exports a trained person detector: from Keras to LiteRT, and to its folder."""

from __future__ import annotations

from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from video_classifier.ml import files
from video_classifier.ml.persons import detector_card
from video_classifier.ml.persons.detector_card import NETWORK_FILE, DetectorCard

if TYPE_CHECKING:
    import keras


def write(folder: Path, content: bytes, card: DetectorCard) -> None:
    """Writes a converted network and its card, each of them whole."""
    folder.mkdir(parents=True, exist_ok=True)
    with files.atomic_write(folder / NETWORK_FILE) as aside:
        aside.write_bytes(content)
        card = replace(card, sha256=files.sha256(aside))
    detector_card.write(folder, card)


def convert(network: keras.Model, *, height: int, width: int) -> bytes:
    """For LiteRT, with weights of 16 bits; sides are multiples of 32.

    Takes (1, height, width, 3) RGB float32, 0 to 255, and gives (1, cells, 5): the output of
    `network`, its grids concatenated.
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
