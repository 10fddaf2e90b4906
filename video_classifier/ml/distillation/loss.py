"""The loss of a student detector against a teacher's scores and boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from video_classifier.ml.persons import boxes

Tensor = Any  # Keras is not typed

MIN_SCORE = 0.05  # of the teacher, in a cell whose box is learned
BOX_WEIGHT = 2  # of the loss of boxes beside that of scores
_EPSILON = 1e-6


def distillation_loss(size: int) -> Callable[[Tensor, Tensor], Tensor]:
    """For square views of `size` pixels: of targets and outputs, (batch, cells, 5) both.

    Targets are left, top, right and bottom in pixels and the teacher's score, 0 to 1; outputs
    are center, log size and the score as a logit, relative to the cell. Quality focal loss of
    the scores, and GIoU loss of the boxes, weighted by the teacher's score.

    Li et al., "Generalized Focal Loss", NeurIPS 2020; Rezatofighi et al., "Generalized
    Intersection over Union", CVPR 2019.
    """
    corners, strides = boxes.cells(size, size)

    def loss(targets: Tensor, outputs: Tensor) -> Tensor:
        ops = keras.ops
        scores, logits = targets[..., 4], outputs[..., 4]
        entropy = ops.binary_crossentropy(scores, logits, from_logits=True)
        focal = ops.square(scores - ops.sigmoid(logits)) * entropy
        weights = ops.where(scores > MIN_SCORE, scores, 0.0)
        centers = outputs[..., :2] * strides + corners
        half = ops.exp(ops.clip(outputs[..., 2:4], -6, 6)) * strides / 2
        predicted = ops.concatenate((centers - half, centers + half), axis=-1)
        box_losses = 1 - _giou(targets[..., :4], predicted)
        total = ops.sum(focal) + BOX_WEIGHT * ops.sum(weights * box_losses)
        return total / (ops.sum(weights) + 1)

    return loss


def _giou(one: Tensor, other: Tensor) -> Tensor:
    """(batch, cells), -1 to 1: generalized IoU of boxes (batch, cells, 4)."""
    ops = keras.ops
    inner = ops.maximum(one[..., :2], other[..., :2]), ops.minimum(one[..., 2:], other[..., 2:])
    outer = ops.minimum(one[..., :2], other[..., :2]), ops.maximum(one[..., 2:], other[..., 2:])
    intersection, enclosing = _area(*inner), _area(*outer)
    areas = _area(one[..., :2], one[..., 2:]) + _area(other[..., :2], other[..., 2:])
    union = areas - intersection
    return intersection / (union + _EPSILON) - (enclosing - union) / (enclosing + _EPSILON)


def _area(left_top: Tensor, right_bottom: Tensor) -> Tensor:
    return keras.ops.prod(keras.ops.maximum(right_bottom - left_top, 0), axis=-1)
