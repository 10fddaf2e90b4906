"""The files in storage: they go with their rows, and a sweep finds what was left behind.

Only here does a stored file have a path. Elsewhere it is a name in storage, wherever that is.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models.fields.files import FieldFile
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from video_classifier.models import Analysis, CaseExport, Clip, Feed, LiveEvent, SegmentCopy
from video_classifier.querysets import CaseExportQuerySet, SegmentCopyQuerySet
from video_classifier.services import evidence, live_pictures
from video_classifier.services.errors import Refused

logger = logging.getLogger(__name__)

GRACE = timedelta(days=1)  # an upload that is still coming in is younger
LIVE = "live"  # in storage, the pictures of live events
EXPORTS = "evidence"  # in storage, exports of cases
OURS = (
    "clips",
    "playable",
    LIVE,
    EXPORTS,
    evidence.FOLDER,
)  # in storage; what else lies there is not swept
RESUMABLE = "resumable"  # a folder beside partial uploads, whose files have rows of their own
FEW = 20  # files that no row knows, as kills and full disks leave them


@receiver(post_delete, sender=Clip)
def _forget_files(instance: Clip, **_: Any) -> None:
    # Here and not in a service: rows also go by cascades.
    for file in (instance.file, instance.playable):
        if file.name:
            transaction.on_commit(partial(discard, [file.name]))


@receiver(pre_delete, sender=Clip)
def _forget_picture_of_event(instance: Clip, **_: Any) -> None:
    """Who is deleted for good is seen nowhere any more; the event itself stays."""
    events = LiveEvent.objects.filter(clip=instance).exclude(still="")
    stills = list(events.values_list("still", flat=True))
    if stills:
        events.update(still="", box=[])
        transaction.on_commit(partial(discard, stills))


@receiver(post_delete, sender=SegmentCopy)
def _forget_copy(instance: SegmentCopy, **_: Any) -> None:
    if instance.file.name:
        transaction.on_commit(partial(discard, [instance.file.name]))


@receiver(post_delete, sender=CaseExport)
def _forget_export(instance: CaseExport, **_: Any) -> None:
    if instance.file.name:
        transaction.on_commit(partial(discard, [instance.file.name]))


@receiver(post_delete, sender=LiveEvent)
def _forget_still(instance: LiveEvent, **_: Any) -> None:
    transaction.on_commit(partial(discard, [instance.still]))


@receiver(post_delete, sender=Analysis)
def _forget_pictures(instance: Analysis, **_: Any) -> None:
    transaction.on_commit(partial(_discard_pictures, evidence.folder(instance)))


@receiver(post_delete, sender=Feed)
def _forget_live_pictures(instance: Feed, **_: Any) -> None:
    transaction.on_commit(partial(live_pictures.remove, instance.pk))


def _discard_pictures(folder: str) -> None:
    with suppress(FileNotFoundError):  # it never had any
        _, names = default_storage.listdir(folder)
        discard([*(f"{folder}/{name}" for name in names), folder])


def discard(names: Iterable[str]) -> None:
    """Removes what is there; an empty name is none."""
    for name in filter(None, names):
        try:
            default_storage.delete(name)
        except OSError as error:
            logger.warning("%s could not be removed (%s); the next sweep tries again", name, error)


MISSING = "The file is no longer there. Upload it again."


@contextmanager
def local_path(file: FieldFile) -> Iterator[Path]:
    """Where a stored file can be read meanwhile: itself, or a copy of what is stored elsewhere.

    Raises Refused if there is none elsewhere; here, who reads it finds out.
    """
    try:
        path = Path(file.path)
    except NotImplementedError:  # as Django's storages say that have no paths
        with _copy(file) as path:
            yield path
    else:
        yield path


@contextmanager
def _copy(file: FieldFile) -> Iterator[Path]:
    name, folder = str(file.name), settings.FILE_UPLOAD_TEMP_DIR
    with NamedTemporaryFile(dir=folder, suffix=Path(name).suffix) as copy:
        try:
            with file.storage.open(name) as stored:
                shutil.copyfileobj(stored, copy)
        except FileNotFoundError as error:
            raise Refused(MISSING) from error
        copy.flush()
        yield Path(copy.name)


def _remove(path: Path) -> bool:
    """Removes a file or a folder, and says whether it is gone: the next sweep tries again."""
    try:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except FileNotFoundError:  # another process was quicker
        return True
    except OSError as error:
        logger.warning("%s could not be removed (%s); the next sweep tries again", path, error)
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep found."""

    left: tuple[Path, ...]  # files and folders that belong to no row and no upload
    removed: int  # of these
    missing: tuple[UUID, ...]  # clips with a file that is not there
    refused: bool = False  # so many are left that the database looks like another one's


def sweep(*, remove: bool = True, force: bool = False) -> Swept:
    """Removes files on this machine that no row knows, and logs which rows miss a file.

    What is younger than GRACE stays: its row may be on the way. Unless `force`d, nothing in the
    media folder goes if more than FEW files and a tenth of all that belong to rows would: that
    is what a media folder looks like from a database that was set up anew or restored from an
    old backup.
    """
    global _missing  # noqa: PLW0603
    before = time.time() - GRACE.total_seconds()
    uploads, media = list(_left_in_uploads(before)), list(_left_in_media(before))
    refused = not force and len(media) > max(FEW, _rows_with_files() // 10)
    if refused:
        logger.error(
            "%d files in %s belong to no row: is this the right database? If so, remove them "
            "with `manage.py sweep_files --force`.",
            len(media),
            settings.MEDIA_ROOT,
        )
    going = uploads if refused else uploads + media
    removed = sum(_remove(path) for path in going) if remove else 0
    if removed:
        logger.warning("removed %d files that no row knew", removed)
    missing = tuple(dict.fromkeys(_clips_without_files()))
    if missing:
        logger.error("%d clips miss a file: %s", len(missing), ", ".join(map(str, missing[:20])))
    _missing = len(missing)
    return Swept(left=(*uploads, *media), removed=removed, missing=missing, refused=refused)


_missing = 0


def missing() -> int:
    """How many clips missed a file when this process swept last: 0 before the first time."""
    return _missing


def _left_in_uploads(before: float) -> Iterator[Path]:
    """Partial uploads and copies of killed processes, but for those of services.resumable."""
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir():
        if path.name != RESUMABLE and _is_older(path, before):
            yield path


def _left_in_media(before: float) -> Iterator[Path]:
    """Files of clips that no row knows, and folders of pictures of analyses that are gone.

    Files are listed before rows are read, so that a row that comes in between is seen.
    """
    root = Path(settings.MEDIA_ROOT)
    found = [
        path
        for ours in OURS
        for folder, folders, names in os.walk(root / ours)
        for path in _entries(Path(folder), folders, names, root)
    ]
    old = [path for path in found if _is_older(path, before)]
    known = _known()
    yield from (path for path in old if path.relative_to(root).as_posix() not in known)


def _entries(folder: Path, folders: list[str], names: list[str], root: Path) -> Iterator[Path]:
    """The files of a folder; the folder of an analysis counts as one."""
    if folder == root / evidence.FOLDER:
        yield from (folder / name for name in folders)
        folders.clear()  # walk no further
    yield from (folder / name for name in names)


def _known() -> set[str]:
    """The names in storage of all that belongs to a row."""
    files = Clip.objects.values_list("file", "playable")
    known = {name for names in files.iterator() for name in names if name}
    known |= set(_segment_copies().values_list("file", flat=True).iterator())
    known |= set(LiveEvent.objects.values_list("still", flat=True).iterator())
    known |= set(_exports().values_list("file", flat=True).iterator())
    ids = Analysis.objects.values_list("pk", flat=True)
    return known | {f"{evidence.FOLDER}/{pk}" for pk in ids.iterator()}


def _segment_copies() -> SegmentCopyQuerySet:
    """Those with a file."""
    return SegmentCopy.objects.exclude(file="")


def _exports() -> CaseExportQuerySet:
    """Those with a file."""
    return CaseExport.objects.exclude(file="")


def _rows_with_files() -> int:
    rows = Clip.objects.all(), Analysis.objects.all(), LiveEvent.objects.all()
    return sum(each.count() for each in (*rows, _segment_copies(), _exports()))


def _is_older(path: Path, moment: float) -> bool:
    try:
        return path.lstat().st_mtime < moment
    except FileNotFoundError:  # another process has just finished with it
        return False


def _clips_without_files() -> Iterator[UUID]:
    for pk, *names in Clip.objects.values_list("pk", "file", "playable").iterator():
        if not all(default_storage.exists(name) for name in names if name):
            yield pk
    of_segments = _segment_copies().order_by("clip", "number").values_list("clip", "file")
    for pk, copies in groupby(of_segments.iterator(), itemgetter(0)):
        if not all(default_storage.exists(name) for _, name in copies):
            yield pk
