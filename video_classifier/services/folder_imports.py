"""Takes in the files of a folder, such as a recorder's exports."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User

from video_classifier.ml.files import sha256
from video_classifier.models import Clip
from video_classifier.services import disk, uploads
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import QueueFullError
from video_classifier.services.sandbox import BusyError

# What recorders write; lists and indexes lie beside it. What a file really is, its content says.
ENDINGS = frozenset(
    f".{each}"
    for each in (
        *("mp4", "m4v", "mov", "avi", "mkv", "webm", "ts", "mts", "m2ts", "mpg", "mpeg", "ps"),
        *("vob", "flv", "wmv", "asf", "h264", "264", "hevc", "h265", "265", "dav"),
    )
)


class Fate(StrEnum):
    """What became of a file."""

    TAKEN = "taken"
    KNOWN = "already there"
    REFUSED = "refused"
    WAITING = "has to wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One file, and what became of it; `more` is a sentence, or the address of the result."""

    path: Path
    fate: Fate
    more: str


State = tuple[float, int]  # of a file: when it was changed, and its size


@dataclass(slots=True, kw_only=True)
class FolderImport:
    """Goes through a folder, again and again if it is asked to, and takes each file once."""

    folder: Path
    user: User
    choices: uploads.Choices
    settle_seconds: float  # for which a file has to be unchanged: it may still be written
    _watched: dict[Path, tuple[State, float]] = field(default_factory=dict)  # since when it is so
    _done: dict[Path, State] = field(default_factory=dict)

    def run(self) -> Iterator[Line]:
        """What is there and new, in order of name; what still grows is left for later.

        Ends with the first file that has to wait, as the others would have to, too.
        """
        found = sorted(self._files())
        self._watched = {path: self._watched[path] for path in found if path in self._watched}
        for path in found:
            state = _state(path)
            if state is None or self._done.get(path) == state or not self._settles(path, state):
                continue
            line = self._take(path, state[1])
            if line.fate is Fate.WAITING:
                yield line
                return
            self._done[path] = state
            yield line

    @property
    def is_done(self) -> bool:
        """Whether all files that `run` saw were taken or refused."""
        return all(self._done.get(path) == state for path, (state, _) in self._watched.items())

    def _settles(self, path: Path, state: State) -> bool:
        """By our own clock: the one that wrote the file may be wrong."""
        now = time.monotonic()
        before, since = self._watched.get(path, (None, now))
        if before != state:
            since = now
        self._watched[path] = state, since
        return now - since >= self.settle_seconds

    def _files(self) -> list[Path]:
        return [
            path
            for path in self.folder.rglob("*")
            if path.suffix.lower() in ENDINGS and path.is_file() and not path.name.startswith(".")
        ]

    def _take(self, path: Path, size: int) -> Line:
        try:
            uploads.check(self.choices, self.user)  # before much is read
            if known := self._known(path):
                return Line(path=path, fate=Fate.KNOWN, more=known)
            with _copy(path) as copy, uploads.FileOnDisk(copy, path.name, size) as file:
                analysis = uploads.accept(
                    file=file,
                    user=self.user,
                    choices=self.choices,
                    path=path.relative_to(self.folder).as_posix(),
                    max_bytes=settings.RECORDING_MAX_BYTES,
                )
        except (QueueFullError, BusyError, disk.DiskFullError) as refusal:
            return Line(path=path, fate=Fate.WAITING, more=str(refusal))
        except uploads.InTrashError:
            return Line(path=path, fate=Fate.KNOWN, more="It is in the trash.")
        except (Refused, OSError) as refusal:
            return Line(path=path, fate=Fate.REFUSED, more=str(refusal))
        more = f"{analysis.get_absolute_url()} {analysis.clip.recorded_note}".rstrip()
        return Line(path=path, fate=Fate.TAKEN, more=more)

    def _known(self, path: Path) -> str:
        """Where the same bytes are in the store, if they are."""
        same = Clip.objects.filter(store=self.choices.store, sha256=sha256(path))
        clip = same.order_by("trashed_at").first()
        if clip is None:
            return ""
        latest = None if clip.trashed_at else clip.analyses.first()
        return latest.get_absolute_url() if latest else "It is in the trash."


def _state(path: Path) -> State | None:
    try:
        found = path.stat()
    except FileNotFoundError:  # moved away meanwhile
        return None
    return found.st_mtime, found.st_size


@contextmanager
def _copy(path: Path) -> Iterator[Path]:
    """On the disk of the storage, which moves it: the recorder's file stays where it is."""
    handle, name = tempfile.mkstemp(dir=settings.FILE_UPLOAD_TEMP_DIR, suffix=path.suffix)
    copy = Path(name)
    try:
        with disk.refusing_when_full(), path.open("rb") as original, os.fdopen(handle, "wb") as to:
            if disk.is_nearly_full(path.stat().st_size):
                raise disk.DiskFullError(disk.FULL)
            shutil.copyfileobj(original, to, 1024 * 1024)
        yield copy
    finally:
        copy.unlink(missing_ok=True)  # unless storage has moved it
