"""The way from a result along the list that led to it, and back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeUser
from video_classifier.models import Analysis
from video_classifier.states import Prediction, Status
from video_classifier.web import way


@pytest.fixture
def made(make_analysis: MakeAnalysis) -> list[Analysis]:
    """The newest first; every second one is a hint."""
    now = timezone.now()
    return [
        make_analysis(
            name=f"{number}.mp4",
            status=Status.DONE,
            prediction=Prediction.NO_HINT if number % 2 else Prediction.HINT,
            queued_at=now - timedelta(minutes=number),
        )
        for number in range(30)
    ]


def shown(client: Client, analysis: Analysis, query: str) -> dict[str, str]:
    """The links of the page, by what they are."""
    html = client.get(analysis.get_absolute_url(), {"list": query}).content.decode()
    found = re.findall(r'<a class="btn[^"]*"(?: rel="(\w+)")? href="([^"]+)" data-shortcut', html)
    return {rel or "back": address.replace("&amp;", "&") for rel, address in found}


def test_neighbours_are_those_of_the_filtered_and_sorted_list(
    client: Client, made: list[Analysis]
) -> None:
    links = shown(client, made[4], "hint=yes")

    assert links["prev"] == f"{made[2].get_absolute_url()}?list=hint%3Dyes"
    assert links["next"] == f"{made[6].get_absolute_url()}?list=hint%3Dyes"
    assert links["back"] == f"/history/?hint=yes#open-{made[4].pk}"


def test_a_list_has_an_end_and_a_beginning(client: Client, made: list[Analysis]) -> None:
    assert "prev" not in shown(client, made[0], "")
    assert "next" not in shown(client, made[-1], "")


@pytest.mark.parametrize("number", [0, 10, 11, 25, 29])
def test_the_way_back_leads_to_a_page_with_the_row(
    client: Client, made: list[Analysis], number: int
) -> None:
    back = shown(client, made[number], "sort=-added&after=nonsense")["back"]

    html = client.get(back.partition("#")[0]).content.decode()

    assert f'id="open-{made[number].pk}"' in html


def test_a_row_that_left_the_list_has_neighbours_still(
    client: Client, made: list[Analysis]
) -> None:
    links = shown(client, made[5], "hint=yes")

    assert (links["prev"].split("/")[2], links["next"].split("/")[2]) == (
        str(made[4].pk),
        str(made[6].pk),
    )


@pytest.mark.parametrize("query", ["hint=maybe", "camera=99", "x" * way.LONGEST, "sort=,,", "\0"])
def test_nonsense_does_no_harm(client: Client, made: list[Analysis], query: str) -> None:
    assert "back" in shown(client, made[0], query)


def test_without_a_list_there_is_no_way(client: Client, made: list[Analysis]) -> None:
    assert b"Back to the list" not in client.get(made[0].get_absolute_url()).content
    assert shown(client, made[0], "x" * (way.LONGEST + 1)) == {}


def test_nobody_is_led_to_what_they_may_not_see(
    made: list[Analysis], make_user: MakeUser, client: Client, make_analysis: MakeAnalysis
) -> None:
    client.force_login(make_user("newcomer", roles=[]))

    assert client.get(made[0].get_absolute_url(), {"list": ""}).status_code == 404


def test_a_row_leads_along_its_list(client: Client, made: list[Analysis]) -> None:
    html = client.get("/history/", {"hint": "yes", "after": str(made[0].pk)}).content.decode()

    assert f'href="{made[2].get_absolute_url()}?list=hint%3Dyes"' in html
