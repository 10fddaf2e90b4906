"""Moments and lengths of a recording in words, and what the clocks on its walls showed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import dateformat, timezone

from video_classifier.models import Clip
from video_classifier.services.moments import minutes

HOUR, MINUTE = 3600, 60  # seconds


def in_words(seconds: float) -> str:
    """A length, of two units at most: "6 h 2 min", "1 min 20 s", "7 s"."""
    whole = round(seconds)
    if whole >= HOUR:
        hours, rest = divmod(round(whole / MINUTE), 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    if whole >= MINUTE:
        minutes, rest = divmod(whole, MINUTE)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{whole} s"


def from_to(start: float, end: float) -> str:
    """As players show it: "1:02:03 to 1:02:20"."""
    return f"{minutes(start)} to {minutes(end)}"


def in_short(at: datetime) -> str:
    """For rows of a list, by the clock that `at` goes by: "27 Nov, 14:02"; another year is said."""
    is_of_this_year = at.year == timezone.now().astimezone(at.tzinfo).year
    return dateformat.format(at, "j M, H:i" if is_of_this_year else "j M Y, H:i")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTime:
    """A moment by the clock of the store."""

    at: datetime

    def __str__(self) -> str:
        return dateformat.format(self.at, "j M Y, H:i:s T")

    @property
    def short(self) -> str:
        return in_short(self.at)


def clock_time(clip: Clip, seconds: float) -> ClockTime | None:
    """When a moment of the clip was; None if nobody knows when it was recorded."""
    moment = clip.moment_of(seconds)
    if moment is None:
        return None
    return ClockTime(at=moment.astimezone(ZoneInfo(clip.store.time_zone)))
