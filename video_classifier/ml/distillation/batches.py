"""Batches for fine-tuning a person detector: augmented views, and the people in them.

The people are those whom the teachers see in the whole picture, at a larger size than the network
gets. A picture needs no label of its own, and the supply of views is endless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import keras
import numpy as np

from video_classifier.ml.contracts import Floats32, Image
from video_classifier.ml.distillation.teachers import Labelled
from video_classifier.ml.persons import boxes, overlap
from video_classifier.ml.persons.layouts import NANODET

BATCH = 16
MAX_PEOPLE = 40  # in a view; the less certain ones beyond are left out
MOSAICS = 0.35  # share of views that are composed of four pictures
LETTERBOXED = 0.5  # share of pictures that are shown as in production
FLIPPED, GRAYSCALE, COMPRESSED, COARSE, BLURRED = 0.5, 0.2, 0.3, 0.25, 0.15  # shares of the views
MIN_SCORE = 0.1  # of the teachers together: less is nobody
MIN_VISIBLE = 0.35  # of a person's box, else nobody is expected there
MIN_SIDE = 4.0  # pixels of a person's box in a view


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A picture to learn from."""

    image: Image  # (height, width, 3) RGB, uint8
    boxes: Floats32  # (n, 4): left, top, right, bottom in pixels
    scores: Floats32  # (n,): of the teachers, 0 to 1


class DistillationBatches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras is not typed
    """Views and the people in them, other ones in every epoch.

    Views (batch, height, width, 3), RGB, uint8; targets (batch, MAX_PEOPLE, 5) float32: left, top,
    right and bottom in the view's pixels, and the score, 0 to 1; zeros where there is nobody.
    """

    epoch = 0  # the current one, from 0

    def __init__(
        self,
        scenes: Sequence[Sequence[Labelled]],
        *,
        height: int,
        width: int,
        steps: int,
        seed: int,
    ) -> None:
        super().__init__(workers=1, max_queue_size=4)
        self._scenes = [
            [
                View(image=image, boxes=people.boxes, scores=people.scores)
                for clip in clips
                for image, people in zip(clip.pictures.images, clip.people, strict=True)
            ]
            for clips in scenes
        ]
        self._size = height, width
        self._steps = steps
        self._seed = seed
        # A scene with many similar pictures is sampled more often, by their number's square root.
        share = np.sqrt([len(pictures) for pictures in self._scenes])
        self._shares = share / share.sum()

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, number: int) -> tuple[Image, Floats32]:
        draw = np.random.default_rng((self._seed, self.epoch, number))
        views = [self._view(draw) for _ in range(BATCH)]
        images = np.stack([_recolored(view.image, draw) for view in views])
        return images, np.stack([_target(view) for view in views])

    def _view(self, draw: np.random.Generator) -> View:
        if draw.random() < MOSAICS:
            return self._mosaic(draw)
        return self._placed(self._size, draw)

    def _mosaic(self, draw: np.random.Generator) -> View:
        """Four pictures around a point near the middle: Bochkovskiy et al., YOLOv4, 2020."""
        height, width = self._size
        mosaic = np.empty((height, width, 3), np.uint8)
        x = int(draw.integers(width // 4, width * 3 // 4))
        y = int(draw.integers(height // 4, height * 3 // 4))
        parts = []
        for rows in (slice(0, y), slice(y, height)):
            for columns in (slice(0, x), slice(x, width)):
                size = rows.stop - rows.start, columns.stop - columns.start
                part = self._placed(size, draw)
                mosaic[rows, columns] = part.image
                corner = np.array([columns.start, rows.start] * 2, np.float32)
                parts.append((part.boxes + corner, part.scores))
        return View(
            image=mosaic,
            boxes=np.concatenate([corners for corners, _ in parts]),
            scores=np.concatenate([scores for _, scores in parts]),
        )

    def _placed(self, size: tuple[int, int], draw: np.random.Generator) -> View:
        """A random picture in a view of (height, width): letterboxed, or zoomed and moved."""
        pictures = self._scenes[int(draw.choice(len(self._scenes), p=self._shares))]
        picture = pictures[int(draw.integers(len(pictures)))]
        if draw.random() < FLIPPED:
            left, top, right, bottom = picture.boxes.T
            mirrored = np.stack((1 - right, top, 1 - left, bottom), axis=1)
            picture = View(image=picture.image[:, ::-1], boxes=mirrored, scores=picture.scores)
        if draw.random() < LETTERBOXED:
            return _letterboxed(picture, size)
        return _zoomed(picture, size, draw)


def _letterboxed(picture: View, size: tuple[int, int]) -> View:
    image, (tall, wide) = boxes.letterbox(picture.image, *size, max_stretch=NANODET.max_stretch)
    return _visible(image, picture.boxes * np.array([wide, tall] * 2, np.float32), picture.scores)


def _zoomed(picture: View, size: tuple[int, int], draw: np.random.Generator) -> View:
    """The picture in a view of (height, width): zoomed, moved and stretched at random."""
    height, width = picture.image.shape[:2]
    fits, fills = sorted((size[0] / height, size[1] / width))
    zoom = np.exp(draw.uniform(np.log(0.6 * fits), np.log(2.2 * fills)))
    zoom_y = zoom * draw.uniform(0.85, 1.4)  # in production, pictures are stretched like that
    left = draw.uniform(*sorted((0.0, size[1] - width * zoom)))
    top = draw.uniform(*sorted((0.0, size[0] - height * zoom_y)))
    matrix = np.array([[zoom, 0, left], [0, zoom_y, top]])
    image = cv2.warpAffine(
        picture.image, matrix, size[::-1], borderValue=(boxes.GRAY,) * 3, flags=cv2.INTER_AREA
    )
    sides, corner = [width * zoom, height * zoom_y] * 2, [left, top] * 2
    moved = picture.boxes * np.array(sides, np.float32) + np.array(corner, np.float32)
    return _visible(np.asarray(image, np.uint8), moved, picture.scores)


def _visible(image: Image, people: Floats32, scores: Floats32) -> View:
    """With the people of whom enough is in the view, up to its edges."""
    height, width = image.shape[:2]
    inside = np.clip(people, 0, np.array([width, height] * 2, np.float32)).astype(np.float32)
    sides = (inside[:, 2:] - inside[:, :2]).min(axis=1)
    tiny = np.finfo(np.float32).tiny
    share = overlap.areas(inside) / np.maximum(overlap.areas(people), tiny)
    kept = (sides >= MIN_SIDE) & (share >= MIN_VISIBLE)
    return View(image=image, boxes=inside[kept], scores=scores[kept])


def _target(view: View) -> Floats32:
    target = np.zeros((MAX_PEOPLE, 5), np.float32)
    best = np.argsort(-view.scores)[:MAX_PEOPLE]
    best = best[view.scores[best] >= MIN_SCORE]
    target[: len(best), :4], target[: len(best), 4] = view.boxes[best], view.scores[best]
    return target


def _recolored(view: Image, draw: np.random.Generator) -> Image:
    """Other light, contrast and colors; some coarse, blurred, gray, or with JPEG artifacts."""
    gain = np.exp(draw.uniform(-0.9, 0.4)) * draw.uniform(0.85, 1.18, 3)
    levels = np.clip(np.arange(256)[:, None] * gain + draw.uniform(-20, 30), 0, 255)
    recolored = cv2.LUT(view, levels.astype(np.uint8)[None])
    if draw.random() < COARSE:
        height, width = view.shape[:2]
        share = draw.uniform(0.4, 0.9)
        small = round(width * share), round(height * share)
        coarse = cv2.resize(recolored, small, interpolation=cv2.INTER_AREA)
        recolored = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    if draw.random() < BLURRED:
        recolored = cv2.GaussianBlur(recolored, (0, 0), draw.uniform(0.4, 1.2))
    if draw.random() < GRAYSCALE:
        recolored = cv2.cvtColor(cv2.cvtColor(recolored, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if draw.random() < COMPRESSED:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(draw.integers(15, 60))]
        recolored = cv2.imdecode(cv2.imencode(".jpg", recolored, quality)[1], cv2.IMREAD_COLOR)  # type: ignore[assignment]
    return np.asarray(recolored, np.uint8)
