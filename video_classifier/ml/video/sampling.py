"""Samples a clip: the pictures at even moments, or at an even rate, as a network gets them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from video_classifier.ml.contracts import MIN_PICTURES, ClipContent, ClipSpec, Floats, Image, Sample
from video_classifier.ml.video import clip_warnings, containers, decoding, packets
from video_classifier.ml.video.content import ContentMeter
from video_classifier.ml.video.decoding import DecodedPictures
from video_classifier.ml.video.packets import Packets
from video_classifier.ml.video.reel import open_reel
from video_classifier.ml.video.scaling import Picture, Scaler
from video_classifier.ml.video.timeline import Timeline

_RATE_COMPARED, _MAX_COMPARED = 8.0, 2000  # pictures a second, and in all

_LUMA = np.array((0.299, 0.587, 0.114), np.float32)  # ITU-R BT.601


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
    known = packets.read(path)
    scaler = Scaler(
        width=spec.width,
        height=spec.height,
        preview_width=preview_width,
        pixel_aspect=known.pixel_aspect,
    )
    meter = ContentMeter()

    def scaled(_: int, frame: VideoFrame) -> Picture:
        meter.add(frame)
        return scaler(frame)

    def choose(shown: Timeline) -> list[int]:
        meter.restart()
        return shown.uniform_indices(spec.frames, start=start, end=end)

    if spec.min_difference:
        chosen = _distinct_numbers(path, spec)
        found = decoding.decode_all(
            path,
            scaled,
            lambda t: t.uniform_indices_among(chosen, spec.frames, start=start, end=end),
        )
    else:
        found = decoding.decode(path, known, scaled, choose)
    return Sample(
        images=np.stack([picture.image for picture in found.pictures]),
        times=found.times,
        length=found.timeline.length,
        warnings=tuple(clip_warnings.of(found.timeline, known)),
        previews=tuple(p.preview for p in found.pictures if p.preview is not None),
        content=_content(path, found, meter, known),
    )


def read_all(path: Path, *, fps: float, height: int, width: int) -> tuple[Image, Floats]:
    """The picture on screen every 1/`fps` seconds recorded, and the second at which it came up.

    Images (n, height, width, 3) RGB, uint8, scaled as by `sample`; times (n,) float64, of the
    clip. n is bounded by the number of frames, see `Timeline.repeated_indices_at_rate`. Raises
    ClipError if no frame can be read.
    """
    scaler = Scaler(width=width, height=height)
    found = decoding.decode(
        path, packets.read(path), lambda _, frame: scaler(frame), lambda t: t.indices_at_rate(fps)
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
        gray = image @ _LUMA
        if last is None or np.abs(gray - last).mean() >= least:
            chosen.append(number)
            last = gray
    return chosen


def _content(
    path: Path, found: DecodedPictures[Picture], meter: ContentMeter, known: Packets
) -> ClipContent:
    """Where few of the sampled pictures differ, of the whole clip: most of it may be still."""
    shown = found.timeline
    measured = meter.read(pictures=len(shown.ticks), share_decoded=known.share(shown))
    if (
        measured.pictures_different >= MIN_PICTURES
        or len(shown.ticks) < MIN_PICTURES
        or not shown.length
    ):
        return measured
    reel = open_reel(path, rate=min(_RATE_COMPARED, _MAX_COMPARED / shown.length))
    return reel.map(lambda _, __: None, choose=lambda _: ()).content


def _distinct_numbers(path: Path, spec: ClipSpec) -> list[int]:
    scaler = Scaler(width=spec.width, height=spec.height)
    with containers.opened(path) as (container, stream):
        images = (scaler(frame).image for frame in containers.sound_frames(container, stream))
        return distinct(images, least=spec.min_difference)
