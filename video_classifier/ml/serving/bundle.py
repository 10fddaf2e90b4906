"""A model on disk: a folder with network.keras and card.json, each vouching for the other.

Reading and checking a card needs no framework; only `load` and `save` import Keras.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from video_classifier.ml import files
from video_classifier.ml.files import known_sha256, sha256
from video_classifier.ml.serving import network_check
from video_classifier.ml.serving.card import REMEDY, BundleError, Card

if TYPE_CHECKING:
    import keras

NETWORK_FILE = "network.keras"
CARD_FILE = "card.json"


def names(storage: Path) -> tuple[str, ...]:
    """The folders in `storage` that hold a card and have a name that can be shown, sorted."""
    found = (card.parent.name for card in storage.glob(f"*/{CARD_FILE}"))
    return tuple(sorted(name for name in found if name.isprintable()))


def read_card(folder: Path) -> Card:
    """The card alone, without a look at the weights. Raises BundleError."""
    try:
        found = files.read_json(folder / CARD_FILE)
        if isinstance(found, dict):  # cards from before there was no result without persons
            found.pop("fallback", None)
        return files.typed(found, Card)
    except FileNotFoundError as error:
        msg = f"There is no model “{folder.name}”: its {CARD_FILE} is missing."
        raise BundleError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"The model “{folder.name}” can't be used: its {CARD_FILE} can't be read ({error})."
        raise BundleError(msg) from error


def check(folder: Path) -> Card:
    """The card of a model whose weights are there and are the ones the card describes."""
    card = read_card(folder)
    weights = folder / NETWORK_FILE
    try:
        found = known_sha256(weights, weights.stat())
    except FileNotFoundError as error:
        msg = f"The model “{folder.name}” can't be used: its {NETWORK_FILE} is missing."
        raise BundleError(msg) from error
    except OSError as error:
        msg = (
            f"The model “{folder.name}” can't be used: its {NETWORK_FILE} can't be read "
            f"({error.strerror})."
        )
        raise BundleError(msg) from error
    if found != card.sha256:
        msg = (
            f"The model “{folder.name}” can't be used: its {NETWORK_FILE} is not the one "
            f"that its {CARD_FILE} describes. {REMEDY}"
        )
        raise BundleError(msg)
    return card


def load(folder: Path) -> tuple[keras.Model, Card]:
    """The network and its card. Raises BundleError if either is not what it should be."""
    card = check(folder)
    import keras

    from video_classifier.ml import networks  # noqa: F401  (registers what the file names)

    whose = f"The model “{folder.name}” can't be used:"
    try:
        network = keras.models.load_model(folder / NETWORK_FILE, compile=False)
    except Exception as error:  # a file that is not Keras's own makes it raise anything
        msg = f"{whose} Keras can't read its {NETWORK_FILE}. {REMEDY}"
        raise BundleError(msg) from error
    if fault := network_check.fault(network, card.spec):
        msg = f"{whose} its network {fault}. {REMEDY}"
        raise BundleError(msg)
    return network, card


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
