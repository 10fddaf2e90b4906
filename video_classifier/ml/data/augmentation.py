"""Augments clips: a random stretch or window, as another camera might have seen it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import ClipSpec, Floats, Image
from video_classifier.ml.data.settings import check, setting
from video_classifier.ml.video.sampling import LUMA

_GAINS = 0.8, 1.2  # of each channel
_GAMMAS = 0.6, 1.6
_SMALL_SIDES = 40, 110  # pixels
_BLURS = 0.5, 1.5  # pixels, standard deviation
_NOISES = 2.0, 10.0  # gray levels, standard deviation
_QUALITIES = 15, 60  # of JPEG, 0 to 100
_LOW_RATES = 3.0, 8.0  # pictures a second
_ROUNDING = 1e-6


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
    gray: float = setting(0.0, "probability that colors are removed", least=0, most=1)
    recolor: float = setting(
        0.0, "probability that hues are turned and channels brightened", least=0, most=1
    )
    gamma: float = setting(
        0.0, "probability that dark parts become darker or brighter", least=0, most=1
    )
    shrink: float = setting(
        0.0, "probability that a person is as small as 40 pixels, and enlarged", least=0, most=1
    )
    blur: float = setting(0.0, "probability that the picture is out of focus", least=0, most=1)
    noise: float = setting(0.0, "probability that a sensor's noise is added", least=0, most=1)
    jpeg: float = setting(0.0, "probability that it is compressed as by JPEG", least=0, most=1)
    low_rate: float = setting(
        0.0, "probability that pictures are held, as at 3 to 8 a second", least=0, most=1
    )

    def __post_init__(self) -> None:
        check(self)


def augment(
    frames: Image, spec: ClipSpec, augmentation: Augmentation, random: np.random.Generator
) -> Image:
    """An augmented copy of (n, h, w, 3) RGB uint8 frames at an even rate, in `spec.shape`.

    It shows a stretch of them or, where the spec has a rate, a window from anywhere. All frames of
    a copy are rotated, cropped, flipped and lit alike, as by one camera.
    """
    if spec.rate:
        start = int(random.integers(max(0, len(frames) - spec.frames) + 1))
        return augment_window(frames[start : start + spec.frames], spec, augmentation, random)
    sampled = frames[_sampled_indices(len(frames), spec.frames, augmentation, random)]
    return _altered(sampled, spec, augmentation, random)


def augment_window(
    window: Image, spec: ClipSpec, augmentation: Augmentation, random: np.random.Generator
) -> Image:
    """An augmented copy of one window, (spec.frames, h, w, 3) RGB uint8, in `spec.shape`."""
    if _happens(augmentation.low_rate, random):
        window = window[_held(spec, random.uniform(*_LOW_RATES), random)]
    return _altered(window, spec, augmentation, random)


def _altered(
    frames: Image, spec: ClipSpec, augmentation: Augmentation, random: np.random.Generator
) -> Image:
    """The same moments, seen by another camera."""
    if augmentation.rotation:
        frames = _rotated(frames, random.uniform(-augmentation.rotation, augmentation.rotation))
    frames = _cropped(frames, augmentation, random)
    if _happens(augmentation.shrink, random):
        frames = _each(frames, _shrunk, int(random.uniform(*_SMALL_SIDES)))
    scaled = np.stack([resize(frame, spec) for frame in frames])
    if random.random() < augmentation.flip:
        scaled = scaled[:, :, ::-1]
    scaled = _relit(_recolored(scaled, augmentation, random), augmentation, random)
    if _happens(augmentation.blur, random):
        scaled = _each(scaled, _blurred, random.uniform(*_BLURS))
    if _happens(augmentation.noise, random):
        noise = random.normal(0, random.uniform(*_NOISES), scaled.shape)
        scaled = np.clip(scaled + noise, 0, 255).astype(np.uint8)
    if _happens(augmentation.jpeg, random):
        scaled = _each(scaled, _compressed, int(random.uniform(*_QUALITIES)))
    return scaled


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


def _recolored(
    frames: Image, augmentation: Augmentation, random: np.random.Generator
) -> npt.NDArray[np.number]:
    """Values from about 0 to 255 that are not rounded yet."""
    colored: npt.NDArray[np.number] = frames
    if _happens(augmentation.gray, random):
        colored = np.repeat((frames @ LUMA)[..., np.newaxis], 3, axis=-1)
    elif _happens(augmentation.recolor, random):
        turned = _hue_rotation(random.uniform(-np.pi, np.pi)) * random.uniform(*_GAINS, (3, 1))
        colored = frames @ turned.T.astype(np.float32)
    if _happens(augmentation.gamma, random):
        colored = 255 * np.clip(colored / 255, 0, 1) ** random.uniform(*_GAMMAS)
    return colored


def _relit(
    frames: npt.NDArray[np.number], augmentation: Augmentation, random: np.random.Generator
) -> Image:
    contrast = random.uniform(1 - augmentation.contrast, 1 + augmentation.contrast)
    brightness = 255 * random.uniform(-augmentation.brightness, augmentation.brightness)
    middle = 127.5
    lit = (frames.astype(np.float32) - middle) * contrast + middle + brightness
    clipped: Image = np.clip(lit, 0, 255).astype(np.uint8)
    return clipped


def _happens(probability: float, random: np.random.Generator) -> bool:
    """Draws nothing where it can't: what is drawn next then is as if it weren't there."""
    return probability > 0 and random.random() < probability


def _held(spec: ClipSpec, rate: float, random: np.random.Generator) -> npt.NDArray[np.intp]:
    """(spec.frames,): at each moment of a window, the last picture of a recorder with that rate."""
    moments = np.arange(spec.frames) / spec.rate
    late = random.uniform(0, 1 / rate)
    taken = np.floor((moments + late) * rate) / rate - late
    return np.clip(np.floor(taken * spec.rate + _ROUNDING), 0, spec.frames - 1).astype(np.intp)


def _each(frames: Image, alter: Callable[[Image, Any], Image], amount: float) -> Image:
    return np.stack([alter(frame, amount) for frame in frames])


def _shrunk(frame: Image, side: float) -> Image:
    """To so many pixels a side and back."""
    height, width = frame.shape[:2]
    small = cv2.resize(frame, (int(side), int(side)), interpolation=cv2.INTER_AREA)
    return _as_image(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def _blurred(frame: Image, sigma: float) -> Image:
    return _as_image(cv2.GaussianBlur(frame, (0, 0), sigma))


def _compressed(frame: Image, quality: float) -> Image:
    _, coded = cv2.imencode(".jpg", frame, (cv2.IMWRITE_JPEG_QUALITY, int(quality)))
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def _as_image(pixels: cv2.typing.MatLike) -> Image:
    return pixels.astype(np.uint8, copy=False)


def _hue_rotation(angle: float) -> Floats:
    """(3, 3): turns RGB about the axis of grays."""
    along, across = (1 - np.cos(angle)) / 3, np.sin(angle) / np.sqrt(3)
    turned = np.cos(angle) * np.eye(3) + along
    return np.asarray(turned + across * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]))
