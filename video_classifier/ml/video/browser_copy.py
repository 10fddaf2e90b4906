"""Decides which clips browsers can play, and transcodes the others."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import chain, pairwise
from math import floor
from pathlib import Path
from typing import NamedTuple

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    VideoReformatter,
)
from av.video.stream import VideoStream

from video_classifier.ml import files
from video_classifier.ml.contracts import MP4_CODECS, ClipError, ClipFacts, Span
from video_classifier.ml.video import (
    containers,
    decoding,
    filters,
    nal,
    packets,
    probe,
    timeline,
    tone,
)
from video_classifier.ml.video import source as sources
from video_classifier.ml.video.filters import AspectReader, FrameFilter, PixelAspect
from video_classifier.ml.video.packets import Packets
from video_classifier.ml.video.scaling import Orientation, display_matrix, scaled_rgb
from video_classifier.ml.video.source import Source
from video_classifier.ml.video.timeline import Timeline

MAX_WIDTH = 1280

_FINEST = Fraction(1, 90_000)  # seconds a tick: with finer ones an MP4 can't hold long pauses

_PLAYED = {
    "mp4": MP4_CODECS,
    "mov": {"h264"},
    "webm": {"vp8", "vp9", "av1"},
}
_PLAYED_PIXELS = {"yuv420p", "yuvj420p"}

NO_COPY = "No copy of the clip could be made that browsers play. Download it to watch it."


def is_playable(facts: ClipFacts) -> bool:
    """Whether the usual browsers play the clip as it is, and rightly: each picture at its time."""
    return _is_played(facts, facts.container) and facts.keeps_time


def make(source: Path, target: Path) -> None:
    """Writes an MP4 that browsers play and can seek in, without sound, as far as `source` goes.

    The pictures are copied if browsers know their codec, and else encoded as H.264 of at most
    MAX_WIDTH pixels; they keep their rotation, and their times by the clip's clock: the first one
    that decodes is at 0. `target` appears when it is whole. Raises ClipError if nothing can be
    read.
    """
    if not remux(source, target):
        with _whole_or_nothing(target) as aside:
            _transcode(source, aside)


def remux(source: Path, target: Path) -> bool:
    """As `make`, if the pictures can be copied; False, and no file, if they have to be encoded."""
    facts = probe.facts(source)
    if not (_is_played(facts, "mp4") and _keeps_its_shape(source)):
        return False
    with suppress(_UnclearError), _whole_or_nothing(target) as aside:
        _remux(source, aside)
        return True
    return False


class _UnclearError(Exception):
    """The packets don't say clearly when to show what they hold."""


def make_span(video: Path, target: Path, span: Span) -> None:
    """Writes an MP4 of the pictures in a span of a long recording, encoded as by `make`.

    Its first picture, the one on screen when the span begins, is at 0. Raises ClipError if nothing
    in the span can be read.
    """
    of_it = sources.read(video, span)
    with _whole_or_nothing(target) as aside:
        _encode_span(of_it, aside)


@contextmanager
def _whole_or_nothing(target: Path) -> Iterator[Path]:
    """Where to write. Raises ClipError where FFmpeg gives up."""
    try:
        with files.atomic_write(target) as aside:
            yield aside
    except av.FFmpegError as error:
        raise ClipError(NO_COPY) from error


def _is_played(facts: ClipFacts, container: str) -> bool:
    return (
        facts.codec in _PLAYED.get(container, ())
        and facts.pixel_format in _PLAYED_PIXELS
        and not (facts.is_interlaced or facts.is_hdr)
    )


def _keeps_its_shape(source: Path) -> bool:
    """Whether all keyframes have the size, pixels and fields of the first, as the header says.

    A container has one pixel aspect ratio for all of a track.
    """
    read_aspect = AspectReader()
    with containers.opened(source) as (container, stream):
        if PixelAspect.of(stream).shown != (stream.sample_aspect_ratio or 1):
            return False
        stream.codec_context.skip_frame = "NONKEY"
        shapes = {
            (frame.width, frame.height, read_aspect(frame), frame.interlaced_frame)
            for frame in containers.sound_frames(container, stream)
        }
        return len(shapes) <= 1


def _remux(source: Path, target: Path) -> None:
    """Copies the packets. Raises _UnclearError."""
    known = packets.read(source)
    shown = clearly_shown(known)
    if shown is None or _first_decoded(source) != shown.ticks[0]:
        raise _UnclearError
    made_anew = stamps(known, shown, timeline.decodable(known.entries))
    with containers.opened(source) as (container, stream):
        try:
            with _written(target) as output:
                # Opaque, or PyAV would look for an encoder with the name of the decoder.
                copied = output.add_stream_from_template(stream, opaque=True)
                copied.time_base = max(containers.time_base(stream), _FINEST)
                layout = containers.layout_of(stream)
                number, stamp = next(made_anew)
                for at, packet in enumerate(containers.packets(container, stream)):
                    if at == number:
                        made = _bearable(packet, layout)
                        made.pts, made.dts, made.duration = stamp
                        made.stream = copied
                        output.mux(made)
                        number, stamp = next(made_anew, (-1, stamp))
        except av.FFmpegError as error:
            raise _UnclearError from error


def _bearable(packet: Packet[Stream], layout: nal.NalLayout | None) -> Packet[Stream]:
    """Without over-long SEI messages, at which browsers stop."""
    content = layout and layout.without_messages(bytes(packet), sound_ones=False)
    return containers.renewed(packet, content) if content else packet


def clearly_shown(known: Packets) -> Timeline | None:
    """When the pictures come up; None if the file has no reliable times."""
    shown = timeline.from_packets(known.entries, known.time_base)
    if shown is None or known.order_is_guessed:
        return None
    if any(entry.pts is None or entry.is_hidden for entry in known.entries):
        return None
    return shown if (timeline.intervals(shown.ticks) > 0).all() else None


def _first_decoded(source: Path) -> int | None:
    """The tick at which the first picture comes up that decodes."""
    with containers.opened(source) as (container, stream):
        frame = next(containers.sound_frames(container, stream), None)
        return frame.pts if frame else None


class Stamp(NamedTuple):
    """When a packet is shown and decoded, and for how long, in ticks."""

    pts: int
    dts: int
    duration: int


def stamps(known: Packets, shown: Timeline, numbers: Sequence[int]) -> Iterator[tuple[int, Stamp]]:
    """The numbers of packets that decode, each with its stamps by the clip's clock.

    Times of decoding are made anew: the file's may be missing, or jump elsewhere than the times
    of showing do.
    """
    clock = array("q", (shown.on_clock(known.entries[number].pts or 0) for number in numbers))
    ordered = array("q", sorted(clock))
    late = max(sent - pts for sent, pts in zip(ordered, clock, strict=True))
    last = shown.end - shown.ticks[-1]
    lasts = chain((later - earlier for earlier, later in pairwise(ordered)), [last])
    for number, pts, sent, duration in zip(numbers, clock, ordered, lasts, strict=True):
        yield number, Stamp(pts=pts, dts=sent - late, duration=duration)


def _transcode(source: Path, target: Path) -> None:
    shown = decoding.decoded_timeline(source)
    with containers.opened(source) as (container, stream), _written(target) as output:
        encoding: _Encoding | None = None
        sound = filters.deinterlaced(containers.sound_frames(container, stream))
        for tick, frame in zip(shown.distinct_ticks(), sound, strict=True):
            if encoding is None:
                rate = containers.frame_rate(container, stream)
                encoding = _Encoding(output, stream, frame, rate=rate)
            output.mux(encoding.encode(frame, tick, shown.time_base))
        if encoding is not None:
            output.mux(encoding.rest())


def _encode_span(of_it: Source, target: Path) -> None:
    shown = of_it.shown
    if shown is None:
        raise ClipError(sources.ONE_PIECE)
    begin = floor(Fraction(of_it.span.start) / shown.time_base)
    ticks: deque[int] = deque()

    def noted(frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
        for frame in frames:  # none of them without a time, in a span
            ticks.append(shown.on_clock(frame.pts or 0) - begin)
            yield frame

    last = -1
    with containers.opened(of_it.path) as (container, stream), _written(target) as output:
        encoding: _Encoding | None = None
        for frame in filters.deinterlaced(noted(decoding.sound_frames(of_it))):
            if encoding is None:
                rate = containers.frame_rate(container, stream)
                encoding = _Encoding(output, stream, frame, rate=rate)
            last = max(ticks.popleft(), last + 1)
            output.mux(encoding.encode(frame, last, shown.time_base))
        if encoding is None:
            raise ClipError(decoding.NOTHING_DECODES_HERE)
        output.mux(encoding.rest())


class _Encoding:
    """A stream of H.264 in the size, shape and rotation of a clip's first frame.

    A later frame of another shape is shown whole, between black bars.
    """

    def __init__(
        self,
        output: OutputContainer,
        source: VideoStream,
        first: VideoFrame,
        *,
        rate: Fraction | None,
    ) -> None:
        self._header = PixelAspect.of(source)
        self._read_aspect = AspectReader()
        self._pixel_aspect = self._header.at(first, self._read_aspect(first))
        self._reformatter = VideoReformatter()
        self._stream = stream = output.add_stream(
            "libx264",
            rate=rate or 25,
            options={"preset": "veryfast", "crf": "23"},
        )
        is_turned = Orientation.of(first).swaps_axes
        shrunk = min(Fraction(1), Fraction(MAX_WIDTH, first.height if is_turned else first.width))
        stream.width, stream.height = (_even(side * shrunk) for side in (first.width, first.height))
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = max(containers.time_base(source), _FINEST)
        stream.sample_aspect_ratio = self._pixel_aspect
        stream.set_display_matrix(display_matrix(first))
        if tone.is_hdr(first):
            coder = stream.codec_context
            coder.colorspace, coder.color_range = Colorspace.ITU709, ColorRange.MPEG
            coder.color_trc, coder.color_primaries = ColorTrc.BT709, ColorPrimaries.BT709
        self._size = first.width, first.height
        self._bars = FrameFilter(
            ("pad", f"w={stream.width}:h={stream.height}:x=(ow-iw)/2:y=(oh-ih)/2:color=black")
        )

    def encode(self, frame: VideoFrame, tick: int, time_base: Fraction) -> list[Packet[Stream]]:
        scaled = self._scaled(frame)
        scaled.pts, scaled.time_base = tick, time_base
        scaled.pict_type = PictureType.NONE  # or the encoder would set the source's keyframes
        return self._stream.encode(scaled)

    def rest(self) -> list[Packet[Stream]]:
        return self._stream.encode()

    def _scaled(self, frame: VideoFrame) -> VideoFrame:
        size = width, height = self._fitting(frame)
        if tone.is_hdr(frame):
            screen = VideoFrame.from_ndarray(scaled_rgb(frame, width, height, self._reformatter))
            scaled = screen.reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
        else:
            scaled = frame.reformat(width, height, "yuv420p", dst_color_range=ColorRange.MPEG)
        return scaled if size == (self._stream.width, self._stream.height) else self._bars(scaled)

    def _fitting(self, frame: VideoFrame) -> tuple[int, int]:
        """The size, within the stream's, in which the frame keeps its shape."""
        width, height = self._stream.width, self._stream.height
        aspect = self._header.at(frame, self._read_aspect(frame))
        if (frame.width, frame.height) == self._size and aspect == self._pixel_aspect:
            return width, height
        wide = frame.width * aspect / self._pixel_aspect  # in pixels of the stream
        share = min(width / wide, Fraction(height, frame.height))
        return min(width, _even(wide * share)), min(height, _even(frame.height * share))


def _even(side: Fraction) -> int:
    return max(2, 2 * round(side / 2))


@contextmanager
def _written(target: Path) -> Iterator[OutputContainer]:
    # The index goes to the front: a browser can play before all has arrived.
    with av.open(target, "w", format="mp4", options={"movflags": "faststart"}) as output:
        yield output
