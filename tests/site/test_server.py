"""The server that `make run` and the container start, and clients that are in no hurry."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from copy import copy
from functools import partial
from pathlib import Path

import pytest

from scripts._lib import ports
from tests.conftest import Migrated
from tests.site import slow_clients
from tests.site.slow_clients import Address, holding

ROOT = Path(__file__).parent.parent.parent
SECONDS = 10.0  # in which a page has to be there: slow clients would keep a thread for 20
HELD = 20.0  # seconds that the slow clients stay
GRACE = 15.0  # seconds for which it would wait for requests that are not through

CLIP_BYTES = 16 * 1024 * 1024  # more than the sockets between server and player hold

# Somebody who is signed in, and a clip.
PREPARE = f"""
import django; django.setup()
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone
from video_classifier.models import Camera, Clip, Feed, Store
from video_classifier.services import live_pictures, live_streams
from video_classifier.services.accounts import join
client, ada, store = Client(), User.objects.create_user("ada"), Store.objects.get()
join(ada, store, "analyst")
client.force_login(ada)
camera = Camera.objects.create(store=store, name="Till")
Feed.objects.create(camera=camera, model="i3d_person", is_enabled=True)
live_pictures.write(camera.pk, bytes(30_000), taken_at=timezone.now())
tokens = []
for number in range(9):
    user = User.objects.create_user("user" + str(number))
    join(user, store, "reviewer")
    tokens.append(live_streams.token(camera, user))
clip = Clip.objects.create(
    name="door.mp4", file=ContentFile(bytes({CLIP_BYTES}), name="clip.mp4"), sha256="0" * 64,
    size_bytes={CLIP_BYTES}, container="mp4", codec="h264", width=640, height=480, duration=2.0,
    store=store,
)
print(client.cookies["sessionid"].value, clip.pk, camera.pk, *tokens)
"""


class Server:
    """The site as shipped, on a port and on data of its own."""

    def __init__(self, data: Path) -> None:
        self._environment = os.environ | {
            "DATA_DIR": str(data),
            "RUNNER": "none",
            "DJANGO_SETTINGS_MODULE": "shoplift_site.settings",
        }
        session, self.clip, self.camera, *self.tokens = self._python("-c", PREPARE).split()
        self.cookie = f"sessionid={session}"
        self.start()

    def start(self) -> None:
        self.address: Address = "127.0.0.1", ports.free()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn"),
                *("--config", "python:shoplift_site.gunicorn", "shoplift_site.wsgi"),
            ],
            cwd=ROOT,
            env=self._environment | {"PORT": str(self.address[1])},
        )
        self._wait()

    def _python(self, *words: str) -> str:
        return subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def get(self, path: str, *, timeout: float = SECONDS) -> tuple[int, float]:
        """The status, and how many seconds it took; OSError if it took too long."""
        started = time.monotonic()
        with closing(http.client.HTTPConnection(*self.address, timeout=timeout)) as browser:
            browser.request("GET", path, headers={"Cookie": self.cookie})
            answer = browser.getresponse()
            answer.read()
        return answer.status, time.monotonic() - started

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                self.get("/healthz")
            except OSError:
                time.sleep(0.2)
            else:
                return
        self.process.kill()
        pytest.fail("The server did not start within a minute.")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, migrated: Migrated) -> Path:
    return migrated(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[Server]:
    started = Server(data)
    yield started
    started.stop()


def assert_quick(server: Server, *, for_seconds: float = 0.0) -> None:
    until = time.monotonic() + for_seconds
    while True:
        for path in ("/healthz", "/history/"):
            status, seconds = server.get(path)
            assert status == 200
            assert seconds < SECONDS
        if time.monotonic() >= until:
            break
        time.sleep(0.5)


def send(server: Server, *pieces: bytes, pause: float = 0.0) -> bytes:
    """What comes back on a connection, up to its end."""
    with socket.create_connection(server.address, timeout=60) as client:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(pause)
        return b"".join(iter(partial(client.recv, 65536), b""))


def head(request: str, *fields: str) -> bytes:
    return "\r\n".join((f"{request} HTTP/1.1", "Host: 127.0.0.1", *fields, "", "")).encode()


@pytest.mark.long
def test_clients_that_hardly_send_keep_nobody_waiting(server: Server) -> None:
    slow = slow_clients.silent(300) + slow_clients.half_heads(80) + slow_clients.half_forms(80)

    with holding(server.address, *slow):
        assert_quick(server, for_seconds=HELD)


def test_more_connections_than_the_server_holds_keep_nobody_out(server: Server) -> None:
    with holding(server.address, *slow_clients.silent(1100)):
        assert_quick(server)


def test_clients_that_do_not_close_keep_nobody_waiting(server: Server) -> None:
    with holding(server.address, *slow_clients.answered(80)):
        assert_quick(server, for_seconds=2.0)


def test_strangers_who_send_large_bodies_slowly_keep_nobody_waiting(server: Server) -> None:
    upload = head(
        "POST /accounts/login/",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Length: 99999999",
    )

    with holding(server.address, *[upload + b"--x\r\n"] * 80):
        assert_quick(server, for_seconds=2.0)


@pytest.mark.parametrize("asked", ["Range: bytes=0-", "Accept: */*"])
def test_paused_players_keep_nobody_waiting(server: Server, asked: str) -> None:
    play = head(f"GET /clips/{server.clip}/file", f"Cookie: {server.cookie}", asked)

    with holding(server.address, *[play] * 80):
        server.get("/healthz", timeout=60)  # until all of them have what they take
        assert_quick(server, for_seconds=2.0)


def test_strangers_who_do_not_read_keep_nobody_waiting(server: Server) -> None:
    fetch = head("GET /%73tatic/js_lib_bootstrap5/css/bootstrap.css")

    with holding(server.address, *[fetch * 20] * 80):
        server.get("/healthz", timeout=60)
        assert_quick(server, for_seconds=2.0)


def film(server: Server, who: int) -> bytes:
    """The request for the camera's film, by the signed address of one of nine users."""
    return head(f"GET /video/{server.camera}?token={server.tokens[who]}")


def test_eight_watch_live_and_keep_nobody_waiting(server: Server) -> None:
    films = [film(server, who) for who in range(8)]

    with holding(server.address, *films) as watchers:
        for watcher in watchers:
            watcher.settimeout(60)
            assert b"200 OK" in watcher.recv(4096)
        ninth = send(server, film(server, 8).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert ninth.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 10" in ninth
        assert_quick(server, for_seconds=3.0)


def test_who_has_gone_leaves_room_for_others(server: Server) -> None:
    with holding(server.address, film(server, 0), film(server, 0)):
        time.sleep(1)
    until = time.monotonic() + 60

    status = 503
    while status == 503 and time.monotonic() < until:
        time.sleep(0.5)
        with holding(server.address, film(server, 0)) as (watcher,):
            watcher.settimeout(60)
            status = int(watcher.recv(4096).split()[1])

    assert status == 200


def test_it_ends_in_good_order_while_somebody_watches(server: Server) -> None:
    ending = copy(server)
    ending.start()

    with holding(ending.address, film(ending, 1), film(ending, 2)) as watchers:
        for watcher in watchers:
            watcher.settimeout(60)
            assert b"200 OK" in watcher.recv(4096)
        started = time.monotonic()

        assert ending.stop() == 0
        assert time.monotonic() - started < GRACE


def test_a_request_may_come_in_pieces(server: Server) -> None:
    request = head("GET /healthz", "Connection: close")

    answer = send(server, request[:9], request[9:30], request[30:], pause=0.1)

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"ok")


def test_requests_may_come_all_at_once(server: Server) -> None:
    answer = send(server, head("GET /healthz") * 2 + head("GET /healthz", "Connection: close"))

    assert answer.count(b"HTTP/1.1 200 OK") == 3


def test_a_form_may_come_in_pieces(server: Server) -> None:
    fields = ("Content-Type: application/x-www-form-urlencoded", "Content-Length: 20")
    request = head("POST /accounts/login/", "Connection: close", *fields)

    answer = send(server, request, b"username=a", b"&password=", pause=0.1)

    assert answer.startswith(b"HTTP/1.1 403")  # read, and without its token


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head("GET /healthz", "X-Long: " + "x" * 40_000), b"431"),
        (head("GET /healthz", "X-Long: " + "x" * 9_000), b"431"),
        (head("GET /healthz", *["X-Many: x"] * 99), b"431"),
        (head("POST /", "Transfer-Encoding: chunked"), b"411"),
        (head("POST /accounts/login/", "Content-Length: ten"), b"400"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_request_is_refused(server: Server, request_head: bytes, status: bytes) -> None:
    assert send(server, request_head).split()[1] == status
    assert_quick(server)


def test_a_strangers_upload_leaves_nothing_on_disk(server: Server, data: Path) -> None:
    fields = ("Content-Type: multipart/form-data; boundary=x", "Content-Length: 9999999")
    part = b'--x\r\nContent-Disposition: form-data; name="clips"; filename="a.mp4"\r\n\r\n'

    with holding(server.address, head("POST /", *fields) + part + bytes(1_000_000)) as (client,):
        client.settimeout(60)
        assert client.recv(4096).startswith(b"HTTP/1.1 302")
        assert list((data / "uploads").iterdir()) == []


def test_whoever_sends_on_in_vain_still_reads_the_answer(server: Server) -> None:
    refused = head("POST /accounts/password/", "Content-Length: 6000000")

    answer = send(server, refused, *[bytes(1_000_000)] * 6, pause=0.5)

    assert answer.startswith(b"HTTP/1.1 302")


def test_it_ends_in_good_order_whoever_is_still_connected(server: Server) -> None:
    ending = copy(server)
    ending.start()

    with holding(ending.address, *slow_clients.silent(20), *slow_clients.half_heads(20)):
        started = time.monotonic()

        assert ending.stop() == 0
        assert time.monotonic() - started < GRACE
