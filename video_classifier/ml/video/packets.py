"""What the packets of a file's video say of its pictures, in the order of decoding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from video_classifier.ml.video import containers, nal, timeline
from video_classifier.ml.video.filters import PixelAspect
from video_classifier.ml.video.timeline import PacketEntries, PacketEntry, Timeline

_ROUNDING = 0.5  # seconds by which headers may be off
_DAY = 86_400  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """The packets of a file's video, and what its header says."""

    entries: Sequence[PacketEntry]
    sent: Timeline | None  # of all of them; None without time stamps
    time_base: Fraction
    pixel_aspect: PixelAspect
    order_is_guessed: bool  # pictures are reordered, and the container doesn't say how
    reckoned_rate: float | None  # frames a second that times are reckoned by; None with time stamps
    videos: int  # that move: more than one if several cameras are in the file
    doubtful: Sequence[range]  # ticks from a picture whose reference is lost to the next keyframe
    has_over_long: bool  # notes beside the pictures, at which browsers stop
    missing: float  # seconds of video that the header promises and no packet reaches
    video: int  # the index of the stream

    @property
    def shown(self) -> Timeline | None:
        """When each frame comes up, or None if the packets don't say reliably."""
        if self.order_is_guessed:
            return None
        return timeline.from_packets(self.entries, self.time_base)

    def share(self, decoded: Timeline) -> float:
        """How many of the pictures that were sent are among those decoded, 0 to 1.

        What the header promises and no packet reaches counts as sent.
        """
        if self.sent is None:
            return 1.0
        of_sent = min(len(decoded.ticks) / len(self.sent.ticks), 1.0)
        whole = self.sent.length + self.missing
        return of_sent * self.sent.length / whole if whole else of_sent


def read(path: Path) -> Packets:
    """Reads every packet and decodes none. Raises ClipError if it is no video."""
    entries, some_untimed = PacketEntries(), False
    ends: dict[int, int] = {}  # in ticks, by the index of the stream
    counts: Counter[int] = Counter()
    doubts = _DoubtfulRanges()
    with containers.opened(path) as (container, stream):
        reader, own = containers.unit_reader(stream), stream.index
        for packet in containers.packets(container):
            index, pts = packet.stream_index, packet.pts
            if pts is not None:
                ends[index] = max(ends.get(index, 0), pts + (packet.duration or 0))
            counts[index] += 1
            if index == own:
                entries.append(_entry(packet))
                if reader:
                    doubts.take(packet, reader.inspect(bytes(packet)))
                some_untimed |= pts is None  # of several in a packet of MPEG-PS
        time_base = containers.time_base(stream)
        reached = max((end * _time_base(container, at) for at, end in ends.items()), default=0)
        rate = containers.reckoned_rate(container, stream)
        return Packets(
            entries=entries,
            sent=timeline.as_sent(entries, time_base),
            time_base=time_base,
            pixel_aspect=PixelAspect.of(stream),
            order_is_guessed=containers.order_is_guessed(container, stream) or some_untimed,
            reckoned_rate=float(rate) if rate else None,
            videos=len(containers.moving([counts[v.index] for v in containers.videos(container)])),
            doubtful=doubts.ranges(),
            has_over_long=doubts.has_over_long,
            missing=_seconds_missing(container, stream, entries, float(reached)),
            video=own,
        )


def _time_base(container: InputContainer, index: int) -> Fraction:
    return container.streams[index].time_base or Fraction(1, 10**6)


class _DoubtfulRanges:
    """Where pictures may look damaged that decoders take for sound."""

    def __init__(self) -> None:
        self._ranges: list[range] = []
        self._since: int | None = None  # the tick of the first picture in doubt
        self.has_over_long = False

    def take(self, packet: Packet[Stream], finding: nal.Finding) -> None:
        self.has_over_long |= finding.has_over_long
        if packet.pts is None:
            return
        if packet.is_keyframe:
            self._end(packet.pts)
        elif finding.misses_reference and self._since is None:
            self._since = packet.pts

    def ranges(self) -> Sequence[range]:
        self._end(2**62)
        return self._ranges

    def _end(self, tick: int) -> None:
        if self._since is not None:
            self._ranges.append(range(self._since, tick))
        self._since = None


def _entry(packet: Packet[Stream]) -> PacketEntry:
    return PacketEntry(
        pts=packet.pts,
        dts=packet.dts,
        duration=packet.duration or 0,
        is_key=packet.is_keyframe,
        is_hidden=packet.is_discard,
        is_corrupt=packet.is_corrupt,
    )


def _seconds_missing(
    container: InputContainer, stream: VideoStream, entries: Sequence[PacketEntry], reached: float
) -> float:
    """Seconds of video that the header promises and that are not in the file.

    Some give only the length of the whole, sound included; that says something about the video
    only if no packet at all reaches that far. Who promises more than a day is not believed.
    """
    if promised := containers.video_seconds(container, stream):
        missing = promised - float(timeline.ticks_claimed(entries) * containers.time_base(stream))
    else:
        missing = (containers.whole_seconds(container) or 0.0) - reached
    return missing if _ROUNDING < missing < _DAY else 0.0
