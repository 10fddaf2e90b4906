"""What keeps pages of long lists quick: how often they ask, and by which indexes they find.

With a few rows a database reads tables whole, so that these ask it for its plans.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from scripts.benchmark_pages import filling, measuring
from tests.databases import plan
from video_classifier.http import paging
from video_classifier.http.filters import HistoryFilter
from video_classifier.http.row_choices import RowChoiceField
from video_classifier.models import Analysis, Clip, Store
from video_classifier.services import openings, sessions

pytestmark = pytest.mark.postgresql

CLIPS = 600


@pytest.fixture(scope="module")
def written(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[filling.People]:
    """For all tests of the file: what each of them writes is taken back to here."""
    sizes = filling.Sizes(clips=CLIPS, events=3 * CLIPS)
    with django_db_blocker.unblock(), transaction.atomic():
        yield filling.fill(sizes, now=timezone.now(), advance=lambda: None)
        transaction.set_rollback(True)


@pytest.fixture
def people(written: filling.People, db: None) -> filling.People:
    return written


def asked(who: User, **query: str) -> HistoryFilter:
    request = RequestFactory().get("/history/", query)
    request.user = who
    return HistoryFilter(request.GET, queryset=Analysis.objects.all(), request=request)


def section(found: HistoryFilter) -> QuerySet[Any]:
    """What the first page is found by."""
    rows, fields = found.order.sections(found.rows())[0]
    sign = "-" if found.order.descending else ""
    return rows.order_by(*(f"{sign}{name}" for name in fields)).values_list("pk")[:26]


@pytest.fixture
def _chosen_by_rule() -> None:
    """PostgreSQL chooses by what it has counted in tables, which are small here."""
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite chooses an index without counting rows")


@pytest.mark.usefixtures("_chosen_by_rule")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "analysis_history"),
        ({"since": "2026-01-01"}, "analysis_history"),
        ({"status": "failed"}, "analysis_by_status"),
        ({"hint": "yes"}, "analysis_by_prediction"),
        ({"sort": "hint"}, "analysis_hints_by_score"),
        ({"hint": "yes", "sort": "-score"}, "analysis_hints_by_score"),
        ({"sort": "-score"}, "analysis_by_score"),
        ({"sort": "score"}, "analysis_by_score"),
        ({"sort": "-model"}, "analysis_by_model"),
        ({"model": filling.MODELS[0]}, "analysis_by_model"),
        ({"sort": "clip"}, "clip_by_name"),
    ],
)
def test_the_history_is_found_in_order_through_an_index(
    people: filling.People, query: dict[str, str], index: str
) -> None:
    for who in (people.member, people.root):
        found = plan(section(asked(who, **query)))

        assert index in found
        assert "FOR ORDER BY" not in found  # in SQLite's words: sorts all


def test_of_the_rows_of_other_stores_no_more_than_an_index_is_read() -> None:
    of_lists = [each for each in Analysis._meta.indexes if each.name != "analysis_by_requester"]

    assert {each.fields[-1] for each in of_lists} == {"store"}


def test_rows_are_counted_through_an_index(people: filling.People) -> None:
    with CaptureQueriesContext(connection) as queries:
        paging.count(asked(people.member).rows())

    assert "ORDER BY" in queries[-1]["sql"]  # whose index it goes through, and stops


def test_a_page_far_on_begins_in_the_index(people: filling.People) -> None:
    found = asked(people.root)
    place = found.rows().order_by("queued_at").values_list("queued_at", "id")[CLIPS // 2]

    rows, fields = found.order.sections(found.rows())[0]
    beyond = rows.filter(paging._beyond(rows, fields, place, falling=True))
    explained = plan(beyond.order_by("-queued_at", "-id").values_list("pk")[:26])

    assert "analysis_history" in explained
    assert "(queued_at,id)<" in explained or "Index Cond" in explained


@pytest.mark.parametrize("sort", ["added", "clip", "hint", "score", "model", "uploader"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_walk_leads_to_all_rows_in_their_order(
    people: filling.People, sign: str, sort: str
) -> None:
    found = asked(people.member, sort=f"{sign}{sort}")

    (at_once,) = paging.walk(found.rows(), found.order, size=10 * CLIPS)
    bit_by_bit = list(chain(*paging.walk(found.rows(), found.order, size=37)))

    assert bit_by_bit == at_once
    assert sorted(at_once) == sorted(found.rows().values_list("pk", flat=True))


def test_an_export_reads_some_rows_at_a_time(people: filling.People) -> None:
    """So that it begins at once, in whichever order."""
    client = Client()
    client.force_login(people.root)
    answer = client.get("/history.csv?sort=clip")

    with CaptureQueriesContext(connection) as queries:
        lines = iter(answer)
        next(lines), next(lines)

    assert len(queries) == 2
    assert all("LIMIT" in each["sql"] or " IN (" in each["sql"] for each in queries)


@pytest.mark.usefixtures("_chosen_by_rule")
def test_clips_of_a_verdict_are_found_through_an_index(people: filling.People) -> None:
    found = asked(people.member, verdict="confirmed")

    assert "clip_by_verdict" in plan(section(found))


@pytest.mark.usefixtures("_chosen_by_rule")
def test_clips_of_a_reason_are_found_through_an_index(people: filling.People) -> None:
    for who in (people.member, people.root):
        assert "review_by_reason" in plan(section(asked(who, reason="staff")))


@pytest.mark.usefixtures("_chosen_by_rule")
def test_names_are_searched_without_reading_rows(people: filling.People) -> None:
    explained = plan(Clip.objects.kept().named("camera").order_by().values_list("pk")[:1001])

    assert "COVERING INDEX clip_by_name" in explained


@pytest.mark.usefixtures("_chosen_by_rule")
def test_whose_clips_there_are_is_found_through_an_index(people: filling.People) -> None:
    own = Clip.objects.visible_to(people.member).kept().filter(uploaded_by=people.member)

    assert "clip_by_uploader" in plan(own.order_by().values("pk")[:1])


@pytest.mark.usefixtures("_chosen_by_rule")
@pytest.mark.parametrize("query", [{}, {"status": "running"}, {"text": "camera"}])
def test_unread_hints_are_looked_for_among_the_newest_alone(
    people: filling.People, query: dict[str, str]
) -> None:
    rows = asked(people.member, **query).rows()
    with CaptureQueriesContext(connection) as queries:
        openings.has_unread_hints(rows, people.member)

    with connection.cursor() as cursor:
        for each in queries:
            cursor.execute(f"EXPLAIN QUERY PLAN {each['sql']}")
            assert "clip_by_verdict" not in str(cursor.fetchall())  # of all clips without an answer


def test_the_latest_clips_of_a_user_are_found_through_an_index(people: filling.People) -> None:
    latest = Analysis.objects.filter(requested_by=people.root).order_by("-queued_at", "-id")

    assert "analysis_by_requester" in plan(latest[:5])


def test_the_administration_finds_clips_through_an_index(people: filling.People) -> None:
    assert "clip_by_upload" in plan(Clip.objects.order_by("-uploaded_at", "-pk")[:50])


def test_models_are_found_at_once_by_steps_in_an_index(
    people: filling.People, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        found = Analysis.objects.models(public=filling.MODELS)

    assert found == sorted(filling.MODELS)


def test_models_that_nobody_else_can_choose_are_shown_where_they_were_used(
    people: filling.People,
) -> None:
    visible = Analysis.objects.visible_to(people.member)

    assert visible.models(public=()) == sorted(filling.MODELS)
    assert visible.none().models(public=()) == []


def test_a_field_of_rows_reads_them_once(
    people: filling.People, django_assert_num_queries: Any
) -> None:
    store = people.newcomer.memberships.all()[0].store
    field: Any = RowChoiceField(Store.objects.all(), empty_label="Any")
    count = Store.objects.count()

    with django_assert_num_queries(1):
        assert field.clean(str(store.pk)) == store
        assert len(field.choices) == len([*field.choices]) == count + 1
        for invalid in ("0", "door"):
            with pytest.raises(ValidationError, match="valid choice"):
                field.clean(invalid)


# Whatever there is: of a search, which looks in five places, or of hints in the order of answers.
# A page of the history asks 18 times.
MOST_QUERIES = 26


@pytest.mark.long
def test_no_page_asks_more_often_where_there_is_much(
    people: filling.People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "EVERY", 3600)  # or it notes them after a minute, on some page
    clients = {who: Client() for who in (people.member, people.root, people.newcomer)}
    for who, client in clients.items():
        client.force_login(who)

    asked = {page.name: queries_of(clients[page.who], page) for page in measuring.pages(people)}

    assert {name: count for name, count in asked.items() if count > MOST_QUERIES} == {}


def queries_of(client: Client, page: measuring.Page) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(page.address).status_code == 200, page.name
        return len(queries)
