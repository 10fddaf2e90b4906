"""Who is asked for a second opinion isn't shown the first one, on any page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeClip, MakeModel, MakeUser
from tests.makers.events import make_result_event
from tests.makers.feeds import make_feed
from tests.makers.live_cameras import make_event
from tests.makers.measures import make_score
from tests.makers.scored_hours import make_hour
from tests.makers.versions import make_version
from video_classifier.models import Event, ModelVersion
from video_classifier.services import cases, retention, reviews, saved_views, versions
from video_classifier.services.cases import Subject
from video_classifier.services.retention import Days
from video_classifier.states import Answer, ListPage, Reason, Role, Status
from video_classifier.web.constants import SECOND_OPINION

pytestmark = pytest.mark.postgresql

NOTE = "It goes into a pocket."
TOLD = ("Confirmed", '"confirmed"', ">confirmed<", NOTE)
WITHHELD = "people&#x27;s answers decide"
VIEWS = "/history/views/counts/"
CHOICES = r"<(button|option)\b.*?</\1>"


@pytest.fixture
def grace(make_user: MakeUser) -> Client:
    """Who gives the first answer, and manages the store, as `user` does."""
    return signed_in(make_user("grace", roles=[Role.MANAGER]))


@pytest.fixture
def user(make_user: MakeUser) -> User:
    return make_user(roles=[Role.ANALYST, Role.REVIEWER, Role.MANAGER])


@pytest.fixture
def event(make_clip: MakeClip, make_analysis: MakeAnalysis, grace: Client) -> Event:
    """Which Grace confirmed: it waits for somebody else's answer."""
    camera = make_feed().camera
    clip = make_clip(name="till.mp4", camera=camera, duration=60.0)
    made = make_result_event(make_analysis(clip=clip, status=Status.DONE))
    first = User.objects.get(username="grace")
    reviews.answer(made, clip, first, answer=Answer.CONFIRMED, note=NOTE)
    made.refresh_from_db()
    return made


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def answer(event: Event, user: User) -> None:
    reviews.answer(event, event.analysis.clip, user, answer=Answer.CONFIRMED)


def html_of(client: Client, address: str, *, target: str = "", **query: str) -> str:
    headers = {"HX-Request": "true", "HX-Target": target} if target else {}
    response = client.get(address, query, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def says(client: Client, address: str, *, target: str = "") -> tuple[bool, bool]:
    """Whether the page asks for a second opinion, and whether it tells the first one."""
    html = re.sub(CHOICES, "", html_of(client, address, target=target), flags=re.DOTALL)
    return SECOND_OPINION in html, any(each in html for each in TOLD)


def page_of(event: Event, name: str, user: User) -> tuple[str, str]:
    """Its address, and which part of it is asked for; "" for all."""
    result = event.analysis.get_absolute_url()
    if name == "history":
        return "/history/", "history"
    if name == "events":
        return result, "events"
    if name == "answers to the clip":
        return f"{result}answers/", "answers"
    if name == "answers to the event":
        return f"{result}events/{event.number}/answers/", "answers"
    clip = event.analysis.clip
    assert clip.camera is not None
    if name == "camera":
        make_event(clip.camera.feed, clip=clip)
        return f"/cameras/{clip.camera_id}/", "events"
    case = cases.create(clip.store, Subject(name="Shelf"), by=user)
    cases.add_event(case, event, by=user)
    return f"/cases/{case.pk}/", ""


@pytest.mark.parametrize(
    "name",
    ["history", "events", "answers to the clip", "answers to the event", "camera", "case"],
)
def test_a_page_tells_it_only_to_those_who_have_answered(
    client: Client, grace: Client, user: User, event: Event, name: str
) -> None:
    address, target = page_of(event, name, user)

    assert says(client, address, target=target) == (True, False)
    assert says(grace, address, target=target) == (False, True)
    answer(event, user)
    assert says(client, address, target=target) == (False, True)


def names(client: Client, **query: str) -> list[str]:
    """Of the clips that the history finds."""
    return re.findall(r"data-row-link>([^<]*)<", html_of(client, "/history/", **query))


def test_filters_search_and_counts_do_not_tell_it_either(
    client: Client, grace: Client, user: User, event: Event
) -> None:
    for each in (user, User.objects.get(username="grace")):
        saved_views.save(each, ListPage.HISTORY, name="seen", query="verdict=confirmed")

    def found(who: Client) -> dict[str, int]:
        verdicts = ("second", "confirmed", "disputed", "none")
        counted = {verdict: len(names(who, verdict=verdict)) for verdict in verdicts}
        view = re.search(r'>seen <span class="views__count">(\d+)<', html_of(who, VIEWS))
        assert view is not None
        return counted | {"view": int(view[1]), "by note": len(names(who, text="pocket"))}

    told = {"second": 0, "confirmed": 1, "disputed": 0, "none": 0, "view": 1, "by note": 1}
    assert found(client) == dict.fromkeys(told, 0) | {"second": 1}
    assert found(grace) == told
    answer(event, user)
    assert found(client) == told


def test_the_filter_by_reasons_does_not_tell_it_either(
    client: Client, grace: Client, make_user: MakeUser, event: Event
) -> None:
    clip, dana = event.analysis.clip, make_user("Dana")
    reviews.answer(event, clip, dana, answer=Answer.FALSE_ALARM, reason=Reason.STAFF)

    assert names(client, reason=Reason.STAFF) == []
    assert len(names(grace, reason=Reason.STAFF)) == 1


def test_how_long_it_is_kept_does_not_tell_it(
    client: Client, grace: Client, user: User, event: Event
) -> None:
    retention.change(event.analysis.clip.store, Days(confirmed=30), by=user)
    pages = ("/history/", event.analysis.get_absolute_url())

    assert all(WITHHELD in html_of(client, each) for each in pages)
    assert not any(WITHHELD in html_of(grace, each) for each in pages)


def test_a_case_or_no_days_at_all_are_no_secret(client: Client, user: User, event: Event) -> None:
    assert 'title="Kept until somebody deletes it"' in html_of(client, "/history/")
    case = cases.create(event.analysis.clip.store, Subject(name="Shelf"), by=user)
    cases.add_event(case, event, by=user)

    assert 'title="Kept as long as it is in a case"' in html_of(client, "/history/")


def test_nor_do_versions_beside_each_other(
    client: Client, grace: Client, event: Event, make_model: MakeModel
) -> None:
    make_model()
    clip = event.analysis.clip
    assert clip.camera is not None
    version = make_version(clip.store)
    versions.start_shadow(version, by=None)
    ModelVersion.objects.update(shadow_since=timezone.now() - timedelta(days=1))
    at = timezone.now() - timedelta(hours=3)
    own = {"model": version.name, "model_sha256": version.sha256}
    for weights in ({}, own):
        make_hour(clip.camera, at, (), **weights)
    live = make_event(clip.camera.feed, clip=clip)
    make_score(clip.camera, 0.8, started_at=at, live_event=live)
    address = f"/stores/{clip.store_id}/versions/{version.pk}/"

    assert says(client, address) == (True, False)
    assert says(grace, address) == (False, True)
