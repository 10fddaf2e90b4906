"""Batches for knowledge distillation of a person detector: augmented views and soft targets.

The teacher runs on the very view that the student gets; its scores and boxes in every cell are
the targets. No picture needs a label of its own, and the supply of views is endless.

Beyer et al., "Knowledge distillation: A good teacher is patient and consistent", CVPR 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import keras
import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats32, Image
from video_classifier.ml.persons import boxes

BATCH = 16
FLIPPED, GRAYSCALE, COMPRESSED = 0.5, 0.2, 0.25  # shares of the views


class Teacher(Protocol):
    """A detector of square pictures that gives its raw output, before non-maximum suppression."""

    input_size: tuple[int, int]

    def candidates(self, picture: Image) -> tuple[Floats32, Floats32]:
        """Of an RGB picture of `input_size`: boxes (cells, 4) in pixels, and scores (cells,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Pictures of one place, RGB, uint8, in any shapes."""

    name: str
    pictures: Sequence[Image]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStage:
    """A part of the curriculum: what views look like, and how fast the student learns."""

    size: int  # of the student's square views, in pixels
    epochs: int
    learning_rate: float  # at its highest; it rises at first, then falls to a hundredth
    warmup: int  # batches in which it rises
    weight_decay: float
    ema_momentum: float  # of the moving average of the weights, which is kept
    mosaics: float  # share of views that are composed of four pictures
    blended: float  # share of views that are blended with another one
    letterboxed: float  # share of pictures that are neither zoomed nor moved
    runs: int = 1  # from the same weights, with other views; their mean is kept


class DistillationBatches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras is not typed
    """Views and the teacher's output for them, other ones in every epoch.

    Views (batch, size, size, 3), RGB, uint8; targets (batch, cells, 5) float32: left, top, right
    and bottom in the view's pixels, and the score, 0 to 1.
    """

    epoch = 0  # the current one, from 0

    def __init__(
        self,
        scenes: Sequence[Scene],
        teacher: Teacher,
        stage: TrainingStage,
        *,
        steps: int,
        seed: int,
    ) -> None:
        super().__init__(workers=1, max_queue_size=4)
        self._scenes = scenes
        self._teacher = teacher
        self.stage = stage
        self._steps = steps
        self._seed = seed
        # A scene with many similar pictures is sampled more often, by their number's square root.
        share = np.sqrt([len(scene.pictures) for scene in scenes])
        self._shares = share / share.sum()
        self._side = teacher.input_size[0]
        self._nearby = _nearby_cells(self._side, stage.size)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, number: int) -> tuple[Image, Floats32]:
        draw = np.random.default_rng((self._seed, self.epoch, number))
        views, targets = [], []
        for _ in range(BATCH):
            view = _recolored(self._view(draw), draw)
            size = self.stage.size, self.stage.size
            views.append(cv2.resize(view, size, interpolation=cv2.INTER_AREA))
            targets.append(self._target(view))
        return np.stack(views).astype(np.uint8), np.stack(targets)

    def _view(self, draw: np.random.Generator) -> Image:
        view = self._composed(draw)
        if draw.random() < self.stage.blended:
            share = draw.uniform(0.1, 0.5)
            other = self._composed(draw)
            view = np.asarray(cv2.addWeighted(view, 1 - share, other, share, 0), np.uint8)
        return view

    def _composed(self, draw: np.random.Generator) -> Image:
        if draw.random() < self.stage.mosaics:
            return self._mosaic(draw)
        return self._placed((self._side, self._side), draw)

    def _mosaic(self, draw: np.random.Generator) -> Image:
        """Four pictures around a point near the middle: Bochkovskiy et al., YOLOv4, 2020."""
        side = self._side
        mosaic = np.empty((side, side, 3), np.uint8)
        x, y = draw.integers(side // 4, side * 3 // 4, 2)
        for rows in (slice(0, y), slice(y, side)):
            for columns in (slice(0, x), slice(x, side)):
                part = mosaic[rows, columns]
                part[:] = self._placed(part.shape[:2], draw)
        return mosaic

    def _placed(self, size: tuple[int, int], draw: np.random.Generator) -> Image:
        """A random picture in a view of (height, width): letterboxed, or zoomed and moved."""
        scene = self._scenes[int(draw.choice(len(self._scenes), p=self._shares))]
        picture = scene.pictures[int(draw.integers(len(scene.pictures)))]
        if draw.random() < FLIPPED:
            picture = picture[:, ::-1]
        if draw.random() < self.stage.letterboxed:
            return boxes.letterbox(picture, *size)[0]
        return _zoomed(picture, size, draw)

    def _target(self, view: Image) -> Floats32:
        """(cells, 5): box and score of the best of the teacher's cells there."""
        found, scores = self._teacher.candidates(view)
        best = scores[self._nearby].argmax(axis=1)
        best_cells = self._nearby[np.arange(len(best)), best]
        scaled = found[best_cells] * (self.stage.size / self._side)
        return np.concatenate((scaled, scores[best_cells, None]), axis=1).astype(np.float32)


def _nearby_cells(teacher_size: int, student_size: int) -> npt.NDArray[np.intp]:
    """(student's cells, 4): the teacher's cells under each, as indices."""
    cells, before = [], 0
    for stride in boxes.STRIDES:
        many, few = teacher_size // stride, student_size // stride
        first = np.arange(few) * many // few
        last = ((np.arange(few) + 1) * many - 1) // few
        choices = [y[:, None] * many + x[None] for y in (first, last) for x in (first, last)]
        cells.append(before + np.stack(choices, axis=-1).reshape(-1, 4))
        before += many * many
    return np.concatenate(cells)


def _zoomed(picture: Image, size: tuple[int, int], draw: np.random.Generator) -> Image:
    """The picture in a view of (height, width): zoomed, moved and stretched at random."""
    height, width = picture.shape[:2]
    fits, fills = sorted((size[0] / height, size[1] / width))
    zoom = np.exp(draw.uniform(np.log(0.7 * fits), np.log(2.2 * fills)))
    zoom_x = zoom * draw.uniform(0.85, 1.18)
    left = draw.uniform(*sorted((0.0, size[1] - width * zoom_x)))
    top = draw.uniform(*sorted((0.0, size[0] - height * zoom)))
    matrix = np.array([[zoom_x, 0, left], [0, zoom, top]])
    return np.asarray(
        cv2.warpAffine(picture, matrix, size[::-1], borderValue=(boxes.GRAY,) * 3), np.uint8
    )


def _recolored(view: Image, draw: np.random.Generator) -> Image:
    """Other light, contrast and colors; some in grayscale, some with JPEG artifacts."""
    gain = draw.uniform(0.6, 1.4) * draw.uniform(0.8, 1.25, 3)
    levels = np.clip(np.arange(256)[:, None] * gain + draw.uniform(-25, 25), 0, 255)
    recolored = cv2.LUT(view, levels.astype(np.uint8)[None])
    if draw.random() < GRAYSCALE:
        recolored = cv2.cvtColor(cv2.cvtColor(recolored, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if draw.random() < COMPRESSED:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(draw.integers(15, 60))]
        recolored = cv2.imdecode(cv2.imencode(".jpg", recolored, quality)[1], cv2.IMREAD_COLOR)  # type: ignore[assignment]
    return np.asarray(recolored, np.uint8)
