"""A camera is added, seen live, and a theft on it becomes an event with the seconds before it.

The site is the one as shipped, with a watcher of its own, and the camera a simulated one that plays
real clips. What is to happen is waited for; how long it takes is measured elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from scripts._lib.live_site import FeedNow, LiveSite, Seen
from scripts._lib.simulator.camera import Camera
from tests.browser.watched import (
    MILLISECONDS,
    SECRETS,
    add,
    check,
    enable,
    keep_on,
    open_patiently,
    wait_for,
    watching,
)
from tests.conftest import Migrated
from video_classifier.services.live_events import BEING_MADE, ON_ITS_WAY

pytestmark = [pytest.mark.browser, pytest.mark.footage]

PRE_ROLL = timedelta(seconds=5)  # as the form has it

# What lies between the two lines of text: these change with the clock, this with the camera only.
SHOWN = """image => {
  const canvas = document.createElement("canvas");
  const text = Math.round(image.naturalHeight / 8);
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight - 2 * text];
  canvas.getContext("2d").drawImage(image, 0, -text);
  return image.naturalHeight ? canvas.toDataURL() : "";
}"""


@pytest.fixture
def server(camera: Camera, tmp_path: Path, migrated: Migrated) -> Iterator[LiveSite]:
    with watching(migrated(tmp_path / "data")) as server:
        yield server


@pytest.fixture
def site(server: LiveSite) -> str:
    return server.address


@pytest.fixture
def page(browser: Browser, server: LiveSite) -> Page:
    return open_patiently(browser, server)


@pytest.mark.long
def test_a_camera_is_added_seen_live_and_a_theft_becomes_an_event(
    page: Page, server: LiveSite, camera: Camera, theft: Path, nobody: Path
) -> None:
    add(page, camera)
    try_out(page)
    enable(page)
    look(page, server)

    planted = datetime.now(UTC)
    camera.plant(nobody)
    camera.plant(theft)
    see_it_open(page, camera, theft)
    camera.stream.asked.clear()
    camera.plant(nobody)
    event = wait_for(lambda: kept(server, planted))[0]
    see_its_clip(page, server, event)

    log = (server.data / "server.log").read_text()
    assert [each for each in SECRETS if each in log] == []


def try_out(page: Page) -> None:
    page.get_by_role("button", name="Test the camera").click()
    still = page.get_by_role("img", name="What the camera shows just now")
    expect(still).to_be_visible(timeout=MILLISECONDS)
    expect(still).to_have_js_property("naturalWidth", 640, timeout=MILLISECONDS)
    check(page)


def look(page: Page, server: LiveSite) -> None:
    """On the wall and on the camera's page."""
    wait_for(lambda: is_scored(server.feeds()))
    page.goto("/live/")
    expect(page.get_by_text("1 camera: 1 live")).to_be_visible(timeout=MILLISECONDS)
    check(page)
    page.get_by_role("link", name="Back door").click()
    expect(page.get_by_role("heading", name="Back door")).to_be_visible(timeout=MILLISECONDS)
    stream = page.locator("img[data-stream]")
    moving = re.compile(r"^/video/\d+(\?at=\d+)?$")  # where it got stuck, it is asked for again
    expect(stream).to_have_attribute("src", moving, timeout=MILLISECONDS)
    first = wait_for(lambda: stream.evaluate(SHOWN))
    wait_for(lambda: stream.evaluate(SHOWN) not in {"", first})
    check(page)


def is_scored(feeds: list[FeedNow]) -> bool:
    return all(each.state == "online" and each.stride is not None for each in feeds)


def see_it_open(page: Page, camera: Camera, theft: Path) -> None:
    """The page hears of it by itself."""
    state = page.locator("#camera-state")
    heading = state.get_by_role("heading", name="Possible shoplifting")
    words = state.get_by_text("This is only a hint")
    wait_for(lambda: keep_on(camera, theft) and heading.is_visible() and words.is_visible())
    check(page)


def kept(server: LiveSite, since: datetime) -> list[Seen]:
    """Events that opened since then, and of which it is known what is kept of them."""
    events = [each for each in server.events() if each.opened > since]
    unknown = ("", BEING_MADE, ON_ITS_WAY)
    return [each for each in events if each.closed and (each.clip or each.no_clip not in unknown)]


def see_its_clip(page: Page, server: LiveSite, event: Seen) -> None:
    assert event.clip, event.no_clip
    ((recorded,),) = server.rows(
        f"SELECT recorded_at FROM video_classifier_clip WHERE id = '{event.clip}'"  # noqa: S608
    )
    assert datetime.fromisoformat(recorded).replace(tzinfo=UTC) <= event.started - PRE_ROLL

    page.reload()
    page.locator(".live-events [data-row-link]").first.click()
    page.wait_for_url("**/results/**")
    expect(page.get_by_role("heading", name="Possible shoplifting")).to_be_visible(
        timeout=MILLISECONDS
    )
    check(page)
