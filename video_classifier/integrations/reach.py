"""To which machines something may lead that somebody typed, and what a name resolves to.

Who asks gives the networks. A name is resolved, all that it resolves to is checked, and connections
go to what was checked.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Sequence
from functools import cache
from queue import Empty, SimpleQueue

RESOLVE_SECONDS = 5.0
RESOLVING_AT_ONCE = 16  # a resolver that hangs must not pile up threads

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# Nobody means these by a network around them, such as 0.0.0.0/0: they have to be listed themselves.
SPECIAL: tuple[IpNetwork, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
            *("::/128", "::1/128", "fe80::/10", "ff00::/8"),
            # Where clouds tell their machines what they need, secrets included: AWS, Oracle,
            # Alibaba, and Azure, whose address is one of the internet.
            *("fd00:ec2::/32", "192.0.0.0/24", "100.100.100.200/32", "168.63.129.16/32"),
        ),
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_GLOBAL = ipaddress.IPv6Network("2000::/3")  # all that is given to anybody (RFC 4291)

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")  # of a name, as the resolver is asked for it


class NameNotFoundError(Exception):
    """No machine has the name."""


class SlowResolverError(Exception):
    """The resolver didn't answer in time."""


def ascii_name(host: str) -> str:
    """A machine's name as the resolver is asked for it (IDNA). Raises ValueError."""
    name = host.encode("idna").decode().lower().removesuffix(".")
    if not all(map(_LABEL.fullmatch, name.split("."))):
        msg = "no name of a machine"
        raise ValueError(msg)
    return name


def resolved(host: str, port: int, *, seconds: float | None = None) -> list[IpAddress]:
    """Each address once, in the resolver's order. Nothing bounds the resolver's time but this.

    Raises NameNotFoundError and SlowResolverError.
    """
    patience = RESOLVE_SECONDS if seconds is None else min(seconds, RESOLVE_SECONDS)
    if not _resolving.acquire(timeout=patience):
        raise SlowResolverError
    answers: SimpleQueue[Sequence[str]] = SimpleQueue()
    threading.Thread(
        target=_resolve, args=(host, port, answers), name="resolver", daemon=True
    ).start()
    try:
        found = answers.get(timeout=patience)
    except Empty:
        raise SlowResolverError from None
    if not found:
        raise NameNotFoundError
    return [ipaddress.ip_address(each) for each in dict.fromkeys(found)]


_resolving = threading.BoundedSemaphore(RESOLVING_AT_ONCE)


def _resolve(host: str, port: int, answers: SimpleQueue[Sequence[str]]) -> None:
    """An empty answer: there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answers.put([str(place[0]) for *_, place in found])
    except (OSError, UnicodeError):
        answers.put([])
    finally:
        _resolving.release()


def is_allowed(ip: IpAddress, networks: Sequence[str], *, or_public: bool = False) -> bool:
    """Whether it is in one of the networks, in CIDR notation; or is an address of the internet."""
    meant = _meant(ip)
    special = next((each for each in SPECIAL if _has(each, meant)), None)
    if or_public and special is None and _is_public(meant):
        return True
    return any(
        _has(listed, meant) and (special is None or _is_within(listed, special))
        for listed in map(_network, networks)
    )


def _meant(ip: IpAddress) -> IpAddress:
    """The IPv4 address that our system, or a router on the way, makes of an IPv6 one."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or ip


def _is_public(ip: IpAddress) -> bool:
    return ip.is_global and (ip.version == 4 or ip in _GLOBAL)  # noqa: PLR2004


@cache
def _network(text: str) -> IpNetwork:
    return ipaddress.ip_network(text)


def _has(network: IpNetwork, ip: IpAddress) -> bool:
    return ip.version == network.version and ip in network


def _is_within(inner: IpNetwork, outer: IpNetwork) -> bool:
    return _has(outer, inner.network_address) and inner.prefixlen >= outer.prefixlen
