"""Other services by Apprise: what arrives, and what its process may not do."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.makers.receivers import JPEG, Web, hang, make_certificate, make_message, serving
from video_classifier.integrations import apprise, apprise_process
from video_classifier.integrations.apprise_process import Guard
from video_classifier.integrations.messages import (
    NotSentError,
    PerhapsSentError,
    WrongTargetError,
)

HERE = ["127.0.0.0/8"]
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def send(address: str, *, networks: list[str] = HERE, seconds: float = 60.0) -> None:
    apprise.send(address, make_message(), networks=networks, seconds=seconds)


def failure(address: str, **how: Any) -> NotSentError:
    with pytest.raises(NotSentError) as caught:
        send(address, **how)
    return caught.value


def refusal(text: str) -> str:
    with pytest.raises(WrongTargetError) as caught:
        apprise.check(text)
    return str(caught.value)


def test_the_service_gets_words_and_the_picture() -> None:
    web = Web(TAKEN)

    with serving(web) as port:
        send(f"signal://127.0.0.1:{port}/+4915123456789/+4915123456780")

    ((first, _, body),) = web.requests
    said = json.loads(body)
    (picture,) = said["base64_attachments"]
    assert first.startswith("POST /v2/send ")
    assert make_message().subject in said["message"]
    assert "Camera: Back door (Main)" in said["message"]
    assert base64.b64decode(picture.rpartition(",")[2]) == JPEG


def test_one_that_takes_short_messages_gets_the_subject_and_the_link() -> None:
    class Short:
        body_maxlen = 160
        attachment_support = False

    message = make_message(text="x" * 200)
    order = {"subject": message.subject, "text": message.text, "link": message.link, "snapshot": ""}
    found = apprise_process._arguments(Short(), order)

    assert (found["title"], found["body"]) == ("", f"{message.subject} {message.link}")


def test_one_that_refuses_is_tried_again_later() -> None:
    with serving(Web(b"HTTP/1.1 500 pa55word\r\nContent-Length: 0\r\n\r\n")) as port:
        error = failure(f"ntfy://127.0.0.1:{port}/topic")

    assert (type(error), str(error), error.is_final) == (NotSentError, apprise.FAILED, False)


def test_one_that_hangs_is_ended_and_may_have_got_it() -> None:
    with serving(Web(hang)) as port:
        error = failure(f"ntfy://127.0.0.1:{port}/topic?rto=60", seconds=1.0)

    assert (type(error), str(error)) == (PerhapsSentError, apprise.SILENT)


def test_one_that_does_not_start_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "START_SECONDS", 0.1)

    error = failure("ntfy://127.0.0.1:9/topic", seconds=0.1)

    assert (type(error), str(error)) == (NotSentError, apprise.NOT_STARTED)


def test_this_machine_is_no_target_unless_it_is_listed() -> None:
    web = Web(TAKEN)

    with serving(web) as port:
        error = failure(f"ntfy://127.0.0.1:{port}/topic", networks=[])

    assert (str(error), error.is_final) == (apprise.NOT_ALLOWED, True)
    assert web.requests == []


def test_a_redirect_leads_to_no_other_machine_either() -> None:
    secret = Web(TAKEN)
    with serving(secret) as inside:
        # 127.0.0.2 is this machine, too, and not listed.
        to = f"HTTP/1.1 307 x\r\nLocation: http://127.0.0.2:{inside}/\r\nContent-Length: 0\r\n\r\n"
        with serving(Web(to.encode())) as port:
            error = failure(f"ntfy://127.0.0.1:{port}/topic", networks=["127.0.0.1/32"])

    assert str(error) == apprise.NOT_ALLOWED
    assert secret.requests == []


def test_a_file_of_the_server_that_an_address_names_stays_there(tmp_path: Path) -> None:
    """Some services take a template, and the one here would be sent."""
    file = tmp_path / "template.json"
    file.write_text('{"type": "message", "attachments": [{"contentType": "pa55word"}]}')
    server, _ = make_certificate(tmp_path, "localhost")
    web = Web(TAKEN)

    with serving(web, tls=server) as port:
        workflow = f"workflows://127.0.0.1:{port}/{'a' * 32}/{'b' * 43}/?verify=no"
        send(workflow)
        error = failure(f"{workflow}&template={file}")

    assert str(error) == apprise.FAILED
    assert len(web.requests) == 1  # the one without


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("127.0.0.1", 80))),
        ("socket.connect", (None, ("192.168.1.1", 80))),
        ("socket.connect", (None, ("fe80::1%eth0", 80, 0, 2))),
        ("socket.connect", (None, ("localhost", 80))),
        ("socket.connect", (None, "/run/postgresql/.s.PGSQL.5432")),
        ("socket.sendto", (None, ("127.0.0.1", 53))),
        ("open", ("/etc/passwd", "r", 0)),
        ("open", (b"/proc/self/environ", "rb", 0)),
        ("open", (f"{apprise.ROOT}/var/secret_key", "r", 0)),
        ("open", (f"{apprise.ROOT}/video_classifier/../var/secret_key", "r", 0)),
        ("open", (f"{apprise.ROOT}/video_classifier/x.py", "w", 0)),
        ("open", (f"{apprise.ROOT}/video_classifier/x.py", None, os.O_WRONLY)),
        ("subprocess.Popen", ("sh", ["sh"], None, None)),
        ("os.remove", ("/tmp/x", -1)),  # noqa: S108
    ],
)
def test_its_process_may_not_do_that(event: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(PermissionError):
        Guard([])(event, arguments)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("93.184.216.34", 443))),
        ("socket.connect", (None, ("10.0.0.1", 443))),
        ("socket.sendmsg", (None, None)),
        ("open", (f"{apprise.ROOT}/video_classifier/integrations/reach.py", "rb", 0)),
        ("open", (json.__file__, "rb", os.O_CLOEXEC)),
        ("open", (3, "rb", 0)),
        ("open", (os.devnull, "w", 0)),
        ("import", ("json",)),
    ],
)
def test_and_may_do_that(event: str, arguments: tuple[Any, ...]) -> None:
    Guard(["10.0.0.0/8"])(event, arguments)


def test_nothing_secret_is_on_the_command_line_or_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setenv("SECRET_KEY", "pa55word")
    real = subprocess.Popen

    def popen(command: list[str], **how: Any) -> Any:
        seen.append([*command, *map(str, how["env"].items())])
        return real(command, **how)

    monkeypatch.setattr(subprocess, "Popen", popen)

    with serving(Web(TAKEN)) as port:
        send(f"ntfy://127.0.0.1:{port}/pa55word")

    assert not [each for each in seen[0] if "pa55word" in unquote(each)]


# What somebody types


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", apprise.NO_ADDRESS),
        ("ntfys://" + "a" * 1000, apprise.TOO_LONG),
        ("ntfys://a b", apprise.STRANGE_SIGNS),
        ("ntfys:topic", apprise.WRONG_SCHEME),
        ("mailto://ada:pa55word@example.org", apprise.WRONG_SCHEME),
        ("json://127.0.0.1", apprise.WRONG_SCHEME),
        ("syslog://", apprise.WRONG_SCHEME),
        ("file:///etc/passwd", apprise.WRONG_SCHEME),
    ],
)
def test_what_is_wrong_with_an_address_is_said(text: str, sentence: str) -> None:
    assert refusal(text) == sentence


@pytest.mark.parametrize("typo", ["tgram://123456/", "slack://T1JJ3T3L2/A1BRTD4JD"])
def test_a_typo_is_found_before_anything_is_sent(typo: str) -> None:
    assert refusal(typo) == apprise.WRONG_ADDRESS
    error = failure(typo)
    assert (str(error), error.is_final) == (apprise.WRONG_ADDRESS, True)


def test_a_good_address_is_taken() -> None:
    apprise.check("tgram://123456789:AAHfiqksKZ8WmR2zSjiQ7_v4TMAKdiHm9T0/12315544/")


def test_without_apprise_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    assert refusal("ntfys://topic") == apprise.NOT_INSTALLED
    error = failure("ntfys://topic")
    assert (str(error), error.is_final) == (apprise.NOT_INSTALLED, True)
