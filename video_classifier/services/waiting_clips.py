"""Clips of live events from the cut until storage has them: on the disk of the machine that cut.

Each is a folder, named after its event, and a row. The folder is there before the row, and goes
after it, so that a kill in between leaves a folder without a row: if its event still lacks the
clip, the row is written again, else the folder is removed. Storage is asked by `send_left` alone.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from video_classifier.ml.contracts import Outcome
from video_classifier.ml.isolation import wire
from video_classifier.models import Clip, LiveEvent, WaitingClip
from video_classifier.querysets import LiveEventQuerySet
from video_classifier.services import (
    disk,
    files,
    live_clips,
    live_events,
    live_hints,
    live_stills,
    uploads,
)
from video_classifier.services.errors import Refused
from video_classifier.services.live_clips import Cut
from video_classifier.services.live_events import BEING_MADE, BROKE, ON_ITS_WAY, Told
from video_classifier.services.sandbox import BusyError
from video_classifier.services.thresholds import Thresholds
from video_classifier.states import Origin

logger = logging.getLogger(__name__)

BESIDE = "event"  # a file in each folder: all that the clip's result is made of
PLACE, LOCK = "place", "sending"  # files in the folder of all

FULL = "The disk of the machine that watches the camera is full, so no clip was kept."
FAILS = (
    "The clip could not be written to the disk of the machine that watches the camera; its log "
    "says why."
)
TOO_LARGE = (
    "The clip is larger than all clips that wait for the storage on the machine that watches the "
    "camera may be together (WAITING_CLIPS_MAX_BYTES)."
)
GIVEN_UP = (
    "The clip waited for the storage, and was given up for newer ones: there was no more room on "
    "the machine that watches the camera (WAITING_CLIPS_MAX_BYTES)."
)
LOST = "The clip waited for the storage on the machine that watches the camera, and was lost there."


class GoneError(Refused):
    """The event was deleted meanwhile, or its clip given up."""


class _LostError(Exception):
    """The files aren't on the disk any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What is kept beside a clip."""

    outcome: Outcome
    judged_by: Thresholds
    model: str
    recorded_at: datetime  # aware
    suffix: str  # of the clip's file
    still: bytes  # a JPEG for the event, if storage took none while it was open; or b""


# On the disk


def keep(event: LiveEvent, told: Told, cut: Cut, *, start: float, length: float) -> bool:
    """Puts the clip of a closed event with those that wait; if it can't be, the event says why.

    It begins `start` seconds after the stretch. Raises OperationalError and InterfaceError where
    the database is busy or away, and the same may be tried again.
    """
    if not live_events.is_there(event):
        return False
    try:
        beside = _Beside(
            outcome=live_hints.outcome(told.hint, told.yardstick, start=start, length=length),
            judged_by=told.judged_by,
            model=told.yardstick.model,
            recorded_at=cut.recorded_at,
            suffix=cut.path.suffix,
            still=b"" if event.still else live_stills.made(told.hint),
        )
        return _put(event.pk, cut.path, beside)
    except Refused as refusal:
        live_events.say_no_clip(event, str(refusal))
    except (OperationalError, InterfaceError):
        raise
    except OSError as error:
        logger.exception("the clip of live event %s could not be written", event.pk)
        live_events.say_no_clip(event, why_not_written(error))
    except Exception:
        logger.exception("the clip of live event %s could not be made", event.pk)
        live_events.say_no_clip(event, BROKE)
    return False


def why_not_written(error: OSError) -> str:
    return FULL if disk.ran_full(error) else FAILS


def _put(event: UUID, clip: Path, beside: _Beside) -> bool:
    """False if the event is gone. The folder appears as a whole, and is on the disk by then."""
    aside = Path(mkdtemp(prefix="live-", dir=settings.FILE_UPLOAD_TEMP_DIR))
    try:
        clip.replace(aside / f"clip{beside.suffix}")
        (aside / BESIDE).write_bytes(wire.pack(beside))
        size = _size(aside)
        _make_room(size)
        for path in (*aside.iterdir(), aside):
            _sync(path)
        folder = files.waiting_folder(event)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)  # of a try whose row could not be written
        aside.replace(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    try:
        is_noted = _note(event, size, of=LiveEvent.objects.all())
    except (OperationalError, InterfaceError):
        logger.warning("the clip of live event %s is noted later", event, exc_info=True)
        return True
    if not is_noted:
        shutil.rmtree(folder, ignore_errors=True)
    return is_noted


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _make_room(size: int) -> None:
    """Gives up the oldest; none, if that would not be enough. Raises Refused.

    The `size` bytes are on the disk already.
    """
    most = settings.WAITING_CLIPS_MAX_BYTES
    if size > most:
        raise Refused(TOO_LARGE)
    waiting = list(_waiting())
    taken = sum(each.size_bytes for each in waiting)
    needed = disk.lacks_for_live()
    if needed > taken:
        disk.refuse_when_low()
        raise disk.DiskFullError(FULL)
    needed = max(needed, taken + size - most)
    for each in waiting:
        if needed <= 0:
            break
        if _give_up(each.pk, GIVEN_UP):
            logger.warning("the clip of live event %s is given up: there is no room", each.pk)
        needed -= each.size_bytes


@transaction.atomic
def _note(event: UUID, size: int, *, of: LiveEventQuerySet) -> bool:
    """Writes the row, if the event is among those, and has no clip."""
    if not of.filter(pk=event, clip=None).update(no_clip=ON_ITS_WAY):
        return False
    WaitingClip.objects.update_or_create(
        live_event_id=event, defaults={"place": place(), "size_bytes": size}
    )
    return True


@transaction.atomic
def _give_up(event: UUID, why: str) -> bool:
    """False if its clip isn't waiting any more."""
    _hold(event)
    if not WaitingClip.objects.filter(pk=event).delete()[0]:
        return False
    LiveEvent.objects.filter(pk=event, clip=None).update(no_clip=why)
    return True


def _hold(event: UUID) -> None:
    """Until the transaction ends: everybody locks the event first, and the row of its clip then."""
    list(LiveEvent.objects.select_for_update().filter(pk=event).only("pk"))


def place() -> str:
    """The name of this machine's folder, which it has for good."""
    path = _root() / PLACE
    with suppress(FileNotFoundError):
        return path.read_text()
    path.parent.mkdir(mode=0o700, exist_ok=True)
    name = uuid.uuid4().hex[:8]
    aside = path.with_name(f"{PLACE}-{name}")
    aside.write_text(f"{socket.gethostname()[:50]}:{name}")
    with suppress(FileExistsError):  # another process was quicker
        os.link(aside, path)
    aside.unlink()
    return path.read_text()


def _root() -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / files.WAITING


def _events() -> list[UUID]:
    """Whose folders are here."""
    found = []
    with suppress(FileNotFoundError):
        for path in _root().iterdir():
            with suppress(ValueError):  # the lock, and the name of the place
                found.append(UUID(path.name))
    return found


def _waiting() -> list[WaitingClip]:
    """Those that are here, the oldest first."""
    rows = WaitingClip.objects.filter(pk__in=_events())
    return list(rows.select_related("live_event__camera__store"))


def are_here() -> bool:
    """Whether anything waits on this machine, noted or not."""
    return bool(_events())


def tidy() -> None:
    """Rows and folders of this machine fit again, after a kill, a deletion or a loss."""
    folders = _events()  # before the rows: one that is being sent has both, or neither
    noted = set(WaitingClip.objects.filter(pk__in=folders).values_list("pk", flat=True))
    unmade = LiveEvent.objects.filter(no_clip__in=(BEING_MADE, live_events.ABANDONED, ON_ITS_WAY))
    for event in set(folders) - noted:
        folder = files.waiting_folder(event)
        with suppress(FileNotFoundError):
            if not _note(event, _size(folder), of=unmade):
                shutil.rmtree(folder, ignore_errors=True)
    if not (_root() / PLACE).exists():  # nothing was ever cut here
        return
    for event in WaitingClip.objects.filter(place=place()).values_list("pk", flat=True):
        if not files.waiting_folder(event).exists() and _give_up(event, LOST):
            logger.error("the waiting clip of live event %s is no longer on the disk", event)


# To the storage


def send_left(*, worker: str) -> int:
    """Sends what waits on this machine, the oldest first; says how many still do.

    The storage is asked by one process at a time, and about no further clip once it was away.
    """
    if not _events():
        return 0
    with _alone() as is_alone:
        if not is_alone:
            return 0
        waiting = _waiting()
        try:
            with disk.refusing_when_full():
                if waiting and not files.are_usable():
                    raise disk.AwayError(disk.AWAY)
            for each in waiting:
                _send(each, worker=worker)
        except (disk.DiskFullError, BusyError) as refusal:
            logger.warning("clips of live events wait for the storage: %s", refusal)
        return len(_waiting())


@contextmanager
def _alone() -> Iterator[bool]:
    """A lock that dies with its holder."""
    with (_root() / LOCK).open("w") as file:  # closing lets go of it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _send(waiting: WaitingClip, *, worker: str) -> None:
    """Settles it, unless it has to wait. Raises what keeps all others waiting, too."""
    event = waiting.live_event
    try:
        _keep(event, worker=worker)
    except GoneError:
        logger.info("live event %s has no more use for its clip", event.pk)
    except (disk.DiskFullError, BusyError, OperationalError, InterfaceError):
        raise
    except _LostError:
        _give_up(event.pk, LOST)
    except (OSError, msgspec.MsgspecError):  # of another version, maybe, which may be back
        logger.exception("the clip of live event %s can't be sent, and waits", event.pk)
    except Refused as refusal:
        _give_up(event.pk, str(refusal))
    except Exception:
        logger.exception("the clip of live event %s could not be kept", event.pk)
        _give_up(event.pk, BROKE)


def _keep(event: LiveEvent, *, worker: str) -> None:
    beside, path = _found(files.waiting_folder(event.pk))
    stills: list[str] = []

    def claim(clip: Clip) -> None:
        """Of two who would send it, or one and a deletion, the later finds nothing."""
        _hold(event.pk)
        if not WaitingClip.objects.filter(pk=event.pk).delete()[0]:
            raise GoneError
        events = LiveEvent.objects.filter(pk=event.pk, clip=None)
        if beside.still and not event.still:
            stills.append(live_stills.save(beside.still))
            events.update(still=stills[0])
        if not events.update(clip=clip, no_clip=""):
            raise GoneError

    try:
        with uploads.second_name(path) as second:
            cut = Cut(
                path=second,
                camera=event.camera,
                origin=Origin.EVENT,
                recorded_at=beside.recorded_at,
            )
            live_clips.keep_event(
                cut,
                beside.outcome,
                model=beside.model,
                judged_by=beside.judged_by,
                worker=worker,
                claim=claim,
            )
    except BaseException:
        files.discard(stills)
        raise


def _found(folder: Path) -> tuple[_Beside, Path]:
    """Raises _LostError, OSError and msgspec.MsgspecError."""
    try:
        beside = wire.unpack((folder / BESIDE).read_bytes(), _Beside)
    except FileNotFoundError as error:
        raise _LostError from error
    path = folder / f"clip{beside.suffix}"
    if not path.exists():
        raise _LostError
    return beside, path
