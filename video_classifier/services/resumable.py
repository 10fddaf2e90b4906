"""Files that come in piece by piece and may be resumed (tus 1.0): creation, pieces, the end.

The row says how much counts. Bytes are on the disk before the row says so, and what lies behind
is cut off before more is written: neither a kill nor two writers at once leave a wrong byte.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from video_classifier.models import Analysis, Store, Upload
from video_classifier.services import database, disk, files, uploads
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import QueueFullError
from video_classifier.services.sandbox import BusyError
from video_classifier.states import UploadStatus

logger = logging.getLogger(__name__)

ALGORITHMS = ("sha1", "sha256")  # of checksums; tus wants SHA-1 of every server that checks

EMPTY = "“{name}” is empty. Export it again, and upload that."
TOO_MANY = (
    "As many of your uploads are unfinished as one user may have: {count}. Finish or discard one, "
    "or wait: they go by themselves after {hours} hours."
)
NO_ROOM = (
    "The uploads that are on their way take all the room there is for them. Try again when some "
    "are done."
)
PAUSED = (
    "The server's disk is full. What has arrived is kept: tell your administrator, and go on when "
    "there is room again."
)
CHECKED = "This file is being checked, so it can't be discarded. Delete its clip when it is there."
GONE = "This upload has expired or was discarded. Send the file again."
IN_TRASH = "The same clip is in the trash, from where it can be restored."
CLOSED = "You can't upload to this store any more. Ask an administrator."


class GoneError(Refused):
    """There is no such upload, or no longer."""


class FullError(Refused):
    """Others, or the user's own, have to be finished before."""


class ClosedError(Refused):
    """The user may no longer upload to that store."""


class OffsetError(Refused):
    """The piece doesn't begin where the last one ended."""


class ChecksumError(Refused):
    """The piece is not what was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What an uploader says of the file that is to come."""

    name: str
    size: int
    with_folders: str = ""  # the name, with those that it came in
    fingerprint: str = ""  # by which a page knows the same file again


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """Of one piece; the algorithm is one of ALGORITHMS."""

    algorithm: str
    digest: bytes


def create(file: File, *, user: User, choices: uploads.Choices) -> Upload:
    """Takes note of a file that is to come. Raises Refused, of which some have classes here."""
    name = uploads.clean_name(file.name)
    if file.size > settings.RECORDING_MAX_BYTES:
        raise uploads.TooLargeError(uploads.too_large(name, settings.RECORDING_MAX_BYTES))
    if not file.size:
        raise Refused(EMPTY.format(name=name))
    uploads.check(choices, user)
    with disk.refusing_when_full(), transaction.atomic():
        # Of two requests at once, the later counts what the first has created.
        User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
        _check_room(file.size, user)
        upload = Upload.objects.create(
            user=user,
            name=name,
            path=file.with_folders[:1000],
            fingerprint=file.fingerprint[:500],
            size_bytes=file.size,
            store=choices.store,
            camera=choices.camera,
            model=choices.model,
            recorded_at=choices.recorded_at,
            pattern=choices.pattern,
            expires_at=database.now() + settings.UPLOAD_EXPIRY,
        )
        place = path_of(upload)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return upload


def _check_room(size: int, user: User) -> None:
    unfinished = Upload.objects.unfinished().alive(now=database.now())
    if unfinished.of(user).count() >= settings.UPLOADS_PER_USER:
        hours = round(settings.UPLOAD_EXPIRY.total_seconds() / 3600)
        raise FullError(TOO_MANY.format(count=settings.UPLOADS_PER_USER, hours=hours))
    sums = unfinished.aggregate(whole=Sum("size_bytes"), come=Sum("received_bytes"))
    whole, come = sums["whole"] or 0, sums["come"] or 0
    if whole + size > settings.UPLOADS_MAX_BYTES:
        raise FullError(NO_ROOM)
    free = shutil.disk_usage(settings.DATA_DIR).free - settings.DISK_FLOOR_BYTES
    if size > free:
        raise disk.DiskFullError(disk.FULL)
    if size + whole - come > free:
        raise FullError(NO_ROOM)


def find(pk: UUID, user: User) -> Upload:
    """An upload of that user's. Raises GoneError if it expired, Upload.DoesNotExist without one."""
    upload: Upload = Upload.objects.select_related("user", "store", "camera").of(user).get(pk=pk)
    if upload.expires_at <= database.now() or _has_lost_bytes(upload):
        raise GoneError(GONE)
    return upload


def unfinished(user: User) -> list[Upload]:
    """Those that the user can go on with, the oldest first."""
    return list(Upload.objects.unfinished().of(user).alive(now=timezone.now()))


def _has_lost_bytes(upload: Upload) -> bool:
    """As after a restore from a backup, which is without what was on its way."""
    if upload.status != UploadStatus.RECEIVING:
        return False
    try:
        return path_of(upload).stat().st_size < upload.received_bytes
    except FileNotFoundError:
        return True


def path_of(upload: Upload) -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / files.RESUMABLE / f"{upload.pk}.part"


def append(
    upload: Upload, pieces: Iterable[bytes], *, offset: int, checksum: Checksum | None = None
) -> Upload:
    """Adds what comes, from `offset` on; the upload as it is then.

    Each of the pieces counts as soon as it is on the disk, whatever becomes of the next; with a
    checksum none does before all were verified. Raises OffsetError, ChecksumError, ClosedError,
    GoneError and disk.DiskFullError.
    """
    _check_open(upload)
    if upload.status != UploadStatus.RECEIVING or offset != upload.received_bytes:
        raise OffsetError(_not_there(offset))
    with _keeping_what_came():
        if checksum is None:
            _append_all(upload, pieces)
        else:
            with TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as aside:
                _append_all(upload, _verified(aside, pieces, checksum, upload))
    return upload


def _append_all(upload: Upload, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        if piece:
            _append_one(upload, piece)


def _verified(
    aside: IO[bytes], pieces: Iterable[bytes], checksum: Checksum, upload: Upload
) -> Iterator[bytes]:
    """The same bytes, once all have come and are what was sent."""
    come, size = hashlib.new(checksum.algorithm, usedforsecurity=False), 0
    for piece in pieces:
        size += len(piece)
        _check_fits(upload, size)
        _check_disk()
        come.update(piece)
        aside.write(piece)
    if not hmac.compare_digest(come.digest(), checksum.digest):
        msg = "What arrived is not what was sent. Send this piece again."
        raise ChecksumError(msg)
    aside.seek(0)
    yield from iter(partial(aside.read, 1024 * 1024), b"")


def _append_one(upload: Upload, piece: bytes) -> None:
    """Moves `upload` on by one piece, or raises OffsetError if somebody else has moved it."""
    _check_fits(upload, len(piece))
    _check_disk()
    before, after = upload.received_bytes, upload.received_bytes + len(piece)
    is_whole = after == upload.size_bytes
    status = UploadStatus.CHECKING if is_whole else UploadStatus.RECEIVING
    expires_at = database.now() + settings.UPLOAD_EXPIRY
    here = Upload.objects.filter(pk=upload.pk, status=UploadStatus.RECEIVING, received_bytes=before)
    with _alone(upload) as file:
        if not here.exists():
            raise OffsetError(_not_there(before))
        file.truncate(before)  # what a kill left behind
        file.seek(before)
        file.write(piece)
        file.flush()
        os.fsync(file.fileno())
        if not here.update(received_bytes=after, status=status, expires_at=expires_at):
            raise OffsetError(_not_there(before))
    upload.received_bytes, upload.status, upload.expires_at = after, status, expires_at


@contextmanager
def _alone(upload: Upload, *, wait: bool = True) -> Iterator[IO[bytes]]:
    """The file, while nobody else writes or checks it: a lock that dies with its holder.

    Raises GoneError without a file, and BlockingIOError if it is not to `wait`.
    """
    try:
        file = path_of(upload).open("r+b")
    except FileNotFoundError as error:
        raise GoneError(GONE) from error
    with file:  # closing lets go of the lock
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield file


def _check_fits(upload: Upload, come: int) -> None:
    if upload.received_bytes + come > upload.size_bytes:
        msg = "More came than the upload said it would have. Send the file again."
        raise OffsetError(msg)


def _check_disk() -> None:
    if disk.is_nearly_full():
        raise disk.DiskFullError(PAUSED)


@contextmanager
def _keeping_what_came() -> Iterator[None]:
    try:
        with disk.refusing_when_full():
            yield
    except disk.DiskFullError as error:
        raise disk.DiskFullError(PAUSED) from error


def _check_open(upload: Upload) -> None:
    """As at the beginning: a membership may have ended since."""
    if not Store.objects.open_to(upload.user).filter(pk=upload.store_id).exists():
        raise ClosedError(CLOSED)


def _not_there(offset: int) -> str:
    return f"The upload is not at {offset}. Ask where it is, and go on from there."


def discard(upload: Upload) -> None:
    """The row, and with it the bytes. Raises Refused while the file is being checked."""
    try:
        with suppress(GoneError), _alone(upload, wait=False):
            upload.delete()
            return
    except BlockingIOError as error:
        raise Refused(CHECKED) from error
    upload.delete()


@receiver(post_delete, sender=Upload)
def _forget_bytes(instance: Upload, **_: Any) -> None:
    transaction.on_commit(partial(_remove, path_of(instance)))


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()


# The end


def finish(upload: Upload) -> Upload:
    """Makes a clip of a file that is all there, unless somebody is at it; the upload then.

    Takes seconds for a large file. What only has to wait (for the queue, a free core or room on
    the disk) stays as it is, with a `problem`, and is tried again by the next call.
    """
    if upload.status == UploadStatus.CHECKING:
        with suppress(BlockingIOError):
            _finish(upload)
        upload.refresh_from_db()
    return upload


def _finish(upload: Upload) -> None:
    try:
        with _alone(upload, wait=False):
            upload.refresh_from_db()
            if upload.status == UploadStatus.CHECKING:  # nobody was quicker
                _end(upload)
    except GoneError as error:
        if files.remote() is None:  # else another machine may have the bytes
            _settle(upload, status=UploadStatus.REFUSED, problem=str(error))


def _end(upload: Upload) -> None:
    """Writes what became of it. The bytes go last, so that a kill in between loses nothing."""
    try:
        _check_open(upload)
        _accept(upload)
    except (QueueFullError, BusyError, disk.DiskFullError) as refusal:
        _settle(upload, problem=str(refusal))
        return
    except uploads.InTrashError as found:
        _settle(upload, status=UploadStatus.REFUSED, problem=IN_TRASH, trashed=found.clip)
    except Refused as refusal:
        _settle(upload, status=UploadStatus.REFUSED, problem=str(refusal))
    _remove(path_of(upload))


def _settle(upload: Upload, **changes: object) -> None:
    checked = Upload.objects.filter(pk=upload.pk, status=UploadStatus.CHECKING)
    checked.update(**changes)


def _accept(upload: Upload) -> None:
    choices = uploads.Choices(
        model=upload.model,
        store=upload.store,
        camera=upload.camera,
        recorded_at=upload.recorded_at,
        pattern=upload.pattern,
    )
    with (
        uploads.second_name(path_of(upload)) as path,
        uploads.FileOnDisk(path, upload.name, upload.size_bytes) as file,
    ):
        uploads.accept(
            file=file,
            user=upload.user,
            choices=choices,
            path=upload.path,
            max_bytes=settings.RECORDING_MAX_BYTES,
            then=partial(_note, upload),
        )


def _note(upload: Upload, analysis: Analysis) -> None:
    """In the transaction that makes the clip: either both are there or neither is."""
    _settle(upload, status=UploadStatus.ACCEPTED, problem="", analysis=analysis)


def finish_left() -> int:
    """Finishes what is all here and nobody waits for: its page was closed, or a server killed.

    What is on the disk of another machine is that machine's to finish.
    """
    left = Upload.objects.filter(status=UploadStatus.CHECKING).select_related(
        "user", "store", "camera"
    )
    return sum(finish(each).status == UploadStatus.ACCEPTED for each in left)


def tidy() -> int:
    """Deletes expired uploads with their bytes, and bytes that belong to no upload; how many."""
    expired = list(Upload.objects.expired(now=database.now()))
    for each in expired:
        with suppress(Refused):
            discard(each)
    sweep()
    if expired:
        logger.info("removed %d uploads that had expired", len(expired))
    return len(expired)


def sweep() -> None:
    """Deletes bytes on this machine that belong to no upload."""
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR) / files.RESUMABLE
    found = list(folder.glob("*"))  # before the rows: one that is being made isn't an orphan
    known = {path_of(each).stem for each in Upload.objects.only("pk")}
    old = (database.now() - settings.UPLOAD_EXPIRY).timestamp()
    for path in found:
        with suppress(FileNotFoundError):
            if path.stem not in known and path.stat().st_mtime < old:
                path.unlink()
