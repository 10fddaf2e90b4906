"""Ports for servers that take a number and can't say which one they got."""

from __future__ import annotations

import secrets
import socket

# Below the range from which systems assign ports, also to outgoing connections: one of those can be
# taken before the server has it, or while it restarts.
_PORTS = range(10_000, 32_768)


def free() -> int:
    """One of 127.0.0.1 at which nobody listens, and hardly anybody is going to."""
    while True:
        port = secrets.choice(_PORTS)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
