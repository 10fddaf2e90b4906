"""Several detectors that teach together: their boxes are fused, and kept in files.

Each of them overlooks people and makes some up; where they agree they are mostly right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from video_classifier.ml import files
from video_classifier.ml.contracts import Floats32, Image
from video_classifier.ml.distillation import scoring
from video_classifier.ml.distillation.scenes import Pictures
from video_classifier.ml.distillation.scoring import Truth
from video_classifier.ml.persons import onnx, overlap
from video_classifier.ml.persons.detector import Detections, Detector

LARGE = 512, 640  # (height, width) of NanoDet's larger input
TRUE_SCORE, IGNORED_SCORE = 0.35, 0.2  # of them together: a person; neither a person nor none
SAME_IOU = 0.55  # of boxes of one person


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A clip's pictures, and the people whom the teachers see in each."""

    pictures: Pictures
    people: tuple[Detections, ...]


class Mirrored:
    """A detector that looks at mirrored pictures: another opinion of the same network."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.threshold = detector.threshold
        self.sha256 = detector.sha256
        self.input_size = detector.input_size

    def detect(self, image: Image) -> Detections:
        found = self._detector.detect(np.ascontiguousarray(image[:, ::-1]))
        left, top, right, bottom = found.boxes.T
        mirrored = np.stack((1 - right, top, 1 - left, bottom), axis=1)
        return Detections(boxes=mirrored, scores=found.scores)


class Committee:
    """Detectors whose boxes are fused."""

    def __init__(self, members: Sequence[Detector]) -> None:
        self._members = members

    @property
    def sha256s(self) -> list[str]:
        """Of its members' weights, each once, in hexadecimal."""
        return list(dict.fromkeys(member.sha256 for member in self._members))

    def detect(self, image: Image) -> Detections:
        return fused([member.detect(image) for member in self._members])


def read(nanodet: Path, yolox: Path) -> Committee:
    """NanoDet-Plus at two sizes, once mirrored, and YOLOX. Raises DetectorError."""
    small = onnx.read(nanodet, in_onnx_runtime=True)
    large = onnx.read(nanodet, in_onnx_runtime=True, free_size=LARGE)
    return Committee([large, Mirrored(small), onnx.read(yolox, in_onnx_runtime=True)])


def fused(opinions: Sequence[Detections]) -> Detections:
    """Each person once: the mean of the boxes, weighted by score, and the mean score.

    A detector that overlooks somebody counts as a score of 0. Weighted box fusion: Solovyev et
    al., "Weighted boxes fusion", Image and Vision Computing 2021.
    """
    clusters: list[_Cluster] = []
    ranked = [
        (score, member, box)
        for member, opinion in enumerate(opinions)
        for box, score in zip(opinion.boxes, opinion.scores, strict=True)
    ]
    for score, member, box in sorted(ranked, key=lambda each: -each[0]):
        _nearest(clusters, box).add(box, float(score), member)
    clusters.sort(key=lambda cluster: -sum(cluster.best.values()))
    return Detections(
        boxes=np.array([cluster.box for cluster in clusters], np.float32).reshape(-1, 4),
        scores=np.array([sum(c.best.values()) / len(opinions) for c in clusters], np.float32),
    )


@dataclass(slots=True)
class _Cluster:
    """Boxes of one person."""

    weighted: Floats32 = field(default_factory=lambda: np.zeros(4, np.float32))
    weight: float = 0.0
    best: dict[int, float] = field(default_factory=dict)  # score, by detector

    @property
    def box(self) -> Floats32:
        return self.weighted / self.weight

    def add(self, box: Floats32, score: float, member: int) -> None:
        self.weighted = self.weighted + score * box
        self.weight += score
        self.best.setdefault(member, score)  # they come by descending score


def _nearest(clusters: list[_Cluster], box: Floats32) -> _Cluster:
    """The cluster of the same person, or else a new one."""
    if clusters:
        overlaps = overlap.iou(np.stack([cluster.box for cluster in clusters]), box)
        if overlaps.max() >= SAME_IOU:
            return clusters[int(overlaps.argmax())]
    clusters.append(_Cluster())
    return clusters[-1]


def label(
    pictures: Sequence[Pictures],
    committee: Committee,
    cache: Path,
    *,
    advance: Callable[[], None] = lambda: None,
) -> list[Labelled]:
    """The people in clips' pictures; a file for each clip in `cache` says it the next time."""
    labelled = []
    for clip in pictures:
        people = _people(clip, committee, cache / _file_name(clip, committee))
        labelled.append(Labelled(pictures=clip, people=people))
        advance()
    return labelled


def _file_name(clip: Pictures, committee: Committee) -> str:
    """Pictures are spread evenly, so that their number says which they are."""
    teachers = (sha256[:8] for sha256 in committee.sha256s)
    return "-".join((*teachers, str(len(clip.images)), clip.clip.replace("/", "-"))) + ".npz"


def truths(labelled: Sequence[Labelled]) -> list[Truth]:
    """What the teachers see in all pictures, in order, as reference."""
    return [
        scoring.truth(
            people,
            height=clip.pictures.source_height,
            true_score=TRUE_SCORE,
            ignored_score=IGNORED_SCORE,
        )
        for clip in labelled
        for people in clip.people
    ]


def _people(clip: Pictures, committee: Committee, kept: Path) -> tuple[Detections, ...]:
    if not kept.exists():
        found = [committee.detect(image) for image in clip.images]
        kept.parent.mkdir(parents=True, exist_ok=True)
        with files.atomic_write(kept) as aside, aside.open("wb") as target:
            np.savez(
                target,
                boxes=np.concatenate([each.boxes for each in found]),
                scores=np.concatenate([each.scores for each in found]),
                ends=np.cumsum([len(each.scores) for each in found]),
            )
    with kept.open("rb") as file, np.load(file) as arrays:
        ends = arrays["ends"][:-1]
        parts = zip(np.split(arrays["boxes"], ends), np.split(arrays["scores"], ends), strict=True)
        return tuple(Detections(boxes=each, scores=scores) for each, scores in parts)
