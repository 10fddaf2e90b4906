"""Finds the video in what a camera says of its stream (SDP, RFC 8866)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from video_classifier.states import Fault
from video_classifier.watching.wire import ConnectError

_CODECS = {"H264": "h264", "H265": "hevc", "HEVC": "hevc"}
_SETS = {"h264": ("sprop-parameter-sets",), "hevc": ("sprop-vps", "sprop-sps", "sprop-pps")}
_TYPE = re.compile(r"[0-9]{1,3}")
_SLOWEST, _FASTEST = 1_000, 10_000_000  # ticks a second that a clock may have
NO_VIDEO = "The camera sends no video, only sound or less. Check the path in its address."


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """The stream to ask for."""

    codec: str
    payload_type: int
    clock: int  # ticks a second
    control: str  # its address, absolute or within that of the whole; or nothing
    parameter_sets: tuple[bytes, ...]


def video(text: str) -> Video:
    """The first that can be read. Raises ConnectError if there is none."""
    others = []
    for section in re.split(r"^(?=m=)", text, flags=re.MULTILINE)[1:]:
        media, *lines = section.splitlines()
        parts = media.removeprefix("m=").split()
        if len(parts) <= 3 or parts[0] != "video" or not _TYPE.fullmatch(parts[3]):  # noqa: PLR2004
            continue
        name, clock = _map(lines, parts[3])
        if name in _CODECS and _SLOWEST <= clock <= _FASTEST:
            return Video(
                codec=_CODECS[name],
                payload_type=int(parts[3]),
                clock=clock,
                control=_attribute(lines, "control:"),
                parameter_sets=_parameter_sets(
                    _CODECS[name], _attribute(lines, f"fmtp:{parts[3]} ")
                ),
            )
        others.append(name)
    if others:
        msg = "The camera's video is in a codec that is not read by RTSP. Set it to H.264 or H.265."
        raise ConnectError(Fault.NO_VIDEO, msg)
    raise ConnectError(Fault.NO_VIDEO, NO_VIDEO)


def _attribute(lines: list[str], name: str) -> str:
    found = (line[2 + len(name) :].strip() for line in lines if line.startswith(f"a={name}"))
    return next(found, "")


def _map(lines: list[str], payload_type: str) -> tuple[str, int]:
    name, _, clock = _attribute(lines, f"rtpmap:{payload_type} ").partition("/")
    digits = clock.partition("/")[0]
    is_number = digits.isdecimal() and len(digits) <= len(str(_FASTEST))
    return name.upper(), int(digits) if is_number else 0


def _parameter_sets(codec: str, told: str) -> tuple[bytes, ...]:
    pairs = (each.partition("=") for each in told.split(";"))
    given = {name.strip().lower(): value.strip() for name, _, value in pairs}
    found = []
    for name in _SETS[codec]:
        for each in filter(None, given.get(name, "").split(",")):
            try:
                found.append(base64.b64decode(each))
            except ValueError:  # neither base64 nor even ASCII
                continue
    return tuple(unit for unit in found if unit)
