"""The score curve on the result page, as the server sends it."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeAnalysis, MakeClip, MakeTrack
from video_classifier.models import Analysis
from video_classifier.states import Playback, Prediction, Status, View

pytestmark = pytest.mark.postgresql

HTMX = {"HX-Request": "true"}
FIRST = [[0.0, 2.0, 0.1], [1.0, 3.0, 0.2]]
SECOND = [[0.0, 2.0, 0.3], [1.0, 3.0, 0.81], [2.0, 4.0, 0.4]]


@pytest.fixture
def analysis(make_analysis: MakeAnalysis, make_track: MakeTrack, make_clip: MakeClip) -> Analysis:
    """A hint, of track 2."""
    made = make_analysis(
        clip=make_clip(duration=6.0),
        status=Status.DONE,
        view=View.PERSON,
        decided_by=2,
        score=0.81,
        threshold=0.6,
    )
    make_track(analysis=made, number=1, score=0.2, windows=FIRST)
    make_track(analysis=made, number=2, score=0.81, windows=SECOND)
    return made


def page(client: Client, analysis: Analysis, **headers: str) -> str:
    return client.get(analysis.get_absolute_url(), headers=headers).content.decode()


def curve(html: str) -> str:
    found = re.search(r'<div class="card card--pad score-curve">.*?</details>', html, re.DOTALL)
    assert found is not None
    return found[0]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_it_says_in_words_what_it_shows(client: Client, analysis: Analysis) -> None:
    html = curve(page(client, analysis))

    assert "Track 2 has the highest score, 0.81, around 0:02 of 0:06" in html
    assert "The threshold is 0.60." in html
    assert "Event, 0:00 to 0:04: possible shoplifting" in words(html)
    assert "threshold 0.60" in words(html)
    assert "%" not in words(html)


def test_the_table_leads_to_each_moment_without_scripts(client: Client, analysis: Analysis) -> None:
    html = curve(page(client, analysis))

    file = reverse("web:clip-file", args=[analysis.clip_id])
    assert html.count("<tr>") == 1 + len(FIRST) + len(SECOND)
    assert f'href="{file}#t=1.000" data-seek="1.000"' in html


def test_without_a_player_the_table_has_no_links(client: Client, analysis: Analysis) -> None:
    analysis.clip.playback = Playback.NONE
    analysis.clip.save()

    html = curve(page(client, analysis))

    assert "data-seek" not in html
    assert "0:01.0" in html


def test_without_scripts_it_is_a_picture_and_no_slider(client: Client, analysis: Analysis) -> None:
    html = curve(page(client, analysis))

    assert 'role="img"' in html
    assert 'role="slider"' not in html


def test_whole_pictures_have_one_line(client: Client, make_analysis: MakeAnalysis) -> None:
    windows = [[0.0, 9.6, 0.2], [10.0, 19.6, 0.4]]
    analysis = make_analysis(
        status=Status.DONE, prediction=Prediction.NO_HINT, score=0.4, threshold=0.6, windows=windows
    )

    html = curve(page(client, analysis))

    assert html.count('d="M') == 1
    assert "Whole picture" in words(html)
    assert "Event" not in words(html)


@pytest.mark.parametrize("windows", [[], [[0.0, 6.0, 0.9]]])
def test_without_several_windows_there_is_no_empty_box(
    client: Client, make_analysis: MakeAnalysis, make_track: MakeTrack, windows: list[list[float]]
) -> None:
    analysis = make_analysis(status=Status.DONE, view=View.PERSON, decided_by=1)
    make_track(analysis=analysis, windows=windows)

    html = page(client, analysis)

    assert 'id="curve"' not in html
    assert "score-curve" not in html


def test_it_comes_by_itself_with_the_result(client: Client, analysis: Analysis) -> None:
    html = page(client, analysis, **HTMX)

    assert html.index('class="card card--pad outcome"') < html.index('id="curve"')
    assert "Score over time" in curve(html)


def test_nothing_of_it_comes_while_the_analysis_runs(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    html = page(client, make_analysis(status=Status.RUNNING), **HTMX)

    assert 'id="curve"' not in html


def test_it_asks_the_database_nothing_more(
    client: Client,
    analysis: Analysis,
    make_track: MakeTrack,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(3, 9):
        make_track(analysis=analysis, number=number, score=0.2, windows=FIRST)

    # session, user, permissions (2), memberships, the trash, the analysis, its segments, events and
    # tracks, that the page was opened (5), tags (2), the results of the clip, whether cameras are
    # watched
    with django_assert_num_queries(19):
        page(client, analysis)
