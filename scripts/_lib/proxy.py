"""A TCP proxy that loses what goes through it when it is told to."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress

_RESET = struct.pack("ii", 1, 0)  # of SO_LINGER: closing says so by RST, as a lost machine does
PIECE = 65536
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Pair = tuple[socket.socket, socket.socket]


class Proxy:
    """Listens on a port of 127.0.0.1, and passes on what comes to another."""

    def __init__(self, to: int) -> None:
        self.to = to
        self._pairs: dict[Pair, int] = {}  # how many of their two directions still flow
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._is_refusing = self._is_unavailable = False
        self._delay = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, name="proxy", daemon=True).start()

    def cut(self) -> int:
        """Breaks off all connections, wherever they are; says how many."""
        with self._lock:
            pairs, self._pairs = self._pairs, {}
        for pair in pairs:
            _break(*pair)
        return len(pairs)

    def refuse(self, *, now: bool) -> None:
        """From now on, as where nothing listens; or no longer."""
        self._is_refusing = now

    def stall(self, *, now: bool) -> None:
        """Passes nothing on, and ends no connection; or goes on."""
        if now:
            self._flowing.clear()
        else:
            self._flowing.set()

    def answer_503(self, *, now: bool) -> None:
        """To all who come from now on, as an overloaded service does over HTTP; or no longer."""
        self._is_unavailable = now

    def slow_down(self, seconds: float) -> None:
        """Each piece takes so much longer, in both directions."""
        self._delay = seconds

    def close(self) -> None:
        self._listener.close()
        self._flowing.set()
        self.cut()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            if self._is_refusing:
                _break(near)
                continue
            if self._is_unavailable:
                threading.Thread(target=_refuse_by_503, args=(near,), daemon=True).start()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.to), timeout=10)
            except OSError:
                _break(near)
                continue
            far.settimeout(None)
            pair = (near, far)
            with self._lock:
                self._pairs[pair] = 2
            for one, other in (pair, pair[::-1]):
                ends = (one, other, pair)
                threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket, pair: Pair) -> None:
        try:
            while piece := one.recv(PIECE):
                self._flowing.wait()
                time.sleep(self._delay)
                other.sendall(piece)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            self._end(pair, directions=2)
        else:
            self._end(pair, directions=1)

    def _end(self, pair: Pair, *, directions: int) -> None:
        with self._lock:
            if pair not in self._pairs:  # cut
                return
            self._pairs[pair] -= directions
            if self._pairs[pair] > 0:
                return
            del self._pairs[pair]
        _close(*pair)


def _refuse_by_503(near: socket.socket) -> None:
    """Once the request has begun; what is left of it is read, so that the answer arrives."""
    with near, suppress(OSError):
        near.settimeout(1)
        near.recv(PIECE)
        near.sendall(UNAVAILABLE)
        near.shutdown(socket.SHUT_WR)
        while near.recv(PIECE):
            pass


def _break(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            each.shutdown(socket.SHUT_RD)  # wakes a thread that reads from it
        each.close()


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
