"""How well a detector finds persons, measured against boxes that are taken as true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats32
from video_classifier.ml.distillation.scenes import Pictures
from video_classifier.ml.persons import boxes
from video_classifier.ml.persons.detector import Detections, Detector

ENOUGH = 0.5  # intersection over union of a box that is found
TALL = 24  # pixels in the source: who is smaller need not be found
SURE, FAINT = 0.5, 0.3  # scores of a teacher: somebody is there; somebody may be there


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The persons in a picture. Boxes (n, 4): left, top, right, bottom; 0 to 1 of the picture."""

    boxes: Floats32  # to be found
    doubtful: Floats32  # neither a hit nor a false alarm if found: too faint or too small


def truth(said: Detections, *, height: int) -> Truth:
    """What a teacher says of a picture that is so many pixels high in its source."""
    tall = (said.boxes[:, 3] - said.boxes[:, 1]) * height >= TALL
    believed = tall & (said.scores >= SURE)
    doubtful = ~believed & (said.scores >= FAINT)
    return Truth(boxes=said.boxes[believed], doubtful=said.boxes[doubtful])


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Of all detections that are not doubtful, the surest first: (n,) each."""

    scores: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]  # of those up to here
    recall: npt.NDArray[np.float64]

    @property
    def average_precision(self) -> float:
        """The area under precision over recall, each precision the best at that recall or more."""
        best = np.maximum.accumulate(self.precision[::-1])[::-1]
        return float(np.sum(np.diff(self.recall, prepend=0) * best))

    def recall_at(self, precision: float) -> float:
        """The highest recall at which so many detections are right; 0 if none is."""
        return float(self.recall[self.precision >= precision].max(initial=0))

    @property
    def best_threshold(self) -> float:
        """Where precision and recall are best balanced: their harmonic mean, F1, is highest."""
        sums = np.maximum(self.precision + self.recall, np.finfo(float).tiny)
        return float(self.scores[np.argmax(self.precision * self.recall / sums)])

    def at(self, threshold: float) -> tuple[float, float]:
        """Precision and recall of the detections that score `threshold`."""
        believed = np.flatnonzero(self.scores >= threshold)
        if not believed.size:
            return 1.0, 0.0
        return float(self.precision[believed[-1]]), float(self.recall[believed[-1]])


def curve(found: Sequence[Detections], truths: Sequence[Truth]) -> Curve:
    """The detections in each picture against what is there. There has to be somebody."""
    judged = [_judged(*pair) for pair in zip(found, truths, strict=True)]
    scores, hits = (np.concatenate(parts) for parts in zip(*judged, strict=True))
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(hits[order])
    return Curve(
        scores=scores[order].astype(np.float64),
        precision=right / np.arange(1, len(right) + 1),
        recall=right / sum(len(truth.boxes) for truth in truths),
    )


def truths_by(teacher: Detector, clips: Iterable[Pictures]) -> list[Truth]:
    """What a teacher says of all pictures, one after the other."""
    return [
        truth(teacher.detect(image), height=clip.source_height)
        for clip in clips
        for image in clip.images
    ]


def _judged(found: Detections, truth: Truth) -> tuple[Floats32, npt.NDArray[np.bool_]]:
    """Scores and hits of the detections that count. The surest take their persons first."""
    shares = boxes.pairwise_iou(found.boxes, truth.boxes)
    doubtful = (boxes.pairwise_iou(found.boxes, truth.doubtful) >= ENOUGH).any(axis=1)
    hits = np.zeros(len(found.boxes), np.bool_)
    for number in range(len(hits)):
        if truth.boxes.size and shares[number].max() >= ENOUGH:
            hits[number] = True
            shares[:, shares[number].argmax()] = 0
    counts = hits | ~doubtful
    return found.scores[counts], hits[counts]
