"""How a camera fared on each of the last 30 days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from video_classifier.models import FeedHour
from video_classifier.states import Fault
from video_classifier.web import live_health

NOW = datetime(2026, 11, 26, 3, 12, tzinfo=UTC)


def hour(ago: float, **fields: object) -> FeedHour:
    """So many hours ago."""
    return FeedHour(start=NOW.replace(minute=0) - timedelta(hours=ago), **fields)


def health(*hours: FeedHour, zone: str = "UTC") -> live_health.Health:
    return live_health.of(hours, now=NOW, time_zone=zone)


def test_there_is_a_bar_for_each_day_the_oldest_first() -> None:
    days = health().days

    assert len(days) == 30
    assert (days[0].name, days[-1].name) == ("28 Oct", "26 Nov")
    assert [day.left for day in days] == sorted(day.left for day in days)
    assert all(0 < day.left < day.left + day.width < 1 for day in days)


def test_hours_of_a_day_are_summed() -> None:
    found = health(
        hour(1, seconds_online=3000.0, seconds_faulty={"stalled": 600.0}, reconnects=2, events=1),
        hour(2, seconds_online=3600.0, reconnects=1, longest_stride=4.0),
    )

    today = found.days[-1]
    assert today.online == 6600
    assert today.reconnects == 3
    assert today.events == 1
    assert today.longest_stride == 4.0
    assert today.title == "26 Nov: 1 h 50 min online; The pictures stopped 10 min"


def test_days_are_those_of_the_stores_calendar() -> None:
    late = hour(4, seconds_online=3600.0)  # 23 h UTC of the day before

    assert health(late).known[0].name == "25 Nov"
    assert health(late, zone="Europe/Berlin").known[0].name == "26 Nov"


def test_what_is_older_than_30_days_is_left_out() -> None:
    assert health(hour(24 * 31, seconds_online=3600.0)).known == []
    assert live_health.since(NOW, "UTC") == datetime(2026, 10, 28, tzinfo=UTC)


@pytest.mark.parametrize("hours", [24, 25, 40])
def test_no_bar_is_higher_than_the_drawing(hours: int) -> None:
    found = health(*[hour(0, seconds_online=3600.0, seconds_faulty={"clock": 600})] * hours)

    today = found.days[-1]
    assert 0 <= today.offline_top <= today.online_top <= 1
    assert today.online_height + today.offline_height <= 1


def test_the_sentence_says_what_the_drawing_shows() -> None:
    found = health(
        hour(1, seconds_online=2700.0, seconds_faulty={Fault.REFUSED: 600.0, Fault.NAME: 300.0}),
    )

    assert found.summary == (
        "Watched on 1 day of the last 30; 75 % of that time there were pictures."
    )
    assert found.faults == [("No connection", "10 min"), ("The name is not found", "5 min")]


def test_without_hours_it_says_so() -> None:
    assert health().summary == "In the last 30 days it was not watched."
    assert health().days[3].title == "31 Oct: not watched"


def test_a_fault_of_another_version_keeps_its_name() -> None:
    assert health(hour(1, seconds_faulty={"gone": 60})).faults == [("gone", "1 min")]
