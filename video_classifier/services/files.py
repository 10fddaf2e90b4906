"""The files in storage: they go with their rows, and a sweep finds what was left behind.

Only here does a stored file have a path, and its copy in services.local_copies. Elsewhere it is a
name in storage, wherever that is.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage, storages
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models.fields.files import FieldFile
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from video_classifier.integrations.remote import Remote, StorageError
from video_classifier.models import (
    Analysis,
    CaseExport,
    Clip,
    Feed,
    LiveEvent,
    SegmentCopy,
    StoredModel,
    WaitingClip,
)
from video_classifier.models.stored_models import FOLDER as MODELS
from video_classifier.querysets import CaseExportQuerySet, SegmentCopyQuerySet
from video_classifier.services import disk, evidence, live_pictures, local_copies
from video_classifier.services.errors import Refused

logger = logging.getLogger(__name__)

AT_ONCE = 1024 * 1024  # bytes that are read
PROBE = "readyz"  # a name in storage, of nothing
GRACE = timedelta(days=1)  # an upload that is still coming in is younger
LIVE = "live"  # in storage, the pictures of live events
EXPORTS = "evidence"  # in storage, exports of cases
OURS = (
    "clips",
    "playable",
    LIVE,
    EXPORTS,
    MODELS,
    evidence.FOLDER,
)  # in storage; what else lies there is not swept
RESUMABLE = "resumable"  # a folder beside partial uploads, whose files have rows of their own
WAITING = "waiting-clips"  # another one, of services.waiting_clips
MINUTES = timedelta(minutes=10)  # for which an address of a stored file is good
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


@receiver(post_delete, sender=StoredModel)
def _forget_model(instance: StoredModel, **_: Any) -> None:
    transaction.on_commit(partial(discard, instance.stored_names))


@receiver(post_delete, sender=LiveEvent)
def _forget_still(instance: LiveEvent, **_: Any) -> None:
    transaction.on_commit(partial(discard, [instance.still]))


@receiver(post_delete, sender=WaitingClip)
def _forget_waiting(instance: WaitingClip, **_: Any) -> None:
    """On this machine; on another one its watcher finds what has no row."""
    transaction.on_commit(partial(_remove, waiting_folder(instance.pk)))


def waiting_folder(event: UUID) -> Path:
    """Of the clip of a live event that is not in storage yet."""
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / WAITING / str(event)


@receiver(post_delete, sender=Analysis)
def _forget_pictures(instance: Analysis, **_: Any) -> None:
    transaction.on_commit(partial(_discard_pictures, evidence.folder(instance)))


@receiver(post_delete, sender=Feed)
def _forget_live_pictures(instance: Feed, **_: Any) -> None:
    transaction.on_commit(partial(live_pictures.remove, instance.pk))


def _discard_pictures(folder: str) -> None:
    with _tried_again(folder), suppress(FileNotFoundError):  # it never had any
        _, names = default_storage.listdir(folder)
        every = [f"{folder}/{name}" for name in names]
        if there := remote():
            there.remove(every)
        else:
            discard([*every, folder])


def write(pictures: Mapping[str, bytes]) -> None:
    """Under these very names; storage would choose others for those that are taken."""
    if there := remote():
        there.write(pictures)
        return
    for name, content in pictures.items():
        default_storage.delete(name)
        default_storage.save(name, ContentFile(content))


@contextmanager
def with_pictures(analysis: Analysis, pictures: Mapping[str, bytes]) -> Iterator[None]:
    """Writes them, for a transaction that then says that they are there.

    Not within it: a storage may be slow, or hang, and on SQLite whatever else is to be written
    waits as long. A deletion of the clip comes after the transaction, and finds them, or has come
    before; without a row of the analysis they go.
    """
    try:
        write(pictures)
        yield
    except BaseException:
        with suppress(DatabaseError, InterfaceError):  # the sweep looks again
            if not Analysis.objects.filter(pk=analysis.pk).exists():
                _discard_pictures(evidence.folder(analysis))
        raise


def discard(names: Iterable[str]) -> None:
    """Removes what is there; an empty name is none."""
    for name in filter(None, names):
        local_copies.forget(name)
        with _tried_again(name):
            default_storage.delete(name)


@contextmanager
def going_with_rows(*names: str) -> Iterator[None]:
    """A transaction that writes the row of files that are stored: without the row, they go.

    Not where only the end of the transaction fails: if the connection is lost then, nobody knows
    whether the row is there. The sweep removes files that have none.
    """
    is_written = False
    try:
        with transaction.atomic():
            yield
            is_written = True
    except BaseException:
        if not is_written:
            discard(names)
        raise


@contextmanager
def _tried_again(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        logger.warning("%s could not be removed (%s); the next sweep tries again", name, error)


MISSING = "The file is no longer there. Upload it again."


@contextmanager
def local_path(file: FieldFile) -> Iterator[Path]:
    """Where a stored file can be read meanwhile: itself, or a copy of what is stored elsewhere.

    Raises Refused and disk.AwayError of what is elsewhere; here, who reads it finds out.
    """
    try:
        path = Path(file.path)
    except NotImplementedError:  # as Django's storages say that have no paths
        with ExitStack() as held:
            try:
                with disk.refusing_when_full():
                    path = held.enter_context(_copy(file))
            except FileNotFoundError as error:
                raise Refused(MISSING) from error
            yield path
    else:
        yield path


def _copy(file: FieldFile) -> AbstractContextManager[Path]:
    name, there = str(file.name), remote()
    if there is None:
        return local_copies.of_any(file.storage, name)
    return local_copies.held(there, name, size=file.size)


def remote() -> Remote | None:
    """The storage, if it is on another machine and can be asked for more than Django's can."""
    found = storages["default"]  # itself: who is behind default_storage, protocols don't see
    return found if isinstance(found, Remote) else None


def sha256(storage: Storage, name: str) -> str:
    """Of a stored file, which is read. Raises FileNotFoundError and StorageError."""
    digest = hashlib.sha256()
    with storage.open(name) as content:
        for chunk in content.chunks(AT_ONCE):
            digest.update(chunk)
    return digest.hexdigest()


def are_usable() -> bool:
    """Asks a bucket once; of a folder, which the first upload makes, whether it can be used."""
    default_storage.exists(PROBE)
    try:
        folder = Path(default_storage.path(""))
    except NotImplementedError:  # as Django's storages say that have no paths
        return True
    return os.access(folder if folder.exists() else folder.parent, os.R_OK | os.W_OK | os.X_OK)


def address(
    file: FieldFile | str, *, content_type: str, disposition: str = "", lasts: timedelta = MINUTES
) -> str:
    """Where a browser gets what is stored elsewhere, for so long; "" if the site has to send it.

    The address is good for everybody who has it: permissions are to be checked before.
    """
    there, name = remote(), file if isinstance(file, str) else str(file.name)
    if there is None or not name:
        return ""
    disposition = disposition or "inline"
    return there.address(name, lasts=lasts, content_type=content_type, disposition=disposition)


def _remove(path: Path | str) -> bool:
    """Removes a file or a folder, and says whether it is gone: the next sweep tries again."""
    if isinstance(path, str):
        return _remove_stored(path)
    try:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except FileNotFoundError:  # another process was quicker
        return True
    except OSError as error:
        logger.warning("%s could not be removed (%s); the next sweep tries again", path, error)
        return False
    return True


def _remove_stored(name: str) -> bool:
    """The pictures of an analysis, if that is what has the name."""
    try:
        if (there := remote()) and name.startswith(f"{evidence.FOLDER}/"):
            there.remove([each.name for each in there.entries(name)])
        default_storage.delete(name)
    except OSError as error:
        logger.warning("%s could not be removed (%s); the next sweep tries again", name, error)
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep found."""

    left: tuple[Path | str, ...]  # belongs to no row and no upload; str: a name in storage
    removed: int  # of these
    missing: tuple[UUID, ...]  # clips with a file that is not there
    refused: bool = False  # so many are left that the database looks like another one's


def sweep(*, remove: bool = True, force: bool = False) -> Swept:
    """Removes files that no row knows, and logs which rows miss a file.

    Those of this machine, and those in storage if that is elsewhere; there, what is left of
    uploads that broke off goes, too.

    What is younger than GRACE stays: its row may be on the way. Unless `force`d, nothing in the
    media folder goes if more than FEW files and a tenth of all that belong to rows would: that
    is what a media folder looks like from a database that was set up anew or restored from an
    old backup.
    """
    global _missing  # noqa: PLW0603
    before, there = time.time() - GRACE.total_seconds(), remote()
    uploads = list(_left_in_uploads(before))
    stored = _listed(there) if there else None
    media: list[Path] | list[str] = (
        list(_left_in_media(before)) if stored is None else list(_left_in(stored, before))
    )
    refused = not force and len(media) > max(FEW, _rows_with_files() // 10)
    if refused:
        logger.error(
            "%d files in %s belong to no row: is this the right database? If so, remove them "
            "with `manage.py sweep_files --force`.",
            len(media),
            "storage" if there else settings.MEDIA_ROOT,
        )
    going = [*uploads, *(() if refused else media)]
    removed = sum(_remove(each) for each in going) if remove else 0
    if there and remove:
        _tidy(there, before)
    if removed:
        logger.warning("removed %d files that no row knew", removed)
    missing = tuple(dict.fromkeys(_clips_without_files(stored or {})))
    if missing:
        logger.error("%d clips miss a file: %s", len(missing), ", ".join(map(str, missing[:20])))
    _missing = len(missing)
    return Swept(left=(*uploads, *media), removed=removed, missing=missing, refused=refused)


def sweep_here() -> None:
    """Removes from this machine's disk what killed processes left, and copies of what is gone."""
    before = time.time() - GRACE.total_seconds()
    for each in _left_in_uploads(before):
        _remove(each)
    if local_copies.folder().is_dir():
        local_copies.sweep(_known())


_missing = 0


def missing() -> int:
    """How many clips missed a file when this process swept last: 0 before the first time."""
    return _missing


def _left_in_uploads(before: float) -> Iterator[Path]:
    """Partial uploads and copies of killed processes, but for what has rows of its own."""
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir():
        if path.name not in {RESUMABLE, WAITING} and is_older(path, before):
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
    old = [path for path in found if is_older(path, before)]
    known = _known()
    yield from (path for path in old if path.relative_to(root).as_posix() not in known)


def _listed(there: Remote) -> dict[str, datetime]:
    """What is in storage: names, and when they were written; the folder of an analysis as one.

    Listed before rows are read, as on the disk.
    """
    found: dict[str, datetime] = {}
    for folder in OURS:
        for each in there.entries(folder):
            name = each.name
            if folder == evidence.FOLDER:
                name = "/".join(name.split("/")[:2])
            found[name] = max(each.modified, found.get(name, each.modified))
    return found


def _left_in(stored: dict[str, datetime], before: float) -> Iterator[str]:
    known = _known()
    for name, modified in stored.items():
        if modified.timestamp() < before and name not in known:
            yield name


def _tidy(there: Remote, before: float) -> None:
    """Parts of uploads that broke off, and copies here of what no row knows any more."""
    since = datetime.fromtimestamp(before, tz=UTC)
    try:
        aborted = sum(there.abort_uploads(folder, before=since) for folder in OURS)
    except StorageError as error:  # not every service lists them
        logger.warning("unfinished uploads to the storage are not looked for: %s", error)
    else:
        if aborted:
            logger.warning("discarded %d uploads to the storage that had broken off", aborted)
    local_copies.sweep(_known())


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
    known |= {name for each in StoredModel.objects.defer("card") for name in each.stored_names}
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
    of_files = _segment_copies(), _exports(), StoredModel.objects.all()
    return sum(each.count() for each in (*rows, *of_files))


def is_older(path: Path, moment: float) -> bool:
    """Whether it was last written before the moment, in seconds since the epoch."""
    try:
        return path.lstat().st_mtime < moment
    except FileNotFoundError:  # another process has just finished with it
        return False


def _clips_without_files(stored: Container[str]) -> Iterator[UUID]:
    """What a listing has shown is not asked for one by one."""

    def is_there(name: str) -> bool:
        return name in stored or default_storage.exists(name)

    for pk, *names in Clip.objects.values_list("pk", "file", "playable").iterator():
        if not all(is_there(name) for name in names if name):
            yield pk
    of_segments = _segment_copies().order_by("clip", "number").values_list("clip", "file")
    for pk, copies in groupby(of_segments.iterator(), itemgetter(0)):
        if not all(is_there(name) for _, name in copies):
            yield pk
