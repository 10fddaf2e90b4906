"""Reads a camera that sends JPEG pictures without end by HTTP (multipart/x-mixed-replace)."""

from __future__ import annotations

import http.client
import struct
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from io import BufferedIOBase

from video_classifier.states import Fault
from video_classifier.watching.authorization import Authorization
from video_classifier.watching.limits import Limits
from video_classifier.watching.sources import Picture, Place, Source
from video_classifier.watching.statuses import OK, UNAUTHORIZED, refusal
from video_classifier.watching.wire import ConnectError, Wire

Dial = Callable[[], Wire]

_PORTS = {"http": 80, "https": 443}
_MOST_LINE, _MOST_LINES, _MOST_BOUNDARY = 1024, 32, 200
_CHUNK = 65_536
_TICKS = 90_000  # a second, of our own clock: there are no time stamps
_START = b"\xff\xd8"
_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # the markers that say how large it is
_BARE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_SCAN = 0xDA
NO_PICTURES = (
    "There is no endless series of pictures (MJPEG) at this address. Check its path, or use the "
    "camera's RTSP address."
)


class MjpegSource(Source):
    """Made when the camera has agreed to send pictures. Raises ConnectError."""

    codec = "mjpeg"
    time_base = Fraction(1, _TICKS)

    def __init__(self, dial: Dial, place: Place, limits: Limits) -> None:
        self._limits = limits
        try:
            self._wire, body, boundary = _asked(dial, place)
        except TimeoutError as error:
            msg = (
                "The camera takes connections, but answers nothing. Check its port, or restart it."
            )
            raise ConnectError(Fault.NO_DATA, msg) from error
        except http.client.HTTPException as error:
            msg = "What answers there doesn't speak HTTP. Check the port in the address."
            raise ConnectError(Fault.REFUSED, msg) from error
        except OSError as error:
            msg = "The camera ended the connection before it sent pictures. Check its port."
            raise ConnectError(Fault.REFUSED, msg) from error
        self._parts = _Parts(body, boundary, limits.picture_bytes)

    def pictures(self) -> Iterator[Picture]:
        self._wire.extend(self._limits.first_picture)
        latest = -1
        while True:
            data = self._parts.next()
            now = time.monotonic()
            latest = max(latest + 1, round(now * _TICKS))
            if data.startswith(_START) and size(data):
                self._wire.extend(self._limits.dead)  # of what is no picture, there is an end
                yield Picture(data=data, ticks=latest, is_key=True, arrived=now)

    def abort(self) -> None:
        self._wire.abort()

    def close(self) -> None:
        self._wire.close()


def size(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height by the header of its frame; None if it is cut off before."""
    at = len(_START)
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF:  # noqa: PLR2004  (begins a marker)
        marker = jpeg[at + 1]
        if marker in _BARE or marker == 0xFF:  # noqa: PLR2004  (fills a gap)
            at += 1 if marker == 0xFF else 2  # noqa: PLR2004
        elif marker in _SIZES and at + 9 <= len(jpeg):
            height, width = struct.unpack_from(">HH", jpeg, at + 5)
            return width, height
        elif marker == _SCAN:
            return None
        else:
            at += 2 + struct.unpack_from(">H", jpeg, at + 2)[0]
    return None


def _asked(dial: Dial, place: Place) -> tuple[Wire, http.client.HTTPResponse, bytes]:
    """The connection, the body and what parts its pictures. The password goes if asked for."""
    known = Authorization(place.user, place.password)
    wire = dial()
    try:
        answer = _get(wire, place, known)
        asked = answer.headers.get_all("WWW-Authenticate") or []
        if answer.status == UNAUTHORIZED and place.user and known.challenged(asked):
            wire.close()
            wire = dial()
            answer = _get(wire, place, known)
        return wire, answer, _boundary(answer, has_user=bool(place.user))
    except BaseException:
        wire.close()
        raise


def _get(wire: Wire, place: Place, known: Authorization) -> http.client.HTTPResponse:
    target = (place.path or "/") + (f"?{place.query}" if place.query else "")
    host = f"[{place.host}]" if ":" in place.host else place.host
    at = host if place.port == _PORTS.get(place.scheme) else f"{host}:{place.port}"
    lines = [f"GET {target} HTTP/1.1", f"Host: {at}", "User-Agent: shoplift", "Connection: close"]
    if said := known.header("GET", target):
        lines.append(f"Authorization: {said}")
    wire.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = http.client.HTTPResponse(wire, method="GET")  # type: ignore[arg-type]
    answer.begin()
    return answer


def _boundary(answer: http.client.HTTPResponse, *, has_user: bool) -> bytes:
    if answer.status != OK:
        raise refusal(answer.status, has_user=has_user)
    kind = answer.headers.get_content_type()
    boundary = str(answer.headers.get_param("boundary") or "").strip()
    if not kind.startswith("multipart/") or not 0 < len(boundary) <= _MOST_BOUNDARY:
        raise ConnectError(Fault.NO_VIDEO, NO_PICTURES)
    return b"--" + boundary.removeprefix("--").encode()


class _Parts:
    """The pictures of a body, by their lengths, or else by what parts them."""

    def __init__(self, body: BufferedIOBase, boundary: bytes, most: int) -> None:
        self._body, self._boundary, self._most = body, boundary, most
        self._held = bytearray()

    def next(self) -> bytes:
        self._until(self._boundary, self._most)
        told = _length(self._headers())
        if told is None:
            return self._until(b"\r\n" + self._boundary, self._most, leave=True)
        if told > self._most:
            raise _huge(self._most)
        while len(self._held) < told:
            self._more()
        return self._take(told)

    def _headers(self) -> list[bytes]:
        self._until(b"\n", _MOST_LINE)  # the rest of the line with the boundary
        lines: list[bytes] = []
        while line := self._until(b"\n", _MOST_LINE).strip():
            lines.append(line)
            if len(lines) > _MOST_LINES:
                raise ConnectError(Fault.NO_VIDEO, NO_PICTURES)
        return lines

    def _until(self, mark: bytes, most: int, *, leave: bool = False) -> bytes:
        """What comes before the mark, which is taken, too, unless it is to be left there."""
        looked = 0
        while (at := self._held.find(mark, looked)) < 0:
            looked = max(0, len(self._held) - len(mark) + 1)
            if len(self._held) > most:
                raise _huge(most)
            self._more()
        if at > most:  # all of it has come at once
            raise _huge(most)
        found = self._take(at)
        if not leave:
            self._take(len(mark))
        return found

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    def _more(self) -> None:
        try:
            content = self._body.read1(_CHUNK)
        except http.client.HTTPException as error:  # it is cut off, or cut into pieces wrongly
            raise ConnectionResetError from error
        if not content:
            raise ConnectionResetError
        self._held += content


def _length(headers: list[bytes]) -> int | None:
    for line in headers:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value)
    return None


def _huge(most: int) -> ConnectError:
    msg = f"A picture has more than {most // 10**6} million bytes. Set a lower resolution."
    return ConnectError(Fault.TOO_LARGE, msg)
