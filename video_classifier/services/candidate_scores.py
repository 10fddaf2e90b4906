"""Keeps what the footage of each camera scored, and how much of it: what thresholds are made of.

Of recordings when their analysis closes, of live cameras when a candidate is over. No picture is
kept, and nothing of the clips that are cut from a live camera: they were scored already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from uuid import UUID

from django.db import models, transaction
from django.db.models import F, Q

from video_classifier.ml.contracts import EventCandidate
from video_classifier.ml.serving import no_result
from video_classifier.models import (
    Analysis,
    Camera,
    CandidateScore,
    Clip,
    Event,
    LiveEvent,
    ScoredTime,
    Segment,
    Track,
)
from video_classifier.services.appearances import Appearances
from video_classifier.services.live_hints import Yardstick
from video_classifier.services.scored_footage import KEEP
from video_classifier.services.weights import Weights
from video_classifier.states import Origin, Status

_AT_ONCE = 500  # rows that are deleted at once: others want to write, too


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCandidate:
    """One that is over. Times are seconds of the stretch."""

    start: float
    end: float
    score: float  # as of its best moment
    height: float | None = None  # of the person, 0 to 1 of the picture's, as a median
    clothing: float | None = None  # as of brightness.Appearance
    light: float | None = None
    live_event: UUID | None = None  # if it became one
    others: tuple[tuple[Weights, float], ...] = ()  # by versions in the shadow


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A candidate of a recording, the event that it became, and the row of its track."""

    candidate: EventCandidate
    event: Event | None
    track: Track | None


def of_live(yardstick: Yardstick) -> Weights:
    return Weights(
        model=yardstick.model,
        model_sha256=yardstick.model_sha256,
        detector_sha256=yardstick.detector_sha256,
    )


def record_live(
    camera: int, yardstick: Yardstick, candidates: Iterable[LiveCandidate], *, began: datetime
) -> int:
    """Writes those that are over, whatever they scored; says how many.

    `began` is when the stretch did, aware. A camera that is gone has none any more.
    """
    found = list(candidates)
    keys = [each.live_event for each in found if each.live_event]
    events = LiveEvent.objects.filter(pk__in=keys).values_list("pk", "is_hint")
    known: dict[UUID | None, bool] = dict(events) if keys else {}
    own = of_live(yardstick)
    rows = [
        CandidateScore(
            **asdict(weights),
            camera_id=camera,
            live_event_id=each.live_event if each.live_event in known else None,
            is_hint=weights == own and known.get(each.live_event, False),
            is_shadow=weights != own,
            started_at=began + timedelta(seconds=each.start),
            ended_at=began + timedelta(seconds=each.end),
            score=score,
            height=each.height,
            clothing=each.clothing,
            light=each.light,
        )
        for each in found
        for weights, score in ((own, each.score), *each.others)
    ]
    if not rows:
        return 0
    with transaction.atomic():
        if not _hold(camera):
            return 0
        CandidateScore.objects.bulk_create(rows)
    return len(rows)


def record_seconds(
    camera: int, weights: Weights, seconds: float, *, at: datetime, is_shadow: bool = False
) -> None:
    """Adds to the hour in which `at` is. A camera that is gone has none any more."""
    if seconds <= 0:
        return
    start = at.replace(minute=0, second=0, microsecond=0)
    with transaction.atomic():
        if not _hold(camera):
            return
        hour, _ = ScoredTime.objects.get_or_create(
            camera_id=camera,
            start=start,
            is_live=True,
            is_shadow=is_shadow,
            model_sha256=weights.model_sha256,
            detector_sha256=weights.detector_sha256,
            defaults={"model": weights.model},
        )
        ScoredTime.objects.filter(pk=hour.pk).update(seconds=F("seconds") + seconds)


def is_counted(clip: Clip) -> bool:
    """Whether its scores are its camera's: not if it was cut from what was scored live.

    Nor if somebody has downloaded such a clip, and uploaded it again.
    """
    if clip.camera_id is None or clip.origin != Origin.UPLOAD:
        return False
    same = Clip.objects.filter(sha256=clip.sha256, camera=clip.camera_id)
    return not same.exclude(origin=Origin.UPLOAD).exists()


def record_recording(
    analysis: Analysis,
    segments: Sequence[Segment],
    found: Sequence[Found],
    looks: Appearances,
    *,
    weights: Weights | None = None,
) -> None:
    """Writes those of a recording, in place of those that the same weights gave it before.

    `weights` are those of a version in the shadow; else those are meant that gave the result.

    The same file of the same camera is the same footage, however often it was uploaded. To be
    called in the transaction that closes its analysis, which holds the clip's row.
    """
    clip = analysis.clip
    if not is_counted(clip) or not analysis.model_sha256:
        return
    is_shadow = weights is not None
    weights = weights or Weights(
        model=analysis.model,
        model_sha256=analysis.model_sha256,
        detector_sha256=analysis.detector_sha256,
    )
    clips = Clip.objects.filter(sha256=clip.sha256, camera=clip.camera_id)
    for same in (Q(clip__in=clips), Q(file=clip.sha256, camera=clip.camera_id)):
        CandidateScore.objects.filter(same, weights.key).delete()
        ScoredTime.objects.filter(same, weights.key).delete()
    began: datetime = clip.recorded_at or clip.uploaded_at
    of_clip = {
        "camera_id": clip.camera_id,
        "clip": clip,
        "is_shadow": is_shadow,
        **asdict(weights),
    }
    rows = CandidateScore.objects.bulk_create(
        CandidateScore(
            **of_clip,
            event=each.event,
            is_hint=not is_shadow and each.event is not None and each.event.is_hint,
            started_at=began + timedelta(seconds=each.candidate.start),
            ended_at=began + timedelta(seconds=each.candidate.end),
            score=each.candidate.score,
            clothing=look.clothing,
            light=look.light,
        )
        for each, look in ((each, looks.of(each.candidate)) for each in found)
    )
    seconds = sum(_seconds(each, clip) for each in segments)
    if seconds > 0:
        ScoredTime.objects.create(**of_clip, start=began, seconds=seconds)
    of_people = {
        row.pk: (each.candidate, each.track.pk)
        for row, each in zip(rows, found, strict=True)
        if each.track
    }
    if of_people:  # boxes of hours take seconds to read: not while rows are held
        transaction.on_commit(partial(_measure, of_people), robust=True)


def purge(*, now: datetime) -> int:
    """Deletes what is too long ago; says how many rows of scores.

    An old recording that was uploaded of late is kept as long as one of today.
    """
    before = now - KEEP
    old = CandidateScore.objects.filter(started_at__lt=before)
    deleted = _delete_by_and_by(old.exclude(clip__uploaded_at__gte=before))
    times = ScoredTime.objects.filter(start__lt=before)
    _delete_by_and_by(times.exclude(clip__uploaded_at__gte=before))
    return deleted


def height(boxes: Iterable[Sequence[float]]) -> float | None:
    """The median of boxes as rows have them: left, top, right, bottom; None of none."""
    found = [min(max(bottom - top, 0.0), 1.0) for _, top, _, bottom in boxes]
    return round(median(found), 4) if found else None


def _hold(camera: int) -> bool:
    """Keeps it from being deleted until the transaction ends; False if it is gone."""
    return Camera.objects.select_for_update(no_key=True).filter(pk=camera).first() is not None


def _seconds(segment: Segment, clip: Clip) -> float:
    """How much of it was looked at: also where nobody was found, who could have a score."""
    is_scored = segment.score is not None or segment.reason == no_result.NOBODY
    if segment.status != Status.DONE or not is_scored:
        return 0.0
    end = clip.duration if segment.end is None else segment.end
    return max(0.0, end - segment.start)


def _measure(rows: Mapping[int, tuple[EventCandidate, int]]) -> None:
    """Adds how large people were, from the boxes of their tracks, whose keys are given."""
    for pk, (candidate, track) in rows.items():
        followed = Track.objects.filter(pk=track).values_list("times", "boxes").first()
        if followed is None:  # deleted meanwhile
            continue
        during = (
            box
            for time, box in zip(*followed, strict=True)
            if candidate.start <= time <= candidate.end
        )
        CandidateScore.objects.filter(pk=pk).update(height=height(during))


def _delete_by_and_by(rows: models.QuerySet[CandidateScore] | models.QuerySet[ScoredTime]) -> int:
    deleted = 0
    while keys := list(rows.order_by().values_list("pk", flat=True)[:_AT_ONCE]):
        rows.model._default_manager.filter(pk__in=keys).delete()  # noqa: SLF001
        deleted += len(keys)
    return deleted
