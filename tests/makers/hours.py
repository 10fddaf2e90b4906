"""Writes recordings of many minutes that are quick to make and to decode.

A still picture comes three times a second, and from time to time something happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from video_classifier.ml.contracts import Image

RATE = 12  # pictures a second while something happens
REST = 4  # of these pass from one still picture to the next
SIZE = (320, 240)


def write(
    path: Path, still: Image, scenes: Mapping[float, Iterable[Image]], *, seconds: float
) -> Path:
    """`scenes` are pictures, `RATE` a second, by the second in which the first of them comes.

    That is a multiple of `REST` / `RATE`. All pictures are RGB, in `SIZE`.
    """
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.gop_size = 60
        rest = _frame(still)
        for number, image in _numbered(scenes, round(seconds * RATE)):
            frame = rest if image is None else _frame(image)
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _frame(image: Image) -> VideoFrame:
    return VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")


def _numbered(
    scenes: Mapping[float, Iterable[Image]], pictures: int
) -> Iterator[tuple[int, Image | None]]:
    """Each picture with its number, of `RATE` a second; None is the still one."""
    begins = {round(second * RATE): images for second, images in scenes.items()}
    number = 0
    while number < pictures:
        if number not in begins:
            yield number, None
            number += REST
            continue
        for image in begins[number]:
            yield number, image
            number += 1
        number += -number % REST


def cut(clip: Path, start: float = 0.0, seconds: float = 1.0) -> Iterator[Image]:
    """The pictures of a clip in that stretch."""
    due, left = start, round(seconds * RATE)
    with av.open(clip) as container:
        for frame in container.decode(video=0):
            assert frame.time is not None
            if frame.time >= due - 1e-6:
                image = frame.to_ndarray(format="rgb24")
                yield np.asarray(cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA), np.uint8)
                due, left = due + 1 / RATE, left - 1
            if not left:
                return
