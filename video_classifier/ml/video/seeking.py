"""Goes to a packet in the middle of a file, and makes sure that it is the right one.

Where a seek lands depends on the container, on its index and on damage: it may be too late, and the
first packets may lack a half. So what comes is compared with what was read of the packets before,
and where it doesn't fit, the file is gone through from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from video_classifier.ml.video import containers
from video_classifier.ml.video.packets import Packets
from video_classifier.ml.video.timeline import PacketEntry

if TYPE_CHECKING:  # PyAV's packets have a type of stream only for a type checker
    _Numbered = Iterator[tuple[int, Packet[Stream]]]


@contextmanager
def opened_at(path: Path, known: Packets, first: int) -> Iterator[tuple[VideoStream, _Numbered]]:
    """The video, and its packets with their numbers in the entries of `known`.

    From number `first` on; from the beginning where a seek doesn't find that packet. Raises
    ClipError.
    """
    with ExitStack() as stack:
        container, stream = stack.enter_context(containers.opened(path, known.video))
        if not first:
            yield stream, enumerate(containers.packets(container, stream))
            return
        if found := _sought(container, stream, known.entries[first]):
            yield stream, enumerate(found, start=first)
            return
        stack.close()
        container, stream = stack.enter_context(containers.opened(path, known.video))
        yield stream, enumerate(containers.packets(container, stream))


def is_entry(packet: Packet[Stream], entry: PacketEntry) -> bool:
    """Whether it is the packet of which the entry was made."""
    return (packet.pts, packet.dts) == (entry.pts, entry.dts)


def _sought(
    container: InputContainer, stream: VideoStream, entry: PacketEntry
) -> Iterator[Packet[Stream]] | None:
    """The packets from that of the entry on; None if it doesn't come."""
    if entry.dts is None:
        return None
    try:
        container.seek(entry.dts, stream=stream)
    except (av.FFmpegError, OverflowError):
        return None
    sent = containers.packets(container, stream)
    for packet in sent:
        if is_entry(packet, entry):
            return chain([packet], sent)
        if packet.dts is not None and packet.dts >= entry.dts:
            return None
    return None
