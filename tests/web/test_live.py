"""Rows of a list while their analyses go on."""

from __future__ import annotations

import json
import re
import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeAnalysis, MakeClip
from video_classifier.models import Analysis
from video_classifier.states import Stage, Status

LISTS = ("history", "receipts", "runs")


def mark(analysis: Analysis) -> str:
    return f"{analysis.pk}.{analysis.progress}"


def ask(
    client: Client, rows: str, *marks: str, leads_back: str | None = None, **headers: str
) -> str:
    asked = {"live": marks} | ({"next": leads_back} if leads_back else {})
    return client.get(f"/live/{rows}/", asked, headers=headers).content.decode()


def next_of(page: str) -> str | None:
    """What a page has its rows asked for with."""
    found = re.search(r"hx-vals='([^']*)'", page)
    return json.loads(found[1])["next"] if found else None


@pytest.mark.parametrize("rows", LISTS)
def test_only_what_changed_comes_back(
    client: Client, make_analysis: MakeAnalysis, rows: str
) -> None:
    analysis = make_analysis()
    same = make_analysis()
    before = mark(analysis)
    Analysis.objects.filter(pk=analysis.pk).update(stage=Stage.READING)

    html = ask(client, rows, before, mark(same))

    assert re.findall(r'id="row-([^"]*)"[^>]*hx-swap-oob="true"', html) == [str(analysis.pk)]


@pytest.mark.parametrize("rows", LISTS)
def test_a_row_comes_as_the_list_has_it(
    client: Client, make_analysis: MakeAnalysis, user: User, rows: str
) -> None:
    analysis = make_analysis(status=Status.DONE, requested_by=user, frame_times=[0.5])
    address = {"history": "/history/", "receipts": "/", "runs": analysis.get_absolute_url()}[rows]

    row = re.search(
        r"<template>(.*)</template>",
        ask(
            client,
            rows,
            f"{analysis.pk}.earlier",
            leads_back=next_of(client.get(address).content.decode()),
            **{"HX-Current-URL": f"http://testserver{address}"},
        ),
        re.DOTALL,
    )

    assert row is not None
    listed = row[1].replace(' hx-swap-oob="true"', "")
    assert listed in client.get(address).content.decode()


def test_a_row_never_leads_to_another_site(client: Client, make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()

    html = ask(client, "history", f"{analysis.pk}.earlier", leads_back="https://evil.example/?a=b")

    assert "evil" not in html
    assert "a%3Db" not in html


def test_a_row_leads_back_to_the_list_that_it_stands_in(
    client: Client, make_analysis: MakeAnalysis, make_clip: MakeClip, user: User
) -> None:
    analysis = make_analysis(clip=make_clip(uploaded_by=user))
    here = {"HX-Request": "true", "HX-Current-URL": "http://testserver/history/?status=done"}

    html = ask(client, "history", f"{analysis.pk}.earlier", **here)

    assert "/delete/?next=%2Fhistory%2F%3Fstatus%3Ddone" in html


def test_what_is_gone_is_taken_away(client: Client) -> None:
    gone = uuid.uuid4()

    assert f'id="row-{gone}" hx-swap-oob="delete"' in ask(client, "history", f"{gone}.queued-")


@pytest.mark.parametrize("nonsense", ["", "x", "../..", "7.queued", "\x00"])
def test_nonsense_is_left_out(client: Client, nonsense: str) -> None:
    nowhere = {"HX-Request": "true", "HX-Current-URL": "http://[x"}

    assert ask(client, "history", nonsense).strip() == ""
    assert ask(client, "history", nonsense, **nowhere).strip() == ""
    assert client.get("/history/views/counts/", headers=nowhere).status_code == 200
    assert client.get("/live/nothing/").status_code == 404


def test_one_query_for_all_rows(
    client: Client, make_analysis: MakeAnalysis, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    marks = [f"{make_analysis().pk}.earlier" for _ in range(10)]

    # Session, user, the analyses and their tags, those of the same bytes, and thrice what the user
    # may do.
    with django_assert_num_queries(8):
        ask(client, "history", *marks)


def test_nothing_inherits_what_the_element_around_it_asks_for(client: Client) -> None:
    """An element that replaces itself would replace what its parent targets instead."""
    html = client.get("/").content.decode()
    settings = re.search(r"name=\"htmx-config\" content='([^']*)'", html)

    assert settings is not None
    assert json.loads(settings[1])["disableInheritance"] is True


def test_a_row_that_was_cancelled_is_announced_as_that(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(status=Status.CANCELLED)

    assert 'data-announce="Cancelled"' in ask(client, "runs", f"{analysis.pk}.earlier")
