"""Tells which clips browsers play, and makes copies that they play of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from video_classifier.ml import containers, frames, probe, whole
from video_classifier.ml.clip import ClipError, ClipFacts, InterruptedCopyError
from video_classifier.ml.pictures import Turn, display_matrix

MAX_WIDTH = 1280

_PLAYED = {
    "mp4": {"h264", "vp9", "av1"},
    "mov": {"h264"},
    "webm": {"vp8", "vp9", "av1"},
}
_PLAYED_PIXELS = {"yuv420p", "yuvj420p"}


def is_playable(facts: ClipFacts) -> bool:
    """Whether the usual browsers play the clip as it is."""
    return facts.codec in _PLAYED.get(facts.container, ()) and facts.pixel_format in _PLAYED_PIXELS


def make(source: Path, target: Path, *, proceed: Callable[[], bool] = lambda: True) -> None:
    """Writes an MP4 that browsers play and can seek in, without sound, as far as `source` goes.

    The pictures are copied if browsers know their codec, and else encoded as H.264 of at most
    MAX_WIDTH pixels; they keep their times and their rotation. `target` appears when it is whole.
    `proceed` is asked before each picture whether to go on. Raises ClipError if nothing can be
    read, and InterruptedCopyError.
    """
    facts = probe.facts(source)
    can_copy = facts.codec in _PLAYED["mp4"] and facts.pixel_format in _PLAYED_PIXELS
    try:
        with whole.replacing(target) as aside:
            if not (can_copy and _remux(source, aside)):
                _transcode(source, aside, proceed)
    except av.FFmpegError as error:
        msg = "No copy of the clip could be made that browsers play. Download it to watch it."
        raise ClipError(msg) from error


def _remux(source: Path, target: Path) -> bool:
    """Copies the packets; False if they don't say clearly when to show what they hold."""
    with containers.opened(source) as (container, stream):
        if containers.order_is_guessed(container, stream):
            return False
        try:
            with _written(target) as output:
                # Opaque, or PyAV would look for an encoder with the name of the decoder.
                copied = output.add_stream_from_template(stream, opaque=True)
                for packet in _with_decoding_times(containers.packets(container, stream)):
                    if packet.pts is None or packet.dts is None:
                        return False
                    if not packet.is_corrupt:
                        packet.stream = copied
                        output.mux(packet)
        except av.FFmpegError:
            return False
    return True


def _with_decoding_times(packets: Iterator[Packet[Stream]]) -> Iterator[Packet[Stream]]:
    """Matroska has none; FFmpeg works them out, save those of the first few packets."""
    waiting: list[Packet[Stream]] = []
    for packet in packets:
        if packet.dts is None:
            waiting.append(packet)
            continue
        for earlier, first in enumerate(reversed(waiting), start=1):
            first.dts = packet.dts - earlier
        yield from waiting
        waiting.clear()
        yield packet
    yield from waiting


def _transcode(source: Path, target: Path, proceed: Callable[[], bool]) -> None:
    shown = frames.decoded_timeline(source)
    with containers.opened(source) as (container, stream), _written(target) as output:
        encoder: VideoStream | None = None
        sound = containers.sound_frames(container, stream)
        for tick, frame in zip(shown.distinct_ticks(), sound, strict=True):
            if not proceed():
                raise InterruptedCopyError
            encoder = encoder or _encoder(output, stream, frame)
            output.mux(encoder.encode(_prepared(frame, encoder, tick, shown.time_base)))
        if encoder is not None:
            output.mux(encoder.encode())


def _encoder(output: OutputContainer, source: VideoStream, frame: VideoFrame) -> VideoStream:
    stream = output.add_stream(
        "libx264",
        rate=source.average_rate or 25,
        options={"preset": "veryfast", "crf": "23"},
    )
    is_turned = Turn.of(frame).swaps_axes
    shrunk = min(Fraction(1), Fraction(MAX_WIDTH, frame.height if is_turned else frame.width))
    stream.width, stream.height = (_even(side * shrunk) for side in (frame.width, frame.height))
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = containers.time_base(source)
    stream.sample_aspect_ratio = source.sample_aspect_ratio or Fraction(1)
    stream.set_display_matrix(display_matrix(frame))
    return stream


def _even(side: Fraction) -> int:
    return max(2, 2 * round(side / 2))


def _prepared(
    frame: VideoFrame, encoder: VideoStream, tick: int, time_base: Fraction
) -> VideoFrame:
    scaled = frame.reformat(
        encoder.width, encoder.height, "yuv420p", dst_color_range=ColorRange.MPEG
    )
    scaled.pts, scaled.time_base = tick, time_base
    scaled.pict_type = PictureType.NONE  # or the encoder would set the source's keyframes
    return scaled


@contextmanager
def _written(target: Path) -> Iterator[OutputContainer]:
    # The index goes to the front: a browser can play before all has arrived.
    with av.open(target, "w", format="mp4", options={"movflags": "faststart"}) as output:
        yield output
