"""Copies all that is stored from the disk to a bucket or back, and checks each file on both sides.

A journal in DATA_DIR says what is done, so that a move that was stopped goes on where it was, and a
second one takes only what has come since.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, cast

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage

from video_classifier.models import Analysis, CaseExport, Clip, LiveEvent, SegmentCopy
from video_classifier.services import database, evidence, files, model_moves
from video_classifier.services.errors import Refused
from video_classifier.services.model_moves import Step

DISK, BUCKET = "disk", "bucket"

NO_BUCKET = "STORAGE_URL has to name the bucket for this command, whichever way it moves."
BROKEN_COPY = "The copy of {name} is not what was read. Nothing is lost: run the command again."


class File(NamedTuple):
    """One that a row names."""

    name: str  # in storage
    sha256: str = ""  # as its row has it; "" if it doesn't


@dataclass(slots=True, kw_only=True)
class Moved:
    """What a move has done so far, or would do."""

    copied: int = 0
    bytes: int = 0  # of what was copied
    already: int = 0  # were at the target, as they should be
    removed: int = 0
    missing: list[str] = field(default_factory=list)  # on both sides
    changed: list[str] = field(default_factory=list)  # copied, but not what was once uploaded


def move(
    *,
    to: str,
    dry_run: bool = False,
    remove: bool = False,
    after_each: Callable[[Moved], None] = lambda _: None,
) -> Moved:
    """Copies what is not at the target yet; `remove` deletes it where it was, once it is checked.

    Raises Refused, and StorageError if the bucket does not answer.
    """
    source, target = _sides(to)
    journal = _Journal(Path(settings.DATA_DIR) / f"move-to-{to}.jsonl")
    moved = Moved()
    for file in _named(source):
        _move(file, source, target, journal, moved, dry_run=dry_run, remove=remove)
        after_each(moved)
    for step in _models(to, dry_run=dry_run, remove=remove):
        _count(step, moved)
        after_each(moved)
    return moved


def _models(to: str, *, dry_run: bool, remove: bool) -> Iterator[Step]:
    move_models = model_moves.to_bucket if to == BUCKET else model_moves.to_disk
    return move_models(dry_run=dry_run, remove=remove)


def _count(step: Step, moved: Moved) -> None:
    name = f"The model {step.name}"
    if step.is_missing:
        moved.missing.append(name)
    elif step.is_changed:
        moved.changed.append(name)
    elif step.copied:
        moved.copied += step.files
        moved.bytes += step.copied
    else:
        moved.already += step.files
    moved.removed += step.removed


def _sides(to: str) -> tuple[Storage, Storage]:
    bucket, disk = files.remote(), FileSystemStorage()
    if bucket is None:
        raise Refused(NO_BUCKET)
    there = cast("Storage", bucket)
    return (disk, there) if to == BUCKET else (there, disk)


def _named(source: Storage) -> Iterator[File]:
    """All that rows know; of pictures of analyses, what is there."""
    for name, sha256, playable in Clip.objects.values_list("file", "sha256", "playable").iterator():
        yield File(name, sha256)
        if playable:
            yield File(playable)
    exports = CaseExport.objects.exclude(file="").values_list("file", "sha256")
    yield from (File(name, sha256) for name, sha256 in exports.iterator())
    copies = SegmentCopy.objects.exclude(file="").values_list("file", flat=True)
    yield from (File(name) for name in copies.iterator())
    stills = LiveEvent.objects.exclude(still="").values_list("still", flat=True)
    yield from (File(name) for name in stills.iterator())
    for pk in Analysis.objects.values_list("pk", flat=True).iterator():
        folder = f"{evidence.FOLDER}/{pk}"
        with suppress(FileNotFoundError):  # it has none
            yield from (File(f"{folder}/{name}") for name in source.listdir(folder)[1])


def _move(  # noqa: PLR0913
    file: File,
    source: Storage,
    target: Storage,
    journal: _Journal,
    moved: Moved,
    *,
    dry_run: bool,
    remove: bool,
) -> None:
    name = file.name
    if not source.exists(name):
        if target.exists(name):
            moved.already += 1
        else:
            moved.missing.append(name)  # or deleted since its row was read
        return
    if _is_done(name, source, target, journal):
        moved.already += 1
    elif dry_run:
        moved.copied += 1
        moved.bytes += source.size(name)
    else:
        digest = _copy(name, source, target, moved)
        if file.sha256 not in {"", digest}:
            moved.changed.append(name)
        journal.note(name, digest)
    if remove and not dry_run:
        source.delete(name)
        moved.removed += 1


def _is_done(name: str, source: Storage, target: Storage, journal: _Journal) -> bool:
    """Checked before, and not written anew since."""
    checked = journal.checked(name)
    if checked is None or not target.exists(name):
        return False
    is_older = source.get_modified_time(name) < checked
    return is_older and source.size(name) == target.size(name)


def _copy(name: str, source: Storage, target: Storage, moved: Moved) -> str:
    """Its SHA-256, once the target gives back the same. Raises Refused."""
    digest = files.sha256(source, name)
    if target.exists(name) and files.sha256(target, name) == digest:  # by a move that was killed
        moved.already += 1
        return digest
    target.delete(name)  # half of it, perhaps; storage on the disk would choose another name
    with source.open(name) as content:
        target.save(name, content)
    if files.sha256(target, name) != digest:
        target.delete(name)
        raise Refused(BROKEN_COPY.format(name=name))
    moved.copied += 1
    moved.bytes += target.size(name)
    return digest


class _Journal:
    """What was checked, a line a file: a process that is killed leaves half a line at most."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._checked = dict(_read(path))

    def checked(self, name: str) -> datetime | None:
        return self._checked.get(name)

    def note(self, name: str, sha256: str) -> None:
        now = database.now()
        line = json.dumps({"name": name, "sha256": sha256, "at": now.isoformat()})
        with self._path.open("a", encoding="utf-8") as out:
            out.write(f"\n{line}")  # after half a line, too
            out.flush()
            os.fsync(out.fileno())
        self._checked[name] = now


def _read(path: Path) -> Iterator[tuple[str, datetime]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError, KeyError):
            found = json.loads(line)
            yield found["name"], datetime.fromisoformat(found["at"])
