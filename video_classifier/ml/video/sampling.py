"""Samples a clip: the pictures at even moments, or at an even rate, as a network gets them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from av.video.frame import VideoFrame

from video_classifier.ml.contracts import MIN_PICTURES, ClipContent, ClipSpec, Floats, Image, Sample
from video_classifier.ml.video import clip_warnings, decoding, source
from video_classifier.ml.video.content import ContentMeter, Meter
from video_classifier.ml.video.decoding import DecodedPictures, Take
from video_classifier.ml.video.reel import reel_of
from video_classifier.ml.video.scaling import Picture, Scaler
from video_classifier.ml.video.source import Source
from video_classifier.ml.video.timeline import Timeline

RATE_COMPARED, _MAX_COMPARED = 8.0, 2000  # pictures a second, and in all

LUMA = np.array((0.299, 0.587, 0.114), np.float32)  # ITU-R BT.601

Taken = TypeVar("Taken")

# The numbers of a window's frames, in the stretch of a clip from a start to an end in seconds.
Uniform = Callable[[Timeline, float, float | None], list[int]]


def sample(
    path: Path,
    spec: ClipSpec,
    *,
    preview_width: int | None = None,
    start: float = 0.0,
    end: float | None = None,
) -> Sample:
    """The pictures on screen in the middle of each of `spec.frames` equal shares of a clip.

    `start` and `end`, in seconds since the clip's first frame, choose a stretch of it. A clip with
    fewer frames repeats them in order. With `spec.min_difference` the shares are of those frames
    alone that differ so much from the one before, however long each is on screen. Previews are
    `preview_width` pixels wide and in the shape in which players show the clip. Raises ClipError
    if no frame can be read.
    """
    clip = source.read(path)
    scaler = scaler_of(spec, clip, preview_width)
    meter = ContentMeter()

    def scaled(_: int, frame: VideoFrame) -> Picture:
        meter.add(frame)
        return scaler(frame)

    def choose(shown: Timeline, uniform: Uniform) -> list[int]:
        meter.restart()
        return uniform(shown, start, end)

    found = decode(clip, spec, scaled, choose)
    return sample_of(clip, found.timeline, meter, times=found.times, pictures=found.pictures)


def decode(
    clip: Source,
    spec: ClipSpec,
    take: Take[Taken],
    choose: Callable[[Timeline, Uniform], list[int]],
) -> DecodedPictures[Taken]:
    """As `decoding.decode`; `choose` also gets what finds the frames of a window of this spec."""
    if not spec.min_difference:
        return decoding.decode(
            clip,
            take,
            lambda shown: choose(
                shown, lambda t, start, end: t.uniform_indices(spec.frames, start=start, end=end)
            ),
        )
    distinct_ones = _distinct_numbers(clip, spec)
    return decoding.decode_all(
        clip,
        take,
        lambda shown: choose(
            shown,
            lambda t, start, end: t.uniform_indices_among(
                distinct_ones, spec.frames, start=start, end=end
            ),
        ),
    )


def scaler_of(spec: ClipSpec, clip: Source, preview_width: int | None) -> Scaler:
    return Scaler(
        width=spec.width,
        height=spec.height,
        preview_width=preview_width,
        pixel_aspect=clip.known.pixel_aspect,
    )


def sample_of(
    clip: Source,
    shown: Timeline,
    meter: Meter,
    *,
    times: tuple[float, ...],
    pictures: Sequence[Picture],
) -> Sample:
    """A sample of these pictures, which were on screen at `times`."""
    return Sample(
        images=np.stack([picture.image for picture in pictures]),
        times=times,
        length=shown.length,
        warnings=tuple(clip_warnings.of(shown, clip)),
        previews=tuple(p.preview for p in pictures if p.preview is not None),
        content=_content(clip, shown, meter),
    )


def read_all(path: Path, *, fps: float, height: int, width: int) -> tuple[Image, Floats]:
    """The picture on screen every 1/`fps` seconds recorded, and the second at which it came up.

    Images (n, height, width, 3) RGB, uint8, scaled as by `sample`; times (n,) float64, of the
    clip. n is bounded by the number of frames, see `Timeline.repeated_indices_at_rate`. Raises
    ClipError if no frame can be read.
    """
    scaler = Scaler(width=width, height=height)
    found = decoding.decode(
        source.read(path), lambda _, frame: scaler(frame), lambda t: t.indices_at_rate(fps)
    )
    numbers = found.timeline.repeated_indices_at_rate(fps)
    images = [found.by_number[number].image for number in numbers]
    times = [found.timeline.seconds(number) for number in numbers]
    return np.stack(images), np.array(times)


def distinct(images: Iterable[Image], *, least: float) -> list[int]:
    """The numbers of the images that differ from the last such one by `least` on average.

    In gray levels, 0 to 255; images (height, width, 3) RGB, uint8, all of one size. The first
    image is always among them, and slow changes add up.
    """
    chosen: list[int] = []
    last = None
    for number, image in enumerate(images):
        gray = image @ LUMA
        if last is None or np.abs(gray - last).mean() >= least:
            chosen.append(number)
            last = gray
    return chosen


def _content(clip: Source, shown: Timeline, meter: Meter) -> ClipContent:
    """Where few of the sampled pictures differ, of the whole clip: most of it may be still.

    Of a span, all of it has been measured.
    """
    measured = meter.read(pictures=len(shown.ticks), share_decoded=clip.known.share(shown))
    if (
        measured.pictures_different >= MIN_PICTURES
        or not clip.is_whole
        or len(shown.ticks) < MIN_PICTURES
        or not shown.length
    ):
        return measured
    reel = reel_of(clip, rate=min(RATE_COMPARED, _MAX_COMPARED / shown.length))
    return reel.map(lambda _, __: None).content


def _distinct_numbers(clip: Source, spec: ClipSpec) -> list[int]:
    scaler = Scaler(width=spec.width, height=spec.height)
    images = (scaler(frame).image for frame in decoding.sound_frames(clip))
    return distinct(images, least=spec.min_difference)
