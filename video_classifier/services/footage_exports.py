"""Writes what there is of a camera from one moment to another into a folder, for who asks for it.

Files are copied as they are stored; `manifest.json` has their SHA-256 and all that models and
people said of them. Accounts are not in it: they are other people.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from django.contrib.auth.models import User
from django.core.files.storage import default_storage

from video_classifier.models import Analysis, Clip, LiveEvent
from video_classifier.services import audit, disk, files, requested_footage
from video_classifier.services.errors import Refused
from video_classifier.services.requested_footage import RequestedFootage
from video_classifier.states import Action

MANIFEST = "manifest.json"
AT_ONCE = 1024 * 1024  # bytes

IN_THE_WAY = "{folder} is there already, and not empty. Name a new folder."
NOT_WRITABLE = "The folder {folder} can't be written: {error}."
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
    """Into a folder that is new, or empty. Raises Refused and DiskFullError."""
    found = content(asked, unknown_too=unknown_too)
    _make(folder)
    with disk.refusing_when_full():
        told = {
            "note": NOTE,
            "store": asked.camera.store.name,
            "camera": asked.camera.name,
            "from": asked.start.isoformat(),
            "to": asked.end.isoformat(),
            "clips": [_clip(clip, folder) for clip in _clips(asked, unknown_too=unknown_too)],
            "live_events": [
                _live_event(each, folder) for each in requested_footage.live_events(asked)
            ],
            "candidates": list(_candidates(asked)),
        }
        text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
        (folder / MANIFEST).write_text(text, encoding="utf-8")
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
    return found


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


def _clip(clip: Clip, folder: Path) -> dict[str, object]:
    name = f"{clip.pk}{Path(str(clip.file.name)).suffix}"
    try:
        with files.local_path(clip.file) as path:
            shutil.copyfile(path, folder / name)
    except FileNotFoundError as error:
        raise Refused(LACKS_FILE.format(clip=clip.pk)) from error
    if _digest(folder / name) != clip.sha256:
        raise Refused(CHANGED.format(clip=clip.pk))
    analyses = clip.analyses.prefetch_related("events").order_by("queued_at")
    return {
        "file": name,
        "sha256": clip.sha256,
        "recorded_at": _moment(clip.recorded_at),
        "uploaded_at": _moment(clip.uploaded_at),
        "duration_s": clip.duration,
        "said": clip.verdict or None,
        "analyses": [_analysis(each) for each in analyses],
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def _live_event(event: LiveEvent, folder: Path) -> dict[str, object]:
    return {
        "started_at": _moment(event.started_at),
        "ended_at": _moment(event.ended_at),
        "model": event.model,
        "score": event.score,
        "threshold": event.threshold,
        "still": _still(event, folder),
    }


def _still(event: LiveEvent, folder: Path) -> str | None:
    """Its name; without one the rest is still worth having."""
    if not event.still or not default_storage.exists(event.still):
        return None
    name = f"{event.pk}{Path(event.still).suffix}"
    with default_storage.open(event.still) as stored, (folder / name).open("wb") as file:
        _copy(stored, file)
    return name


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    shutil.copyfileobj(source, target, AT_ONCE)


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
