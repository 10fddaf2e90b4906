"""Looks at the NAL units of H.264 and HEVC, of which decoders say too much or too little.

An over-long SEI message (ITU-T H.264 and H.265, annex D: notes beside the pictures) makes a strict
decoder throw a sound picture away. A lost reference picture makes no decoder of H.264 complain: it
shows another one instead. The frame numbers in the slices say so (H.264, 7.4.3, frame_num).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_START = b"\0\0\1"
_IDR, _SPS, _PPS = 5, 7, 8
_SLICES = {"h264": range(1, 6), "hevc": range(32)}
_MESSAGES = {"h264": frozenset([6]), "hevc": frozenset([39, 40])}
_444 = 3  # chroma in full
_SMALL_LISTS = 6  # of a scaling matrix; the others are of 8 by 8
PROFILE = 4  # bytes of a sequence parameter set: its kind, profile, constraints and level
_IS_REFERENCE = 0x60
_FIRST_BIT = 0x80
_LONGEST = 32  # bits of a number
_HEAD = 64  # bytes of a slice that are looked at
_WITH_CHROMA = frozenset([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])


@dataclass(slots=True)
class NalLayout:
    """How the units of a stream are packed: behind their lengths (MP4), or behind start codes."""

    codec: str  # FFmpeg's name
    length_size: int  # bytes, 0 if there are start codes

    @classmethod
    def of(cls, codec: str, extradata: bytes | None) -> NalLayout | None:
        """None if the codec has no such units."""
        if codec not in _MESSAGES:
            return None
        at = {"h264": 4, "hevc": 21}[codec]
        is_packed = extradata is not None and len(extradata) > at and extradata[0] == 1
        return cls(codec, (extradata[at] & 3) + 1 if is_packed and extradata else 0)

    def units(self, content: bytes) -> Iterator[bytes]:
        yield from self._by_length(content) if self.length_size else _by_start_codes(content)

    def packed(self, units: list[bytes]) -> bytes:
        if self.length_size:
            return b"".join(len(unit).to_bytes(self.length_size) + unit for unit in units)
        return b"".join(b"\0" + _START + unit for unit in units)

    def is_message(self, unit: bytes) -> bool:
        return self._kind(unit) in _MESSAGES[self.codec]

    def is_slice(self, unit: bytes) -> bool:
        return self._kind(unit) in _SLICES[self.codec]

    def is_over_long(self, unit: bytes) -> bool:
        """Whether a message in the unit claims more bytes than there are."""
        payload = _unescaped(unit)[1 if self.codec == "h264" else 2 :].rstrip(b"\0")
        at = 0
        while at < len(payload) - 1:  # the last byte holds nothing but the stop bit
            _, at = _summed(payload, at)  # the kind of message
            size, at = _summed(payload, at)
            at += size
        return at > len(payload)

    def without_messages(self, content: bytes, *, sound_ones: bool) -> bytes | None:
        """The content without over-long SEI messages, and without the `sound_ones` if asked for.

        None if there are none to leave out.
        """
        units = list(self.units(content))
        first = next((n for n, unit in enumerate(units) if self.is_slice(unit)), None)
        if first is None or not self._begins_picture(units[first]):
            return None  # a slice may have been damaged so that it looks like a message
        kept = [
            unit
            for unit in units[:first]
            if not (self.is_message(unit) and (sound_ones or self.is_over_long(unit)))
        ]
        return self.packed(kept + units[first:]) if len(kept) < first else None

    def _begins_picture(self, unit: bytes) -> bool:
        """Whether a slice has the picture's first block: the first bit behind its head is set."""
        head = 1 if self.codec == "h264" else 2
        return len(unit) > head and bool(unit[head] & _FIRST_BIT)

    def _kind(self, unit: bytes) -> int:
        return unit[0] & 31 if self.codec == "h264" else unit[0] >> 1 & 63

    def _by_length(self, content: bytes) -> Iterator[bytes]:
        at = 0
        while at + self.length_size < len(content):
            start = at + self.length_size
            at = start + int.from_bytes(content[at:start])
            if unit := content[start:at]:
                yield unit


def _by_start_codes(content: bytes) -> Iterator[bytes]:
    at = content.find(_START)
    while at >= 0:
        following = content.find(_START, at + 3)
        unit = content[at + 3 : following if following >= 0 else len(content)]
        if unit.rstrip(b"\0"):
            yield unit.rstrip(b"\0") if following >= 0 else unit
        at = following


def _summed(payload: bytes, at: int) -> tuple[int, int]:
    """A number in bytes of which all but the last are 255, and where it ends."""
    number = 0
    while payload[at : at + 1] == b"\xff":
        number, at = number + 255, at + 1
    return number + int.from_bytes(payload[at : at + 1]), at + 1


def _unescaped(unit: bytes) -> bytes:
    return unit.replace(b"\0\0\3", b"\0\0")


class Bits:
    """Reads numbers from the front; zeros follow the end."""

    def __init__(self, unit: bytes) -> None:
        content = _unescaped(unit)
        self._number = int.from_bytes(content)
        self._left = 8 * len(content)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            return 0  # all that follows is read as zeros
        return self._number >> self._left & ((1 << count) - 1)

    def golomb(self) -> int:
        """Exp-Golomb, without sign (9.1)."""
        zeros = 0
        while zeros < _LONGEST and not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        number = self.golomb()
        return (number + 1) // 2 if number % 2 else -(number // 2)


class Numbering(NamedTuple):
    """What a sequence parameter set says of the numbers of frames (7.3.2.1.1)."""

    bits: int
    may_have_gaps: bool
    chroma: int  # how it is sampled: 0 not at all, 1 to 3 (6.2)
    has_planes: bool  # coded apart, each slice naming its own

    @classmethod
    def read(cls, bits: Bits, profile: int) -> Numbering:
        """From behind the number of the set on; `bits` then stands before the width."""
        chroma, has_planes = 1, False
        if profile in _WITH_CHROMA:
            chroma = bits.golomb()
            if chroma == _444:
                has_planes = bool(bits.take(1))
            bits.golomb(), bits.golomb(), bits.take(1)
            if bits.take(1):
                _skip_scaling(bits, 12 if chroma == _444 else 8)
        count = min(bits.golomb(), 12) + 4
        order = bits.golomb()
        if order == 0:
            bits.golomb()
        elif order == 1:
            bits.take(1), bits.signed(), bits.signed()
            for _ in range(min(bits.golomb(), 255)):
                bits.signed()
        bits.golomb()  # reference frames
        return cls(count, bool(bits.take(1)), chroma, has_planes)


def _skip_scaling(bits: Bits, lists: int) -> None:
    for number in range(lists):
        if not bits.take(1):
            continue
        last = following = 8
        for _ in range(16 if number < _SMALL_LISTS else 64):
            if following:
                following = (last + bits.signed()) % 256
            last = following or last


class Finding(NamedTuple):
    """What a picture's units say."""

    misses_reference: bool  # a picture was sent before it, and lost, on which it may build
    has_over_long: bool  # a message


class Reader:
    """Looks at the units of one picture after the other, in the order sent."""

    def __init__(self, layout: NalLayout, extradata: bytes | None) -> None:
        self._layout = layout
        self._numbering: dict[int, Numbering] = {}  # by number of the set
        self._sets: dict[int, int] = {}  # numbers of sequence sets, by those of picture sets
        self._last: int | None = None  # the number of the last reference frame
        if layout.codec == "h264":
            for unit in _parameter_sets(layout, extradata or b""):
                self._learn(unit)

    def inspect(self, content: bytes) -> Finding:
        has_over_long = False
        for unit in self._layout.units(content):
            if self._layout.is_slice(unit):
                return Finding(self._layout.codec == "h264" and self._is_gap(unit), has_over_long)
            if self._layout.is_message(unit):
                has_over_long |= self._layout.is_over_long(unit)
            elif self._layout.codec == "h264":
                self._learn(unit)
        return Finding(misses_reference=False, has_over_long=has_over_long)

    def _learn(self, unit: bytes) -> None:
        kind = unit[0] & 31
        if kind == _SPS and len(unit) > PROFILE:
            bits = Bits(unit[PROFILE:])
            number = bits.golomb()
            self._numbering[number] = Numbering.read(bits, profile=unit[1])
        elif kind == _PPS:
            bits = Bits(unit[1:_HEAD])
            number = bits.golomb()
            self._sets[number] = bits.golomb()

    def _is_gap(self, unit: bytes) -> bool:
        bits = Bits(unit[1:_HEAD])
        bits.golomb(), bits.golomb()  # the first macroblock, and the kind of slice
        numbering = self._numbering.get(self._sets.get(bits.golomb(), -1))
        if numbering is None:
            return False
        if numbering.has_planes:
            bits.take(2)
        number = bits.take(numbering.bits)
        expected = {self._last, ((self._last or 0) + 1) % (1 << numbering.bits)}
        is_gap = (
            unit[0] & 31 != _IDR
            and self._last is not None
            and number not in expected
            and not numbering.may_have_gaps
        )
        if unit[0] & _IS_REFERENCE:
            self._last = number
        return is_gap


def _parameter_sets(layout: NalLayout, extradata: bytes) -> Iterator[bytes]:
    """Those of an MP4's avcC (ISO/IEC 14496-15), or behind start codes."""
    if not layout.length_size:
        yield from _by_start_codes(extradata)
        return
    at = 5
    for mask in (31, 255):
        count = int.from_bytes(extradata[at : at + 1]) & mask
        at += 1
        for _ in range(count):
            start = at + 2
            at = start + int.from_bytes(extradata[at:start])
            if unit := extradata[start:at]:
                yield unit
