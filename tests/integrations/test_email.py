"""E-mail: what arrives, and what is said where a mail server or a mailbox doesn't take it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pytest_django import Settings

from scripts._lib import ports
from tests.makers.receivers import JPEG, Mail, dripping, hang, mail_server, make_message, serving
from video_classifier.integrations import email
from video_classifier.integrations.messages import Message, NotSentError, PerhapsSentError

ADA, BOB = "ada@shop.example", "bob@shop.example"
SENDER = "Clips <alerts@shop.example>"


@pytest.fixture(autouse=True)
def _by_smtp(settings: Settings) -> None:
    """And not into a list, as elsewhere in tests."""
    settings.EMAIL_URL = "smtp://127.0.0.1"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"


@pytest.fixture
def send(settings: Settings) -> Callable[..., None]:
    def to(
        port: int,
        recipients: Sequence[str] = (ADA,),
        message: Message | None = None,
        *,
        seconds: float = 60.0,
    ) -> None:
        settings.EMAIL_PORT = port
        email.send(recipients, message or make_message(), sender=SENDER, seconds=seconds)

    return to


@pytest.fixture
def failure(send: Callable[..., None]) -> Callable[..., NotSentError]:
    def to(*args: Any, **how: Any) -> NotSentError:
        with pytest.raises(NotSentError) as caught:
            send(*args, **how)
        return caught.value

    return to


def test_each_recipient_gets_one_of_their_own(send: Callable[..., None]) -> None:
    mail = Mail()

    with mail_server(mail) as port:
        send(port, [ADA, BOB])

    assert mail.recipients == [ADA, BOB]
    assert [each["To"] for each in mail.mails] == [ADA, BOB]


def test_it_has_words_and_the_picture(send: Callable[..., None]) -> None:
    mail = Mail()

    with mail_server(mail) as port:
        send(port)

    (found,) = mail.mails
    (picture,) = found.iter_attachments()
    assert (found["Subject"].strip(), found["From"]) == (make_message().subject, SENDER)
    assert found["Message-ID"] == f"<{make_message().id}@shop.example>"
    body = found.get_body().get_content()  # type: ignore[union-attr]
    assert body.splitlines() == make_message().text.splitlines()
    assert (picture.get_filename(), picture.get_content()) == ("snapshot.jpg", JPEG)


def test_without_a_picture_there_is_none(send: Callable[..., None]) -> None:
    mail = Mail()

    with mail_server(mail) as port:
        send(port, message=make_message(snapshot=None))

    assert list(mail.mails[0].iter_attachments()) == []


@pytest.mark.parametrize(
    ("code", "sentence", "is_final"),
    [
        ("452 Mailbox full", "The mailbox is full (452).", False),
        ("552 Mailbox full", "The mailbox is full (552).", True),
        ("550 pa55word", email.NO_MAILBOX.format(code=550), True),
        ("451 Greylisted", "The mail server takes no messages just now (451).", False),
        ("554 Spam", "The mail server refuses the message (554).", True),
    ],
)
@pytest.mark.parametrize("at", ["RCPT", "DATA"])
def test_what_a_refusal_means_is_said(
    failure: Callable[..., NotSentError], code: str, sentence: str, at: str, *, is_final: bool
) -> None:
    mail = Mail({ADA: code}) if at == "RCPT" else Mail(data=code)

    with mail_server(mail) as port:
        error = failure(port)

    assert (str(error), error.is_final) == (sentence, is_final)


def test_who_got_it_gets_it_no_second_time(failure: Callable[..., NotSentError]) -> None:
    mail = Mail({ADA: "452 Mailbox full"})

    with mail_server(mail) as port:
        error = failure(port, [ADA, BOB])

    assert mail.recipients == [BOB]
    assert error.is_final
    assert str(error) == "It arrived at 1 of 2 addresses only. The mailbox is full (452)."


def test_another_attempt_may_help_one_of_several(failure: Callable[..., NotSentError]) -> None:
    mail = Mail({ADA: "550 Nobody", BOB: "452 Mailbox full"})

    with mail_server(mail) as port:
        error = failure(port, [ADA, BOB])

    assert (str(error), error.is_final) == ("The mailbox is full (452).", False)


@pytest.mark.parametrize("talk", [hang, dripping(b"220")])
def test_a_server_that_never_greets_got_nothing(
    failure: Callable[..., NotSentError], talk: Any
) -> None:
    began = time.monotonic()

    with serving(talk) as port:
        error = failure(port, seconds=0.5)

    assert (type(error), str(error)) == (NotSentError, email.TOO_SLOW)
    assert time.monotonic() - began < 30


def test_one_that_greets_too_late_gets_nothing_after_all(
    failure: Callable[..., NotSentError],
) -> None:
    heard: list[bytes] = []
    over = threading.Event()

    def talk(connection: socket.socket) -> None:
        for _ in range(4):
            time.sleep(0.2)
            connection.sendall(b"220-wait\r\n")
        connection.sendall(b"220 here\r\n")
        while line := connection.recv(65536):
            heard.append(line[:4].upper())
            connection.sendall(b"250 OK\r\n")
        over.set()

    with serving(talk) as port:
        error = failure(port, seconds=0.5)
        over.wait(60)

    assert (type(error), str(error)) == (NotSentError, email.TOO_SLOW)
    assert heard
    assert b"MAIL" not in heard


def silent_after_the_message(connection: socket.socket) -> None:
    """Takes all of it, and never says that it did."""
    connection.sendall(b"220 here\r\n")
    while line := connection.recv(65536):
        if line.upper().startswith(b"DATA"):
            connection.sendall(b"354 go on\r\n")
            hang(connection)
        connection.sendall(b"250 OK\r\n")


def gone_after_the_message(connection: socket.socket) -> None:
    connection.sendall(b"220 here\r\n")
    while line := connection.recv(65536):
        if line.upper().startswith(b"DATA"):
            connection.sendall(b"354 go on\r\n")
            connection.recv(65536)
            return
        connection.sendall(b"250 OK\r\n")


@pytest.mark.parametrize(
    ("talk", "seconds", "sentence"),
    [(silent_after_the_message, 3.0, email.SILENT), (gone_after_the_message, 60.0, email.CUT_OFF)],
)
def test_one_that_falls_silent_may_have_got_it(
    failure: Callable[..., NotSentError], talk: Any, seconds: float, sentence: str
) -> None:
    with serving(talk) as port:
        error = failure(port, seconds=seconds)

    assert (type(error), str(error)) == (PerhapsSentError, sentence)


def test_one_that_turns_us_away_says_so(failure: Callable[..., NotSentError]) -> None:
    with serving(lambda connection: connection.sendall(b"421 too busy\r\n")) as port:
        error = failure(port)

    assert (str(error), error.is_final) == (email.BUSY.format(code=421), False)


def test_where_no_server_is_it_can_not_be_reached(failure: Callable[..., NotSentError]) -> None:
    error = failure(ports.free())

    assert (type(error), str(error), error.is_final) == (NotSentError, email.UNREACHABLE, False)


def test_a_wrong_password_is_told_to_whom_it_concerns(
    failure: Callable[..., NotSentError], settings: Settings
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "ada", "pa55word"

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 here\r\n")
        while line := connection.recv(65536):
            greets = line.upper().startswith(b"EHLO")
            connection.sendall(b"250-x\r\n250 AUTH PLAIN\r\n" if greets else b"535 no\r\n")

    with serving(talk) as port:
        error = failure(port)

    assert str(error) == email.SIGN_IN


def test_what_breaks_on_our_side_does_not_count_as_sent(
    failure: Callable[..., NotSentError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(email, "mail", lambda *_: None)

    with mail_server(Mail()) as port:
        error = failure(port)

    assert (type(error), str(error)) == (PerhapsSentError, email.BROKE)


def test_without_a_mail_server_none_can_be_sent(
    failure: Callable[..., NotSentError], settings: Settings
) -> None:
    settings.EMAIL_URL = ""

    error = failure(25)

    assert (str(error), error.is_final) == (email.NOT_SET_UP, True)
