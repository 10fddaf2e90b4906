"""Puts pictures together from RTP packets (RFC 3550): H.264 (RFC 6184) and HEVC (RFC 7798)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from video_classifier.states import Fault
from video_classifier.watching.sources import Picture, is_key, packed
from video_classifier.watching.wire import ConnectError

MOST_UNITS = (
    4096  # of a picture: slices, of which levels allow some hundreds, and what is said of it
)

_HEADER = 12  # bytes
_VERSION = 2
_HAS_PADDING, _HAS_EXTENSION = 0x20, 0x10
_FIRST, _LAST = 0x80, 0x40  # of the pieces of a unit
_STAP_A, _FU_A = 24, 28
_HEVC_TOGETHER, _HEVC_PIECE = 48, 49
_TURN = 2**32  # ticks after which the clock of 32 bits begins anew


@dataclass(slots=True)
class Depacketizer:
    """Of one stream. A picture is complete when the next one begins."""

    codec: str
    payload_type: int
    most_bytes: int
    _units: list[bytes] = field(default_factory=list)
    _bytes: int = 0
    _piece: bytearray | None = None  # of a unit that comes in pieces
    _number: int | None = None
    _stamp: int | None = None
    _ticks: int = 0
    _arrived: float = 0.0
    _is_damaged: bool = False

    def add(self, packet: bytes, now: float) -> Picture | None:
        """The picture that the packet shows to be complete. Raises ConnectError if it is huge.

        `now` is when the packet arrived, in monotonic seconds.
        """
        found = _payload(packet, self.payload_type)
        if found is None:
            return None
        number, stamp, payload = found
        done = self._begin(stamp) if stamp != self._stamp else None
        if self._number is not None and number != self._number + 1 & 0xFFFF:
            self._is_damaged, self._piece = True, None
        self._number, self._arrived = number, now
        self._bytes += len(payload)
        if self._bytes > self.most_bytes:
            msg = f"A picture has more than {self.most_bytes // 10**6} million bytes."
            raise ConnectError(Fault.TOO_LARGE, f"{msg} Set a lower resolution or bit rate.")
        self._units.extend(self._unpacked(payload))
        if len(self._units) > MOST_UNITS:
            msg = "A picture has thousands of parts. Restart the camera, or set another encoder."
            raise ConnectError(Fault.TOO_LARGE, msg)
        return done

    def _begin(self, stamp: int) -> Picture | None:
        of_picture, is_sound, ticks = self._units, not self._is_damaged, self._ticks
        if self._stamp is not None:
            step = (stamp - self._stamp) % _TURN
            self._ticks += step if step < _TURN // 2 else step - _TURN
        self._units, self._bytes, self._piece = [], 0, None
        self._stamp, self._is_damaged = stamp, False
        if not of_picture or not is_sound:
            return None
        return Picture(
            data=packed(of_picture),
            ticks=ticks,
            is_key=is_key(self.codec, of_picture),
            arrived=self._arrived,
        )

    def _unpacked(self, payload: bytes) -> Iterator[bytes]:
        size = 1 if self.codec == "h264" else 2  # of a unit's header
        if len(payload) <= size:
            return
        form = payload[0] & 31 if self.codec == "h264" else payload[0] >> 1 & 63
        if form == (_STAP_A if self.codec == "h264" else _HEVC_TOGETHER):
            yield from _apart(payload[size:])
        elif form == (_FU_A if self.codec == "h264" else _HEVC_PIECE):
            yield from self._joined(payload, size)
        else:
            yield payload

    def _joined(self, payload: bytes, size: int) -> Iterator[bytes]:
        ends, body = payload[size], payload[size + 1 :]
        if ends & _FIRST:
            if self.codec == "h264":
                self._piece = bytearray([payload[0] & 0xE0 | ends & 31])
            else:
                self._piece = bytearray([payload[0] & 0x81 | (ends & 63) << 1, payload[1]])
        if self._piece is None:
            self._is_damaged = True
            return
        self._piece += body
        if ends & _LAST:
            yield bytes(self._piece)
            self._piece = None


def _payload(packet: bytes, payload_type: int) -> tuple[int, int, bytes] | None:
    """Number, time stamp and payload; None of a packet that isn't one of the stream's."""
    if len(packet) < _HEADER:
        return None
    flags, kind, number, stamp = struct.unpack_from(">BBHI", packet)
    if flags >> 6 != _VERSION or kind & 0x7F != payload_type:
        return None
    start, end = _HEADER + 4 * (flags & 15), len(packet)
    if flags & _HAS_EXTENSION:
        if end < start + 4:
            return None
        start += 4 + 4 * struct.unpack_from(">H", packet, start + 2)[0]
    if flags & _HAS_PADDING:
        end -= packet[-1]
    return (number, stamp, packet[start:end]) if start <= end else None


def _apart(payload: bytes) -> Iterator[bytes]:
    """The units of a packet that holds several, each behind its length."""
    at = 0
    while at + 2 < len(payload):
        size = struct.unpack_from(">H", payload, at)[0]
        if unit := payload[at + 2 : at + 2 + size]:
            yield unit
        at += 2 + size
