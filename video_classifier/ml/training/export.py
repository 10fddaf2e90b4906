"""Exports a model, so that it is served without TensorFlow, if its scores stay the same.

A network that convolves over time goes to OpenVINO and any other to LiteRT
(docs/adr/0015-engines.md has the measurements).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from video_classifier.ml import openvino
from video_classifier.ml.contracts import ClipSpec, Floats, Image
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.serving.engine import (
    ENGINES,
    LIBRARIES,
    LITERT_FILE,
    OPENVINO_FILE,
    KerasEngine,
)

if TYPE_CHECKING:
    import keras

MAX_DIFFERENCE = 1e-3  # of a score
WINDOWS = 64  # that both score
MAX_BYTES = 2_000_000_000  # that these may take
REAL_WINDOWS = 48  # of these at most: made ones reach colors and brightness that footage does not


class ExportError(Exception):
    """The model isn't exported, and the message, a sentence, says why."""


def export(folder: Path, windows: Sequence[Image] = ()) -> Card:
    """Writes an export into a model's folder and has its card serve it, with the difference.

    Keras and the other engine score 64 inputs: some of `windows`, (frames, height, width, 3) RGB,
    uint8, of the model's spec, and made ones, the same each time. A file that was exported before,
    and what the card says of it, stay as they are if this fails. Raises BundleError, and
    ExportError if the network can't be converted or a score differs by more than 1e-3.
    """
    network, card = bundle.load_network(folder)
    if WINDOWS * prod(card.spec.shape) > MAX_BYTES:
        msg = f"The model “{card.name}” isn't exported: its inputs are too large to compare scores."
        raise ExportError(msg)
    shown = _some_of(windows, REAL_WINDOWS)
    batch = np.stack([*shown, *made_windows(card.spec, WINDOWS - len(shown))])
    expected = KerasEngine(network, card).score(batch)
    file = engine_file(network)
    for content in convert(network, card):
        worst = float(np.abs(expected - _scores(file, content, batch, card)).max())
        if worst <= MAX_DIFFERENCE:  # never, if it is no number
            return bundle.serve_export(
                folder, file, content, card, max_difference=worst, windows=WINDOWS
            )
    msg = (
        f"The model “{card.name}” isn't exported: in {LIBRARIES[file]} its scores differ by up "
        f"to {worst:.2g} from those in Keras, and {MAX_DIFFERENCE:g} is allowed."
    )
    raise ExportError(msg)


def engine_file(network: keras.Model) -> str:
    """The name of the file that the network is exported to, which chooses the engine.

    A kernel that convolves over time has five axes: time, height, width, channels in and out.
    """
    convolves_over_time = any(len(weight.shape) == 5 for weight in network.weights)  # noqa: PLR2004
    return OPENVINO_FILE if convolves_over_time else LITERT_FILE


def convert(network: keras.Model, card: Card) -> Iterator[bytes]:
    """The network as files for its engine, (1, *card.spec.shape) uint8 to (1, 1), best first.

    For OpenVINO with weights of 16 and of 32 bits; for LiteRT with 32 alone, as with 16 scores of
    `person_ensemble` differ by up to 0.1. Raises ExportError.
    """
    import keras

    window = keras.Input(card.spec.shape, batch_size=1, dtype="uint8")
    whole = keras.Model(window, network(window, training=False))
    if engine_file(network) == LITERT_FILE:
        yield _for_litert(whole, card)
    else:
        yield from _for_openvino(whole, card)


def _for_litert(whole: keras.Model, card: Card) -> bytes:
    import tensorflow as tf

    try:
        converter = tf.lite.TFLiteConverter.from_keras_model(whole)
        with redirect_stdout(StringIO()):  # it prints all that it converts
            return bytes(converter.convert())
    except Exception as error:  # what LiteRT has no operation for makes it raise anything
        missing = re.search(r"TF Select ops: ([\w, ]+)", str(error))
        why = f"LiteRT has no {missing[1]}" if missing else "LiteRT can't express its network"
        msg = f"The model “{card.name}” isn't exported: {why}."
        raise ExportError(msg) from error


def _for_openvino(whole: keras.Model, card: Card) -> Iterator[bytes]:
    with TemporaryDirectory() as aside:
        saved = Path(aside, "network")
        try:
            whole.export(saved, format="tf_saved_model", verbose=False)
            for half in (True, False):
                yield openvino.pack(saved, (1, *card.spec.shape), half=half)
        except Exception as error:  # as above
            msg = f"The model “{card.name}” isn't exported: OpenVINO can't express its network."
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


def _scores(file: str, content: bytes, batch: Image, card: Card) -> Floats:
    with TemporaryDirectory() as aside:
        written = Path(aside, file)
        written.write_bytes(content)
        try:
            return ENGINES[file](written, card).score(batch)
        except (BundleError, ValueError, RuntimeError) as error:
            msg = (
                f"The model “{card.name}” isn't exported: {LIBRARIES[file]} can't run what it "
                "became."
            )
            raise ExportError(msg) from error


def _some_of(windows: Sequence[Image], count: int) -> list[Image]:
    """At most so many of them, from first to last."""
    if len(windows) <= count:
        return list(windows)
    return [windows[number] for number in np.linspace(0, len(windows) - 1, count).astype(int)]
