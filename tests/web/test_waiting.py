"""The list of what waits in the review queue: who sees what, in which order, and the way to it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeUser
from tests.databases import plan
from tests.makers.events import make_result_event
from video_classifier.http import paging
from video_classifier.models import Analysis, Camera, Clip, Event, Visit
from video_classifier.services import accounts, review_queue, reviews, trash
from video_classifier.services.review_queue import Filters
from video_classifier.states import Answer, Prediction, RecordedFrom, Role, Status

pytestmark = pytest.mark.postgresql

ADDRESS = "/review/waiting/"
PART = {"HX-Request": "true", "HX-Target": "waiting"}
NOT_YOURS = "That event doesn&#x27;t wait for your answer"


@pytest.fixture(autouse=True)
def _nothing_blind(settings: Settings) -> None:
    settings.REVIEW_BLIND = 0.0


@pytest.fixture
def events(make_analysis: MakeAnalysis) -> list[Event]:
    """Of a clip each; the strongest first."""
    made = [make_analysis(name=f"{number}.mp4", status=Status.DONE) for number in range(3)]
    return [
        make_result_event(analysis, score=0.9 - number / 10) for number, analysis in enumerate(made)
    ]


def page(client: Client, address: str = ADDRESS) -> str:
    return client.get(address).content.decode()


def listed(html: str) -> list[int]:
    """The numbers of the events, as their rows lead to the desk."""
    return [int(number) for number in re.findall(r'href="/review/\?[^"]*event=(\d+)"', html)]


def signed_in(user: User) -> Client:
    found = Client()
    found.force_login(user)
    return found


def keys(*events: Event) -> list[int]:
    return [each.pk for each in events]


# Rows


def test_a_row_has_what_tells_events_apart(client: Client, make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(
        name="aisle.mp4", status=Status.DONE, score=0.93, prediction=Prediction.HINT
    )
    store = analysis.clip.store
    type(store).objects.update(time_zone="Europe/Berlin")
    Clip.objects.update(
        camera=Camera.objects.create(store=store, name="Till 2"),
        recorded_at=datetime(datetime.now(tz=UTC).year, 1, 27, 13, 2, tzinfo=UTC),
        recorded_from=RecordedFrom.GIVEN,
        duration=60.0,
    )
    analysis = Analysis.objects.get()
    event = make_result_event(analysis, score=0.93)

    html = page(client)

    assert "<strong>1</strong> waits for your answer." in html
    assert 'aria-label="aisle.mp4, 0:01" data-row-link' in html
    for text in ("Till 2", ">27 Jan, 14:02</time>", "0.93", "A first answer", 'data-tone="hint"'):
        assert text in html
    assert listed(html) == keys(event)


def test_when_it_was_recorded_may_be_unknown(client: Client, events: list[Event]) -> None:
    assert len(re.findall(r"uploaded\s+<time", page(client))) == len(events)


def test_hints_come_before_what_is_uncertain(client: Client, events: list[Event]) -> None:
    Event.objects.filter(pk=events[0].pk).update(is_hint=False)

    html = page(client)

    assert listed(html) == keys(events[1], events[2], events[0])
    assert html.count("Uncertain</span>") == 1


def test_in_the_order_and_of_the_camera_that_are_asked_for(
    client: Client, events: list[Event], make_store: MakeStore
) -> None:
    camera = Camera.objects.create(store=make_store(), name="Till 2")
    Clip.objects.filter(pk=events[1].analysis.clip_id).update(camera=camera)

    query = f"camera={camera.pk}&order=newest"
    html = page(client, f"{ADDRESS}?{query}")

    assert listed(html) == keys(events[1])
    assert f'href="/review/?{query}&event={events[1].pk}"' in unescape(html)
    assert f'href="/review/?{query}"' in unescape(html)
    assert listed(page(client, f"{ADDRESS}?order=newest")) == keys(*events[::-1])


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("query", ["store=x", "camera=999999", "order=oldest"])
def test_a_filter_that_makes_no_sense_shows_nothing(client: Client, query: str) -> None:
    html = page(client, f"{ADDRESS}?{query}")

    assert "This filter is not valid" in html
    assert listed(html) == []


def test_nothing_waits(client: Client, make_store: MakeStore, make_user: MakeUser) -> None:
    assert "Nothing left to review" in page(client)
    assert "Nothing left here" in page(client, f"{ADDRESS}?store={make_store().pk}")
    assert "belongs to no store yet" in page(signed_in(make_user("nobody", roles=[])))


def test_nothing_waits_yet(client: Client, make_analysis: MakeAnalysis) -> None:
    make_analysis(status=Status.QUEUED)

    assert "1 clip is waiting to be analyzed." in page(client)


def test_htmx_gets_the_part_alone(client: Client, events: list[Event]) -> None:
    whole, part = client.get(ADDRESS), client.get(ADDRESS, headers=PART)

    assert part["Vary"].startswith(whole["Vary"].partition(",")[0])
    assert "HX-Request" in part["Vary"]
    assert "HX-Request" in whole["Vary"]
    assert "<h1" not in part.content.decode()
    assert listed(part.content.decode()) == keys(*events)


# Whose


def test_members_of_other_stores_see_nothing(
    events: list[Event], make_user: MakeUser, make_store: MakeStore
) -> None:
    eve = signed_in(make_user("eve", store=make_store("Elsewhere")))

    assert events
    assert "Nothing left to review" in page(eve)


def test_second_answers_are_somebody_elses(
    client: Client, user: User, make_user: MakeUser, events: list[Event]
) -> None:
    dana = signed_in(make_user("dana"))
    reviews.answer(events[1], events[1].analysis.clip, user, answer=Answer.CONFIRMED)

    assert listed(page(client)) == keys(events[0], events[2])
    html = page(dana)
    assert listed(html) == keys(*events)
    assert html.count("A second person&#x27;s") == 1
    assert "onfirmed" not in html.partition("<tbody>")[2].partition("</tbody>")[0]


def test_what_blind_looks_are_drawn_from_is_not_listed(
    client: Client, settings: Settings, make_user: MakeUser, events: list[Event]
) -> None:
    """Events that are answered, and ordinary footage."""
    settings.REVIEW_BLIND = 1.0
    answered, plain = events[0], events[1]
    reviews.answer(answered, answered.analysis.clip, make_user("dana"), answer=Answer.FALSE_ALARM)
    plain.delete()

    assert listed(page(client)) == keys(events[2])


def test_what_is_in_the_trash_is_not_listed(
    client: Client, make_user: MakeUser, events: list[Event]
) -> None:
    trash.put(events[0].analysis.clip, by=make_user("boss", roles=[Role.MANAGER]))

    assert listed(page(client)) == keys(*events[1:])


# Pages


@pytest.mark.parametrize("order", ["score", "newest"])
def test_pages_have_each_once_and_lead_back(
    client: Client, make_analysis: MakeAnalysis, settings: Settings, order: str
) -> None:
    settings.HISTORY_PAGE_SIZE = 2
    analysis = make_analysis(status=Status.DONE)
    made = [make_result_event(analysis, start=2.0 * at, is_hint=at != 1) for at in range(5)]
    found: list[list[int]] = []
    address = f"{ADDRESS}?order={order}"
    while address:
        html = page(client, address)
        found.append(listed(html))
        following = re.search(r'rel="next" href="([^"]+)"', html)
        address = f"{ADDRESS}{unescape(following[1])}" if following else ""

    in_order = [each.pk for each in review_queue.waiting(_ada(), Filters(order=order))]  # type: ignore[arg-type]
    assert [len(each) for each in found] == [2, 2, 1]
    assert [each for some in found for each in some] == in_order
    assert sorted(in_order) == keys(*made)
    back = re.search(r'rel="prev" href="([^"]+)"', html)
    assert back is not None
    assert listed(page(client, f"{ADDRESS}{unescape(back[1])}")) == found[1]


def _ada() -> User:
    return User.objects.get(username="ada")


def test_no_more_than_a_thousand_are_counted(
    client: Client, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST_COUNTED", len(events) - 1)

    assert "<strong>More than 2</strong> wait for your answer." in page(client)


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("order", ["score", "newest"])
def test_an_index_leads_to_a_page(user: User, order: str) -> None:
    user.is_superuser = True
    filters = Filters(order=order)  # type: ignore[arg-type]
    rows = review_queue.waiting(user, filters)
    place = rows.values_list(*review_queue.keys(filters))[0]

    beyond = rows.filter(paging._beyond(rows, review_queue.keys(filters), place, falling=True))

    assert f"event_queue_by_{'score' if order == 'score' else 'time'}" in plan(beyond[:26])


def test_so_many_queries_however_many_wait(
    client: Client,
    user: User,
    make_store: MakeStore,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    accounts.join(user, make_store("Second"), Role.REVIEWER)
    for number in range(20):
        camera = Camera.objects.create(store=make_store(), name=f"Camera {number}")
        clip = make_clip(name=f"{number}.mp4", camera=camera)
        make_result_event(make_analysis(clip=clip, status=Status.DONE))

    # Session, user, memberships; keys of the rows, the rows, how many.
    with django_assert_num_queries(6):
        client.get(ADDRESS, headers=PART)


# The desk, which a row opens


def test_the_desk_opens_with_that_event_and_goes_on_behind_it(
    client: Client, events: list[Event]
) -> None:
    shown = client.get(f"/review/?event={events[1].pk}")

    card = shown.context["card"]
    assert card.item.event == events[1]
    assert Visit.objects.get().event == events[1]
    assert NOT_YOURS not in shown.content.decode()
    assert client.get(card.ahead).context["card"].item.event == events[2]
    assert client.get(card.back).context["card"].item.event == events[0]


def test_the_desk_leads_to_the_list_with_its_filters(client: Client, events: list[Event]) -> None:
    whole = page(client, "/review/?order=newest")
    part = client.get("/review/?order=newest", headers=PART).content.decode()

    assert '<a id="all-waiting" href="/review/waiting/?order=newest">' in whole
    assert '<a id="all-waiting" href="/review/waiting/?order=newest" hx-swap-oob="true">' in part


def test_what_waits_for_somebody_else_is_not_reached(
    client: Client, user: User, make_user: MakeUser, make_store: MakeStore, events: list[Event]
) -> None:
    reviews.answer(events[0], events[0].analysis.clip, user, answer=Answer.CONFIRMED)
    eve = signed_in(make_user("eve", store=make_store("Elsewhere")))

    own = client.get(f"/review/?event={events[0].pk}")
    foreign = eve.get(f"/review/?event={events[1].pk}")

    assert own.context["card"].item.event == events[1]
    assert NOT_YOURS in own.content.decode()
    assert foreign.context["card"] is None
    assert "Nothing left to review" in foreign.content.decode()


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 40, "1.5"])
def test_what_is_no_event_that_waits_shows_what_comes_next(
    client: Client, events: list[Event], number: str
) -> None:
    shown = client.get("/review/", {"event": number})

    assert shown.context["card"].item.event == events[0]
    assert NOT_YOURS in shown.content.decode()


def test_its_address_is_of_its_name() -> None:
    assert reverse("web:waiting") == ADDRESS


def test_it_says_which_events_somebody_else_has_open(
    client: Client, events: list[Event], user: User, make_user: MakeUser
) -> None:
    review_queue.visit(events[0], user)
    before = page(client)

    review_queue.visit(events[1], make_user("grace"))

    assert "open elsewhere" not in before
    assert page(client).count("open elsewhere") == 1


def test_the_navigation_marks_the_review_of_which_it_is_a_part(client: Client) -> None:
    assert re.search(r'<a href="/review/"[^>]* aria-current="true"', page(client))
