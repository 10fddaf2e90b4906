"""/readyz says whether the site can work, /metrics how it fares, and neither says too much."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeAnalysis, MakeModel
from tests.makers.alerts import make_channel
from tests.makers.feeds import make_feed
from tests.makers.live_cameras import make_event
from video_classifier.models import Alert, Delivery, Feed, Segment, WaitingClip
from video_classifier.services import backlog, readiness
from video_classifier.states import Status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered(settings: Settings, make_model: MakeModel) -> Iterator[None]:
    readiness.memory.forget()
    backlog.counts.forget()
    make_model(settings.DEFAULT_MODEL)
    yield
    readiness.memory.forget()
    backlog.counts.forget()


def problem(client: Client, subject: str) -> str:
    """What is the one thing wrong."""
    response = client.get("/readyz")
    found = response.json()

    assert response.status_code == 503
    assert not found["ready"]
    assert [name for name, said in found["checks"].items() if said != "ok"] == [subject]
    assert found["reasons"] == [found["checks"][subject]]
    return str(found["reasons"][0])


def test_a_site_in_order_is_ready(stranger: Client) -> None:
    response = stranger.get("/readyz")

    assert response.status_code == 200
    subjects = ("database", "migrations", "queue", "models in use", "storage", "models", "disk")
    ok = dict.fromkeys(subjects, "ok")
    assert response.json() == {"ready": True, "reasons": [], "checks": ok}


def test_without_a_database_the_rest_is_still_looked_at(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        msg = "password for user ada"
        raise DatabaseError(msg)

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", refuse)

        assert problem(stranger, "database") == readiness.NO_DATABASE
        assert b'ready{check="database"} 0.0' in stranger.get("/metrics").content


def test_a_database_that_lacks_a_migration_is_not_ready(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = {("video_classifier", "0001_initial"): None}
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda _: applied)
    newer = frozenset({*applied, ("video_classifier", "0002_persons")})
    monkeypatch.setattr(readiness, "_known_migrations", lambda: newer)

    assert "manage.py migrate" in problem(stranger, "migrations")


def wait(analysis_of: MakeAnalysis, minutes: float) -> Segment:
    analysis = analysis_of()
    since = timezone.now() - timedelta(minutes=minutes)
    Segment.objects.filter(analysis=analysis).update(waiting_since=since, not_before=since)
    return Segment.objects.get(analysis=analysis)


def test_a_queue_that_stands_still_is_not_ready(
    stranger: Client, make_analysis: MakeAnalysis
) -> None:
    wait(make_analysis, 20.5)

    assert "20 minutes" in problem(stranger, "queue")


def test_a_long_queue_that_moves_is_only_long(
    stranger: Client, make_analysis: MakeAnalysis
) -> None:
    wait(make_analysis, 600)
    at_work = make_analysis(status=Status.RUNNING, heartbeat_at=timezone.now())
    Segment.objects.filter(analysis=at_work).update(heartbeat_at=timezone.now())

    assert stranger.get("/readyz").status_code == 200


def test_a_folder_that_is_gone_is_not_ready(
    stranger: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "unmounted" / "media"

    assert problem(stranger, "storage") == readiness.NO_STORAGE


def test_a_bucket_that_refuses_is_not_ready_and_keeps_its_secrets(
    stranger: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: str) -> bool:
        raise RuntimeError("403 for key AKIA")  # noqa: EM101

    monkeypatch.setattr(default_storage, "exists", refuse, raising=False)

    assert "AKIA" not in problem(stranger, "storage") + caplog.text


def test_a_storage_that_hangs_is_not_ready_and_is_asked_once(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, goes_on, asked = threading.Event(), threading.Event(), list[str]()

    def hang(name: str) -> bool:
        asked.append(name)
        hangs.set()
        return not goes_on.wait(60)

    monkeypatch.setattr(readiness, "HANGS_SECONDS", 0.05)
    with monkeypatch.context() as hanging:
        hanging.setattr(default_storage, "exists", hang, raising=False)
        for _ in range(2):
            assert problem(stranger, "storage") == readiness.NO_STORAGE
            readiness.memory.forget()
        assert hangs.wait(60)  # its thread may begin late
        goes_on.set()
    monkeypatch.setattr(readiness, "HANGS_SECONDS", 60.0)

    assert len(asked) == 1
    readiness._storage_in_time.ask()  # of the one that hung
    assert stranger.get("/readyz").status_code == 200


def test_without_its_default_model_it_is_not_ready(stranger: Client, settings: Settings) -> None:
    settings.DEFAULT_MODEL = "none"

    assert problem(stranger, "models") == readiness.NO_MODEL


def test_a_model_in_use_that_is_lost_is_said_and_the_site_stays_ready(stranger: Client) -> None:
    """Other cameras and stores go on, and who goes back from a version needs the site."""
    make_feed(model="lost", is_enabled=True)

    response = stranger.get("/readyz")

    assert response.status_code == 200
    assert response.json()["checks"]["models in use"] == readiness.NO_VERSION
    assert response.json()["reasons"] == []


def test_a_full_disk_is_not_ready(stranger: Client, settings: Settings) -> None:
    settings.DISK_FLOOR_BYTES = 2**63

    assert problem(stranger, "disk") == readiness.DISK_FULL


def test_strangers_who_ask_often_have_it_looked_at_once(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger.get("/readyz")
    monkeypatch.setattr(readiness, "findings", lambda: pytest.fail("it was looked at again"))

    assert stranger.get("/readyz").status_code == 200


def figures(client: Client) -> dict[str, float]:
    lines = client.get("/metrics").content.decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_figures_say_what_waits_runs_and_ended(
    stranger: Client, make_analysis: MakeAnalysis
) -> None:
    wait(make_analysis, 2)
    make_analysis(status=Status.DONE)
    make_analysis(status=Status.FAILED, error="No pictures.")

    found = figures(stranger)

    assert found['shoplift_jobs_waiting{kind="segments"}'] == 1
    assert found['shoplift_jobs_running{kind="segments"}'] == 0
    assert 115 < found['shoplift_jobs_oldest_seconds{kind="segments"}'] < 180
    assert found['shoplift_jobs_ended{kind="segments",status="done"}'] == 1
    assert found['shoplift_jobs_ended{kind="segments",status="failed"}'] == 1
    assert found['shoplift_ready{check="database"}'] == 1
    assert found["shoplift_disk_free_bytes"] > 0
    assert found["process_resident_memory_bytes"] > 0


def test_figures_say_how_alerts_and_cameras_fare(stranger: Client) -> None:
    feed = make_feed()
    seen = timezone.now() - timedelta(seconds=30)
    Feed.objects.update(is_enabled=True, state="online", last_picture_at=seen, stride=2.5)
    alert = Alert.objects.create(kind="disk", happened_at=seen)
    channel = make_channel()
    Delivery.objects.create(alert=alert, channel=channel, channel_name="a", channel_kind="email")

    event = make_event(feed)
    WaitingClip.objects.create(live_event=event, place="one", size_bytes=5, waiting_since=seen)

    found = figures(stranger)

    assert found["shoplift_waiting_clips"] == 1
    assert 29 < found["shoplift_waiting_clips_oldest_seconds"] < 90
    assert found['shoplift_alerts{kind="disk"}'] == 1
    assert found['shoplift_jobs_waiting{kind="alerts"}'] == 1
    assert found['shoplift_cameras{state="online"}'] == 1
    assert 29 < found[f'shoplift_camera_lag_seconds{{camera="{feed.pk}"}}'] < 90
    assert found[f'shoplift_camera_stride_seconds{{camera="{feed.pk}"}}'] == 2.5


def test_figures_count_answers(stranger: Client) -> None:
    name = 'shoplift_request_seconds_count{method="GET",status="4xx"}'
    before = figures(stranger).get(name, 0)

    stranger.get("/static/none.css")

    assert figures(stranger)[name] == before + 1


def test_a_scrape_asks_a_bounded_number_of_questions(
    stranger: Client, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(80):  # type: ignore[operator]  # its clock, too
        stranger.get("/metrics")


NETWORKS = ["10.1.0.0/16", "2001:db8:1::/64"]


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "status"),
    [
        (0, "10.1.2.3", "", 200),
        (0, "10.2.2.3", "", 403),
        (0, "2001:db8:1::5", "", 200),
        (0, "::ffff:10.1.2.3", "", 200),
        (0, "10.1.2.3", "192.0.2.1", 403),  # by a proxy that nobody counted
        (1, "10.1.2.3", "192.0.2.1", 403),
        (1, "192.0.2.9", "10.1.0.1, 192.0.2.1", 403),  # who sent it may write anything
        (1, "10.1.2.3", "", 200),  # past the proxy, from inside
    ],
)
def test_figures_are_for_the_networks_that_were_named(
    stranger: Client, settings: Settings, proxies: int, peer: str, forwarded: str, status: int
) -> None:
    settings.METRICS_NETWORKS, settings.TRUSTED_PROXIES = NETWORKS, proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    response = stranger.get("/metrics", headers=headers, REMOTE_ADDR=peer)

    assert response.status_code == status


def test_figures_name_nobody(stranger: Client, make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()
    feed = make_feed()

    text = stranger.get("/metrics").content.decode()

    for name in (analysis.clip.name, feed.camera.name, feed.camera.store.name):
        assert not re.search(rf'"[^"]*{re.escape(name)}[^"]*"', text)
