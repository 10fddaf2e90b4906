"""What our own detector learns from: views of pictures, each labelled by a teacher.

The teacher looks at the very view that the student gets, and says for every cell of its grids how
sure it is and where the box would be. No picture needs a label of its own, and there is an endless
supply of views.

Beyer et al., "Knowledge distillation: A good teacher is patient and consistent", CVPR 2022.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import keras
import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats32, Image
from video_classifier.ml.persons import boxes

BATCH = 16
FLIPPED, COLORLESS, POOR = 0.5, 0.2, 0.25  # shares of the views
_TINY = 1e-6
_SURE = 0.05  # of a cell whose box is worth learning


class Teacher(Protocol):
    """A detector that tells all it sees in square pictures, before doubles are suppressed."""

    input_size: tuple[int, int]

    def candidates(self, picture: Image) -> tuple[Floats32, Floats32]:
        """Of an RGB picture of `input_size`: boxes (cells, 4) in pixels, and scores (cells,)."""


Tensor = Any  # Keras is not typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Pictures of one place, RGB, uint8, in any shapes."""

    name: str
    pictures: Sequence[Image]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of the training."""

    size: int  # of the student's square views, in pixels
    epochs: int
    learning_rate: float  # at its highest; it rises at first, then falls to a hundredth
    warmup: int  # batches in which it rises
    weight_decay: float
    averaged: float  # momentum of the moving average of the weights, which is what is kept
    mosaics: float  # share of views that are put together from four pictures
    blended: float  # share of views with another one shining through
    whole: float  # share of pictures that are shown as they are
    runs: int = 1  # each from the same weights, with other views; their mean is kept


class Lessons(keras.utils.PyDataset):  # type: ignore[misc]  # Keras is not typed
    """Batches of views and of what the teacher says of them, other ones in every epoch.

    Views (batch, size, size, 3), RGB, uint8; answers (batch, cells, 5): left, top, right and
    bottom in the view's pixels, and the score.
    """

    epoch = 0  # whose views they are

    def __init__(
        self,
        scenes: Sequence[Scene],
        teacher: Teacher,
        stage: Stage,
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
        # A scene of many alike pictures counts more than one of few, but not as much more.
        share = np.sqrt([len(scene.pictures) for scene in scenes])
        self._shares = share / share.sum()
        self._side = teacher.input_size[0]
        self._nearby = _nearby_cells(self._side, stage.size)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, number: int) -> tuple[Image, Floats32]:
        draw = np.random.default_rng((self._seed, self.epoch, number))
        views, answers = [], []
        for _ in range(BATCH):
            view = _recolored(self._view(draw), draw)
            size = self.stage.size, self.stage.size
            views.append(cv2.resize(view, size, interpolation=cv2.INTER_AREA))
            answers.append(self._answer(view))
        return np.stack(views).astype(np.uint8), np.stack(answers)

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
        """Four pictures that meet somewhere about the middle."""
        side = self._side
        mosaic = np.empty((side, side, 3), np.uint8)
        x, y = draw.integers(side // 4, side * 3 // 4, 2)
        for rows in (slice(0, y), slice(y, side)):
            for columns in (slice(0, x), slice(x, side)):
                part = mosaic[rows, columns]
                part[:] = self._placed(part.shape[:2], draw)
        return mosaic

    def _placed(self, size: tuple[int, int], draw: np.random.Generator) -> Image:
        """A picture in a view of (height, width), mirrored or not: all of it, or some."""
        scene = self._scenes[int(draw.choice(len(self._scenes), p=self._shares))]
        picture = scene.pictures[int(draw.integers(len(scene.pictures)))]
        if draw.random() < FLIPPED:
            picture = picture[:, ::-1]
        if draw.random() < self.stage.whole:
            return boxes.letterbox(picture, *size)[0]
        return _moved(picture, size, draw)

    def _answer(self, view: Image) -> Floats32:
        """(cells, 5) for the student's cells: that of the surest of the teacher's cells there."""
        places, scores = self._teacher.candidates(view)
        best = scores[self._nearby].argmax(axis=1)
        surest = self._nearby[np.arange(len(best)), best]
        scaled = places[surest] * (self.stage.size / self._side)
        return np.concatenate((scaled, scores[surest, None]), axis=1).astype(np.float32)


def _nearby_cells(theirs: int, ours: int) -> npt.NDArray[np.intp]:
    """(our cells, 4): those of a teacher's picture that lie under each of ours."""
    found, before = [], 0
    for stride in boxes.STRIDES:
        many, few = theirs // stride, ours // stride
        first = np.arange(few) * many // few
        last = ((np.arange(few) + 1) * many - 1) // few
        choices = [y[:, None] * many + x[None] for y in (first, last) for x in (first, last)]
        found.append(before + np.stack(choices, axis=-1).reshape(-1, 4))
        before += many * many
    return np.concatenate(found)


def _moved(picture: Image, size: tuple[int, int], draw: np.random.Generator) -> Image:
    """The picture in a view of (height, width): smaller or larger, anywhere, and squeezed."""
    height, width = picture.shape[:2]
    shows_all, fills = sorted((size[0] / height, size[1] / width))
    zoom = np.exp(draw.uniform(np.log(0.7 * shows_all), np.log(2.2 * fills)))
    zoom_x = zoom * draw.uniform(0.85, 1.18)
    left = draw.uniform(*sorted((0.0, size[1] - width * zoom_x)))
    top = draw.uniform(*sorted((0.0, size[0] - height * zoom)))
    matrix = np.array([[zoom_x, 0, left], [0, zoom, top]])
    return np.asarray(
        cv2.warpAffine(picture, matrix, size[::-1], borderValue=(boxes.GRAY,) * 3), np.uint8
    )


def _recolored(view: Image, draw: np.random.Generator) -> Image:
    """Other light, contrast and colors, and now and then the poor picture of a cheap camera."""
    gain = draw.uniform(0.6, 1.4) * draw.uniform(0.8, 1.25, 3)
    levels = np.clip(np.arange(256)[:, None] * gain + draw.uniform(-25, 25), 0, 255)
    seen = cv2.LUT(view, levels.astype(np.uint8)[None])
    if draw.random() < COLORLESS:
        seen = cv2.cvtColor(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if draw.random() < POOR:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(draw.integers(15, 60))]
        seen = cv2.imdecode(cv2.imencode(".jpg", seen, quality)[1], cv2.IMREAD_COLOR)  # type: ignore[assignment]
    return np.asarray(seen, np.uint8)


def loss(size: int) -> Callable[[Tensor, Tensor], Tensor]:
    """For views of that size: of answers and of what the student says, (batch, cells, 5) both.

    Quality focal loss of the scores, and GIoU loss of the boxes as far as the teacher is sure.

    Li et al., "Generalized Focal Loss", NeurIPS 2020; Rezatofighi et al., "Generalized
    Intersection over Union", CVPR 2019.
    """
    corners, strides = boxes.cells(size, size)

    def of(answers: Tensor, said: Tensor) -> Tensor:
        ops = keras.ops
        sure, logits = answers[..., 4], said[..., 4]
        entropy = ops.binary_crossentropy(sure, logits, from_logits=True)
        focal = ops.square(sure - ops.sigmoid(logits)) * entropy
        weights = ops.where(sure > _SURE, sure, 0.0)
        centers = said[..., :2] * strides + corners
        half = ops.exp(ops.clip(said[..., 2:4], -6, 6)) * strides / 2
        found = ops.concatenate((centers - half, centers + half), axis=-1)
        apart = 1 - _giou(answers[..., :4], found)
        return (ops.sum(focal) + 2 * ops.sum(weights * apart)) / (ops.sum(weights) + 1)

    return of


def _giou(one: Tensor, other: Tensor) -> Tensor:
    """(batch, cells): -1 to 1, how well boxes (batch, cells, 4) agree."""
    ops = keras.ops
    inner = ops.maximum(one[..., :2], other[..., :2]), ops.minimum(one[..., 2:], other[..., 2:])
    outer = ops.minimum(one[..., :2], other[..., :2]), ops.maximum(one[..., 2:], other[..., 2:])
    shared, around = _area(*inner), _area(*outer)
    union = _area(one[..., :2], one[..., 2:]) + _area(other[..., :2], other[..., 2:]) - shared
    return shared / (union + _TINY) - (around - union) / (around + _TINY)


def _area(left_top: Tensor, right_bottom: Tensor) -> Tensor:
    return keras.ops.prod(keras.ops.maximum(right_bottom - left_top, 0), axis=-1)
