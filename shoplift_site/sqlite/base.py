"""Django's SQLite backend, which waits for the only lock for writers where that blocks nobody.

A connection that waits inside SQLite keeps its mutex. Should the garbage collector meanwhile find
a cursor of it that was never closed, as in the traceback of an error, it waits for that mutex, in
any thread: also in the one that has the lock, so that each waits for the other until the time-out.

The log names who keeps the lock for long from both sides: when somebody has waited in vain, with
the process that has the lock and the line that each open transaction of this one is at, and when
a transaction that took long is over.
"""

from __future__ import annotations

import logging
import math
import os
import sqlite3
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

logger = logging.getLogger(__name__)

INSIDE = 0.1  # seconds that a connection waits inside SQLite at a time
PAUSE = 0.01  # seconds in between, in which others get its mutex
LONG = 10.0  # seconds
SAID_EVERY = 60.0  # seconds: all who wait fail one after the other
DEEPEST = 30  # calls
LOCKS = Path("/proc/locks")  # of Linux
BYTE = 120  # of the index of the write-ahead log, which is locked by who writes

WAITED = (
    "A writer has waited for %.1f s in vain. The lock is by now that of %s. "
    "Open transactions of this process: %s"
)
HELD = "A transaction kept other writers out for %.1f s, and ends here:\n%s"
NONE = "none, so that another one has the lock"
UNNOTICED = "none, though it has the lock. Its threads:\n"


@dataclass(frozen=True, slots=True)
class _Open:
    """A transaction that has the lock."""

    database: object
    thread: int = field(default_factory=threading.get_ident)
    since: float = field(default_factory=time.monotonic)


_open: dict[int, _Open] = {}  # by the connection's id
_said = -SAID_EVERY


class DatabaseWrapper(base.DatabaseWrapper):
    """Waits for others who write, and notes when its transactions begin and end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patience: float = self.settings_dict["OPTIONS"].get("timeout", 5.0)  # seconds
        self.execute_wrappers.append(self._patiently)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """What it begins with may wait inside: it may have to recover the log after a crash."""
        connection = super().get_new_connection(conn_params)
        inside = min(INSIDE, self.patience)
        connection.execute(f"PRAGMA busy_timeout = {round(inside * 1000)}")
        return connection

    def _patiently(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,  # noqa: FBT001  (Django's signature)
        context: Any,
    ) -> Any:
        """Every statement: one that finds others writing has done nothing, and is tried again.

        Within a transaction none does, as it begins with the lock.
        """
        asked = time.monotonic()
        while True:
            try:
                return execute(sql, params, many, context)
            except OperationalError as error:
                waited = time.monotonic() - asked
                if waited < self.patience and not many and _is_locked_out(error):
                    time.sleep(PAUSE)
                    continue
                if waited >= LONG and _is_locked_out(error):
                    _say_who(waited, self.settings_dict["NAME"])
                raise

    def _start_transaction_under_autocommit(self) -> None:
        """As Django's, which leaves the cursor of what could not begin to the collector."""
        mode = self.transaction_mode or ""  # type: ignore[attr-defined]
        with self.cursor() as cursor:
            cursor.execute(f"BEGIN {mode}")
        _open[id(self)] = _Open(self.settings_dict["NAME"])

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        finally:
            self._note_end()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._note_end()

    def _close(self) -> None:
        """Ends what is open. SQLite would go on with it, and keep the lock, for as long as there is
        a cursor with rows that nobody has read, as in a traceback that is waiting to be collected.
        """
        try:
            if self.connection is not None and self.connection.in_transaction:
                self._rollback()
        finally:
            super()._close()  # type: ignore[misc]

    def close(self) -> None:
        super().close()
        _open.pop(id(self), None)

    def _note_end(self) -> None:
        ended = _open.pop(id(self), None)
        if ended is not None and (held := time.monotonic() - ended.since) >= LONG:
            logger.warning(HELD, held, "".join(traceback.format_stack(limit=DEEPEST)))


def _is_locked_out(error: OperationalError) -> bool:
    """Whether others write; not that a read has begun before they did, which no patience helps."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0)
    return bool(code & 0xFF == sqlite3.SQLITE_BUSY) and code != sqlite3.SQLITE_BUSY_SNAPSHOT


def _say_who(waited: float, database: object) -> None:
    global _said  # noqa: PLW0603
    now = time.monotonic()
    if now - _said < SAID_EVERY:
        return
    _said = now
    holder = _holder(database)
    frames = sys._current_frames()  # noqa: SLF001
    found = [
        f"for {now - each.since:.1f} s, by now here:\n{_stack(frames[each.thread])}"
        for each in list(_open.values())
        if each.database == database and each.thread in frames
    ]
    if not found and holder == os.getpid():
        found = [UNNOTICED, *map(_stack, frames.values())]
    who = "nobody that the system names" if holder is None else f"process {holder}"
    logger.warning(WAITED, waited, who, "\n".join(found) or NONE)


def _stack(frame: Any) -> str:
    return "".join(traceback.format_stack(frame, limit=DEEPEST))


def _holder(database: object) -> int | None:
    """The process that writes. None if nobody does by now, or the system doesn't tell."""
    try:
        inode = Path(f"{database}-shm").stat().st_ino
        return _process_with(inode, LOCKS.read_text().splitlines())
    except OSError:
        return None


def _process_with(inode: int, locks: Iterable[str]) -> int | None:
    """Whose lock on that file includes BYTE, of lines as proc_locks(5) has them."""
    for line in locks:
        _, *words = line.split()
        if words[:1] != ["POSIX"] or words[2] != "WRITE" or not words[4].endswith(f":{inode}"):
            continue  # "->" stands before one that waits
        first, last = (math.inf if each == "EOF" else int(each) for each in words[5:7])
        if first <= BYTE <= last:
            return int(words[3])
    return None
