"""The camera's RTSP side (RFC 2326), interleaved in TCP."""

from __future__ import annotations

import contextlib
import queue
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from scripts._lib.simulator import rtp
from scripts._lib.simulator.faults import Faults
from scripts._lib.simulator.rtp import Packetizer

if TYPE_CHECKING:
    from scripts._lib.simulator.camera import Camera

_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"
_STATUSES = {200: "OK", 301: "Moved Permanently", 401: "Unauthorized", 501: "Not Implemented"}
_SESSION = "20261126"
_INTERLEAVED = re.compile(r"interleaved=(\d{1,3})")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, camera: Camera, port: int) -> None:
        self.camera = camera
        super().__init__(("127.0.0.1", port), Handler)


class Handler(socketserver.StreamRequestHandler):
    """A connection. `server` is a Server."""

    server: Server

    def setup(self) -> None:
        super().setup()
        self._camera = self.server.camera
        self._lock = threading.Lock()
        self._channel = 0  # of the video
        self._is_over = threading.Event()
        self._camera.note_connection(self.connection)

    def finish(self) -> None:
        self._is_over.set()
        self._camera.forget_connection(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while (request := self._request()) is not None:
                if not self._reply(*request):
                    return

    def _request(self) -> tuple[str, str, dict[str, str]] | None:
        first = self.rfile.read(1)
        if first == b"$":  # a receiver report, which is of no interest
            self.rfile.read(struct.unpack(">BH", self.rfile.read(3))[1])
            return self._request()
        line = (first + self.rfile.readline(4096)).decode()
        if not line:
            return None
        method, address, _ = line.split()
        headers = {}
        while text := self.rfile.readline(4096).decode().strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        return method, address, headers

    def _reply(self, method: str, address: str, headers: Mapping[str, str]) -> bool:
        """Whether the conversation goes on."""
        faults, camera = self._camera.faults.now, self._camera
        number = headers.get("cseq", "0")
        camera.note_request(method, address)
        if faults.silence:
            camera.ended.wait(camera.patience)
        if faults.silence or faults.refuse:
            return False
        is_known = camera.credentials.allow(method, headers.get("authorization"))
        if faults.redirect:
            self._say(301, number, Location=faults.redirect)
        elif method != "OPTIONS" and (faults.password or not is_known):
            self._say(401, number, **{"WWW-Authenticate": camera.credentials.challenge})
        else:
            self._do(method, number, address, headers)
        return method != "TEARDOWN"

    def _do(self, method: str, number: str, address: str, headers: Mapping[str, str]) -> None:
        if method == "DESCRIBE":
            self._describe(number, address, self._camera.faults.now)
        elif method == "SETUP":
            if address.endswith("video"):
                found = _INTERLEAVED.search(headers["transport"])
                self._channel = int(found[1]) if found else 0
            self._say(200, number, Transport=headers["transport"], Session=f"{_SESSION};timeout=60")
        elif method in _METHODS:
            self._say(200, number, Public=_METHODS, Session=_SESSION)
        else:
            self._say(501, number)
        if method == "PLAY":
            threading.Thread(target=self._send, daemon=True).start()

    def _say(self, status: int, number: str, body: str = "", **headers: str) -> None:
        headers = {"CSeq": number, **headers}
        if body:
            headers |= {"Content-Type": "application/sdp", "Content-Length": str(len(body))}
        lines = [f"RTSP/1.0 {status} {_STATUSES[status]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        with self._lock:
            self.wfile.write("\r\n".join([*lines, "", body]).encode())

    def _describe(self, number: str, address: str, faults: Faults) -> None:
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=Simulated camera", "t=0 0", "a=control:*"]
        lines += ["m=audio 0 RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=control:sound"]
        if not faults.audio:
            head = self._camera.stream.head()
            lines += [f"m=video 0 RTP/AVP {rtp.PAYLOAD_TYPE}", "c=IN IP4 0.0.0.0"]
            lines += rtp.described(self._camera.stream.form.codec, head)
            lines += ["a=framerate:0"] if faults.empty else []
            lines += ["a=control:video"]
        body = "\r\n".join([*lines, ""])
        self._say(200, number, body, **{"Content-Base": f"{address.rstrip('/')}/"})

    def _send(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._camera.stream.client() as client:
            packetizer = Packetizer(self._camera.stream.form.codec)
            while not self._is_over.is_set():
                try:
                    picture = client.next(timeout=0.5)
                except queue.Empty:
                    continue
                if picture is None:
                    break
                ticks = self._camera.first_tick + round(picture.second * rtp.CLOCK)
                for packet in packetizer.packets(picture.data, ticks):
                    self._write(packet)
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _write(self, packet: bytes) -> None:
        faults = self._camera.faults.now
        whole = len(packet)
        if faults.truncated or faults.garbled:
            packet = packet[: max(13, whole // 2)]
        claimed = whole if faults.garbled else len(packet)
        with self._lock:
            self.wfile.write(struct.pack(">cBH", b"$", self._channel, claimed) + packet)
        if faults.slow:
            time.sleep(len(packet) / faults.slow)
