"""Many clips from one: which stretch is sampled, how it is turned, cropped, flipped and lit."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import ClipSpec, Image

RANGES = {
    "shortest_stretch": (0.05, 1),
    "speed": (0, 1),
    "smallest_crop": (0.05, 1),
    "rotation": (0, 180),
    "brightness": (0, 1),
    "contrast": (0, 1),
    "flip": (0, 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far a variant may go from the footage. Raises ValueError if that is too far."""

    shortest_stretch: float = 0.6  # of the clip's length; the start is free
    speed: float = 0.0  # the most that a stretch starts faster than it ends, or slower, as a share
    smallest_crop: float = 0.8  # of the picture's sides
    rotation: float = 0.0  # the most that the picture is turned, either way, in degrees
    brightness: float = 0.25  # the most that is added or taken, of full scale
    contrast: float = 0.25  # the most that the contrast changes, as a factor
    flip: float = 0.5  # probability

    def __post_init__(self) -> None:
        for name, (least, most) in RANGES.items():
            if not least <= getattr(self, name) <= most:
                msg = f"{name.replace('_', ' ')} must be from {least:g} to {most:g}"
                raise ValueError(msg)


def vary(
    frames: Image, spec: ClipSpec, augmentation: Augmentation, random: np.random.Generator
) -> Image:
    """A random variant of (n, h, w, 3) RGB uint8 frames at an even rate, in `spec.shape`.

    All frames of one variant are turned, cropped, flipped and lit alike, as by one camera.
    """
    chosen = frames[_moments(len(frames), spec.frames, augmentation, random)]
    if augmentation.rotation:
        chosen = _turn(chosen, random.uniform(-augmentation.rotation, augmentation.rotation))
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
    within = (np.arange(wanted) + random.uniform(0, 1, wanted)) / wanted
    if augmentation.speed:
        faster = random.uniform(-augmentation.speed, augmentation.speed)
        within += faster * within * (1 - within)  # from 1 + faster to 1 - faster as fast
    moments: npt.NDArray[np.intp] = (start + within * length).astype(np.intp)
    return np.minimum(moments, available - 1)


def _turn(frames: Image, degrees: float) -> Image:
    """The corners that come into view mirror the picture."""
    height, width = frames.shape[1:3]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    turned = [
        cv2.warpAffine(frame, turn, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        for frame in frames
    ]
    return np.stack(turned).astype(np.uint8, copy=False)


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
