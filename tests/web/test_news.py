"""New hints: the bar on every page, their list, and where the link to an alert leads."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeAnalysis, MakeClip, MakeModel, MakeStore, MakeUser, segment_of
from tests.makers.hints import make_hint, make_recording_hint
from tests.makers.live_cameras import make_event, make_feed
from video_classifier.models import Alert, AlertsRead, Analysis, Event, Feed, OneTimePassword
from video_classifier.services import trash
from video_classifier.states import AlertKind, Status
from video_classifier.web.news import MOST, Hint, News

pytestmark = pytest.mark.postgresql

URL = "/alerts/news/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    return make_feed(make_store())


def bar(client: Client, seen: str | None = None) -> HttpResponse:
    return client.get(URL, {} if seen is None else {"seen": seen}, headers=HTMX)  # type: ignore[return-value]


def words(response: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def mark(response: HttpResponse) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


def until(response: HttpResponse) -> str:
    found = re.search(r'name="until" value="([^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


# The bar


def test_without_news_there_is_nothing_to_send(client: Client) -> None:
    response = bar(client)

    assert response.status_code == 204
    assert response["Vary"] == "HX-Request, Cookie"


def test_a_new_hint_is_told_with_camera_and_time(client: Client, feed: Feed) -> None:
    hint = make_hint(feed)

    response = bar(client)

    assert "1 new hint , the newest: Possible shoplifting, Till 2, " in words(response)
    assert f'href="/alerts/{hint.pk}/"' in response.content.decode()
    assert "HX-Request" in response["Vary"]


def test_what_the_page_shows_already_is_not_sent_again(client: Client, feed: Feed) -> None:
    make_hint(feed, ago=9)
    seen = mark(bar(client))
    assert bar(client, seen).status_code == 204

    make_hint(feed, ago=5)

    assert "2 new hints" in words(bar(client, seen))


def test_a_bar_whose_hints_are_gone_is_emptied(client: Client, feed: Feed) -> None:
    make_hint(feed)
    seen = mark(bar(client))
    Alert.objects.all().delete()

    response = bar(client, seen)

    assert response.status_code == 200
    assert words(response) == ""
    assert bar(client, mark(response)).status_code == 204


def test_dismissing_empties_it_and_says_so(client: Client, feed: Feed, user: User) -> None:
    make_hint(feed)

    response = client.post(URL, {"until": until(bar(client))}, headers=HTMX)

    assert 'data-announce="The new hints are marked as seen."' in response.content.decode()
    assert bar(client).status_code == 204
    assert AlertsRead.objects.get().user == user


def test_what_came_while_somebody_dismissed_stays(client: Client, feed: Feed) -> None:
    make_hint(feed, ago=9)
    shown = until(bar(client))
    make_hint(feed, ago=1)

    response = client.post(URL, {"until": shown}, headers=HTMX)

    assert "1 new hint ," in words(response)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sent", [{}, {"until": "soon"}, {"until": "2026-13-01"}, {"until": "2026-01-01T00:00"}]
)
def test_a_moment_that_is_none_is_refused(client: Client, sent: dict[str, str]) -> None:
    assert client.post(URL, sent).status_code == 400


@pytest.mark.parametrize("sent", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_that_no_clock_had_is_one_of_the_last_day(
    client: Client, feed: Feed, sent: str
) -> None:
    make_hint(feed)

    assert client.post(URL, {"until": sent}).status_code == 302
    now = timezone.now()
    assert now - timedelta(days=2) < AlertsRead.objects.get().until <= now


def test_it_asks_for_hints_once_however_many_there_are(
    client: Client, feed: Feed, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        make_hint(feed, ago=number + 1)

    with django_assert_num_queries(3):  # the session, the user, the hints
        bar(client)


def test_the_page_itself_asks_for_none(client: Client, make_model: MakeModel, feed: Feed) -> None:
    make_model()
    make_hint(feed)

    html = client.get("/").content.decode()

    assert 'hx-get="/alerts/news/"' in html
    assert "Possible shoplifting, Till 2" not in html


def test_strangers_and_newcomers_have_no_bar(stranger: Client, user: User) -> None:
    assert 'id="news"' not in stranger.get("/accounts/login/").content.decode()
    OneTimePassword.objects.create(user=user)
    stranger.post("/accounts/login/", {"username": "ada", "password": "correct horse battery"})

    assert 'id="news"' not in stranger.get("/accounts/password/").content.decode()


# In words


def hint(**fields: object) -> Hint:
    facts: dict[str, object] = {
        "kind": AlertKind.LIVE,
        "happened_at": datetime(2026, 11, 26, 13, 0, tzinfo=UTC),
    }
    return Hint(alert=Alert(**facts | fields), now=datetime(2026, 11, 26, 14, 0, tzinfo=UTC))


def test_news_are_counted_up_to_a_limit() -> None:
    assert News(hints=[hint()]).count == "1 new hint"
    assert News(hints=[hint()] * 3).count == "3 new hints"
    assert News(hints=[hint()] * MOST, has_more=True).count == "More than 99 new hints"


def test_times_are_the_stores(make_store: MakeStore) -> None:
    store = make_store("Station", time_zone="Europe/Berlin")

    assert hint(store=store).clock == "14:00:00 CET"
    assert (
        hint(store=store, happened_at=datetime(2026, 11, 25, 13, tzinfo=UTC)).clock
        == "25 Nov 2026, 14:00:00 CET"
    )


def test_no_more_than_a_hundred_are_read(feed: Feed, user: User) -> None:
    for number in range(MOST + 2):
        make_hint(feed, ago=number + 1)

    found = News.of(user, now=timezone.now())

    assert len(found.hints) == MOST
    assert found.has_more


# The list


def test_the_list_shows_each_and_marks_all_as_seen(client: Client, feed: Feed) -> None:
    make_hint(feed, ago=9)
    make_hint(feed, ago=5)

    response = client.get(URL)

    assert words(response).count("Till 2") == 2  # type: ignore[arg-type]
    assert client.post(URL, {"until": until(response)})["Location"] == URL  # type: ignore[arg-type]
    assert "No new hints" in words(client.get(URL))  # type: ignore[arg-type]


def test_the_list_and_the_bar_below_it_do_not_say_the_same_twice(
    client: Client, feed: Feed
) -> None:
    make_hint(feed)

    assert bar(client, mark(client.get(URL))).status_code == 204  # type: ignore[arg-type]


def test_who_belongs_to_no_store_is_told_whom_to_ask(make_user: MakeUser) -> None:
    client = Client()
    client.force_login(make_user("new", roles=[]))

    assert "belongs to no store" in client.get(URL).content.decode()


# Where the link to an alert leads


def leads_to(client: Client, alert: Alert) -> str:
    return client.get(reverse("web:alert", args=[alert.pk])).get("Location", "")


def test_a_hint_leads_to_its_camera_until_there_is_a_clip(
    client: Client, feed: Feed, make_analysis: MakeAnalysis, user: User
) -> None:
    alert = make_hint(feed)
    assert leads_to(client, alert) == f"/cameras/{feed.pk}/"

    analysis = make_analysis(status=Status.DONE)
    assert alert.live_event is not None
    alert.live_event.clip = analysis.clip
    alert.live_event.save()

    assert leads_to(client, alert) == f"/results/{analysis.pk}/"


def test_a_hint_in_a_recording_leads_to_its_strongest_event(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(status=Status.DONE)
    alert = make_recording_hint(analysis)
    assert leads_to(client, alert) == f"/results/{analysis.pk}/"

    for number, score in ((1, 0.6), (2, 0.9)):
        Event.objects.create(
            analysis=analysis,
            segment=segment_of(analysis),
            number=number,
            start=number,
            end=number + 1,
            peak=number + 0.5,
            score=score,
        )

    assert leads_to(client, alert) == f"/results/{analysis.pk}/events/2/"


def test_what_is_in_the_trash_is_gone_until_it_is_restored(
    client: Client, user: User, make_clip: MakeClip, feed: Feed, make_analysis: MakeAnalysis
) -> None:
    clip = make_clip(uploaded_by=user)
    analysis = make_analysis(clip=clip, status=Status.DONE)
    alert = make_hint(feed, live_event=make_event(feed, clip=clip))
    trash.put(clip, by=user)

    response = client.get(reverse("web:alert", args=[alert.pk]))

    assert response.status_code == 410
    assert "This clip is in the trash" in response.content.decode()
    clip.refresh_from_db()
    trash.restore(clip, by=user)
    assert leads_to(client, alert) == f"/results/{analysis.pk}/"


def test_what_is_deleted_says_so(client: Client, feed: Feed, make_analysis: MakeAnalysis) -> None:
    recording = make_recording_hint(make_analysis(status=Status.DONE))
    live = make_hint(feed)
    Analysis.objects.all().delete()
    feed.delete()

    for alert in (recording, live):
        response = client.get(reverse("web:alert", args=[alert.pk]))
        assert response.status_code == 410
        assert "is deleted" in response.content.decode()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(AlertKind.DISK, "/trash/"), (AlertKind.TEST, "/alerts/news/")],
)
def test_what_is_of_no_store_leads_somewhere_for_everybody(
    client: Client, kind: AlertKind, expected: str
) -> None:
    alert = Alert.objects.create(kind=kind, happened_at=timezone.now())

    assert leads_to(client, alert) == expected


@pytest.mark.parametrize("kind", [AlertKind.OFFLINE, AlertKind.BACK])
def test_a_fault_leads_to_the_camera(client: Client, feed: Feed, kind: AlertKind) -> None:
    alert = make_hint(feed, kind=kind)
    Alert.objects.update(live_event=None)

    assert leads_to(client, alert) == f"/cameras/{feed.pk}/"


def test_a_stranger_signs_in_first_and_is_there(stranger: Client, feed: Feed, user: User) -> None:
    alert = make_hint(feed)
    address = reverse("web:alert", args=[alert.pk])
    assert stranger.get(address)["Location"] == f"/accounts/login/?next={address}"

    form = {"username": user.username, "password": "correct horse battery", "next": address}

    assert stranger.post("/accounts/login/", form)["Location"] == address


def test_hints_of_long_ago_lead_there_still(client: Client, feed: Feed) -> None:
    alert = make_hint(feed, created_at=timezone.now() - timedelta(days=80))

    assert leads_to(client, alert) == f"/cameras/{feed.pk}/"
