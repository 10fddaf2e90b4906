"""Tone mapping: high dynamic range pictures for an ordinary screen.

The curves and the mapping are the ITU's: SMPTE ST 2084 ("PQ") and hybrid log-gamma as in BT.2100-2,
the roll-off of highlights from BT.2390-10, 5.4.1, the matrix from BT.2020 to BT.709 primaries from
BT.2407, the screen's own curve from BT.1886.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorTrc

from video_classifier.ml.contracts import Image

Light = npt.NDArray[np.float32]
Deep = npt.NDArray[np.uint16]

_SCREEN = 100.0  # cd/m² of white on an ordinary screen, as in a grading room
_PEAK = 1000.0  # cd/m² of the brightest light that keeps its detail; HDR is graded on such screens
_LEVELS = 4096  # of light in the tables, evenly spaced in its root

# Luminance of BT.2020 primaries, and the way from these to BT.709's.
_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)
_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)


def is_hdr(frame: VideoFrame) -> bool:
    """Whether the frame says that it is PQ or HLG."""
    return frame.color_trc in {ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67}


def mapped(image: Deep, curve: int) -> Image:
    """An ordinary picture, (height, width, 3) RGB, uint8, of one in HDR.

    `image` is (height, width, 3) RGB, uint16, BT.2020 primaries; `curve` is the frame's color_trc.
    """
    light = _scene_light(image) if curve == ColorTrc.ARIB_STD_B67 else _pq_light()[image]
    rolled_off = _roll_off()[_rows(light / _PEAK)]
    screen = np.clip(rolled_off @ _TO_BT709.T, 0, 1)
    return _screen_signal()[_rows(screen)]


def _rows(light: Light) -> npt.NDArray[np.uint16]:
    """The rows of a table that hold light of 0 to 1."""
    return (np.sqrt(np.minimum(light, 1)) * (_LEVELS - 1) + 0.5).astype(np.uint16)


def _scene_light(image: Deep) -> Light:
    """cd/m² on a screen of `_PEAK` of what is coded in hybrid log-gamma."""
    scene = _hlg_scene()[image]
    luminance = (scene @ _LUMA)[..., None]
    return _PEAK * scene * luminance**0.2  # the system gamma of 1.2 holds for this peak


@cache
def _pq_light() -> Light:
    """(65536,): cd/m² of each signal."""
    return _pq_decoded(np.linspace(0, 1, 65536)).astype(np.float32)


@cache
def _hlg_scene() -> Light:
    """(65536,): light of the scene, 0 to 1, of each signal."""
    signal = np.linspace(0, 1, 65536)
    a, b, c, middle = 0.17883277, 0.28466892, 0.55991073, 0.5
    scene = np.where(signal <= middle, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return scene.astype(np.float32)


@cache
def _roll_off() -> Light:
    """(_LEVELS,): light of the screen, 0 to 1; middle and dark tones stay as they are."""
    light = np.linspace(0, 1, _LEVELS) ** 2 * _PEAK
    peak = _pq_encoded(_PEAK)
    signal, target = _pq_encoded(light) / peak, _pq_encoded(_SCREEN) / peak
    knee = 1.5 * target - 0.5
    t = np.clip((signal - knee) / (1 - knee), 0, 1)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * target
    )
    rolled_off = np.where(signal < knee, signal, spline)
    return (_pq_decoded(rolled_off * peak) / _SCREEN).astype(np.float32)


@cache
def _screen_signal() -> npt.NDArray[np.uint8]:
    """(_LEVELS,): the signal that makes a screen give so much of its light."""
    light = np.linspace(0, 1, _LEVELS) ** 2
    return (light ** (1 / 2.4) * 255).round().astype(np.uint8)


_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def _pq_encoded(light: npt.ArrayLike) -> npt.NDArray[np.float64]:
    power = (np.asarray(light, np.float64) / 10000) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def _pq_decoded(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    power = signal ** (1 / _M2)
    return np.asarray(10000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1))
