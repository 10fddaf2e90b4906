"""Runs a person detector of our own by LiteRT.

It is trained in Keras (`distillation`); LiteRT takes a third of the time for single pictures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from video_classifier.ml import litert
from video_classifier.ml.contracts import Floats32, Image
from video_classifier.ml.persons import boxes, layouts
from video_classifier.ml.persons import detector_card as cards
from video_classifier.ml.persons.detector import Detections, DetectorError
from video_classifier.ml.persons.detector_card import NETWORK_FILE, DetectorCard

_SUPPRESSION = boxes.Suppression(iou=0.35, voting_iou=0.4)  # best on the scenes for validation


def read(folder: Path) -> OwnDetector:
    """Raises DetectorError."""
    card = cards.read(folder)
    try:
        return OwnDetector((folder / NETWORK_FILE).read_bytes(), card)
    except (OSError, ValueError, RuntimeError) as error:
        msg = (
            f"The person detector {folder} can't be used: LiteRT can't read its "
            f"{NETWORK_FILE}. Restore the folder or train it again."
        )
        raise DetectorError(msg) from error


class OwnDetector:
    """Safe to call from several threads, one of which is served at a time."""

    def __init__(self, content: bytes, card: DetectorCard) -> None:
        """Raises ValueError and RuntimeError if LiteRT can't read it or it is no detector."""
        self._card = card
        self._network = litert.Network(content)
        _, height, width, _ = self._network.input_shape
        layout = layouts.by_shape(self._network.output_shape, height, width)
        if layout is None:
            msg = f"its output has the shape {self._network.output_shape}"
            raise ValueError(msg)
        self._size = height, width
        self._layout = layout

    @property
    def sha256(self) -> str:
        return self._card.sha256

    @property
    def threshold(self) -> float:
        return self._card.threshold

    @property
    def input_size(self) -> tuple[int, int]:
        return self._layout.fitting(*self._size)

    def detect(self, image: Image) -> Detections:
        filled, (height, width) = boxes.letterbox(
            image, *self._size, max_stretch=self._layout.max_stretch
        )
        found = self._layout.decode(self.run(filled), *self._size)
        return boxes.detections(
            found.boxes, found.scores, height=height, width=width, suppression=_SUPPRESSION
        )

    def run(self, picture: Image) -> Floats32:
        """The network's output for an RGB picture of its input's size, uint8: (cells, values)."""
        cells: Floats32 = self._network.run(picture[np.newaxis].astype(np.float32))[0]
        return cells
