"""Finds the pictures of a clip by the time at which they are on screen.

Packets are read first, without decoding: they tell when each picture is shown, in every container
and in files that are cut off, where headers and frame numbers can't be believed. Then only those
stretches are decoded that lead from a keyframe to a picture that is wanted. If one of these does
not come out sound, everything is decoded, and what is damaged counts as not there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from video_classifier.ml.contracts import ClipError, ClipSpec, Image, Sample, Substance
from video_classifier.ml.video import caveats, containers, packets, timeline
from video_classifier.ml.video.filters import PixelAspect
from video_classifier.ml.video.packets import Packets
from video_classifier.ml.video.scaling import Picture, Scaler
from video_classifier.ml.video.substance import Gauge
from video_classifier.ml.video.timeline import Run, Timeline

VERSION = 2  # raise it when a clip would give other pictures than before: caches go by it

FEWEST = 8  # different pictures that are enough to judge a clip by

_RATE_COMPARED, _MOST_COMPARED = 8.0, 2000  # pictures a second, and in all

_KEPT = 128 * 2**20  # bytes: half a minute of 640 x 480, 8 pictures a second

_LUMA = np.array((0.299, 0.587, 0.114), np.float32)  # ITU-R BT.601

_THREADS = min(4, os.cpu_count() or 1)

Seen = TypeVar("Seen")
Taken = TypeVar("Taken")

_Choice = Callable[[Timeline], list[int]]
_Take = Callable[[int, VideoFrame], Taken]  # what is kept of the frame of a number


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
    gauge = Gauge()

    def scaled(_: int, frame: VideoFrame) -> Picture:
        gauge.add(frame)
        return scaler(frame)

    def choose(shown: Timeline) -> list[int]:
        gauge.restart()
        return shown.evenly(spec.frames, start=start, end=end)

    if spec.min_difference:
        chosen = _distinct_numbers(path, spec)
        found = _find_straight(
            path, scaled, lambda t: t.evenly_among(chosen, spec.frames, start=start, end=end)
        )
    else:
        found = _find(path, known, scaled, choose)
    return Sample(
        images=np.stack([picture.image for picture in found.pictures]),
        times=found.times,
        length=found.timeline.length,
        warnings=tuple(caveats.of(found.timeline, known)),
        previews=tuple(p.preview for p in found.pictures if p.preview is not None),
        substance=_substance(path, found, gauge, known),
    )


def read_all(
    path: Path, *, fps: float, height: int, width: int
) -> tuple[Image, npt.NDArray[np.float64]]:
    """The picture on screen every 1/`fps` seconds recorded, and the second at which it came up.

    Images (n, height, width, 3) RGB, uint8, scaled as by `sample`; times (n,) float64, of the
    clip. n is bounded by the number of frames, see `Timeline.repeatedly`. Raises ClipError if no
    frame can be read.
    """
    scaler = Scaler(width=width, height=height)
    found = _find(
        path, packets.read(path), lambda _, frame: scaler(frame), lambda t: t.regularly(fps)
    )
    numbers = found.timeline.repeatedly(fps)
    images = [found.by_number[number].image for number in numbers]
    times = [found.timeline.seconds(number) for number in numbers]
    return np.stack(images), np.array(times)


class Reel:
    """A clip's pictures at an even rate, to be looked at one by one and as often as needed.

    They are decoded anew each time, unless they are so few and so small that they can be kept.
    Every look sees the same pictures at the same times. A clip that is short is looked at more
    often in a second, so that there are `least` pictures, if it has so many.
    """

    def __init__(self, path: Path, *, rate: float, least: int = 1) -> None:
        """Reads the packets, which may take a while. Raises ClipError if it is no video."""
        self._path = path
        self._rate = rate
        self._least = least
        self._packets = packets.read(path)
        self._shown: Timeline | None = None  # None until there has been a look
        self._places: dict[int, int] = {}  # of frames, by their numbers
        self._times: tuple[float, ...] = ()  # by place
        self._kept: dict[int, VideoFrame] = {}  # by their places
        self._gauge = Gauge()

    @property
    def pixel_aspect(self) -> PixelAspect:
        """What the header says of the shape of a stored pixel."""
        return self._packets.pixel_aspect

    @property
    def times(self) -> tuple[float, ...]:
        """When each picture comes up, in seconds since the clip's first frame, pauses included.

        () before a look.
        """
        return self._times

    @property
    def length(self) -> float:
        """Seconds that were recorded and could be read."""
        return self._timeline.length

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the uploader."""
        return tuple(caveats.of(self._timeline, self._packets))

    @property
    def substance(self) -> Substance:
        """What there is to judge in these pictures."""
        return self._gauge.read(
            pictures=len(self._timeline.ticks), share_decoded=self._packets.share(self._timeline)
        )

    def look(
        self,
        see: Callable[[int, VideoFrame], Seen],
        *,
        wants: Callable[[int], bool] = lambda _: True,
    ) -> dict[int, Seen]:
        """What `see` makes of the pictures, by their places from 0 on, that `wants` asks for.

        `see` gets the place and the frame; where damage is found, it is shown pictures again.
        Raises ClipError if none can be read.
        """
        places = [place for place in self._kept if wants(place)]
        if self._shown and len(places) == sum(map(wants, range(len(self._places)))):
            return {place: see(place, self._kept[place]) for place in sorted(places)}
        seen: dict[int, Seen] = {}

        def choose(shown: Timeline) -> list[int]:
            seen.clear()
            return self._lay_out(shown)

        def take(number: int, frame: VideoFrame) -> None:
            place = self._places[number]
            self._gauge.add(frame)
            if _size(frame) * len(self._places) <= _KEPT:
                self._kept[place] = frame
            if wants(place):
                seen[place] = see(place, frame)

        _find(self._path, self._packets, take, choose)
        return dict(sorted(seen.items()))

    def _lay_out(self, shown: Timeline) -> list[int]:
        rate = max(self._rate, self._least / shown.length) if shown.length else self._rate
        numbers = shown.regularly(rate)
        self._shown = shown
        self._places = {number: place for place, number in enumerate(numbers)}
        self._times = tuple(map(shown.seconds, numbers))
        self._kept.clear()
        self._gauge.restart()
        return numbers

    @property
    def _timeline(self) -> Timeline:
        if self._shown is None:
            msg = "nobody has looked at the clip yet"
            raise RuntimeError(msg)
        return self._shown


def _size(frame: VideoFrame) -> int:
    """Bytes."""
    return sum(plane.buffer_size for plane in frame.planes)


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


def _substance(path: Path, found: _Found[Picture], gauge: Gauge, known: Packets) -> Substance:
    """Where few of the sampled pictures differ, of the whole clip: most of it may be still."""
    shown = found.timeline
    measured = gauge.read(pictures=len(shown.ticks), share_decoded=known.share(shown))
    if measured.pictures_different >= FEWEST or len(shown.ticks) < FEWEST or not shown.length:
        return measured
    reel = Reel(path, rate=min(_RATE_COMPARED, _MOST_COMPARED / shown.length))
    reel.look(lambda _, __: None, wants=lambda _: False)
    return reel.substance


def decoded_timeline(path: Path) -> Timeline:
    """When each frame of a clip comes up that decodes soundly. Raises ClipError if none does."""
    told: list[int | None] = []
    duration = 0
    with containers.opened(path) as (container, stream):
        for frame in containers.sound_frames(container, stream):
            told.append(frame.dts if frame.pts is None else frame.pts)
            duration = frame.duration
        if not told:
            raise ClipError(containers.NOTHING_DECODES)
        if rate := containers.reckoned_rate(container, stream):
            duration = round(1 / (rate * containers.time_base(stream)))
        return timeline.from_decoded(
            told, duration=duration, time_base=containers.time_base(stream)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found(Generic[Taken]):
    timeline: Timeline
    numbers: list[int]
    by_number: dict[int, Taken]

    @property
    def pictures(self) -> list[Taken]:
        return [self.by_number[number] for number in self.numbers]

    @property
    def times(self) -> tuple[float, ...]:
        return tuple(self.timeline.seconds(number) for number in self.numbers)


def _find(path: Path, known: Packets, take: _Take[Taken], choose: _Choice) -> _Found[Taken]:
    return _find_by_packets(path, known, take, choose) or _find_straight(path, take, choose)


def _find_by_packets(
    path: Path, known: Packets, take: _Take[Taken], choose: _Choice
) -> _Found[Taken] | None:
    """Decodes what is needed; None if the packets don't tell what that is or some are damaged."""
    told = timeline.from_packets(known.entries, known.time_base)
    if told is None or known.order_is_guessed:
        return None
    numbers = choose(told)
    wanted = {told.ticks[number]: number for number in numbers}
    runs = timeline.runs(known.entries, wanted)
    if any(e.is_corrupt for run in runs for e in known.entries[run.first : run.last + 1]):
        return None
    try:
        pictures = {
            wanted[tick]: take(wanted[tick], frame)
            for tick, frame in _decode_runs(path, runs, wanted)
        }
    except (av.FFmpegError, _DamagedError):
        return None
    if len(pictures) < len(wanted):
        return None
    return _Found(timeline=told, numbers=numbers, by_number=pictures)


class _DamagedError(Exception):
    """A frame came out of the decoder with errors in it."""


def _decode_runs(
    path: Path, runs: Sequence[Run], wanted: Collection[int]
) -> Iterator[tuple[int, VideoFrame]]:
    """The frames at the ticks `wanted`. Raises FFmpegError or _DamagedError if one is not sound."""
    with containers.opened(path) as (container, stream):
        decoder = stream.codec_context
        decoder.thread_type, decoder.thread_count = "FRAME", _THREADS
        depth = decoder.reorder_depth
        coming = iter(runs)
        run = next(coming)
        for number, packet in enumerate(containers.packets(container, stream)):
            if number < run.first:
                continue
            decoder.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
            yield from _sound(decoder.decode(packet), wanted)
            if number == run.last:
                yield from _sound(decoder.decode(None), wanted)
                if (following := next(coming, None)) is None:
                    return
                run = following
                decoder.flush_buffers()
                decoder.reorder_depth = depth  # a flushed decoder forgets it and drops frames


def _sound(
    frames: Sequence[VideoFrame], wanted: Collection[int]
) -> Iterator[tuple[int, VideoFrame]]:
    for frame in frames:
        if frame.is_corrupt:
            raise _DamagedError
        if frame.pts is not None and frame.pts in wanted:
            yield frame.pts, frame


def _find_straight(path: Path, take: _Take[Taken], choose: _Choice) -> _Found[Taken]:
    """Decodes everything twice: once to learn when each frame is shown, once to take some."""
    shown = decoded_timeline(path)
    numbers = choose(shown)
    wanted = set(numbers)
    with containers.opened(path) as (container, stream):
        pictures = {
            number: take(number, frame)
            for number, frame in enumerate(containers.sound_frames(container, stream))
            if number in wanted
        }
    return _Found(timeline=shown, numbers=numbers, by_number=pictures)


def _distinct_numbers(path: Path, spec: ClipSpec) -> list[int]:
    scaler = Scaler(width=spec.width, height=spec.height)
    with containers.opened(path) as (container, stream):
        images = (scaler(frame).image for frame in containers.sound_frames(container, stream))
        return distinct(images, least=spec.min_difference)
