"""The bar of new hints in a real browser: it appears, is dismissed, and is told once."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django import Settings

from tests.browser.conftest import sign_in
from tests.browser.waiting import until
from tests.conftest import MakeStore
from tests.makers.hints import make_hint
from tests.makers.live_cameras import make_feed
from video_classifier.models import Feed
from video_classifier.web import constants

pytestmark = pytest.mark.browser

# Counts what is heard and shown, in each page of the context.
LISTEN = """
  window.tones = 0; window.notes = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    window.tones += 1;
    start.apply(this, when);
  };
  window.Notification = class extends EventTarget {
    static permission = "default";
    static asked = 0;
    static async requestPermission() {
      Notification.asked += 1;
      Notification.permission = "granted";
    }
    constructor(title, { body, tag }) { super(); window.notes.push([title, body, tag]); }
    close() {}
  };
"""
NOTES = 2  # of a tone


@pytest.fixture(autouse=True)
def _quick(site: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RUNNER = "none"
    monkeypatch.setattr(constants, "NEWS_EVERY", "1s")
    monkeypatch.setattr(constants, "TONE_LATEST_MILLISECONDS", 60_000)  # a browser may begin late
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    return make_feed(make_store())


@pytest.fixture
def context(feed: Feed, browser: Browser, site: str) -> Iterator[BrowserContext]:
    found = browser.new_context(base_url=site)
    found.add_init_script(LISTEN)
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    page = context.new_page()
    sign_in(page)
    return page


def tones(*pages: Page) -> int:
    return sum(int(page.evaluate("window.tones")) for page in pages)


def switch_sound_on(page: Page) -> None:
    page.goto("/alerts/news/")
    page.get_by_role("button", name="Sound: off").click()
    expect(page.get_by_role("button", name="Sound: on")).to_be_visible()
    expect_tones(page, NOTES)


def expect_tones(page: Page, number: int) -> None:
    page.wait_for_function("number => window.tones === number", arg=number)


def test_a_hint_appears_on_another_page_and_is_dismissed(page: Page, feed: Feed) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto("/history/")
    region = page.get_by_role("region", name="New hints", exact=True)
    expect(region).to_have_count(0)

    make_hint(feed)

    expect(region).to_contain_text("1 new hint")
    expect(page.locator("[data-announcer]")).to_have_text(
        re.compile(r"Possible shoplifting: Till 2, \d\d:\d\d:\d\d UTC\.")
    )
    region.get_by_role("button", name="Dismiss").press("Enter")
    expect(region).to_have_count(0)
    expect(page.locator("[data-announcer]")).to_have_text("The new hints are marked as seen.")
    expect(page.locator("#news")).to_be_focused()
    page.goto("/trash/")
    page.wait_for_timeout(2_000)
    expect(region).to_have_count(0)
    assert complaints == []


def test_the_newest_leads_to_its_camera_and_the_list_to_all(page: Page, feed: Feed) -> None:
    make_hint(feed, ago=60)
    make_hint(feed)
    region = page.get_by_role("region", name="New hints", exact=True)
    expect(region).to_contain_text("2 new hints")

    region.get_by_role("link", name="Possible shoplifting, Till 2").click()
    page.wait_for_url(f"/cameras/{feed.pk}/")
    page.keyboard.press("a")
    page.wait_for_url("/alerts/news/")

    expect(page.get_by_role("link", name="Till 2")).to_have_count(2)
    page.wait_for_timeout(2_000)
    expect(region).to_have_count(0)  # the list says it
    page.get_by_role("button", name="Mark all as seen").click()
    expect(page.get_by_text("No new hints", exact=True)).to_be_visible()


def test_nothing_is_heard_until_somebody_wants_it(page: Page, feed: Feed) -> None:
    make_hint(feed)

    expect(page.get_by_role("region", name="New hints", exact=True)).to_be_visible()
    page.wait_for_timeout(500)
    assert tones(page) == 0
    assert page.evaluate("Notification.asked") == 0


def test_the_sound_is_switched_on_and_off_and_remembered(page: Page, feed: Feed) -> None:
    switch_sound_on(page)

    make_hint(feed)
    expect_tones(page, 2 * NOTES)
    page.goto("/history/")
    region = page.get_by_role("region", name="New hints", exact=True)
    expect(region.get_by_role("button", name="Sound: on")).to_be_visible()
    page.wait_for_timeout(1_500)
    assert tones(page) == 0  # the same hint is not heard on the next page

    region.get_by_role("button", name="Sound: on").press("Enter")
    expect(region.get_by_role("button", name="Sound: off")).to_be_focused()
    make_hint(feed, ago=0)
    expect(region).to_contain_text("2 new hints")
    page.wait_for_timeout(500)
    assert tones(page) == 0


def test_of_several_tabs_one_is_heard(page: Page, context: BrowserContext, feed: Feed) -> None:
    switch_sound_on(page)
    page.goto("/history/")
    others = [context.new_page() for _ in range(2)]
    for each in others:
        each.goto("/history/")
        each.get_by_role("heading").first.click()

    make_hint(feed, ago=0)

    for each in (page, *others):
        expect(each.get_by_role("region", name="New hints", exact=True)).to_be_attached()
    until(page, lambda: tones(page, *others))
    page.wait_for_timeout(500)
    assert tones(page, *others) == NOTES


def test_the_volume_is_remembered(page: Page) -> None:
    page.goto("/alerts/news/")
    slider = page.get_by_label("Volume")
    expect(slider).to_have_value(str(constants.VOLUME_USUAL))

    slider.press("ArrowRight")
    expect_tones(page, NOTES)
    page.reload()

    expect(slider).to_have_value(str(constants.VOLUME_USUAL + constants.VOLUME_STEP))


def test_a_notification_is_asked_for_by_a_click_and_shown_once(
    page: Page, context: BrowserContext, feed: Feed
) -> None:
    page.goto("/alerts/news/")
    page.get_by_role("button", name="Notifications: off").click()
    expect(page.get_by_role("button", name="Notifications: on")).to_be_visible()
    assert page.evaluate("Notification.asked") == 1
    page.evaluate("document.hasFocus = () => false")

    hint = make_hint(feed)

    page.wait_for_function("() => window.notes.length === 1")
    ((title, body, tag),) = page.evaluate("window.notes")
    assert (title, tag) == ("Shoplift", f"/alerts/{hint.pk}/")
    assert body.startswith("Possible shoplifting: Till 2, ")
    page.wait_for_timeout(2_000)
    assert page.evaluate("window.notes.length") == 1


def test_who_is_signed_out_meanwhile_keeps_what_they_typed(
    page: Page, feed: Feed, context: BrowserContext
) -> None:
    page.goto("/accounts/password/")
    page.get_by_label("Old password").fill("typed")
    make_hint(feed)
    expect(page.get_by_role("region", name="New hints", exact=True)).to_be_visible()

    context.clear_cookies()

    expect(page.locator("#news")).to_have_count(0)
    expect(page.get_by_label("Old password")).to_have_value("typed")


def test_without_scripts_a_link_leads_to_the_hints(feed: Feed, browser: Browser, site: str) -> None:
    make_hint(feed)
    page = browser.new_page(base_url=site, java_script_enabled=False)
    sign_in(page)

    page.get_by_role("button", name="ada").click()
    page.get_by_role("link", name="New hints").click()
    page.get_by_role("link", name="Till 2").click()

    page.wait_for_url(f"/cameras/{feed.pk}/")
