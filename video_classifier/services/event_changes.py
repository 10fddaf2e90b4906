"""Notes that counts of events don't hold any more, in the transaction that changed them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max, Min

from video_classifier.models import ChangedEvents, Clip, Event


def note(store: int, moments: Sequence[datetime]) -> None:
    """`moments` are when the events happened: those that count now, and those that counted."""
    if moments:
        ChangedEvents.objects.create(store_id=store, first=min(moments), last=max(moments))


def note_deletion(clip: Clip) -> None:
    """To be called before the clip and its events are deleted."""
    current = Event.objects.current().filter(analysis__clip=clip)
    found = current.aggregate(first=Min("happened_at"), last=Max("happened_at"))
    note(clip.store_id, [each for each in found.values() if each is not None])
