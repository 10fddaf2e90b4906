"""Packets as a camera sends them, taken from files, and what comes out of files again."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.bitstream import BitStreamFilterContext

from tests.makers.videos import rgb
from video_classifier.ml.contracts import Image
from video_classifier.watching import remuxing
from video_classifier.watching.ring import Ring, StreamFacts, StreamPacket

STARTED = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
TICK = Fraction(1, 90_000)  # as of RTP


def packets_of(path: Path) -> list[StreamPacket]:
    """The video's, with start codes, by a clock of 90 kHz; they arrive as they are decoded."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        name = stream.codec.canonical_name
        to_start_codes = (
            BitStreamFilterContext(f"{name}_mp4toannexb", stream)
            if name in {"h264", "hevc"}
            else None
        )
        sent = [packet for packet in container.demux(stream) if packet.size]
        if to_start_codes:
            sent = [made for packet in sent for made in to_start_codes.filter(packet)]
        base = stream.time_base
        assert base
        return [
            StreamPacket(
                data=bytes(packet),
                pts=round((packet.pts or 0) * base / TICK),
                dts=round((packet.pts or 0) * base / TICK),
                duration=0,
                is_key=packet.is_keyframe,
                arrived=float((packet.dts or 0) * base),
            )
            for packet in sent
        ]


def facts_of(path: Path, packets: list[StreamPacket]) -> StreamFacts:
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec.canonical_name
    head = next(packet.data for packet in packets if packet.is_key)
    width, height = remuxing.size(codec, head)
    return StreamFacts(codec=codec, width=width, height=height, time_base=TICK, head=head)


def ring_of(path: Path, *, seconds: float = 60.0, size: int = 100_000_000) -> Ring:
    """Begun and filled with all of the file."""
    ring, packets = Ring(seconds, size), packets_of(path)
    ring.begin(facts_of(path, packets), STARTED)
    for packet in packets:
        ring.add(packet)
    return ring


def decoded(path: Path) -> list[tuple[float, Image]]:
    """All pictures with the seconds at which they are shown."""
    with av.open(str(path)) as container:
        return [(float(frame.time or 0), rgb(frame)) for frame in container.decode(video=0)]


def same(ours: list[tuple[float, Image]], theirs: list[tuple[float, Image]]) -> bool:
    """Whether the pictures are the same, bit by bit, whenever they are shown."""
    return len(ours) == len(theirs) and all(
        np.array_equal(one, other) for (_, one), (_, other) in zip(ours, theirs, strict=True)
    )
