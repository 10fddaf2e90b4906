"""Events of results, as a closed analysis leaves them."""

from __future__ import annotations

from typing import Any

from video_classifier.models import Analysis, Event
from video_classifier.services import reviews


def make_result_event(analysis: Analysis, *, start: float = 1.0, **fields: Any) -> Event:
    """Of two seconds, with the number after those there are; it waits if its result is the last."""
    facts: dict[str, Any] = {
        "number": analysis.events.count() + 1,
        "segment": analysis.segments.get(),
        "start": start,
        "end": start + 2.0,
        "peak": start + 1.0,
        "score": 0.9,
    }
    event = Event.objects.create(analysis=analysis, **facts | fields)
    reviews.refresh(analysis.clip)
    event.refresh_from_db()
    return event
