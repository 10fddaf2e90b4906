"""Cuts a stretch out of a clip without decoding it: its packets, byte by byte as they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import av
from av.packet import Packet
from av.stream import Stream

from video_classifier.ml import files
from video_classifier.ml.contracts import ClipError
from video_classifier.ml.video import browser_copy, containers, packets, timeline
from video_classifier.ml.video.packets import Packets
from video_classifier.ml.video.timeline import Timeline

# By FFmpeg's names, of what is written for a file of that kind. Matroska holds any other codec.
_WRITTEN = {"mp4": "mp4", "mov": "mov", "avi": "avi", "ts": "mpegts", "flv": "flv", "webm": "webm"}
_SUFFIXES = {"matroska": "mkv", "mpegts": "ts"}
_ANY = "matroska"

UNTIMED = (
    "The clip does not say when its pictures are shown, so no stretch of it can be cut out without "
    "changing it. Download the whole clip."
)
NOT_CUT = (
    "The stretch can't be cut out of this clip without encoding it anew. Download the whole clip."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What was cut out: seconds since the clip's first picture, and in which kind of file."""

    start: float  # of its first picture, a keyframe
    end: float  # when its last picture gives way to the next
    suffix: str


def cut(source: Path, target: Path, *, container: str, start: float, end: float) -> Cut:
    """Writes the video from the last keyframe before `start` to the picture after `end`, seconds.

    Nothing is encoded, and sound is left out. `container` is the clip's; `target` appears when it
    is whole, and `Cut.suffix` says what it is. Raises ClipError.
    """
    known = packets.read(source)
    shown = browser_copy.clearly_shown(known)
    if shown is None:
        raise ClipError(UNTIMED)
    numbers = _numbers(known, shown, start=start, end=end)
    chosen = _Chosen(known, shown, numbers)
    for written in dict.fromkeys((_WRITTEN.get(container, _ANY), _ANY)):
        try:
            with files.atomic_write(target) as aside:
                _write(source, aside, written, chosen)
        except (av.FFmpegError, ValueError):  # that kind of file doesn't hold this codec
            continue
        seconds = [_second(known, shown, number) for number in numbers]
        following = [_second(known, shown, number, at_end=True) for number in numbers]
        suffix = _SUFFIXES.get(written, written)
        return Cut(start=min(seconds), end=max(following), suffix=suffix)
    raise ClipError(NOT_CUT)


def _numbers(known: Packets, shown: Timeline, *, start: float, end: float) -> Sequence[int]:
    """Of the packets that make the stretch, in the order of decoding."""
    found = timeline.decodable(known.entries)
    seconds = [_second(known, shown, number) for number in found]
    keys = [
        place
        for place, number in enumerate(found)
        if known.entries[number].is_key and seconds[place] <= start
    ]
    first = keys[-1] if keys else 0
    last = max(place for place, second in enumerate(seconds) if place <= first or second <= end)
    return found[first : last + 2]


def _second(known: Packets, shown: Timeline, number: int, *, at_end: bool = False) -> float:
    """When a packet's picture comes up, or gives way to the next, by the clip's clock."""
    entry = known.entries[number]
    tick = (entry.pts or 0) + (entry.duration if at_end else 0)
    return float(shown.on_clock(tick) * known.time_base)


class _Chosen(NamedTuple):
    """The packets of a stretch, in the order of decoding, among all that there are."""

    known: Packets
    shown: Timeline
    numbers: Sequence[int]


def _write(source: Path, target: Path, written: str, chosen: _Chosen) -> None:
    known, _, numbers = chosen
    stamps = list(browser_copy.stamps(*chosen))
    begin = min(stamp.pts for _, stamp in stamps)
    with (
        containers.opened(source) as (_, stream),
        av.open(target, "w", format=written) as output,
    ):
        # Opaque, or PyAV would look for an encoder with the name of the decoder.
        copied = output.add_stream_from_template(stream, opaque=True)
        copied.time_base = containers.time_base(stream)
        for packet, (_, stamp) in zip(_packets(source, known, numbers), stamps, strict=True):
            packet.pts, packet.dts = stamp.pts - begin, stamp.dts - begin
            packet.duration, packet.time_base = stamp.duration, known.time_base
            packet.stream = copied
            output.mux(packet)


def _packets(source: Path, known: Packets, numbers: Sequence[int]) -> Iterator[Packet[Stream]]:
    """Those with the numbers: from the keyframe on, if it is found by its time, else from 0."""
    wanted = set(numbers)
    for number, packet in enumerate(_from_keyframe(source, known, numbers[0]), numbers[0]):
        if number in wanted:
            yield packet
        if number == numbers[-1]:
            return


def _from_keyframe(source: Path, known: Packets, number: int) -> Iterator[Packet[Stream]]:
    entry = known.entries[number]
    with containers.opened(source) as (container, stream):
        container.seek(entry.pts or 0, stream=stream)
        for packet in containers.packets(container, stream):
            if (packet.pts, packet.dts) == (entry.pts, entry.dts):
                yield packet
                yield from containers.packets(container, stream)
                return
    with containers.opened(source) as (container, stream):  # the index is wrong, or there is none
        yield from islice(containers.packets(container, stream), number, None)
