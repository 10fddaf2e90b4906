"""Backups of all that the site keeps, made while it runs, and their way back into an empty site.

Rows are saved as of one moment, and then the files that these rows know. Clips that come meanwhile
are in neither; files that go meanwhile are named. SHA256SUMS, which `sha256sum --check` reads, is
written last: a folder without it is no backup.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection, transaction

from video_classifier.ml.files import atomic_write, sha256
from video_classifier.models import (
    CaseExport,
    Clip,
    LiveEvent,
    OneTimePassword,
    SegmentCopy,
    StoredModel,
)
from video_classifier.services import database, disk, evidence, stored_models
from video_classifier.services.errors import Refused

SUMS = "SHA256SUMS"
MEDIA, MODELS, KEY = "media", "models", "secret_key"
ROWS = {"sqlite": "db.sqlite3", "postgresql": "db.dump"}
PIECE = 1024 * 1024
DEBIAN = Path("/usr/lib/postgresql")  # a folder a version, none of them on the PATH
FILES = (
    (Clip, "file"),
    (Clip, "playable"),
    (SegmentCopy, "file"),
    (LiveEvent, "still"),
    (CaseExport, "file"),
)

NOT_EMPTY = "{folder} is not empty. A backup goes into a folder of its own."
NO_BACKUP = f"{{folder}} has no {SUMS}: it is no backup, or one that was broken off."
DAMAGED = "The backup is damaged: {names}. Nothing was restored."
OTHER_KIND = "The backup's rows are not of the kind of database that the site has ({vendor})."
IN_USE = (
    "The site has rows already. Restore into one that is new: with another DATA_DIR and, on "
    "PostgreSQL, another, empty database."
)
FILES_THERE = "The storage of the site has files already. Restore into a site that is new."
NO_ROOM = (
    "There is no room left for {folder}. What is there is not complete: remove it, and choose a "
    "disk with more room."
)
NO_PROGRAM = (
    "PostgreSQL's program {name} is needed, of the server's version or newer. On Debian and "
    "Ubuntu: apt install postgresql-client"
)
FAILED = "{name} failed: {said}"

Rows = Callable[..., Iterator[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What is in a backup."""

    files: int
    size: int  # bytes of them
    gone: tuple[str, ...]  # that rows know and storage doesn't: deleted meanwhile, or lost before
    changed: tuple[str, ...]  # clips that are not what was uploaded


@contextmanager
def _noticing_no_room(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, DatabaseError, sqlite3.Error) as error:
        if disk.ran_full(error) or database.is_full(error):
            raise Refused(NO_ROOM.format(folder=folder)) from error
        if isinstance(error, sqlite3.Error):  # as where it can't make its journal
            raise Refused(FAILED.format(name="SQLite", said=error)) from error
        raise


def make(folder: Path) -> Made:
    """Raises Refused."""
    with _noticing_no_room(folder):
        return _made(folder)


def _made(folder: Path) -> Made:
    if folder.exists() and any(folder.iterdir()):
        raise Refused(NOT_EMPTY.format(folder=folder))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sums: dict[str, str] = {}
    with _rows_saved(folder) as rows:
        uploaded: dict[str, str] = dict(rows(Clip, "file", "sha256"))
        names = {name for model, field in FILES for (name,) in rows(model, field) if name}
        of_models = _stored_models(rows)
    names |= of_models.keys()
    uploaded |= of_models
    sums[ROWS[connection.vendor]] = sha256(folder / ROWS[connection.vendor])
    gone, changed = [], []
    for name in [*sorted(names), *_pictures()]:
        target = folder / MEDIA / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with default_storage.open(name) as source, _private(target) as copy:
                sums[f"{MEDIA}/{name}"] = _copied(source, copy)
        except FileNotFoundError:
            target.unlink(missing_ok=True)
            gone.append(name)
            continue
        if uploaded.get(name, sums[f"{MEDIA}/{name}"]) != sums[f"{MEDIA}/{name}"]:
            changed.append(name)
    for path in _beside():
        name = path.relative_to(settings.DATA_DIR).as_posix()
        target = folder / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("rb") as source, _private(target) as copy:
            sums[name] = _copied(source, copy)
    lines = (f"{digest}  {name}\n" for name, digest in sums.items())
    with atomic_write(folder / SUMS) as aside:
        aside.write_text("".join(lines))
    size = sum((folder / name).stat().st_size for name in sums)
    return Made(files=len(sums), size=size, gone=tuple(gone), changed=tuple(changed))


def why_not_here() -> str:
    """A sentence on what this machine lacks for backups; "" if it lacks nothing."""
    try:
        if connection.vendor == "postgresql":
            _program("pg_dump")
    except Refused as refusal:
        return str(refusal)
    return ""


def restore(folder: Path) -> int:
    """Into a site without rows and files; says how many files. Raises Refused."""
    with _noticing_no_room(settings.DATA_DIR):
        return _restored(folder)


def _restored(folder: Path) -> int:
    sums = _checked(folder)
    if ROWS[connection.vendor] not in sums:
        raise Refused(OTHER_KIND.format(vendor=connection.vendor))
    if _has_rows():
        raise Refused(IN_USE)
    names = [name.removeprefix(f"{MEDIA}/") for name in sums if name.startswith(f"{MEDIA}/")]
    if any(default_storage.exists(name) for name in names):
        raise Refused(FILES_THERE)
    for name in names:  # before the rows: there is never a row without its file
        if _is_for_the_disk(name):
            _put(folder / MEDIA / name, _on_disk(name))
        else:
            with (folder / MEDIA / name).open("rb") as file:
                default_storage.save(name, File(file))
    for name in sums:
        if name == KEY or name.startswith(f"{MODELS}/"):
            _put(folder / name, Path(name))
    _restore_rows(folder / ROWS[connection.vendor])
    return len(sums)


def _is_for_the_disk(name: str) -> bool:
    """Of a model that was in storage, where the new site has none elsewhere."""
    return name.startswith(f"{MODELS}/") and not stored_models.are_kept()


def _on_disk(name: str) -> Path:
    """In DATA_DIR: as in storage, without the token."""
    stored = Path(name)
    return stored.parent.parent / stored.name


def _put(source: Path, name: Path) -> None:
    """Into DATA_DIR."""
    target = Path(settings.DATA_DIR) / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        atomic_write(target) as aside,
        source.open("rb") as opened,
        _private(aside) as copy,
    ):
        shutil.copyfileobj(opened, copy)


def _checked(folder: Path) -> dict[str, str]:
    """The digest of each file, if all of them are right."""
    try:
        lines = (folder / SUMS).read_text().splitlines()
    except FileNotFoundError:
        raise Refused(NO_BACKUP.format(folder=folder)) from None
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    bad = [name for name, digest in sums.items() if not _is_right(folder, name, digest)]
    if bad:
        raise Refused(DAMAGED.format(names=", ".join(bad[:10])))
    return sums


def _is_right(folder: Path, name: str, digest: str) -> bool:
    path = folder / name
    return path.resolve().is_relative_to(folder.resolve()) and (
        path.is_file() and sha256(path) == digest
    )


@contextmanager
def _private(target: Path) -> Iterator[IO[bytes]]:
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    with target.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _copied(source: Any, copy: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := source.read(PIECE):
        digest.update(piece)
        copy.write(piece)
    return digest.hexdigest()


def _stored_models(rows: Rows) -> dict[str, str]:
    """The SHA-256 of each file of a model that is in storage, by its name there.

    On the disk, rows of before the site moved there say nothing.
    """
    if not stored_models.are_kept():
        return {}
    found: dict[str, str] = {}
    for name, token, files in rows(StoredModel, "name", "token", "files"):
        content = json.loads(files) if isinstance(files, str) else files
        row = StoredModel(name=name, token=UUID(str(token)), files=content)
        sums = (sha256 for _, sha256 in content.values())
        found |= dict(zip(row.stored_names, sums, strict=True))
    return found


def _pictures() -> Iterator[str]:
    """Of analyses; those of one that is gone are swept after a restore."""
    try:
        folders, _ = default_storage.listdir(evidence.FOLDER)
    except FileNotFoundError:
        return
    for each in sorted(folders):
        _, names = default_storage.listdir(f"{evidence.FOLDER}/{each}")
        yield from (f"{evidence.FOLDER}/{each}/{name}" for name in sorted(names))


def _beside() -> list[Path]:
    """What else can't be made again: the key of sessions and of sealed secrets, and models."""
    data = Path(settings.DATA_DIR)
    models = sorted(path for path in (data / MODELS).rglob("*") if path.is_file())
    return [*([data / KEY] if (data / KEY).is_file() else []), *models]


# Rows


@contextmanager
def _rows_saved(folder: Path) -> Iterator[Rows]:
    """Yields what reads from the very rows that were saved."""
    target = folder / ROWS[connection.vendor]
    saved = _saved_by_sqlite if connection.vendor == "sqlite" else _saved_by_postgresql
    with _private(target):
        pass
    with saved(target) as rows:
        yield rows


@contextmanager
def _saved_by_sqlite(target: Path) -> Iterator[Rows]:
    connection.ensure_connection()
    with closing(sqlite3.connect(target)) as copy:
        connection.connection.backup(copy)

        def rows(model: Any, *fields: str) -> Iterator[tuple[Any, ...]]:
            yield from copy.execute(_select(model, fields))

        yield rows
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without journals beside it


@contextmanager
def _saved_by_postgresql(target: Path) -> Iterator[Rows]:
    """By pg_dump, which sees what this transaction sees."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        _run("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={target}")

        def rows(model: Any, *fields: str) -> Iterator[tuple[Any, ...]]:
            cursor.execute(_select(model, fields))
            yield from cursor.fetchall()

        yield rows


def _select(model: Any, fields: tuple[str, ...]) -> str:
    """Names of our own models alone."""
    columns = ", ".join(f'"{model._meta.get_field(each).column}"' for each in fields)  # noqa: SLF001
    return f'SELECT {columns} FROM "{model._meta.db_table}"'  # noqa: S608, SLF001


def _has_rows() -> bool:
    """Of a site that was never migrated there are none; of PostgreSQL not even a table may be.

    On SQLite its first start doesn't count, with an administrator whom nobody has been yet.
    """
    tables = connection.introspection.table_names()
    if connection.vendor == "postgresql":
        return bool(tables)
    if not {each._meta.db_table for each in (Clip, User, OneTimePassword)} <= set(tables):  # noqa: SLF001
        return False
    return Clip.objects.exists() or User.objects.filter(one_time_password=None).exists()


def _restore_rows(source: Path) -> None:
    if connection.vendor == "postgresql":
        connection.close()
        options = ("--no-owner", "--exit-on-error", "--single-transaction")
        _run("pg_restore", *options, f"--dbname={connection.settings_dict['NAME']}", str(source))
        return
    connection.ensure_connection()
    with closing(sqlite3.connect(source)) as saved:
        saved.backup(connection.connection)


def _run(name: str, *words: str) -> None:
    """A program of PostgreSQL's. Raises Refused with what it said."""
    facts = connection.settings_dict
    options = {each: str(facts["OPTIONS"].get(each, "")) for each in ("sslmode", "sslrootcert")}
    told = {  # not as words, which every user of the machine can read
        "PGHOST": facts["HOST"],
        "PGPORT": str(facts["PORT"]),
        "PGUSER": facts["USER"],
        "PGPASSWORD": facts["PASSWORD"],
        "PGDATABASE": facts["NAME"],
        "PGSSLMODE": options["sslmode"],
        "PGSSLROOTCERT": options["sslrootcert"],
    }
    environment = os.environ | {key: value for key, value in told.items() if value}
    done = subprocess.run(  # noqa: S603
        [_program(name), *words], check=False, capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise Refused(FAILED.format(name=name, said=done.stderr.strip()[-500:]))


def _program(name: str) -> str:
    if found := shutil.which(name):
        return found
    newest = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda each: float(each.parts[-3]))
    if not newest:
        raise Refused(NO_PROGRAM.format(name=name))
    return str(newest[-1])
