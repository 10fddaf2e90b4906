"""Messages to a program at an https address, signed as the Standard Webhooks say.

https://www.standardwebhooks.com: `webhook-id`, `webhook-timestamp` and `webhook-signature`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from http import HTTPStatus
from ipaddress import IPv6Address
from urllib.parse import SplitResult, quote, urlsplit

from video_classifier.integrations import reach
from video_classifier.integrations.messages import (
    TIME_OUT,
    Message,
    NotSentError,
    PerhapsSentError,
    WrongTargetError,
)
from video_classifier.integrations.wire import Wire

LONGEST = 1000  # characters of an address
MOST_READ = 64 * 1024  # bytes of an answer
PORTS = {"http": 80, "https": 443}

_KEY_BYTES = 32
_KEY_BEGINS = "whsec_"
_KEPT = "%/:=&?~+!$,;'@()*[]"  # in a path or query, which may be percent-encoded already

EXAMPLE = "https://desk.example.org/alerts"
NO_ADDRESS = f"Type the address that messages go to, such as {EXAMPLE}."
TOO_LONG = f"The address is too long: there may be {LONGEST} characters."
STRANGE_SIGNS = "There is a space or an invisible sign in the address. Type it again."
WRONG_SCHEME = f"The address has to begin with https:// or http://, as in {EXAMPLE}."
NO_USER = (
    "There may be no user name or password in the address. Each message is signed: the receiver "
    "checks that instead."
)
FRAGMENT = "In the address write # as %23, and \\ as %5C."
WRONG_HOST = "The name of the machine in the address can't be right. Check how it is spelled."
WRONG_PORT = "The port in the address has to be a number from 1 to 65535."
NOT_FOUND = "The name of the machine is not found. Check how it is spelled."
TOO_SLOW = "The name of the machine was not found in time. Try again."
NOT_ALLOWED = (
    "The address leads to a machine outside the internet, or to the server itself. An "
    "administrator of the site can add its network to the setting ALERT_NETWORKS."
)
NO_ANSWER = "Nothing answers there. Check that the receiver is running, and the address."
NO_TLS = "No secure connection is possible: what answers there doesn't speak TLS as we do."
CERTIFICATE = (
    "The receiver's certificate is not valid for that name, has expired, or is signed by nobody "
    "whom the server trusts."
)
SILENT = (
    "The receiver got the message, but didn't answer in time, so nobody knows whether it arrived."
)
CUT_OFF = "The receiver ended the connection without an answer, so nobody knows whether it arrived."
NOT_HTTP = "What answers there is no web server. Check the address and its port."
REDIRECT = "The receiver sends us to another address ({status}), which is not followed. Use that."
GONE = "The receiver says that this address is gone for good (410). Use another one."
FORBIDDEN = "The receiver refuses us ({status}). Check the address, and the key that it has of us."
NOT_THERE = "There is nothing at the address that takes messages ({status}). Check it."
TOO_MANY = "The receiver says that it gets too many messages (429)."
REFUSED = "The receiver refuses the message ({status})."
BROKEN = "Something is wrong at the receiver ({status})."


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a webhook leads."""

    scheme: str
    host: str  # a name as the resolver is asked for it, or an IP address without brackets
    port: int
    target: str  # path and query, percent-encoded; often with a secret in it

    @property
    def is_secure(self) -> bool:
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def masked(self) -> str:
        rest = "•••" if self.target != "/" else ""
        return f"{self.scheme}://{self.authority}/{rest}"


def parse(text: str) -> Place:
    """What somebody typed. Raises WrongTargetError."""
    text = text.strip()
    if not text:
        raise WrongTargetError(NO_ADDRESS)
    if len(text) > LONGEST:
        raise WrongTargetError(TOO_LONG)
    if not text.isprintable() or " " in text:
        raise WrongTargetError(STRANGE_SIGNS)
    if "#" in text or "\\" in text:
        raise WrongTargetError(FRAGMENT)
    parts = _split(text)
    if "@" in parts.netloc:
        raise WrongTargetError(NO_USER)
    query = f"?{parts.query}" if parts.query else ""
    return Place(
        scheme=parts.scheme,
        host=_host(parts.hostname or ""),
        port=_port(parts),
        target=quote(f"{parts.path or '/'}{query}", safe=_KEPT),
    )


def checked(
    place: Place, networks: Sequence[str], *, seconds: float | None = None
) -> tuple[str, ...]:
    """The IP addresses that it leads to, all of which may be connected to.

    Raises WrongTargetError, also where one of several may not, and where there is none just now.
    """
    try:
        found = reach.resolved(place.host, place.port, seconds=seconds)
    except reach.NameNotFoundError:
        raise WrongTargetError(NOT_FOUND) from None
    except reach.SlowResolverError:
        raise WrongTargetError(TOO_SLOW) from None
    if not all(reach.is_allowed(ip, networks, or_public=True) for ip in found):
        raise WrongTargetError(NOT_ALLOWED)
    return tuple(map(str, found))


def send(
    address: str,
    message: Message,
    *,
    key: str,
    networks: Sequence[str],
    seconds: float = TIME_OUT,
) -> None:
    """Raises NotSentError. Networks are those that are allowed beside the internet."""
    until = time.monotonic() + seconds
    try:
        place = parse(address)
        machines = checked(place, networks, seconds=seconds)
    except WrongTargetError as wrong:
        # A name may be found again, whatever else is wrong stays so.
        is_final = str(wrong) not in {NOT_FOUND, TOO_SLOW}
        raise NotSentError(str(wrong), is_final=is_final) from None
    wire = _connected(place, machines, until)
    try:
        status = _status(wire, _request(place, message, key))
    finally:
        wire.close()
    _check(status)


def content(message: Message) -> bytes:
    """What is sent, as JSON."""
    facts = {
        "type": f"alert.{message.kind}",
        "timestamp": message.at.astimezone(UTC).isoformat(),
        "data": dict(message.data),
    }
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()


def signed(id_: str, body: bytes, *, key: str, at: int) -> dict[str, str]:
    """The headers by which a receiver knows who sent it, and when."""
    secret = base64.b64decode(key.removeprefix(_KEY_BEGINS))
    digest = hmac.new(secret, f"{id_}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def new_key() -> str:
    """With which to sign; the receiver needs it, too."""
    return _KEY_BEGINS + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
    except ValueError:
        raise WrongTargetError(WRONG_HOST) from None
    if parts.scheme not in PORTS or not parts.netloc:
        raise WrongTargetError(WRONG_SCHEME)
    return parts


def _host(host: str) -> str:
    try:
        if ":" not in host:
            return reach.ascii_name(host)
        found = IPv6Address(host)
    except ValueError:
        raise WrongTargetError(WRONG_HOST) from None
    if found.scope_id is not None:  # link-local
        raise WrongTargetError(NOT_ALLOWED)
    return str(found)


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise WrongTargetError(WRONG_PORT) from None
    if port == 0:
        raise WrongTargetError(WRONG_PORT)
    return port or PORTS[parts.scheme]


class _TooMuchError(OSError):
    """An answer is longer than any that we read."""


class _BoundedWire(Wire):
    """Reads so many bytes and no more."""

    _left = MOST_READ

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        got = super().readinto(buffer)
        self._left -= got
        if self._left < 0:
            raise _TooMuchError
        return got


def _connected(place: Place, machines: Sequence[str], until: float) -> Wire:
    """To the first of the machines that answers."""
    sentence = NO_ANSWER
    for number, machine in enumerate(machines):
        left = (until - time.monotonic()) / (len(machines) - number)
        if left <= 0:
            break
        try:
            connection = _dialed(place, machine, left)
        except ssl.SSLCertVerificationError:
            sentence = CERTIFICATE
        except ssl.SSLError:
            sentence = NO_TLS
        except OSError:
            continue
        else:
            return _BoundedWire(connection, until - time.monotonic())
    raise NotSentError(sentence)


def _dialed(place: Place, machine: str, seconds: float) -> socket.socket:
    until = time.monotonic() + seconds
    made = socket.create_connection((machine, place.port), timeout=seconds)
    try:
        if not place.is_secure:
            return made
        made.settimeout(max(until - time.monotonic(), 0.01))
        return _trusting().wrap_socket(made, server_hostname=place.host)
    except BaseException:
        made.close()
        raise


def _trusting() -> ssl.SSLContext:
    """Whom the system trusts. Apart, so that tests can trust themselves."""
    return ssl.create_default_context()


def _status(wire: Wire, request: bytes) -> int:
    """What the receiver answers. Of its answer nothing else is looked at."""
    try:
        wire.sendall(request)
        with http.client.HTTPResponse(wire, method="POST") as answer:  # type: ignore[arg-type]
            answer.begin()
            return answer.status
    except TimeoutError:
        raise PerhapsSentError(SILENT) from None
    except http.client.RemoteDisconnected:  # which is a BadStatusLine, too
        raise PerhapsSentError(CUT_OFF) from None
    except (_TooMuchError, http.client.HTTPException):
        raise NotSentError(NOT_HTTP) from None
    except OSError:
        raise PerhapsSentError(CUT_OFF) from None


def _request(place: Place, message: Message, key: str) -> bytes:
    body = content(message)
    headers = {
        "Host": place.authority,
        "User-Agent": "shoplift",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **signed(message.id, body, key=key, at=int(time.time())),
    }
    lines = [f"POST {place.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _check(status: int) -> None:
    """Raises NotSentError unless it was taken."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status < HTTPStatus.BAD_REQUEST:
        raise NotSentError(REDIRECT.format(status=status), is_final=True)
    if status == HTTPStatus.GONE:
        raise NotSentError(GONE, is_final=True)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise NotSentError(TOO_MANY)
    # A receiver that is being installed anew says such things, too: they are no reason to give up.
    raise NotSentError(_WORDS.get(status, _other(status)).format(status=status))


_WORDS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: FORBIDDEN,
    HTTPStatus.FORBIDDEN: FORBIDDEN,
    HTTPStatus.NOT_FOUND: NOT_THERE,
    HTTPStatus.METHOD_NOT_ALLOWED: NOT_THERE,
}


def _other(status: int) -> str:
    return REFUSED if status < HTTPStatus.INTERNAL_SERVER_ERROR else BROKEN
