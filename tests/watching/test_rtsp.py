"""How a camera is spoken to by RTSP, with a camera that answers by the script."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from tests.makers.cameras import CALM, Place
from tests.watching.test_sdp import CAMERA
from video_classifier.states import Fault
from video_classifier.watching.rtsp import RtspSource
from video_classifier.watching.wire import ConnectError, Wire

OK = b"RTSP/1.0 200 OK\r\n"
DESCRIBED = OK + b"Content-Length: %d\r\n\r\n%s" % (len(CAMERA), CAMERA.encode())
SET_UP = OK + b"Session: 4711;timeout=2\r\nTransport: RTP/AVP/TCP;interleaved=4-5\r\n\r\n"


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[Wire, list[str]]]:
    """A wire to a camera that answers so, one request after the other, and what it was asked."""
    ours, theirs = socket.socketpair()
    asked: list[str] = []

    def answer() -> None:
        with suppress(OSError), theirs, theirs.makefile("rb") as file:
            for each in answers:
                lines = []
                while line := file.readline().decode().strip():
                    lines.append(line)
                if not lines:
                    return  # nobody is there any more
                asked.append("\n".join(lines))
                theirs.sendall(each)
            file.read()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    wire = Wire(ours, CALM.answer)
    yield wire, asked
    wire.close()
    thread.join(60)


def source(wire: Wire, **changes: str) -> RtspSource:
    place = {"scheme": "rtsp", "host": "camera", "path": "/live", "query": "ch=1", **changes}
    return RtspSource(wire, Place(port=554, **place), CALM)


def refused(*answers: bytes, **changes: str) -> ConnectError:
    with answering(*answers) as (wire, _), pytest.raises(ConnectError) as error:
        source(wire, **changes)
    return error.value


def test_asks_for_the_video_and_plays_it() -> None:
    with answering(DESCRIBED, SET_UP, OK + b"\r\n") as (wire, asked):
        made = source(wire)

    assert made.codec == "h264"
    assert [each.splitlines()[0] for each in asked] == [
        "DESCRIBE rtsp://camera:554/live?ch=1 RTSP/1.0",
        "SETUP rtsp://camera:554/live?ch=1/trackID=1 RTSP/1.0",
        "PLAY rtsp://camera:554/live?ch=1 RTSP/1.0",
    ]
    assert "Session: 4711" in asked[2]


def test_takes_the_base_that_the_camera_gives() -> None:
    described = DESCRIBED.replace(OK, OK + b"Content-Base: rtsp://camera/other/\r\n")
    with answering(described, SET_UP, OK + b"\r\n") as (wire, asked):
        source(wire)

    assert asked[1].startswith("SETUP rtsp://camera/other/trackID=1 ")


def test_a_nonce_that_grew_old_is_asked_for_again() -> None:
    old = b'RTSP/1.0 401 No\r\nWWW-Authenticate: Digest realm="x", nonce="1"\r\n\r\n'
    new = old.replace(b'nonce="1"', b'nonce="2", stale=true')
    with answering(old, DESCRIBED, new, SET_UP, OK + b"\r\n") as (wire, asked):
        source(wire, user="me", password="secret")

    assert ['nonce="2"' in each for each in asked] == [False, False, False, True, True]
    assert "secret" not in "".join(asked)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"RTSP/1.0 401 No\r\nWWW-Authenticate: Basic\r\n\r\n", Fault.PASSWORD),
        (b"RTSP/1.0 403 No\r\n\r\n", Fault.PASSWORD),
        (b"RTSP/1.0 302 There\r\nLocation: rtsp://10.0.0.1/\r\n\r\n", Fault.REDIRECT),
        (b"RTSP/1.0 404 No\r\n\r\n", Fault.NO_VIDEO),
        (b"RTSP/1.0 453 Not Enough Bandwidth\r\n\r\n", Fault.REFUSED),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Fault.REFUSED),
        (b"RTSP/1.0 x\r\n\r\n", Fault.REFUSED),
        (OK + b"Content-Length: 9999999\r\n\r\n", Fault.REFUSED),
        (OK + b"A: b\r\n" * 100 + b"\r\n", Fault.REFUSED),
        (OK + b"\r\n", Fault.NO_VIDEO),
        (b"R" * 100_000, Fault.REFUSED),
    ],
)
def test_answers_that_are_none_are_named(answer: bytes, fault: Fault) -> None:
    assert refused(answer).fault == fault


def test_a_camera_that_says_nothing_sends_no_data() -> None:
    hurried = replace(CALM, answer=0.2)
    with answering(b"") as (wire, _), pytest.raises(ConnectError) as error:
        RtspSource(wire, Place(scheme="rtsp", host="camera", port=554, path="/"), hurried)

    assert error.value.fault == Fault.NO_DATA


def test_a_wrong_password_is_tried_once() -> None:
    no = b"RTSP/1.0 401 No\r\nWWW-Authenticate: Basic\r\n\r\n"
    with answering(no, no, no) as (wire, asked), pytest.raises(ConnectError) as error:
        source(wire, user="me", password="secret")

    assert len(asked) == 2
    assert error.value.fault == Fault.PASSWORD
    assert "secret" not in str(error.value)


def test_a_redirect_in_the_middle_is_not_followed_either() -> None:
    away = b"RTSP/1.0 301 There\r\nLocation: rtsp://10.0.0.1/\r\n\r\n"

    assert refused(DESCRIBED, away).fault == Fault.REDIRECT
    assert refused(DESCRIBED, SET_UP, away).fault == Fault.REDIRECT


def test_keeps_the_session_alive_and_reads_past_answers() -> None:
    def rtp(number: int, ticks: int) -> bytes:
        head = b"\x80\x60" + number.to_bytes(2) + ticks.to_bytes(4) + bytes(4)
        return b"$\x04" + (len(head) + 3).to_bytes(2) + head + b"\x65\x88\x84"

    sound = b"$\x06\x00\x02hi"
    asks_us = b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    begins = OK + b"\r\n" + sound + rtp(1, 1) + OK + b"CSeq: 9\r\n\r\n" + asks_us
    with answering(DESCRIBED, SET_UP, begins, rtp(2, 9001)) as (wire, asked):
        made = source(wire)
        made._signed -= 5.0  # as if it had said nothing for so long
        picture = next(made.pictures())

    assert picture.is_key
    assert asked[3].startswith("GET_PARAMETER ")


def test_a_session_that_ends_ends_the_pictures() -> None:
    with answering(DESCRIBED, SET_UP, OK + b"\r\n") as (wire, _):
        made = source(wire)
        made.abort()
        with pytest.raises(OSError):  # noqa: PT011  (of whichever kind)
            next(made.pictures())
        made.close()


def packet(stamp: int, number: int) -> bytes:
    """A keyframe in one RTP packet."""
    content = struct.pack(">BBHII", 0x80, 96, number, stamp, 1) + b"\x65key"
    return b"$\x04" + struct.pack(">H", len(content)) + content


def test_a_request_of_the_cameras_own_is_passed_over_with_its_body() -> None:
    asks = b"SET_PARAMETER rtsp://us RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 7\r\n\r\nhello: "
    playing = OK + b"\r\n" + packet(0, 1) + asks + packet(90_000, 2)
    with answering(DESCRIBED, SET_UP, playing) as (wire, _):
        assert next(source(wire).pictures()).is_key


def test_signs_of_life_go_on_with_a_new_nonce() -> None:
    old, new = (b'WWW-Authenticate: Digest realm="x", nonce="%s"' % each for each in (b"1", b"2"))
    denied = b"RTSP/1.0 401 Unauthorized\r\n%s\r\n\r\n"
    playing = OK + b"\r\n" + packet(0, 1) + denied % (new + b", stale=true") + packet(90_000, 2)
    answers = (denied % old, DESCRIBED, SET_UP, playing, b"")
    with answering(*answers) as (wire, asked):
        made = source(wire, user="me", password="secret")
        next(made.pictures())
        made._signed -= made._every / 2
        made._sign()
        wire.close()

    assert 'nonce="1"' in asked[-2]
    assert asked[-1].startswith("GET_PARAMETER")
    assert 'nonce="2"' in asked[-1]
