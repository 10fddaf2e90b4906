"""Damages video files in the ways in which files get damaged, or are made to do damage."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast

import av
import numpy as np
from av.video.stream import VideoStream

Random = np.random.Generator

_SUFFIXES = (".mp4", ".mkv", ".ts", ".mov", ".avi", ".webm")
_HEAD = 4096  # bytes in which containers say what they hold
_EXTREMES = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


class Mutated(NamedTuple):
    kind: str
    content: bytes


def mutated(content: bytes, other: bytes, random: Random) -> Mutated:
    """One of the kinds, by lot; `other` is a file to splice with."""
    kind = str(random.choice(list(_KINDS)))
    return Mutated(kind, _KINDS[kind](bytearray(content), other, random))


def variants(clip: Path, folder: Path) -> list[Path]:
    """The clip in other containers and codecs, one file each."""
    made = [folder / f"{clip.stem}{suffix}" for suffix in _SUFFIXES]
    for target in made:
        _converted(clip, target)
    return made


def _converted(source: Path, target: Path) -> None:
    codec = {".avi": "mjpeg", ".webm": "libvpx"}.get(target.suffix)
    with av.open(source) as container, av.open(target, "w") as output:
        video = container.streams.video[0]
        if codec is None:
            copied = output.add_stream_from_template(video)
            for packet in container.demux(video):
                if packet.dts is not None:
                    packet.stream = copied
                    output.mux(packet)
            return
        encoder = cast("VideoStream", output.add_stream(codec, rate=video.average_rate))
        encoder.width, encoder.height = video.width, video.height
        encoder.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for frame in container.decode(video):
            output.mux(encoder.encode(frame))
        output.mux(encoder.encode())


def _place(length: int, random: Random) -> int:
    return int(random.integers(length))


def _stretch(length: int, random: Random) -> slice:
    start = _place(length, random)
    return slice(start, start + int(random.integers(1, max(length // 8, 2))))


def _truncated(content: bytearray, _: bytes, random: Random) -> bytes:
    return bytes(content[: 1 + _place(len(content), random)])


def _beheaded(content: bytearray, _: bytes, random: Random) -> bytes:
    return bytes(content[_place(min(_HEAD, len(content)), random) :])


def _flipped(content: bytearray, _: bytes, random: Random) -> bytes:
    for _number in range(int(random.integers(1, 64))):
        content[_place(len(content), random)] ^= 1 << int(random.integers(8))
    return bytes(content)


def _zeroed(content: bytearray, _: bytes, random: Random) -> bytes:
    stretch = _stretch(len(content), random)
    content[stretch] = bytes(len(content[stretch]))
    return bytes(content)


def _noisy(content: bytearray, _: bytes, random: Random) -> bytes:
    stretch = _stretch(len(content), random)
    content[stretch] = random.bytes(len(content[stretch]))
    return bytes(content)


def _shortened(content: bytearray, _: bytes, random: Random) -> bytes:
    del content[_stretch(len(content), random)]
    return bytes(content)


def _repeated(content: bytearray, _: bytes, random: Random) -> bytes:
    stretch = _stretch(len(content), random)
    return bytes(content[: stretch.stop] + content[stretch] * 3 + content[stretch.stop :])


def _extreme(content: bytearray, _: bytes, random: Random) -> bytes:
    """Numbers in the head or the tail, where indexes and headers are, become extreme ones."""
    for _number in range(int(random.integers(1, 8))):
        place = _place(min(_HEAD, len(content)), random)
        if random.integers(2):
            place = len(content) - place
        order = ">I" if random.integers(2) else "<I"
        number = struct.pack(order, _EXTREMES[int(random.integers(len(_EXTREMES)))])
        content[place : place + 4] = number
    return bytes(content)


def _swapped(content: bytearray, _: bytes, random: Random) -> bytes:
    """Two stretches change places, as where a disk mixes up its blocks."""
    length = max(len(content) // 16, 1)
    one, other = sorted(_place(len(content) - length, random) for _number in range(2))
    other = max(other, one + length)
    first, second = content[one : one + length], content[other : other + length]
    content[other : other + length] = first
    content[one : one + length] = second
    return bytes(content)


def _spliced(content: bytearray, other: bytes, random: Random) -> bytes:
    return bytes(content[: _place(len(content), random)]) + other[_place(len(other), random) :]


_KINDS: dict[str, Callable[[bytearray, bytes, Random], bytes]] = {
    "cut off": _truncated,
    "without its beginning": _beheaded,
    "bits flipped": _flipped,
    "a stretch of zeros": _zeroed,
    "a stretch of noise": _noisy,
    "a stretch missing": _shortened,
    "a stretch repeated": _repeated,
    "extreme numbers": _extreme,
    "stretches swapped": _swapped,
    "two files in one": _spliced,
}
