"""Hands out what there is of a camera from one moment to another: into a folder, or as a ZIP.

Files are copied as they are stored; `manifest.json` has their SHA-256 and all that models and
people said of them. Accounts are not in it: they are other people.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import RawIOBase
from pathlib import Path
from typing import IO, TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.models import User
from django.core.files.storage import default_storage

from video_classifier.models import Analysis, Clip, LiveEvent
from video_classifier.services import audit, disk, files, requested_footage
from video_classifier.services.errors import Refused
from video_classifier.services.requested_footage import RequestedFootage
from video_classifier.states import Action

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

MANIFEST = "manifest.json"
AT_ONCE = 1024 * 1024  # bytes

IN_THE_WAY = "{folder} is there already, and not empty. Name a new folder."
NOT_WRITABLE = "The folder {folder} can't be written: {error}."
NO_ROOM = (
    "There is no room left, in {folder} or for the audit log, so that nothing was exported. Make "
    "room, or name a folder on another disk."
)
LACKS_FILE = "The file of clip {clip} is no longer there, so that nothing was exported."
CHANGED = "The file of clip {clip} isn't the one that was uploaded: its SHA-256 differs."
NOTE = (
    "A score says how much a stretch of video looks like shoplifting to a model. It is a hint for "
    "a person to watch the video, and no proof that anybody took anything."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is exported, or would be."""

    clips: int
    size_bytes: int
    live_events: int
    candidates: int
    unknown: int  # clips that may be of that time; they are left out unless asked for


def content(asked: RequestedFootage, *, unknown_too: bool = False) -> Content:
    found = _clips(asked, unknown_too=unknown_too)
    unknown = 0 if unknown_too else requested_footage.clips_of_unknown_time(asked).count()
    return Content(
        clips=len(found),
        size_bytes=sum(clip.size_bytes for clip in found),
        live_events=requested_footage.live_events(asked).count(),
        candidates=requested_footage.candidates(asked).count(),
        unknown=unknown,
    )


def write(asked: RequestedFootage, folder: Path, *, by: User, unknown_too: bool = False) -> Content:
    """Into a folder that is new, or empty. Raises Refused, and then nothing is in it."""
    found = content(asked, unknown_too=unknown_too)
    _make(folder)
    try:
        with disk.refusing_when_full():
            for member in _members(asked, unknown_too=unknown_too):
                with (folder / member.name).open("wb") as file:
                    file.writelines(member.pieces)
            _record(asked, found, by)
    except BaseException as error:
        for path in folder.iterdir():  # footage of people, which nobody has noted
            path.unlink()
        if isinstance(error, disk.DiskFullError) and not isinstance(error, disk.AwayError):
            raise Refused(NO_ROOM.format(folder=folder)) from error
        raise
    return found


def archive(asked: RequestedFootage, *, by: User, unknown_too: bool = False) -> Iterator[bytes]:
    """A ZIP of the same, piece by piece, which needs no room on the server. Raises Refused.

    A file that turns out to be changed when it is read raises it on the way: what was sent until
    then is no whole ZIP.
    """
    for clip in _clips(asked, unknown_too=unknown_too):
        if not default_storage.exists(str(clip.file.name)):
            raise Refused(LACKS_FILE.format(clip=clip.pk))
    _record(asked, content(asked, unknown_too=unknown_too), by)
    return _zipped(_members(asked, unknown_too=unknown_too))


class _Pieces(RawIOBase):
    """What a ZIP writes, until it is taken."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Buffer, /) -> int:
        self._written += content
        return memoryview(content).nbytes

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


def _zipped(members: Iterable[_Member]) -> Iterator[bytes]:
    pieces = _Pieces()
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_STORED) as made:
        for member in members:
            with made.open(member.name, "w", force_zip64=True) as file:
                for piece in member.pieces:
                    file.write(piece)
                    yield pieces.take()
    yield pieces.take()


def _record(asked: RequestedFootage, found: Content, by: User) -> None:
    audit.record(
        Action.EXPORTED,
        by,
        audit.CAMERA,
        asked.camera.pk,
        store=asked.camera.store_id,
        since=asked.start.isoformat(),
        until=asked.end.isoformat(),
        clips=found.clips,
        live_events=found.live_events,
    )


def _make(folder: Path) -> None:
    """For nobody else to read."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise Refused(IN_THE_WAY.format(folder=folder))
    except OSError as error:
        raise Refused(NOT_WRITABLE.format(folder=folder, error=error.strerror)) from error


def _clips(asked: RequestedFootage, *, unknown_too: bool) -> list[Clip]:
    found = list(requested_footage.clips(asked))
    return found + (list(requested_footage.clips_of_unknown_time(asked)) if unknown_too else [])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A file of an export."""

    name: str
    pieces: Iterable[bytes]


def _members(asked: RequestedFootage, *, unknown_too: bool) -> Iterator[_Member]:
    """The manifest comes last: each is read to its end before the next."""
    of_clips = []
    for clip in _clips(asked, unknown_too=unknown_too):
        yield _Member(name=_name(clip.pk, clip.file), pieces=_read_clip(clip))
        of_clips.append(_clip(clip))
    of_events = []
    for event in requested_footage.live_events(asked):
        has_still = bool(event.still) and default_storage.exists(event.still)
        if has_still:  # without one the rest is still worth having
            yield _Member(name=_name(event.pk, event.still), pieces=_read_still(event))
        of_events.append(_live_event(event, has_still=has_still))
    told = {
        "note": NOTE,
        "store": asked.camera.store.name,
        "camera": asked.camera.name,
        "from": asked.start.isoformat(),
        "to": asked.end.isoformat(),
        "clips": of_clips,
        "live_events": of_events,
        "candidates": list(_candidates(asked)),
    }
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    yield _Member(name=MANIFEST, pieces=[text.encode()])


def _name(key: UUID, stored: object) -> str:
    return f"{key}{Path(str(stored)).suffix}"


def _read_clip(clip: Clip) -> Iterator[bytes]:
    digest = hashlib.sha256()
    try:
        with files.local_path(clip.file) as path, path.open("rb") as file:
            for piece in _pieces(file):
                digest.update(piece)
                yield piece
    except FileNotFoundError as error:
        raise Refused(LACKS_FILE.format(clip=clip.pk)) from error
    if digest.hexdigest() != clip.sha256:
        raise Refused(CHANGED.format(clip=clip.pk))


def _read_still(event: LiveEvent) -> Iterator[bytes]:
    with default_storage.open(event.still) as stored:
        yield from _pieces(stored)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(AT_ONCE):
        yield piece


def _clip(clip: Clip) -> dict[str, object]:
    analyses = clip.analyses.prefetch_related("events").order_by("queued_at")
    return {
        "file": _name(clip.pk, clip.file),
        "sha256": clip.sha256,
        "recorded_at": _moment(clip.recorded_at),
        "uploaded_at": _moment(clip.uploaded_at),
        "duration_s": clip.duration,
        "said": clip.verdict or None,
        "analyses": [_analysis(each) for each in analyses],
    }


def _analysis(analysis: Analysis) -> dict[str, object]:
    return {
        "model": analysis.model,
        "finished_at": _moment(analysis.finished_at),
        "prediction": analysis.prediction or None,
        "score": analysis.score,
        "threshold": analysis.threshold,
        "events": [
            {
                "number": event.number,
                "start_s": event.start,
                "end_s": event.end,
                "score": event.score,
                "said": event.verdict or None,
            }
            for event in analysis.events.all()
        ],
    }


def _live_event(event: LiveEvent, *, has_still: bool) -> dict[str, object]:
    return {
        "started_at": _moment(event.started_at),
        "ended_at": _moment(event.ended_at),
        "model": event.model,
        "score": event.score,
        "threshold": event.threshold,
        "still": _name(event.pk, event.still) if has_still else None,
    }


def _candidates(asked: RequestedFootage) -> Iterator[dict[str, object]]:
    for each in requested_footage.candidates(asked).order_by("started_at", "pk").iterator():
        yield {
            "started_at": _moment(each.started_at),
            "ended_at": _moment(each.ended_at),
            "model": each.model,
            "score": each.score,
        }


def _moment(when: datetime | None) -> str | None:
    return when.isoformat() if when else None
