"""Presets and saved views of the history."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeStore, MakeUser
from tests.makers.reviews import make_hint
from video_classifier.http import filters
from video_classifier.models import Camera, SavedView
from video_classifier.services import saved_views
from video_classifier.states import ListPage, Role, Status, Turn
from video_classifier.web import listed_views

SAVE = "/history/views/"
COUNTS = "/history/views/counts/"


def counts(client: Client, **query: str) -> dict[str, str]:
    html = client.get(COUNTS, query).content.decode()
    return dict(re.findall(r'>([^<]+?) <span class="views__count">([^<]*)<', html))


def test_what_is_shown_is_saved_without_its_page(client: Client, user: User) -> None:
    query = "after=7&text=till&status=&hint=yes&nonsense=1"

    answer = client.post(SAVE, {"name": "Till", "query": query}, follow=True)

    view = SavedView.objects.get()
    assert (view.owner, view.query, view.shared_in) == (user, "text=till&hint=yes", None)
    assert "The view “Till” was saved." in answer.content.decode()
    assert 'href="/history/?text=till&amp;hint=yes"' in answer.content.decode()


def test_a_view_without_a_name_is_refused_in_a_sentence(client: Client) -> None:
    answer = client.post(SAVE, {"name": " ", "query": ""}, follow=True)

    assert saved_views.NO_NAME in answer.content.decode()


def test_a_view_is_shared_with_stores_that_one_sees(client: Client, make_store: MakeStore) -> None:
    client.post(SAVE, {"name": "ours", "shared_in": str(make_store().pk)})
    client.post(SAVE, {"name": "theirs", "shared_in": str(make_store("North").pk)})
    client.post(SAVE, {"name": "nonsense", "shared_in": "x" * 400})

    found = dict(SavedView.objects.values_list("name", "shared_in__name"))
    assert found == {"ours": "Main", "theirs": None, "nonsense": None}


def test_each_view_says_how_many_rows_it_leads_to(
    client: Client, user: User, make_analysis: MakeAnalysis
) -> None:
    make_analysis(name="till.mp4", status=Status.DONE)
    make_analysis(name="old.mp4", queued_at=timezone.now() - timedelta(days=30))
    saved_views.save(user, ListPage.HISTORY, name="tills", query="text=till")

    assert counts(client) == {"Today": "1", "My shift": "1", "This week": "1", "tills": "1"}


def test_a_view_whose_camera_is_gone_says_so(
    client: Client, user: User, make_store: MakeStore, make_analysis: MakeAnalysis
) -> None:
    make_analysis()
    camera = Camera.objects.create(store=make_store(), name="Till 2")
    view = saved_views.save(
        user, ListPage.HISTORY, name="till 2", query=f"camera={camera.pk}&hint=yes"
    )
    camera.delete()

    page = client.get(f"/history/?{view.query}").content.decode()

    assert counts(client)["till 2"] == "\N{EN DASH}"
    assert listed_views.NOT_VALID in client.get(COUNTS).content.decode()
    assert "This filter is not valid: Camera. Clear it to see all results." in page


def test_others_delete_neither_a_view_nor_are_they_offered_to(
    client: Client, user: User, make_user: MakeUser, make_store: MakeStore
) -> None:
    shared = make_store()
    own = saved_views.save(user, ListPage.HISTORY, name="own", query="")
    other = saved_views.save(
        make_user("bob"), ListPage.HISTORY, name="bob's", query="", shared_in=shared
    )

    offered = client.get("/history/").content.decode()
    answers = [client.post(f"{SAVE}{each.pk}/delete/").status_code for each in (own, other)]

    assert "Delete the view own" in offered
    assert "Delete the view bob" not in offered
    assert answers == [302, 403]
    assert list(SavedView.objects.values_list("name", flat=True)) == ["bob's"]


def test_managers_delete_what_is_shared_in_their_store_and_nothing_else_of_others(
    make_user: MakeUser, make_store: MakeStore
) -> None:
    manager, bob = make_user("grace", roles=[Role.MANAGER]), make_user("bob")
    manager.memberships.create(store=make_store("North"), role=Role.REVIEWER)
    ours, theirs, own = (
        saved_views.save(bob, ListPage.HISTORY, name=name, query="", shared_in=store)
        for name, store in (("ours", make_store()), ("theirs", make_store("North")), ("own", None))
    )
    client = Client()
    client.force_login(manager)

    offered = client.get("/history/").content.decode()
    answers = [client.post(f"{SAVE}{each.pk}/delete/").status_code for each in (ours, theirs, own)]

    assert "Shared in Main by bob" in offered
    assert "Delete the view ours" in offered
    assert "Delete the view theirs" not in offered
    assert answers == [302, 403, 404]
    assert set(SavedView.objects.values_list("name", flat=True)) == {"theirs", "own"}


@pytest.mark.parametrize(
    ("query", "current"),
    [
        ("", ["All"]),
        ("period=shift", ["My shift"]),
        ("sort=-score&period=shift&after=7", ["My shift"]),
        ("period=shift&hint=yes", []),
        ("hint=yes&text=till", ["Till"]),
    ],
)
def test_the_view_that_is_shown_is_marked_in_whichever_order(
    client: Client, user: User, query: str, current: list[str]
) -> None:
    saved_views.save(user, ListPage.HISTORY, name="Till", query="text=till&hint=yes&sort=score")
    asking = {"HX-Request": "true", "HX-Current-URL": f"http://testserver/history/?{query}"}

    page = client.get(f"/history/?{query}").content.decode()
    with_counts = client.get(COUNTS, headers=asking).content.decode()

    for html in (page, with_counts):
        assert re.findall(r'views__link"[^>]* aria-current="page">([\w ]+?) ?<', html) == current


def test_my_shift_says_since_when(user: User) -> None:
    def since(now: datetime) -> list[str]:
        found = listed_views.links(user, shown="", now=now)
        return [each.since for each in found if each.since]

    with timezone.override("UTC"):
        assert since(datetime(2026, 11, 27, 14, 12, tzinfo=UTC)) == ["since 06:12"]
        assert since(datetime(2026, 11, 27, 3, 0, tzinfo=UTC)) == ["since yesterday, 19:00"]


def test_the_page_asks_once_for_the_counts(client: Client) -> None:
    assert (
        f'hx-get="{COUNTS}?page=history" hx-trigger="load"'
        in client.get("/history/").content.decode()
    )
    assert "hx-get" not in client.get(COUNTS).content.decode()


# Of the review queue


def test_a_view_of_the_queue_is_saved_and_counted_on_its_own_page(
    client: Client, user: User, make_store: MakeStore, make_analysis: MakeAnalysis
) -> None:
    make_hint(make_analysis(status=Status.DONE), waits_for=Turn.FIRST)
    door = Camera.objects.create(store=make_store(), name="Door")
    query = f"camera={door.pk}&order=newest&at=token&text=x"

    client.post(SAVE, {"name": "Newest", "page": "review", "query": "order=newest"})
    answer = client.post(SAVE, {"name": "Door", "page": "review", "query": query}, follow=True)

    html = answer.content.decode()
    assert f'href="/review/?camera={door.pk}&amp;order=newest"' in html
    assert f'hx-get="{COUNTS}?page=review"' in html
    assert counts(client, page="review") == {"Door": "0", "Newest": "1"}
    assert "Newest" not in counts(client)
    door.delete()
    assert counts(client, page="review")["Door"] == "\N{EN DASH}"
    assert "This filter is not valid: Camera." in client.get(f"/review/?{query}").content.decode()


def test_by_htmx_the_filters_as_they_are_now_are_saved(client: Client) -> None:
    sent = {"name": "Newest", "page": "review", "query": "order=score", "order": "newest"}

    answer = client.post(SAVE, sent, headers={"HX-Request": "true"})

    assert answer["HX-Redirect"] == "/review/?order=newest"
    assert SavedView.objects.get().query == "order=newest"


def test_without_a_view_of_the_queue_nothing_is_counted(client: Client) -> None:
    assert "hx-get" not in client.get(COUNTS, {"page": "review"}).content.decode()
    assert COUNTS not in client.get("/review/").content.decode()


@pytest.mark.parametrize(
    ("period", "start"),
    [
        ("today", datetime(2026, 3, 29, 0, 0, tzinfo=UTC)),
        ("shift", datetime(2026, 3, 29, 4, 30, tzinfo=UTC)),
        ("week", datetime(2026, 3, 23, 0, 0, tzinfo=UTC)),  # a Monday
    ],
)
def test_periods_begin_where_they_say(period: str, start: datetime) -> None:
    now = datetime(2026, 3, 29, 12, 30, tzinfo=UTC)

    assert filters.PERIODS[period].start(now) == start
