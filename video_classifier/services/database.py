"""What the database says when it can't do what it was asked, whichever database it is."""

from __future__ import annotations

import sqlite3

from django.db import DatabaseError

# SQLite's primary result codes, and the SQLSTATEs of PostgreSQL (its manual, appendix A).
_FULL = {sqlite3.SQLITE_FULL, "53100"}
_BUSY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    "40P01",  # deadlock
    "53300",  # too many connections
    "55P03",  # lock not available in time
}


def is_full(error: BaseException | None) -> bool:
    """Whether the disk that it writes to has no room left."""
    return _code(error) in _FULL


def is_busy(error: BaseException | None) -> bool:
    """Whether others kept it for too long: later it may do the same."""
    return _code(error) in _BUSY


def _code(error: BaseException | None) -> int | str | None:
    cause = error.__cause__ if isinstance(error, DatabaseError) else None
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode & 0xFF
    return getattr(cause, "sqlstate", None)
