"""A model on disk: a folder with a network and card.json, each vouching for the other.

The network is in network.keras. Beside it may lie an export, made from it, which is served if the
card says so: network.tflite or network.openvino.

Reading and checking a card needs no framework; `load` imports what runs the network.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from video_classifier.ml import files
from video_classifier.ml.files import known_sha256, sha256
from video_classifier.ml.serving.card import REMEDY, BundleError, Card, Export
from video_classifier.ml.serving.engine import (
    ENGINES,
    KERAS_FILE,
    Engine,
    read_keras_network,
    refuse_without_keras,
)

if TYPE_CHECKING:
    import keras

NETWORK_FILE = KERAS_FILE  # as `save` writes it
CARD_FILE = "card.json"


def names(storage: Path) -> tuple[str, ...]:
    """The folders in `storage` that hold a card and have a name that can be shown, sorted."""
    found = (card.parent.name for card in storage.glob(f"*/{CARD_FILE}"))
    return tuple(sorted(name for name in found if name.isprintable()))


def read_card(folder: Path) -> Card:
    """The card alone, without a look at the weights. Raises BundleError."""
    try:
        found = files.read_json(folder / CARD_FILE)
        if isinstance(found, dict):  # cards from when clips without people got a score, too
            found.pop("fallback", None)
        return files.typed(found, Card)
    except FileNotFoundError as error:
        msg = f"There is no model “{folder.name}”: its {CARD_FILE} is missing."
        raise BundleError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"The model “{folder.name}” can't be used: its {CARD_FILE} can't be read ({error})."
        raise BundleError(msg) from error


def check(folder: Path) -> Card:
    """The card of a model whose weights are there and are the ones the card describes.

    Those that are served, that is. Loads no framework. Raises BundleError.
    """
    card = read_card(folder)
    file = network_file(folder, card)
    _check_file(file, card.served_sha256)
    refuse_without_keras(file)
    return card


def network_file(folder: Path, card: Card) -> Path:
    """The network that is served; its name decides which engine runs it. Raises BundleError."""
    name = card.serving.file if card.serving else KERAS_FILE
    if name not in ENGINES:
        msg = (
            f"The model “{folder.name}” can't be used: its {CARD_FILE} says that {name} is to be "
            f"served, and only {' or '.join(ENGINES)} can be. {REMEDY}"
        )
        raise BundleError(msg)
    return folder / name


def load(folder: Path) -> tuple[Engine, Card]:
    """The engine with the network, and the card. Raises BundleError if either is damaged."""
    card = check(folder)
    file = network_file(folder, card)
    return ENGINES[file.name](file, card), card


def load_network(folder: Path) -> tuple[keras.Model, Card]:
    """The Keras network itself, for what needs more of it than scores. Raises BundleError."""
    card, file = read_card(folder), folder / KERAS_FILE
    _check_file(file, card.sha256)
    return read_keras_network(file, card), card


def _check_file(file: Path, expected_sha256: str) -> None:
    whose = f"The model “{file.parent.name}” can't be used: its {file.name}"
    try:
        found = known_sha256(file, file.stat())
    except FileNotFoundError as error:
        msg = f"{whose} is missing. {REMEDY}"
        raise BundleError(msg) from error
    except OSError as error:
        msg = f"{whose} can't be read ({error.strerror})."
        raise BundleError(msg) from error
    if found != expected_sha256:
        msg = f"{whose} is not the one that its {CARD_FILE} describes. {REMEDY}"
        raise BundleError(msg)


def save(folder: Path, network: keras.Model, card: Card) -> Card:
    """Writes both files, each of them whole; returns the card as written.

    An export of what was there before is of other weights, and goes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with files.atomic_write(folder / KERAS_FILE) as aside:
        network.save(aside)
        card = replace(card, sha256=sha256(aside), parameters=network.count_params(), serving=None)
    write_card(folder, card)
    _remove_exports(folder)
    return card


def serve_export(  # noqa: PLR0913
    folder: Path, file: str, content: bytes, card: Card, *, max_difference: float, windows: int
) -> Card:
    """Writes an export beside the network it was made from, and has the card serve it.

    `file` is its name, which chooses the engine.
    """
    with files.atomic_write(folder / file) as aside:
        aside.write_bytes(content)
        export = Export(
            file=file, sha256=sha256(aside), max_difference=max_difference, windows=windows
        )
    card = replace(card, serving=export)
    write_card(folder, card)
    _remove_exports(folder, but=file)
    return card


def _remove_exports(folder: Path, *, but: str = "") -> None:
    for name in ENGINES.keys() - {KERAS_FILE, but}:
        (folder / name).unlink(missing_ok=True)


def write_card(folder: Path, card: Card) -> None:
    files.write_json(folder / CARD_FILE, asdict(card))
