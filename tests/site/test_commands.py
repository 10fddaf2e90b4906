"""Commands that the machine lets down say so in a sentence."""

from __future__ import annotations

import errno
import sqlite3

import pytest
from django.db import DatabaseError, OperationalError

from shoplift_site import commands
from video_classifier.services import disk


def caused(error: DatabaseError, code: int) -> DatabaseError:
    cause = sqlite3.OperationalError()
    cause.sqlite_errorcode = code
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "Make room, then run it again."),
        (caused(DatabaseError("full"), sqlite3.SQLITE_FULL), "no room left"),
        (caused(OperationalError("locked"), sqlite3.SQLITE_BUSY), "kept the database"),
        (OperationalError("connection refused"), "database can't be reached"),
        (disk.AwayError("away"), "storage that files are kept in"),
    ],
)
def test_what_the_machine_lacks_is_said(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(commands, "execute_from_command_line", fail)

    with pytest.raises(SystemExit) as ended:
        commands.run(["manage.py", "backup"])
    with pytest.raises(type(error)):
        commands.run(["manage.py", "backup", "--traceback"])

    assert said in str(ended.value.code)


def test_a_mistake_of_the_code_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise KeyError

    monkeypatch.setattr(commands, "execute_from_command_line", fail)

    with pytest.raises(KeyError):
        commands.run(["manage.py", "backup"])
