"""A model on disk: a folder with network.keras and card.json, each vouching for the other.

Reading and checking a card needs no framework; only `load` and `save` import Keras.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from video_classifier.ml import files
from video_classifier.ml.contracts import LABELS, ClipSpec
from video_classifier.ml.files import known_sha256, sha256
from video_classifier.ml.serving import network_check
from video_classifier.ml.serving.confidence import Confidence

if TYPE_CHECKING:
    import keras

NETWORK_FILE = "network.keras"
CARD_FILE = "card.json"
REMEDY = "Restore the folder or train it again."


class BundleError(Exception):
    """The model can't be used, and the message, a sentence, says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A measured figure with its 95 % interval; None where it can't be measured."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None or self.low is None or self.high is None:
            return "not defined here"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a model is, what it learned from, how well it does, and where not to use it."""

    name: str  # the folder
    network: str  # of ml.networks
    summary: str  # a sentence for the person who chooses a model
    spec: ClipSpec
    threshold: float  # a score from here on is a hint
    created: str  # ISO 8601 date
    sha256: str = ""  # of network.keras; `save` fills it in
    parameters: int = 0  # likewise
    classes: tuple[str, ...] = LABELS
    metrics: Mapping[str, Interval] = field(default_factory=dict)
    measured: str = ""  # how the metrics were measured
    confidence: Confidence | None = None  # of a score; None if it was not measured
    limits: tuple[str, ...] = ()  # of use, a sentence each
    training: Mapping[str, Any] = field(default_factory=dict)  # data, seed, settings, versions

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            msg = f"the threshold {self.threshold} is not between 0 and 1"
            raise ValueError(msg)
        if self.classes != LABELS:
            msg = f"its classes are not {' and '.join(LABELS)}"
            raise ValueError(msg)

    def was_trained_on(self, clip_sha256: str) -> bool:
        return clip_sha256 in self.training.get("clips_sha256", ())


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
