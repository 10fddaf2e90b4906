"""A model on disk: a folder with a network and card.json, each vouching for the other.

Reading and checking a card needs no framework; `load` imports what runs the network.
"""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from video_classifier.ml import files
from video_classifier.ml.files import known_sha256, sha256
from video_classifier.ml.serving.card import REMEDY, BundleError, Card
from video_classifier.ml.serving.engine import ENGINES, KERAS_FILE, Engine, read_keras_network

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

    Loads no framework. Raises BundleError.
    """
    card = read_card(folder)
    file = network_file(folder)
    try:
        found = known_sha256(file, file.stat())
    except OSError as error:
        msg = (
            f"The model “{folder.name}” can't be used: its {file.name} can't be read "
            f"({error.strerror})."
        )
        raise BundleError(msg) from error
    if found != card.sha256:
        msg = (
            f"The model “{folder.name}” can't be used: its {file.name} is not the one "
            f"that its {CARD_FILE} describes. {REMEDY}"
        )
        raise BundleError(msg)
    return card


def network_file(folder: Path) -> Path:
    """The network in a model's folder; its name decides which engine runs it.

    Raises BundleError if there is none, or more than one.
    """
    found = [folder / name for name in ENGINES if os.path.lexists(folder / name)]
    if not found:
        msg = f"The model “{folder.name}” can't be used: its {' or '.join(ENGINES)} is missing."
        raise BundleError(msg)
    if len(found) > 1:
        msg = (
            f"The model “{folder.name}” can't be used: its folder holds "
            f"{' and '.join(file.name for file in found)}, so that it isn't clear which network "
            f"is meant. Remove all but the one that its {CARD_FILE} describes."
        )
        raise BundleError(msg)
    return found[0]


def load(folder: Path) -> tuple[Engine, Card]:
    """The engine with the network, and the card. Raises BundleError if either is damaged."""
    card, file = check(folder), network_file(folder)
    return ENGINES[file.name](file, card), card


def load_network(folder: Path) -> tuple[keras.Model, Card]:
    """The network itself, for what needs more of it than scores. Raises BundleError."""
    card, file = check(folder), network_file(folder)
    return read_keras_network(file, card), card


def save(folder: Path, network: keras.Model, card: Card) -> Card:
    """Writes both files, each of them whole; returns the card as written."""
    folder.mkdir(parents=True, exist_ok=True)
    with files.atomic_write(folder / NETWORK_FILE) as aside:
        network.save(aside)
        card = replace(card, sha256=sha256(aside), parameters=network.count_params())
    write_card(folder, card)
    return card


def write_card(folder: Path, card: Card) -> None:
    files.write_json(folder / CARD_FILE, asdict(card))
