"""Many clips from one: which stretch is sampled, how it is cropped, flipped and lit."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from video_classifier.ml.clip import ClipSpec, Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far a variant may go from the footage. Shares and factors, all without unit."""

    shortest_stretch: float = 0.6  # of the clip's length; the start is free, so is the speed
    smallest_crop: float = 0.8  # of the picture's sides
    brightness: float = 0.25  # the most that is added or taken, of full scale
    contrast: float = 0.25  # the most that the contrast changes, as a factor
    flip: float = 0.5  # probability


def vary(
    frames: Image, spec: ClipSpec, augmentation: Augmentation, random: np.random.Generator
) -> Image:
    """A random variant of (n, h, w, 3) RGB uint8 frames at an even rate, in `spec.shape`.

    All frames of one variant are cropped, flipped and lit alike, as by one camera.
    """
    chosen = frames[_moments(len(frames), spec.frames, augmentation, random)]
    chosen = _crop(chosen, augmentation, random)
    scaled = np.stack([resize(frame, spec) for frame in chosen])
    if random.random() < augmentation.flip:
        scaled = scaled[:, :, ::-1]
    return _light(scaled, augmentation, random)


def resize(frame: Image, spec: ClipSpec) -> Image:
    """(h, w, 3) to (spec.height, spec.width, 3)."""
    size = (spec.width, spec.height)
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _moments(
    available: int, wanted: int, augmentation: Augmentation, random: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Ascending indices, one from each share of a random stretch."""
    length = available * random.uniform(augmentation.shortest_stretch, 1)
    start = random.uniform(0, available - length)
    within = np.arange(wanted) + random.uniform(0, 1, wanted)
    moments: npt.NDArray[np.intp] = (start + within * length / wanted).astype(np.intp)
    return np.minimum(moments, available - 1)


def _crop(frames: Image, augmentation: Augmentation, random: np.random.Generator) -> Image:
    share = random.uniform(augmentation.smallest_crop, 1)
    height, width = (round(side * share) for side in frames.shape[1:3])
    top = random.integers(0, frames.shape[1] - height + 1)
    left = random.integers(0, frames.shape[2] - width + 1)
    return frames[:, top : top + height, left : left + width]


def _light(frames: Image, augmentation: Augmentation, random: np.random.Generator) -> Image:
    contrast = random.uniform(1 - augmentation.contrast, 1 + augmentation.contrast)
    brightness = 255 * random.uniform(-augmentation.brightness, augmentation.brightness)
    middle = 127.5
    lit = (frames.astype(np.float32) - middle) * contrast + middle + brightness
    shown: Image = np.clip(lit, 0, 255).astype(np.uint8)
    return shown
