"""When a request has arrived, and whose threads serve it."""

from __future__ import annotations

import itertools
import socket
from types import SimpleNamespace

import pytest

from shoplift_site import arrivals
from shoplift_site.arrivals import FORM_BYTES, HEAD_BYTES, Lane, Refusal, arrival

FORM = b"POST /accounts/login/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"", 1),
        (b"GET", 4),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", 26),
        (FORM, len(FORM) + 9),
        (FORM + b"12345678", len(FORM) + 9),
    ],
)
def test_more_has_to_come(received: bytes, expected: int) -> None:
    assert arrival(received) == expected


@pytest.mark.parametrize(
    "received",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        FORM + b"123456789",
        FORM.replace(b"Content-Length: ", b"content-length:") + b"123456789",
        FORM.replace(b"9", b"ten"),  # no length: gunicorn refuses it
        b"\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
    ],
)
def test_a_page(received: bytes) -> None:
    assert arrival(received) is Lane.PAGES


@pytest.mark.parametrize(
    "target",
    [
        b"/static/css/base.css",
        b"/%73tatic/css/base.css",
        b"//static/css/base.css",
        b"http://127.0.0.1/static/css/base.css",
        b"/clips/1/file?download=1",
        b"/history.csv",
        b"/uploads/1/",
        b"/history.xlsx?hint=yes",
        b"/events.csv",
        b"/events.xlsx",
        b"/results/1/events/2/download",
    ],
)
def test_an_answer_that_may_be_read_slowly(target: bytes) -> None:
    assert arrival(b"GET " + target + b" HTTP/1.1\r\n\r\n") is Lane.TRANSFERS


@pytest.mark.parametrize(
    ("target", "lane"),
    [
        (b"/results/1/frames/0.jpg", Lane.PICTURES),
        (b"/results/1/tracks/2/0.jpg?size=small", Lane.PICTURES),
        (b"/cameras/7/still.jpg", Lane.PICTURES),
        (b"/alerts/snapshots/token.jpg", Lane.PICTURES),
        (b"/results/1/", Lane.PAGES),
        (b"/healthz", Lane.PROBES),
        (b"//readyz?x", Lane.PROBES),
        (b"/metrics", Lane.PROBES),
        (b"/healthz/else", Lane.PAGES),
    ],
)
def test_what_a_disk_that_hangs_keeps_has_threads_of_its_own_and_so_have_probes(
    target: bytes, lane: Lane
) -> None:
    assert arrival(b"GET " + target + b" HTTP/1.1\r\n\r\n") is lane


@pytest.mark.parametrize("target", [b"/video/7", b"//video/7?token=x", b"/%76ideo/7"])
def test_an_answer_without_an_end(target: bytes) -> None:
    assert arrival(b"GET " + target + b" HTTP/1.1\r\n\r\n") is Lane.STREAMS


def test_an_upload_is_not_waited_for() -> None:
    assert arrival(FORM.replace(b"9", b"%d" % (FORM_BYTES + 1))) is Lane.TRANSFERS


def test_the_largest_form_is_waited_for() -> None:
    form = FORM.replace(b"9", b"%d" % FORM_BYTES)

    assert arrival(form) == len(form) + FORM_BYTES


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
def test_a_head_without_an_end_is_refused(end: bytes) -> None:
    found = arrival(b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES + end)

    assert found == Refusal(status="431 Request Header Fields Too Large")


def test_a_body_of_unknown_length_is_refused() -> None:
    found = arrival(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")

    assert found == Refusal(status="411 Length Required")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock, each byte is waited for for half of the time that there is."""
    clock = itertools.count(step=arrivals.STALLED_SECONDS / 2)
    monkeypatch.setattr(arrivals, "time", SimpleNamespace(monotonic=lambda: next(clock)))


@pytest.mark.usefixtures("waits")
def test_a_client_that_hardly_sends_is_taken_for_one_that_is_gone() -> None:
    ours, theirs = socket.socketpair()
    with theirs, arrivals._Socket(fileno=ours.detach()) as slow:
        for _ in range(2):
            theirs.send(b"x")
            assert slow.recv(10) == b"x"

        theirs.send(b"x")
        with pytest.raises(ConnectionResetError):
            slow.recv(10)


@pytest.mark.usefixtures("waits")
def test_each_request_has_its_own_time() -> None:
    ours, theirs = socket.socketpair()
    with theirs, arrivals._Socket(fileno=ours.detach()) as kept:
        for _ in range(5):
            kept.begin()
            theirs.send(b"x")
            assert kept.recv(10) == b"x"
