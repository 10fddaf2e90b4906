"""Exports of cases: a ZIP of the evidence with its report, made by a worker and kept for a week."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import transaction

from video_classifier.ml import contracts as ml
from video_classifier.ml.video import blurring
from video_classifier.models import Case, CaseExport, CaseItem, Clip
from video_classifier.services import (
    audit,
    case_pdf,
    case_reports,
    cases,
    database,
    disk,
    evidence,
    files,
    jobs,
    queue,
    sandbox,
)
from video_classifier.services.case_reports import BLURRED, Packed, PackedFile
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import GaveWayError, LeaseLostError
from video_classifier.services.uploads import FileOnDisk
from video_classifier.states import Action, Status

logger = logging.getLogger(__name__)

KEEP = timedelta(days=7)
AROUND = 2.0  # seconds before and after an event that its blurred copy shows
LONGEST = 600.0  # seconds of a stretch that is blurred
SPARE = 64 * 1024 * 1024  # bytes for what is made anew
AT_ONCE = 1024 * 1024  # bytes
QUALITY = 85  # of JPEG

MANIFEST, PDF, HTML, CSS = "manifest.json", "report.pdf", "report.html", "report.css"

EMPTY = "There is nothing in “{case}” to export."
UNDER_WAY = "An export of “{case}” is being made already."
NO_ROOM = (
    "The server's disk is too full for this export. Leave the original files out, or tell your "
    "administrator and ask again later."
)
GONE = "The file of “{clip}” is no longer there, so that the export can't be made."
BROKE = "Something broke on our side. The server's log has the cause."
TOO_LONG = "It takes too long to make this export. Make a case of fewer events."
TOO_LONG_A_STRETCH = (
    "None: stretches of more than {minutes:g} minutes aren't blurred. Add shorter ones."
)
NO_BLURRED = "None: {why}"

Watch = Callable[[], None]


@transaction.atomic
def ask(case: Case, *, by: User, has_originals: bool = True, is_blurred: bool = True) -> CaseExport:
    """Queues an export. Raises Refused."""
    held = Case.objects.select_for_update().get(pk=case.pk)
    if not held.items.exists():
        raise Refused(EMPTY.format(case=held.name))
    if held.exports.filter(status__in=(Status.QUEUED, Status.RUNNING)).exists():
        raise Refused(UNDER_WAY.format(case=held.name))
    if disk.is_nearly_full(_bytes(held, has_originals=has_originals)):
        raise Refused(NO_ROOM)
    export = CaseExport.objects.create(
        case=held, requested_by=by, has_originals=has_originals, is_blurred=is_blurred
    )
    audit.record(
        Action.CASE_EXPORTED,
        by,
        audit.CASE,
        held.pk,
        store=held.store_id,
        export=str(export.pk),
        originals=int(has_originals),
        blurred=int(is_blurred),
    )
    queue.announce("case_exports")
    return export


@transaction.atomic
def discard(export: CaseExport, *, by: User) -> bool:
    """Deletes one, made or not; a run of it loses its lease. False if it is gone."""
    held = CaseExport.objects.select_for_update().filter(pk=export.pk).first()
    if held is None:
        return False
    held.delete()
    audit.record(
        Action.CASE_CHANGED,
        by,
        audit.CASE,
        held.case_id,
        store=held.case.store_id,
        what="export_deleted",
        export=str(export.pk),
    )
    return True


def expire(*, now: datetime) -> int:
    """Deletes those that were finished KEEP ago; says how many."""
    due = list(CaseExport.objects.finished_before(now - KEEP))
    for export in due:
        export.delete()
    return len(due)


def put_back(*, worker: str) -> int:
    """Releases the jobs of `worker`, which shuts down."""
    return jobs.put_back(CaseExport.objects.all(), worker=worker)


def make_next(*, worker: str, proceed: Callable[[], bool] = lambda: True) -> bool:
    """Makes the next export; returns whether there was one.

    What is interrupted goes back to its place, and doesn't blur again what it blurred.
    """
    return jobs.run_next(
        CaseExport.objects.all(),
        worker=worker,
        related="case__store",
        run=partial(_run, proceed=proceed),
        give_up=partial(_fail, reason=BROKE),
    )


def _run(export: CaseExport, proceed: Callable[[], bool]) -> None:
    try:
        with jobs.holding(export, proceed=proceed, too_long=TOO_LONG) as watch:
            _make(export, watch)
    except LeaseLostError:
        raise
    except GaveWayError:
        jobs.give_way(export)
    except jobs.INTERRUPTED as error:
        logger.warning("an export of case %s was interrupted: %s", export.case_id, error)
        jobs.try_again(export, give_up=partial(_fail, reason=BROKE))
    except Exception as error:
        if disk.is_away(error):
            logger.warning("an export of case %s waits for the storage", export.case_id)
            jobs.give_way(export, pause=disk.PAUSE)
        elif isinstance(error, Refused):
            _fail(export, str(error))
        elif disk.ran_full(error) or disk.is_nearly_full():
            logger.warning("there is no room for an export of case %s", export.case_id)
            _fail(export, NO_ROOM)
        else:
            logger.exception("no export could be made of case %s", export.case_id)
            _fail(export, BROKE)


def _fail(export: CaseExport, reason: str) -> None:
    shutil.rmtree(_folder(export), ignore_errors=True)
    jobs.change(export, status=Status.FAILED, error=reason, finished_at=database.now())


def _folder(export: CaseExport) -> Path:
    """What is made meanwhile; a run that goes on with it finds what is there."""
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / f"export-{export.pk}"


def _bytes(case: Case, *, has_originals: bool) -> int:
    """About how many an export takes."""
    if not has_originals:
        return SPARE
    sizes = dict(case.items.values_list("clip", "clip__size_bytes"))
    return SPARE + sum(sizes.values())


def _make(export: CaseExport, watch: Watch) -> None:
    if disk.is_nearly_full(_bytes(export.case, has_originals=export.has_originals)):
        raise Refused(NO_ROOM)
    folder = _folder(export)
    folder.mkdir(exist_ok=True)
    archive = folder / "archive.zip"
    items = cases.items_of(export.case)
    if not items:
        raise Refused(EMPTY.format(case=export.case.name))
    for number, item in enumerate(items, 1):
        if export.is_blurred:
            _blur(item, folder, watch)
        jobs.change(export, done=number)
    _pack(export, items, archive, watch)
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = archive.stat().st_size
    name = f"{uuid.uuid4()}.zip"
    with FileOnDisk(archive, name, size) as file_on_disk:
        export.file.save(name, file_on_disk, save=False)
    with files.going_with_rows(str(export.file.name)):
        jobs.change(
            export,
            status=Status.DONE,
            error="",
            file=export.file.name,
            size_bytes=size,
            sha256=digest,
            finished_at=database.now(),
        )
    shutil.rmtree(folder, ignore_errors=True)


# Blurred copies


def _video(item: CaseItem, folder: Path) -> Path:
    return folder / f"{item.pk}.mp4"


def _why_not(item: CaseItem, folder: Path) -> Path:
    """A sentence, where there is no blurred copy."""
    return folder / f"{item.pk}.txt"


def _blur(item: CaseItem, folder: Path, watch: Watch) -> None:
    """A copy of its stretch and its still, unless they are there; or the reason."""
    watch()
    video, why_not = _video(item, folder), _why_not(item, folder)
    if video.exists() or why_not.exists():
        return
    start, end = _stretch(item)
    if not item.clip.file.storage.exists(str(item.clip.file.name)):
        raise Refused(GONE.format(clip=item.clip.name))
    if end - start > LONGEST:
        why_not.write_text(TOO_LONG_A_STRETCH.format(minutes=LONGEST / 60))
        return
    span, track = _span(item.clip, start, end), _motion(item, start, end)
    try:
        with files.local_path(item.clip.file) as source:
            sandbox.blur_span(source, video, span, track, watch=watch)
    except Refused as refusal:
        if disk.is_away(refusal) or isinstance(refusal, sandbox.INTERRUPTED):
            raise
        if disk.is_nearly_full():
            raise Refused(NO_ROOM) from refusal
        watch()  # a deadline is no reason of this clip's
        why_not.write_text(NO_BLURRED.format(why=refusal))


def _stretch(item: CaseItem) -> tuple[float, float]:
    """With some seconds around it."""
    duration = item.clip.duration
    end = duration if item.end is None else item.end + AROUND
    return max(0.0, item.start - AROUND), end


def _span(clip: Clip, start: float, end: float) -> ml.Span:
    """The whole, if it is that: not every file can be read by stretches."""
    is_whole = start <= 0 and end >= clip.duration
    return ml.WHOLE if is_whole else ml.Span(start=start, end=end)


def _motion(item: CaseItem, start: float, end: float) -> ml.Track | None:
    """Where the event's track is; in the stretch that segments share the later one holds."""
    event = item.event
    if event is None or event.track is None:
        return None
    rows = event.analysis.tracks.filter(number=event.track.number).order_by("segment__number")
    points: dict[float, Sequence[float]] = {}
    for row in rows.only("times", "boxes"):
        since = row.times[0] if row.times else 0.0
        points = {time: box for time, box in points.items() if time < since}
        points |= zip(row.times, row.boxes, strict=True)
    near = {time: box for time, box in points.items() if start - 1 <= time <= end + 1}
    if not near:
        return None
    return ml.Track(
        times=tuple(near),
        boxes=tuple(
            ml.Box(left=left, top=top, right=right, bottom=bottom)
            for left, top, right, bottom in near.values()
        ),
    )


# The archive


@dataclass
class _Archive:
    """A ZIP that is being written, and the sums of what is in it."""

    zip: zipfile.ZipFile
    watch: Watch
    packed: list[PackedFile] = field(default_factory=list)

    def add(self, path: Path, name: str, **more: str) -> PackedFile:
        with path.open("rb") as file:
            return self.copy(file, name, **more)

    def copy(self, file: IO[bytes], name: str, **more: str) -> PackedFile:
        digest, size = hashlib.sha256(), 0
        with self.zip.open(name, "w", force_zip64=True) as target:
            while content := file.read(AT_ONCE):
                self.watch()
                target.write(content)
                digest.update(content)
                size += len(content)
        found = PackedFile(name=name, size_bytes=size, sha256=digest.hexdigest(), more=more)
        self.packed.append(found)
        return found

    def write(self, content: str | bytes, name: str) -> PackedFile:
        raw = content.encode() if isinstance(content, str) else content
        self.zip.writestr(name, raw)
        digest = hashlib.sha256(raw).hexdigest()
        found = PackedFile(name=name, size_bytes=len(raw), sha256=digest)
        self.packed.append(found)
        return found


def _pack(export: CaseExport, items: Sequence[CaseItem], target: Path, watch: Watch) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as made:
        archive = _Archive(zip=made, watch=watch)
        originals = _originals(items, archive) if export.has_originals else {}
        packed = {
            item.pk: _packed(export, item, number, archive, originals.get(item.clip_id))
            for number, item in enumerate(items, 1)
        }
        now, by = database.now(), export.requested_by
        report = case_reports.report_of(
            export.case, items, packed, at=now, by=by.get_username() if by else ""
        )
        pdf = target.with_name(PDF)
        case_pdf.write(report, pdf, watch=watch)
        archive.add(pdf, PDF)
        archive.write(case_reports.html(report), HTML)
        archive.write(case_reports.styles(), CSS)
        archive.write(_manifest(export, archive, now), MANIFEST)
        sums = "".join(f"{each.sha256}  {each.name}\n" for each in archive.packed)
        archive.write(sums, case_reports.SUMS)


def _originals(items: Sequence[CaseItem], archive: _Archive) -> Mapping[object, PackedFile]:
    """The bytes of each clip, once."""
    found: dict[object, PackedFile] = {}
    for item in items:
        clip = item.clip
        if clip.pk in found:
            continue
        name = f"originals/{len(found) + 1:03}{Path(str(clip.file.name)).suffix}"
        more = {"called": clip.name, "sha256_at_upload": clip.sha256}
        try:
            with files.local_path(clip.file) as path:
                found[clip.pk] = archive.add(path, name, **more)
        except FileNotFoundError as error:
            raise Refused(GONE.format(clip=clip.name)) from error
    return found


def _packed(
    export: CaseExport,
    item: CaseItem,
    number: int,
    archive: _Archive,
    original: PackedFile | None,
) -> Packed:
    folder = _folder(export)
    video, why_not = _video(item, folder), _why_not(item, folder)
    is_there = export.is_blurred and video.exists()
    blurred = archive.add(video, f"blurred/{number:03}.mp4") if is_there else None
    picture, path = _pictures(export, item, number, archive)
    return Packed(
        original=original,
        blurred=blurred,
        no_blurred=why_not.read_text() if export.is_blurred and not blurred else "",
        picture=picture,
        picture_path=path,
    )


def _pictures(
    export: CaseExport, item: CaseItem, number: int, archive: _Archive
) -> tuple[str, Path | None]:
    """Name and place of the still that the report shows: the blurred one, if that is wanted.

    Nobody is seen who isn't in a file that was asked for, too.
    """
    still = evidence.still_of(item.event) if item.event else None
    if still is None or not default_storage.exists(still.name):
        return "", None
    shown: tuple[str, Path | None] = "", None
    path = _folder(export) / f"{item.pk}.jpg"
    if export.has_originals:
        with default_storage.open(still.name) as file, path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        shown = archive.add(path, f"stills/{number:03}.jpg").name, path
    if export.is_blurred:
        path = path.with_suffix(".blurred.jpg")
        path.write_bytes(_blurred_still(item, still))
        shown = archive.add(path, f"blurred/{number:03}.jpg").name, path
    return shown


def _blurred_still(item: CaseItem, still: evidence.Still) -> bytes:
    from PIL import Image

    with default_storage.open(still.name) as file, Image.open(file) as picture:
        image = np.asarray(picture.convert("RGB"))
    track = _motion(item, *_stretch(item))
    clear = track.at(still.time) if track else None
    return evidence.jpeg(blurring.blurred(image, clear), QUALITY)


def _manifest(export: CaseExport, archive: _Archive, now: datetime) -> str:
    case = export.case
    told = {
        "note": case_reports.NO_PROOF,
        "case": {"id": str(case.pk), "name": case.name, "store": case.store.name},
        "export": {"id": str(export.pk), "made_at": now.isoformat(timespec="seconds")},
        "blurred": BLURRED.format(around=AROUND) if export.is_blurred else None,
        "how_to_check": {"what": case_reports.HOW_TO_CHECK, "commands": case_reports.CHECKS},
        "files": [
            {
                "name": each.name,
                "size_bytes": each.size_bytes,
                "sha256": each.sha256,
                **each.more,
            }
            for each in archive.packed
        ],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
