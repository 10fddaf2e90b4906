"""Where a request comes from, and by what device."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """Where the request comes from; of IPv6 the network, all of which is one client's."""
    return _network(sender(request)) or _network(request.META.get("REMOTE_ADDR", ""))


def sender(request: HttpRequest) -> str:
    """The address as the first trusted proxy heard it, or "" if the request passed too few.

    Each trusted proxy appends to X-Forwarded-For whom it heard. What stands before that was
    sent by the client, who may write anything.
    """
    heard = [each.strip() for each in request.headers.get("X-Forwarded-For", "").split(",")]
    before = [*heard, request.META.get("REMOTE_ADDR", "")]
    return before[-1 - settings.TRUSTED_PROXIES] if len(before) > settings.TRUSTED_PROXIES else ""


def _network(address: str) -> str | None:
    try:
        found = ip_address(address)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        network = ip_network((found, 64), strict=False).network_address
        return str(found.ipv4_mapped or network)
    return str(found)


_BROWSERS = (  # in this order: most say that they are others, too
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
UNKNOWN = "Unknown device"


def device(request: HttpRequest) -> str:
    """In words, as its browser says: “Firefox on Windows”."""
    says = request.headers.get("User-Agent", "")
    browser, system = (
        next((word for mark, word in known if mark in says), "") for known in (_BROWSERS, _SYSTEMS)
    )
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or UNKNOWN
