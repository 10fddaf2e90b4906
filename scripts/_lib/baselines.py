"""Detectors to compare our own with."""

from __future__ import annotations

from pathlib import Path

from video_classifier.ml.persons.detector_card import DetectorCard
from video_classifier.ml.persons.onnx import THRESHOLD
from video_classifier.ml.persons.tflite import OwnDetector

HEIGHT, WIDTH = 256, 320  # of our own detector's input


def nanodet(weights: Path) -> OwnDetector:
    """NanoDet-Plus-m as it is published, of one class, with the input of our own detector and run
    like it. Raises WeightsError."""
    from video_classifier.ml.distillation import export, network

    published = network.build(weights, height=HEIGHT, width=WIDTH)
    card = DetectorCard(threshold=THRESHOLD, created="", parameters=published.count_params())
    return OwnDetector(export.convert(published), card)
