"""A reader against a simulated camera: what goes wrong is named, and it comes back by itself."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from scripts._lib import ports
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.credentials import Credentials
from scripts._lib.simulator.footage import Form
from tests.makers import videos
from tests.makers.cameras import (
    CALM,
    HASTY,
    PATIENCE,
    faulty,
    online,
    place,
    reading,
    signed_by_itself,
    target,
    url_of,
    wait_for,
)
from tests.makers.streams import decoded, same
from video_classifier.services.errors import Refused
from video_classifier.states import Fault, FeedState
from video_classifier.watching import remuxing
from video_classifier.watching.connecting import Target
from video_classifier.watching.health import ReaderState
from video_classifier.watching.limits import Limits
from video_classifier.watching.reader import Reader
from video_classifier.watching.ring import Ring

SCHEMES = ("rtsp", "http")


@pytest.fixture
def camera(clip: Path) -> Iterator[Camera]:
    with Camera([clip]) as made:
        yield made


@pytest.mark.parametrize(
    ("form", "b_frames"), [("h264", 0), ("h264", 2), ("hevc", 0)], ids=["h264", "b", "hevc"]
)
def test_pictures_are_those_of_the_clip_bit_by_bit(
    clip: Path, tmp_path: Path, form: str, b_frames: int
) -> None:
    codec = {"h264": "libx264", "hevc": "libx265"}[form]
    source = videos.write(
        tmp_path / "source.mp4",
        80,
        size=(320, 240),
        codec=codec,
        gop=10,
        b_frames=b_frames,
        options=videos.QUIET_X265 if form == "hevc" else {"b-adapt": "0"},
    )
    with (
        Camera([source], Form(codec=form, copy=True), speed=2.0, only="rtsp") as camera,
        reading(camera.rtsp_url, limits=CALM) as reader,
    ):
        wait_for(reader, lambda _: (found := reader.ring.newest(99)) is not None and found.end > 3)
        excerpt = reader.ring.newest(99)
    assert excerpt is not None
    remuxing.write(excerpt, tmp_path / "target.mp4")

    ours, theirs = decoded(tmp_path / "target.mp4"), decoded(source)
    first = videos.number_of(ours[0][1])
    assert same(ours[:20], (2 * theirs)[first : first + 20])  # it plays them again and again
    assert [at for at, _ in ours[:20]] == pytest.approx([n / 10 for n in range(20)], abs=0.001)


def test_jpegs_are_those_that_were_sent(clip: Path, tmp_path: Path, camera: Camera) -> None:
    with reading(camera.http_url, limits=CALM) as reader:
        wait_for(reader, lambda _: (found := reader.ring.newest(99)) is not None and found.end > 1)
        excerpt = reader.ring.newest(99)
    assert excerpt is not None
    target = tmp_path / f"target{remuxing.suffix(excerpt.facts)}"
    remuxing.write(excerpt, target)

    ours = decoded(target)
    numbers = [videos.number_of(image) for _, image in ours]
    assert numbers == [(numbers[0] + number) % 60 for number in range(len(numbers))]
    arrived = [each.arrived for each in excerpt.packets]
    assert ours[-1][0] == pytest.approx(arrived[-1] - arrived[0], abs=0.1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_says_what_it_reads(camera: Camera, scheme: str) -> None:
    with reading(url_of(camera, scheme), limits=CALM) as reader:
        assert reader.state.state == FeedState.CONNECTING
        online(reader)
        state = wait_for(reader, lambda state: state.frame_rate == pytest.approx(10, rel=0.2))

    assert state.facts is not None
    assert (state.facts.width, state.facts.height) == (320, 240)
    assert state.facts.codec == {"rtsp": "h264", "http": "mjpeg"}[scheme]
    assert (state.fault, state.detail, state.reconnects, state.stretch) == (None, "", 0, 1)


def test_asks_for_no_sound(camera: Camera) -> None:
    with reading(camera.rtsp_url, limits=CALM) as reader:
        online(reader)

    assert [address for method, address in camera.requests if method == "SETUP"] == [
        f"{camera.rtsp_url}/video"
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("fault", "value", "told"),
    [
        ("silence", True, Fault.NO_DATA),
        ("refuse", True, Fault.REFUSED),
        ("empty", True, Fault.NO_DATA),
        ("password", True, Fault.PASSWORD),
        ("audio", True, Fault.NO_VIDEO),
        ("redirect", "rtsp://127.0.0.1:9/inner", Fault.REDIRECT),
        ("large", True, Fault.TOO_LARGE),
    ],
)
def test_names_what_is_wrong_and_comes_back(
    camera: Camera, scheme: str, fault: str, value: object, told: Fault
) -> None:
    camera.faults.set(**{fault: value})  # type: ignore[arg-type]
    with reading(url_of(camera, scheme)) as reader:
        state = faulty(reader, told)
        camera.faults.clear()
        camera.disconnect()
        online(reader)

    assert state.state == FeedState.FAULTY
    assert state.detail.endswith(".")
    assert "127.0.0.1" not in state.detail


@pytest.mark.parametrize("scheme", SCHEMES)
def test_tells_that_pictures_stopped_and_connects_anew(camera: Camera, scheme: str) -> None:
    with reading(url_of(camera, scheme)) as reader:
        before = online(reader)
        camera.faults.set(stall=True)
        faulty(reader, Fault.STALLED)
        wait_for(reader, lambda state: state.reconnects > before.reconnects)
        camera.faults.clear()
        state = online(reader)

    assert state.stretch > before.stretch


@pytest.mark.parametrize("seconds", [-30.0, 30.0, -3.0])
def test_a_clock_that_jumps_begins_a_new_stretch(camera: Camera, seconds: float) -> None:
    with reading(camera.rtsp_url, limits=CALM) as reader:
        online(reader)
        camera.faults.set(clock=seconds)
        faulty(reader, Fault.CLOCK)
        state = online(reader)
        excerpt = reader.ring.newest(99)

    assert (state.stretch, state.reconnects) == (2, 0)
    assert excerpt is not None
    assert excerpt.end < 20


def test_a_break_is_neither_a_jump_nor_without_keyframes(camera: Camera) -> None:
    limits = replace(CALM, keyless=3.0, jump=2.5, stalled=1.0)
    seen = set()

    def note(state: ReaderState) -> bool:
        seen.add(state.fault)
        return state.state == FeedState.ONLINE

    with reading(camera.rtsp_url, limits=limits) as reader:
        online(reader)
        camera.faults.set(stall=True)
        faulty(reader, Fault.STALLED)
        time.sleep(3.5)
        camera.faults.clear()
        wait_for(reader, note)
        time.sleep(0.5)
        wait_for(reader, note)

        assert seen <= {Fault.STALLED, None}
        assert reader.state.stretch == 1


def test_a_clock_of_32_bits_that_begins_anew_is_no_jump(clip: Path) -> None:
    with (
        Camera([clip], first_tick=2**32 - 90_000, only="rtsp") as camera,
        reading(camera.rtsp_url, limits=CALM) as reader,
    ):
        wait_for(reader, lambda _: (found := reader.ring.newest(99)) is not None and found.end > 2)
        assert reader.state.stretch == 1


def test_tells_that_there_are_no_keyframes(camera: Camera) -> None:
    with reading(camera.rtsp_url, limits=replace(CALM, keyless=1.5)) as reader:
        online(reader)
        camera.faults.set(keyless=True)
        faulty(reader, Fault.NO_KEYFRAME)
        camera.faults.clear()
        state = online(reader)

    assert state.reconnects == 0


def test_tells_so_from_the_start_too(camera: Camera) -> None:
    camera.faults.set(keyless=True)
    with reading(camera.rtsp_url) as reader:
        faulty(reader, Fault.NO_KEYFRAME)
        assert reader.ring.newest(99) is None


def test_keeps_no_group_that_doesn_t_fit_into_memory(clip: Path) -> None:
    with (
        Camera([clip], Form(keyframe_every=4), only="rtsp") as camera,
        reading(camera.rtsp_url, limits=replace(HASTY, keyless=60), ring=Ring(1, 10**7)) as reader,
    ):
        state = faulty(reader, Fault.NO_KEYFRAME)
        assert "memory" in state.detail
        assert reader.ring.held_bytes == 0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_another_resolution_begins_a_new_stretch(
    camera: Camera, tmp_path: Path, scheme: str
) -> None:
    with reading(url_of(camera, scheme), limits=CALM) as reader:
        online(reader)
        camera.faults.set(size=True)
        faulty(reader, Fault.SIZE)
        state = online(reader)
        old, new = reader.ring.between(0, 99, stretch=1), reader.ring.newest(99)

    assert state.facts is not None
    assert (state.facts.width, state.facts.height, state.stretch) == (320, 180, 2)
    for excerpt, height in ((old, 240), (new, 180)):
        assert excerpt is not None
        written = tmp_path / f"{height}{remuxing.suffix(excerpt.facts)}"
        remuxing.write(excerpt, written)
        assert {image.shape[0] for _, image in decoded(written)} == {height}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("fault", ["truncated", "garbled"])
def test_survives_damage(camera: Camera, scheme: str, fault: str) -> None:
    with reading(url_of(camera, scheme), limits=CALM) as reader:
        online(reader)
        camera.faults.set(**{fault: True})
        if fault == "garbled" and scheme == "rtsp":
            wait_for(reader, lambda state: state.reconnects > 0)
        else:
            time.sleep(2.0)
            assert reader.state.reconnects == 0
        camera.faults.clear()
        online(reader)
        before = reader.state.last_picture or 0
        wait_for(reader, lambda state: (state.last_picture or 0) > before + 0.5)
        online(reader)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_reads_what_a_slow_link_lets_through(camera: Camera, scheme: str) -> None:
    camera.faults.set(slow=8_000.0)
    with reading(url_of(camera, scheme), limits=CALM) as reader:
        online(reader)
        camera.faults.clear()
        online(reader)


@contextmanager
def dripping(first: bytes = b"", drop: bytes = b"R") -> Iterator[int]:
    """The port of a server that sends a little every now and then, and never a picture."""
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        with suppress(OSError), closing(server.accept()[0]) as connection:
            connection.sendall(first)
            while not over.wait(0.05):
                connection.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        over.set()
        thread.join()


def test_drips_that_make_no_picture_do_not_keep_it_waiting() -> None:
    with dripping() as port, reading(f"rtsp://127.0.0.1:{port}/stream") as reader:
        faulty(reader, Fault.NO_DATA)


def test_parts_that_are_no_pictures_do_not_keep_it_waiting() -> None:
    """Nor does its thread look stuck, for which the watcher would end, with all its cameras."""
    kind = b"Content-Type: multipart/x-mixed-replace; boundary=x"
    answer = b"HTTP/1.1 200 OK\r\n" + kind + b"\r\n\r\n"
    no_picture = b"--x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno\r\n"
    with (
        dripping(answer, no_picture) as port,
        reading(f"http://127.0.0.1:{port}/video") as reader,
    ):
        faulty(reader, Fault.NO_DATA)
        assert not reader.is_stuck


@pytest.mark.parametrize("scheme", SCHEMES)
def test_never_reads_from_where_a_camera_redirects_to(
    camera: Camera, clip: Path, scheme: str
) -> None:
    with Camera([clip]) as inner:
        camera.faults.set(redirect=url_of(inner, scheme))
        with reading(url_of(camera, scheme)) as reader:
            faulty(reader, Fault.REDIRECT)
            wait_for(reader, lambda _: len(camera.requests) >= 3)

        assert not inner.requests


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("how", ["digest", "basic"])
def test_signs_in(clip: Path, caplog: pytest.LogCaptureFixture, scheme: str, how: str) -> None:
    caplog.set_level(logging.DEBUG)
    known = Credentials(user="me", password="gä:h/eim", is_digest=how == "digest")
    with Camera([clip], credentials=known, only=scheme) as camera:
        port = camera.rtsp_port if scheme == "rtsp" else camera.http_port
        there = place(f"{scheme}://127.0.0.1:{port}/stream", user="me", password="gä:h/eim")
        with reading(lambda: Target(address=there, ips=("127.0.0.1",))) as reader:
            online(reader)
        wrong = replace(there, password="falsch")
        with reading(lambda: Target(address=wrong, ips=("127.0.0.1",))) as reader:
            state = faulty(reader, Fault.PASSWORD)

    assert "user name or the password" in state.detail
    assert "falsch" not in caplog.text
    assert "eim" not in caplog.text
    assert "falsch" not in f"{wrong!r}{state!r}"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_reads_through_tls_whoever_signed(clip: Path, tmp_path: Path, scheme: str) -> None:
    tls = signed_by_itself(tmp_path)
    with Camera([clip], tls=tls, only=scheme) as camera:
        assert url_of(camera, scheme).startswith(f"{scheme}s://")
        with reading(url_of(camera, scheme)) as reader:
            online(reader)


def test_waits_for_long_after_a_wrong_password(camera: Camera) -> None:
    camera.faults.set(password=True)
    limits = replace(CALM, pauses=((1000, 0.01),), password_pauses=(60,))
    with reading(camera.rtsp_url, limits=limits) as reader:
        faulty(reader, Fault.PASSWORD)
        time.sleep(0.5)

        assert len(camera.requests) == 1


def test_stops_while_it_still_connects(camera: Camera) -> None:
    camera.faults.set(silence=True)
    with reading(camera.rtsp_url, limits=replace(HASTY, answer=60)) as reader:
        wait_for(reader, lambda _: bool(camera.requests))

        assert reader.stop(timeout=30)


def test_nothing_at_the_port_is_told() -> None:
    with reading(f"rtsp://127.0.0.1:{ports.free()}/stream") as reader:
        faulty(reader, Fault.REFUSED)


def test_resolves_and_checks_anew_before_each_connection(camera: Camera) -> None:
    asked = []

    class Forbidden(Refused):
        fault = Fault.NAME

    def addresses() -> Target:
        asked.append(1)
        if len(asked) <= 2:
            msg = "The name is not found."
            raise Forbidden(msg)
        return target(camera.rtsp_url)

    with reading(addresses, limits=CALM) as reader:
        state = faulty(reader, Fault.NAME)
        online(reader)
        camera.disconnect()
        wait_for(reader, lambda state: state.reconnects == 1)
        online(reader)

    assert state.detail == "The name is not found."
    assert len(asked) == 4


def test_what_breaks_on_our_side_is_logged_and_tried_again(
    camera: Camera, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []

    def addresses() -> Target:
        asked.append(1)
        if len(asked) == 1:
            raise ZeroDivisionError
        return target(camera.rtsp_url)

    with reading(addresses) as reader:
        faulty(reader, Fault.BROKEN)
        online(reader)

    assert "ZeroDivisionError" in caplog.text


def test_connects_to_the_checked_address_and_not_to_the_name(camera: Camera) -> None:
    there = place(camera.rtsp_url, host="camera.invalid")
    with reading(lambda: Target(address=there, ips=("127.0.0.1",))) as reader:
        online(reader)

    assert camera.requests[0] == ("DESCRIBE", f"rtsp://camera.invalid:{camera.rtsp_port}/stream")


def test_says_that_it_is_stuck() -> None:
    asked, ends = threading.Event(), threading.Event()

    def addresses() -> Target:
        asked.set()
        ends.wait(PATIENCE)
        raise Refused

    reader = Reader(addresses, Ring(1, 1), limits=Limits())
    reader.start()
    assert asked.wait(PATIENCE)

    stuck = [reader.is_stuck]
    reader._beat -= Limits().stuck
    stuck.append(reader.is_stuck)

    assert stuck == [False, True]
    assert not reader.stop(timeout=0.1)
    ends.set()
    assert reader.stop(timeout=PATIENCE)


def test_pauses_after_a_refused_password_grow_more() -> None:
    assert [HASTY.password_pause(number) for number in (1, 2)] == [1.0, 1.0]
    assert [Limits().password_pause(number) for number in (1, 2, 3, 9)] == [20, 60, 300, 300]


def test_pauses_grow_and_stay_at_the_longest() -> None:
    pauses = [
        replace(HASTY, pauses=((2, 1.0), (3, 5.0)), longest_pause=60.0).pause(n)
        for n in range(1, 8)
    ]

    assert pauses == [1, 1, 5, 5, 5, 60, 60]
