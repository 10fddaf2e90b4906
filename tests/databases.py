"""What tests ask of the database, whichever it is."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, NoReturn, TypeVar

from django.apps import apps
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model, QuerySet, UniqueConstraint

T = TypeVar("T")


def broken_rule(error: IntegrityError) -> str:
    """The name of the constraint that the database complains of."""
    text = str(error)
    if columns := re.fullmatch(r"UNIQUE constraint failed: (.*)", text):  # SQLite names those alone
        return _unique(columns[1].split(", "))
    found = re.search(r"(?:constraint failed: |constraint \")(\w+)", text)
    assert found is not None, text
    return found[1]


def _unique(failed: list[str]) -> str:
    for model in apps.get_models():
        meta = model._meta
        columns = {field.name: f"{meta.db_table}.{field.column}" for field in meta.concrete_fields}
        for each in meta.constraints:
            if isinstance(each, UniqueConstraint) and failed == [columns[f] for f in each.fields]:
                return each.name
    msg = f"No constraint keeps {failed} unique."
    raise AssertionError(msg)


def empty() -> None:
    """Takes all rows away but those that migrating made and that no test changes.

    Django's own way makes the permissions and types of content anew, and on PostgreSQL the files of
    all tables: both take longer than most tests.
    """
    with transaction.atomic(), connection.cursor() as cursor:  # foreign keys wait for its end
        for table in _tables():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608


@functools.cache
def _tables() -> list[str]:
    """To be emptied."""
    kept = {"auth_permission", "django_content_type", MigrationRecorder.Migration._meta.db_table}
    return sorted(set(connection.introspection.django_table_names(only_existing=True)) - kept)


# As if nobody had counted any rows: indexes are made of empty tables, and so were counted as such.
_UNCOUNTED = """
UPDATE pg_class SET reltuples = -1, relpages = 0
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def plan(query: QuerySet[Any]) -> str:
    """How the database finds the rows if there are many."""
    if connection.vendor == "postgresql":  # which reads small tables as a whole, and sorts few rows
        execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        execute(_UNCOUNTED)
    return query.explain()


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def value(statement: str) -> Any:
    """The first of what the database answers."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def together(call: Callable[[], T], *, times: int) -> list[T]:
    """What `times` threads get that call it at the same moment; raises what one of them raises."""
    start = threading.Barrier(times)

    def wait_and_call() -> T:
        start.wait()
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as threads:
        return [each.result() for each in [threads.submit(wait_and_call) for _ in range(times)]]


def cut_off_others() -> None:
    """All other connections are lost, as when a server is restarted. SQLite has none."""
    if connection.vendor == "postgresql":
        execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def lose_connection(*_: object, **__: object) -> NoReturn:
    """This thread's, as when a network is cut: raises what the next statement gets."""
    if connection.vendor == "postgresql":
        execute("SELECT pg_terminate_backend(pg_backend_pid())")
    msg = "server closed the connection unexpectedly"
    raise OperationalError(msg)


@contextmanager
def busy(model: type[Model]) -> Iterator[None]:
    """Somebody else writes to the model's table, and who has to wait gives up soon."""
    holds = {
        "sqlite": "BEGIN IMMEDIATE",
        "postgresql": f"BEGIN; LOCK TABLE {model._meta.db_table} IN EXCLUSIVE MODE",
    }[connection.vendor]
    _wait_for(0.05)
    with closing(connection.copy()) as rival, rival.cursor() as cursor:
        cursor.execute(holds)
        yield
    _wait_for(20.0)


def _wait_for(seconds: float) -> None:
    """Others who write, at most."""
    if connection.vendor == "sqlite":
        connection.patience = seconds  # type: ignore[attr-defined]
    else:
        execute(f"SET lock_timeout = {round(seconds * 1000)}")


@contextmanager
def no_room(model: type[Model]) -> Iterator[None]:
    """The database can't grow, as on a full disk."""
    if connection.vendor == "sqlite":
        execute("VACUUM")  # pages that were freed would be room
        execute(f"PRAGMA max_page_count = {value('PRAGMA page_count')}")
        yield
        execute("PRAGMA max_page_count = 4294967294")
    else:
        execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$; "
            f"CREATE TRIGGER no_room BEFORE INSERT ON {model._meta.db_table} "
            "EXECUTE FUNCTION no_room()"
        )
        yield
        execute("DROP FUNCTION no_room CASCADE")
