"""Makes recordings of any length from a clip: an empty shop, with two people now and then.

Pictures are 1280 x 720, 25 a second, in H.264 as recorders write it: a keyframe every two seconds,
and no B-frames unless they are wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, repeat
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from video_classifier.ml.contracts import ClipError, Image
from video_classifier.ml.video import containers

WIDTH, HEIGHT, RATE = 1280, 720, 25
ROUND = 30  # seconds: the first two thirds empty, then the clip

_GOP = 50  # pictures
_NOISE = 1.5  # gray levels, standard deviation: what a camera's sensor adds
_NOISES = 7  # different pictures of noise
_MEDIAN_OF = 25  # pictures: where somebody walks, most of them show the room
_ENCODING = {"preset": "veryfast", "crf": "26", "sc_threshold": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a recording shows, and how it is encoded."""

    with_people: bool
    b_frames: int = 0  # in a row; cameras write none, programs that export recordings do


def write(path: Path, clip: Path, kind: Kind, *, seconds: float) -> Path:
    """The clip and its mirror image side by side; without people the room alone.

    Raises ClipError.
    """
    images = _read(clip)
    room = _mirrored(_room(images))
    pictures = _visited(images, room) if kind.with_people else repeat(room)
    with av.open(path, "w") as container:
        options = _ENCODING | {"bf": str(kind.b_frames)}
        stream = container.add_stream("libx264", rate=RATE, options=options)
        assert isinstance(stream, VideoStream)  # noqa: S101
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.gop_size = _GOP
        for frame in islice(_noisy(pictures), round(seconds * RATE)):
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def lengthen(path: Path, target: Path, *, times: int) -> Path:
    """The packets of a recording again and again, as one file; nothing is encoded anew."""
    with av.open(target, "w") as container, av.open(path) as once:
        source = once.streams.video[0]
        copied = container.add_stream_from_template(source)
        length = source.frames * Fraction(1, RATE) / (source.time_base or 1)
        for number in range(times):
            once.seek(0)
            for packet in once.demux(source):
                if packet.pts is None or packet.dts is None:
                    continue  # the end
                packet.pts += round(number * length)
                packet.dts += round(number * length)
                packet.stream = copied
                container.mux(packet)
    return target


def _read(clip: Path) -> list[Image]:
    """Half a picture each, `RATE` a second, as many as the last third of a round has."""
    wanted = ROUND * RATE // 3
    images: list[Image] = []
    with containers.opened(clip) as (container, stream):
        for frame in containers.sound_frames(container, stream):
            while len(images) < min(wanted, RATE * (frame.time or 0.0) + 1):
                images.append(_half(frame))
    if not images:
        raise ClipError(containers.NOTHING_DECODES)
    return images + images[-1:] * (wanted - len(images))


def _half(frame: VideoFrame) -> Image:
    """(HEIGHT, WIDTH / 2, 3): the middle of the picture, enlarged to the whole height."""
    width = max(WIDTH // 2, round(frame.width * HEIGHT / frame.height))
    image = frame.reformat(width, HEIGHT, "rgb24").to_ndarray()
    left = (width - WIDTH // 2) // 2
    cut: Image = np.ascontiguousarray(image[:, left : left + WIDTH // 2], np.uint8)
    return cut


def _room(images: Sequence[Image]) -> Image:
    """What most of the pictures show at each place."""
    step = max(1, len(images) // _MEDIAN_OF)
    room: Image = np.median(np.stack(images[::step]), axis=0).astype(np.uint8)
    return room


def _visited(images: Sequence[Image], room: Image) -> Iterator[Image]:
    while True:
        yield from repeat(room, ROUND * RATE - len(images))
        yield from map(_mirrored, images)


def _mirrored(image: Image) -> Image:
    """The image with its mirror image to the right."""
    return np.hstack((image, image[:, ::-1]))


def _noisy(pictures: Iterable[Image]) -> Iterator[VideoFrame]:
    random = np.random.default_rng(1)
    noises = random.normal(0, _NOISE, (_NOISES, HEIGHT, WIDTH, 1)).round().astype(np.int16)
    for picture in pictures:
        noisy = picture + noises[random.integers(_NOISES)]
        yield VideoFrame.from_ndarray(np.clip(noisy, 0, 255).astype(np.uint8), format="rgb24")
