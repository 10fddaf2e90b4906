"""A connection to a machine that was checked, on which nothing waits for longer than it may."""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import time
from collections.abc import Sequence

from video_classifier.states import Fault


class ConnectError(Exception):
    """There are no pictures, or no more. The message is a sentence without the address in it."""

    def __init__(self, fault: Fault, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = fault


class Wire(io.RawIOBase):
    """A socket with one deadline for all that is read and written, however slowly it drips."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._socket = connection
        self.extend(seconds)

    def extend(self, seconds: float) -> None:
        """The deadline is so far from now."""
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._await()
        return self._socket.recv_into(buffer)

    def sendall(self, content: bytes) -> None:
        self._await()
        self._socket.sendall(content)

    def makefile(self, mode: str = "rb", **_: object) -> io.BufferedReader:
        """As http.client asks for it."""
        return io.BufferedReader(self)

    def abort(self) -> None:
        """Whoever reads, in another thread, reads the end."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if not self.closed:
            self.abort()
            self._socket.close()
        super().close()

    def _await(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)


def dial(ips: Sequence[str], port: int, name: str, *, is_secret: bool, seconds: float) -> Wire:
    """The first of the addresses that answers. `name` is what TLS asks for. Raises ConnectError."""
    until = time.monotonic() + seconds
    for place, ip in enumerate(ips):
        left = (until - time.monotonic()) / (len(ips) - place)
        if left <= 0:
            break
        with contextlib.suppress(OSError):
            return Wire(_connected(ip, port, name, is_secret=is_secret, seconds=left), seconds)
    raise ConnectError(
        Fault.REFUSED,
        f"Nothing answers at port {port}. Check that the camera is on, and its address and port.",
    )


def _connected(ip: str, port: int, name: str, *, is_secret: bool, seconds: float) -> socket.socket:
    made = socket.create_connection((ip, port), timeout=seconds)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return _unverified().wrap_socket(made, server_hostname=name) if is_secret else made
    except BaseException:
        made.close()
        raise


def _unverified() -> ssl.SSLContext:
    """Cameras sign their certificates themselves, so that nothing could be verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
