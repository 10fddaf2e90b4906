"""A channel's quiet hours, in which what it tells is held back."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from video_classifier.models import Channel
from video_classifier.services import hours


def ends(channel: Channel, at: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours end that `at` is in, by the clocks of `zone`; None: it isn't quiet."""
    if channel.quiet_from is None or channel.quiet_until is None:
        return None
    return hours.end(at, channel.quiet_from, channel.quiet_until, zone)
