"""Live cameras in a real browser, with somebody who writes their pictures meanwhile."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from tests.browser.conftest import sign_in
from tests.browser.waiting import PATIENCE, becomes, until
from tests.conftest import MakeStore, MakeUser
from tests.makers.fake_watcher import FakeWatcher
from tests.makers.live_cameras import make_event, make_feed
from video_classifier.models import Feed, LiveEvent
from video_classifier.services import live_pictures, live_streams
from video_classifier.states import Closing, Fault, FeedState
from video_classifier.web import constants

pytestmark = pytest.mark.browser

STILL = 500  # milliseconds from one still to the next

# What is in the lower strip of a picture: the clock. Of one that has not come yet, nothing.
CLOCK = """image => {
  if (!image.naturalWidth) return "";
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, 30];
  canvas.getContext("2d").drawImage(image, 0, 30 - image.naturalHeight);
  return canvas.toDataURL();
}"""


@pytest.fixture(autouse=True)
def _no_runner(site: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests write to the database beside the browser's loop."""
    settings.RUNNER = "none"
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    monkeypatch.setattr(constants, "WALL_EVERY", "1s")
    monkeypatch.setattr(constants, "CAMERA_EVERY", "1s")
    monkeypatch.setattr(constants, "STILL_MILLISECONDS", STILL)
    live_streams._taken.clear()
    yield
    live_streams._taken.clear()


@pytest.fixture
def feeds(make_store: MakeStore) -> list[Feed]:
    return [make_feed(make_store(), name) for name in ("Door", "Till 2")]


@pytest.fixture
def watcher(feeds: list[Feed]) -> Iterator[FakeWatcher]:
    made = FakeWatcher(feeds)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def page(watcher: FakeWatcher, page: Page) -> Page:
    return page


def camera(page: Page, feed: Feed) -> None:
    page.goto(f"/cameras/{feed.pk}/")


def moves(page: Page, *, within: float = PATIENCE) -> bool:
    picture = page.locator(".live-picture__image").first
    first, end = "", time.monotonic() + within
    while time.monotonic() < end:
        seen = picture.evaluate(CLOCK)
        if first and seen not in {"", first}:
            return True
        first = first or seen
        page.wait_for_timeout(100)
    return False


def wait_for_streams(page: Page, count: int) -> None:
    becomes(page, lambda: len(live_streams._taken), count)


def test_the_wall_renews_its_stills_without_a_flicker(page: Page) -> None:
    page.goto("/live/")
    images = page.locator(".live-picture__image")
    for number in range(2):
        expect(images.nth(number)).not_to_have_js_property("naturalWidth", 0)
    page.evaluate("""() => {
      window.blank = 0;
      const look = () => {
        for (const image of document.querySelectorAll(".live-picture__image"))
          if (!image.complete || !image.naturalWidth) window.blank += 1;
        requestAnimationFrame(look);
      };
      look();
    }""")

    assert moves(page)
    page.wait_for_timeout(4 * STILL)
    assert page.evaluate("window.blank") == 0


def test_the_wall_says_what_changed_and_keeps_the_focus(
    page: Page, feeds: list[Feed], watcher: FakeWatcher
) -> None:
    page.goto("/live/")
    expect(page.get_by_text("2 cameras: 2 live")).to_be_visible()
    page.get_by_role("link", name="Till 2").focus()

    event = make_event(feeds[1], ago=5, is_open=True)
    watcher.hints.add(feeds[1].pk)

    expect(page.get_by_text("Look before you act on it.")).to_be_visible()
    expect(page.locator("[data-announcer]")).to_have_text(
        re.compile("Possible shoplifting at Till 2 since")
    )
    expect(page.locator(f"#camera-{feeds[1].pk}")).to_be_focused()
    LiveEvent.objects.filter(pk=event.pk).update(closed_at=timezone.now(), closing=Closing.GONE)
    expect(page.get_by_text("Look before you act on it.")).to_have_count(0)
    expect(page.get_by_text("Last hint:")).to_be_visible()


def test_a_camera_that_stops_is_no_longer_called_live(
    page: Page, feeds: list[Feed], watcher: FakeWatcher
) -> None:
    camera(page, feeds[0])
    expect(page.get_by_text("Live", exact=True).last).to_be_visible()

    watcher.silent.add(feeds[0].pk)
    Feed.objects.filter(pk=feeds[0].pk).update(
        state=FeedState.FAULTY, fault=Fault.STALLED, since=timezone.now()
    )

    expect(page.locator(".live-status")).to_have_text(" Offline")
    expect(page.locator(".live-picture__note")).to_contain_text("Last picture: ")
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()
    wait_for_streams(page, 0)

    watcher.silent.clear()
    Feed.objects.filter(pk=feeds[0].pk).update(state=FeedState.ONLINE, fault="")
    expect(page.locator(".live-status")).to_have_text(" Live")
    expect(page.locator(".live-picture__note")).to_have_count(0)
    assert moves(page)


def test_a_stream_moves_is_paused_and_goes_on(page: Page, feeds: list[Feed]) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    camera(page, feeds[0])
    wait_for_streams(page, 1)
    assert moves(page)
    until(page, lambda: live_pictures.is_looked_at(feeds[0].pk))

    page.get_by_role("button", name="Pause").press("Enter")

    wait_for_streams(page, 0)
    expect(page.get_by_text("Paused: this picture stands still")).to_be_visible()
    assert not moves(page, within=4 * STILL / 1000)

    page.get_by_role("button", name="Play").click()
    wait_for_streams(page, 1)
    assert moves(page)
    assert complaints == []


def test_who_asked_for_less_motion_begins_with_the_still(page: Page, feeds: list[Feed]) -> None:
    page.emulate_media(reduced_motion="reduce")

    camera(page, feeds[0])

    expect(page.get_by_role("button", name="Play")).to_be_visible()
    wait_for_streams(page, 0)


def test_without_room_for_a_stream_the_still_is_renewed(
    page: Page, feeds: list[Feed], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "STREAM_RETRY_MILLISECONDS", 3000)
    places = [live_streams.take_place(user.pk) for _ in range(2)]

    camera(page, feeds[0])

    expect(page.get_by_text("There is no room for another stream just now")).to_be_visible()
    assert moves(page)
    for place in places:
        place.leave()
    wait_for_streams(page, 1)


def test_a_stream_that_got_stuck_is_asked_for_again(
    page: Page, feeds: list[Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_streams, "LONGEST", 1.0)
    monkeypatch.setattr(constants, "STREAM_LOOK_MILLISECONDS", 500)
    monkeypatch.setattr(constants, "STREAM_STUCK_MILLISECONDS", 2000)
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url) if "/video/" in each.url else None)

    camera(page, feeds[0])

    until(page, lambda: len(asked) >= 2)


def test_closing_the_page_ends_the_stream(page: Page, feeds: list[Feed]) -> None:
    camera(page, feeds[0])
    wait_for_streams(page, 1)

    page.goto("/history/")

    wait_for_streams(page, 0)


def test_without_scripts_there_is_a_film_and_a_still(
    watcher: FakeWatcher, browser: Browser, site: str, feeds: list[Feed]
) -> None:
    context = browser.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    sign_in(page)

    page.get_by_role("link", name="Live").click()
    expect(page.locator(".live-picture__image")).to_have_count(2)
    page.get_by_role("link", name="Door").click()
    wait_for_streams(page, 1)
    page.get_by_role("link", name="Pause: show the still").click()

    expect(page.get_by_role("link", name="Play live")).to_be_visible()
    wait_for_streams(page, 0)


def test_the_keyboard_leads_to_the_wall_and_to_a_camera(page: Page, feeds: list[Feed]) -> None:
    page.keyboard.press("l")
    page.wait_for_url("/live/")

    page.get_by_role("link", name="Door").press("Enter")

    page.wait_for_url(f"/cameras/{feeds[0].pk}/")


def test_somebody_elsewhere_sees_no_way_there(
    watcher: FakeWatcher,
    make_user: MakeUser,
    make_store: MakeStore,
    browser: Browser,
    site: str,
) -> None:
    make_user("eve", store=make_store("North"))
    page = browser.new_page(base_url=site)
    sign_in(page, "eve")

    expect(page.get_by_role("link", name="Live")).to_have_count(0)
