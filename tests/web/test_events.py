"""The events of a result: their list, the page of each, and its picture."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeAnalysis, MakeClip, MakeTrack, segment_of
from tests.makers import recordings
from video_classifier.models import Analysis, Event
from video_classifier.services import evidence, files
from video_classifier.states import Status, View
from video_classifier.web.times import clock_time, in_words

pytestmark = pytest.mark.postgresql

EVENTS = {600.0: 0.7, 1830.0: 0.95, 3000.0: 0.65}


@pytest.fixture
def recording(make_clip: MakeClip) -> Analysis:
    return recordings.analyzed(make_clip(duration=3600.0), minutes=60, events=EVENTS, boxes=61)


def address(analysis: Analysis, number: int, name: str = "event") -> str:
    return reverse(f"web:{name}", args=[analysis.pk, number])


def get(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def order(html: str) -> list[str]:
    return re.findall(r"data-row-link>(Event \d+)<", html)


# The list


def test_the_strongest_comes_first_or_the_first(client: Client, recording: Analysis) -> None:
    by_score = get(client, recording.get_absolute_url())
    by_time = get(client, f"{recording.get_absolute_url()}?sort=time")

    assert order(by_score) == ["Event 2", "Event 1", "Event 3"]
    assert order(by_time) == ["Event 1", "Event 2", "Event 3"]
    assert re.search(r'sort=time"[^>]*aria-current="true"', by_time)
    assert f'href="{address(recording, 1)}?sort=time"' in by_time


def test_each_says_when_how_long_and_how_far_above_the_threshold(
    client: Client, recording: Analysis
) -> None:
    html = get(client, recording.get_absolute_url())
    card = html[html.index('id="event-2"') :].partition("</tr>")[0]

    assert "Event 2 30:30\N{EN DASH}30:42 12 s 0.95" in words(card)
    assert "Clearly above the threshold for a hint." in card
    assert f'src="{address(recording, 2, "event-still")}"' in card


def test_its_page_has_a_box_around_somebody_in_the_still(
    client: Client, recording: Analysis
) -> None:
    html = get(client, address(recording, 2))

    assert 'x="30.0%" y="20.0%" width="20.0%" height="70.0%"' in html


def test_hundreds_are_shown_a_page_at_a_time(client: Client, make_clip: MakeClip) -> None:
    events = {30.0 * n: 0.61 + n / 1000 for n in range(120)}
    long = recordings.analyzed(make_clip(duration=3600.0), minutes=60, events=events)

    first = get(client, long.get_absolute_url())
    last = get(client, f"{long.get_absolute_url()}?page=5&sort=time&from=0&to=60")

    assert (len(order(first)), len(order(last))) == (25, 20)
    assert order(last)[0] == "Event 101"
    assert 'href="?page=4&amp;sort=time&amp;from=0&amp;to=60"' in last
    assert "Page 5 of 5" in last


def test_a_short_clip_lists_its_event_and_keeps_its_tracks(
    client: Client, make_analysis: MakeAnalysis, make_track: MakeTrack
) -> None:
    analysis = make_analysis(
        status=Status.DONE, view=View.PERSON, decided_by=1, frame_times=[0.5], score=0.9
    )
    track = make_track(analysis=analysis)
    Event.objects.create(
        analysis=analysis,
        number=1,
        segment=segment_of(analysis),
        track=track,
        start=0.0,
        end=1.0,
        peak=0.5,
        score=0.9,
    )

    html = get(client, analysis.get_absolute_url())

    assert order(html) == ["Event 1"]
    assert 'id="track-1"' in html
    assert html.count("filmstrip__frame") > 0
    assert html.count("<template data-tracks>") == 1
    assert get(client, address(analysis, 1)).count('class="box"') >= 1


def test_an_older_hint_without_events_shows_no_list(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    assert 'id="events"' not in get(client, make_analysis(status=Status.DONE).get_absolute_url())


# The page of one


def test_its_page_plays_its_seconds_and_no_others_without_scripts(
    client: Client, recording: Analysis
) -> None:
    html = get(client, address(recording, 2))

    file = reverse("web:clip-file", args=[recording.clip_id])
    assert f'<video class="player" src="{file}#t=1830.000,1842.000"' in html
    assert 'data-start="1830.000" data-end="1842.000"' in html
    assert "30:30\N{EN DASH}30:42 12 s" in words(html)
    assert "This is only a hint." in html
    assert 'data-since="1800.000" data-seconds="72.000"' in html
    assert f'href="{recording.get_absolute_url()}"' in html


def test_it_leads_to_the_one_before_and_the_next_in_the_order_of_the_list(
    client: Client, recording: Analysis
) -> None:
    strongest, middle = get(client, address(recording, 2)), get(client, address(recording, 1))
    in_time = get(client, f"{address(recording, 2)}?sort=time")

    assert "data-previous" not in strongest
    assert f'href="{address(recording, 1)}" data-following' in strongest
    assert "1 of 3, strongest first" in strongest
    assert f'href="{address(recording, 2)}" data-previous' in middle
    assert f'href="{address(recording, 1)}?sort=time" data-previous' in in_time
    assert f'href="{address(recording, 3)}?sort=time" data-following' in in_time
    assert "2 of 3, in time" in in_time


def test_zoom_of_its_page_is_a_part(client: Client, recording: Analysis) -> None:
    headers = {"HX-Request": "true", "HX-Target": "curve"}

    part = client.get(f"{address(recording, 2)}?from=0&to=900", headers=headers).content.decode()

    assert part.lstrip().startswith('<div id="curve"')
    assert 'data-since="0.000" data-seconds="900.000"' in part


@pytest.mark.parametrize("name", ["event", "event-still"])
def test_there_is_no_event_that_was_not_found(
    client: Client, recording: Analysis, name: str
) -> None:
    assert client.get(address(recording, 4, name)).status_code == 404


def test_its_page_asks_the_database_no_more_of_hours(
    client: Client, recording: Analysis, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # session, user, the trash, the analysis, the event, all events in short, segments, the tracks'
    # windows, the track, what the user manages, whether cameras are watched
    with django_assert_num_queries(12):
        get(client, address(recording, 2))


# Its picture


def test_the_picture_is_that_of_the_track_or_the_nearest_frame(
    client: Client, recording: Analysis
) -> None:
    event = recording.events.get(number=2)
    assert event.track is not None
    nearest = evidence.frame_file(event.segment, 12)  # at 36 s of the minute
    files.write({nearest: b"frame"})
    still = address(recording, 2, "event-still")
    assert client.get(still).getvalue() == b"frame"

    files.write({evidence.still_file(event.track): b"still"})

    answer = client.get(still)
    assert answer.getvalue() == b"still"
    assert answer["Cache-Control"] == "private, no-store"


def test_a_still_of_another_moment_of_the_track_is_not_shown(
    client: Client, recording: Analysis
) -> None:
    event = recording.events.get(number=2)
    assert event.track is not None
    event.track.crop_times = [1800.0, 1801.0]
    event.track.save()
    names = (evidence.still_file(event.track), evidence.frame_file(event.segment, 12))
    files.write(dict(zip(names, (b"another", b"frame"), strict=True)))

    assert client.get(address(recording, 2, "event-still")).getvalue() == b"frame"


def test_without_any_picture_there_is_none(client: Client, recording: Analysis) -> None:
    assert client.get(address(recording, 2, "event-still")).status_code == 404


# Times


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(7.4, "7 s"), (60, "1 min"), (80.2, "1 min 20 s"), (3600, "1 h"), (7325, "2 h 2 min")],
)
def test_lengths_are_said_in_two_units(seconds: float, said: str) -> None:
    assert in_words(seconds) == said


def test_where_the_clock_is_known_it_is_that_of_the_store(make_clip: MakeClip) -> None:
    clip = make_clip()
    assert clock_time(clip, 60.0) is None

    clip.store.time_zone = "Europe/Berlin"
    clip.recorded_at = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)

    assert str(clock_time(clip, 3723.0)) == "24 Nov 2026, 23:02:03 CET"
