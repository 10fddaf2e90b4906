"""What `manage.py check` finds before a user does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.db import OperationalError, connection
from django.db.utils import ConnectionHandler
from pytest_django import Settings

from shoplift_site import env
from tests import buckets
from tests.conftest import MakeModel
from video_classifier import checks
from video_classifier.integrations.bucket import Bucket
from video_classifier.management.commands import create_first_admin
from video_classifier.ml.isolation import confinement
from video_classifier.ml.serving.bundle import CARD_FILE, NETWORK_FILE
from video_classifier.services import stored_models

s3, bucket = buckets.s3, buckets.bucket


def found() -> list[tuple[str | None, str]]:
    return [(each.id, each.msg) for each in run_checks() if "video_classifier" in (each.id or "")]


def ids() -> list[str | None]:
    return [each for each, _ in found()]


def test_a_site_with_its_model_is_in_order(make_model: MakeModel, settings: Settings) -> None:
    make_model(settings.DEFAULT_MODEL)

    assert found() == []


def test_no_model_at_all_is_worth_a_warning() -> None:
    assert ids() == ["video_classifier.W001"]


def test_a_missing_default_is_an_error(make_model: MakeModel, settings: Settings) -> None:
    make_model("other")

    ((id_, text),) = found()

    assert id_ == "video_classifier.E001"
    assert settings.DEFAULT_MODEL in text


@pytest.mark.parametrize("is_up", [True, False], ids=["a database", "none yet"])
@pytest.mark.django_db
def test_models_in_a_bucket_are_known_once_there_is_a_database(
    bucket: Bucket,
    make_model: MakeModel,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_up: bool,
) -> None:
    made = make_model(settings.DEFAULT_MODEL)
    with stored_models.going_with_rows(stored_models.stored(made, settings.DEFAULT_MODEL)):
        pass
    made.rename(made.with_name("other"))

    def fail(*_: object) -> None:
        msg = "no such table"
        raise OperationalError(msg)

    if not is_up:
        monkeypatch.setattr(connection, "cursor", fail)

    assert ids() == ([] if is_up else ["video_classifier.E001"])


def test_a_default_that_does_not_match_its_card_is_an_error(
    make_model: MakeModel, settings: Settings
) -> None:
    (make_model(settings.DEFAULT_MODEL) / NETWORK_FILE).write_bytes(b"other weights")

    ((id_, text),) = found()

    assert id_ == "video_classifier.E002"
    assert NETWORK_FILE in text


def test_another_model_in_disorder_is_a_warning(make_model: MakeModel, settings: Settings) -> None:
    make_model(settings.DEFAULT_MODEL)
    (make_model("no weights") / NETWORK_FILE).unlink()
    (make_model("no card") / CARD_FILE).write_text("{")

    assert ids() == ["video_classifier.W002"] * 2


def test_a_heartbeat_as_slow_as_the_lease_is_an_error(
    make_model: MakeModel, settings: Settings
) -> None:
    make_model(settings.DEFAULT_MODEL)
    settings.ANALYSIS_LEASE = timedelta(seconds=10)
    settings.ANALYSIS_HEARTBEAT = timedelta(seconds=5)

    assert ids() == ["video_classifier.E003"]


def test_data_that_cannot_be_written_is_an_error(
    make_model: MakeModel, settings: Settings, tmp_path: Path
) -> None:
    make_model(settings.DEFAULT_MODEL)
    settings.DATA_DIR = tmp_path / "nowhere"

    assert ids() == ["video_classifier.E004"]


@pytest.mark.django_db
def test_a_database_that_answers_is_in_order() -> None:
    assert checks.database_answers(databases=["default"]) == []


@pytest.mark.django_db  # it may try
def test_a_database_that_cannot_be_reached_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgres://ada:secret@127.0.0.1:1/shoplift"  # where nobody listens
    monkeypatch.setenv("DATABASE_URL", address)
    unreachable = ConnectionHandler({"default": env.database("DATABASE_URL", Path())})
    monkeypatch.setattr(checks, "connections", unreachable)

    (error,) = checks.database_answers(databases=["default"])

    assert error.id == "video_classifier.E005"
    assert "127.0.0.1" in error.msg
    assert "secret" not in error.msg


def test_a_proxy_that_is_not_counted_is_worth_a_warning(
    make_model: MakeModel, settings: Settings
) -> None:
    make_model(settings.DEFAULT_MODEL)
    settings.HTTPS = True

    assert ids() == ["video_classifier.W003"]


def test_celery_has_to_be_installed_where_it_is_wanted(
    make_model: MakeModel, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model(settings.DEFAULT_MODEL)
    settings.RUNNER = "celery"
    assert ids() == []

    monkeypatch.setattr(checks, "find_spec", lambda _: None)

    assert ids() == ["video_classifier.E006"]


def test_messages_without_links_are_a_warning(settings: Settings, make_model: MakeModel) -> None:
    make_model(settings.DEFAULT_MODEL)
    settings.EMAIL_URL, settings.SITE_URL = "smtp://mail.example", ""

    assert ids() == ["video_classifier.W004"]


def test_a_bucket_that_nothing_here_can_speak_to_is_an_error(
    settings: Settings, make_model: MakeModel
) -> None:
    make_model(settings.DEFAULT_MODEL)
    missing = {"BACKEND": "not_installed.Bucket"}
    settings.STORAGES = settings.STORAGES | {"default": missing}

    assert ids() == ["video_classifier.E007"]


def test_a_damaged_model_does_not_keep_the_site_from_starting() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")

    assert not create_first_admin.Command.requires_system_checks
    assert "migrate --verbosity 0 --skip-checks" in makefile


def test_children_that_keep_the_network_are_worth_a_warning(
    make_model: MakeModel, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model(settings.DEFAULT_MODEL)
    monkeypatch.setattr(confinement, "is_possible", lambda: False)

    ((id_, text),) = found()

    assert id_ == "video_classifier.W005"
    assert "network" in text
