"""Decodes the pictures of a clip that are on screen at given times, and no more than it takes.

Packets are read first, without decoding: they say when each picture is shown, in every container
and in files that are cut off, where headers and frame numbers can't be believed. Then only those
stretches are decoded that lead from a keyframe to a picture that is wanted. If one of these does
not come out sound, everything is decoded, and damaged pictures count as missing.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

import av
from av.video.frame import VideoFrame

from video_classifier.ml.contracts import ClipError
from video_classifier.ml.video import containers, seeking, timeline
from video_classifier.ml.video.source import Source
from video_classifier.ml.video.timeline import Run, Timeline

VERSION = 2  # raise it when a clip would give other pictures than before: caches go by it

NOTHING_DECODES_HERE = (
    "No picture of this stretch of the recording can be decoded: the file is damaged there. Export "
    "the stretch again from the recorder."
)

_SHORT_GAP = 8  # packets: to decode them takes less than to begin anew after them
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


def sound_timeline(source: Source) -> Timeline:
    """As `decoded_timeline`, of a clip or a span of one, whose times stay those of the packets."""
    if source.is_whole or source.shown is None:
        return decoded_timeline(source.path)
    ticks = {frame.pts or 0 for frame in _sound_frames_within(source)}
    try:
        return source.shown.keeping(ticks)
    except ValueError as error:
        raise ClipError(NOTHING_DECODES_HERE) from error


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


def decode(source: Source, take: Take[Taken], choose: Choose) -> DecodedPictures[Taken]:
    """What `take` makes of the frames that `choose` picks from the clip's timeline.

    Where damage is found, both are called again, for the timeline of what decodes soundly. Raises
    ClipError if no frame does.
    """
    if (shown := source.shown) is not None:
        numbers = choose(shown)
        with suppress(DamagedError):
            taken = take_guided(source, shown, numbers, take)
            return DecodedPictures(timeline=shown, numbers=numbers, by_number=taken)
    return decode_all(source, take, choose)


def decode_all(source: Source, take: Take[Taken], choose: Choose) -> DecodedPictures[Taken]:
    """As `decode`, but everything is decoded: once for the timeline, once to take the frames."""
    shown = sound_timeline(source)
    numbers = choose(shown)
    taken = take_all(source, shown, numbers, take)
    return DecodedPictures(timeline=shown, numbers=numbers, by_number=taken)


class DamagedError(Exception):
    """A frame came out of the decoder with errors in it, or did not come."""


def take_guided(
    source: Source, shown: Timeline, numbers: Collection[int], take: Take[Taken]
) -> dict[int, Taken]:
    """What `take` makes of the frames of these numbers in `shown`, a timeline of the packets.

    Decodes what that takes. Raises DamagedError, perhaps after some were taken.
    """
    if not numbers:
        return {}
    wanted = {shown.ticks[number]: number for number in numbers}
    entries = source.known.entries
    runs = timeline.runs(entries, wanted)
    if any(e.is_corrupt for run in runs for e in entries[run.first : run.last + 1]):
        raise DamagedError
    try:
        taken = {
            wanted[tick]: take(wanted[tick], frame)
            for tick, frame in _decode_runs(source, runs, wanted)
        }
    except av.FFmpegError as error:
        raise DamagedError from error
    if len(taken) < len(wanted):
        raise DamagedError
    return taken


def take_all(
    source: Source, shown: Timeline, numbers: Collection[int], take: Take[Taken]
) -> dict[int, Taken]:
    """What `take` makes of the sound frames of these numbers, everything being decoded."""
    wanted, taken = set(numbers), {}
    for at, frame in enumerate(sound_frames(source)):
        number = at if source.is_whole else bisect_right(shown.ticks, frame.pts or 0) - 1
        if number in wanted:
            taken[number] = take(number, frame)
    return taken


def sound_frames(source: Source) -> Iterator[VideoFrame]:
    """All frames of `sound_timeline`, in its order."""
    if not source.is_whole:
        yield from _sound_frames_within(source)
        return
    with containers.opened(source.path) as (container, stream):
        yield from containers.sound_frames(container, stream)


def _sound_frames_within(source: Source) -> Iterator[VideoFrame]:
    """The sound frames of a span, each tick once: from the keyframe before it, all is decoded."""
    wanted = set(source.shown.ticks) if source.shown else set()
    runs = timeline.runs(source.known.entries, wanted)
    first, last = runs[0].first, runs[-1].last
    with seeking.opened_at(source.path, source.known, first) as (stream, numbered):
        sent = (packet for number, packet in numbered if number >= first)
        for frame in containers.sound_frames_of(islice(sent, last + 1 - first), stream):
            if frame.pts in wanted:
                wanted.remove(frame.pts)
                yield frame


def _decode_runs(
    source: Source, runs: Sequence[Run], wanted: Collection[int]
) -> Iterator[tuple[int, VideoFrame]]:
    """The frames at the ticks `wanted`. Raises FFmpegError or DamagedError if one is not sound."""
    if not source.is_whole:
        runs = _bridged(runs)
    known, start = source.known, 0 if source.is_whole else runs[0].first
    with seeking.opened_at(source.path, known, start) as (stream, numbered):
        decoder = stream.codec_context
        decoder.thread_type, decoder.thread_count = "FRAME", _THREADS
        depth = decoder.reorder_depth
        coming = iter(runs)
        run = next(coming)
        for number, packet in numbered:
            if number < run.first:
                continue
            if start and not seeking.is_entry(packet, known.entries[number]):
                raise DamagedError
            decoder.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
            yield from _sound(decoder.decode(packet), wanted)
            if number == run.last:
                yield from _sound(decoder.decode(None), wanted)
                if (following := next(coming, None)) is None:
                    return
                run = following
                decoder.flush_buffers()
                decoder.reorder_depth = depth  # a flushed decoder forgets it and drops frames


def _bridged(runs: Sequence[Run]) -> list[Run]:
    """Runs with only a few packets between them as one.

    At the end of a run the decoder's threads have nothing to do until all its pictures are out.
    """
    found = [runs[0]]
    for run in runs[1:]:
        if run.first - found[-1].last <= _SHORT_GAP:
            found[-1] = Run(found[-1].first, run.last)
        else:
            found.append(run)
    return found


def _sound(
    frames: Sequence[VideoFrame], wanted: Collection[int]
) -> Iterator[tuple[int, VideoFrame]]:
    for frame in frames:
        if frame.is_corrupt:
            raise DamagedError
        if frame.pts is not None and frame.pts in wanted:
            yield frame.pts, frame
