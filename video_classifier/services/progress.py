"""How far an analysis has got, in seconds of its clip, and how long the rest will take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from video_classifier.models import Analysis, Segment
from video_classifier.services import conclusions, segments
from video_classifier.services.conclusions import Stretch
from video_classifier.states import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Of an unfinished analysis."""

    done_seconds: float  # of the clip, in segments that have ended
    whole_seconds: float
    segments_done: int  # those that failed included
    segments: int
    waiting: int  # segments that could be paused
    paused: int
    failed: tuple[Stretch, ...]
    seconds_left: float | None  # None while nobody can know


def of(analysis: Analysis) -> Progress:
    """Asks the database once."""
    found = list(
        analysis.segments.order_by("number").only(
            *("analysis_id", "number", "status", "start", "end", "error"),
            *("seconds_reading", "seconds_finding", "seconds_classifying"),
        )
    )
    ended = [each for each in found if each.is_finished]
    done, whole = _length(ended, analysis), _length(found, analysis)
    return Progress(
        done_seconds=done,
        whole_seconds=whole,
        segments_done=len(ended),
        segments=len(found),
        waiting=sum(each.status == Status.QUEUED for each in found),
        paused=sum(each.status == Status.PAUSED for each in found),
        failed=tuple(conclusions.failed_stretches(found)),
        seconds_left=_seconds_left(analysis, found, whole - done),
    )


def _length(found: Sequence[Segment], analysis: Analysis) -> float:
    return sum(segments.length(each, analysis.clip) for each in found)


def _seconds_left(analysis: Analysis, found: Sequence[Segment], rest: float) -> float | None:
    """By what segments took so far, if as many go on at once as now."""
    done = [each for each in found if each.status == Status.DONE]
    analyzed = _length(done, analysis)
    if analysis.status == Status.PAUSED or not analyzed:
        return None
    at_once = max(sum(each.status == Status.RUNNING for each in found), 1)
    return rest * sum(map(_took, done)) / analyzed / at_once


def _took(segment: Segment) -> float:
    stages = (segment.seconds_reading, segment.seconds_finding, segment.seconds_classifying)
    return sum(each or 0.0 for each in stages)
