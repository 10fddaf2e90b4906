"""Erases what there is of a camera from one moment to another, as somebody may ask who was there.

Clips go whole, in the trash or not, with their results, copies and pictures; so do live events,
alerts, candidates with their scores, and exports of cases that they were ever in. What is in a case
is held: then nothing goes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from video_classifier.models import (
    Alert,
    AuditEntry,
    CandidateScore,
    Case,
    CaseExport,
    Clip,
    LiveEvent,
    ScoredTime,
)
from video_classifier.querysets import (
    AlertQuerySet,
    CaseExportQuerySet,
    ClipQuerySet,
    LiveEventQuerySet,
)
from video_classifier.services import audit, clips, requested_footage
from video_classifier.services.errors import Refused
from video_classifier.services.requested_footage import RequestedFootage
from video_classifier.states import Action

logger = logging.getLogger(__name__)

HELD = (
    "Nothing was erased: what was recorded then is in a case, which holds it. Take {clips} out of "
    "{cases} first."
)
HELD_MEANWHILE = (
    "Clip {clip} was put into a case meanwhile. {count} clips are erased; the rest is not."
)
IS_OPEN = (
    "Nothing was erased: an event of that time is still going on, and its clip isn't there yet. "
    "Try again in a few minutes."
)
MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is erased, or would be."""

    clips: tuple[UUID, ...]
    live_events: int
    alerts: int
    candidates: int  # with their scores
    acts: int  # for a test
    exports: int  # of cases
    unknown: tuple[UUID, ...]  # clips that may be of that time; they stay unless asked for
    left: int = 0  # clips that a call did not get to


def plan(asked: RequestedFootage, *, unknown_too: bool = False) -> Plan:
    """Raises Refused if something is held, or under way."""
    going = _clips(asked, unknown_too=unknown_too)
    _refuse_if_held(going)
    if requested_footage.live_events(asked).open().exists():
        raise Refused(IS_OPEN)
    keys = tuple(going.values_list("pk", flat=True))
    unknown = (
        () if unknown_too else requested_footage.clips_of_unknown_time(asked).values_list("pk")
    )
    of_clips = CandidateScore.objects.filter(clip__in=keys).order_by()
    return Plan(
        clips=keys,
        live_events=_live_events(asked, keys).count(),
        alerts=_alerts(asked, keys).count(),
        candidates=(of_clips | requested_footage.candidates(asked).order_by()).distinct().count(),
        acts=requested_footage.acts(asked).count(),
        exports=_exports(keys).count(),
        unknown=tuple(key for (key,) in unknown),
    )


def erase(
    asked: RequestedFootage,
    *,
    by: User,
    unknown_too: bool = False,
    enough: Callable[[], bool] = lambda: False,
) -> Plan:
    """Clip by clip, each in a transaction of its own. Raises Refused.

    Where it is `enough` before the last clip, some are `left`, and so is what belongs to no clip:
    another call goes on.
    """
    wanted = plan(asked, unknown_too=unknown_too)
    count = 0
    for key in wanted.clips:
        if count and enough():
            break
        _erase_clip(key, by=by, before=count)
        count += 1
    done = replace(wanted, clips=wanted.clips[:count], left=len(wanted.clips) - count)
    with transaction.atomic():
        if not done.left:
            for key in _arrived(asked):
                _erase_clip(key, by=by, before=count)
                count += 1
            _erase_what_has_no_clip(asked)
        audit.record(
            Action.ERASED,
            by,
            audit.CAMERA,
            asked.camera.pk,
            store=asked.camera.store_id,
            since=asked.start.isoformat(),
            until=asked.end.isoformat(),
            clips=count,
            left=done.left,
            live_events=0 if done.left else done.live_events,
            candidates=0 if done.left else done.candidates,
        )
    logger.info("erased %d clips of camera %d on request", count, asked.camera.pk)
    return done


def _arrived(asked: RequestedFootage) -> list[UUID]:
    """Clips that waited for the storage, and are there since the plan was made.

    The events are locked: what arrives later finds none.
    """
    events = requested_footage.live_events(asked).select_for_update().order_by("pk")
    return [event.clip_id for event in events if event.clip_id is not None]


def _erase_what_has_no_clip(asked: RequestedFootage) -> None:
    _live_events(asked, ()).delete()
    requested_footage.alerts(asked).delete()
    requested_footage.candidates(asked).delete()
    requested_footage.acts(asked).delete()
    for row, seconds in requested_footage.scored_times(asked):
        ScoredTime.objects.filter(pk=row.pk).update(seconds=F("seconds") - seconds)


@transaction.atomic
def _erase_clip(key: UUID, *, by: User, before: int) -> None:
    clip = Clip.objects.select_for_update().filter(pk=key).first()
    if clip is None:  # its time was over meanwhile
        return
    if clip.case_items.exists():  # now that its row is locked, nobody puts it in one
        raise Refused(HELD_MEANWHILE.format(clip=key, count=before))
    _exports([key]).delete()
    Alert.objects.filter(analysis__clip=clip).delete()
    LiveEvent.objects.filter(clip=clip).delete()
    CandidateScore.objects.filter(clip=clip).delete()
    ScoredTime.objects.filter(clip=clip).delete()
    clips.delete(clip)
    audit.record(Action.ERASED, by, audit.CLIP, key, store=clip.store_id)


def _clips(asked: RequestedFootage, *, unknown_too: bool) -> ClipQuerySet:
    found = requested_footage.clips(asked).order_by()
    if unknown_too:
        found |= requested_footage.clips_of_unknown_time(asked).order_by()
    return Clip.objects.filter(pk__in=found.values("pk")).order_by("recorded_at", "pk")


def _refuse_if_held(going: ClipQuerySet) -> None:
    cases = Case.objects.filter(items__clip__in=going.order_by()).distinct().order_by("opened_at")
    if names := [f"“{case.name}”" for case in cases]:
        held = going.exclude(case_items=None).distinct()
        told = ", ".join(f"“{clip.name}”" for clip in held[:MOST_NAMED])
        more = held.count() - MOST_NAMED
        found = f"{told} and {more} more" if more > 0 else told
        raise Refused(HELD.format(clips=found, cases=", ".join(names)))


def _live_events(asked: RequestedFootage, keys: tuple[UUID, ...]) -> LiveEventQuerySet:
    return requested_footage.live_events(asked) | LiveEvent.objects.filter(clip__in=keys)


def _alerts(asked: RequestedFootage, keys: tuple[UUID, ...]) -> AlertQuerySet:
    return requested_footage.alerts(asked) | Alert.objects.filter(analysis__clip__in=keys)


def _exports(keys: Collection[UUID]) -> CaseExportQuerySet:
    """Of the cases that one of these clips was ever in: it may have been taken out since."""
    added = AuditEntry.objects.filter(action=Action.CASE_CHANGED, details__what="added")
    names = {str(key) for key in keys}
    rows = added.order_by().values_list("object_id", "details__clip")
    cases = {UUID(case) for case, clip in rows.iterator() if clip in names}
    return CaseExport.objects.filter(case__in=cases)
