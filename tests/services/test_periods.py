"""Days and weeks of stores, over changes of their clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from video_classifier.services import periods
from video_classifier.services.periods import DAYS, TODAY, WEEKS, Span

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 26, 3, 12, tzinfo=UTC)  # a Thursday


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 3, 29, 12, tzinfo=UTC), 23),
        (datetime(2026, 10, 25, 12, tzinfo=UTC), 25),
        (NOW, 24),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(now: datetime, hours: int) -> None:
    first, last = TODAY.bounds(now, BERLIN)

    assert last - first == timedelta(hours=hours)


def test_a_week_of_a_clock_change_is_an_hour_longer() -> None:
    first, last = Span(days=7, count=1).bounds(datetime(2026, 10, 22, tzinfo=UTC), BERLIN)

    assert last - first == timedelta(days=7, hours=1)


def test_weeks_begin_on_mondays_and_the_last_is_going_on() -> None:
    starts = WEEKS.starts(NOW, BERLIN)

    assert len(starts) == 12
    assert starts[-1] == date(2026, 11, 23)
    assert {day.weekday() for day in starts} == {0}


def test_it_is_the_day_of_the_store() -> None:
    assert DAYS.starts(NOW, ZoneInfo("America/New_York"))[-1] == date(2026, 11, 25)
    assert DAYS.starts(NOW, ZoneInfo("Asia/Tokyo"))[-1] == date(2026, 11, 26)


def test_one_ends_where_the_next_begins() -> None:
    bounds = DAYS.bounds(NOW, BERLIN)

    assert len(bounds) == 15
    assert bounds == sorted(set(bounds))


def test_a_midnight_that_is_left_out_is_when_the_clocks_go_on() -> None:
    found = periods.midnight(date(2026, 3, 29), ZoneInfo("Asia/Beirut"))  # 0:00 becomes 1:00

    assert found == datetime(2026, 3, 28, 22, tzinfo=UTC)
