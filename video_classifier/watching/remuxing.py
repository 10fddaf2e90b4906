"""Writes packets of a stream into a file, without encoding them anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from video_classifier.ml.video import containers
from video_classifier.watching.ring import Excerpt, StreamFacts, StreamPacket

# The codecs that cameras are read in, by FFmpeg's names, and the files that hold them.
FORMATS = {"h264": "mp4", "hevc": "mp4", "mjpeg": "matroska"}
_SUFFIXES = {"mp4": ".mp4", "matroska": ".mkv"}
_READ_BY = {"h264": "h264", "hevc": "hevc", "mjpeg": "jpeg_pipe"}
_OPTIONS = {"max_pixels": str(containers.MAX_PIXELS), "protocol_whitelist": ""}
_UNREADABLE = "The camera's keyframe can't be read."


class RemuxError(Exception):
    """The packets can't be written; the message says why."""


def suffix(facts: StreamFacts) -> str:
    """Of the file that holds such a stream: ".mp4", or ".mkv" where MP4 can't hold it."""
    return _SUFFIXES[FORMATS[facts.codec]]


def size(codec: str, head: bytes) -> tuple[int, int]:
    """Width and height of the pictures that begin with such a keyframe. Raises RemuxError."""
    with _opened(codec, head) as known:
        found = known.streams.video[0]
        if not found.width or not found.height:
            raise RemuxError(_UNREADABLE)
        return found.width, found.height


def write(excerpt: Excerpt, target: Path) -> None:
    """A file of the excerpt, whose first picture is shown at its time 0.

    Times of decoding are made anew: streams of cameras give none. Raises RemuxError.
    """
    if not excerpt.packets:
        msg = "There are no pictures to write."
        raise RemuxError(msg)
    facts = excerpt.facts
    try:
        with (
            _opened(facts.codec, facts.head) as known,
            av.open(str(target), "w", format=FORMATS[facts.codec]) as output,
        ):
            # Opaque, or PyAV would look for an encoder with the name of the decoder.
            copied = output.add_stream_from_template(known.streams.video[0], opaque=True)
            copied.time_base = facts.time_base
            for packet, stamp in zip(excerpt.packets, _stamps(excerpt.packets), strict=True):
                output.mux(_made(packet, stamp, copied, facts))
    except (av.FFmpegError, ValueError) as error:
        msg = "The camera's pictures could not be written into a file."
        raise RemuxError(msg) from error


def _opened(codec: str, head: bytes) -> InputContainer:
    try:
        return av.open(BytesIO(head), "r", format=_READ_BY[codec], options=dict(_OPTIONS))
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError, KeyError) as error:
        raise RemuxError(_UNREADABLE) from error


class _Stamp(NamedTuple):
    pts: int
    dts: int
    duration: int


def _stamps(packets: Sequence[StreamPacket]) -> Iterator[_Stamp]:
    """In the order of decoding, from 0 on."""
    first = min(packet.pts for packet in packets)
    shown = _rising(packet.pts - first for packet in packets)
    ordered = sorted(shown)
    late = max(sent - pts for sent, pts in zip(ordered, shown, strict=True))
    lasts = [later - earlier for earlier, later in pairwise(ordered)]
    lasts.append(packets[-1].duration or (lasts[-1] if lasts else 1))
    next_of = dict(zip(ordered, lasts, strict=True))
    for pts, sent in zip(shown, ordered, strict=True):
        yield _Stamp(pts, sent - late, next_of[pts])


def _rising(ticks: Iterator[int]) -> list[int]:
    """Without two at the same time, which no file may hold: the later ones come a tick later."""
    later: dict[int, int] = {}  # than a time that is taken, where there may be a free one
    made = []
    for each in ticks:
        at, passed = each, []
        while at in later:
            passed.append(at)
            at = later[at]
        later.update(dict.fromkeys([*passed, at], at + 1))
        made.append(at)
    return made


def _made(
    packet: StreamPacket, stamp: _Stamp, stream: VideoStream, facts: StreamFacts
) -> Packet[VideoStream]:
    """A copy: muxing changes what it is given, and the ring may be asked again."""
    made = Packet(packet.data)
    made.pts, made.dts, made.duration = stamp
    made.time_base, made.is_keyframe = facts.time_base, packet.is_key
    made.stream = stream
    return made  # type: ignore[return-value]
