"""Ends analyses: the results of all segments make that of the clip, and one failure its failure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain

from django.db.models import F, Max, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from video_classifier.models import Analysis, Segment, Track
from video_classifier.services import jobs
from video_classifier.states import Prediction, Stage, Status

REPLACED = (
    "The model was replaced while this clip was being analyzed, and its parts were "
    "scored by different ones. Choose “Analyze again”."
)


def lock(segment: Segment) -> None:
    """Has runs of other segments of the analysis wait until this transaction ends."""
    Analysis.objects.select_for_update().filter(pk=segment.analysis_id).first()


def enter(segment: Segment, stage: Stage) -> None:
    """The analysis runs from its first segment on, and is busy with what a run began last."""
    unfinished = Analysis.objects.unfinished().filter(pk=segment.analysis_id)
    since = Coalesce("started_at", Value(timezone.now()))
    unfinished.update(status=Status.RUNNING, stage=stage, started_at=since)


def wait_again() -> None:
    """Analyses of which no segment is running or done any more wait again."""
    Analysis.objects.idle().update(status=Status.QUEUED, stage="", started_at=None)


def fail(segment: Segment, reason: str) -> None:
    """One segment that can't be analyzed ends the analysis; what is left of it is cancelled."""
    _end(segment, status=Status.FAILED, error=reason)
    jobs.cancel(Segment.objects.filter(analysis=segment.analysis_id))


def close_if_complete(segment: Segment) -> bool:
    """Closes the analysis if that was its last segment, by one conditional UPDATE; says if so.

    To be called in the transaction that has locked the analysis and ended the segment.
    """
    segments = list(Segment.objects.filter(analysis=segment.analysis_id).order_by("number"))
    if any(each.status != Status.DONE for each in segments):
        return False
    if len({_yardstick(each) for each in segments if scored(each)}) > 1:
        return _end(segment, status=Status.FAILED, error=REPLACED)
    before = _number_tracks(segments)
    return _end(segment, status=Status.DONE, **combined(segments, before))


def combined(segments: Sequence[Segment], tracks_before: Sequence[int]) -> dict[str, object]:
    """The combined result of an analysis's segments, which are all done and in order of time.

    The highest score of a segment is the clip's, of equal ones the first. There is no result only
    if no segment has one, for the reason of the first. `tracks_before` each segment are in others.
    """
    best = max(filter(scored, segments), key=lambda each: each.score or 0.0, default=None)
    source = best or segments[0]
    return _predicted(best, segments, tracks_before) | {
        "model_sha256": source.model_sha256,
        "detector_sha256": source.detector_sha256,
        "view": source.view,
        "tracks_found": sum(each.tracks_found for each in segments),
        "frame_times": list(chain.from_iterable(each.frame_times for each in segments)),
        "windows": list(chain.from_iterable(each.windows for each in segments)),
        "warnings": list(dict.fromkeys(chain.from_iterable(each.warnings for each in segments))),
        "seconds_reading": sum(each.seconds_reading or 0.0 for each in segments),
        "seconds_finding": sum(each.seconds_finding or 0.0 for each in segments),
        "seconds_classifying": sum(each.seconds_classifying or 0.0 for each in segments),
    }


def scored(segment: Segment) -> bool:
    return segment.score is not None


def _yardstick(segment: Segment) -> tuple[object, ...]:
    """Scores are compared only where all of this is the same."""
    return segment.model_sha256, segment.detector_sha256, segment.threshold


def _predicted(
    best: Segment | None, segments: Sequence[Segment], tracks_before: Sequence[int]
) -> dict[str, object]:
    if best is None or best.score is None or best.threshold is None:
        return {"prediction": Prediction.NO_RESULT, "reason": segments[0].reason}
    is_hint = best.score >= best.threshold
    track = best.decided_by and tracks_before[segments.index(best)] + best.decided_by
    return {
        "prediction": Prediction.HINT if is_hint else Prediction.NO_HINT,
        "score": best.score,
        "threshold": best.threshold,
        "decided_by": track,
    }


def last_number(segment: Segment) -> int:
    """Of the tracks that the analysis has so far."""
    found = Track.objects.filter(analysis=segment.analysis_id).aggregate(last=Max("number"))
    return found["last"] or 0


def _number_tracks(segments: Sequence[Segment]) -> list[int]:
    """Numbers tracks through in order of segments; gives how many come before each segment.

    Until now they have numbers in the order in which segments were done.
    """
    if len(segments) == 1:
        return [0]
    tracks = Track.objects.filter(segment__in=segments)
    held = list(tracks.values_list("segment", flat=True))
    counts = [held.count(segment.pk) for segment in segments]
    before = list(accumulate(counts, initial=0))[:-1]
    tracks.update(number=F("number") + len(held))  # out of the way of the final ones
    for segment, offset in zip(segments, before, strict=True):
        tracks.filter(segment=segment).update(number=F("number_in_segment") + offset)
    return before


def _end(segment: Segment, **changes: object) -> bool:
    unfinished = Analysis.objects.unfinished().filter(pk=segment.analysis_id)
    return bool(unfinished.update(finished_at=timezone.now(), stage="", **changes))
