"""The newest picture of each live camera: where it lies, how old it is, and who looks.

Beside the picture that people watch, in which boxes and words are drawn, there is a plain one.

Files below DATA_DIR and not rows, because ten a second may come and go. Watchers write them, and
the web process reads.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from video_classifier.ml.files import atomic_write

LOOK_EVERY = 1.0  # seconds: no need to say more often that somebody looks
LOOKED_FOR = 10.0  # seconds for which a look counts
KEEP = timedelta(days=1)  # of a camera that gives no more pictures

NANOSECONDS = 1_000_000_000  # of a second
PLAIN_EVERY = 10.0  # seconds from one plain picture to the next
_PICTURE, _PLAIN = "latest.jpg", "plain.jpg"
_LOOK = "looked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """A camera's newest picture."""

    content: bytes  # JPEG
    stamp: int  # tells it from those before

    @property
    def taken_at(self) -> datetime:
        return moment(self.stamp)


def write(camera: int, content: bytes, *, taken_at: datetime) -> None:
    """Puts a JPEG in the place of the one before, for which readers see the one or the other.

    Raises OSError.
    """
    target = _folder(camera) / _PICTURE
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as aside:
        aside.write_bytes(content)
        # How old a picture is counts from when it was taken, not from when it was drawn.
        stamp = int(taken_at.timestamp() * 1_000_000) * 1_000
        os.utime(aside, ns=(stamp, stamp))


def write_plain(camera: int, content: bytes) -> None:
    """Puts it in the place of the plain one before. Raises OSError."""
    target = _folder(camera) / _PLAIN
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as aside:
        aside.write_bytes(content)


def is_plain_due(camera: int) -> bool:
    return not 0 <= _age(_folder(camera) / _PLAIN) < PLAIN_EVERY


def plain(camera: int) -> bytes | None:
    """A JPEG of all that the camera shows, and of nothing else: zones are drawn on it."""
    try:
        return (_folder(camera) / _PLAIN).read_bytes()
    except FileNotFoundError:
        return None


def latest(camera: int) -> Latest | None:
    try:
        with (_folder(camera) / _PICTURE).open("rb") as file:
            return Latest(stamp=os.fstat(file.fileno()).st_mtime_ns, content=file.read())
    except FileNotFoundError:
        return None


def stamp(camera: int) -> int | None:
    """Of the newest picture; None if there is none."""
    try:
        return (_folder(camera) / _PICTURE).stat().st_mtime_ns
    except FileNotFoundError:
        return None


def taken_at(camera: int) -> datetime | None:
    """When the newest picture was taken; None if there is none."""
    found = stamp(camera)
    return None if found is None else moment(found)


def look(camera: int) -> None:
    """Notes that somebody looks, for the watcher to write more pictures a second."""
    mark = _folder(camera) / _LOOK
    if not 0 <= _age(mark) < LOOK_EVERY:
        with suppress(FileNotFoundError):  # without a folder nothing is written anyway
            mark.touch()


def is_looked_at(camera: int) -> bool:
    # A clock that was set back is no reason to look for hours.
    return abs(_age(_folder(camera) / _LOOK)) < LOOKED_FOR


def remove(camera: int) -> None:
    shutil.rmtree(_folder(camera), ignore_errors=True)


def sweep(known: Collection[int], *, now: datetime) -> int:
    """Removes those of all cameras but the known, and old ones; says of how many cameras."""
    root = Path(settings.DATA_DIR) / "live"
    found = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    names = {str(camera) for camera in known}
    gone = [path for path in found if path.name not in names or _is_old(path, now)]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    return len(gone)


def _is_old(folder: Path, now: datetime) -> bool:
    try:
        return now - moment((folder / _PICTURE).stat().st_mtime_ns) > KEEP
    except FileNotFoundError:
        return False


def _age(mark: Path) -> float:
    """In seconds; infinity if there is none."""
    try:
        return time.time() - mark.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def moment(stamp: int) -> datetime:
    """When a picture was taken."""
    return datetime.fromtimestamp(stamp / NANOSECONDS, tz=UTC)


def _folder(camera: int) -> Path:
    return Path(settings.DATA_DIR) / "live" / str(camera)
