"""The reviewer's desk where something is in the way, and the log of who looked at what.

python -m pytest tests/browser/test_desk.py --screenshots OUT
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from tests.browser.conftest import sign_in
from tests.browser.looks import faults_of
from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeTrack
from tests.makers import scenes
from tests.makers.events import make_result_event
from video_classifier.models import Camera, Event, Review
from video_classifier.services import accounts, cases, reviews
from video_classifier.services.cases import Subject
from video_classifier.states import Answer, Prediction, Role, Status, View

pytestmark = pytest.mark.browser

EVENTS = 3
NOTE = "The bag at the door. שלום"
LOST = "Nothing was saved"

# Counts requests that came to nothing, as htmx hears of them.
FAILED = """
  window.failed = 0;
  addEventListener("htmx:sendError", () => { window.failed += 1; });
"""


@pytest.fixture(autouse=True)
def _alone(site: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RUNNER = "none"
    settings.REVIEW_BLIND = 0.0
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread


@pytest.fixture
def events(
    tmp_path: Path,
    user: User,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    make_track: MakeTrack,
    make_store: MakeStore,
) -> list[Event]:
    """The highest score first, each of a clip of its own, in a store that `user` manages."""
    content = scenes.write(tmp_path / "clip.mp4", 6).read_bytes()
    accounts.join(user, make_store(), Role.MANAGER)
    camera = Camera.objects.create(store=make_store(), name="Till 2")
    made = []
    for number in range(EVENTS):
        clip = make_clip(
            name=f"clip_{number}.mp4",
            content=content + bytes([number]),
            camera=camera,
            duration=6.0,
        )
        facts: dict[str, Any] = {"status": Status.DONE, "view": View.PERSON, "decided_by": 1}
        analysis = make_analysis(clip=clip, prediction=Prediction.HINT, **facts)
        track = make_track(analysis=analysis, times=[0.0, 5.0])
        score = 0.95 - number / 100
        seconds = {"start": 1.0, "end": 5.0, "peak": 3.0}
        made.append(make_result_event(analysis, **seconds, score=score, track=track))
    return made


@pytest.fixture
def desk(events: list[Event], browser: Browser, site: str) -> Page:
    page = browser.new_page(base_url=site, viewport={"width": 1440, "height": 900})
    sign_in(page)
    page.goto("/review/")
    return page


def expect_left(page: Page, words: str) -> None:
    expect(page.locator("[data-left-shown]")).to_have_text(words)


def wait_ahead(page: Page) -> None:
    expect(page.locator("#ahead [data-item]")).to_be_attached()


def write(page: Page, note: str) -> None:
    page.locator("#current").get_by_label("Note").press_sequentially(note)
    page.keyboard.press("Escape")


@pytest.mark.parametrize("is_ahead", [True, False], ids=["next one loaded", "nothing loaded"])
def test_an_answer_without_a_connection_comes_back_and_is_saved_once_on_the_next_try(
    desk: Page, events: list[Event], *, is_ahead: bool
) -> None:
    if is_ahead:
        wait_ahead(desk)
    else:
        desk.goto("about:blank")
        desk.route("**/review/?*after=*", lambda route: route.abort())
        desk.goto("/review/")
    write(desk, NOTE)

    desk.context.set_offline(True)
    desk.keyboard.press("1")

    expect(desk.locator("#answered")).to_contain_text(LOST)
    expect(desk.locator("#current")).to_contain_text("0.95")
    expect(desk.locator("#current").get_by_label("Note")).to_have_value(NOTE)
    expect(desk.locator("#current").get_by_label("Show boxes")).to_be_checked()  # a “b” was typed
    expect_left(desk, f"{EVENTS} left")
    assert not Review.objects.exists()

    desk.context.set_offline(False)
    desk.unroute("**/review/?*after=*")
    desk.keyboard.press("1")

    expect(desk.locator("#answered")).to_contain_text("Saved: Confirmed")
    expect(desk.locator("#current")).to_contain_text("0.94")
    expect_left(desk, f"{EVENTS - 1} left")
    (saved,) = Review.objects.all()
    assert (saved.event, saved.answer, saved.note) == (events[0], Answer.CONFIRMED, NOTE)


def test_a_server_that_stumbles_loses_no_answer(
    desk: Page, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_ahead(desk)
    views = import_module("video_classifier.web.views.review")
    with monkeypatch.context() as patch:
        patch.setattr(views, "_answer", lambda *_: HttpResponse("busy", status=503))
        desk.keyboard.press("2")
        expect(desk.locator("#answered")).to_contain_text(LOST)
    desk.keyboard.press("2")

    expect(desk.locator("#answered")).to_contain_text("Saved: False alarm")
    assert Review.objects.get().event == events[0]


def test_the_next_item_that_did_not_come_is_asked_for_again(
    desk: Page, events: list[Event]
) -> None:
    desk.add_init_script(FAILED)
    desk.route("**/review/?*after=*", lambda route: route.abort())
    desk.reload()
    desk.wait_for_function("() => window.failed === 1")

    desk.keyboard.press("j")
    desk.wait_for_function("() => window.failed === 2")
    expect(desk.locator("#current")).to_contain_text("0.95")
    desk.unroute("**/review/?*after=*")
    desk.keyboard.press("j")

    expect(desk.locator("#current")).to_contain_text("0.94")


@pytest.fixture
def ordinary(
    tmp_path: Path, settings: Settings, make_clip: MakeClip, make_analysis: MakeAnalysis
) -> None:
    """Without a hint; as much of the queue as can be is blind."""
    settings.REVIEW_BLIND = 1.0
    content = scenes.write(tmp_path / "ordinary.mp4", 14).read_bytes()
    clip = make_clip(name="sample_of_till.mp4", content=content, duration=14.0)
    make_analysis(clip=clip, status=Status.DONE, prediction=Prediction.NO_HINT, score=0.1)


@pytest.mark.usefixtures("ordinary")
def test_a_blind_look_plays_a_stretch_tells_nothing_and_is_answered_by_a_key(
    desk: Page, events: list[Event], request: pytest.FixtureRequest
) -> None:
    item = desk.locator("#current [data-item]")
    expect(item).to_contain_text("Does anything here look like shoplifting?")
    desk.wait_for_function("() => document.querySelector('#current video').currentTime > 0")
    expect(desk.locator("#current").get_by_label("Show boxes")).to_be_hidden()
    for tell in ("Score", "sample_of_till", "The event", "0.1"):
        expect(item).not_to_contain_text(tell)
    assert look(desk, "desk-blind", request) == {}

    desk.keyboard.press("2")

    expect(desk.locator("#answered")).to_contain_text("Saved: Nothing of the kind")
    expect(desk.locator("#answered")).not_to_contain_text("Why?")
    expect(desk.locator("#current")).to_contain_text("0.95")
    (saved,) = Review.objects.all()
    assert (saved.is_blind, saved.event, saved.answer) == (True, None, Answer.FALSE_ALARM)


def test_who_looked_at_a_clip_is_found_from_its_result(desk: Page, events: list[Event]) -> None:
    clip = events[0].analysis.clip
    reviews.answer(events[0], clip, User.objects.get(), answer=Answer.UNSURE)
    desk.goto(events[0].analysis.get_absolute_url())

    desk.get_by_role("link", name="Who looked at this").click()

    expect(desk.get_by_role("heading", name="Audit log")).to_be_visible()
    rows = desk.locator("#audit tbody tr")
    expect(rows).to_have_count(3)  # the desk showed it, the answer, and the page of the result
    expect(rows.first).to_contain_text("Looked at footage")
    desk.wait_for_load_state()  # its scripts listen
    desk.get_by_label("Action").select_option("reviewed")
    expect(rows).to_have_count(1)
    expect(desk.get_by_role("link", name="Clip: clip_0.mp4")).to_be_visible()
    desk.get_by_role("link", name="Clear all").click()
    expect(rows).not_to_have_count(1)


def test_a_case_is_chosen_by_keys_and_the_clip_is_in_it(
    desk: Page, events: list[Event], user: User
) -> None:
    store = events[0].analysis.clip.store
    old, long = (
        cases.create(store, Subject(name=name), by=user)
        for name in ("Trolley", "Perfume shelf, four evenings in May, a name that needs room")
    )
    desk.goto(f"{events[0].analysis.get_absolute_url()}events/1/")
    desk.get_by_role("link", name="Add to a case").press("Enter")

    choice = desk.get_by_label(re.compile("^Case"))
    choice.select_option(str(old.pk))
    desk.get_by_role("button", name="Add").press("Enter")

    expect(desk.get_by_role("heading", name="Trolley", level=1)).to_be_visible()
    assert [item.event for item in old.items.all()] == [events[0]]
    assert not long.items.exists()


def look(page: Page, name: str, request: pytest.FixtureRequest) -> dict[str, list[str]]:
    """What is wrong with a page at each width, light and dark; pictures, if they are wanted."""
    folder = request.config.getoption("--screenshots", default=None)
    return faults_of(page, name, folder, exclude=["[data-picture]"])
