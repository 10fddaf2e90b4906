"""Addresses of cameras: which there may be, and to which machines they may lead.

What somebody types makes this server connect, so the machines are limited to CAMERA_NETWORKS: a
name is resolved, all that it resolves to is checked, and connections go to what was checked.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from django.conf import settings

from video_classifier.integrations import reach
from video_classifier.integrations.reach import IpAddress
from video_classifier.services.errors import Refused
from video_classifier.states import Fault

LONGEST = 500  # characters of an address

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
DEVICE = "v4l2"
HIDDEN = "•••"

_DEVICE_NAME = re.compile(r"/dev/video\d{1,3}")

EXAMPLE = "rtsp://user:password@192.168.1.20/stream1"
NO_ADDRESS = f"Type the camera's address, such as {EXAMPLE}."
TOO_LONG = f"The address is too long: there may be {LONGEST} characters."
STRANGE_SIGNS = "There is a space or an invisible sign in the address. Type it again."
WRONG_SCHEME = (
    "The address has to begin with rtsp://, rtsps://, http:// or https://. Files of this server "
    f"and other kinds of streams are not opened. Type it as in {EXAMPLE}."
)
PLAYLIST = (
    "That is an HLS playlist, which is not opened: it may lead anywhere, and is many seconds late. "
    "Use the camera's RTSP address."
)
UNQUOTED = (
    "The address can't be read. In a user name or password write # as %23, / as %2F, ? as %3F, @ "
    "as %40 and : as %3A."
)
NO_HOST = f"There is no machine in the address. Type it as in {EXAMPLE}."
WRONG_HOST = "The name of the machine in the address can't be right. Check how it is spelled."
WRONG_PORT = "The port in the address has to be a number from 1 to 65535."
WRONG_DEVICE = (
    "This device may not be used as a camera. An administrator of the site can add it to the "
    "setting CAMERA_DEVICES."
)
NOT_FOUND = (
    "The name of the camera is not found. Check how it is spelled, or use its IP address instead."
)
TOO_SLOW = "The name of the camera was not found in time. Try again, or use its IP address instead."
NOT_ALLOWED = (
    "The address leads to a machine outside the networks in which cameras may be. An administrator "
    "of the site can add a network to the setting CAMERA_NETWORKS."
)


class AddressError(Refused):
    """The address can't be used; `fault` says of which kind that is."""

    def __init__(self, sentence: str, fault: Fault = Fault.ADDRESS) -> None:
        super().__init__(sentence)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a camera is. What may be secret of it, its path included, is in no repr."""

    scheme: str  # "rtsp", "rtsps", "http", "https" or "v4l2"
    host: str = ""  # a name as the resolver is asked for it, or an IP address without brackets
    port: int = 0  # 0 of a device
    user: str = field(default="", repr=False)  # not percent-encoded
    password: str = field(default="", repr=False)
    path: str = field(default="", repr=False)  # as typed; of a device its file
    query: str = field(default="", repr=False)  # as typed, without the question mark

    @property
    def is_device(self) -> bool:
        return self.scheme == DEVICE

    @property
    def masked(self) -> str:
        """What pages may show: passwords are found in paths and queries, too."""
        if self.is_device:
            return f"{DEVICE}:{self.path}"
        user = f"{HIDDEN}@" if self.user or self.password else ""
        rest = f"/{HIDDEN}" if self.path.strip("/") or self.query else "/"
        return f"{self.scheme}://{user}{self._place(self.host)}{rest}"

    def _place(self, host: str) -> str:
        shown = f"[{host}]" if ":" in host else host
        return shown if self.port == PORTS[self.scheme] else f"{shown}:{self.port}"


def parse(text: str) -> Address:
    """What somebody typed. Raises AddressError, whose sentence has nothing of the address in it."""
    text = text.strip()
    if not text:
        raise AddressError(NO_ADDRESS)
    if len(text) > LONGEST:
        raise AddressError(TOO_LONG)
    if not text.isprintable() or " " in text:
        raise AddressError(STRANGE_SIGNS)
    scheme, _, rest = text.partition(":")
    scheme = scheme.lower()
    if scheme == DEVICE:
        return _device(rest)
    if scheme not in PORTS or not rest.startswith("//"):
        raise AddressError(WRONG_SCHEME)
    return _of_a_network(text, scheme)


def checked(address: Address) -> tuple[str, ...]:
    """The IP addresses that it leads to, all of which may be connected to; none of a device.

    Raises AddressError, also where one of several may not: whoever answers for the name could
    choose. To be asked anew before each connection.
    """
    if address.is_device:
        _check_device(address.path)
        return ()
    found = _resolved(address.host, address.port)
    if not all(reach.is_allowed(ip, settings.CAMERA_NETWORKS) for ip in found):
        raise AddressError(NOT_ALLOWED)
    return tuple(map(str, found))


def _device(path: str) -> Address:
    _check_device(path)
    return Address(scheme=DEVICE, path=path)


def _check_device(path: str) -> None:
    if not _DEVICE_NAME.fullmatch(path) or path not in settings.CAMERA_DEVICES:
        raise AddressError(WRONG_DEVICE)


def _of_a_network(text: str, scheme: str) -> Address:
    parts = _split(text)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    if ".m3u" in unquote(f"{parts.path}?{parts.query}").lower():
        raise AddressError(PLAYLIST)
    return Address(
        scheme=scheme,
        host=_host(parts),
        port=_port(parts, scheme),
        user=_decoded(user),
        password=_decoded(password),
        path=parts.path,
        query=parts.query,
    )


def _split(text: str) -> SplitResult:
    """A sign in a password that should be percent-encoded would make a machine's name of the
    password, which then is looked up and shown.
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        raise AddressError(WRONG_HOST) from None
    if "#" in text or "\\" in text or ("@" in text and "@" not in parts.netloc):
        raise AddressError(UNQUOTED)
    return parts


def _decoded(text: str) -> str:
    try:
        found = unquote(text, errors="strict")
    except UnicodeError:
        raise AddressError(UNQUOTED) from None
    if not found.isprintable():  # also: no line may be added to what we send
        raise AddressError(STRANGE_SIGNS)
    return found


def _port(parts: SplitResult, scheme: str) -> int:
    try:
        port = parts.port
    except ValueError:
        raise AddressError(WRONG_PORT) from None
    if port == 0:
        raise AddressError(WRONG_PORT)
    return port or PORTS[scheme]


def _host(parts: SplitResult) -> str:
    """As the resolver is asked for it: names in ASCII (IDNA)."""
    host = parts.hostname or ""
    if not host:
        raise AddressError(NO_HOST)
    if ":" in host:
        return _ipv6(host)
    try:
        return reach.ascii_name(host)
    except ValueError:
        raise AddressError(WRONG_HOST) from None


def _ipv6(host: str) -> str:
    try:
        found = ipaddress.IPv6Address(host)
    except ValueError:
        raise AddressError(WRONG_HOST) from None
    if found.scope_id is not None:  # link-local
        raise AddressError(NOT_ALLOWED)
    return str(found)


def _resolved(host: str, port: int) -> list[IpAddress]:
    try:
        return reach.resolved(host, port)
    except reach.SlowResolverError:
        raise AddressError(TOO_SLOW, Fault.NAME) from None
    except reach.NameNotFoundError:
        raise AddressError(NOT_FOUND, Fault.NAME) from None
