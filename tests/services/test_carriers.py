"""A message goes where its channel leads."""

from __future__ import annotations

import json

import pytest
from django.core import mail
from pytest_django import Settings
from standardwebhooks import Webhook

from tests.makers.receivers import Web, make_message, serving
from tests.makers.told import make_channel
from video_classifier.integrations import messages, webhook
from video_classifier.integrations.messages import NotSentError, PerhapsSentError
from video_classifier.services import carriers, secrets
from video_classifier.states import ChannelKind

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _here(settings: Settings) -> None:
    settings.ALERT_NETWORKS = ["127.0.0.0/8"]
    settings.EMAIL_URL = "smtp://mail.example"
    settings.EMAIL_FROM = "alerts@shop.example"


def test_by_e_mail() -> None:
    target = secrets.seal("ada@shop.example, bob@shop.example")

    carriers.send(make_channel(sealed_target=target), make_message())

    assert [each.to for each in mail.outbox] == [["ada@shop.example"], ["bob@shop.example"]]
    assert {each.from_email for each in mail.outbox} == {"alerts@shop.example"}


def test_by_a_webhook_signed_with_its_key() -> None:
    web, key = Web(), webhook.new_key()

    with serving(web) as port:
        channel = make_channel(
            kind=ChannelKind.WEBHOOK,
            sealed_target=secrets.seal(f"http://127.0.0.1:{port}/"),
            sealed_key=secrets.seal(key),
        )
        carriers.send(channel, make_message())

    ((_, headers, body),) = web.requests
    assert Webhook(key).verify(body, headers)["type"] == "alert.live"


def test_by_apprise() -> None:
    web = Web(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with serving(web) as port:
        target = secrets.seal(f"gotify://127.0.0.1:{port}/token")
        channel = make_channel(kind=ChannelKind.APPRISE, sealed_target=target)
        carriers.send(channel, make_message())

    assert json.loads(web.requests[0][2])["title"] == make_message().subject


def test_it_waits_for_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "TIME_OUT", 0.3)

    def hang(connection: object) -> None:
        connection.recv(1)  # type: ignore[attr-defined]

    with serving(Web(hang)) as port:
        channel = make_channel(
            kind=ChannelKind.WEBHOOK,
            sealed_target=secrets.seal(f"http://127.0.0.1:{port}/"),
            sealed_key=secrets.seal(webhook.new_key()),
        )
        with pytest.raises(PerhapsSentError):
            carriers.send(channel, make_message())


def test_what_can_not_be_unsealed_is_final() -> None:
    channel = make_channel(sealed_target="sealed with another key")

    with pytest.raises(NotSentError, match="another SECRET_KEY") as caught:
        carriers.send(channel, make_message())

    assert caught.value.is_final
