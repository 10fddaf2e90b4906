"""When a clip was recorded: what is known of it, and what is told rather than guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from video_classifier.services import recording_times
from video_classifier.services.errors import Refused
from video_classifier.services.recording_times import ClockChangeError, Recorded
from video_classifier.states import RecordedFrom

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
SHOWN = datetime(2026, 11, 26, 13, 30, tzinfo=UTC)  # 14:30 in Berlin


@pytest.mark.parametrize(
    "path",
    [
        "20261126_143000.mp4",
        "20261126143000.mp4",
        "20261126143000123.mp4",
        "20261126-143000.mkv",
        "2026-11-26 14-30-00.mp4",
        "2026-11-26_14-30-00.mp4",
        "2026-11-26T14:30:00.mp4",
        "2026.11.26 - 14.30.00.mp4",
        "NVR_ch1_main_20261126143000_20261126150000.mp4",
        "NVR-07_till-3_2026-11-26_14-30-00-1500.mp4",
        "20261126T133000Z.mp4",
        "20261126_153000+0200.mp4",
        "2026-11-26 08-30-00-05:00.mp4",
        "2026-11-26/camera 1/14.30.00-14.35.00[M][0@0][0].mp4",
        "export/20261126/dav/14/143000.mp4",
    ],
)
def test_names_of_recorders_say_when(path: str) -> None:
    assert recording_times.from_name(path, zone=BERLIN) == SHOWN


@pytest.mark.parametrize(
    "path",
    [
        "till 3.mp4",
        "clip_0001.mp4",
        "26-11-2026_14-30-00.mp4",
        "1234202611261430001.mp4",
        "2026.mp4",
    ],
)
def test_other_names_say_nothing(path: str) -> None:
    assert recording_times.from_name(path, zone=BERLIN) is None


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("%d-%m-%Y_%H-%M-%S", "26-11-2026_14-30-00.mp4"),
        ("till*%y%m%d%H%M", "till 3 of 4, 2611261430.mp4"),
        ("%Y/%m/%d/%H.%M", "2026/11/26/14.30.mp4"),
        ("%H%M%S%z_%d%m%Y", "083000-0500_26112026.mp4"),
        ("100%%_%Y%m%d%H", "100%_2026112614.mp4"),
    ],
)
def test_a_pattern_says_where_the_time_stands(pattern: str, path: str) -> None:
    at = recording_times.from_name(path, zone=BERLIN, pattern=pattern)

    assert at is not None
    assert at.replace(minute=30) == SHOWN  # one says the hour alone


@pytest.mark.parametrize(
    "pattern",
    [
        "%Y%m%d",
        "%H%M",
        "%Y%m%d%H%H",
        "%Y%m%d%H%q",
        "%Y%m%d%H%",
        "*%Y*%m*%d*%H",
        "%Y%m%d%H" + "x" * 99,
    ],
)
def test_a_pattern_that_cannot_say_when_is_refused(pattern: str) -> None:
    with pytest.raises(Refused, match="doesn't say when"):
        recording_times.compiled(pattern)


def test_a_time_that_happened_twice_is_told_and_not_guessed() -> None:
    with pytest.raises(ClockChangeError) as refusal:
        recording_times.from_name("20261025_023000.mp4", zone=BERLIN)

    assert str(refusal.value) == (
        "25 Oct 2026, 02:30 happened twice in Europe/Berlin, as clocks were set back. Write the "
        "time with its offset from UTC, such as 2026-10-25 02:30+02:00 or 2026-10-25 02:30+01:00."
    )


def test_a_time_that_never_happened_is_told_and_not_guessed() -> None:
    with pytest.raises(ClockChangeError, match="29 Mar 2026, 02:30 did not happen in Europe/Ber"):
        recording_times.read("2026-03-29 02:30", zone=BERLIN)


@pytest.mark.parametrize("name", ["20261025_015959.mp4", "20261025_030000.mp4"])
def test_beside_a_clock_change_there_is_no_doubt(name: str) -> None:
    assert recording_times.from_name(name, zone=BERLIN) is not None


def test_with_its_offset_the_doubled_hour_is_no_question() -> None:
    at = recording_times.from_name("20261025_023000+0100.mp4", zone=BERLIN)

    assert at == datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=1)))


def find(path: str, **known: object) -> Recorded:
    return recording_times.find(path, zone=BERLIN, now=NOW, **known)  # type: ignore[arg-type]


def test_what_is_given_comes_before_the_name_and_the_name_before_the_file() -> None:
    other = SHOWN - timedelta(days=1)

    assert find("20261126_143000.mp4", given=other).origin == RecordedFrom.GIVEN
    assert find("20261126_143000.mp4", created=other.timestamp()).at == SHOWN
    assert find("till.mp4", created=other.timestamp()) == Recorded(
        at=other, origin=RecordedFrom.FILE
    )
    assert find("till.mp4") == Recorded()


@pytest.mark.parametrize(
    "created", [0.0, -2082844800.0, 1e18, float("inf"), float("nan"), NOW.timestamp() + 2 * 86400]
)
def test_a_file_whose_clock_was_never_set_says_nothing(created: float) -> None:
    assert find("till.mp4", created=created) == Recorded()


def test_what_stands_in_the_way_is_noted() -> None:
    assert "happened twice" in find("20261025_023000.mp4", created=SHOWN.timestamp()).note
    assert find("20261399_143000.mp4").note == recording_times.NO_DAY
    fitting = find("20261126_143000.mp4", pattern="%d%m%Y-%H", created=SHOWN.timestamp())
    assert fitting.origin == RecordedFrom.FILE
    assert "doesn't fit the pattern" in fitting.note
