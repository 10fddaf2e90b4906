"""A connection on which nothing waits for longer than it may."""

from __future__ import annotations

import contextlib
import io
import socket
import time


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
