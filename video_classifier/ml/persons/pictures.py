"""Finds the people in a single picture."""

from __future__ import annotations

from pathlib import Path

from video_classifier.ml.contracts import Box, ClipError
from video_classifier.ml.persons import loading
from video_classifier.ml.persons.detector import DetectorError
from video_classifier.ml.video import pictures


def find(picture: Path, detector: Path) -> tuple[tuple[tuple[Box, float], ...], str]:
    """Each person's box and the detector's confidence, 0 to 1, the surest first; its SHA-256.

    Raises ClipError if the picture can't be read, or the detector can't be used.
    """
    image = pictures.read(picture)
    try:
        eye = loading.load(detector)
    except DetectorError as error:
        raise ClipError(str(error)) from error
    found = eye.detect(image)
    people = tuple(
        (Box(left=left, top=top, right=right, bottom=bottom), score)
        for (left, top, right, bottom), score in zip(
            found.boxes.clip(0, 1).tolist(), found.scores.tolist(), strict=True
        )
        if score >= eye.threshold
    )
    return people, eye.sha256
