"""Whether this process can do its work: what each thing that it needs says.

It tells strangers, too, so sentences here name no path, no address and no person.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from video_classifier.models import Feed, ModelVersion
from video_classifier.services import backlog, catalog, disk, files
from video_classifier.services.errors import Refused
from video_classifier.states import IN_USE

logger = logging.getLogger(__name__)

HANGS_SECONDS = 3.0  # after which the storage counts as away
REMEMBERED_SECONDS = 2.0  # so that however many ask, little is asked in turn

NO_DATABASE = "The database doesn't answer."
OLD_DATABASE = "The database is older than this version of the site: run `manage.py migrate`."
STUCK = "The oldest job has waited for {minutes} minutes, and no worker does any."
NO_STORAGE = "Files can't be reached: the storage of clips doesn't answer as it should."
NO_MODEL = "The default model can't be used: `manage.py check` says why."
NO_VERSION = (
    "A model that cameras use, or a version that a store does, can't be used on this machine: "
    "`manage.py doctor` says which."
)
DISK_FULL = "The disk is nearly full, so uploads are refused."


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was looked at, and a sentence if it isn't as it should be."""

    subject: str
    problem: str = ""
    note: str = ""  # a sentence on what is wrong for some, while the site can work


def findings() -> tuple[Finding, ...]:
    """Of each thing. What needs the database isn't asked if that doesn't answer."""
    database = Finding(subject="database", problem=_database())
    of_database = [] if database.problem else [_found("migrations", _migrations)]
    if not any(each.problem for each in (database, *of_database)):
        of_database.append(_found("queue", _queue))
        of_database.append(_in_use())
    others = {"storage": _storage, "models": _models, "disk": _disk}
    return (database, *of_database, *(_found(name, look) for name, look in others.items()))


def _in_use() -> Finding:
    """One store's loss: other stores, and who goes back from the version, need the site."""
    try:
        lost = bool(unreachable())
    except DatabaseError:
        lost = False
    return Finding(subject="models in use", note=NO_VERSION if lost else "")


def unreachable() -> tuple[str, ...]:
    """Sentences on versions that a store uses and models of live cameras that can't be used here.

    What this machine hasn't is fetched.
    """
    used = ModelVersion.objects.filter(state__in=IN_USE)
    names = {each.name for each in used.only("model", "number")}
    names |= set(Feed.objects.enabled().values_list("model", flat=True))
    return tuple(filter(None, map(_problem, sorted(names - {settings.DEFAULT_MODEL}))))


def _problem(name: str) -> str:
    try:
        catalog.usable(name)
    except Refused as refusal:
        return f"“{name}” is in use: {refusal}"
    return ""


def _found(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject=subject, problem=look())
    except DatabaseError:
        return Finding(subject=subject, problem=NO_DATABASE)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return NO_DATABASE
    return ""


def _migrations() -> str:
    return OLD_DATABASE if lacks_migrations() else ""


def lacks_migrations() -> bool:
    applied = MigrationRecorder(connection).applied_migrations()
    return not _known_migrations() <= set(applied)


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Those of this code, which don't change while it runs."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    replaced = {key for each in loader.disk_migrations.values() for key in each.replaces}
    return frozenset(set(loader.disk_migrations) - replaced)


def _queue() -> str:
    waited = backlog.stuck_for(backlog.of_each_kind())
    if waited <= settings.READY_QUEUE_AGE:
        return ""
    return STUCK.format(minutes=int(waited.total_seconds() // 60))


def _storage() -> str:
    return _storage_in_time.ask()


class _InTime:
    """A look from a thread of its own: what a disk hangs for can't be broken off.

    While one hangs no other is begun.
    """

    def __init__(self, look: Callable[[], str], *, silence: str) -> None:
        self._look, self._silence = look, silence
        self._said: list[str] = []
        self._thread: threading.Thread | None = None

    def ask(self) -> str:
        if self._thread is None or not self._thread.is_alive():
            self._said = said = []
            self._thread = threading.Thread(target=lambda: said.append(self._look()), daemon=True)
            self._thread.start()
        self._thread.join(HANGS_SECONDS)
        return self._said[0] if self._said else self._silence


def _look_at_storage() -> str:
    try:
        return "" if files.are_usable() else NO_STORAGE
    except Exception as error:  # noqa: BLE001  (each kind of storage has errors of its own)
        logger.warning("the storage of files does not answer: %s", type(error).__name__)
        return NO_STORAGE


_storage_in_time = _InTime(_look_at_storage, silence=NO_STORAGE)


def _models() -> str:
    try:
        catalog.usable(settings.DEFAULT_MODEL)
    except Refused:
        return NO_MODEL
    return ""


def _disk() -> str:
    return DISK_FULL if disk.is_nearly_full() else ""


class _Memory:
    def __init__(self) -> None:
        self._looking = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._at, self._found = float("-inf"), ()

    def get(self) -> tuple[Finding, ...]:
        with self._looking:
            if time.monotonic() - self._at > REMEMBERED_SECONDS:
                self._found = findings()
                self._at = time.monotonic()
            return self._found

    _found: tuple[Finding, ...]


memory = _Memory()


def recent() -> tuple[Finding, ...]:
    """As `findings`, of two seconds ago at most."""
    return memory.get()
