"""Reads a camera by RTSP (RFC 2326), over the one connection that was made.

FFmpeg has a client of its own, but that follows redirects wherever they lead, resolves names again,
asks for sound, too, and puts passwords into messages. Here the answer to a redirect is a fault.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from video_classifier.states import Fault
from video_classifier.watching import sdp, sources
from video_classifier.watching.authorization import Authorization
from video_classifier.watching.limits import Limits
from video_classifier.watching.rtp import Depacketizer
from video_classifier.watching.sources import Picture, Place, Source
from video_classifier.watching.statuses import OK, UNAUTHORIZED, refusal
from video_classifier.watching.wire import ConnectError, Wire

_MOST_LINE, _MOST_LINES, _MOST_BODY = 4096, 64, 65_536
_FRAME = b"$"
_TIMEOUT = 60.0  # seconds of a session, if the camera doesn't say
_AGENT = "shoplift"
_PEEK = 3  # bytes that show whether text follows
_TEXTS = (b"RTSP", b"OPTI", b"ANNO", b"SET_", b"GET_", b"REDI", b"TEAR", b"PAUS")
_DAMAGED = "The camera's packets are damaged: what it sends is not as long as it says."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    status: int
    headers: Mapping[str, list[str]] = field(repr=False)  # names in lower case
    body: bytes = field(repr=False)

    def first(self, name: str) -> str:
        return self.headers.get(name, [""])[0]


class RtspSource(Source):
    """Made when the camera has begun to play. Raises ConnectError."""

    def __init__(self, wire: Wire, place: Place, limits: Limits) -> None:
        self._wire, self._limits = wire, limits
        self._file = wire.makefile()
        self._authorization = Authorization(place.user, place.password)
        self._number = 0
        self._session = ""
        self._whole = _address(place)
        wire.extend(limits.answer)
        try:
            self._play()
        except TimeoutError as error:
            msg = (
                "The camera takes connections, but answers nothing. Check its port, or restart it."
            )
            raise ConnectError(Fault.NO_DATA, msg) from error
        except OSError as error:
            msg = "The camera ended the connection before it sent pictures. Check its port."
            raise ConnectError(Fault.REFUSED, msg) from error

    def pictures(self) -> Iterator[Picture]:
        limits = self._limits
        found = Depacketizer(self.codec, self._video.payload_type, limits.picture_bytes)
        self._wire.extend(limits.first_picture)
        while True:
            packet = self._packet()
            if packet is None:
                continue
            picture = found.add(packet, time.monotonic())
            if picture is not None:
                self._wire.extend(limits.dead)
                yield picture

    def abort(self) -> None:
        self._wire.abort()

    def close(self) -> None:
        try:
            self._wire.extend(1.0)
            self._send("TEARDOWN", self._base)
        except (OSError, ValueError):
            pass  # it is gone already
        self._wire.close()

    def head(self, key: Picture) -> bytes:
        in_picture = sources.parameter_sets(self.codec, sources.units(self.codec, key.data))
        return key.data if in_picture else sources.packed(self._sets) + key.data

    def _play(self) -> None:
        """The sound is not asked for, so that none is ever sent."""
        described = self._ask("DESCRIBE", self._whole, Accept="application/sdp")
        self._video = sdp.video(described.body.decode(errors="replace"))
        self.codec, self._sets = self._video.codec, list(self._video.parameter_sets)
        self.time_base = Fraction(1, self._video.clock)
        base = described.first("content-base") or described.first("content-location")
        self._base = base or self._whole
        where = _joined(self._base, self._video.control)
        reply = self._ask("SETUP", where, Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
        session, _, rest = reply.first("session").partition(";")
        self._session = session.strip()
        timeout = rest.strip().removeprefix("timeout=")
        seconds = float(timeout) if timeout.isdecimal() else _TIMEOUT
        self._every = min(max(seconds / 2, 1.0), self._limits.keep_alive)
        self._channel = _channel(reply.first("transport"))
        self._ask("PLAY", self._base, Range="npt=0.000-")
        self._signed = time.monotonic()

    def _ask(self, method: str, address: str, **headers: str) -> _Reply:
        self._send(method, address, **headers)
        reply = self._reply()
        if reply.status == UNAUTHORIZED and self._may_try(reply, method, address):
            self._send(method, address, **headers)
            reply = self._reply()
        if reply.status != OK:
            raise refusal(reply.status, has_user=bool(self._authorization.user))
        return reply

    def _may_try(self, reply: _Reply, method: str, address: str) -> bool:
        """Once with the user's name and password; once more if only the nonce had grown old."""
        asked = reply.headers.get("www-authenticate", [])
        is_stale = any("stale=true" in each.lower().replace('"', "") for each in asked)
        if self._authorization.header(method, address) and not is_stale:
            return False
        return bool(self._authorization.user) and self._authorization.challenged(asked)

    def _send(self, method: str, address: str, **headers: str) -> None:
        self._number += 1
        lines = [f"{method} {address} RTSP/1.0", f"CSeq: {self._number}", f"User-Agent: {_AGENT}"]
        if self._session:
            lines.append(f"Session: {self._session}")
        if said := self._authorization.header(method, address):
            lines.append(f"Authorization: {said}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._wire.sendall("\r\n".join([*lines, "", ""]).encode())

    def _reply(self) -> _Reply:
        """The next one. Pictures in between are left out: it hasn't played yet."""
        while (first := self._exactly(1)) == _FRAME:
            self._exactly(struct.unpack(">xH", self._exactly(3))[0])
        return self._rest_of_reply(first)

    def _rest_of_reply(self, first: bytes) -> _Reply:
        line = first + self._line()
        parts = line.split()
        is_request = b" RTSP/" in line  # of the camera's own, which needs no answer
        if is_request:
            parts = [b"", b"%d" % OK]
        elif not line.startswith(b"RTSP/") or len(parts) <= 1 or not parts[1].isdigit():
            msg = "What answers there doesn't speak RTSP. Check the port in the address."
            raise ConnectError(Fault.REFUSED, msg)
        headers = self._headers()
        told = headers.get("content-length", ["0"])[0]
        size = int(told) if told.isdecimal() else 0
        if size > _MOST_BODY:
            raise ConnectError(Fault.REFUSED, "The camera's answer is far too long.")
        return _Reply(status=int(parts[1]), headers=headers, body=self._exactly(size))

    def _headers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for _ in range(_MOST_LINES):
            line = self._line().decode(errors="replace").strip()
            if not line:
                return found
            name, _, value = line.partition(":")
            found.setdefault(name.strip().lower(), []).append(value.strip())
        raise ConnectError(Fault.REFUSED, "The camera's answer is far too long.")

    def _packet(self) -> bytes | None:
        """The next RTP packet of the video; None if it was something else."""
        self._sign()
        first = self._exactly(1)
        if first == _FRAME:
            channel, size = struct.unpack(">BH", self._exactly(3))
            content = self._exactly(size)
            return content if channel == self._channel else None
        if not (first + self._file.peek(_PEEK)[:_PEEK]).startswith(_TEXTS):
            raise ConnectError(Fault.STALLED, _DAMAGED)
        reply = self._rest_of_reply(first)
        if reply.status == UNAUTHORIZED and self._may_try(reply, "GET_PARAMETER", self._base):
            # The nonce has grown old: a sign with the new one comes before the session ends.
            self._signed -= self._every / 2
        return None

    def _sign(self) -> None:
        """Cameras end sessions of which they hear nothing."""
        if time.monotonic() - self._signed > self._every:
            self._signed = time.monotonic()
            self._send("GET_PARAMETER", self._base)

    def _line(self) -> bytes:
        line = self._file.readline(_MOST_LINE)
        if not line:
            raise ConnectionResetError
        return line

    def _exactly(self, size: int) -> bytes:
        content = self._file.read(size)
        if len(content) < size:
            raise ConnectionResetError
        return content


def _address(place: Place) -> str:
    """As it stands in requests: with the name, and without user and password."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    query = f"?{place.query}" if place.query else ""
    path = place.path if place.path.startswith("/") else f"/{place.path}"
    return f"{place.scheme}://{host}:{place.port}{path}{query}"


def _joined(base: str, control: str) -> str:
    """As cameras mean it: behind the whole address, its query included."""
    if not control or control == "*":
        return base
    if control.lower().startswith(("rtsp://", "rtsps://")):
        return control
    return f"{base.rstrip('/')}/{control.lstrip('/')}"


def _channel(transport: str) -> int:
    told = transport.partition("interleaved=")[2].partition("-")[0].partition(";")[0]
    return int(told) if told.isdecimal() else 0
