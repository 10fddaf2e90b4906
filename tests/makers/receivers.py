"""Servers on 127.0.0.1 that get what alerts send, and behave as well or badly as they are told."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as MailProtocol  # noqa: N811
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scripts._lib import ports
from video_classifier.integrations.messages import Message

Talk = Callable[[socket.socket], None]

OK = b"HTTP/1.1 204 No Content\r\n\r\n"
JPEG = b"\xff\xd8\xff picture"


def make_message(**fields: Any) -> Message:
    usual: dict[str, Any] = {
        "id": "3f0c9f8e-8f3a-4b9e-9a55-5d1f7f3b1c11",
        "kind": "live",
        "subject": "Possible shoplifting \N{EN DASH} Back door, 2026-11-26 14:03",
        "text": "Possible shoplifting.\n\nCamera: Back door (Main)",
        "link": "https://clips.example.org/alerts/1/",
        "snapshot": JPEG,
        "snapshot_url": "https://clips.example.org/alerts/snapshots/1.jpg",
        "at": datetime.datetime(2026, 11, 26, 13, 3, 12, tzinfo=datetime.UTC),
        "data": {"camera": {"id": 1, "name": "Büro"}, "score": 0.9},
    }
    return Message(**usual | fields)


@contextmanager
def serving(talk: Talk, *, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Talks so to everybody who connects, to each in a thread; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    opened: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def answer(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            talking = tls.wrap_socket(connection, server_side=True) if tls else connection
            opened.append(talking)
            talk(talking)
            talking.shutdown(socket.SHUT_RDWR)
            talking.close()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                opened.append(connection)
                threads.append(threading.Thread(target=answer, args=(connection,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        for each in (listener, *opened):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in (accepting, *threads):
            thread.join(60)


class Web:
    """Talks HTTP: keeps each request, and answers with these bytes, or as it is told."""

    def __init__(self, answer: bytes | Talk = OK) -> None:
        self._answer = answer
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

    def __call__(self, connection: socket.socket) -> None:
        got = b""
        while b"\r\n\r\n" not in got:
            if not (more := connection.recv(65536)):
                return
            got += more
        head, _, body = got.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
        self.requests.append((first, headers, body))
        if isinstance(self._answer, bytes):
            connection.sendall(self._answer)
        else:
            self._answer(connection)


def hang(connection: socket.socket) -> None:
    """Says nothing, until the other side has had enough."""
    while connection.recv(65536):
        pass


def dripping(beginning: bytes, drop: bytes = b"x") -> Talk:
    """Never ends, and never pauses for long."""
    stop = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(beginning)
        while not stop.wait(0.02):
            connection.sendall(drop)

    return talk


class Mail:
    """A mail server that keeps what it gets; `codes` are what it says of some recipients."""

    def __init__(self, codes: dict[str, str] | None = None, *, data: str = "") -> None:
        self._codes, self._data = codes or {}, data
        self.recipients: list[str] = []
        self.mails: list[EmailMessage] = []

    async def handle_RCPT(  # noqa: N802
        self, _: MailProtocol, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self._codes:
            return self._codes[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _: MailProtocol, _session: Any, envelope: Any
    ) -> str:
        if self._data:
            return self._data
        self.recipients += envelope.rcpt_tos
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@contextmanager
def mail_server(mail: Mail) -> Iterator[int]:
    port = ports.free()
    controller = Controller(mail, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def make_certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context of that name, and one of a client that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))
