"""Clips as a camera would encode them: one after the other, round and round, some at their time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import cycle
from pathlib import Path

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange

ENCODERS = {"h264": "libx264", "hevc": "libx265", "mjpeg": "mjpeg"}
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "crf": "23"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:repeat-headers=1"},
    "mjpeg": {"qmin": "3", "qmax": "3"},
}
LARGE = (7680, 4320)
_NEXT_TO_NOTHING = 1e-6  # seconds
_ENCODING_LARGE = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How clips are encoded. Without a size and rate they have those of the file."""

    codec: str = "h264"  # or "hevc", "mjpeg"
    size: tuple[int, int] | None = None
    rate: int | None = None  # pictures a second
    keyframe_every: float = 1.0  # seconds
    b_frames: int = 0
    copy: bool = False  # the packets of the file, as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An encoded one, with start codes. Seconds count from its clip's start."""

    data: bytes
    shown: float
    sent: float
    is_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    pictures: tuple[Picture, ...]
    seconds: float
    clip: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A clip that is played once, at its time."""

    clip: Path
    at: float  # seconds after the camera began


def played(
    clips: Sequence[Path],
    form: Form,
    planted: Sequence[Planted] = (),
    asked: deque[Path] | None = None,
) -> Iterator[tuple[float, float, Shot]]:
    """Shots without end, with the seconds from when to when they are on.

    The next one is encoded while one is played. A planted clip cuts off what is on; one that is
    put into `asked` meanwhile waits for the end of it.
    """
    waiting = sorted(planted, key=lambda each: each.at)
    background, now = cycle(clips), 0.0
    with ThreadPoolExecutor(1) as encoding:
        coming: Future[Shot] = encoding.submit(shot, next(background), form)
        for each in waiting:
            encoding.submit(shot, each.clip, form)
        while True:
            if waiting and waiting[0].at <= now:
                current = shot(waiting.pop(0).clip, form)
                end = now + current.seconds
            else:
                if asked:
                    current = shot(asked.popleft(), form)
                else:
                    current = coming.result()
                    coming = encoding.submit(shot, next(background), form)
                end = now + current.seconds
                if waiting:
                    end = min(end, waiting[0].at)
            yield now, end, current
            now = end


@lru_cache(maxsize=64)
def shot(clip: Path, form: Form) -> Shot:
    """The clip in that form."""
    return _copied(clip) if form.copy else _encoded(clip, form)


def large(codec: str) -> Shot:
    """A gray picture of 8K."""
    with _ENCODING_LARGE:  # clients that gave up and came again would have it encoded again
        return _large(codec)


@lru_cache(maxsize=2)
def _large(codec: str) -> Shot:
    coder = _coder(Form(codec=codec, rate=1), LARGE, 1)
    frame = VideoFrame.from_ndarray(np.full((LARGE[1], LARGE[0]), 128, np.uint8), format="gray")
    frame = frame.reformat(format="yuv420p")
    frame.pts = 0
    data = b"".join(bytes(packet) for packet in [*coder.encode(frame), *coder.encode(None)])
    return Shot(pictures=(Picture(data=data, shown=0.0, sent=0.0, is_key=True),), seconds=1.0)


def _encoded(clip: Path, form: Form) -> Shot:
    made: list[Picture] = []
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        rate = form.rate or round(stream.average_rate or 25)
        size = form.size or (stream.width, stream.height)
        coder = _coder(form, size, rate)
        begin = float((stream.start_time or 0) * (stream.time_base or 0))
        count = 0
        for frame in container.decode(stream):
            # Again if the file has fewer pictures a second, not at all if it has more.
            while (frame.time or 0.0) - begin > count / rate - _NEXT_TO_NOTHING:
                small = frame.reformat(width=size[0], height=size[1], format="yuv420p")
                small.pts, small.time_base = count, Fraction(1, rate)
                small.pict_type = PictureType.NONE  # else the encoder copies the file's keyframes
                made += _pictures(coder, small, rate)
                count += 1
        made += _pictures(coder, None, rate)
    first = made[0].sent
    return Shot(
        pictures=tuple(
            Picture(data=each.data, shown=each.shown, sent=each.sent - first, is_key=each.is_key)
            for each in made
        ),
        seconds=count / rate,
        clip=clip,
    )


def _coder(form: Form, size: tuple[int, int], rate: int) -> VideoCodecContext:
    encoder = ENCODERS[form.codec]
    coder = av.CodecContext.create(encoder, "w")
    if not isinstance(coder, VideoCodecContext):
        raise TypeError
    coder.width, coder.height = size
    coder.pix_fmt = "yuv420p"
    coder.time_base, coder.framerate = Fraction(1, rate), Fraction(rate)
    coder.gop_size = max(1, round(form.keyframe_every * rate))
    coder.max_b_frames = 0 if form.codec == "mjpeg" else form.b_frames
    coder.thread_count = 1
    if form.codec == "mjpeg":
        coder.color_range = ColorRange.JPEG
    coder.options = _OPTIONS[encoder]
    return coder


def _pictures(coder: VideoCodecContext, frame: VideoFrame | None, rate: int) -> list[Picture]:
    return [
        Picture(
            data=bytes(packet),
            shown=(packet.pts or 0) / rate,
            sent=(packet.dts if packet.dts is not None else packet.pts or 0) / rate,
            is_key=packet.is_keyframe,
        )
        for packet in coder.encode(frame)
    ]


def _copied(clip: Path) -> Shot:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        name, base = stream.codec.canonical_name, float(stream.time_base or 0)
        packets = [packet for packet in container.demux(stream) if packet.size]
        if name != "mjpeg":
            as_sent = BitStreamFilterContext(f"{name}_mp4toannexb", stream)
            packets = [made for packet in packets for made in as_sent.filter(packet)]
        first_shown = min(packet.pts or 0 for packet in packets)
        first_sent = min(packet.dts or 0 for packet in packets)
        pictures = tuple(
            Picture(
                data=bytes(packet),
                shown=((packet.pts or 0) - first_shown) * base,
                sent=((packet.dts or 0) - first_sent) * base,
                is_key=packet.is_keyframe,
            )
            for packet in packets
        )
    shown = sorted(picture.shown for picture in pictures)
    last = shown[-1] - shown[-2] if len(shown) > 1 else 0.04
    return Shot(pictures=pictures, seconds=shown[-1] + last, clip=clip)
