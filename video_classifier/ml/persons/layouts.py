"""What families of detectors take and give; the shape of a file's output shows which one it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from video_classifier.ml.contracts import Floats32, Image
from video_classifier.ml.persons import boxes

PERSON = 0  # the first of COCO's classes
_AXES = ("picture", "candidate", "value")  # the last two the other way round in YOLOv8
_ANCHORS = 3  # of YOLOv5, in each cell
_BEFORE_CLASSES = 5  # a box, and how sure it is of any object
BINS = 8  # of NanoDet, for the distance to each side


class Candidates(NamedTuple):
    """A network's boxes before suppression."""

    boxes: Floats32  # (n, 4): left, top, right, bottom in pixels
    scores: Floats32  # (n,): of a person, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLayout:
    """Input and output format of a family of networks."""

    name: str
    # Of the network's output (candidates, values), or for YOLOv8 (values, candidates), and the
    # height and width of its input.
    decode: Callable[[Floats32, int, int], Candidates]
    is_bgr: bool = False  # blue first, else red first
    # Of the network's input channels, which are 0 to 255 before: (pixel - mean) * scale.
    mean: tuple[float, float, float] = (0, 0, 0)
    scale: tuple[float, float, float] = (1, 1, 1)
    # How many times as much one side of a picture is scaled as the other, at most, to fill the
    # input.
    max_stretch: float = 1.0

    def fitting(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) that a picture may fit into to lose nothing by stretching."""
        return round(height * self.max_stretch), round(width * self.max_stretch)

    def pixels(self, picture: Image) -> Floats32:
        """(1, 3, height, width): the network's input for an RGB picture."""
        ordered = picture[..., ::-1] if self.is_bgr else picture
        mean, scale = np.array((self.mean, self.scale), np.float32)
        scaled = (ordered - mean) * scale
        return np.ascontiguousarray(scaled.transpose(2, 0, 1)[np.newaxis])


def by_shape(shape: tuple[int, ...], height: int, width: int) -> OutputLayout | None:
    """The family that has an output of such a shape; None if there is none."""
    _, rows, columns = shape if len(shape) == len(_AXES) else (0, 0, 0)
    cells = boxes.cell_count(height, width, boxes.STRIDES)
    if (rows, columns) == (cells, _BEFORE_CLASSES):  # the box and a logit
        return OWN
    if rows == cells and columns > _BEFORE_CLASSES:
        return YOLOX
    if rows == cells * _ANCHORS and columns > _BEFORE_CLASSES:
        return YOLOV5
    if columns == cells and rows >= _BEFORE_CLASSES:  # it has no objectness
        return YOLOV8
    if rows == boxes.cell_count(height, width, boxes.FOUR_STRIDES) and columns > 4 * BINS:
        return NANODET
    return None


def joined(outputs: list[Floats32]) -> Floats32:
    """One output (1, candidates, values): as it is, or of grids (1, values, rows, columns).

    Grids, one a stride, are those of a NanoDet whose class scores are logits still.
    """
    if len(outputs) == 1:
        return outputs[0]
    rows = [grid.reshape(*grid.shape[:2], -1) for grid in outputs if grid.ndim == len("NCHW")]
    if len(rows) != len(boxes.FOUR_STRIDES) or len({grid.shape[1] for grid in rows}) > 1:
        return np.empty(0, np.float32)
    rows.sort(key=lambda grid: -grid.shape[2])
    whole = np.concatenate(rows, axis=2).transpose(0, 2, 1)
    classes = boxes.sigmoid(whole[..., : -4 * BINS])
    return np.concatenate((classes, whole[..., -4 * BINS :]), axis=2)


def _yolox(output: Floats32, height: int, width: int) -> Candidates:
    return Candidates(
        boxes.from_yolox(output[:, :4], height, width), output[:, 4] * output[:, 5 + PERSON]
    )


def _yolov5(output: Floats32, height: int, width: int) -> Candidates:
    return Candidates(boxes.from_centers(output[:, :4]), output[:, 4] * output[:, 5 + PERSON])


def _yolov8(output: Floats32, height: int, width: int) -> Candidates:
    return Candidates(boxes.from_centers(output[:4].T), output[4 + PERSON])


def _nanodet(output: Floats32, height: int, width: int) -> Candidates:
    """Class scores, then the logits of eight distances to each side, in strides.

    A distance is the mean of its distribution: Li et al., "Generalized Focal Loss", NeurIPS 2020.
    Cells of a score that isn't reported are left out: that is nearly all of them.
    """
    corners, strides = boxes.cells(height, width, boxes.FOUR_STRIDES)
    chosen = output[:, PERSON] >= boxes.MIN_SCORE
    corners, strides, output = corners[chosen], strides[chosen], output[chosen]
    bins = output[:, -4 * BINS :].reshape(-1, 4, BINS)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    distances = weights @ np.arange(BINS, dtype=np.float32) / weights.sum(axis=2) * strides
    edges = np.concatenate((corners - distances[:, :2], corners + distances[:, 2:]), axis=1)
    return Candidates(edges, output[:, PERSON])


def _own(output: Floats32, height: int, width: int) -> Candidates:
    return Candidates(boxes.from_yolox(output[:, :4], height, width), boxes.sigmoid(output[:, 4]))


OWN = OutputLayout(name="own", decode=_own)
YOLOX = OutputLayout(name="YOLOX", is_bgr=True, decode=_yolox)
YOLOV5 = OutputLayout(name="YOLOv5", scale=(1 / 255,) * 3, decode=_yolov5)
YOLOV8 = OutputLayout(name="YOLOv8", scale=(1 / 255,) * 3, decode=_yolov8)
NANODET = OutputLayout(
    name="NanoDet-Plus",
    is_bgr=True,
    mean=(103.53, 116.28, 123.675),
    scale=(0.017429, 0.017507, 0.017125),
    max_stretch=1.5,  # it was trained with pictures stretched to its input
    decode=_nanodet,
)
