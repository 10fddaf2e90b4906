"""Makes altered copies of a clip: what a search for duplicates has to recognize."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from video_classifier.ml import containers, frames

_TICK = Fraction(1, 90_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """How a copy differs from its clip."""

    filters: tuple[tuple[str, str], ...] = ()  # FFmpeg's names and arguments
    codec: str = "libx264"
    suffix: str = ".mp4"
    bit_rate: int = 1_000_000
    cut_start: float = 0.0  # seconds
    cut_end: float = 0.0


def _brightness(factor: float) -> tuple[tuple[str, str], ...]:
    return (("lutyuv", f"y='clip((val-16)*{factor}+16,16,235)'"),)


CUT = 2.0
ALL: Mapping[str, Alteration] = {
    "another codec, 300 kbit/s": Alteration(codec="mpeg4", suffix=".avi", bit_rate=300_000),
    "half size": Alteration(filters=(("scale", "trunc(iw/4)*2:trunc(ih/4)*2"),)),
    "20 % brighter": Alteration(filters=_brightness(1.2)),
    "20 % darker": Alteration(filters=_brightness(0.8)),
    "mirrored": Alteration(filters=(("hflip", ""),)),
    "first 2 s cut off": Alteration(cut_start=CUT),
    "last 2 s cut off": Alteration(cut_end=CUT),
}


def write(clip: Path, target: Path, alteration: Alteration) -> Path:
    """Writes an altered copy of `clip`. Raises ClipError if that can't be decoded."""
    shown = frames.decoded_timeline(clip)
    end = shown.length - alteration.cut_end
    with containers.opened(clip) as (source, track), av.open(target, "w") as container:
        rate = round(track.average_rate or 25)
        stream = container.add_stream(alteration.codec, rate=rate, options={"preset": "veryfast"})
        assert isinstance(stream, VideoStream)  # noqa: S101  for the type checker
        stream.bit_rate = alteration.bit_rate
        stream.pix_fmt = "yuv420p"
        pictures = containers.sound_frames(source, track)
        # A frame every tick of the rate it had: what AVI can hold.
        kept = (
            frame
            for number, frame in enumerate(pictures)
            if alteration.cut_start <= shown.seconds(number) < end
        )
        for number, frame in enumerate(_filtered(kept, alteration.filters)):
            if not number:
                stream.width, stream.height = frame.width, frame.height
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return target


def _filtered(
    pictures: Iterator[VideoFrame], filters: tuple[tuple[str, str], ...]
) -> Iterator[VideoFrame]:
    graph: Graph | None = None
    for picture in pictures:
        plain = picture.reformat(format="yuv420p")
        plain.pts, plain.time_base = None, _TICK
        if graph is None:
            graph = _graph(plain, filters)
        graph.push(plain)
        yield graph.vpull()


def _graph(first: VideoFrame, filters: tuple[tuple[str, str], ...]) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=first.width, height=first.height, format=first.format, time_base=_TICK
    )
    nodes = [graph.add(name, arguments) for name, arguments in filters]
    graph.link_nodes(source, *nodes, graph.add("buffersink")).configure()
    return graph
