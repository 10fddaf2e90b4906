"""A backup for which there is no room: it says so, and is none."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from django.db import connection

from tests.conftest import MakeClip
from video_classifier.services import backups
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
