"""A gunicorn worker whose threads wait for nobody: they get requests that have arrived.

gunicorn's own threads read heads and bodies from the socket, so a few dozen clients that send
nothing, or half a head, take them all (docs/adr/0008-threads-wait-for-nobody.md). Here the
event loop collects a request's head, and a form's body with it; a thread takes it from there.
"""

from __future__ import annotations

import errno
import re
import selectors
import socket
import time
from collections.abc import Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

from gunicorn.util import split_request_uri
from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_BYTES = 32 * 1024  # of a request's head, at most
FORM_BYTES = 64 * 1024  # a body up to this size is collected; a larger one is an upload
ARRIVAL_SECONDS = 20.0  # for a head, and a form with it, to arrive
STALLED_SECONDS = 30.0  # for a thread to wait for the next piece of an upload, or to send one
SLOWEST = 1024  # bytes a second of a body, on average, once a thread has waited that long
AT_ONCE = 0.05  # seconds: what has arrived already
LINGER_SECONDS = 2.0  # for a client to send on, or to close, once it has its answer
LINGER_AT_MOST = 60.0  # seconds; an upload that was refused unread is thrown away meanwhile
LINGERING = 100  # connections that are given that time
TRANSFERS = 64  # threads; a slow client keeps one
PICTURES = 8  # threads, beside those for pages: a disk that hangs keeps them all
PROBES = 4  # threads, which nothing else keeps
SETTLED_SECONDS = 2.0  # after which a connection is old, where processes share the work
STREAM_BUFFER = 64 * 1024  # bytes on their way to who watches live: what waits there gets old

_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?$", re.I | re.M)
_CODED = re.compile(rb"^transfer-encoding[ \t]*:", re.I | re.M)
_LONG_ANSWERS = re.compile(
    rb"/+(static/|clips/|uploads/|(history|events)\.(csv|xlsx)|results/[^/]+/events/\d+/download)"
)
_STREAMS = re.compile(rb"/+video/")
_PICTURES = re.compile(rb"/+(results|cameras|live|alerts)/.+\.jpg$")
_PROBES = re.compile(rb"/+(healthz|readyz|metrics)$")


class Lane(Enum):
    """Which threads serve a request."""

    PAGES = auto()
    TRANSFERS = auto()  # uploads, and answers that a client may read slowly
    PICTURES = auto()  # that lie in storage
    PROBES = auto()  # what supervisors and monitors ask, above all when all else hangs
    STREAMS = auto()  # answers without an end: services.live_streams lets a few in, no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer that needs no thread."""

    status: str


def arrival(received: bytes | bytearray) -> Lane | Refusal | int:
    """Who serves the request of which so much has been received, or how long it is at least.

    It decides only when a thread gets the request. What the request says is gunicorn's to
    parse, and to refuse.
    """
    end = received.find(b"\r\n\r\n")
    if end > HEAD_BYTES or (end < 0 and len(received) > HEAD_BYTES):
        return Refusal(status="431 Request Header Fields Too Large")
    if end < 0:
        return len(received) + 1
    head = bytes(received[:end])
    if _CODED.search(head):  # Django takes such a body for an empty one
        return Refusal(status="411 Length Required")
    length = max(map(int, _LENGTH.findall(head)), default=0)
    if length > FORM_BYTES:
        return Lane.TRANSFERS
    whole = end + 4 + length
    if len(received) < whole:
        return whole
    return _lane(_path(head))


def _lane(path: bytes) -> Lane:
    kinds = {
        Lane.PROBES: _PROBES,
        Lane.TRANSFERS: _LONG_ANSWERS,
        Lane.STREAMS: _STREAMS,
        Lane.PICTURES: _PICTURES,
    }
    return next((lane for lane, kind in kinds.items() if kind.match(path)), Lane.PAGES)


def _path(head: bytes) -> bytes:
    """Decoded, because `/%73tatic/` is `/static/`; empty if there is none."""
    words = head.split(b"\r\n", 1)[0].split(b" ")
    try:
        return unquote_to_bytes(split_request_uri(words[1].decode("latin-1")).path)
    except (IndexError, ValueError):
        return b""


class _Socket(socket.socket):
    """Takes a client that neither reads nor sends, or hardly, for one that is gone."""

    _waited = 0.0  # seconds, for what of the request …
    _came = 0  # … came: bytes

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001  (the library's signature)
        self.settimeout(STALLED_SECONDS if flag else 0.0)

    def begin(self) -> None:
        """Another request comes."""
        self._waited, self._came = 0.0, 0

    def recv(self, *args: Any) -> bytes:
        began = time.monotonic()
        try:
            received = super().recv(*args)
        except TimeoutError as error:
            raise _gone() from error
        self._waited += time.monotonic() - began
        self._came += len(received)
        if self._waited > STALLED_SECONDS and self._came < SLOWEST * self._waited:
            raise _gone()
        return received

    def sendall(self, *args: Any) -> None:
        try:
            super().sendall(*args)
        except TimeoutError as error:
            raise _gone() from error


def _gone() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "the client has stalled")


class _Connection(TConn):  # type: ignore[misc]
    """With what has been received of its next request."""

    def __init__(self, worker: ArrivalsWorker, sock: socket.socket, client: Any, ours: Any) -> None:
        super().__init__(worker.cfg, _Socket(fileno=sock.detach()), client, ours)
        self._worker = worker
        self.received = bytearray()
        self.expected = 0  # bytes, at least
        self.leave_at = 0.0
        self.since = time.monotonic()

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002  (gunicorn's signature)
        """gunicorn's own waits two seconds for the client, in the event loop."""
        if graceful:
            self._worker.linger(self)
        else:
            self.sock.close()


class ArrivalsWorker(ThreadWorker):  # type: ignore[misc]
    """Collects requests in the event loop; each lane has threads of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[_Connection, None] = {}  # who has been waited for longest is first
        self._lingering: dict[_Connection, None] = {}
        self._streaming: set[_Connection] = set()
        self._threads: dict[Lane, Executor] = {}  # but those for pages, which are gunicorn's

    def init_process(self) -> None:
        transfers = ThreadPoolExecutor(TRANSFERS, thread_name_prefix="transfers")
        self._threads = {
            Lane.TRANSFERS: transfers,
            Lane.STREAMS: transfers,
            Lane.PICTURES: ThreadPoolExecutor(PICTURES, thread_name_prefix="pictures"),
            Lane.PROBES: ThreadPoolExecutor(PROBES, thread_name_prefix="probes"),
        }
        try:
            super().init_process()
        finally:
            for each in self._threads.values():
                each.shutdown(wait=False)

    def accept(self, listener: socket.socket) -> None:
        if self.nr_conns >= self.worker_connections - 1 and self._arriving:
            self._drop(next(iter(self._arriving)))  # who has been waited for the longest
        try:
            sock, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        self.enqueue_req(_Connection(self, sock, client, listener.getsockname()))

    def enqueue_req(self, conn: _Connection) -> None:
        """Of a new connection, and of a kept one on which something comes in."""
        conn.sock.settimeout(0)
        conn.timeout = time.monotonic() + ARRIVAL_SECONDS
        if conn.parser is not None:
            conn.received += conn.parser.unreader.take_buffered()
        self._arriving[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._receive, conn))
        self._receive(conn, conn.sock)

    def _receive(self, conn: _Connection, sock: socket.socket) -> None:
        if conn not in self._arriving:  # dropped since the loop saw it
            return
        try:
            came = sock.recv(FORM_BYTES)
        except BlockingIOError:
            came = b""
        except OSError:
            self._drop(conn)
            return
        else:
            if not came:
                self._drop(conn)
                return
        conn.received += came
        if len(conn.received) >= conn.expected:
            self._look(conn)

    def _look(self, conn: _Connection) -> None:
        found = arrival(conn.received)
        if isinstance(found, int):
            conn.expected = found
        elif isinstance(found, Lane):
            self._forget(conn)
            if found is Lane.STREAMS:
                conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, STREAM_BUFFER)
                self._streaming.add(conn)
            threads = self.tpool if found is Lane.PAGES else self._threads[found]
            self._hand_over(conn, threads)
        else:
            self._refuse(conn, found)

    def _hand_over(self, conn: _Connection, threads: Executor) -> None:
        conn.init()  # makes the parser
        conn.parser.unreader.unread(bytes(conn.received))
        conn.received.clear()
        conn.expected = 0
        conn.sock.begin()
        conn.data_ready = True
        served: Future[Any] = threads.submit(self.handle, conn)
        served.add_done_callback(partial(self.method_queue.defer, self.finish_request, conn))

    def handle_request(self, req: Any, conn: _Connection) -> Any:
        """Ends an old connection with its next answer, where there are other processes.

        Who asks again gets one that is idle: new connections are accepted by who has time.
        """
        if self.cfg.workers > 1 and time.monotonic() - conn.since > SETTLED_SECONDS:
            req.force_close()
        return super().handle_request(req, conn)

    def finish_request(self, conn: _Connection, served: Future[Any]) -> None:
        self._streaming.discard(conn)
        super().finish_request(conn, served)

    def _keepalive_after(self, conn: _Connection, keepalive: bool) -> bool:  # noqa: FBT001
        """What an answer left unread of a body is thrown away in the loop, not by the thread."""
        return bool(keepalive and conn.parser.finish_body(deadline=time.monotonic() + AT_ONCE))

    def _refuse(self, conn: _Connection, refusal: Refusal) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        answer = f"HTTP/1.1 {refusal.status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        try:
            conn.sock.send(answer.encode())
        except OSError:  # it does not listen, or is gone
            conn.close()
        else:
            conn.close(graceful=True)

    def _drop(self, conn: _Connection) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: _Connection) -> None:
        del self._arriving[conn]
        self.poller.unregister(conn.sock)

    def linger(self, conn: _Connection) -> None:
        """Closes once the client has: earlier, and it may never read its answer."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            conn.close()
            return
        if len(self._lingering) >= LINGERING:
            self._leave(next(iter(self._lingering)))
        conn.sock.settimeout(0)
        conn.timeout = time.monotonic() + LINGER_SECONDS
        conn.leave_at = time.monotonic() + LINGER_AT_MOST
        self._lingering[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._discard, conn))

    def _discard(self, conn: _Connection, sock: socket.socket) -> None:
        if conn not in self._lingering:
            return
        try:
            left = not sock.recv(FORM_BYTES)
        except BlockingIOError:
            return
        except OSError:
            left = True
        if left:
            self._leave(conn)
        else:
            conn.timeout = min(time.monotonic() + LINGER_SECONDS, conn.leave_at)

    def _leave(self, conn: _Connection) -> None:
        del self._lingering[conn]
        self.poller.unregister(conn.sock)
        conn.close()

    def murder_pending(self) -> None:
        """gunicorn's loop calls it about once a second.

        An ending one waits for no request, and for no answer that has no end.
        """
        for conn in [] if self.alive else self._streaming:
            with suppress(OSError):  # it is gone already
                conn.sock.shutdown(socket.SHUT_RDWR)  # its thread finds out when it sends on
        for conn in _overdue(self._arriving, all_of_them=not self.alive):
            self._drop(conn)
        for conn in _overdue(self._lingering, all_of_them=False):
            self._leave(conn)


def _overdue(connections: Iterable[_Connection], *, all_of_them: bool) -> list[_Connection]:
    now = time.monotonic()
    return [each for each in connections if all_of_them or each.timeout < now]
