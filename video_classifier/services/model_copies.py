"""Copies on this machine's disk of models that are in storage on another.

Each is a folder with the token of the model's row in its path: it appears whole or not at all, each
file as it was stored, and what takes a model's place has another one. All processes share it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

from django.conf import settings

from video_classifier.integrations.remote import Remote, StorageError
from video_classifier.ml import files as ml_files
from video_classifier.models import StoredModel
from video_classifier.services import disk, files, stored_models
from video_classifier.services.errors import Refused
from video_classifier.services.stored_models import Content, Found

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 15.0  # in which what couldn't be fetched isn't asked for again
USED_SECONDS = 3600.0  # from mark to mark that a copy is used
AWAY = ""  # the storage, among tokens
PART = "part-"  # the beginning of a folder that is on its way
LOCK = ".lock"
GONE = "The model “{name}” can't be used: its files are gone from the storage. Make it anew."
DAMAGED = (
    "The model “{name}” can't be used: in the storage, its {file} is not what was stored. Make it "
    "anew."
)
NO_ROOM = "The model “{name}” can't be used: this server's disk has no room for it."


class _Memory:
    """What this process knows of copies: which files are right, and what can't be fetched now."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._whole: dict[Path, tuple[int, int]] = {}
        self._refused: dict[str, tuple[float, Refused]] = {}

    def is_whole(self, path: Path, content: Content) -> bool:
        """Read once, and again when the file has changed."""
        try:
            now = path.stat()
            state = now.st_mtime_ns, now.st_size
            if now.st_size != content.size:
                return False
            if self._whole.get(path) != state:
                if ml_files.sha256(path) != content.sha256:
                    return False
                self._whole[path] = state
        except OSError:
            return False
        return True

    def refuse(self, token: str, why: Refused) -> Refused:
        """To be raised, and for a while without another try; of a storage that is away of all."""
        key = AWAY if isinstance(why, disk.AwayError) else token
        self._refused[key] = time.monotonic() + PAUSE_SECONDS, why
        return why

    def raise_if_refused(self, token: str) -> None:
        for key in (AWAY, token):
            until, why = self._refused.get(key, (float("-inf"), None))
            if why is not None and time.monotonic() < until:
                raise type(why)(str(why))


_memory = _Memory()


def forget() -> None:
    """Has the storage asked again, and what is here read."""
    _memory.forget()


def place(found: Found) -> Path:
    """Where its files are on this machine, or would be; messages take the name from it."""
    return _folder() / found.token / found.name.replace("@", "/")


def is_here(found: Found) -> bool:
    """Whether this machine has a copy, each of whose files is what was stored."""
    return all(_memory.is_whole(place(found) / name, of) for name, of in found.files.items())


def folder(found: Found) -> Path:
    """The copy, which is fetched if this machine hasn't it. Raises Refused and disk.AwayError."""
    try:
        return _brought(found)
    except FileNotFoundError as error:
        stored_models.forget()  # another has taken its place just now, or it is lost
        now = stored_models.find(found.name)
        if now is None or now.token == found.token:
            gone = Refused(GONE.format(name=found.name))
            raise _memory.refuse(found.token, gone) from error
        return folder(now)


def _brought(found: Found) -> Path:
    """Of several processes that want it, one fetches it and the others wait."""
    if not is_here(found):
        _memory.raise_if_refused(found.token)
        _folder().mkdir(mode=0o700, exist_ok=True)
        with _alone(found.token):
            if not is_here(found):
                _memory.raise_if_refused(found.token)  # to who was there before
                with _refusing(found):
                    _fetch(found)
    _mark(place(found))
    return place(found)


def _mark(copy: Path) -> None:
    """It is in use, and not swept even if something else has taken its place."""
    with suppress(OSError):
        if files.is_older(copy, time.time() - USED_SECONDS):
            os.utime(copy)


@contextmanager
def _alone(token: str) -> Iterator[None]:
    lock = os.open(_folder() / f"{token}{LOCK}", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the process, too
        yield
    finally:
        os.close(lock)


@contextmanager
def _refusing(found: Found) -> Iterator[None]:
    """In sentences, which hold for a while: pages would ask again and again."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Refused as refusal:
        raise _memory.refuse(found.token, refusal) from refusal.__cause__
    except OSError as error:
        if disk.is_away(error):
            logger.warning("the model %s can't be fetched: %s", found.name, error)
            raise _memory.refuse(found.token, disk.AwayError(disk.AWAY)) from error
        if disk.ran_full(error):
            full = disk.DiskFullError(NO_ROOM.format(name=found.name))
            raise _memory.refuse(found.token, full) from error
        raise


def _fetch(found: Found) -> None:
    """Whole, or not at all: nobody sees the folder before each file is what was stored."""
    there = files.remote()
    if there is None:
        raise FileNotFoundError(found.stored)
    if disk.is_nearly_full(sum(each.size for each in found.files.values())):
        raise disk.DiskFullError(NO_ROOM.format(name=found.name))
    aside = Path(mkdtemp(dir=_folder(), prefix=PART))
    try:
        made = aside / place(found).relative_to(_folder() / found.token)
        made.mkdir(parents=True)
        for name, content in found.files.items():
            _fetch_file(there, found, name, made / name, content)
        shutil.rmtree(_folder() / found.token, ignore_errors=True)  # was damaged
        aside.rename(_folder() / found.token)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _fetch_file(there: Remote, found: Found, name: str, path: Path, content: Content) -> None:
    with path.open("wb") as target:
        there.fetch(f"{found.stored}/{name}", target)
        target.flush()
        os.fsync(target.fileno())
    come = path.stat().st_size
    if come < content.size:
        msg = f"{come} of {content.size} bytes came of {found.stored}/{name}."
        raise StorageError(msg)
    if ml_files.sha256(path) != content.sha256:
        logger.error("%s/%s in the storage is not what was stored", found.stored, name)
        raise Refused(DAMAGED.format(name=found.name, file=name))


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "model-copies"


def sweep(*, older: timedelta) -> None:
    """Removes copies of what no row names, and what was on its way when a kill cut it off."""
    known = {token.hex for token in StoredModel.objects.values_list("token", flat=True)}
    before = time.time() - older.total_seconds()
    with suppress(FileNotFoundError):  # there never was any
        for path in _folder().iterdir():
            if path.name.removesuffix(LOCK) not in known and _is_unused(path, before):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def _is_unused(path: Path, moment: float) -> bool:
    """A copy is marked where its files are."""
    return all(files.is_older(each, moment) for each in (path, *path.glob("**/")))
