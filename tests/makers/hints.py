"""Hints that somebody may have to know of: alerts, as a live camera or an analysis makes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.makers.live_cameras import make_event
from video_classifier.models import Alert, Analysis, Feed
from video_classifier.services.live_events import BEING_MADE
from video_classifier.states import AlertKind


def make_hint(feed: Feed, *, ago: float = 5.0, **fields: Any) -> Alert:
    """Of a live event of so many seconds ago, told at once; `fields` are the alert's."""
    event = fields.pop("live_event", None) or make_event(feed, ago=ago, no_clip=BEING_MADE)
    facts: dict[str, Any] = {
        "kind": AlertKind.LIVE,
        "store": feed.camera.store,
        "camera": feed.camera,
        "live_event": event,
        "happened_at": event.opened_at,
        "created_at": timezone.now() - timedelta(seconds=ago),
        "score": event.score,
        "threshold": event.threshold,
    }
    return Alert.objects.create(**facts | fields)


def make_recording_hint(analysis: Analysis, **fields: Any) -> Alert:
    facts: dict[str, Any] = {
        "kind": AlertKind.RECORDING,
        "store": analysis.clip.store,
        "analysis": analysis,
        "happened_at": timezone.now(),
        "score": 0.9,
        "threshold": 0.5,
    }
    return Alert.objects.create(**facts | fields)
