"""A backup for which there is no room: it says so, and is none."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.conftest import MakeClip
from video_classifier.services import accounts, backups
from video_classifier.services.errors import Refused


def no_room(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def no_journal(*_: object) -> NoReturn:
    msg = "unable to open database file"
    raise sqlite3.OperationalError(msg)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("place", "fails", "says"),
    [
        ("_copied", no_room, "There is no room left for"),
        ("_saved_by_sqlite", no_room, "There is no room left for"),
        ("_saved_by_sqlite", no_journal, "SQLite failed: unable to open database file"),
    ],
)
def test_a_disk_without_room_for_a_backup_is_told_in_a_sentence(
    make_clip: MakeClip,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    fails: Callable[..., NoReturn],
    says: str,
) -> None:
    if place == "_saved_by_sqlite" and connection.vendor != "sqlite":
        pytest.skip("pg_dump has a failure of its own")
    make_clip()
    monkeypatch.setattr(backups, place, fails)

    with pytest.raises(Refused, match=says):
        backups.make(tmp_path / "saved")

    assert not (tmp_path / "saved" / backups.SUMS).exists()


@pytest.mark.django_db(transaction=True)
def test_a_site_that_somebody_uses_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it has no clips yet: there may be accounts, cameras and channels."""
    if connection.vendor != "sqlite":
        pytest.skip("in PostgreSQL not even a table may be")
    saved, written = tmp_path / "saved", list[Path]()
    monkeypatch.setattr(backups, "_restore_rows", written.append)
    accounts.create_first_admin()
    made = backups.make(saved)
    assert made.size >= (saved / "db.sqlite3").stat().st_size  # of all that was saved

    backups.restore(saved)
    User.objects.create_user("ada")
    with pytest.raises(Refused, match="The site has rows already"):
        backups.restore(saved)

    assert written == [saved / "db.sqlite3"]


@pytest.mark.parametrize(("vendor", "is_needed"), [("sqlite", False), ("postgresql", True)])
def test_a_machine_without_the_databases_programs_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    vendor: str,
    is_needed: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(connection, "vendor", vendor)
    monkeypatch.setattr(backups, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert ("pg_dump is needed" in backups.why_not_here()) == is_needed
