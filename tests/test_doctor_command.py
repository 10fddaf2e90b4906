"""`manage.py doctor` finds what is wrong, and gives away nothing secret."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeAnalysis, MakeModel
from tests.makers.alerts import make_channel, make_delivery
from tests.makers.feeds import make_feed
from video_classifier.models import Delivery, Feed, Segment
from video_classifier.states import Status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_order(settings: Settings, make_model: MakeModel) -> None:
    make_model(settings.DEFAULT_MODEL)
    settings.EMAIL_URL = ""


def said(*words: str, is_wrong: bool = False) -> str:
    out = StringIO()
    if is_wrong:
        with pytest.raises(CommandError) as wrong:
            call_command("doctor", *words, stdout=out)
        assert wrong.value.returncode == 1
    else:
        call_command("doctor", *words, stdout=out)
    return out.getvalue()


def lines(text: str, verdict: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(verdict)]


def test_a_site_in_order_is_told_so_and_nothing_is_left_behind(settings: Settings) -> None:
    text = said()

    assert lines(text, "wrong") == []
    for subject in ("database answers", "tables", "queue moves", "stored, read", "model", "room"):
        assert any(subject in line for line in lines(text, "ok"))
    assert [each for each in Path(settings.MEDIA_ROOT).rglob("*") if each.is_file()] == []


def test_quiet_leaves_out_what_is_fine() -> None:
    assert lines(said("--quiet"), "ok") == []


def test_each_thing_that_is_wrong_is_a_sentence(
    settings: Settings, make_analysis: MakeAnalysis
) -> None:
    settings.DEBUG, settings.DEFAULT_MODEL, settings.DISK_FLOOR_BYTES = True, "none", 2**63
    long_ago = timezone.now() - timedelta(hours=2)
    make_analysis()
    Segment.objects.update(waiting_since=long_ago, not_before=long_ago)

    text = said(is_wrong=True)

    for words in ("DEBUG is true", "“none”", "nearly full", "waited for 120 minutes"):
        assert any(words in line for line in lines(text, "wrong")), text


def test_what_libraries_say_is_kept_to_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_URL = "smtp://ada:secret@127.0.0.1:1"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    settings.EMAIL_HOST_PASSWORD = "secret"
    settings.BROKER_URL = "redis://:secret@127.0.0.1:1/0"

    def refuse(*_: object) -> str:
        raise RuntimeError("403 for key secret")  # noqa: EM101

    monkeypatch.setattr(default_storage, "save", refuse, raising=False)

    text = said(is_wrong=True)

    assert "secret" not in text
    assert "(RuntimeError)" in text
    assert "mail server doesn't let the site in (ConnectionRefusedError)" in text
    assert any("BROKER_URL" in line for line in lines(text, "note"))


def test_without_a_database_the_rest_is_still_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        msg = "password of user grace"
        raise DatabaseError(msg)

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", refuse)
        broken.setattr(connection, "ensure_connection", refuse)
        text = said(is_wrong=True)

    assert "The database doesn't answer." in text
    assert "grace" not in text
    assert "The disk has room" in text


def test_cameras_without_a_watcher_are_worth_a_note() -> None:
    make_feed()
    Feed.objects.update(is_enabled=True)

    assert any("1 of 1 live cameras" in line for line in lines(said(), "note"))


def test_alerts_that_reached_nobody_are_told_here_and_in_the_administration(
    admin_client: Client,
) -> None:
    what_to_do = "put its channel right, and choose “Try again”"
    channel = make_channel()
    make_delivery(channel, status=Status.DONE)
    assert what_to_do not in admin_client.get("/admin/").content.decode()

    failed = [make_delivery(channel, status=Status.FAILED) for _ in range(2)]

    assert "2 alerts in the last 24 hours got nowhere. The log" in (text := said())
    assert any(what_to_do in line for line in lines(text, "note"))
    shown = admin_client.get("/admin/").content.decode()
    assert what_to_do in shown
    assert 'href="/alerts/?state=failed"' in shown

    long_ago = timezone.now() - timedelta(days=2)
    Delivery.objects.filter(pk__in=[each.pk for each in failed]).update(created_at=long_ago)

    assert what_to_do not in said()
