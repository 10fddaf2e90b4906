"""Which stretch of a recording an address asks for, and where its links lead."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from video_classifier.web.zoom import Zoom, asked

HOURS = 3 * 3600.0


def zoom(address: str = "", whole: float = HOURS) -> Zoom:
    return asked(QueryDict(address), whole)


def stretch(address: str, whole: float = HOURS) -> tuple[float, float]:
    found = zoom(address, whole)
    return found.since, found.until


def test_without_a_word_all_of_it_is_shown() -> None:
    found = zoom()

    assert (found.since, found.until, found.is_whole, found.problem) == (0.0, HOURS, True, "")
    assert (found.earlier, found.later) == ("", "")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("from=60&to=180", (60, 180)),
        ("from=1:02:03&to=1:05:00", (3723, 3900)),
        ("from=62:03&to=65:00", (3723, 3900)),
        ("from=10.5&to=100", (10.5, 100)),
        ("from=3600", (3600, HOURS)),
        ("to=3600", (0, 3600)),
        ("from=&to=", (0, HOURS)),
        ("from=0&to=99999", (0, HOURS)),
    ],
)
def test_moments_are_seconds_or_as_players_show_them(
    address: str, expected: tuple[float, float]
) -> None:
    assert stretch(address) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("from=100&to=110", (75, 135)),
        ("from=0&to=1", (0, 60)),
        ("from=10799&to=10800", (10740, 10800)),
        ("from=99999&to=999999", (10740, 10800)),
    ],
)
def test_less_than_a_minute_is_a_minute_around_it(
    address: str, expected: tuple[float, float]
) -> None:
    assert stretch(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "from=noon",
        "from=-5",
        "from=1:-2",
        f"from={'9' * 400}:00",
        "from=nan",
        "to=inf",
        "from=1:2:3:4",
        "from=1e999",
        "to=",
        "from=a:b",
    ],
)
def test_what_is_no_moment_shows_all(address: str) -> None:
    found = zoom(address)

    assert (found.since, found.until) == (0.0, HOURS)
    assert bool(found.problem) is (address != "to=")


def test_an_end_before_the_start_is_said() -> None:
    assert zoom("from=100&to=50").problem == "“From” has to be before “To”. All of it is shown."


def test_levels_go_from_all_to_a_minute_around_the_middle() -> None:
    found = zoom("from=3600&to=7200&sort=time")

    assert [step.label for step in found.steps] == ["All", "1 h", "15 min", "5 min", "1 min"]
    assert [step.label for step in found.steps if step.is_current] == ["1 h"]
    assert found.steps[0].address == "?sort=time"
    assert found.steps[-1].address == "?sort=time&from=5370&to=5430"


def test_a_level_that_is_longer_than_the_recording_is_no_level() -> None:
    assert [step.label for step in zoom(whole=600.0).steps] == ["All", "5 min", "1 min"]
    assert not zoom(whole=50.0).can_be_changed


def test_earlier_and_later_stay_inside() -> None:
    found = zoom("from=10700&to=10760")

    assert found.earlier == "?from=10640&to=10700"
    assert found.later == "?from=10740&to=10800"
    assert stretch("from=10740&to=10800")[1] == HOURS
    assert zoom("from=10740&to=10800").later == ""
    assert zoom("from=20&to=80").earlier == "?from=0&to=60"


def test_the_links_of_a_recording_of_broken_length_lead_inside_it() -> None:
    found = zoom("from=3500&to=3600.4", whole=3600.4)

    assert found.later == ""
    assert stretch(found.steps[-1].address.removeprefix("?"), 3600.4)[1] <= 3600.4
