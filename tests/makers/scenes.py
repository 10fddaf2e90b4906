"""Writes clips of one still room in which somebody moves about, another way for each seed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame

from video_classifier.ml.contracts import Image

RATE = 15
WIDTH, HEIGHT = 160, 120
_FLOOR = np.random.default_rng(0).integers(60, 160, (HEIGHT // 20, WIDTH // 20), np.uint8)
_ROOM: Image = _FLOOR.repeat(20, axis=0).repeat(20, axis=1)


def write(
    path: Path,
    seed: int | None,
    *,
    start: float = 0.0,
    seconds: float = 6.0,
    room: Image = _ROOM,
    clock: float | None = None,
) -> Path:
    """A cut of recording `seed`, from its second `start` on; of nobody, if it is None.

    A clock that says `clock` in the first picture is burned in, unless it is None.
    """
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(round(seconds * RATE)):
            gray = room.copy()
            if seed is not None:
                _draw_somebody(gray, seed, start + number / RATE)
            if clock is not None:
                _draw_clock(gray, clock + number / RATE)
            picture = VideoFrame.from_ndarray(gray, format="gray").reformat(format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def _draw_clock(gray: Image, second: float) -> None:
    gray[:14, :48] = 0
    now = f"{int(second) // 60:02}:{int(second) % 60:02}"
    cv2.putText(gray, now, (2, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 255, 1)


def _draw_somebody(gray: Image, seed: int, second: float) -> None:
    """Body, head and a hand, each on a way of its own."""
    random = np.random.default_rng(seed)
    for size, shade in ((36, 30), (20, 220), (12, 250)):
        pace, phase = random.uniform(0.5, 2.5, (2, 2)), random.uniform(0, 6, (2, 2))
        at = np.sin(pace * second + phase).sum(axis=0) / 4 + 0.5
        top, left = (at * (HEIGHT - size, WIDTH - size)).astype(int)
        gray[top : top + size, left : left + size] = shade
