"""What is left out when the database has no time or no room."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import (
    IntegrityError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)
from django.db.models import Model

from tests.conftest import MakeStore
from tests.databases import busy, cut_off_others, no_room, together
from video_classifier.models import AuditEntry, Store
from video_classifier.services import database
from video_classifier.states import Action

Trouble = Callable[[type[Model]], AbstractContextManager[None]]


def note() -> None:
    """More than fits into a page of SQLite's file."""
    AuditEntry.objects.create(action=Action.EXPORTED, details={"rows": "9" * 100_000})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("trouble", [busy, no_room])
def test_what_nobody_misses_is_left_out(trouble: Trouble) -> None:
    with trouble(AuditEntry):
        database.unless_busy(note)
        database.unless_busy(note, patience=0.01)
    assert not AuditEntry.objects.exists()

    database.unless_busy(note)

    assert AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_was_begun_before_goes_on() -> None:
    with no_room(AuditEntry), transaction.atomic():
        database.unless_busy(note)
        assert not AuditEntry.objects.exists()


def test_a_fault_is_no_lack_of_time(make_store: MakeStore) -> None:
    make_store("North")

    with pytest.raises(IntegrityError):
        database.unless_busy(lambda: Store.objects.create(name="North"))


def test_an_error_of_pythons_own_is_no_full_disk() -> None:
    """It has no code of SQLite's; the page for errors asks of any."""
    error = ProgrammingError("Cannot operate on a closed database.")
    error.__cause__ = sqlite3.ProgrammingError(str(error))

    assert not database.is_full(error)


def test_a_forked_process_neither_uses_nor_closes_the_pool_of_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool, pools = object(), {}
    pools["default"] = pool
    monkeypatch.setattr(database, "connection", SimpleNamespace(_connection_pools=pools))
    monkeypatch.setattr(database, "_of_parents", [])

    database._forget_pools()  # what the child of a fork does first

    assert (pools, database._of_parents) == ({}, [pool])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server to be away")
@pytest.mark.django_db(transaction=True)
def test_after_a_restart_of_the_server_the_first_request_is_answered() -> None:
    """However many connections of before are in the pool."""
    all_have_one = threading.Barrier(8)

    def hold_one() -> None:
        database.now()
        all_have_one.wait()

    together(hold_one, times=8)
    cut_off_others()

    assert together(database.now, times=1)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite compiles nothing")
@pytest.mark.django_db
@pytest.mark.parametrize("pool", [{}, {"pool": {"min_size": 1, "max_size": 1}}])
def test_no_query_is_compiled(pool: dict[str, Any]) -> None:
    made = connection.copy(alias="apart")
    options = made.settings_dict["OPTIONS"]
    options.pop("pool", None)
    options |= pool

    with closing(made), made.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)

    if pool:
        made.close_pool()  # type: ignore[attr-defined]


class Silent:
    """A database that answers only after so many questions."""

    def __init__(self, questions: int) -> None:
        self.left = questions

    def __call__(self, execute: Callable[..., object], *how: object) -> object:
        self.left -= 1
        if self.left >= 0:
            msg = "connection refused"
            raise OperationalError(msg)
        return execute(*how)


@pytest.mark.django_db(transaction=True)
def test_who_starts_waits_until_the_database_answers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database, "_PAUSE", 0.0)
    silent = Silent(3)

    with connection.execute_wrapper(silent):
        database.wait()

    assert silent.left == -1
    assert caplog.text.count("waiting for the database") == 1


@pytest.mark.django_db(transaction=True)
def test_a_table_is_lacking_only_where_the_database_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with connection.execute_wrapper(Silent(1)):
        assert not database.lacks(Store)
    assert not database.lacks(Store)

    monkeypatch.setattr(Store._meta, "db_table", "nowhere")
    assert database.lacks(Store)


def test_only_a_pool_gets_a_connection_back(monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[bool] = []
    options = connection.settings_dict["OPTIONS"]
    monkeypatch.setattr(database, "release", lambda: released.append(True))
    monkeypatch.delitem(options, "pool", raising=False)
    database.give_back()
    assert not released
    monkeypatch.setitem(options, "pool", {"max_size": 1})

    database.give_back()

    assert released
