"""The page of a recording of hours: its verdict, its curve and zoom, and what it costs."""

from __future__ import annotations

import json
import re
from time import process_time

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeAnalysis, MakeClip, make_segment
from tests.makers import recordings
from video_classifier.models import Analysis, Segment
from video_classifier.states import Status

HTMX = {"HX-Request": "true"}
BROKE = "Something broke on our side."
EVENTS = {600.0: 0.7, 1830.0: 0.95, 3000.0: 0.65}


@pytest.fixture
def recording(make_clip: MakeClip) -> Analysis:
    """An hour with three events; the fourth and fifth minutes failed, in ten there is nobody."""
    return recordings.analyzed(
        make_clip(duration=3600.0),
        minutes=60,
        events=EVENTS,
        failed=dict.fromkeys((4, 5), BROKE),
        nobody=range(41, 51),
    )


def page(client: Client, analysis: Analysis, query: str = "", **headers: str) -> str:
    return client.get(analysis.get_absolute_url() + query, headers=headers).content.decode()


def part(html: str, start: str, end: str = "</section>") -> str:
    return html[html.index(start) :].partition(end)[0]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def readings(html: str) -> list[list[object]]:
    found = re.search(r'data-readings="([^"]*)"', html)
    assert found is not None
    return list(json.loads(found[1].replace("&quot;", '"')))


# The verdict


def test_says_how_many_events_in_how_many_hours_and_the_strongest(
    client: Client, recording: Analysis
) -> None:
    outcome = words(part(page(client, recording), 'class="card card--pad outcome"'))

    assert "3 events in 1 h of recording." in outcome
    assert "Strongest Event 2 , 30:30 to 30:42" in outcome
    assert "In 10 min of it nobody was found." in outcome
    assert "Not looked at 2 min of it, in one stretch" in outcome
    assert "This is only a hint. Watch the clip before you act on it." in outcome


def test_when_nobody_is_there_it_says_so(client: Client, make_clip: MakeClip) -> None:
    empty = recordings.analyzed(make_clip(duration=7200.0), minutes=120, nobody=range(1, 121))

    html = page(client, empty)

    assert "No result: nobody was found" in html
    assert "Nobody was found in 2 h of recording." in words(html)
    assert 'id="curve"' not in html
    assert "Nobody was found, so nothing was scored and there is no curve." in words(html)


def test_why_a_stretch_was_not_looked_at_is_said_once_below_the_curve(
    client: Client, recording: Analysis
) -> None:
    html = page(client, recording)

    assert recording.warnings == [f"From 3:00 to 5:00 there is no result. {BROKE}"]
    said = html.partition("Scores as a table")[0].replace("data-gaps", "").replace("&quot;", '"')
    assert words(said).count(BROKE) == 1
    assert f'href="{recording.get_absolute_url()}#gaps"' in html
    assert 'id="gaps"' in html


def test_without_a_curve_warnings_say_what_was_not_looked_at(
    client: Client, make_clip: MakeClip
) -> None:
    empty = recordings.analyzed(make_clip(), minutes=3, nobody=(1, 2), failed={3: BROKE})

    outcome = words(part(page(client, empty), 'class="card card--pad outcome"'))

    assert f"From 2:00 to 3:00 there is no result. {BROKE}" in outcome


def test_without_an_event_it_says_so(client: Client, make_clip: MakeClip) -> None:
    html = page(client, recordings.analyzed(make_clip(duration=180.0), minutes=3))

    assert "No event in 3 min of recording." in words(html)
    assert "No score reached the threshold of 0.60, so there is no event." in words(html)


def test_of_many_warnings_most_are_folded(client: Client, make_clip: MakeClip) -> None:
    warnings = [f"Reason {number}." for number in range(2, 21)]
    html = page(client, recordings.analyzed(make_clip(), minutes=20, warnings=warnings))

    outcome = part(html, 'class="card card--pad outcome"')
    assert "<summary>14 more</summary>" in outcome
    assert outcome.index("Reason 6.") < outcome.index("14 more") < outcome.index("Reason 7.")


# The curve


def test_the_line_has_no_more_values_the_longer_it_is(client: Client, make_clip: MakeClip) -> None:
    long = recordings.analyzed(
        make_clip(duration=6 * 3600.0), minutes=360, events={12_000.0: 0.97}, tracks=2
    )

    found = readings(page(client, long))

    assert len(found) <= 600
    assert max(float(str(reading[2])) for reading in found) == 0.97


def test_a_level_says_whose_it_is(client: Client, recording: Analysis) -> None:
    highest = max(readings(page(client, recording)), key=lambda reading: float(str(reading[2])))

    assert highest[2:] == [0.95, "0.95", 1, f"track {recording.decided_by}"]


def test_gaps_are_hatched_and_said_with_their_reason(client: Client, recording: Analysis) -> None:
    Segment.objects.filter(analysis=recording, number=21).delete()

    html = page(client, recording)

    assert html.count('class="score-curve__gap" fill="url(#gap-hatch)" x=') == 2
    assert f"3:00 to 5:00 : {BROKE}" in words(html)
    assert "20:00 to 21:00 : Nothing was recorded." in words(html)
    assert "Without scores: 3 min" in words(html)
    table = part(html, "Scores as a table")
    assert BROKE in table


def test_an_event_of_seconds_in_six_hours_can_be_seen(client: Client, make_clip: MakeClip) -> None:
    long = recordings.analyzed(make_clip(duration=21600.0), minutes=360, events={12_000.0: 0.97})

    html = page(client, long)

    assert 'class="score-curve__event" x="55.3%" width="0.5%"' in html


def test_zoom_shows_a_stretch_and_ways_on(client: Client, recording: Analysis) -> None:
    html = page(client, recording, "?from=1800&to=1860&sort=time")

    assert 'data-since="1800.000" data-seconds="60.000" data-whole="3600.000"' in html
    assert 'href="?sort=time&amp;from=1740&amp;to=1800" data-earlier' in html
    assert 'href="?sort=time&amp;from=1860&amp;to=1920" data-later' in html
    assert re.search(r'aria-current="true" data-zoom="60">1 min<', html)
    assert "Scores from 30:00 to 31:00. The highest is 0.95, around 30:36. 1 event." in html
    assert "Tracks in this stretch (2)" in html
    assert 1799 < float(str(readings(html)[0][0])) < 1860


def test_what_cant_be_understood_shows_all_and_says_so(client: Client, recording: Analysis) -> None:
    html = page(client, recording, "?from=noon")

    assert "“noon” is no moment of this recording." in html
    assert 'data-since="0.000" data-seconds="3600.000"' in html


@pytest.mark.parametrize(
    ("target", "start"),
    [("curve", '<div id="curve"'), ("events", '<section id="events"'), ("", '<div id="analysis"')],
)
def test_htmx_gets_the_part_that_it_replaces(
    client: Client, recording: Analysis, target: str, start: str
) -> None:
    headers = HTMX | {"HX-Target": target}

    answer = client.get(recording.get_absolute_url(), headers=headers)

    assert answer.content.decode().lstrip().startswith(start)
    assert {"HX-Request", "HX-Target"} <= {each.strip() for each in answer["Vary"].split(",")}


def test_a_short_clip_has_no_zoom_and_all_its_lines(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    windows = [[0.0, 10.0, 0.2], [10.0, 20.0, 0.4]]
    html = page(client, make_analysis(status=Status.DONE, windows=windows))

    assert 'class="zoom"' not in html
    assert "data-whole" not in html


def test_whole_pictures_of_a_recording_have_a_curve(
    client: Client, make_analysis: MakeAnalysis, make_clip: MakeClip
) -> None:
    windows = [[10.0 * n, 10.0 * n + 10, 0.9 if n == 5 else 0.1] for n in range(12)]
    analysis = make_analysis(
        clip=make_clip(duration=120.0), status=Status.DONE, windows=windows, threshold=0.6
    )
    analysis.segments.update(end=60.0)
    make_segment(analysis, number=2, start=60.0, end=120.0)

    html = page(client, analysis)

    assert "Whole picture" in html
    assert [0.9, "0.90"] in [reading[2:4] for reading in readings(html)]
    assert "Tracks in this stretch" not in html


# What it costs


@pytest.fixture
def six_hours(make_clip: MakeClip) -> Analysis:
    """360 segments, 4,000 tracks and 200 events."""
    events = {100.0 * n + 20: 0.6 + 0.39 * n / 200 for n in range(1, 201)}
    return recordings.analyzed(
        make_clip(duration=21600.0),
        minutes=360,
        events=events,
        tracks=11,
        boxes=60,
        failed=dict.fromkeys((20, 21, 77), BROKE),
    )


@pytest.mark.long
def test_six_hours_are_shown_in_bounded_time_and_queries(
    client: Client, six_hours: Analysis, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    page(client, six_hours)
    began = process_time()

    # session, user, permissions (2), memberships, the trash, the analysis, its segments, all events
    # in short, those shown, the tracks' windows, the clip's other results, whether cameras are
    # watched; that the page was opened (2), tags (2), and whose second opinion is asked for
    with django_assert_num_queries(18):
        html = page(client, six_hours)

    assert process_time() - began < 3.0
    assert html.count(' event-row"') == 25
    assert len(html) < 1_500_000
    assert six_hours.tracks.count() > 4000

    # The boxes of the events shown come with these, and no others.
    with CaptureQueriesContext(connection) as queries:
        page(client, six_hours)
    (with_boxes,) = (each["sql"] for each in queries if '"boxes"' in each["sql"])
    assert "video_classifier_event" in with_boxes
    assert html.count("data-boxes=") == 25


def test_a_part_of_six_hours_costs_less(client: Client, six_hours: Analysis) -> None:
    for target, loads in [("curve", '"windows"'), ("events", '"boxes"')]:
        with CaptureQueriesContext(connection) as queries:
            page(client, six_hours, "?from=3600&to=3660", **HTMX, **{"HX-Target": target})

        of_tracks = [each["sql"] for each in queries if "number_in_segment" in each["sql"]]
        of_tracks += [each["sql"] for each in queries if 'track"."windows"' in each["sql"]]
        assert len(queries) <= 10
        assert len(of_tracks) == 1
        assert loads in of_tracks[0]
