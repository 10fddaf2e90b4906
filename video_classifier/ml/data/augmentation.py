"""Augments clips: samples a random stretch, rotates, crops, flips, changes light and contrast."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import ClipSpec, Image
from video_classifier.ml.data.settings import check, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far an augmented copy may be from the clip. Raises ValueError out of the ranges."""

    shortest_stretch: float = setting(
        0.6, "least share of the clip's length that is sampled", least=0.05, most=1
    )
    speed: float = setting(
        0.0,
        "most by which it starts faster or slower than it ends, as a share",
        least=0,
        most=1,
    )
    smallest_crop: float = setting(0.8, "least share of the picture's sides", least=0.05, most=1)
    rotation: float = setting(
        0.0, "most that the picture is rotated, in degrees", least=0, most=180
    )
    brightness: float = setting(0.25, "most that is added or taken, of full scale", least=0, most=1)
    contrast: float = setting(0.25, "most that it changes, as a share", least=0, most=1)
    flip: float = setting(0.5, "probability that the picture is mirrored", least=0, most=1)

    def __post_init__(self) -> None:
        check(self)


def augment(
    frames: Image, spec: ClipSpec, augmentation: Augmentation, random: np.random.Generator
) -> Image:
    """An augmented copy of (n, h, w, 3) RGB uint8 frames at an even rate, in `spec.shape`.

    All frames of a copy are rotated, cropped, flipped and lit alike, as by one camera.
    """
    sampled = frames[_sampled_indices(len(frames), spec.frames, augmentation, random)]
    if augmentation.rotation:
        sampled = _rotated(sampled, random.uniform(-augmentation.rotation, augmentation.rotation))
    sampled = _cropped(sampled, augmentation, random)
    scaled = np.stack([resize(frame, spec) for frame in sampled])
    if random.random() < augmentation.flip:
        scaled = scaled[:, :, ::-1]
    return _relit(scaled, augmentation, random)


def resize(frame: Image, spec: ClipSpec) -> Image:
    """(h, w, 3) to (spec.height, spec.width, 3)."""
    size = (spec.width, spec.height)
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _sampled_indices(
    available: int, wanted: int, augmentation: Augmentation, random: np.random.Generator
) -> npt.NDArray[np.intp]:
    """(wanted,) ascending, one from each part of a random stretch of (available,) frames."""
    length = available * random.uniform(augmentation.shortest_stretch, 1)
    start = random.uniform(0, available - length)
    within = (np.arange(wanted) + random.uniform(0, 1, wanted)) / wanted
    if augmentation.speed:
        faster = random.uniform(-augmentation.speed, augmentation.speed)
        within += faster * within * (1 - within)  # from 1 + faster to 1 - faster as fast
    indices: npt.NDArray[np.intp] = (start + within * length).astype(np.intp)
    return np.minimum(indices, available - 1)


def _rotated(frames: Image, degrees: float) -> Image:
    """The corners that come into view mirror the picture."""
    height, width = frames.shape[1:3]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    rotated = [
        cv2.warpAffine(frame, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        for frame in frames
    ]
    return np.stack(rotated).astype(np.uint8, copy=False)


def _cropped(frames: Image, augmentation: Augmentation, random: np.random.Generator) -> Image:
    share = random.uniform(augmentation.smallest_crop, 1)
    height, width = (round(side * share) for side in frames.shape[1:3])
    top = random.integers(0, frames.shape[1] - height + 1)
    left = random.integers(0, frames.shape[2] - width + 1)
    return frames[:, top : top + height, left : left + width]


def _relit(frames: Image, augmentation: Augmentation, random: np.random.Generator) -> Image:
    contrast = random.uniform(1 - augmentation.contrast, 1 + augmentation.contrast)
    brightness = 255 * random.uniform(-augmentation.brightness, augmentation.brightness)
    middle = 127.5
    lit = (frames.astype(np.float32) - middle) * contrast + middle + brightness
    clipped: Image = np.clip(lit, 0, 255).astype(np.uint8)
    return clipped
