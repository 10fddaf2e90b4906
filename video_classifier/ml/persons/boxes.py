"""Box arithmetic: overlap, suppression of doubles, and pictures made to fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats32, Image
from video_classifier.ml.persons.detector import Detections

STRIDES = (8, 16, 32)
FAINTEST = 0.1  # score of a detection that is still reported
GRAY = 114  # what YOLO lays around a picture that does not fill its input
_LARGEST = 8.0  # logarithm of a box's side in strides: no broken network may overflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubles:
    """How several boxes of one person become one."""

    same: float  # boxes that overlap more are of one person
    vote: float | None = None  # those that overlap the surest that much are averaged with it


YOLO = Doubles(same=0.5)


def fitted(image: Image, height: int, width: int) -> tuple[Image, float]:
    """The picture in the upper left of a gray one of `height` x `width`, and its scale."""
    scale = min(height / image.shape[0], width / image.shape[1])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    filled = np.full((height, width, 3), GRAY, np.uint8)
    filled[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    return filled, scale


def overlaps(one: Floats32, other: Floats32) -> Floats32:
    """(n, m): intersection over union of boxes (n, 4) and (m, 4): left, top, right, bottom."""
    corner = np.maximum(one[:, None, :2], other[None, :, :2])
    opposite = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(opposite - corner, 0, None).prod(axis=2)
    union = areas(one)[:, None] + areas(other)[None] - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float32)


def areas(boxes: Floats32) -> Floats32:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), np.float32)


def distinct(boxes: Floats32, scores: Floats32, *, overlap: float) -> npt.NDArray[np.intp]:
    """Numbers of the boxes that overlap no surer one by more than `overlap`, the surest first."""
    corners_and_sizes = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1)
    kept = cv2.dnn.NMSBoxes(corners_and_sizes.tolist(), scores.tolist(), 0.0, overlap)
    return np.asarray(kept, np.intp).reshape(-1)


def cells(height: int, width: int, strides: Sequence[int] = STRIDES) -> tuple[Floats32, Floats32]:
    """The upper left corners (cells, 2) of all cells of a picture, and their strides (cells, 1).

    In pixels; each stride's grid row by row.
    """
    corners, sizes = [], []
    for stride in strides:
        y, x = np.mgrid[: height // stride, : width // stride]
        corners.append(np.stack((x, y), axis=-1).reshape(-1, 2) * stride)
        sizes.append(np.full((x.size, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def from_yolox(said: Floats32, height: int, width: int) -> Floats32:
    """Boxes (cells, 4) from what a network says of each cell: place, and size as a logarithm.

    `said` (cells, 4) is counted in strides; the boxes are left, top, right, bottom in pixels.
    """
    corners, strides = cells(height, width)
    size = np.exp(np.minimum(said[:, 2:4], _LARGEST)) * strides
    return from_centers(np.concatenate((said[:, :2] * strides + corners, size), axis=1))


def from_centers(found: Floats32) -> Floats32:
    """Left, top, right, bottom from x, y of the center, width, height; (n, 4) both."""
    half = found[:, 2:] / 2
    return np.concatenate((found[:, :2] - half, found[:, :2] + half), axis=1)


def sigmoid(logits: Floats32) -> Floats32:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def voted(
    boxes: Floats32, scores: Floats32, kept: npt.NDArray[np.intp], overlap: float
) -> Floats32:
    """(kept, 4): of each box that is kept the mean with all that overlap it by as much or more.

    Each weighs as much as it is sure.

    Gidaris & Komodakis, "Object detection via a multi-region and semantic segmentation-aware CNN
    model", ICCV 2015.
    """
    alike = overlaps(boxes[kept], boxes) >= overlap
    weights = alike * scores
    return np.asarray(weights @ boxes / weights.sum(axis=1, keepdims=True), np.float32)


def detections(
    boxes: Floats32, scores: Floats32, *, height: float, width: float, doubles: Doubles = YOLO
) -> Detections:
    """What a detector found in a picture of `height` x `width`, each person once."""
    worth = scores >= FAINTEST
    boxes, scores = boxes[worth], scores[worth]
    kept = distinct(boxes, scores, overlap=doubles.same)
    places = boxes[kept] if doubles.vote is None else voted(boxes, scores, kept, doubles.vote)
    shares = places / np.array((width, height, width, height), np.float32)
    return Detections(
        boxes=np.clip(shares, 0, 1).astype(np.float32), scores=scores[kept].astype(np.float32)
    )
