"""Hours of each day by the clocks of a store, as moments: over midnight and clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def end(at: datetime, begins: time, ends: time, zone: ZoneInfo) -> datetime | None:
    """When the hours end that `at` is in; None: it is in none.

    Hours that end no later than they begin go on until the next day.
    """
    today = at.astimezone(zone).date()
    after_midnight = timedelta(days=1) if ends <= begins else timedelta()
    of_days = (
        (_first(day, begins, zone), _last(day + after_midnight, ends, zone))
        for day in (today - timedelta(days=1), today)
    )
    return max((last for first, last in of_days if first <= at < last), default=None)


def _first(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Of an hour that comes twice when clocks are set back, the first one."""
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _last(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Of an hour that comes twice, the second one; one that is left out counts as if it weren't."""
    both = (datetime.combine(day, clock.replace(fold=fold), zone) for fold in (0, 1))
    return max(each.astimezone(UTC) for each in both)
