"""A connection to a camera that was checked, on which nothing waits for longer than it may."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Sequence

from video_classifier.integrations.wire import Wire
from video_classifier.states import Fault

__all__ = ["ConnectError", "Wire", "dial"]


class ConnectError(Exception):
    """There are no pictures, or no more. The message is a sentence without the address in it."""

    def __init__(self, fault: Fault, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = fault


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
