"""The interface of person detectors, and what they return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from video_classifier.ml.contracts import Floats32, Image


class DetectorError(Exception):
    """The detector can't be used, and the message, a sentence, says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """The people in one picture, by descending score."""

    boxes: Floats32  # (n, 4): left, top, right, bottom; 0 to 1 of the picture
    scores: Floats32  # (n,): confidence of the detector, 0 to 1


class Detector(Protocol):
    """Anything that finds people in pictures."""

    @property
    def sha256(self) -> str:
        """Of its weights, in hexadecimal."""

    @property
    def threshold(self) -> float:
        """Detections from this score on count; fainter ones may be returned, too."""

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width): a larger picture is scaled to fit into it."""

    def detect(self, image: Image) -> Detections:
        """The people in a picture, (height, width, 3) RGB, uint8, of any size."""
