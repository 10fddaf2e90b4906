"""Where a channel leads: what is taken, and what pages may show of it."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from pytest_django import Settings

from video_classifier.integrations import apprise, email, webhook
from video_classifier.services import targets
from video_classifier.services.targets import TargetError
from video_classifier.states import ChannelKind


def refusal(kind: ChannelKind, text: str) -> str:
    with pytest.raises(TargetError) as caught:
        targets.parse(kind, text)
    return str(caught.value)


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """One name is on the internet, and none else is anywhere."""
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host == "desk.example":
            host = "93.184.216.34"
        if not host[0].isdigit():
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_e_mail_addresses_are_tidied() -> None:
    found = targets.parse(
        ChannelKind.EMAIL, " ada@shop.example\n\nBob@shop.example; ADA@shop.example,"
    )

    assert found == "ADA@shop.example, Bob@shop.example"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (" \n", targets.NO_EMAIL),
        ("ada@shop.example, ada", targets.WRONG_EMAIL.format(number=2)),
        ("ada@shop.example\r\nBcc: x", targets.WRONG_EMAIL.format(number=2)),
        (" ".join(f"a{n}@shop.example" for n in range(11)), targets.TOO_MANY),
    ],
)
def test_what_is_wrong_with_e_mail_addresses_is_said(text: str, sentence: str) -> None:
    assert refusal(ChannelKind.EMAIL, text) == sentence


def test_a_webhook_is_on_the_internet() -> None:
    assert targets.parse(ChannelKind.WEBHOOK, " https://desk.example/x ") == (
        "https://desk.example/x"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("https://typo.example/", webhook.NOT_FOUND),
        ("http://127.0.0.1:8000/", webhook.NOT_ALLOWED),
        ("http://169.254.169.254/latest", webhook.NOT_ALLOWED),
        ("http://192.168.1.7/", webhook.NOT_ALLOWED),
    ],
)
def test_or_in_a_network_that_is_listed(settings: Settings, text: str, sentence: str) -> None:
    settings.ALERT_NETWORKS = ["10.0.0.0/8"]

    assert refusal(ChannelKind.WEBHOOK, text) == sentence
    assert targets.parse(ChannelKind.WEBHOOK, "http://10.0.0.1/") == "http://10.0.0.1/"


def test_other_services_are_those_of_the_list() -> None:
    assert refusal(ChannelKind.APPRISE, "mailto://x") == apprise.WRONG_SCHEME


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        (ChannelKind.EMAIL, "ada@shop.example, b@x.example", "a•••@shop.example, b•••@x.example"),
        (ChannelKind.WEBHOOK, "https://desk.example/secret?k=1", "https://desk.example/•••"),
        (ChannelKind.WEBHOOK, "damaged", "•••"),
        (ChannelKind.APPRISE, "tgram://123:secret/456", "Telegram: tgram://•••"),
    ],
)
def test_pages_show_enough_to_tell_channels_apart(kind: ChannelKind, text: str, shown: str) -> None:
    assert targets.masked(kind, text) == shown


def test_what_is_missing_on_this_site_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_URL = ""
    monkeypatch.setattr(apprise, "is_installed", lambda: False)

    found = {kind: targets.problem(kind) for kind in ChannelKind}

    assert found == {
        ChannelKind.EMAIL: email.NOT_SET_UP,
        ChannelKind.WEBHOOK: "",
        ChannelKind.APPRISE: apprise.NOT_INSTALLED,
    }


def test_and_nothing_if_nothing_is(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EMAIL_URL = "smtp://mail.example"
    monkeypatch.setattr(apprise, "is_installed", lambda: True)

    assert [targets.problem(kind) for kind in ChannelKind] == ["", "", ""]
