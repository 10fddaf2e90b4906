"""Addresses of cameras: which are taken, where they may lead, and what is seen of them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from video_classifier.integrations import reach
from video_classifier.services import addresses
from video_classifier.services.addresses import Address, AddressError
from video_classifier.states import Fault

PASSWORD = "pa55word"


def refusal(text: str, *, step: Callable[[str], object] = addresses.parse) -> AddressError:
    with pytest.raises(AddressError) as caught:
        step(text)
    return caught.value


def check(text: str) -> tuple[str, ...]:
    return addresses.checked(addresses.parse(text))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names resolve to; numbers resolve as ever."""
    found: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def resolve(host: str, port: int, **kwargs: Any) -> list[Any]:
        numeric = found.get(host) or [host]
        if host not in found and not any(sign.isdigit() for sign in host):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [
            each
            for number in numeric
            for each in real(number, port, flags=socket.AI_NUMERICHOST, **kwargs)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return found


# Reading


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            "rtsp://192.168.1.20",
            {"scheme": "rtsp", "host": "192.168.1.20", "port": 554},
        ),
        (
            "  RTSP://Camera-1.Shop.example./Streaming/Channels/101  ",
            {"host": "camera-1.shop.example", "port": 554, "path": "/Streaming/Channels/101"},
        ),
        (
            "rtsps://ada:pa%3Ass%40%23%25@10.0.0.1:8322/live?channel=1&subtype=0",
            {
                "scheme": "rtsps",
                "user": "ada",
                "password": "pa:ss@#%",
                "port": 8322,
                "path": "/live",
                "query": "channel=1&subtype=0",
            },
        ),
        ("http://ada:a:b@10.0.0.1/", {"user": "ada", "password": "a:b", "port": 80}),
        ("http://ada:a@b@10.0.0.1/", {"user": "ada", "password": "a@b", "host": "10.0.0.1"}),
        ("http://p%C3%A4r@10.0.0.1/", {"user": "pär", "password": ""}),
        ("https://[fd00::2]:8443/mjpg", {"host": "fd00::2", "port": 8443, "path": "/mjpg"}),
        ("https://[FD00:0::2]", {"host": "fd00::2", "port": 443}),
        ("http://kamera-büro.example/", {"host": "xn--kamera-bro-heb.example"}),
        ("http://my_camera/", {"host": "my_camera"}),
    ],
)
def test_an_address_is_read(text: str, read: dict[str, object]) -> None:
    address = addresses.parse(text)

    assert {name: getattr(address, name) for name in read} == read


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", addresses.NO_ADDRESS),
        ("   ", addresses.NO_ADDRESS),
        ("192.168.1.20", addresses.WRONG_SCHEME),
        ("camera.example/stream", addresses.WRONG_SCHEME),
        ("rtsp:192.168.1.20", addresses.WRONG_SCHEME),
        ("file:///etc/passwd", addresses.WRONG_SCHEME),
        ("FILE:/etc/passwd", addresses.WRONG_SCHEME),
        ("/etc/passwd", addresses.WRONG_SCHEME),
        ("concat:/etc/passwd", addresses.WRONG_SCHEME),
        ("ftp://192.168.1.20/x", addresses.WRONG_SCHEME),
        ("rtmp://192.168.1.20/x", addresses.WRONG_SCHEME),
        ("subfile,,start,0,end,0,,:/etc/passwd", addresses.WRONG_SCHEME),
        ("javascript:alert(1)", addresses.WRONG_SCHEME),
        ("http://10.0.0.1/live.m3u8", addresses.PLAYLIST),
        ("http://10.0.0.1/live.M3U8?x=1", addresses.PLAYLIST),
        ("http://10.0.0.1/live%2Em3u8", addresses.PLAYLIST),
        ("http://10.0.0.1/play?list=a.m3u", addresses.PLAYLIST),
        ("rtsp://", addresses.NO_HOST),
        ("rtsp:///stream", addresses.NO_HOST),
        ("rtsp://ada:pa55word@/stream", addresses.NO_HOST),
        ("rtsp://ada:pa55#word@10.0.0.1/", addresses.UNQUOTED),
        ("rtsp://ada:pa55?word@10.0.0.1/", addresses.UNQUOTED),
        ("rtsp://ada:pa55/word@10.0.0.1/", addresses.UNQUOTED),
        ("rtsp://ada:12/pa55word@10.0.0.1/", addresses.UNQUOTED),
        ("rtsp://10.0.0.1\\@evil.example/", addresses.UNQUOTED),
        ("rtsp://10.0.0.1/#pa55word", addresses.UNQUOTED),
        ("rtsp://ada:%FF@10.0.0.1/", addresses.UNQUOTED),
        ("rtsp://ada:pa55%0D%0Aword@10.0.0.1/", addresses.STRANGE_SIGNS),
        ("rtsp://ada:pa55 word@10.0.0.1/", addresses.STRANGE_SIGNS),
        ("rtsp://10.0.0.1/a\r\nb", addresses.STRANGE_SIGNS),
        ("rtsp://10.0.0.1/\0", addresses.STRANGE_SIGNS),
        ("rtsp://10.0.0.1/\u202e", addresses.STRANGE_SIGNS),
        ("rtsp://10.0.0.1:0/", addresses.WRONG_PORT),
        ("rtsp://10.0.0.1:65536/", addresses.WRONG_PORT),
        ("rtsp://10.0.0.1:pa55word/", addresses.WRONG_PORT),
        ("rtsp://10.0.0.1:-1/", addresses.WRONG_PORT),
        ("rtsp://[fd00::2/", addresses.WRONG_HOST),
        ("rtsp://[fd00::xyz]/", addresses.WRONG_HOST),
        ("rtsp://[192.168.1.20]/", addresses.WRONG_HOST),
        ("rtsp://[fe80::1%25eth0]/", addresses.NOT_ALLOWED),
        ("rtsp://a..b/", addresses.WRONG_HOST),
        ("rtsp://-camera/", addresses.WRONG_HOST),
        (f"rtsp://{'a' * 64}.example/", addresses.WRONG_HOST),
        ("rtsp://ca%6Dera/", addresses.WRONG_HOST),
        ("rtsp://camera,other/", addresses.WRONG_HOST),
        (f"rtsp://10.0.0.1/{'a' * 500}", addresses.TOO_LONG),
        ("rtsp://" + "ü" * 490, addresses.WRONG_HOST),
        ("v4l2:/dev/video0", addresses.WRONG_DEVICE),
        ("v4l2:/etc/passwd", addresses.WRONG_DEVICE),
        ("v4l2:/dev/../etc/passwd", addresses.WRONG_DEVICE),
        ("v4l2:", addresses.WRONG_DEVICE),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_is_no_address_of_a_camera_is_refused(text: str, sentence: str) -> None:
    error = refusal(text)

    assert str(error) == sentence
    assert error.fault == Fault.ADDRESS
    assert PASSWORD not in str(error)
    assert error.__cause__ is None


def test_a_device_is_one_that_the_setting_lists(settings: Settings) -> None:
    settings.CAMERA_DEVICES = ["/dev/video0", "/etc/passwd"]

    address = addresses.parse("v4l2:/dev/video0")

    assert (address.is_device, address.path, address.masked) == (
        True,
        "/dev/video0",
        "v4l2:/dev/video0",
    )
    assert addresses.checked(address) == ()
    for text in ("v4l2:/dev/video1", "v4l2:/etc/passwd", "v4l2:/dev/video0/"):
        assert str(refusal(text)) == addresses.WRONG_DEVICE


def test_a_device_that_is_no_longer_listed_is_refused(settings: Settings) -> None:
    settings.CAMERA_DEVICES = ["/dev/video0"]
    address = addresses.parse("v4l2:/dev/video0")
    settings.CAMERA_DEVICES = []

    with pytest.raises(AddressError, match="CAMERA_DEVICES"):
        addresses.checked(address)


# What is seen


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("rtsp://10.0.0.1", "rtsp://10.0.0.1/"),
        ("rtsp://10.0.0.1:8554/", "rtsp://10.0.0.1:8554/"),
        ("rtsp://ada:pa55word@10.0.0.1/live/pa55word?key=pa55word", "rtsp://•••@10.0.0.1/•••"),
        ("http://pa55word@camera/?key=pa55word", "http://•••@camera/•••"),
        ("https://[fd00::2]:8443/pa55word", "https://[fd00::2]:8443/•••"),
    ],
)
def test_an_address_shows_where_the_camera_is_and_no_more(text: str, masked: str) -> None:
    address = addresses.parse(text)

    assert address.masked == masked
    for shown in (repr(address), str(address), f"{address!s:>9}", repr([address])):
        assert "pa55word" not in shown
        assert "key=" not in shown


def test_an_address_is_taken_apart_and_decoded() -> None:
    address = addresses.parse("rtsp://ada:p%40%3A@camera:8554/live?x=1")

    assert (address.scheme, address.host, address.port) == ("rtsp", "camera", 8554)
    assert (address.user, address.password) == ("ada", "p@:")
    assert (address.path, address.query) == ("/live", "x=1")


# Where it leads


@pytest.mark.parametrize(
    "host",
    ["10.1.2.3", "172.16.0.1", "172.31.255.254", "192.168.1.20", "[fd00::2]", "[::ffff:10.0.0.1]"],
)
def test_private_networks_are_allowed(host: str) -> None:
    assert len(check(f"rtsp://{host}/")) == 1


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.8.9.10", "[::1]", "0.0.0.0", "[::]"),  # noqa: S104  (loopback)
        *("169.254.169.254", "[fe80::1]", "[fd00:ec2::254]"),  # where clouds keep their secrets
        *("8.8.8.8", "172.32.0.1", "192.169.0.1", "100.64.0.1", "[2001:db8::1]"),
        *("224.0.0.1", "255.255.255.255", "[ff02::1]"),
        *("[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[::ffff:8.8.8.8]"),
        *("[64:ff9b::127.0.0.1]", "[64:ff9b::8.8.8.8]", "[2002:7f00:1::]", "[2002:808:808::1]"),
        *("2130706433", "0x7f000001", "127.1", "0177.0.0.1", "0x7f.1"),  # 127.0.0.1, too
    ],
)
def test_all_else_is_refused(host: str) -> None:
    error = refusal(f"rtsp://ada:{PASSWORD}@{host}/", step=check)

    assert str(error) == addresses.NOT_ALLOWED
    assert error.fault == Fault.ADDRESS


def test_a_name_that_resolves_to_loopback_is_refused(names: dict[str, list[str]]) -> None:
    names["camera.example"] = ["127.0.0.1"]

    assert str(refusal("rtsp://camera.example/", step=check)) == addresses.NOT_ALLOWED


def test_localhost_is_refused() -> None:
    assert str(refusal("rtsp://localhost/", step=check)) == addresses.NOT_ALLOWED


def test_one_forbidden_machine_of_several_is_enough(names: dict[str, list[str]]) -> None:
    names["camera.example"] = ["10.0.0.1", "::ffff:127.0.0.1"]

    assert str(refusal("rtsp://camera.example/", step=check)) == addresses.NOT_ALLOWED


def test_all_machines_of_a_name_are_given_each_once(names: dict[str, list[str]]) -> None:
    names["camera.example"] = ["10.0.0.2", "fd00::2", "10.0.0.2"]

    assert check("rtsp://camera.example/") == ("10.0.0.2", "fd00::2")


def test_a_name_is_resolved_anew_each_time(names: dict[str, list[str]]) -> None:
    names["camera.example"] = ["10.0.0.2"]
    address = addresses.parse("rtsp://camera.example/")
    assert addresses.checked(address) == ("10.0.0.2",)

    names["camera.example"] = ["127.0.0.1"]

    with pytest.raises(AddressError):
        addresses.checked(address)


@pytest.mark.parametrize(
    ("network", "host", "allowed"),
    [
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.1/32", "127.0.0.1", True),
        ("127.0.0.1/32", "127.0.0.2", False),
        ("127.0.0.0/8", "10.0.0.1", False),
        ("127.0.0.0/8", "[::ffff:127.0.0.1]", True),
        ("::1/128", "[::1]", True),
        ("0.0.0.0/0", "8.8.8.8", True),
        ("0.0.0.0/0", "127.0.0.1", False),  # nobody means that one
        ("0.0.0.0/0", "169.254.169.254", False),
        ("0.0.0.0/0", "0.0.0.0", False),  # noqa: S104
        ("::/0", "[2001:db8::1]", True),
        ("::/0", "[::1]", False),
        ("::/0", "[::ffff:8.8.8.8]", False),
        ("::/0", "[64:ff9b::10.0.0.1]", False),
    ],
)
def test_networks_are_what_the_setting_lists(
    settings: Settings, network: str, host: str, *, allowed: bool
) -> None:
    settings.CAMERA_NETWORKS = [network]

    if allowed:
        assert len(check(f"rtsp://{host}/")) == 1
    else:
        assert str(refusal(f"rtsp://{host}/", step=check)) == addresses.NOT_ALLOWED


def test_a_name_that_is_not_found_says_so(names: dict[str, list[str]]) -> None:
    error = refusal(f"rtsp://ada:{PASSWORD}@camera.example/", step=check)

    assert (str(error), error.fault) == (addresses.NOT_FOUND, Fault.NAME)


def test_resolving_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(reach, "RESOLVE_SECONDS", 0.05)
    monkeypatch.setattr(reach, "_resolving", threading.BoundedSemaphore(1))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hanging.wait(10) and [])

    errors = [refusal("rtsp://camera.example/", step=check) for _ in range(2)]
    hanging.set()
    for thread in threading.enumerate():
        if thread.name == "resolver":
            thread.join()

    assert [(str(each), each.fault) for each in errors] == [(addresses.TOO_SLOW, Fault.NAME)] * 2


def test_a_resolver_that_breaks_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise UnicodeError

    monkeypatch.setattr(socket, "getaddrinfo", broken)

    assert refusal("rtsp://camera.example/", step=check).fault == Fault.NAME


def test_an_address_is_made_by_its_fields_alone() -> None:
    address = Address(scheme="rtsp", host="10.0.0.1", port=554)

    assert (address.user, address.password, address.path, address.query) == ("", "", "", "")
