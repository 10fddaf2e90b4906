"""Clips in which pale persons stand or walk in the dark, and what finds them there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from video_classifier.ml.contracts import Box, Image
from video_classifier.ml.persons.detector import Detections

RATE = 10
ROOM, SKIN = 40, 220  # shades of gray

Way = Callable[[float], Box | None]  # where somebody is at a second, None if not in view


def standing(left: float, *, top: float = 0.2, width: float = 0.1, height: float = 0.6) -> Way:
    return lambda _: Box(left=left, top=top, right=left + width, bottom=top + height)


def walking(
    start: float, *, speed: float, width: float = 0.1, top: float = 0.2, height: float = 0.6
) -> Way:
    """From `start` on, `speed` pictures a second to the right; what is off the edge is not seen."""

    def way(second: float) -> Box | None:
        left, right = np.clip((start + speed * second, start + speed * second + width), 0, 1)
        if right - left <= 0.02:
            return None
        return Box(left=left, top=top, right=right, bottom=top + height)

    return way


def between(way: Way, start: float, end: float) -> Way:
    return lambda second: way(second) if start <= second < end else None


def picture(
    ways: Sequence[Way], second: float = 0.0, *, size: tuple[int, int] = (160, 120)
) -> Image:
    width, height = size
    image = np.full((height, width, 3), ROOM, np.uint8)
    for way in ways:
        if box := way(second):
            rows = slice(round(box.top * height), round(box.bottom * height))
            image[rows, round(box.left * width) : round(box.right * width)] = SKIN
    return image


def write(
    path: Path,
    *ways: Way,
    seconds: float = 4.0,
    size: tuple[int, int] = (160, 120),
    rate: int = RATE,
    times: Sequence[float] = (),
) -> Path:
    """Pictures at `times`, in seconds, if there are any; else `rate` a second."""
    clock = Fraction(1, 1000 if times else rate)
    times = times or [number / rate for number in range(max(1, round(seconds * rate)))]
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "12"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = clock
        for second in times:
            image = picture(ways, second, size=size)
            frame = VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = round(second / clock), clock
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


class Spotter:
    """A detector that takes every pale patch for a person, and remembers what it was shown."""

    sha256 = "5" * 64
    threshold = 0.5
    input_size = 96, 128

    def __init__(self) -> None:
        self.shown: list[tuple[int, ...]] = []

    def detect(self, image: Image) -> Detections:
        self.shown.append(image.shape)
        pale = (image[..., 0] > (ROOM + SKIN) / 2).astype(np.uint8)
        _, _, patches, _ = cv2.connectedComponentsWithStats(pale)
        left, top, width, height, area = patches[1:][patches[1:, 4] >= 4].T
        whole = np.array([image.shape[1], image.shape[0]] * 2)
        boxes = np.stack((left, top, left + width, top + height), axis=1) / whole
        return Detections(
            boxes=boxes.astype(np.float32), scores=np.full(len(area), 0.9, np.float32)
        )
