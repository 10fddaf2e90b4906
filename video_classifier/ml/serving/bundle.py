"""A model on disk: a folder with a network and card.json, each vouching for the other.

The network is in network.keras. Beside it may lie an export, made from it, which is served if the
card says so: network.tflite or network.openvino. A version of a model is a card and head.npz: it
runs on the network in the folder of its model.

Reading and checking a card needs no framework; `load` imports what runs the network.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from video_classifier.ml import files
from video_classifier.ml.files import known_sha256, sha256
from video_classifier.ml.serving import head as heads
from video_classifier.ml.serving.card import REMEDY, BundleError, Card, Export, OwnHead
from video_classifier.ml.serving.engine import (
    ENGINES,
    FEATURE_ENGINES,
    KERAS_FILE,
    Engine,
    FeatureEngine,
    read_keras_network,
    refuse_without_features,
    refuse_without_keras,
)
from video_classifier.ml.serving.head import HEAD_FILE, Head, HeadError

if TYPE_CHECKING:
    import keras

NETWORK_FILE = KERAS_FILE  # as `save` writes it
CARD_FILE = "card.json"


def names(storage: Path) -> tuple[str, ...]:
    """The folders in `storage` that hold a card and have a name that can be shown, sorted."""
    found = (card.parent.name for card in storage.glob(f"*/{CARD_FILE}"))
    return tuple(sorted(name for name in found if name.isprintable()))


def called(folder: Path) -> str:
    """What messages call a model: a version's folder is its number, in that of its model."""
    is_version = folder.name.isdecimal()
    return f"{folder.parent.name}@{folder.name}" if is_version else folder.name


def read_card(folder: Path) -> Card:
    """The card alone, without a look at the weights. Raises BundleError."""
    try:
        found = files.read_json(folder / CARD_FILE)
        if isinstance(found, dict):  # cards from when clips without people got a score, too
            found.pop("fallback", None)
        return files.typed(found, Card)
    except FileNotFoundError as error:
        msg = f"There is no model “{called(folder)}”: its {CARD_FILE} is missing."
        raise BundleError(msg) from error
    except (OSError, ValueError) as error:
        msg = (
            f"The model “{called(folder)}” can't be used: its {CARD_FILE} can't be read ({error})."
        )
        raise BundleError(msg) from error


def check(folder: Path, *, network: Path | None = None) -> Card:
    """The card of a model whose weights are there and are the ones the card describes.

    Those that are served, that is. Of a version, `network` is the folder of its model, whose
    weights have to be there, too. Loads no framework. Raises BundleError.
    """
    if network is not None:
        card, _ = read_version(folder, network)
        return card
    card = read_card(folder)
    if card.head is not None:
        whose = f"The model “{called(folder)}” can't be used"
        msg = f"{whose} without the network of “{card.head.parent}”."
        raise BundleError(msg)
    file = network_file(folder, card)
    _check_file(file, card.served_sha256)
    refuse_without_keras(file)
    return card


def read_version(folder: Path, network: Path) -> tuple[Card, Head]:
    """The card and the head of a version of the model in the folder `network`.

    They are there, and belong together and to that network, which can have other heads. Loads no
    framework. Raises BundleError.
    """
    card, model = read_card(folder), check(network)
    whose = f"The model “{called(folder)}” can't be used:"
    if card.head is None:
        msg = f"{whose} its {CARD_FILE} describes no head. {REMEDY}"
        raise BundleError(msg)
    try:
        head = heads.read(folder / HEAD_FILE, sha256=card.head.sha256)
    except FileNotFoundError as error:
        msg = f"{whose} its {HEAD_FILE} is missing. {REMEDY}"
        raise BundleError(msg) from error
    except OSError as error:
        msg = f"{whose} its {HEAD_FILE} can't be read ({error.strerror})."
        raise BundleError(msg) from error
    except HeadError as error:
        msg = f"{whose} of its {HEAD_FILE}, {error}. {REMEDY}"
        raise BundleError(msg) from error
    own = {head.network_sha256, card.head.network_sha256}
    if len(own) > 1 or not model.has_network(head.network_sha256):
        msg = f"{whose} it belongs to another network than that of “{model.name}”. Train it again."
        raise BundleError(msg)
    if (card.spec, card.best_windows) != (model.spec, model.best_windows):
        msg = f"{whose} its windows are not those of “{model.name}”. Train it again."
        raise BundleError(msg)
    refuse_without_features(network_file(network, model))
    return card, head


def network_file(folder: Path, card: Card) -> Path:
    """The network that is served; its name decides which engine runs it. Raises BundleError."""
    name = card.serving.file if card.serving else KERAS_FILE
    if name not in ENGINES:
        msg = (
            f"The model “{called(folder)}” can't be used: its {CARD_FILE} says that {name} is to "
            f"be served, and only {' or '.join(ENGINES)} can be. {REMEDY}"
        )
        raise BundleError(msg)
    return folder / name


def load(folder: Path) -> tuple[Engine, Card]:
    """The engine with the network, and the card. Raises BundleError if either is damaged."""
    card = check(folder)
    file = network_file(folder, card)
    return ENGINES[file.name](file, card), card


def load_features(folder: Path) -> tuple[FeatureEngine, Card]:
    """As `load`, to put other heads on it. Raises BundleError, too, if it can have none."""
    card = check(folder)
    file = network_file(folder, card)
    refuse_without_features(file)
    return FEATURE_ENGINES[file.name](file, card), card


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
        facts = {"sha256": sha256(aside), "parameters": network.count_params()}
        card = replace(card, serving=None, old_footage="", **facts)
    write_card(folder, card)
    _remove_exports(folder)
    return card


def save_version(folder: Path, head: Head, card: Card, *, parent: str) -> Card:
    """Writes both files of a version of the model `parent`, whole; returns the card as written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = heads.write(folder / HEAD_FILE, head)
    own = OwnHead(parent=parent, sha256=written, network_sha256=head.network_sha256)
    card = replace(card, head=own, sha256="", serving=None, old_footage="")
    write_card(folder, card)
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
