"""The card of a person detector of our own: what its folder says about its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from video_classifier.ml import files
from video_classifier.ml.files import known_sha256
from video_classifier.ml.persons.detector import DetectorError

NETWORK_FILE = "network.tflite"
CARD_FILE = "detector.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorCard:
    """What a detector is, what it learned from, and where not to trust it."""

    threshold: float  # detections from this score on count
    created: str  # ISO 8601 date
    parameters: int
    sha256: str = ""  # of the network; `distillation.export.write` fills it in
    training: Mapping[str, object] = field(default_factory=dict)  # scenes, seed, stages, versions

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            msg = f"the threshold {self.threshold} is not between 0 and 1"
            raise ValueError(msg)


def read(folder: Path) -> DetectorCard:
    """Raises DetectorError."""
    try:
        return files.typed(files.read_json(folder / CARD_FILE), DetectorCard)
    except (OSError, ValueError) as error:
        msg = (
            f"The person detector {folder} can't be used: its {CARD_FILE} can't be read ({error})."
        )
        raise DetectorError(msg) from error


def write(folder: Path, card: DetectorCard) -> None:
    files.write_json(folder / CARD_FILE, asdict(card))


def weights_sha256(weights: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises DetectorError."""
    try:
        return known_sha256(weights, weights.stat())
    except OSError as error:
        msg = f"The person detector {weights} can't be read: {error.strerror}."
        raise DetectorError(msg) from error
