"""The kinds of site that faults are tried on: their parts, and where rows and files are.

A set-up is a class here and a name in SETUPS. What a fault may hit is what the set-up has.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from scripts._lib import material, ports
from scripts._lib.live_site import LiveSite
from scripts._lib.processes import Clock, Service
from scripts._lib.proxy import Proxy
from scripts._lib.servers import Bucket, Disk, Postgres, Redis
from scripts._lib.site_under_test import SERVED
from scripts.faults.storage import Storage

MEGABYTES = 400  # of the disk that files are on
LEASE = 6  # seconds
# Quick to notice a death; a job may be killed often, and still has to end.
SETTINGS = {
    "ANALYSIS_LEASE": str(LEASE),
    "ANALYSIS_HEARTBEAT": "1",
    "ANALYSIS_ATTEMPTS": "50",
    "WAITING_PER_USER": "1000",
    "UPLOADS_PER_USER": "1000",
    "UPLOADS_MAX_BYTES": str(300 * 2**20),
    "DISK_FLOOR_BYTES": "0",
    "API_RATE": "100000",
    "DEFAULT_MODEL": material.MODEL,
    "CAMERA_NETWORKS": "127.0.0.1/32",
    "ALERT_NETWORKS": "127.0.0.1/32",
}
_PREPARE = """
import os, django
django.setup()
from django.contrib.auth.models import User
from video_classifier.models import Store
from video_classifier.services import channels
from video_classifier.states import ChannelKind
choices = channels.Choices(
    target=os.environ["RECEIVER"], all_stores=True, tells_recordings=True, camera_pause=0
)
channels.create(ChannelKind.WEBHOOK, "Desk", choices, by=User.objects.get())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Another site, new and empty, for a backup to be restored into."""

    environment: dict[str, str]
    rows: Callable[[str], list[tuple[Any, ...]]]
    sha256: Callable[[str], str | None]  # of a stored file, by its name; None if it isn't there


class Setup(LiveSite):
    """One process that does everything, on SQLite, as `make run` has it."""

    name = "sqlite"
    environment: dict[str, str] = {}

    def __init__(self, folder: Path, models: Path, *, receiver: str, **environment: str) -> None:
        self.folder = folder
        self.troubles: list[str] = []  # that a fault itself found, in sentences
        self.later: list[Callable[[], list[str]]] = []  # more of them, once nothing flows
        self.stack = ExitStack()
        self.disk = self._mounted("data") if Disk.is_possible(folder) else None
        data = folder / "data"
        data.mkdir(exist_ok=True)
        self.storage = Storage(data, folder / "storage") if self._breaks_storage() else None
        super().__init__(
            data,
            **SETTINGS,
            MODELS_STORAGE=str(models),
            RECEIVER=receiver,
            **self.environment,
            **environment,
        )
        self.clock = Clock(folder / "clock")
        self.front = Proxy(int(self.address.rpartition(":")[2]))
        self.stack.callback(self.front.close)
        self._run("-c", _PREPARE)
        self.key = self.api_key()
        self.web = self._service("web", "-m", "gunicorn", *SERVED)
        self.workers: list[Service] = []
        self.watchers: list[Service] = []

    def _breaks_storage(self) -> bool:
        """Whether its files are on a disk here, which can be had fail."""
        return Storage.is_possible()

    def _mounted(self, name: str) -> Disk:
        disk = Disk(self.folder / name, MEGABYTES)
        self.stack.callback(disk.remove)
        return disk

    def _service(self, name: str, *words: str) -> Service:
        log = self.folder / f"{name}.log"
        failing = self.storage.environment if self.storage else {}
        return Service(name, [sys.executable, *words], self._environment | failing, log)

    @property
    def services(self) -> list[Service]:
        return [self.web, *self.workers, *self.watchers]

    def up(self, **environment: str) -> None:
        """Starts what isn't running, and waits until the site answers."""
        for each in self.services:
            if not each.is_running:
                each.start(**environment)
        until = time.monotonic() + 90
        while not self.is_healthy() and time.monotonic() < until:
            if not self.web.is_running:  # as where the disk is full
                time.sleep(0.5)
                self.web.start(**environment)
            time.sleep(0.1)

    def down(self) -> None:
        """In good order, and everything is gone."""
        for each in self.services:
            each.end()
        self.stack.close()

    def kill(self) -> list[psutil.Process]:
        for each in self.services:
            each.kill_all()
        return []

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.data / "db.sqlite3", timeout=20)) as database:
            return database.execute(query).fetchall()

    def change(self, statement: str) -> None:
        """What the site itself would do later."""
        with closing(sqlite3.connect(self.data / "db.sqlite3", timeout=20)) as database, database:
            database.execute(statement)

    def before(self, column: str, minutes: int) -> str:
        """In SQL: so long before that moment."""
        return f"strftime('%Y-%m-%d %H:%M:%f', {column}, '-{minutes} minutes')"

    def is_sound(self) -> bool:
        """As the database itself sees it."""
        return bool(self.rows("PRAGMA quick_check") == [("ok",)])

    def seconds_since(self, column: str) -> str:
        """In SQL."""
        return f"(julianday('now') - julianday({column})) * 86400"

    def key_of(self, value: object) -> str:
        """A row's id as messages have it."""
        return str(uuid.UUID(str(value)))

    def stored(self) -> set[str]:
        """The names of the files in storage."""
        media = self.data / "media"
        return {path.relative_to(media).as_posix() for path in media.rglob("*") if path.is_file()}

    def age(self, names: Iterable[str], *, seconds: float) -> None:
        """Makes files in storage as old as the sweep wants them."""
        past = time.time() - seconds
        for name in names:
            os.utime(self.data / "media" / name, (past, past))

    def part(self, word: str) -> list[psutil.Process]:
        """Processes of the site that have that word in their command."""
        found = []
        for service in self.services:
            for each in service.family():
                with suppress(psutil.NoSuchProcess):
                    if word in " ".join(each.cmdline()):
                        found.append(each)
        return found

    def manage(self, *words: str) -> str:
        return self._run("manage.py", *words)

    @property
    def environment_of_commands(self) -> dict[str, str]:
        return dict(self._environment)

    def elsewhere(self, folder: Path) -> Elsewhere:
        """With its data in that folder, which is new."""
        folder.mkdir()

        def rows(query: str) -> list[tuple[Any, ...]]:
            with closing(sqlite3.connect(folder / "db.sqlite3")) as database:
                return database.execute(query).fetchall()

        return self._elsewhere(folder, rows)

    def _elsewhere(
        self, folder: Path, rows: Callable[[str], list[tuple[Any, ...]]], **settings: str
    ) -> Elsewhere:
        def sha256(name: str) -> str | None:
            path = folder / "media" / name
            return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None

        return Elsewhere(
            environment={**self._environment, "DATA_DIR": str(folder), **settings},
            rows=rows,
            sha256=sha256,
        )

    @property
    def working(self) -> Sequence[Service]:
        """Those that do jobs."""
        return self.workers or [self.web]

    @property
    def watching(self) -> list[psutil.Process]:
        return self.part("watch_cameras")


@contextmanager
def _or_else(end: Callable[[], None]) -> Iterator[None]:
    """Ends what was started before, if this breaks or is broken off."""
    try:
        yield
    except BaseException:
        end()
        raise


class OnPostgres(Setup):
    """Web server, two workers and a watcher beside each other, on PostgreSQL."""

    name = "postgres"
    environment = {"RUNNER": "none", "WATCHER": "none"}
    worker_command: tuple[str, ...] = ("manage.py", "run_worker")

    def __init__(self, folder: Path, models: Path, *, receiver: str, **environment: str) -> None:
        port = ports.free()
        place = folder / "postgres"
        self.disk_of_database = (
            Storage(place / Postgres.DATA, folder / "postgres-storage", stored="pg_wal")
            if Storage.is_possible()
            else None
        )
        failing = self.disk_of_database.environment if self.disk_of_database else {}
        self.server = Postgres(place, port, environment=failing)
        self.behind = Proxy(port)
        with _or_else(self.server.kill):
            super().__init__(
                folder,
                models,
                receiver=receiver,
                DATABASE_URL=self.server.address(self.behind.port),
                **environment,
            )
        self.stack.callback(self.server.end)
        self.stack.callback(self.behind.close)
        self.workers = [self._service(f"worker-{n}", *self.worker_command) for n in (1, 2)]
        self.watchers = [self._service("watcher", "manage.py", "watch_cameras")]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.server.connection() as connection:
            return connection.execute(query.encode()).fetchall()

    def change(self, statement: str) -> None:
        with self.server.connection() as connection:
            connection.execute(statement.encode())

    def before(self, column: str, minutes: int) -> str:
        return f"{column} - INTERVAL '{minutes} minutes'"

    def elsewhere(self, folder: Path) -> Elsewhere:
        folder.mkdir()
        name = f"restored_{uuid.uuid4().hex}"
        with self.server.connection() as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())

        def rows(query: str) -> list[tuple[Any, ...]]:
            with self.server.connection(name) as connection:
                return connection.execute(query.encode()).fetchall()

        address = self.server.address(self.server.port, name)
        return self._elsewhere(folder, rows, DATABASE_URL=address)

    def is_sound(self) -> bool:
        return True  # PostgreSQL checks its pages as it reads them

    def seconds_since(self, column: str) -> str:
        return f"EXTRACT(EPOCH FROM statement_timestamp() - {column})"


class OnSeveral(OnPostgres):
    """As on several machines: workers that Celery wakes through Redis, and files in a bucket."""

    name = "celery"
    environment = {"RUNNER": "celery", "WATCHER": "none", "STORAGE_TIMEOUT": "3"}
    worker_command = ("-m", "celery", "--app", "shoplift_site", "worker")

    def __init__(self, folder: Path, models: Path, *, receiver: str) -> None:
        self.redis = Redis()
        self.redis.start()
        self.bucket = Bucket()
        with _or_else(self.redis.kill):
            super().__init__(
                folder,
                models,
                receiver=receiver,
                BROKER_URL=self.redis.address,
                STORAGE_URL=self.bucket.address,
            )
        self.stack.callback(self.redis.kill)
        self.stack.callback(self.bucket.close)

    def _breaks_storage(self) -> bool:
        return False

    def stored(self) -> set[str]:
        return self.bucket.names()

    def elsewhere(self, folder: Path) -> Elsewhere:
        place = super().elsewhere(folder)
        name = f"restored-{uuid.uuid4().hex}"
        return Elsewhere(
            environment={**place.environment, "STORAGE_URL": self.bucket.another(name)},
            rows=place.rows,
            sha256=lambda key: self.bucket.sha256(key, bucket=name),
        )

    def age(self, names: Iterable[str], *, seconds: float) -> None:
        self.bucket.age(names, seconds=seconds)


SETUPS: dict[str, type[Setup]] = {each.name: each for each in (Setup, OnPostgres, OnSeveral)}
