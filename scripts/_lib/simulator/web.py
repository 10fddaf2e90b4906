"""The camera's HTTP side: MJPEG, and /fault to break it."""

from __future__ import annotations

import contextlib
import json
import queue
import time
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from scripts._lib.simulator.broadcast import Sent

if TYPE_CHECKING:
    from scripts._lib.simulator.camera import Camera

_BOUNDARY = "picture"
_MOST = 10_000  # bytes of a request's body


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, camera: Camera, port: int) -> None:
        self.camera = camera
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    """A request. `server` is a Server."""

    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's)
        """Addresses of requests are nobody's business."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        camera, self.close_connection = self.server.camera, True
        if self.path == "/fault":
            self._answer(asdict(camera.faults.now))
            return
        camera.note_request("GET", self.path)
        camera.note_connection(self.connection)
        try:
            self._stream(camera)
        finally:
            camera.forget_connection(self.connection)

    def do_POST(self) -> None:
        self.close_connection = True
        size = int(self.headers.get("Content-Length") or 0)
        if self.path != "/fault" or size > _MOST:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        faults = self.server.camera.faults
        try:
            asked = json.loads(self.rfile.read(size) or b"{}")
            if asked.pop("clear", False):
                faults.clear()
            faults.set(**asked)
        except (ValueError, AttributeError, TypeError) as error:
            self._answer({"error": str(error)}, HTTPStatus.BAD_REQUEST)
            return
        self._answer(asdict(faults.now))

    def _answer(self, what: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, camera: Camera) -> None:
        faults = camera.faults.now
        if faults.silence:
            camera.ended.wait(camera.patience)
        elif faults.refuse:
            return
        elif faults.redirect:
            self.send_response(HTTPStatus.MOVED_PERMANENTLY)
            self.send_header("Location", faults.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif faults.password or not camera.credentials.allow(
            "GET", self.headers.get("Authorization")
        ):
            self.send_response(HTTPStatus.UNAUTHORIZED)
            self.send_header("WWW-Authenticate", camera.credentials.challenge)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif faults.audio:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "audio/basic")
            self.end_headers()
            self.wfile.write(bytes(1000))
        else:
            self._send_pictures(camera)

    def _send_pictures(self, camera: Camera) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self.end_headers()
        with camera.pictures.client() as client:
            while not camera.ended.is_set():
                try:
                    picture = client.next(timeout=0.5)
                except queue.Empty:
                    continue
                if picture is None:
                    return
                self._send_picture(camera, picture)

    def _send_picture(self, camera: Camera, picture: Sent) -> None:
        faults, data = camera.faults.now, picture.data
        sent = data[: len(data) // 2] if faults.truncated or faults.garbled else data
        claimed = len(data) if faults.garbled else len(sent)
        head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {claimed}\r\n\r\n"
        whole = head.encode() + sent + b"\r\n"
        step = max(1, round(faults.slow / 10)) if faults.slow else len(whole)
        for at in range(0, len(whole), step):
            self.wfile.write(whole[at : at + step])
            if faults.slow:
                time.sleep(len(whole[at : at + step]) / faults.slow)
