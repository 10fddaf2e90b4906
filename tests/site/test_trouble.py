"""A full disk and a busy database are sentences, and what can go on does."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import psycopg_pool
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from tests import databases
from tests.conftest import PASSWORD, MakeAnalysis, MakeModel, MakeUser
from tests.makers import videos
from video_classifier.models import Analysis, Clip
from video_classifier.services import database, disk

transactional = pytest.mark.django_db(transaction=True)


@pytest.fixture
def video(tmp_path: Path, make_model: MakeModel) -> SimpleUploadedFile:
    make_model()
    content = videos.write(tmp_path / "made.mp4", 5).read_bytes()
    return SimpleUploadedFile("till.mp4", content, content_type="video/mp4")


def left_behind(settings: Settings) -> list[Path]:
    folders = (settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR)
    return [path for each in folders for path in Path(each).rglob("*") if path.is_file()]


@pytest.fixture
def nearly_full(settings: Settings) -> None:
    settings.DISK_FLOOR_BYTES = shutil.disk_usage(settings.DATA_DIR).total + 1


@pytest.mark.usefixtures("nearly_full")
def test_a_disk_that_is_nearly_full_is_no_health(stranger: Client) -> None:
    response = stranger.get("/healthz")

    assert (response.status_code, response.content) == (503, b"disk nearly full")


@pytest.mark.usefixtures("nearly_full")
def test_a_disk_that_is_nearly_full_refuses_uploads_unread(
    client: Client, video: SimpleUploadedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "django.http.multipartparser.MultiPartParser.parse", lambda _: pytest.fail("it was read")
    )

    response = client.post("/", {"model": "standard", "clips": video})

    assert response.status_code == 507
    assert "nothing of your file was kept" in response.content.decode()
    assert not Clip.objects.exists()


@pytest.mark.usefixtures("nearly_full")
def test_a_disk_that_is_nearly_full_keeps_nobody_from_signing_in(
    stranger: Client, make_user: MakeUser
) -> None:
    make_user()

    response = stranger.post("/accounts/login/", {"username": "ada", "password": PASSWORD})

    assert response.status_code == 302
    assert stranger.get("/history/").status_code == 200


def test_a_disk_that_runs_full_while_a_clip_comes_in_is_a_sentence(
    client: Client, video: SimpleUploadedFile, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_: object, content: bytes) -> None:
        with Path("/dev/full").open("wb") as full:
            full.write(content)

    monkeypatch.setattr(TemporaryUploadedFile, "write", write)

    response = client.post("/", {"model": "standard", "clips": video})

    assert response.status_code == 507
    assert disk.FULL in response.content.decode().replace("&#x27;", "'")
    assert left_behind(settings) == []


def until_refused(send: Callable[[], HttpResponse]) -> HttpResponse:
    """There is room for a few rows in pages that are there."""
    return next(answer for _ in range(90) if (answer := send()).status_code not in {200, 302})


@transactional
def test_a_database_that_cannot_grow_is_a_sentence(
    client: Client, video: SimpleUploadedFile, settings: Settings
) -> None:
    def send() -> HttpResponse:
        video.seek(0)
        return client.post("/", {"model": "standard", "clips": video})  # type: ignore[return-value]

    with databases.no_room(Analysis):
        response = until_refused(send)

    assert response.status_code == 507
    assert disk.FULL in response.content.decode().replace("&#x27;", "'")
    assert len(left_behind(settings)) == Clip.objects.count() == Analysis.objects.count()


@transactional
def test_where_nobody_expects_it_a_full_disk_is_a_sentence_too(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model()
    address = f"/results/{make_analysis().pk}/again/"
    client.raise_request_exception = False

    with databases.no_room(Analysis):
        response = until_refused(lambda: client.post(address, {"model": "standard"}))  # type: ignore[arg-type, return-value]

    assert response.status_code == 507
    assert "disk is full" in response.content.decode()


@transactional
def test_a_database_that_somebody_else_holds_is_a_sentence(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model()
    analysis = make_analysis()
    client.raise_request_exception = False

    with databases.busy(Analysis):
        response = client.post(f"/results/{analysis.pk}/again/", {"model": "standard"})

    assert response.status_code == 503
    assert response["Retry-After"] == "10"
    assert "Wait a few seconds and try again" in response.content.decode()
    assert Analysis.objects.count() == 1


GONE: list[Exception] = [
    psycopg.OperationalError("connection refused"),
    psycopg_pool.PoolTimeout("no connection became free"),
    psycopg.errors.TooManyConnections(),
    psycopg.errors.AdminShutdown(),
    psycopg.errors.ConnectionFailure(),
]


def without_database(patch: pytest.MonkeyPatch, cause: Exception) -> list[None]:
    """Nothing can be asked from now on; it grows with each time that something tries."""
    asked: list[None] = []

    def refuse(*_: object) -> None:
        asked.append(None)
        raise OperationalError from cause

    patch.setattr(connection, "cursor", refuse)
    return asked


@pytest.mark.parametrize("cause", GONE, ids=lambda cause: type(cause).__name__)
@pytest.mark.parametrize("address", ["/history/", "/accounts/login/"])
def test_a_page_without_its_database_is_a_sentence(
    client: Client, monkeypatch: pytest.MonkeyPatch, address: str, cause: Exception
) -> None:
    client.raise_request_exception = False
    with monkeypatch.context() as patch:
        asked = without_database(patch, cause)

        page = client.get(address)
        part = client.get(address, headers={"HX-Request": "true"})

    for response in (page, part):
        assert (response.status_code, response["Retry-After"]) == (503, "10")
        assert database.AWAY in response.content.decode()
    assert "<title>The database does not answer · Shoplift</title>" in page.content.decode()
    assert "<html" not in part.content.decode()
    assert len(asked) == 2  # each try waits some seconds for a connection


def test_a_program_without_its_database_gets_a_sentence(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger.raise_request_exception = False
    with monkeypatch.context() as patch:
        without_database(patch, GONE[0])

        response = stranger.get("/api/v1/clips", headers={"Authorization": "Bearer shoplift_x"})

    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["detail"] == database.AWAY


def test_what_a_database_refuses_is_not_taken_for_its_absence() -> None:
    for cause in (psycopg.errors.SyntaxError(), psycopg.errors.DiskFull(), sqlite3.Error()):
        error = OperationalError()
        error.__cause__ = cause

        assert not database.is_away(error), cause
    assert not database.is_away(ConnectionRefusedError())


def test_other_errors_stay_errors(
    client: Client, make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("video_classifier.services.analyses.place_in_queue", lambda _: 1 / 0)
    client.raise_request_exception = False

    response = client.get(f"/results/{make_analysis().pk}/")

    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()
