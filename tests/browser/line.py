"""A line between a browser and a server, which can stand still, break and be mended."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

_AT_ONCE = 64 * 1024  # bytes


class Line:
    """Takes connections on a port of its own."""

    def __init__(self, server: str, *, still_after: int) -> None:
        """A connection on which so many bytes have gone up stands still, until it may `go`."""
        self._still_after = still_after
        self._may_go = threading.Event()
        self._server = (str(urlsplit(server).hostname), int(urlsplit(server).port or 0))
        self._broken = False
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def go(self) -> None:
        self._may_go.set()

    def cut(self) -> None:
        """What is open breaks, and what comes is hung up on."""
        self._broken = True
        for each in list(self._open):
            _end(each)

    def mend(self) -> None:
        self._broken = False

    def close(self) -> None:
        self.cut()
        _end(self._listener)

    def _stand_still(self, gone: int) -> None:
        while gone > self._still_after and not self._may_go.wait(0.1):
            if self._broken:
                raise ConnectionAbortedError

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                browser, _ = self._listener.accept()
                if self._broken:
                    _end(browser)
                else:
                    threading.Thread(target=self._connect, args=(browser,), daemon=True).start()

    def _connect(self, browser: socket.socket) -> None:
        try:
            server = socket.create_connection(self._server)
        except OSError:  # it is down
            _end(browser)
            return
        self._open |= {browser, server}
        down = threading.Thread(target=_pump, args=(server, browser, lambda _: None), daemon=True)
        down.start()
        _pump(browser, server, self._stand_still)
        down.join()
        self._open -= {browser, server}


def _pump(source: socket.socket, target: socket.socket, wait: Callable[[int], None]) -> None:
    """Calls `wait` with what has gone so far, before each piece."""
    gone = 0
    with suppress(OSError):
        while received := source.recv(_AT_ONCE):
            wait(gone)
            target.sendall(received)
            gone += len(received)
    _end(source)
    _end(target)


def _end(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
