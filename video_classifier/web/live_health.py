"""How a camera fared on each of the last 30 days, laid out for a drawing and a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import dateformat

from video_classifier.models import FeedHour
from video_classifier.states import Fault
from video_classifier.web.times import in_words

DAYS = 30
HOUR = 3600.0  # seconds
LONGEST_DAY = 25  # hours, when clocks are set back
GAP = 0.2  # of the room of a day, between bars
NAMED_EVERY = 10  # days


@dataclass(slots=True, kw_only=True)
class Day:
    """A day by the calendar of the store. Lengths are in seconds."""

    day: date
    place: int  # from 0, the oldest
    online: float = 0.0
    faulty: Counter[str] = field(default_factory=Counter)
    reconnects: int = 0
    longest_stride: float = 0.0
    events: int = 0

    @property
    def offline(self) -> float:
        return float(self.faulty.total())

    @property
    def is_known(self) -> bool:
        return bool(self.online or self.offline)

    @property
    def name(self) -> str:
        return dateformat.format(self.day, "j M")

    @property
    def left(self) -> float:
        """Of the drawing, 0 to 1."""
        return (self.place + GAP / 2) / DAYS

    @property
    def middle(self) -> float:
        return (self.place + 0.5) / DAYS

    @property
    def width(self) -> float:
        return (1 - GAP) / DAYS

    @property
    def online_height(self) -> float:
        return min(self.online / HOUR / LONGEST_DAY, 1.0)

    @property
    def online_top(self) -> float:
        return 1 - self.online_height

    @property
    def offline_height(self) -> float:
        return min(self.offline / HOUR / LONGEST_DAY, self.online_top)

    @property
    def offline_top(self) -> float:
        return self.online_top - self.offline_height

    @property
    def is_named(self) -> bool:
        """Whether its date stands below the drawing."""
        return (DAYS - 1 - self.place) % NAMED_EVERY == 0

    @property
    def online_in_words(self) -> str:
        return in_words(self.online)

    @property
    def faults(self) -> str:
        """ "The pictures stopped 2 h, No connection 5 min"; longest first."""
        return ", ".join(
            f"{_named(kind)} {in_words(seconds)}"
            for kind, seconds in self.faulty.most_common()
            if seconds
        )

    @property
    def title(self) -> str:
        if not self.is_known:
            return f"{self.name}: not watched"
        faults = f"; {self.faults}" if self.faults else ""
        return f"{self.name}: {self.online_in_words} online{faults}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    days: Sequence[Day]  # the oldest first

    @property
    def known(self) -> list[Day]:
        """The newest first, for a table."""
        return [day for day in reversed(self.days) if day.is_known]

    @property
    def summary(self) -> str:
        """What the drawing shows, in a sentence."""
        known = self.known
        if not known:
            return "In the last 30 days it was not watched."
        online = sum(day.online for day in known)
        offline = sum(day.offline for day in known)
        share = f"{100 * online / (online + offline):.1f}".removesuffix(".0")
        days = f"{len(known)} day{'s' if len(known) > 1 else ''}"
        return f"Watched on {days} of the last {DAYS}; {share} % of that time there were pictures."

    @property
    def faults(self) -> list[tuple[str, str]]:
        """Each kind with its length, the longest first."""
        total: Counter[str] = Counter()
        for day in self.days:
            total.update(day.faulty)
        return [(_named(kind), in_words(seconds)) for kind, seconds in total.most_common()]


def since(now: datetime, time_zone: str) -> datetime:
    """From when on hours are shown."""
    zone = ZoneInfo(time_zone)
    first = now.astimezone(zone).date() - timedelta(days=DAYS - 1)
    return datetime(first.year, first.month, first.day, tzinfo=zone)


def of(hours: Iterable[FeedHour], *, now: datetime, time_zone: str) -> Health:
    zone = ZoneInfo(time_zone)
    first = since(now, time_zone).date()
    days = [Day(day=first + timedelta(days=place), place=place) for place in range(DAYS)]
    for hour in hours:
        place = (hour.start.astimezone(zone).date() - first).days
        if 0 <= place < DAYS:
            _add(days[place], hour)
    return Health(days=days)


def _add(day: Day, hour: FeedHour) -> None:
    day.online += hour.seconds_online
    day.faulty.update(hour.seconds_faulty)
    day.reconnects += hour.reconnects
    day.longest_stride = max(day.longest_stride, hour.longest_stride)
    day.events += hour.events


def _named(kind: str) -> str:
    return Fault(kind).label if kind in Fault.values else kind
