"""Readers of simulated cameras, with short patience."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scripts._lib.simulator.camera import Camera
from video_classifier.states import Fault, FeedState
from video_classifier.watching.connecting import Target
from video_classifier.watching.health import ReaderState
from video_classifier.watching.limits import Limits
from video_classifier.watching.reader import Reader
from video_classifier.watching.ring import Ring

HASTY = Limits(
    connect=1.0,
    answer=1.0,
    first_picture=1.5,
    stalled=0.6,
    dead=1.2,
    keyless=1.5,
    noted=1.0,
    stuck=3.0,
    pauses=((1000, 0.2),),
    longest_pause=1.0,
    password_pauses=(1.0,),
)
# For cameras of which nothing stalls: on a busy machine their pictures come late, and all at once.
CALM = replace(
    HASTY, connect=30, answer=30, first_picture=30, stalled=30, dead=40, keyless=40, noted=3
)
PATIENCE = 60.0  # seconds: others use this machine, too


@dataclass(frozen=True, kw_only=True)
class Place:
    """As services.addresses.Address."""

    scheme: str
    host: str = "127.0.0.1"
    port: int = 0
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    path: str = field(default="/stream", repr=False)
    query: str = field(default="", repr=False)


def place(url: str, **changes: str | int) -> Place:
    parts = urlsplit(url)
    found = Place(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or 0,
        user=parts.username or "",
        password=parts.password or "",
        path=parts.path,
        query=parts.query,
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def target(url: str, **changes: str | int) -> Target:
    return Target(address=place(url, **changes), ips=("127.0.0.1",))


def url_of(camera: Camera, scheme: str) -> str:
    return camera.rtsp_url if scheme == "rtsp" else camera.http_url


@contextmanager
def reading(
    addresses: Callable[[], Target] | str,
    *,
    limits: Limits = HASTY,
    ring: Ring | None = None,
) -> Iterator[Reader]:
    asked = (lambda: target(addresses)) if isinstance(addresses, str) else addresses
    reader = Reader(asked, ring or Ring(60, 50_000_000), limits=limits)
    reader.start()
    try:
        yield reader
    finally:
        assert reader.stop(), "the reader's thread doesn't end"


def wait_for(reader: Reader, wanted: Callable[[ReaderState], bool]) -> ReaderState:
    """The first state that is wanted."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if wanted(state := reader.state):
            return state
        time.sleep(0.02)
    msg = f"It never came to that: {reader.state}"
    raise AssertionError(msg)


def online(reader: Reader) -> ReaderState:
    return wait_for(reader, lambda state: state.state == FeedState.ONLINE)


def faulty(reader: Reader, fault: Fault) -> ReaderState:
    return wait_for(reader, lambda state: state.fault == fault)


def signed_by_itself(folder: Path) -> ssl.SSLContext:
    """What a camera with TLS has: a certificate that nobody else signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    day = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(
        key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(form))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context
