"""`manage.py doctor` finds what is wrong, and gives away nothing secret."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests import buckets
from tests.conftest import MakeAnalysis, MakeClip, MakeModel
from tests.makers.alerts import make_channel, make_delivery
from tests.makers.feeds import make_feed
from tests.makers.live_cameras import make_event
from tests.makers.second_factors import make_device
from video_classifier.integrations.bucket import Bucket
from video_classifier.models import Delivery, Feed, Segment, WaitingClip
from video_classifier.services import backups, catalog, sandbox
from video_classifier.states import Status

pytestmark = pytest.mark.django_db

s3, bucket = buckets.s3, buckets.bucket


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


def test_files_that_have_changed_are_named(make_clip: MakeClip, settings: Settings) -> None:
    """As by bit rot: nothing else about them says so."""
    make_clip(content=b"as it was")
    rotten, gone = make_clip(content=b"one bit"), make_clip(content=b"none")
    media = Path(settings.MEDIA_ROOT)
    (media / str(rotten.file.name)).write_bytes(b"one byt")
    (media / str(gone.file.name)).unlink()

    text = said("--hashes", is_wrong=True)

    found = sorted(lines(text, "wrong"))
    assert len(found) == 2
    assert any(f"{rotten.pk} is not what was uploaded" in line for line in found)
    assert any(f"{gone.pk} is gone" in line for line in found)
    assert "Of 3 clips 1 have the file that was uploaded" in text
    assert str(rotten.pk) not in said()


def test_a_site_in_order_is_told_so_and_nothing_is_left_behind(settings: Settings) -> None:
    text = said()

    assert lines(text, "wrong") == []
    for subject in ("database answers", "tables", "queue moves", "stored, read", "model", "room"):
        assert any(subject in line for line in lines(text, "ok"))
    assert [each for each in Path(settings.MEDIA_ROOT).rglob("*") if each.is_file()] == []


@pytest.mark.parametrize("closes", [True, False])
def test_it_says_whether_the_child_that_reads_clips_reads_anything_else(
    monkeypatch: pytest.MonkeyPatch,
    closes: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(sandbox, "closes_files", lambda: closes)

    text = said()

    assert any("reads no files but clips" in line for line in lines(text, "ok")) == closes
    assert any("Landlock" in line for line in lines(text, "note")) != closes


def test_where_no_backup_can_be_made_that_is_worth_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "why_not_here", lambda: "pg_dump is needed.")

    assert any("No backup can be made from here" in line for line in lines(said(), "note"))


def test_quiet_leaves_out_what_is_fine() -> None:
    assert lines(said("--quiet"), "ok") == []


def test_each_thing_that_is_wrong_is_a_sentence(
    settings: Settings, user: User, make_analysis: MakeAnalysis
) -> None:
    make_device(user)
    settings.SECRET_KEY = "violet harbour" * 4
    settings.DEBUG, settings.DEFAULT_MODEL, settings.DISK_FLOOR_BYTES = True, "none", 2**63
    long_ago = timezone.now() - timedelta(hours=2)
    make_analysis()
    Segment.objects.update(waiting_since=long_ago, not_before=long_ago)

    text = said(is_wrong=True)

    for words in ("DEBUG is true", "“none”", "nearly full", "waited for 120 minutes", "of “ada”"):
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


def test_a_model_that_a_camera_uses_and_that_is_lost_is_wrong() -> None:
    make_feed(model="lost", is_enabled=True)

    assert any(
        "“lost” is in use: There is no model “lost”" in line
        for line in lines(said(is_wrong=True), "wrong")
    )


def test_what_other_machines_can_not_get_at_is_worth_a_note(
    bucket: Bucket, make_model: MakeModel
) -> None:
    catalog.imported().mkdir()
    make_model("theirs").rename(catalog.imported() / "theirs")

    (line,) = (each for each in lines(said(), "note") if "move_storage" in each)
    assert "Other machines can't get at theirs" in line


def test_cameras_without_a_watcher_are_worth_a_note(settings: Settings) -> None:
    make_feed(model=settings.DEFAULT_MODEL)
    Feed.objects.update(is_enabled=True)

    assert any("1 of 1 live cameras" in line for line in lines(said(), "note"))


def test_clips_that_wait_for_the_storage_are_worth_a_note_from_a_minute_on(
    settings: Settings,
) -> None:
    feed = make_feed(model=settings.DEFAULT_MODEL)
    waiting = {"place": "till-pc:1a2b", "size_bytes": 5}
    WaitingClip.objects.create(live_event=make_event(feed), **waiting)
    assert "wait for the storage" not in said()

    since = timezone.now() - timedelta(minutes=12, seconds=30)
    WaitingClip.objects.create(live_event=make_event(feed), waiting_since=since, **waiting)

    (line,) = (each for each in lines(said(), "note") if "wait for the storage" in each)
    assert "2, the first for 12 min, on till-pc:1a2b" in line


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
