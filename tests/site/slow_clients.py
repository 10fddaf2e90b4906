"""Clients that connect and then hardly do anything: what a site has to bear from strangers."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

Address = tuple[str, int]

FORM = b"username=ada&password=guess&next=/"
HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_A_FORM = (
    b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(FORM)
) + FORM[:9]
ONE_AND_STAY = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@contextmanager
def holding(address: Address, *sent: bytes) -> Iterator[list[socket.socket]]:
    """One connection for each of `sent`, which is sent, and then nothing more."""
    with ExitStack() as held:
        found = []
        for head in sent:
            client = socket.create_connection(address, timeout=60)
            held.callback(client.close)
            with suppress(OSError):
                client.sendall(head)
            found.append(client)
        yield found


def silent(count: int) -> list[bytes]:
    return [b""] * count


def half_heads(count: int) -> list[bytes]:
    return [HALF_A_HEAD] * count


def half_forms(count: int) -> list[bytes]:
    return [HALF_A_FORM] * count


def answered(count: int) -> list[bytes]:
    """Those who got their answer and don't close."""
    return [ONE_AND_STAY] * count


KINDS: dict[str, Callable[[int], list[bytes]]] = {
    "silent": silent,
    "half_heads": half_heads,
    "half_forms": half_forms,
    "answered": answered,
}
