"""Box arithmetic: non-maximum suppression, box voting, letterboxing.

Boxes are arrays (..., 4): left, top, right, bottom, in any unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import ceil

import cv2
import numpy as np

from video_classifier.ml.contracts import Floats32, Image, Integers
from video_classifier.ml.persons.detector import Detections
from video_classifier.ml.persons.overlap import Array, iou

STRIDES = (8, 16, 32)
FOUR_STRIDES = (*STRIDES, 64)  # of NanoDet-Plus
MIN_SCORE = 0.1  # of a detection that is reported
GRAY = 114  # with which YOLO pads a picture to the size of its input
_MAX_LOG_SIDE = 8.0  # of a box, in strides: no broken network may overflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """How overlapping boxes are merged."""

    iou: float  # non-maximum suppression: boxes that overlap a higher-scoring one more are dropped
    voting_iou: float | None = None  # box voting: boxes that overlap the kept one that much count


YOLO = Suppression(iou=0.5)


def letterbox(
    image: Image, height: int, width: int, *, max_stretch: float = 1.0
) -> tuple[Image, tuple[float, float]]:
    """The picture in the upper left of a gray one of `height` x `width`, and its size there.

    It keeps its shape, or to fill more of it one side is scaled by up to `max_stretch` times as
    much as the other. The size, (height, width), is the one before rounding to whole pixels.
    """
    fits_y, fits_x = height / image.shape[0], width / image.shape[1]
    tall = image.shape[0] * min(fits_y, fits_x * max_stretch)
    wide = image.shape[1] * min(fits_x, fits_y * max_stretch)
    size = max(1, round(wide)), max(1, round(tall))
    filled = np.full((height, width, 3), GRAY, np.uint8)
    filled[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    return filled, (tall, wide)


def pairwise_iou(boxes: Array, others: Array) -> Array:
    """(n, m): intersection over union of each of the boxes (n, 4) with each of `others` (m, 4)."""
    return iou(boxes[:, None], others[None])


def nms(boxes: Floats32, scores: Floats32, *, threshold: float) -> Integers:
    """Indices of the boxes left by non-maximum suppression, by descending score.

    A box (n, 4) is dropped whose IoU with one of a higher score (n,) is above `threshold`.
    """
    corners_and_sizes = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1)
    indices = cv2.dnn.NMSBoxes(corners_and_sizes.tolist(), scores.tolist(), 0.0, threshold)
    return np.asarray(indices, np.intp).reshape(-1)


def vote(boxes: Floats32, scores: Floats32, indices: Integers, *, threshold: float) -> Floats32:
    """(len(indices), 4): box voting: each box at `indices` averaged with all that overlap it.

    These have an IoU of `threshold` or more with it, and weigh as much as they score.

    Gidaris & Komodakis, "Object detection via a multi-region and semantic segmentation-aware CNN
    model", ICCV 2015.
    """
    votes = pairwise_iou(boxes[indices], boxes) >= threshold
    weights = votes * scores
    return np.asarray(weights @ boxes / weights.sum(axis=1, keepdims=True), np.float32)


def detections(
    boxes: Floats32,
    scores: Floats32,
    *,
    height: float,
    width: float,
    suppression: Suppression = YOLO,
) -> Detections:
    """The people in a picture of `height` x `width`, one box each.

    Candidate boxes (n, 4) are in the picture's pixels, scores (n,) 0 to 1; those below `MIN_SCORE`
    are dropped.
    """
    is_candidate = scores >= MIN_SCORE
    boxes, scores = boxes[is_candidate], scores[is_candidate]
    indices = nms(boxes, scores, threshold=suppression.iou)
    if suppression.voting_iou is None:
        chosen = boxes[indices]
    else:
        chosen = vote(boxes, scores, indices, threshold=suppression.voting_iou)
    shares = chosen / np.array((width, height, width, height), np.float32)
    return Detections(
        boxes=np.clip(shares, 0, 1).astype(np.float32), scores=scores[indices].astype(np.float32)
    )


@cache
def cells(height: int, width: int, strides: tuple[int, ...] = STRIDES) -> tuple[Floats32, Floats32]:
    """The upper left corners (cells, 2) of all cells of a picture, and their strides (cells, 1).

    In pixels; each stride's grid row by row. Not to be written to.
    """
    corners, sizes = [], []
    for stride in strides:
        y, x = np.mgrid[: ceil(height / stride), : ceil(width / stride)]
        corners.append(np.stack((x, y), axis=-1).reshape(-1, 2) * stride)
        sizes.append(np.full((x.size, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def cell_count(height: int, width: int, strides: tuple[int, ...]) -> int:
    """Of a picture of `height` x `width`, in the grids of all strides."""
    return len(cells(height, width, strides)[0])


def from_yolox(
    output: Floats32, height: int, width: int, strides: tuple[int, ...] = STRIDES
) -> Floats32:
    """Boxes (cells, 4) in pixels of a picture of `height` x `width`, from a YOLOX head's output.

    `output` (cells, 4) has the center's offset from the cell's corner, in strides, and the
    logarithm of width and height in strides.
    """
    corners, sides = cells(height, width, strides)
    size = np.exp(np.minimum(output[:, 2:4], _MAX_LOG_SIDE)) * sides
    return from_centers(np.concatenate((output[:, :2] * sides + corners, size), axis=1))


def from_centers(boxes: Floats32) -> Floats32:
    """Left, top, right, bottom from x, y of the center, width, height; (n, 4) both."""
    half = boxes[:, 2:] / 2
    return np.concatenate((boxes[:, :2] - half, boxes[:, :2] + half), axis=1)


def sigmoid(logits: Floats32) -> Floats32:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)
