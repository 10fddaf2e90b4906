"""What cameras send by HTTP is taken apart, within bounds."""

from __future__ import annotations

import http.client
import io
import random
from pathlib import Path

import pytest

from scripts._lib.simulator.footage import Form, shot
from video_classifier.states import Fault
from video_classifier.watching.mjpeg import _Parts, size
from video_classifier.watching.wire import ConnectError

MOST = 1000
BOUNDARY = b"--frame"


class Dripping(io.BytesIO):
    """A body that comes a few bytes at a time."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(7)


def pictures(body: bytes, most: int = MOST) -> list[bytes]:
    parts, found = _Parts(Dripping(body), BOUNDARY, most), []
    while True:
        try:
            found.append(parts.next())
        except ConnectionResetError:
            return found


def part(content: bytes, *headers: bytes, end: bytes = b"\r\n") -> bytes:
    return end.join([BOUNDARY, *headers, b"", content]) + end


def with_length(content: bytes) -> bytes:
    return part(content, b"Content-Type: image/jpeg", b"Content-Length: %d" % len(content))


@pytest.mark.parametrize(
    "body",
    [
        with_length(b"one") + with_length(b"t--frame\r\nwo"),
        b"preamble\r\n" + with_length(b"one") + b"\r\n\r\n" + with_length(b"t--frame\r\nwo"),
        with_length(b"one").replace(b"Content-Length", b"content-length")
        + with_length(b"t--frame\r\nwo"),
        part(b"one", b"Content-Length: 3", end=b"\n")
        + part(b"t--frame\r\nwo", b"Content-Length: 12", end=b"\n"),
    ],
    ids=["plain", "more between", "lower case", "bare line ends"],
)
def test_takes_pictures_by_their_length(body: bytes) -> None:
    assert pictures(body) == [b"one", b"t--frame\r\nwo"]


def test_takes_them_by_what_parts_them_if_there_is_no_length() -> None:
    body = part(b"one", b"Content-Type: image/jpeg") + part(b"two") + BOUNDARY

    assert pictures(body) == [b"one", b"two"]


@pytest.mark.parametrize(
    "body",
    [
        part(b"", b"Content-Length: 1001"),
        part(b"x" * 2000),
        b"x" * 2000,
        BOUNDARY + b"x" * 2000,
        part(b"", b"X: " + b"x" * 2000),
    ],
    ids=["said", "unsaid", "no boundary", "line", "header"],
)
def test_refuses_pictures_without_end(body: bytes) -> None:
    with pytest.raises(ConnectError) as error:
        pictures(body)

    assert error.value.fault == Fault.TOO_LARGE


def test_a_length_of_thousands_of_digits_is_refused_though_it_comes_at_once() -> None:
    body = io.BytesIO(part(b"", b"Content-Length: " + b"9" * 5000))

    with pytest.raises(ConnectError):
        _Parts(body, BOUNDARY, 8_000_000).next()


def test_a_body_that_is_cut_off_ends() -> None:
    class CutOff(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            raise http.client.HTTPException

    with pytest.raises(ConnectionResetError):
        _Parts(CutOff(), BOUNDARY, MOST).next()


def test_refuses_headers_without_end() -> None:
    with pytest.raises(ConnectError):
        pictures(part(b"", *[b"X: 1"] * 100))


@pytest.mark.parametrize("wanted", [(320, 240), (64, 48)])
def test_a_jpeg_says_how_large_it_is(clip: Path, wanted: tuple[int, int]) -> None:
    made = shot(clip, Form(codec="mjpeg", size=wanted)).pictures[0].data

    assert size(made) == wanted
    assert size(made[:100]) in {None, wanted}


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xda\0\0", b"\xff\xd8\xff\xc0\0\x11\x08", b"\xff" * 50]
)
def test_what_is_no_jpeg_has_no_size(data: bytes) -> None:
    assert size(data) is None


@pytest.mark.fuzz
def test_no_bytes_break_it(clip: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (no secret)
    whole = shot(clip, Form(codec="mjpeg")).pictures[0].data
    for _ in range(50):
        damaged = bytearray(whole[: chance.randrange(700)])
        for _ in range(chance.randrange(9)):
            if damaged:
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        size(bytes(damaged))
