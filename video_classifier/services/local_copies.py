"""Copies on this machine's disk of files that are stored on another, for what has to read a path.

They are kept up to STORAGE_CACHE_BYTES, those that were used last, and all processes of the machine
share them. Each reader has a second name of the copy (a hard link), so that it may be removed
meanwhile; what a killed process leaves is swept as what uploads leave is.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO
from urllib.parse import quote, unquote
from uuid import uuid4

from django.conf import settings
from django.core.files.storage import Storage

from video_classifier.integrations.remote import Remote, StorageError

logger = logging.getLogger(__name__)

CUT_OFF = "{come} of {size} bytes came of {name}."
PART = ".part"  # the end of what is still on its way
ABANDONED = timedelta(hours=6)  # without a byte


@contextmanager
def of_any(storage: Storage, name: str) -> Iterator[Path]:
    """A copy for the one who asks, from whatever storage Django knows. Raises FileNotFoundError."""
    with _unnamed(name) as copy:
        with storage.open(name) as stored:
            shutil.copyfileobj(stored, copy)
        copy.flush()
        yield Path(copy.name)


@contextmanager
def held(storage: Remote, name: str, *, size: int) -> Iterator[Path]:
    """The path of a copy, as long as the context lasts.

    Of several who want the same file that isn't here yet, one fetches it and the others wait.
    Raises FileNotFoundError and StorageError.
    """
    if size > settings.STORAGE_CACHE_BYTES:
        with _unnamed(name) as copy:
            _fetch(storage, name, copy, size)
            yield Path(copy.name)
        return
    own = _own(name)
    try:
        while not _link(_place(name), own):
            _bring(storage, name, size)
        yield own
    finally:
        own.unlink(missing_ok=True)


def forget(name: str) -> None:
    """Removes the copy, if there is one: who is deleted for good is seen nowhere any more."""
    with suppress(OSError):  # the next sweep tries again
        _place(name).unlink()


def sweep(known: Container[str]) -> None:
    """Removes what another machine has deleted, and what came of a copy when a kill cut it off."""
    for each in _kept():
        if each.name not in known:
            each.path.unlink(missing_ok=True)
    before = time.time() - ABANDONED.total_seconds()
    for part in folder().glob(f"*{PART}"):
        with suppress(FileNotFoundError):
            if part.stat().st_mtime < before:
                part.unlink()


def folder() -> Path:
    return Path(settings.DATA_DIR) / "copies"


def _place(name: str) -> Path:
    return folder() / quote(name, safe="")


def _unnamed(name: str) -> IO[bytes]:
    """A file that goes when it is closed."""
    folder, suffix = settings.FILE_UPLOAD_TEMP_DIR, Path(name).suffix
    return NamedTemporaryFile(dir=folder, suffix=suffix)


def _own(name: str) -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / f"{uuid4()}{Path(name).suffix}"


def _link(place: Path, own: Path) -> bool:
    """Whether the copy is here; it is used now, and so among the last to go."""
    try:
        os.link(place, own)
    except FileNotFoundError:
        return False
    os.utime(own)
    return True


def _bring(storage: Remote, name: str, size: int) -> None:
    """Fetches what isn't here, unless somebody is at it: then it waits until that has ended."""
    place = _place(name)
    place.parent.mkdir(mode=0o700, exist_ok=True)
    part = place.with_name(place.name + PART)
    with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # ends with the process, too
        if not _is_same(file, part):  # somebody else has brought it, or has failed
            return
        try:
            file.truncate(0)  # what a killed process left
            _make_room(size)
            _fetch(storage, name, file, size)
            part.rename(place)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _is_same(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _fetch(storage: Remote, name: str, target: IO[bytes], size: int) -> None:
    storage.fetch(name, target)
    target.flush()
    come = os.fstat(target.fileno()).st_size
    if come != size:
        raise StorageError(CUT_OFF.format(come=come, size=size, name=name))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    path: Path
    name: str  # in storage
    size: int
    used: float  # seconds since 1970


def _kept() -> list[_Copy]:
    """Those that were not used for longest come first."""
    found = []
    with suppress(FileNotFoundError):  # there never was any
        for path in folder().iterdir():
            with suppress(FileNotFoundError):
                now = path.stat()
                if path.suffix != PART:
                    name = unquote(path.name)
                    found.append(_Copy(path=path, name=name, size=now.st_size, used=now.st_mtime))
    return sorted(found, key=lambda each: each.used)


def _make_room(wanted: int) -> None:
    """For so many bytes more, in the limit and on the disk."""
    kept = _kept()
    taken = sum(each.size for each in kept)
    for each in kept:
        free = shutil.disk_usage(settings.DATA_DIR).free - settings.DISK_FLOOR_BYTES
        if taken + wanted <= settings.STORAGE_CACHE_BYTES and wanted <= free:
            return
        each.path.unlink(missing_ok=True)
        taken -= each.size
        logger.info("the copy of %s made room for another", each.name)
