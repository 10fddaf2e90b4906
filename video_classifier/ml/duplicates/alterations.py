"""Makes altered copies of a clip, which the search for duplicates should find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
from av.filter import Graph
from av.video.frame import VideoFrame

from video_classifier.ml.video import containers, decoding

CUT = 2.0  # seconds
_PIXELS = "yuv420p"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """How a copy differs from its clip."""

    name: str
    filters: tuple[tuple[str, str], ...] = ()  # FFmpeg's names and arguments
    codec: Literal["libx264", "mpeg4"] = "libx264"
    suffix: str = ".mp4"
    bit_rate: int = 1_000_000
    cut_start: float = 0.0  # seconds
    cut_end: float = 0.0

    @property
    def cuts(self) -> bool:
        return self.cut_start + self.cut_end > 0


def _brightness(factor: float) -> tuple[tuple[str, str], ...]:
    return (("lutyuv", f"y='clip((val-16)*{factor}+16,16,235)'"),)


ALL = (
    Alteration(name="another codec, 300 kbit/s", codec="mpeg4", suffix=".avi", bit_rate=300_000),
    Alteration(name="half size", filters=(("scale", "trunc(iw/4)*2:trunc(ih/4)*2"),)),
    Alteration(name="20 % brighter", filters=_brightness(1.2)),
    Alteration(name="20 % darker", filters=_brightness(0.8)),
    Alteration(name="mirrored", filters=(("hflip", ""),)),
    Alteration(name="first 2 s cut off", cut_start=CUT),
    Alteration(name="last 2 s cut off", cut_end=CUT),
)


def write(clip: Path, target: Path, alteration: Alteration) -> Path:
    """Writes an altered copy of `clip` to `target`, which it returns.

    Raises ClipError if the clip can't be decoded.
    """
    shown = decoding.decoded_timeline(clip)
    end = shown.length - alteration.cut_end
    with containers.opened(clip) as (container, stream):
        rate = stream.average_rate or Fraction(25)
        pictures = (
            picture.reformat(format=_PIXELS)
            for number, picture in enumerate(containers.sound_frames(container, stream))
            if alteration.cut_start <= shown.seconds(number) < end
        )
        _encode(_filtered(pictures, alteration.filters), target, alteration, rate)
    return target


def _encode(
    pictures: Iterable[VideoFrame], target: Path, alteration: Alteration, rate: Fraction
) -> None:
    with av.open(target, "w") as container:
        stream = container.add_stream(alteration.codec, rate=rate, options={"preset": "veryfast"})
        stream.bit_rate, stream.pix_fmt = alteration.bit_rate, _PIXELS
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.width, stream.height = picture.width, picture.height
            picture.pts, picture.time_base = number, 1 / rate
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def _filtered(
    pictures: Iterable[VideoFrame], filters: Iterable[tuple[str, str]]
) -> Iterator[VideoFrame]:
    graph: Graph | None = None
    for picture in pictures:
        graph = graph or _graph(picture, filters)
        graph.push(picture)
        yield graph.vpull()


def _graph(like: VideoFrame, filters: Iterable[tuple[str, str]]) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=like.width, height=like.height, format=like.format, time_base=like.time_base
    )
    nodes = [graph.add(name, arguments) for name, arguments in filters]
    graph.link_nodes(source, *nodes, graph.add("buffersink")).configure()
    return graph
