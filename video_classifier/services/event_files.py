"""An event to take away: its seconds as they were recorded, its still, and what is known of it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from video_classifier.models import Event
from video_classifier.services import disk, evidence, exports, files, sandbox

MANIFEST, STILL = "manifest.json", "still.jpg"
AT_ONCE = 1024 * 1024  # bytes

NO_PROOF = (
    "A score says how much a stretch of video looks like shoplifting to a model. It is a hint for "
    "a person to watch the video, and no proof that anybody took anything."
)
HOW = (
    "The packets of the video are copied byte by byte and never encoded anew. They begin at the "
    "keyframe before the event, without which its first pictures can't be shown, and end with the "
    "picture after it. Sound is left out."
)


def archive(event: Event, *, link: Callable[[str], str]) -> IO[bytes]:
    """A ZIP of the video, the still and a manifest, in a file without a name.

    `link` makes an address of a path on this site. Raises Refused if nothing can be cut out, and
    DiskFullError.
    """
    with disk.refusing_when_full(), TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        video = Path(folder) / "video"
        start, end, suffix = _cut(event, video)
        found = TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115  (to be read)
        try:
            with zipfile.ZipFile(found, "w", zipfile.ZIP_STORED) as made:
                packed = [_packed(made, video, f"event.{suffix}"), *_packed_still(made, event)]
                told = _manifest(event, link) | {
                    "video": {"how": HOW, "start_s": round(start, 3), "end_s": round(end, 3)},
                    "files": packed,
                }
                made.writestr(MANIFEST, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
            found.seek(0)
        except BaseException:
            found.close()
            raise
        return found


def _cut(event: Event, target: Path) -> tuple[float, float, str]:
    clip = event.analysis.clip
    with files.local_path(clip.file) as source:
        return sandbox.cut(
            source, target, container=clip.container, stretch=(event.start, event.end)
        )


def _packed(made: zipfile.ZipFile, path: Path, name: str) -> dict[str, object]:
    made.write(path, name)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": name, "size_bytes": path.stat().st_size, "sha256": digest}


def _packed_still(made: zipfile.ZipFile, event: Event) -> list[dict[str, object]]:
    """Without one the rest is still worth having."""
    name = evidence.event_still(event)
    if not name or not default_storage.exists(name):
        return []
    with default_storage.open(name) as file:
        content = file.read()
    made.writestr(STILL, content)
    digest = hashlib.sha256(content).hexdigest()
    return [{"name": STILL, "size_bytes": len(content), "sha256": digest}]


def _manifest(event: Event, link: Callable[[str], str]) -> dict[str, object]:
    analysis, clip = event.analysis, event.analysis.clip

    def at(seconds: float) -> str | None:
        return exports.clock_time(seconds, clip) or None

    def said(when: datetime | None) -> str | None:
        return exports.moment(when, clip) or None

    return {
        "note": NO_PROOF,
        "made_at": said(timezone.now()),
        "event": {
            "number": event.number,
            "link": link(exports.path_of(analysis, event.number)),
            "start_s": event.start,
            "end_s": event.end,
            "peak_s": event.peak,
            "start_at": at(event.start),
            "end_at": at(event.end),
            "peak_at": at(event.peak),
            "score": event.score,
            "prediction": exports.prediction_of(event).value,
            "threshold": analysis.threshold,
            "low_threshold": analysis.low,
            "track": event.track.number if event.track else None,
        },
        "clip": {
            "name": clip.name,
            "sha256": clip.sha256,
            "size_bytes": clip.size_bytes,
            "store": clip.store.name,
            "camera": clip.camera.name if clip.camera else None,
            "uploaded_at": said(clip.uploaded_at),
        },
        "analysis": {
            "id": str(analysis.pk),
            "finished_at": said(analysis.finished_at),
            "model": analysis.model,
            "model_sha256": analysis.model_sha256,
            "detector_sha256": analysis.detector_sha256 or None,
        },
    }
