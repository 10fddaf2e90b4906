"""Where in a picture there are persons: the border between detectors and whoever uses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from video_classifier.ml.clip import Image


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
