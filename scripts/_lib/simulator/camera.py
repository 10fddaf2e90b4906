"""The whole camera: two servers, two streams, one program."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts._lib.simulator import faults as plans
from scripts._lib.simulator import rtsp, web
from scripts._lib.simulator.broadcast import Broadcast
from scripts._lib.simulator.credentials import Credentials
from scripts._lib.simulator.faults import Control, Faults, Planned
from scripts._lib.simulator.footage import Form, Planted


class Camera:
    """Serves from `with` to its end, on 127.0.0.1. Port 0 is any free one.

    Its streams begin with the `with`, and run on whether anybody looks or not. `faults` breaks it.
    """

    def __init__(  # noqa: PLR0913  (a keyword each for what a camera can be)
        self,
        clips: Sequence[Path],
        form: Form | None = None,
        *,
        planted: Sequence[Planted] = (),
        plan: Sequence[Planned] = (),
        credentials: Credentials | None = None,
        speed: float = 1.0,
        rtsp_port: int = 0,
        http_port: int = 0,
        first_tick: int = 2**32 - 90_000,  # RTP's clock begins anew after a second
        tls: ssl.SSLContext | None = None,  # for rtsps:// and https://
        only: str = "",  # "rtsp" or "http": saves the encoding of the other
    ) -> None:
        self.faults = Control()
        self.credentials = credentials or Credentials()
        self.first_tick = first_tick
        self.patience = 60.0  # seconds for which it is silent
        self.ended = threading.Event()
        self.requests: list[tuple[str, str]] = []  # method and address, as they came
        self._plan, self._only = plan, only
        form = form or Form()
        self.stream = Broadcast(clips, form, self.faults, planted=planted, speed=speed)
        self.pictures = Broadcast(
            clips,
            replace(form, codec="mjpeg", copy=form.copy and form.codec == "mjpeg"),
            self.faults,
            planted=planted,
            speed=speed,
        )
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._servers = (rtsp.Server(self, rtsp_port), web.Server(self, http_port))
        self._is_secret = tls is not None
        if tls:
            for server in self._servers:
                server.socket = tls.wrap_socket(server.socket, server_side=True)
        self.faults.changed = self._changed

    @property
    def rtsp_port(self) -> int:
        return int(self._servers[0].server_address[1])

    @property
    def http_port(self) -> int:
        return int(self._servers[1].server_address[1])

    @property
    def rtsp_url(self) -> str:
        return f"rtsp{self._s}://{self._user}127.0.0.1:{self.rtsp_port}/stream"

    @property
    def http_url(self) -> str:
        return f"http{self._s}://{self._user}127.0.0.1:{self.http_port}/stream"

    def __enter__(self) -> Self:
        streams = (
            *[self.stream] * (self._only != "http"),
            *[self.pictures] * (self._only != "rtsp"),
        )
        for stream in streams:
            stream.encode()
        began = time.monotonic()
        for stream in streams:
            stream.start(began)
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        if self._plan:
            follow = (self._plan, self.faults, self.ended)
            threading.Thread(target=plans.follow, args=follow, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.ended.set()
        self.disconnect()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        if self._only != "http":
            self.stream.stop()
        if self._only != "rtsp":
            self.pictures.stop()

    def plant(self, clip: Path) -> None:
        """Plays it once, as soon as what is on has ended."""
        for each, name in ((self.stream, "rtsp"), (self.pictures, "http")):
            if self._only in {"", name}:
                each.plant(clip)

    def disconnect(self) -> None:
        """Everybody who looks."""
        with self._lock:
            for each in self._connections:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def note_request(self, method: str, address: str) -> None:
        with self._lock:
            self.requests.append((method, address))

    def note_connection(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def forget_connection(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    @property
    def _s(self) -> str:
        return "s" if self._is_secret else ""

    @property
    def _user(self) -> str:
        known = self.credentials
        return f"{known.user}:{known.password}@" if known.user else ""

    def _changed(self, faults: Faults) -> None:
        if faults.ends_streams:
            self.disconnect()
