"""Copies a stretch of a clip so that nobody in it can be recognized but one person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from video_classifier.ml import files
from video_classifier.ml.contracts import ClipError, Image, Span, Track
from video_classifier.ml.video import blurring, browser_copy, containers, decoding
from video_classifier.ml.video import source as sources
from video_classifier.ml.video.filters import PixelAspect
from video_classifier.ml.video.scaling import FitWithin
from video_classifier.ml.video.source import Source

_TICK = Fraction(1, 90_000)


def make(video: Path, target: Path, span: Span, track: Track | None) -> None:
    """Writes an MP4 that browsers play, without sound, of the pictures in a span of the clip.

    They are upright, of at most browser_copy.MAX_WIDTH pixels a side, and blurred outside of the
    track's boxes; without a track, or while it is out of view, they are blurred altogether. The
    first one is at 0. `target` appears when it is whole. Raises ClipError.
    """
    of_it = sources.read(video, span)
    try:
        with files.atomic_write(target) as aside:
            _encode(of_it, aside, track)
    except av.FFmpegError as error:
        raise ClipError(browser_copy.NO_COPY) from error


def _encode(of_it: Source, target: Path, track: Track | None) -> None:
    most = browser_copy.MAX_WIDTH
    with (
        containers.opened(of_it.path) as (container, stream),
        av.open(target, "w", format="mp4", options={"movflags": "faststart"}) as output,
    ):
        rate = containers.frame_rate(container, stream)
        fit = FitWithin(width=most, height=most, pixel_aspect=PixelAspect.of(stream))
        encoded = output.add_stream(
            "libx264", rate=rate or 25, options={"preset": "veryfast", "crf": "23"}
        )
        encoded.pix_fmt, encoded.codec_context.time_base = "yuv420p", _TICK
        begin, last = Fraction(of_it.span.start), -1
        canvas: Image | None = None
        for second, frame in _timed(of_it):
            picture = blurring.blurred(fit(frame), track.at(float(second)) if track else None)
            if canvas is None:
                canvas = np.zeros([*(_even(side) for side in picture.shape[:2]), 3], np.uint8)
                encoded.height, encoded.width = canvas.shape[:2]
            made = VideoFrame.from_ndarray(_on(canvas, picture))
            last = max(round((second - begin) / _TICK), last + 1)
            made.pts, made.time_base = last, _TICK
            output.mux(encoded.encode(made))
        if canvas is None:
            raise ClipError(decoding.NOTHING_DECODES_HERE)
        output.mux(encoded.encode())


def _timed(of_it: Source) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Its pictures, each with its second in the clip."""
    frames: Iterable[VideoFrame] = decoding.sound_frames(of_it)
    if of_it.is_whole:
        shown = decoding.decoded_timeline(of_it.path)
        for tick, frame in zip(shown.distinct_ticks(), frames, strict=True):
            yield tick * shown.time_base, frame
        return
    if of_it.shown is None:
        raise ClipError(sources.ONE_PIECE)
    for frame in frames:  # none of them without a time, in a span
        yield of_it.shown.on_clock(frame.pts or 0) * of_it.shown.time_base, frame


def _even(side: int) -> int:
    return side + side % 2


def _on(canvas: Image, picture: Image) -> Image:
    """The picture in the size of the first; a later one of another shape is cut, or has bars."""
    if picture.shape == canvas.shape:
        return picture
    found = np.zeros_like(canvas)
    height, width = (min(sides) for sides in zip(picture.shape[:2], canvas.shape[:2], strict=True))
    found[:height, :width] = picture[:height, :width]
    return found
