"""Loads a person detector from disk: a folder of ours, or an ONNX file."""

from __future__ import annotations

import threading
from pathlib import Path
from weakref import WeakValueDictionary

from video_classifier.ml.persons import detector_card
from video_classifier.ml.persons.detector import Detector, DetectorError
from video_classifier.ml.persons.detector_card import weights_sha256

# As long as somebody needs them.
_loaded: WeakValueDictionary[tuple[Path, str], Detector] = WeakValueDictionary()
_loading = threading.Lock()


def load(path: Path) -> Detector:
    """The detector of a folder of ours or of an .onnx file, loaded unless somebody has it.

    May be called from several threads. A detector that was replaced on disk is loaded anew.
    Raises DetectorError.
    """
    with _loading:
        key = path.resolve(), check(path)
        detector = _loaded.get(key)
        if detector is None:
            detector = _loaded[key] = _read(path)
        return detector


def check(path: Path) -> str:
    """The SHA-256 of the weights, if they are there and are what their card describes.

    Loads no framework. Raises DetectorError.
    """
    if not path.is_dir():
        return weights_sha256(path)
    found = weights_sha256(path / detector_card.NETWORK_FILE)
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
