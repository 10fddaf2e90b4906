"""Days and weeks by the calendar of a store, as moments: a day may have 23 or 25 hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Case, IntegerField, Value, When

WEEK = 7  # days


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """So many days or weeks, of which the last one is going on."""

    days: int  # of each: 1 or 7
    count: int

    @property
    def is_of_weeks(self) -> bool:
        return self.days == WEEK

    def starts(self, now: datetime, zone: ZoneInfo) -> list[date]:
        """The first day of each, the oldest first; weeks begin on Mondays."""
        today = now.astimezone(zone).date()
        last = today - timedelta(days=today.weekday()) if self.is_of_weeks else today
        return [last - timedelta(days=self.days * ago) for ago in reversed(range(self.count))]

    def bounds(self, now: datetime, zone: ZoneInfo) -> list[datetime]:
        """When each begins, and when the last one ends."""
        starts = self.starts(now, zone)
        ends = starts[-1] + timedelta(days=self.days)
        return [midnight(day, zone) for day in (*starts, ends)]


TODAY = Span(days=1, count=1)
DAYS = Span(days=1, count=14)
WEEKS = Span(days=WEEK, count=12)
YEAR = Span(days=WEEK, count=52)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins; of a midnight that comes twice, the first one."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def place(field: str, bounds: Sequence[datetime] | Sequence[date]) -> Case:
    """In SQL, between which of the bounds a moment is; comparing is quicker than truncating."""
    later = enumerate(bounds[1:])
    return Case(
        *(When(**{f"{field}__lt": bound}, then=Value(number)) for number, bound in later),
        output_field=IntegerField(),
    )
