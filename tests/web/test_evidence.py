"""What the result page shows of persons, and of what mattered."""

from __future__ import annotations

import re

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeAnalysis, MakeModel, MakeTrack
from video_classifier.models import Analysis, HeatMap
from video_classifier.services import catalog, evidence
from video_classifier.states import Prediction, Status, View
from video_classifier.web.results import strongest_region

HTMX = {"HX-Request": "true"}
DROPS = [[0.0] * 8 for _ in range(7)] + [[0.23] + [0.0] * 7]


@pytest.fixture
def analysis(make_analysis: MakeAnalysis, make_track: MakeTrack, make_model: MakeModel) -> Analysis:
    """The highest score is of track 2, who walks from left to right from 1:04 to 1:05."""
    make_model()
    made = make_analysis(
        status=Status.DONE,
        score=0.8,
        view=View.PERSON,
        decided_by=2,
        tracks_found=2,
        model_sha256=catalog.usable("standard").sha256,
        frame_times=[0.5, 64.5],
    )
    make_track(analysis=made, number=1, score=0.2)
    make_track(analysis=made, number=2, score=0.8, times=[64.0, 65.0], crop_times=[64.25, 64.75])
    return made


def page(client: Client, analysis: Analysis) -> str:
    return client.get(analysis.get_absolute_url()).content.decode()


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def part(html: str, pattern: str) -> str:
    found = re.search(pattern, html, re.DOTALL)
    assert found is not None, pattern
    return found[0]


def strip(html: str, name: str) -> str:
    """From its name to the next one's."""
    return part(html, rf'<h2 class="strips__title">{name}<.*?(?="strips__title"|</section>)')


# Persons


def test_names_the_track_with_the_highest_score(client: Client, analysis: Analysis) -> None:
    outcome = part(page(client, analysis), r"<dt>Highest score.*?</dd>")

    assert "Track 2 , 1:04.0\N{EN DASH}1:05.0" in words(outcome)
    assert 'href="#track-2" data-seek="64.000"' in outcome


def test_lists_the_tracks_with_the_highest_score_first(client: Client, analysis: Analysis) -> None:
    first, second = re.findall(r'<li id="track-\d">.*?</ol>', page(client, analysis), re.DOTALL)

    assert (
        "Track 2 1:04.0\N{EN DASH}1:05.0 0.80 Score above the threshold Highest score"
    ) in words(first)
    assert "Track 1 0:00.0\N{EN DASH}0:01.0 0.20 Score below the threshold" in words(second)
    assert "Highest score" not in second


def test_the_hint_belongs_to_the_clip_and_to_no_track(client: Client, analysis: Analysis) -> None:
    tracks = strip(page(client, analysis), "Tracks")

    assert "shoplifting" not in tracks
    assert "Person" not in words(tracks)


def test_each_crop_says_who_and_when_and_leads_there(client: Client, analysis: Analysis) -> None:
    html = page(client, analysis)

    crop = reverse("web:crop", args=[analysis.pk, 2, 1])
    assert f'href="{crop}" data-seek="64.750"' in html
    assert f'src="{crop}" alt="Track 2 at 1:04.8"' in html


def test_says_that_numbers_identify_nobody(client: Client, analysis: Analysis) -> None:
    assert "Numbers name tracks, not people" in page(client, analysis)


def test_says_how_many_were_looked_at_if_not_all(client: Client, analysis: Analysis) -> None:
    assert "tracks were looked at" not in page(client, analysis)

    Analysis.objects.update(tracks_found=20)

    assert "2 of 20 tracks were looked at." in page(client, analysis)


def test_many_tracks_are_folded_away_save_the_highest_score(
    client: Client, analysis: Analysis, make_track: MakeTrack
) -> None:
    assert page(client, analysis).count('<details class="track" open>') == 2

    for number in (3, 4):
        make_track(analysis=analysis, number=number, score=0.1)

    assert page(client, analysis).count('<details class="track" open>') == 1


def test_the_film_has_boxes_where_somebody_is_in_view(client: Client, analysis: Analysis) -> None:
    film = strip(page(client, analysis), "The whole picture")
    early, late = re.findall(r"<li>.*?</li>", film, re.DOTALL)

    assert re.findall(r'class="box__number"[^>]*>(\d)<', early) == ["1"]
    assert 'x="25.0%" y="25.0%" width="25.0%" height="50.0%"' in early
    assert re.findall(r'class="box__number"[^>]*>(\d)<', late) == ["2"]
    assert 'alt="Frame 2 with track 2"' in late
    assert "data-hint" in late
    assert "data-hint" not in early


def test_the_player_gets_the_tracks(client: Client, analysis: Analysis) -> None:
    tracks = part(page(client, analysis), r"<template data-tracks>.*?</template>")

    assert tracks.count('<g class="box"') == 2
    assert 'data-times="[64.0, 65.0]"' in tracks
    assert 'data-boxes="[[0.0, 0.25, 0.25, 0.75], [0.5, 0.25, 0.75, 0.75]]"' in tracks


@pytest.mark.parametrize(
    ("threshold", "marked"), [(0.1, ["1", "2"]), (0.2, ["1", "2"]), (0.5, ["2"]), (0.9, [])]
)
def test_only_scores_from_the_threshold_on_are_marked_and_all_of_them(
    client: Client, analysis: Analysis, threshold: float, marked: list[str]
) -> None:
    prediction = Prediction.HINT if marked else Prediction.NO_HINT
    Analysis.objects.update(threshold=threshold, prediction=prediction)

    html = page(client, analysis)

    tracks = part(html, r"<template data-tracks>.*?</template>")
    boxes = re.findall(
        r'<g class="box"( data-hint)?.*?class="box__number"[^>]*>(\d)<', tracks, re.S
    )
    assert sorted(number for hint, number in boxes if hint) == marked
    assert words(html).count("Score above the threshold") == len(marked)


def test_without_persons_the_page_is_as_before(client: Client, make_analysis: MakeAnalysis) -> None:
    html = page(client, make_analysis(status=Status.DONE, frame_times=[0.5]))

    assert "What the model looked at" in html
    for new in ("Tracks", "Highest score", "data-tracks", "box__line", "What mattered"):
        assert new not in html


def test_queries_do_not_grow_with_the_persons(
    client: Client,
    analysis: Analysis,
    make_track: MakeTrack,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(3, 13):
        make_track(analysis=analysis, number=number)

    # session, user, permissions (2), memberships, the trash, the analysis, its segments, events and
    # persons, that the page was opened (5), tags (2), the clip's other results, whether cameras are
    # watched
    with django_assert_num_queries(19):
        page(client, analysis)


# Pictures


@pytest.fixture
def pictures(analysis: Analysis) -> None:
    track = analysis.tracks.get(number=2)
    for name in (evidence.crop_file(track, 1), evidence.heat_file(analysis, 1)):
        default_storage.save(name, ContentFile(b"jpeg"))


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize(("name", "numbers"), [("crop", [2, 1]), ("heat", [1])])
def test_a_picture_is_sent(
    client: Client, analysis: Analysis, name: str, numbers: list[int]
) -> None:
    HeatMap.objects.create(analysis=analysis, status=Status.DONE, drops=DROPS)

    response = client.get(reverse(f"web:{name}", args=[analysis.pk, *numbers]))

    assert response["Content-Type"] == "image/jpeg"
    assert "no-store" in response["Cache-Control"]
    assert response.getvalue() == b"jpeg"


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("crop", [2, 0]),
        ("crop", [2, 2]),
        ("crop", [3, 0]),
        pytest.param("crop", [10**300, 1], id="too-long"),
        pytest.param("crop", [2, 10**300], id="too-long-too"),
        ("heat", [1]),  # not made yet
    ],
)
def test_a_picture_that_is_not_there_is_not_found(
    client: Client, analysis: Analysis, name: str, numbers: list[int]
) -> None:
    assert client.get(reverse(f"web:{name}", args=[analysis.pk, *numbers])).status_code == 404


# Which part mattered


def heat_map(client: Client, analysis: Analysis) -> str:
    return part(page(client, analysis), r'<div id="heat-map".*?</div>')


def open_strips(html: str) -> list[str]:
    strips = re.findall(
        r'<details class="strips__strip" name="strip"( open)?>.*?<h2[^>]*>(.*?)</h2>', html, re.S
    )
    return [name for is_open, name in strips if is_open]


def test_what_mattered_is_the_third_strip_and_open_while_it_is_worked_out(
    client: Client, analysis: Analysis
) -> None:
    names = re.findall(r'"strips__title">(.*?)</h2>', page(client, analysis))
    before = open_strips(page(client, analysis))
    HeatMap.objects.create(analysis=analysis)

    assert names == ["Tracks", "The whole picture", "What mattered"]
    assert before == ["Tracks"]
    assert open_strips(page(client, analysis)) == ["What mattered"]


def test_asking_queues_a_heat_map_and_waits_for_it(client: Client, analysis: Analysis) -> None:
    assert "Which part mattered?" in heat_map(client, analysis)

    answer = client.post(reverse("web:heat-map", args=[analysis.pk]), headers=HTMX)

    assert HeatMap.objects.get().status == Status.QUEUED
    waiting = answer.content.decode()
    assert "hx-get" in waiting
    assert "appears here by itself" in waiting
    assert "<button" not in waiting
    assert words(waiting) == words(heat_map(client, analysis))


def test_asking_works_without_scripts(client: Client, analysis: Analysis) -> None:
    answer = client.post(reverse("web:heat-map", args=[analysis.pk]))

    assert answer["Location"] == f"{analysis.get_absolute_url()}#heat-map"


def test_the_answer_is_shown_and_worded_with_care(client: Client, analysis: Analysis) -> None:
    HeatMap.objects.create(analysis=analysis, status=Status.DONE, drops=DROPS)

    html = heat_map(client, analysis)

    assert "by up to 0.23 (brightest: bottom left). A rough guide, no proof." in words(html)
    picture = reverse("web:heat", args=[analysis.pk, 1])
    assert f'src="{picture}" alt="Track 2 at 1:04.8, bright where it mattered"' in html
    assert "hx-get" not in html


@pytest.mark.parametrize(
    ("row", "column", "where"),
    [
        (0, 7, "top right"),
        (1, 4, "top"),
        (3, 0, "middle left"),
        (4, 4, "middle"),
        (6, 3, "bottom"),
    ],
)
def test_says_in_words_where_it_mattered(row: int, column: int, where: str) -> None:
    drops = [[0.0] * 8 for _ in range(8)]
    drops[row][column] = 0.2

    assert strongest_region(drops) == where


@pytest.mark.parametrize(("drop", "mattered"), [(0.002, False), (0.09, False), (0.11, True)])
def test_that_no_part_mattered_much_is_an_answer(
    client: Client, analysis: Analysis, drop: float, *, mattered: bool
) -> None:
    HeatMap.objects.create(analysis=analysis, status=Status.DONE, drops=[[0.0, drop]])

    html = heat_map(client, analysis)

    assert ("No part mattered much:" in html) is not mattered
    assert ("<img" in html) is mattered


def test_a_failure_is_said_and_can_be_asked_again(client: Client, analysis: Analysis) -> None:
    HeatMap.objects.create(analysis=analysis, status=Status.FAILED, error="It broke <here>.")

    html = heat_map(client, analysis)

    assert "It broke &lt;here&gt;." in html
    assert "Try again" in html
    assert "hx-get" not in html


def test_of_a_model_that_was_replaced_nothing_is_offered(
    client: Client, analysis: Analysis
) -> None:
    Analysis.objects.update(model_sha256="0" * 64)

    html = page(client, analysis)

    assert "Tracks</h2>" in html
    assert "What mattered" not in html


def test_of_the_whole_picture_it_can_be_asked_too(client: Client, analysis: Analysis) -> None:
    analysis.tracks.all().delete()
    Analysis.objects.update(view=View.FRAME, decided_by=None)

    assert "Which part mattered?" in heat_map(client, analysis)


def test_only_a_finished_analysis_can_be_asked(client: Client, make_analysis: MakeAnalysis) -> None:
    running = make_analysis(status=Status.RUNNING)

    assert client.post(reverse("web:heat-map", args=[running.pk])).status_code == 404
    assert not HeatMap.objects.exists()
