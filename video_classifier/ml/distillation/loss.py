"""The loss of a student detector against its teachers' scores and boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from video_classifier.ml.persons import boxes
from video_classifier.ml.persons.layouts import BINS

Tensor = Any  # Keras is not typed

BOX_WEIGHT, DISTRIBUTION_WEIGHT = 2.0, 0.25  # beside the loss of scores, as in NanoDet-Plus
IOU_COST = 3.0  # beside the cost of the score, when cells are assigned
CANDIDATES = 10  # cells at most that are assigned to one person
_EPSILON = 1e-6


class _Cells(NamedTuple):
    """What is expected of each cell: (batch, cells, …)."""

    scores: Tensor  # 0 of a cell that belongs to nobody
    boxes: Tensor  # (…, 4)


def distillation_loss(height: int, width: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Of targets (batch, people, 5) and outputs (batch, cells, 33), for views of that size.

    Targets are left, top, right and bottom in pixels and the teachers' score, 0 to 1; outputs are
    the score as a logit, and of each side the logits of eight distances. Quality focal loss of the
    scores, GIoU loss of the boxes, distribution focal loss of the distances, the last two weighted
    by the score that is expected.

    Li et al., "Generalized Focal Loss", NeurIPS 2020; Rezatofighi et al., "Generalized
    Intersection over Union", CVPR 2019.
    """
    corners, strides = boxes.cells(height, width, boxes.FOUR_STRIDES)

    def loss(targets: Tensor, outputs: Tensor) -> Tensor:
        ops = keras.ops
        logits = outputs[..., 0]
        bins = ops.reshape(outputs[..., 1:], (-1, len(corners), 4, BINS))
        distances = ops.softmax(bins) @ np.arange(BINS, dtype=np.float32)[:, None]
        distances = ops.squeeze(distances, axis=-1) * strides
        predicted = ops.concatenate(
            (corners - distances[..., :2], corners + distances[..., 2:]), axis=-1
        )
        expected = _assigned(
            targets, ops.stop_gradient(logits), ops.stop_gradient(predicted), corners
        )
        score_losses = _quality_focal(expected.scores, logits)
        box_losses = 1 - _giou(expected.boxes, predicted)
        sides = ops.concatenate(
            (corners - expected.boxes[..., :2], expected.boxes[..., 2:] - corners), axis=-1
        )
        bin_losses = ops.mean(_distribution_focal(sides / strides, bins), axis=-1)
        weighted = BOX_WEIGHT * box_losses + DISTRIBUTION_WEIGHT * bin_losses
        total = ops.sum(score_losses) + ops.sum(expected.scores * weighted)
        return total / (ops.sum(expected.scores) + 1)

    return loss


def _assigned(targets: Tensor, logits: Tensor, predicted: Tensor, corners: Tensor) -> _Cells:
    """Gives each person some of the cells within their box that predict them best by now.

    How many depends on how well they fit. The best cell is expected to score as much as the
    teachers did, the others less, the worse their boxes fit. In the manner of NanoDet-Plus, whose
    assignment is that of SimOTA: Ge et al., "YOLOX", arXiv:2107.08430.
    """
    ops = keras.ops
    people, scores = targets[..., :4], targets[..., 4]
    ious = _iou(predicted[:, None], people[:, :, None])  # (batch, people, cells)
    x, y = corners[:, 0], corners[:, 1]
    left, top, right, bottom = (people[..., side, None] for side in range(4))
    inside = (x > left) & (x < right) & (y > top) & (y < bottom)  # never, of an empty box
    cost = _quality_focal(ious, ops.expand_dims(logits, 1)) - IOU_COST * ops.log(ious + _EPSILON)
    merit = ops.where(inside, -cost, -np.inf)
    best, _ = ops.top_k(merit, CANDIDATES)  # (batch, people, CANDIDATES)
    fitting, _ = ops.top_k(ops.where(inside, ious, 0.0), CANDIDATES)
    number = ops.clip(ops.cast(ops.sum(fitting, axis=-1), "int32"), 1, CANDIDATES)
    least = ops.take_along_axis(best, number[..., None] - 1, axis=-1)
    merit = ops.where(inside & (merit >= least), merit, -np.inf)
    person = ops.argmax(merit, axis=1)  # (batch, cells): each belongs to one at most
    is_taken = ops.max(merit, axis=1) > -np.inf
    own = inside & (ops.arange(people.shape[1])[:, None] == person[:, None]) & is_taken[:, None]
    own_ious = ops.where(own, ious, 0.0)
    share = own_ious / (ops.max(own_ious, axis=-1, keepdims=True) + _EPSILON)
    return _Cells(
        scores=ops.sum(scores[..., None] * share, axis=1),
        boxes=ops.take_along_axis(people, person[..., None], axis=1),
    )


def _quality_focal(scores: Tensor, logits: Tensor) -> Tensor:
    """Of scores expected, 0 to 1, and logits; shapes broadcast."""
    ops = keras.ops
    # Cross entropy from logits: Keras' own doesn't broadcast.
    entropy = ops.softplus(logits) - scores * logits
    return ops.square(scores - ops.sigmoid(logits)) * entropy


def _distribution_focal(distances: Tensor, bins: Tensor) -> Tensor:
    """Cross entropy of the two bins next to each distance (…, 4), which is in strides."""
    ops = keras.ops
    inside = ops.clip(distances, 0.0, BINS - 1.01)
    lower = ops.floor(inside)
    share = inside - lower
    upper_bin = ops.cast(lower, "int32") + 1
    logs = ops.log_softmax(bins)
    below = ops.sum(ops.one_hot(upper_bin - 1, BINS) * logs, axis=-1)
    above = ops.sum(ops.one_hot(upper_bin, BINS) * logs, axis=-1)
    return -(1 - share) * below - share * above


def _iou(one: Tensor, other: Tensor) -> Tensor:
    """Of boxes (…, 4), 0 to 1; shapes broadcast."""
    shared, union, _ = _overlap(one, other)
    return shared / (union + _EPSILON)


def _giou(one: Tensor, other: Tensor) -> Tensor:
    """-1 to 1: generalized IoU of boxes (…, 4); shapes broadcast."""
    shared, union, enclosing = _overlap(one, other)
    return shared / (union + _EPSILON) - (enclosing - union) / (enclosing + _EPSILON)


def _overlap(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Areas of intersection, union and the box around both."""
    ops = keras.ops
    inner = ops.maximum(one[..., :2], other[..., :2]), ops.minimum(one[..., 2:], other[..., 2:])
    outer = ops.minimum(one[..., :2], other[..., :2]), ops.maximum(one[..., 2:], other[..., 2:])
    shared, enclosing = _area(*inner), _area(*outer)
    union = _area(one[..., :2], one[..., 2:]) + _area(other[..., :2], other[..., 2:]) - shared
    return shared, union, enclosing


def _area(left_top: Tensor, right_bottom: Tensor) -> Tensor:
    return keras.ops.prod(keras.ops.maximum(right_bottom - left_top, 0), axis=-1)
