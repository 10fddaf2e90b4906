"""Models that were made here, in storage where that is on another machine.

A row names the files of a model, and is committed once all of them are stored; what takes a model's
place has other files. On the disk there is none of this. services.model_copies fetches them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction

from video_classifier.ml import files as ml_files
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Card
from video_classifier.models import StoredModel
from video_classifier.services import database, disk, files

REMEMBERED_SECONDS = 2.0  # what rows say, so that a page asks once for all that it shows


class Content(NamedTuple):
    """Of a file, as rows have it."""

    size: int  # bytes
    sha256: str


Manifest = Mapping[str, Content]  # by the names of files in the folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a row says of a model."""

    name: str
    token: str
    stored: str  # the folder in storage
    files: Manifest
    card: Card | None  # None: this code can't read it


def are_kept() -> bool:
    """Whether models that are made go into storage: where that is on another machine."""
    return files.remote() is not None


# What there is


class _Memory:
    """What rows said a moment ago, in this process.

    Threads share it and don't wait for each other: of several that find it old, each asks.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._found: dict[str, tuple[float, Found | None]] = {}
        self._names: tuple[float, tuple[str, ...]] = (float("-inf"), ())

    def names(self) -> tuple[str, ...]:
        at, names = self._names
        if time.monotonic() - at > REMEMBERED_SECONDS:
            rows = StoredModel.objects.filter(version=None).order_by("name")
            names = tuple(rows.values_list("name", flat=True))
            self._names = time.monotonic(), names
        return names

    def find(self, name: str) -> Found | None:
        at, known = self._found.get(name, (float("-inf"), None))
        if time.monotonic() - at > REMEMBERED_SECONDS:
            known = _read(name, known)
            self._found[name] = time.monotonic(), known
        return known


def _read(name: str, known: Found | None) -> Found | None:
    if "\0" in name:  # nothing is called so, and PostgreSQL doesn't even look
        return None
    rows = StoredModel.objects.filter(name=name)
    if known is not None:
        token = rows.values_list("token", flat=True).first()
        if token is None or token.hex == known.token:
            return known if token else None
    row = rows.first()
    return None if row is None else found(row)


def found(row: StoredModel) -> Found:
    """What the row says."""
    return Found(
        name=row.name,
        token=row.token.hex,
        stored=row.folder,
        files={name: Content(*of) for name, of in row.files.items()},
        card=_card(row.card),
    )


def _card(content: object) -> Card | None:
    try:
        return ml_files.typed(content, Card)
    except ValueError:  # of other code than this
        return None


_memory = _Memory()


def forget() -> None:
    """Has rows read anew."""
    _memory.forget()


def names() -> tuple[str, ...]:
    """The imported models in storage, as of two seconds ago at most; none on the disk."""
    return _memory.names() if are_kept() else ()


def find(name: str) -> Found | None:
    """What storage has of a model or version, as of two seconds ago at most."""
    return _memory.find(name) if are_kept() else None


# Storing


def manifest(folder: Path) -> dict[str, Content]:
    """Of a model's folder: its files, without versions of it, which are in folders below."""
    return {
        path.name: Content(size=path.stat().st_size, sha256=ml_files.sha256(path))
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".")
    }


def stored(
    folder: Path, name: str, *, check: Callable[[StoredModel], object] = lambda _: None
) -> StoredModel:
    """Puts all files of `folder` into storage, and returns a row that isn't saved.

    Nothing is kept if one can't be stored, or `check` raises, which may take its time: no row is
    locked yet. Raises Refused and disk.AwayError.
    """
    row = StoredModel(name=name, files=manifest(folder), card=_content_of_card(folder))
    done: list[str] = []
    try:
        with disk.refusing_when_full():
            for each, stored_name in zip(row.files, row.stored_names, strict=True):
                done.append(stored_name)
                with (folder / each).open("rb") as content:
                    default_storage.save(stored_name, File(content))
            check(row)
    except BaseException:
        files.discard(done)
        raise
    return row


def _content_of_card(folder: Path) -> Any:
    found = ml_files.read_json(folder / bundle.CARD_FILE)
    found.pop("fallback", None)  # as bundle.read_card
    return found


@contextmanager
def going_with_rows(row: StoredModel) -> Iterator[None]:
    """A transaction that saves the row of what is stored: without the row, the files go.

    What it takes the place of goes once the row is committed.
    """
    with files.going_with_rows(*row.stored_names):
        yield
        before = StoredModel.objects.select_for_update().filter(name=row.name).first()
        if before is not None:
            row.pk, row.stored_at = before.pk, database.now()
            transaction.on_commit(partial(files.discard, before.stored_names))
        row.save(force_update=before is not None)
        transaction.on_commit(forget)
    forget()


def differences(row: StoredModel) -> Sequence[str]:
    """The files in storage that are missing, or aren't what was stored: each is read.

    Raises StorageError.
    """
    return [name for name, of in row.files.items() if not _is_stored(f"{row.folder}/{name}", of)]


def _is_stored(name: str, content: Sequence[Any]) -> bool:
    try:
        return files.sha256(default_storage, name) == str(content[1])
    except FileNotFoundError:
        return False
