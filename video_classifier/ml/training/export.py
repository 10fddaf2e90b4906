"""Exports a model to LiteRT, which serves it without TensorFlow, if the scores stay the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from video_classifier.ml import litert
from video_classifier.ml.contracts import ClipSpec, Floats, Image
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Card
from video_classifier.ml.serving.engine import KerasEngine, LiteRTEngine

if TYPE_CHECKING:
    import keras

MAX_DIFFERENCE = 1e-3  # of a score
WINDOWS = 64  # that both score
REAL_WINDOWS = 48  # of these at most: made ones reach colors and brightness that footage does not


class ExportError(Exception):
    """The model isn't exported, and the message, a sentence, says why."""


def export(folder: Path, windows: Sequence[Image] = ()) -> Card:
    """Writes network.tflite into a model's folder and has its card serve it, with the difference.

    Keras and LiteRT score 64 inputs: some of `windows`, (frames, height, width, 3) RGB, uint8, of
    the model's spec, and made ones, the same each time. A file that was exported before, and what
    the card says of it, stay as they are if this fails. Raises BundleError, and ExportError if the
    network can't be converted or a score differs by more than 1e-3.
    """
    network, card = bundle.load_network(folder)
    content = convert(network, card)
    shown = _some_of(windows, REAL_WINDOWS)
    batch = np.stack([*shown, *made_windows(card.spec, WINDOWS - len(shown))])
    differences = np.abs(KerasEngine(network, card).score(batch) - _scores(content, batch, card))
    worst = float(differences.max())
    if not worst <= MAX_DIFFERENCE:  # nor if it is no number
        msg = (
            f"The model “{folder.name}” isn't exported: in LiteRT its scores differ by up to "
            f"{worst:.2g} from those in Keras, and {MAX_DIFFERENCE:g} is allowed."
        )
        raise ExportError(msg)
    return bundle.serve_export(folder, content, card, max_difference=worst, windows=WINDOWS)


def convert(network: keras.Model, card: Card) -> bytes:
    """The network as a .tflite file: (1, *card.spec.shape) uint8 to (1, 1), weights of 32 bits.

    With weights of 16 bits scores of `person_ensemble` differ by up to 0.1. Raises ExportError.
    """
    import keras
    import tensorflow as tf

    try:
        window = keras.Input(card.spec.shape, batch_size=1, dtype="uint8")
        whole = keras.Model(window, network(window, training=False))
        converter = tf.lite.TFLiteConverter.from_keras_model(whole)
        with redirect_stdout(StringIO()):  # it prints all that it converts
            return bytes(converter.convert())
    except Exception as error:  # what LiteRT has no operation for makes it raise anything
        missing = re.search(r"TF Select ops: ([\w, ]+)", str(error))
        why = f"LiteRT has no {missing[1]}" if missing else "LiteRT can't express its network"
        msg = f"The model “{card.name}” isn't exported: {why}."
        raise ExportError(msg) from error


def made_windows(spec: ClipSpec, count: int) -> list[Image]:
    """Patches of color from coarse to fine, dark to bright, moving and, every fourth, still."""
    random = np.random.default_rng(0)
    windows = []
    for number in range(count):
        cells = 2 ** (1 + number % 5)
        patches = random.integers(0, 256, (spec.frames, cells, cells, 3))
        if number % 4 == 0:
            patches[:] = patches[0]
        rows, columns = (np.arange(side) * cells // side for side in (spec.height, spec.width))
        scaled = patches[:, rows][:, :, columns] * random.uniform(0.1, 1)
        windows.append(scaled.astype(np.uint8))
    return windows


def _scores(content: bytes, batch: Image, card: Card) -> Floats:
    try:
        return LiteRTEngine(litert.Network(content)).score(batch)
    except (ValueError, RuntimeError) as error:
        msg = f"The model “{card.name}” isn't exported: LiteRT can't run what it became."
        raise ExportError(msg) from error


def _some_of(windows: Sequence[Image], count: int) -> list[Image]:
    """At most so many of them, from first to last."""
    if len(windows) <= count:
        return list(windows)
    return [windows[number] for number in np.linspace(0, len(windows) - 1, count).astype(int)]
