"""What databases have in common: what they say when they can't do what was asked, and the time."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db import (
    DatabaseError,
    Error,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    models,
    transaction,
)

logger = logging.getLogger(__name__)

# SQLite's primary result codes, and the SQLSTATEs of PostgreSQL (its manual, appendix A).
_FULL = {sqlite3.SQLITE_FULL, "53100"}
_BUSY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    "40P01",  # deadlock
    "53300",  # too many connections
    "55P03",  # lock not available in time
}
_AWAY = {
    sqlite3.SQLITE_CANTOPEN,
    "53300",  # too many connections
    "57P01",  # it shuts down
    "57P02",  # it crashed
    "57P03",  # it starts
}
_LOST = "08"  # the class of what happens to connections

AWAY = (
    "The database does not answer, or too many ask it at once. What was saved is safe: wait a few "
    "seconds and try again; if it stays like this, tell your administrator."
)


START_SECONDS = 60.0  # that a process waits for it: after a power cut all starts at once
_PAUSE = 1.0  # from try to try

_of_parents: list[object] = []  # what a forked process must neither use nor close


def now() -> datetime:
    """By the one clock that all processes share, wherever they run. SQLite's is this machine's."""
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment


def release() -> None:
    """Closes this thread's connection, before it does for long what needs none."""
    if not connection.in_atomic_block:
        connection.close()


def give_back() -> None:
    """As `release`, to a pool that others take from; SQLite's connections stay open."""
    if connection.settings_dict["OPTIONS"].get("pool"):
        release()


def is_full(error: BaseException | None) -> bool:
    """Whether the disk that it writes to has no room left."""
    return _code(error) in _FULL


def is_busy(error: BaseException | None) -> bool:
    """Whether others kept it for too long: later it may do the same."""
    return _code(error) in _BUSY


def is_away(error: BaseException | None) -> bool:
    """Whether it can't be asked at all, or no connection to it became free in time."""
    code = _code(error)
    if code is None:  # the client's own: refused, cut off, closed, or the pool's time-out
        return isinstance(error, OperationalError | InterfaceError)
    return code in _AWAY or (isinstance(code, str) and code.startswith(_LOST))


def wait() -> None:
    """Returns once it answers, or after START_SECONDS: who asks next hears what is wrong."""
    until, is_told = time.monotonic() + START_SECONDS, False
    while (error := _silence()) is not None:
        if not is_told:
            logger.warning("waiting for the database for up to %.0f s: %s", START_SECONDS, error)
            is_told = True
        if time.monotonic() >= until:
            return
        time.sleep(_PAUSE)


def _silence() -> DatabaseError | InterfaceError | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        return error if is_busy(error) or is_away(error) else None
    finally:
        close_old_connections()
    return None


def lacks(table: type[models.Model]) -> bool:
    """Whether it says that it has no such table. One that says nothing yet may well have it."""
    try:
        table._default_manager.exists()  # noqa: SLF001
    except (DatabaseError, InterfaceError) as error:
        return not (is_busy(error) or is_away(error))
    finally:
        close_old_connections()
    return False


def unless_busy(write: Callable[[], object], *, patience: float = 0.0) -> None:
    """Writes what nobody misses: it is left out if others write just now, or the disk is full.

    A caller that would have to wait came for something else, which needs no lock. It waits for
    `patience` seconds at most.
    """
    try:
        with _waiting_at_most(patience), transaction.atomic():
            write()
    except DatabaseError as error:
        if not (is_busy(error) or is_full(error)):
            raise


@contextmanager
def _waiting_at_most(seconds: float) -> Iterator[None]:
    """SQLite has one lock for all; PostgreSQL one a row, which nobody keeps for long."""
    if connection.vendor != "sqlite":
        yield
        return
    usual = connection.patience  # type: ignore[attr-defined]  # of shoplift_site.sqlite
    connection.patience = min(seconds, usual)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.patience = usual  # type: ignore[attr-defined]


def _code(error: BaseException | None) -> int | str | None:
    """None where no server said any: of what isn't the database's, or of its client's own."""
    cause = error.__cause__ if isinstance(error, Error) else error
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF  # Python's own errors have none
    return getattr(cause, "sqlstate", None)


def _forget_pools() -> None:
    """A forked process opens connections of its own, and leaves those of its parent alone."""
    pools = getattr(connection, "_connection_pools", {})
    _of_parents.extend(pools.values())
    pools.clear()


os.register_at_fork(after_in_child=_forget_pools)
