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


def convert(network: keras.Model) -> bytes:
    """For LiteRT, with weights of 16 bits.

    Takes (1, height, width, 3) RGB float32, 0 to 255, and gives (1, cells, values), which are
    those of a NanoDet-Plus: the score, 0 to 1, and the logits of distances.
    """
    import keras
    import tensorflow as tf

    picture = keras.Input(network.input_shape[1:], batch_size=1)
    rows = [
        keras.layers.Reshape((-1, grid.shape[-1]))(grid)
        for grid in keras.tree.flatten(network(picture))
    ]
    cells = keras.layers.Concatenate(axis=1)(rows)
    scores = keras.ops.sigmoid(cells[..., :1])
    whole = keras.Model(picture, keras.layers.Concatenate(axis=2)([scores, cells[..., 1:]]))
    converter = tf.lite.TFLiteConverter.from_keras_model(whole)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    with redirect_stdout(StringIO()):  # it prints all that it converts
        return bytes(converter.convert())
