"""Where in a picture there are persons: the border between detectors and whoever uses them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Image
from video_classifier.ml.files import known_sha256

_loaded: dict[tuple[Path, str], Detector] = {}
_loading = threading.Lock()


class DetectorError(Exception):
    """The detector can't be used, and the message, a sentence, says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """The persons in one picture, the surest first."""

    boxes: npt.NDArray[np.float32]  # (n, 4): left, top, right, bottom; 0 to 1 of the picture
    scores: npt.NDArray[np.float32]  # (n,): how sure the detector is, 0 to 1


class Detector(Protocol):
    """Anything that finds persons in pictures."""

    @property
    def sha256(self) -> str:
        """Of its weights, in hexadecimal."""

    @property
    def threshold(self) -> float:
        """Detections from this score on are to be believed; fainter ones may be returned too."""

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width): a picture that is larger than this is made to fit into it."""

    def detect(self, image: Image) -> Detections:
        """The persons in an RGB picture (height, width, 3) of any size, uint8."""


def load(path: Path) -> Detector:
    """The detector of a folder of ours or of an .onnx file, loaded once a process.

    May be called from several threads. A detector that was replaced on disk is loaded anew.
    Raises DetectorError.
    """
    with _loading:
        key = path.resolve(), check(path)
        if key not in _loaded:
            for stale in [known for known in _loaded if known[0] == key[0]]:
                del _loaded[stale]
            _loaded[key] = _read(path)
        return _loaded[key]


def check(path: Path) -> str:
    """The SHA-256 of the weights, if they are there and are what their card describes.

    Loads no framework. Raises DetectorError.
    """
    if not path.is_dir():
        return digest(path)
    from video_classifier.ml.persons import detector_card

    found = digest(path / detector_card.NETWORK_FILE)
    if found != detector_card.read(path).sha256:
        msg = (
            f"The person detector {path} can't be used: its {detector_card.NETWORK_FILE} is not "
            f"the one that its {detector_card.CARD_FILE} describes. Restore the folder or train "
            "it again."
        )
        raise DetectorError(msg)
    return found


def _read(path: Path) -> Detector:
    if path.is_dir():
        from video_classifier.ml.persons import tflite

        return tflite.read(path)
    from video_classifier.ml.persons import onnx

    return onnx.read(path)


def digest(weights: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises DetectorError."""
    try:
        return known_sha256(weights, weights.stat())
    except OSError as error:
        msg = f"The person detector {weights} can't be read: {error.strerror}."
        raise DetectorError(msg) from error
