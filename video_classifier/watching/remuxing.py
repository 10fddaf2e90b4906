"""Writes packets of a stream into a file, without encoding them anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
from av.packet import Packet
from av.stream import Stream

from video_classifier.ml.video import picture_size
from video_classifier.watching import mjpeg, sources
from video_classifier.watching.ring import Excerpt, StreamFacts, StreamPacket

# The codecs that cameras are read in, by FFmpeg's names, and the files that hold them.
FORMATS = {"h264": "mp4", "hevc": "mp4", "mjpeg": "matroska"}
_SUFFIXES = {"mp4": ".mp4", "matroska": ".mkv"}
_UNREADABLE = "The camera's keyframe can't be read."


class RemuxError(Exception):
    """The packets can't be written; the message says why."""


def suffix(facts: StreamFacts) -> str:
    """Of the file that holds such a stream: ".mp4", or ".mkv" where MP4 can't hold it."""
    return _SUFFIXES[FORMATS[facts.codec]]


def size(codec: str, head: bytes) -> tuple[int, int]:
    """Width and height of the pictures that begin with such a keyframe. Raises RemuxError.

    By its header: nothing of a camera's is decoded outside the sandbox.
    """
    if codec == "mjpeg":
        found = mjpeg.size(head)
    else:
        sets = sources.sequence_sets(codec, sources.units(codec, head))
        found = picture_size.of_sequence_set(codec, sets[-1]) if sets else None
    if found is None or min(found) <= 0:
        raise RemuxError(_UNREADABLE)
    return found


def write(excerpt: Excerpt, target: Path) -> None:
    """A file of the excerpt, whose first picture is shown at its time 0.

    Times of decoding are made anew: streams of cameras give none. Raises RemuxError.
    """
    if not excerpt.packets:
        msg = "There are no pictures to write."
        raise RemuxError(msg)
    facts, packets = excerpt.facts, _with_sets(excerpt)
    try:
        with av.open(str(target), "w", format=FORMATS[facts.codec]) as output:
            # Without a codec context: nothing is parsed but the parameter sets, for MP4's header.
            copied = output.add_mux_stream(
                facts.codec, width=facts.width, height=facts.height, time_base=facts.time_base
            )
            for packet, stamp in zip(packets, _stamps(packets), strict=True):
                output.mux(_made(packet, stamp, copied, facts))
    except (av.FFmpegError, ValueError) as error:
        msg = "The camera's pictures could not be written into a file."
        raise RemuxError(msg) from error


def _with_sets(excerpt: Excerpt) -> tuple[StreamPacket, ...]:
    """The packets, the first with its parameter sets: a camera may have sent them before."""
    facts, (first, *others) = excerpt.facts, excerpt.packets
    if facts.codec == "mjpeg" or _sets(facts.codec, first.data):
        return excerpt.packets
    sets = sources.packed(_sets(facts.codec, facts.head))
    return replace(first, data=sets + first.data), *others


def _sets(codec: str, data: bytes) -> list[bytes]:
    return sources.parameter_sets(codec, sources.units(codec, data))


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
    packet: StreamPacket, stamp: _Stamp, stream: Stream, facts: StreamFacts
) -> Packet[Stream]:
    """A copy: muxing changes what it is given, and the ring may be asked again."""
    made = Packet(packet.data)
    made.pts, made.dts, made.duration = stamp
    made.time_base, made.is_keyframe = facts.time_base, packet.is_key
    made.stream = stream
    return made
