"""Webhooks: what arrives, how receivers verify it, and what is said of those that fail."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from scripts._lib import ports
from tests.makers.receivers import Web, dripping, hang, make_certificate, make_message, serving
from video_classifier.integrations import webhook
from video_classifier.integrations.messages import (
    NotSentError,
    PerhapsSentError,
    WrongTargetError,
)

KEY = webhook.new_key()
HERE = ["127.0.0.0/8"]


def send(port: int, *, seconds: float = 60.0, networks: list[str] = HERE, path: str = "/") -> None:
    address = f"http://127.0.0.1:{port}{path}"
    webhook.send(address, make_message(), key=KEY, networks=networks, seconds=seconds)


def send_securely(port: int) -> None:
    address = f"https://desk.example:{port}/"
    webhook.send(address, make_message(), key=KEY, networks=HERE, seconds=60)


def failure(port: int, **how: Any) -> NotSentError:
    with pytest.raises(NotSentError) as caught:
        send(port, **how)
    return caught.value


@contextmanager
def receiving(answer: bytes) -> Iterator[int]:
    with serving(Web(answer)) as port:
        yield port


def says(status: str, more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\n\r\n".encode()


# What arrives


def test_a_receiver_verifies_and_reads_it() -> None:
    web = Web()

    with serving(web) as port:
        send(port, path="/alerts?shop=b%C3%BCro&x=ü")

    ((first, headers, body),) = web.requests
    found = Webhook(KEY).verify(body, headers)
    assert first == "POST /alerts?shop=b%C3%BCro&x=%C3%BC HTTP/1.1"
    assert headers["host"] == f"127.0.0.1:{port}"
    assert headers["webhook-id"] == make_message().id
    assert found == {
        "type": "alert.live",
        "timestamp": "2026-11-26T13:03:12+00:00",
        "data": {"camera": {"id": 1, "name": "Büro"}, "score": 0.9},
    }


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of its specification."""
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'

    headers = webhook.signed("msg_p5jXN8AQM9LWM0D4loKWxJek", body, key=key, at=1614265330)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_key_is_another_one() -> None:
    assert webhook.new_key() != webhook.new_key()


# Receivers that fail


@pytest.mark.parametrize(
    ("status", "sentence", "is_final"),
    [
        ("500 Oops", "Something is wrong at the receiver (500).", False),
        ("503 Later", "Something is wrong at the receiver (503).", False),
        ("429 Slowly", webhook.TOO_MANY, False),
        ("404 Not Found", webhook.NOT_THERE.format(status=404), False),
        ("403 Forbidden", webhook.FORBIDDEN.format(status=403), False),
        ("422 No", "The receiver refuses the message (422).", False),
        ("410 Gone", webhook.GONE, True),
    ],
)
def test_what_a_status_means_is_said(status: str, sentence: str, *, is_final: bool) -> None:
    with receiving(says(status)) as port:
        error = failure(port)

    assert (str(error), error.is_final) == (sentence, is_final)


def test_a_redirect_is_not_followed() -> None:
    web = Web(says("307 Elsewhere", "Location: /secret\r\n"))

    with serving(web) as port:
        error = failure(port)

    assert (str(error), error.is_final) == (webhook.REDIRECT.format(status=307), True)
    assert len(web.requests) == 1


@pytest.mark.parametrize("answer", [hang, dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ")])
def test_a_receiver_that_is_too_slow_may_have_got_it(answer: Any) -> None:
    began = time.monotonic()

    with serving(Web(answer)) as port:
        error = failure(port, seconds=2.0)

    assert (type(error), str(error)) == (PerhapsSentError, webhook.SILENT)
    assert time.monotonic() - began < 30


def test_what_drips_behind_a_good_status_is_no_matter() -> None:
    with serving(Web(dripping(b"HTTP/1.1 200 OK\r\n\r\n"))) as port:
        send(port)


def test_who_hangs_up_may_have_got_it() -> None:
    with receiving(b"") as port:
        assert isinstance(failure(port), PerhapsSentError)


@pytest.mark.parametrize(
    "answer", [b"220 mail.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000]
)
def test_what_is_no_web_server_is_told_apart(answer: bytes) -> None:
    with receiving(answer) as port:
        error = failure(port)

    assert str(error) == webhook.NOT_HTTP


def test_where_nothing_answers_nothing_was_sent() -> None:
    error = failure(ports.free())

    assert (type(error), str(error)) == (NotSentError, webhook.NO_ANSWER)


def test_no_answer_is_ever_shown() -> None:
    with receiving(b"HTTP/1.1 500 pa55word\r\nX: pa55word\r\n\r\npa55word") as port:
        assert "pa55word" not in str(failure(port))


# Where it may lead


def test_this_machine_is_no_target_unless_it_is_listed() -> None:
    web = Web()

    with serving(web) as port:
        error = failure(port, networks=[])

    assert (str(error), error.is_final) == (webhook.NOT_ALLOWED, True)
    assert web.requests == []


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that the resolver was asked for; all of them lead here."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        return real("127.0.0.1", port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_the_name_is_resolved_once_and_the_certificate_is_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, desk: list[str]
) -> None:
    server, client = make_certificate(tmp_path, "desk.example")
    names: list[str] = []
    server.sni_callback = lambda _, name, __: names.append(name)
    monkeypatch.setattr(webhook, "_trusting", lambda: client)
    web = Web()

    with serving(web, tls=server) as port:
        send_securely(port)

    assert web.requests[0][1]["host"] == f"desk.example:{port}"
    assert names == ["desk.example"]
    assert desk.count("desk.example") == 1


@pytest.mark.parametrize("trusted", [False, True], ids=["a stranger's", "another name's"])
def test_a_wrong_certificate_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, desk: list[str], *, trusted: bool
) -> None:
    server, client = make_certificate(tmp_path, "other.example")
    chosen = client if trusted else ssl.create_default_context()
    monkeypatch.setattr(webhook, "_trusting", lambda: chosen)
    web = Web()

    with serving(web, tls=server) as port, pytest.raises(NotSentError) as caught:
        send_securely(port)

    assert str(caught.value) == webhook.CERTIFICATE
    assert web.requests == []


# What somebody types


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", webhook.NO_ADDRESS),
        ("https://" + "a" * 1000, webhook.TOO_LONG),
        ("https://desk.example/a b", webhook.STRANGE_SIGNS),
        ("https://desk.example/\r\nHost: x", webhook.STRANGE_SIGNS),
        ("ftp://desk.example/", webhook.WRONG_SCHEME),
        ("desk.example", webhook.WRONG_SCHEME),
        ("https:///x", webhook.WRONG_SCHEME),
        ("https://ada:pa55word@desk.example/", webhook.NO_USER),
        ("https://desk.example/#x", webhook.FRAGMENT),
        ("https://desk..example/", webhook.WRONG_HOST),
        ("https://[::1/", webhook.WRONG_HOST),
        ("https://[fe80::1%25eth0]/", webhook.NOT_ALLOWED),
        ("https://desk.example:0/", webhook.WRONG_PORT),
        ("https://desk.example:x/", webhook.WRONG_PORT),
    ],
)
def test_what_is_wrong_with_an_address_is_said(text: str, sentence: str) -> None:
    with pytest.raises(WrongTargetError) as caught:
        webhook.parse(text)

    assert str(caught.value) == sentence


def test_pages_show_the_machine_alone() -> None:
    assert webhook.parse("https://Desk.example:8443/secret?k=1").masked == (
        "https://desk.example:8443/•••"
    )
    assert webhook.parse("http://[fd00::2]").masked == "http://[fd00::2]/"


def test_what_is_sent_is_json_with_the_words_as_they_are() -> None:
    assert json.loads(webhook.content(make_message()))["data"]["camera"]["name"] == "Büro"
