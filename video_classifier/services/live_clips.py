"""Keeps clips that are cut from live cameras, of events and at random, as far as there is room."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, Sum, Value, When
from django.template.defaultfilters import filesizeformat

from video_classifier.ml.contracts import Outcome
from video_classifier.models import Analysis, Camera, Clip, Event, LiveEvent, Store
from video_classifier.querysets import ClipQuerySet
from video_classifier.services import analyses, audit, clips, disk, segments, uploads, versions
from video_classifier.services.errors import Refused
from video_classifier.services.thresholds import Thresholds
from video_classifier.states import SEEN, Action, Origin, RecordedFrom, Verdict

logger = logging.getLogger(__name__)

MADE_ROOM = "The clip was deleted to make room for newer ones of this store's cameras."
NO_ROOM = (
    "The clip takes {size}, and all clips of live cameras of this store together may take {most} "
    "(LIVE_CLIPS_MAX_BYTES)."
)
ALL_NEEDED = (
    "There is no room for the clip: those of this store's live cameras that are confirmed or in a "
    "case take {size} of {most} (LIVE_CLIPS_MAX_BYTES), and they are not deleted."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A file that was cut from a camera's stream."""

    path: Path
    camera: Camera
    origin: Origin
    recorded_at: datetime  # aware: of its first picture


def keep_event(  # noqa: PLR0913
    cut: Cut,
    outcome: Outcome,
    *,
    model: str,
    judged_by: Thresholds,
    worker: str,
    claim: Callable[[Clip], None],
) -> Clip:
    """With an analysis that has the live scores, and the event's thresholds. Raises Refused.

    `claim` is called first in the transaction that writes the rows, and may raise to end it.
    """

    analysis = Analysis(model=model)

    def analyze(clip: Clip) -> Analysis:
        claim(clip)
        analysis.clip = clip
        analysis.save()
        segments.record(analysis, outcome, worker=worker, judged_by=judged_by)
        return analysis

    with disk.refusing_when_full(), segments.with_pictures(analysis, outcome):
        return _keep(cut, analyze)


def keep_sample(cut: Cut, *, model: str) -> Clip:
    """With an analysis in the queue, as of an upload. Raises Refused."""
    disk.refuse_when_low()
    versions.check(cut.camera.store_id, model)
    return _keep(cut, partial(analyses.enqueue, model=model, user=None))


def name(camera: Camera, at: datetime, suffix: str) -> str:
    """As “Till 2 2026-11-26 14-03-22.mp4”, by the clocks of the store."""
    local = at.astimezone(ZoneInfo(camera.store.time_zone))
    of_camera = camera.name.replace("/", "-").replace("\\", "-")
    return uploads.clean_name(f"{of_camera} {local:%Y-%m-%d %H-%M-%S}{suffix}")


def _keep(cut: Cut, analyze: Callable[[Clip], Analysis]) -> Clip:
    facts, content = uploads.described(cut.path)
    make_room(cut.camera.store, facts.size_bytes)
    clip = Clip(
        name=name(cut.camera, cut.recorded_at, f".{facts.container}"),
        store=cut.camera.store,
        camera=cut.camera,
        origin=cut.origin,
        recorded_at=cut.recorded_at,
        recorded_from=RecordedFrom.LIVE,
        **content,
    )
    stored = f"{uuid.uuid4()}{cut.path.suffix}"
    with (
        disk.refusing_when_full(),
        uploads.FileOnDisk(cut.path, stored, facts.size_bytes) as file,
    ):
        uploads.keep(clip, file, analyze=lambda: analyze(clip))
    return clip


def of_live_cameras(store: Store) -> ClipQuerySet:
    """Those that the quota is about, in the trash or not."""
    return Clip.objects.filter(store=store, origin__in=(Origin.EVENT, Origin.SAMPLE))


def make_room(store: Store, wanted: int) -> int:
    """Deletes the oldest ones until so many bytes more fit into the quota; says how many.

    Never one that is confirmed, missed or in a case, and last those that somebody still has to
    look at. Raises Refused if it would not fit all the same.
    """
    most = settings.LIVE_CLIPS_MAX_BYTES
    if wanted > most:
        raise Refused(NO_ROOM.format(size=_size(wanted), most=_size(most)))
    taken = _sum(of_live_cameras(store))
    if taken + wanted <= most:
        return 0
    needed = taken - _sum(_unneeded(store))
    if needed + wanted > most:
        raise Refused(ALL_NEEDED.format(size=_size(needed), most=_size(most)))
    deleted = 0
    for clip in _expendable(store).iterator():
        if taken + wanted <= most:
            break
        if _delete(clip):
            taken -= clip.size_bytes
            deleted += 1
    if deleted:
        logger.info("deleted %d clips of live cameras to make room in %s", deleted, store)
    return deleted


def _sum(some: ClipQuerySet) -> int:
    return some.aggregate(sum=Sum("size_bytes"))["sum"] or 0


def _size(count: int) -> str:
    return str(filesizeformat(count)).replace("\xa0", " ")


def _unneeded(store: Store) -> ClipQuerySet:
    return of_live_cameras(store).unheld().exclude(verdict__in=SEEN)


def _expendable(store: Store) -> ClipQuerySet:
    """The oldest first; those with an open question after all others."""
    waiting = Event.objects.waiting().filter(analysis__clip=OuterRef("pk"))
    is_open = Q(Exists(waiting)) | Q(verdict__in=(Verdict.DISPUTED, Verdict.UNSURE))
    last = Case(When(is_open, then=Value(1)), default=Value(0))
    return _unneeded(store).annotate(last=last).order_by("last", "uploaded_at")


def _delete(clip: Clip) -> bool:
    """False if somebody saw something in it meanwhile, or put it into a case."""
    with transaction.atomic():
        list(Clip.objects.select_for_update().filter(pk=clip.pk).only("pk"))
        if not _unneeded(clip.store).filter(pk=clip.pk).exists():
            return False
        LiveEvent.objects.filter(clip=clip).update(no_clip=MADE_ROOM)
        clips.delete(clip)
        audit.record(Action.PURGED, None, audit.CLIP, clip.pk, store=clip.store_id)
    return True
