"""Cuts encoded pictures into RTP packets (RFC 3550) of H.264 (RFC 6184) and HEVC (RFC 7798)."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator

from video_classifier.ml.video.nal import NalLayout

PAYLOAD_TYPE = 96
CLOCK = 90_000  # ticks a second
MOST = 1400  # bytes of a payload
_VERSION = 0x80
_LAST_OF_PICTURE = 0x80
_FIRST, _LAST = 0x80, 0x40  # of the pieces of a unit
_STAP_A, _FU_A = 24, 28
_HEVC_FU = 49
_PARAMETERS = {"h264": {7: "SPS", 8: "PPS"}, "hevc": {32: "VPS", 33: "SPS", 34: "PPS"}}


def units(codec: str, data: bytes) -> list[bytes]:
    """The NAL units of a picture."""
    return list(NalLayout(codec, 0).units(data))


def kind(codec: str, unit: bytes) -> int:
    return unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63


def parameters(codec: str, data: bytes) -> dict[str, bytes]:
    """The parameter sets in a picture, by name."""
    names = _PARAMETERS[codec]
    found = {kind(codec, unit): unit for unit in units(codec, data)}
    return {name: found[number] for number, name in names.items() if number in found}


def described(codec: str, head: bytes) -> list[str]:
    """The lines of an SDP that describe the stream which begins with that keyframe."""
    sets = {name: base64.b64encode(unit).decode() for name, unit in parameters(codec, head).items()}
    if codec == "h264":
        both = ",".join(sets.values())
        return [
            f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK}",
            f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1; sprop-parameter-sets={both}",
        ]
    listed = "; ".join(f"sprop-{name.lower()}={unit}" for name, unit in sets.items())
    return [f"a=rtpmap:{PAYLOAD_TYPE} H265/{CLOCK}", f"a=fmtp:{PAYLOAD_TYPE} {listed}"]


class Packetizer:
    """Of one client: its packets are numbered on."""

    def __init__(self, codec: str, *, first: int = 65_500) -> None:
        self._codec, self._number = codec, first  # so that numbers begin anew soon

    def packets(self, data: bytes, ticks: int) -> Iterator[bytes]:
        payloads = list(self._payloads(units(self._codec, data)))
        for place, payload in enumerate(payloads, 1):
            last = _LAST_OF_PICTURE if place == len(payloads) else 0
            self._number = self._number + 1 & 0xFFFF
            yield (
                struct.pack(
                    ">BBHII", _VERSION, PAYLOAD_TYPE | last, self._number, ticks & 0xFFFF_FFFF, 1
                )
                + payload
            )

    def _payloads(self, of_picture: list[bytes]) -> Iterator[bytes]:
        """Small units of H.264 in a row go together, large ones go in pieces."""
        small: list[bytes] = []
        for unit in of_picture:
            if self._codec == "h264" and sum(map(len, small)) + len(unit) < MOST // 2:
                small.append(unit)
                continue
            yield from _together(small)
            small = []
            yield from self._pieces(unit)
        yield from _together(small)

    def _pieces(self, unit: bytes) -> Iterator[bytes]:
        if len(unit) <= MOST:
            yield unit
            return
        size = 1 if self._codec == "h264" else 2  # of the unit's header
        number, body = kind(self._codec, unit), unit[size:]
        for at in range(0, len(body), MOST):
            ends = (_FIRST if at == 0 else 0) | (_LAST if at + MOST >= len(body) else 0)
            if self._codec == "h264":
                head = bytes([unit[0] & 0xE0 | _FU_A, ends | number])
            else:
                head = bytes([unit[0] & 0x81 | _HEVC_FU << 1, unit[1], ends | number])
            yield head + body[at : at + MOST]


def _together(small: list[bytes]) -> Iterator[bytes]:
    if len(small) == 1:
        yield small[0]
    elif small:
        importance = max(unit[0] & 0x60 for unit in small)
        parts = b"".join(len(unit).to_bytes(2) + unit for unit in small)
        yield bytes([importance | _STAP_A]) + parts
