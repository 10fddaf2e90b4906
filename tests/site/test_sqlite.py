"""Who kept the only lock for writers for long is in the log."""

from __future__ import annotations

import gc
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from shoplift_site.sqlite import base
from shoplift_site.sqlite.base import DatabaseWrapper

pytestmark = pytest.mark.django_db

MakeConnection = Callable[[], DatabaseWrapper]


@pytest.fixture
def make_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeConnection:
    options = {"transaction_mode": "IMMEDIATE", "timeout": 0.2}
    database = {"ENGINE": "shoplift_site.sqlite", "NAME": tmp_path / "a", "OPTIONS": options}
    monkeypatch.setattr(base, "LONG", 0.1)
    monkeypatch.setattr(base, "_said", -base.SAID_EVERY)

    def make() -> DatabaseWrapper:
        made = ConnectionHandler({"default": database})["default"]
        assert isinstance(made, DatabaseWrapper)
        return made

    return make


def begin(connection: DatabaseWrapper) -> None:
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def end(connection: DatabaseWrapper) -> None:
    connection.commit()
    connection.set_autocommit(True)
    connection.close()


def forgetful(make: MakeConnection, began: threading.Event, may_end: threading.Event) -> None:
    """Waits for something else than the disk."""
    connection = make()
    begin(connection)
    began.set()
    may_end.wait(60)
    end(connection)


def test_both_sides_name_it(
    make_connection: MakeConnection, caplog: pytest.LogCaptureFixture
) -> None:
    began, may_end = threading.Event(), threading.Event()
    holder = threading.Thread(target=forgetful, args=(make_connection, began, may_end))
    holder.start()
    began.wait(60)

    for _ in range(2):  # and is not said again at once
        with pytest.raises(OperationalError, match="locked"):
            begin(make_connection())
    may_end.set()
    holder.join()

    waited, held = (each.getMessage() for each in caplog.records)
    assert re.match(r"A writer has waited for \d+\.\d s", waited)
    assert "in forgetful" in waited
    assert re.match(r"A transaction kept other writers out for \d+\.\d s", held)
    assert "in forgetful" in held


def test_a_lock_that_no_transaction_of_this_process_has_is_blamed_on_none(
    make_connection: MakeConnection, caplog: pytest.LogCaptureFixture
) -> None:
    other = make_connection()
    other.ensure_connection()
    other.connection.execute("BEGIN IMMEDIATE")  # unnoticed

    with pytest.raises(OperationalError, match="locked"):
        begin(make_connection())

    assert base.NONE in caplog.text
    other.close()


@pytest.mark.skipif(not base.LOCKS.exists(), reason="only Linux tells who has a lock")
def test_what_was_left_open_unnoticed_is_looked_for_in_the_threads(
    make_connection: MakeConnection, caplog: pytest.LogCaptureFixture
) -> None:
    """A statement by itself is a transaction, and lasts until its rows are read."""
    holder, other = make_connection(), make_connection()
    for each in (holder, other):
        each.cursor().execute("PRAGMA journal_mode = WAL")
    holder.cursor().execute("CREATE TABLE a (b)")
    unread = holder.cursor()
    unread.execute("INSERT INTO a VALUES (1), (2) RETURNING b")

    with pytest.raises(OperationalError, match="locked"):
        other.cursor().execute("DELETE FROM a")

    assert f"that of process {os.getpid()}." in caplog.text
    assert base.UNNOTICED in caplog.text
    unread.close()
    holder.close()
    other.close()


@pytest.mark.parametrize(
    ("line", "holder"),
    [
        ("1: POSIX  ADVISORY  WRITE 17 fe:00:42 120 120", 17),
        ("1: POSIX  ADVISORY  WRITE 17 fe:00:42 120 EOF", 17),
        ("1: POSIX  ADVISORY  WRITE 17 fe:00:43 120 120", None),
        ("1: POSIX  ADVISORY  WRITE 17 fe:00:42 121 127", None),
        ("1: POSIX  ADVISORY  READ  17 fe:00:42 120 120", None),
        ("1: -> POSIX  ADVISORY  WRITE 17 fe:00:42 120 120", None),
        ("1: FLOCK  ADVISORY  WRITE 17 fe:00:42 0 EOF", None),
    ],
)
def test_who_writes_is_read_from_what_the_system_says_of_locks(
    line: str, holder: int | None
) -> None:
    assert base._process_with(42, [line]) == holder


def test_to_close_a_connection_ends_its_transaction_though_rows_are_unread(
    make_connection: MakeConnection,
) -> None:
    connection, other = make_connection(), make_connection()
    begin(connection)
    unread = connection.cursor()
    unread.execute("SELECT 1 UNION ALL SELECT 2")
    unread.fetchone()

    connection.close()

    begin(other)
    end(other)


@pytest.mark.parametrize("is_transaction", [True, False])
def test_a_cursor_of_who_waits_may_be_collected_by_who_has_the_lock(
    make_connection: MakeConnection, monkeypatch: pytest.MonkeyPatch, *, is_transaction: bool
) -> None:
    """Both would wait for each other, until patience ends, if it waited inside SQLite."""
    holder, other = make_connection(), make_connection()
    holder.cursor().execute("CREATE TABLE a (b)")
    other.patience = 60.0
    unread = other.cursor()
    unread.execute("SELECT 1 UNION ALL SELECT 2")
    unread.fetchone()
    waits = threading.Event()
    monkeypatch.setattr(time, "sleep", lambda _: waits.set())
    begin(holder)
    failed = []

    def write() -> None:
        try:
            if is_transaction:
                begin(other)
            other.cursor().execute("INSERT INTO a VALUES (1)")
        except OperationalError as error:
            failed.append(error)

    writer = threading.Thread(target=write)
    other.inc_thread_sharing()
    writer.start()
    assert waits.wait(60)
    unread.close()  # as the collector does in the thread in which it runs just then
    end(holder)
    writer.join()

    assert not failed
    other.close()


def test_a_transaction_that_cannot_begin_leaves_no_open_cursor_in_its_traceback(
    make_connection: MakeConnection,
) -> None:
    holder, other = make_connection(), make_connection()
    begin(holder)

    with pytest.raises(OperationalError) as refused:
        begin(other)

    # By its type: a proxy of what is gone says no class.
    cursors = [each for each in gc.get_objects() if issubclass(type(each), sqlite3.Cursor)]
    left = [each for each in cursors if each.connection is other.connection]
    assert left
    for each in left:
        with pytest.raises(sqlite3.ProgrammingError, match="closed cursor"):
            each.fetchone()
    assert "locked" in str(refused.value)  # whose traceback has them
    end(holder)
    other.close()


def test_what_is_short_is_not_said(
    make_connection: MakeConnection,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "LONG", 30.0)
    connection = make_connection()

    begin(connection)
    with pytest.raises(OperationalError, match="locked"):
        begin(make_connection())
    end(connection)

    assert not caplog.records


def test_what_a_connection_begins_with_waits_for_others_as_well(
    make_connection: MakeConnection,
) -> None:
    """After a crash the first one recovers the log, and the others wait for it."""
    began, may_end = threading.Event(), threading.Event()
    holder = threading.Thread(target=forgetful, args=(make_connection, began, may_end))
    holder.start()
    began.wait(60)
    threading.Timer(3 * base.INSIDE, may_end.set).start()
    late = make_connection()
    late.settings_dict["OPTIONS"] |= {"timeout": 60, "init_command": "CREATE TABLE a (b)"}

    late.connect()

    late.close()
    holder.join()
