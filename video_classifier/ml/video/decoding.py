"""Decodes the pictures of a clip that are on screen at given times, and no more than it takes.

Packets are read first, without decoding: they say when each picture is shown, in every container
and in files that are cut off, where headers and frame numbers can't be believed. Then only those
stretches are decoded that lead from a keyframe to a picture that is wanted. If one of these does
not come out sound, everything is decoded, and damaged pictures count as missing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import av
from av.video.frame import VideoFrame

from video_classifier.ml.contracts import ClipError
from video_classifier.ml.video import containers, timeline
from video_classifier.ml.video.packets import Packets
from video_classifier.ml.video.timeline import Run, Timeline

VERSION = 2  # raise it when a clip would give other pictures than before: caches go by it

_THREADS = min(4, os.cpu_count() or 1)

Taken = TypeVar("Taken")

Choose = Callable[[Timeline], list[int]]  # the numbers of the frames that are wanted
Take = Callable[[int, VideoFrame], Taken]  # what to keep of the frame of a number


def decoded_timeline(path: Path) -> Timeline:
    """When each frame of a clip comes up that decodes soundly. Raises ClipError if none does."""
    stamps: list[int | None] = []
    duration = 0
    with containers.opened(path) as (container, stream):
        for frame in containers.sound_frames(container, stream):
            stamps.append(frame.dts if frame.pts is None else frame.pts)
            duration = frame.duration
        if not stamps:
            raise ClipError(containers.NOTHING_DECODES)
        if rate := containers.reckoned_rate(container, stream):
            duration = round(1 / (rate * containers.time_base(stream)))
        return timeline.from_decoded(
            stamps, duration=duration, time_base=containers.time_base(stream)
        )


def packet_timeline(known: Packets) -> Timeline | None:
    """When each frame comes up by its packet, or None if the packets don't say reliably."""
    return None if known.order_is_guessed else timeline.from_packets(known.entries, known.time_base)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedPictures(Generic[Taken]):
    """The results of `take` for the frames that were chosen."""

    timeline: Timeline
    numbers: list[int]  # of the frames chosen; one may come several times
    by_number: dict[int, Taken]

    @property
    def pictures(self) -> list[Taken]:
        return [self.by_number[number] for number in self.numbers]

    @property
    def times(self) -> tuple[float, ...]:
        """Seconds since the clip's first frame, one a picture."""
        return tuple(self.timeline.seconds(number) for number in self.numbers)


def decode(path: Path, known: Packets, take: Take[Taken], choose: Choose) -> DecodedPictures[Taken]:
    """What `take` makes of the frames that `choose` picks from the clip's timeline.

    Where damage is found, both are called again, for the timeline of what decodes soundly. Raises
    ClipError if no frame does.
    """
    shown = packet_timeline(known)
    if shown is not None:
        numbers = choose(shown)
        with suppress(DamagedError):
            taken = take_guided(path, known, shown, numbers, take)
            return DecodedPictures(timeline=shown, numbers=numbers, by_number=taken)
    return decode_all(path, take, choose)


def decode_all(path: Path, take: Take[Taken], choose: Choose) -> DecodedPictures[Taken]:
    """As `decode`, but everything is decoded: once for the timeline, once to take the frames."""
    shown = decoded_timeline(path)
    numbers = choose(shown)
    return DecodedPictures(timeline=shown, numbers=numbers, by_number=take_all(path, numbers, take))


class DamagedError(Exception):
    """A frame came out of the decoder with errors in it, or did not come."""


def take_guided(
    path: Path, known: Packets, shown: Timeline, numbers: Collection[int], take: Take[Taken]
) -> dict[int, Taken]:
    """What `take` makes of the frames of these numbers in `shown`, the timeline of the packets.

    Decodes what that takes. Raises DamagedError, perhaps after some were taken.
    """
    wanted = {shown.ticks[number]: number for number in numbers}
    runs = timeline.runs(known.entries, wanted)
    if any(e.is_corrupt for run in runs for e in known.entries[run.first : run.last + 1]):
        raise DamagedError
    try:
        taken = {
            wanted[tick]: take(wanted[tick], frame)
            for tick, frame in _decode_runs(path, runs, wanted)
        }
    except av.FFmpegError as error:
        raise DamagedError from error
    if len(taken) < len(wanted):
        raise DamagedError
    return taken


def take_all(path: Path, numbers: Collection[int], take: Take[Taken]) -> dict[int, Taken]:
    """What `take` makes of the sound frames of these numbers, everything being decoded."""
    wanted = set(numbers)
    with containers.opened(path) as (container, stream):
        return {
            number: take(number, frame)
            for number, frame in enumerate(containers.sound_frames(container, stream))
            if number in wanted
        }


def _decode_runs(
    path: Path, runs: Sequence[Run], wanted: Collection[int]
) -> Iterator[tuple[int, VideoFrame]]:
    """The frames at the ticks `wanted`. Raises FFmpegError or DamagedError if one is not sound."""
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
            raise DamagedError
        if frame.pts is not None and frame.pts in wanted:
            yield frame.pts, frame
