"""Hints, and what people said of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.conftest import segment_of
from video_classifier.models import Analysis, Event, Review
from video_classifier.states import Answer, Verdict

LENGTH = 4.0  # seconds


def make_hint(analysis: Analysis, *, start: float = 0.0, **fields: Any) -> Event:
    """A current one, of a finished analysis."""
    facts: dict[str, Any] = {
        "number": analysis.events.count() + 1,
        "start": start,
        "end": start + LENGTH,
        "peak": start + LENGTH / 2,
        "score": 0.9,
        "is_current": True,
    }
    return Event.objects.create(analysis=analysis, segment=segment_of(analysis), **facts | fields)


def answer(event: Event, what: Answer, *, at: datetime, **fields: Any) -> Review:
    """What one person says, which is all that is said."""
    facts = {"answer": what, "at": at, "event": event, "start": event.start, "end": event.end}
    found = Review.objects.create(
        clip=event.analysis.clip,
        analysis=event.analysis,
        model=event.analysis.model,
        **facts | fields,
    )
    if what in Verdict.values:
        Event.objects.filter(pk=event.pk).update(verdict=what)
    return found


def mark_missed(analysis: Analysis, start: float, end: float, **fields: Any) -> Review:
    facts = {"answer": Answer.MISSED, "start": start, "end": end, "at": analysis.finished_at}
    facts |= {"model": analysis.model, "analysis": analysis}
    return Review.objects.create(clip=analysis.clip, **facts | fields)


def ago(now: datetime, **length: float) -> dict[str, datetime]:
    """Of a clip that was recorded so long ago."""
    at = now - timedelta(**length)
    return {"recorded_at": at, "uploaded_at": at + timedelta(minutes=1)}
