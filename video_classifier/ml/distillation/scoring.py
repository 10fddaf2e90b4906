"""Precision, recall and average precision of a person detector against reference boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats32
from video_classifier.ml.distillation.scenes import Pictures
from video_classifier.ml.persons import boxes
from video_classifier.ml.persons.detector import Detections, Detector

MATCH_IOU = 0.5  # of a detection with the box that it counts as
MIN_HEIGHT = 24  # pixels in the source: smaller people are ignored
TRUE_SCORE, IGNORED_SCORE = 0.5, 0.3  # of a teacher: a person; neither a person nor none


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The people in a picture. Boxes (n, 4): left, top, right, bottom; 0 to 1 of the picture."""

    boxes: Floats32  # to be detected
    ignored: Floats32  # neither hits nor false alarms if detected: uncertain or too small


def truth(
    teacher: Detections,
    *,
    height: int,
    true_score: float = TRUE_SCORE,
    ignored_score: float = IGNORED_SCORE,
) -> Truth:
    """A teacher's detections as reference, in a picture of `height` pixels in its source."""
    tall = (teacher.boxes[:, 3] - teacher.boxes[:, 1]) * height >= MIN_HEIGHT
    certain = tall & (teacher.scores >= true_score)
    ignored = ~certain & (teacher.scores >= ignored_score)
    return Truth(boxes=teacher.boxes[certain], ignored=teacher.boxes[ignored])


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Of all detections that are not ignored, by descending score: (n,) each."""

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
        """The threshold of the highest F1, the harmonic mean of precision and recall."""
        sums = np.maximum(self.precision + self.recall, np.finfo(float).tiny)
        return float(self.scores[np.argmax(self.precision * self.recall / sums)])

    def at(self, threshold: float) -> tuple[float, float]:
        """Precision and recall of the detections that score `threshold`."""
        accepted = np.flatnonzero(self.scores >= threshold)
        if not accepted.size:
            return 1.0, 0.0
        return float(self.precision[accepted[-1]]), float(self.recall[accepted[-1]])


def curve(detections: Sequence[Detections], truths: Sequence[Truth]) -> Curve:
    """Of the detections in each picture against its reference, which holds a person somewhere."""
    matched = [_matched(*pair) for pair in zip(detections, truths, strict=True)]
    scores, hits = (np.concatenate(columns) for columns in zip(*matched, strict=True))
    order = np.argsort(-scores, kind="stable")
    correct = np.cumsum(hits[order])
    return Curve(
        scores=scores[order].astype(np.float64),
        precision=correct / np.arange(1, len(correct) + 1),
        recall=correct / sum(len(truth.boxes) for truth in truths),
    )


def truths_by(teacher: Detector, clips: Iterable[Pictures]) -> list[Truth]:
    """A teacher's detections in all pictures, in order, as reference."""
    return [
        truth(teacher.detect(image), height=clip.source_height)
        for clip in clips
        for image in clip.images
    ]


def _matched(detections: Detections, truth: Truth) -> tuple[Floats32, npt.NDArray[np.bool_]]:
    """Scores and hits of the detections that count; matched greedily, by descending score."""
    ious = boxes.pairwise_iou(detections.boxes, truth.boxes)
    ignored = (boxes.pairwise_iou(detections.boxes, truth.ignored) >= MATCH_IOU).any(axis=1)
    hits = np.zeros(len(detections.boxes), np.bool_)
    for number in range(len(hits)):
        if truth.boxes.size and ious[number].max() >= MATCH_IOU:
            hits[number] = True
            ious[:, ious[number].argmax()] = 0
    counts = hits | ~ignored
    return detections.scores[counts], hits[counts]
