"""Databases as they were after earlier migrations: each is made once, and a test has a copy."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pytest_django import DjangoDbBlocker

APP = "video_classifier"


def migrate(name: str | None = None) -> Any:
    """The models as they are after that migration, or after all."""
    executor = MigrationExecutor(connection)
    (newest,) = executor.loader.graph.leaf_nodes(APP)
    return executor.migrate([(APP, name) if name else newest]).apps


class Past:
    """`folder` is for the files of SQLite. A test asks the database in `at` or `copied` alone."""

    def __init__(self, folder: Path, blocker: DjangoDbBlocker) -> None:
        self._folder = folder
        self._blocker = blocker
        self._points: dict[str, str] = {}
        self._made = 0

    @contextmanager
    def at(self, name: str) -> Iterator[Any]:
        """Of the connection's own, without rows. Gives the models as they are after `name`."""
        with self.copied(self._point(name)):
            yield migrate(name)

    @contextmanager
    def copied(self, database: str | None = None) -> Iterator[None]:
        """The connection leads to a copy of that one, or of the one that it leads to."""
        copy = self.copy(database)
        try:
            with self.leads_to(copy):
                yield
        finally:
            self.drop(copy)

    @contextmanager
    def leads_to(self, database: str) -> Iterator[None]:
        """The connection, meanwhile."""
        usual = connection.settings_dict["NAME"]
        with self._blocker.unblock():
            _lead_to(database)
            try:
                yield
            finally:
                _lead_to(usual)

    def copy(self, database: str | None = None) -> str:
        """Of that one, or of the one that the connection leads to; who asks for it drops it."""
        return self._make(database or str(connection.settings_dict["NAME"]))

    def drop(self, name: str) -> None:
        if connection.vendor == "sqlite":
            Path(name).unlink()
        else:
            self._execute(f"DROP DATABASE {_quoted(name)} WITH (FORCE)")

    def forget(self) -> None:
        """Drops what it made itself."""
        for name in self._points.values():
            self.drop(name)

    def _make(self, source: str | None) -> str:
        """A copy, or an empty one."""
        self._made += 1
        name = f"past_{os.getpid()}_{self._made}"
        if connection.vendor == "sqlite":
            name = str(self._folder / name)
            _copy_file(source, name)
        else:
            _let_go()  # nobody may be in a template
            template = f" TEMPLATE {_quoted(source)}" if source else ""
            self._execute(f"CREATE DATABASE {_quoted(name)}{template}")
        return name

    def _point(self, name: str) -> str:
        """From the last that was made before it."""
        if name not in self._points:
            earlier = max((each for each in self._points if each < name), default=None)
            made = self._make(self._points[earlier] if earlier else None)
            with self.leads_to(made):
                _bring_to(name)
            self._points[name] = made
        return self._points[name]

    def _execute(self, statement: str) -> None:
        with self._blocker.unblock(), connection._nodb_cursor() as cursor:
            cursor.execute(statement)


def _bring_to(name: str) -> None:
    """The libraries' tables are the newest, whichever of ours is."""
    executor = MigrationExecutor(connection)
    libraries = [key for key in executor.loader.graph.leaf_nodes() if key[0] != APP]
    executor.migrate([*libraries, (APP, name)])


def _lead_to(database: str) -> None:
    _let_go()
    connection.settings_dict["NAME"] = database


def _let_go() -> None:
    connection.close()
    if close_pool := getattr(connection, "close_pool", None):  # PostgreSQL's
        close_pool()


def _copy_file(database: str | None, to: str) -> None:
    with closing(sqlite3.connect(to)) as copy:
        if database:
            with closing(sqlite3.connect(database)) as source:
                source.backup(copy)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
