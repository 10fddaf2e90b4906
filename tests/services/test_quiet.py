"""Quiet hours: every day anew, over midnight, and when clocks change."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from video_classifier.models import Channel
from video_classifier.services import quiet

BERLIN = ZoneInfo("Europe/Berlin")


def channel(hours: str) -> Channel:
    begins, ends = map(time.fromisoformat, hours.split("-"))
    return Channel(quiet_from=begins, quiet_until=ends)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_without_quiet_hours_it_is_never_quiet() -> None:
    assert quiet.ends(Channel(), moment("2026-11-26T03:00+01:00"), BERLIN) is None


@pytest.mark.parametrize(
    ("hours", "at", "ends"),
    [
        ("12:00-14:00", "2026-11-26T12:00+01:00", "2026-11-26T14:00+01:00"),
        ("12:00-14:00", "2026-11-26T14:00+01:00", None),
        ("22:00-07:00", "2026-11-26T23:00+01:00", "2026-11-27T07:00+01:00"),
        ("22:00-07:00", "2026-11-27T06:59+01:00", "2026-11-27T07:00+01:00"),
        ("22:00-07:00", "2026-11-27T07:00+01:00", None),
        ("22:00-07:00", "2026-11-27T21:59+01:00", None),
        # By the clocks of the store, whatever zone the moment is given in.
        ("22:00-07:00", "2026-11-26T21:00+00:00", "2026-11-27T07:00+01:00"),
        # All day: a digest a day.
        ("07:00-07:00", "2026-11-27T07:00+01:00", "2026-11-28T07:00+01:00"),
        # 2:00 to 3:00 comes twice on 25 October: it begins the first time and ends the second.
        ("22:00-07:00", "2026-10-25T02:30+02:00", "2026-10-25T07:00+01:00"),
        ("02:30-06:00", "2026-10-25T02:29+02:00", None),
        ("02:30-06:00", "2026-10-25T02:30+02:00", "2026-10-25T06:00+01:00"),
        ("02:30-06:00", "2026-10-25T02:10+01:00", "2026-10-25T06:00+01:00"),
        ("22:00-02:30", "2026-10-25T02:40+02:00", "2026-10-25T02:30+01:00"),
        ("22:00-02:30", "2026-10-25T02:30+01:00", None),
        # 2:00 to 3:00 is left out on 29 March: 2:30 is when clocks show 3:30.
        ("22:00-07:00", "2026-03-29T01:59+01:00", "2026-03-29T07:00+02:00"),
        ("02:30-06:00", "2026-03-29T03:29+02:00", None),
        ("02:30-06:00", "2026-03-29T03:30+02:00", "2026-03-29T06:00+02:00"),
        ("22:00-02:30", "2026-03-29T03:29+02:00", "2026-03-29T03:30+02:00"),
        ("22:00-02:30", "2026-03-29T03:30+02:00", None),
    ],
)
def test_it_is_quiet_until_they_end(hours: str, at: str, ends: str | None) -> None:
    found = quiet.ends(channel(hours), moment(at), BERLIN)

    assert found == (moment(ends) if ends else None)
