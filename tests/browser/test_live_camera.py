"""A camera is added, seen live, and a theft on it becomes an event with the seconds before it.

The site is the one as shipped, with a watcher of its own, and the camera a simulated one that plays
real clips. What is to happen is waited for; how long it takes is measured elsewhere.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from scripts._lib.live_site import FeedNow, LiveSite, Seen
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.credentials import Credentials
from scripts._lib.simulator.footage import Form
from tests.browser.conftest import MODELS, open_signed_in
from tests.makers import hours
from tests.makers.footage import FOOTAGE, require
from video_classifier.services.live_events import BEING_MADE

Found = TypeVar("Found")

pytestmark = [pytest.mark.browser, pytest.mark.footage]

USER, PASSWORD, PATH = "lens-reader", "violet-Harbour-19", "only-for-the-reader"
SECRETS = (USER, PASSWORD, PATH)
PRE_ROLL = timedelta(seconds=5)  # as the form has it
PATIENCE = 240.0  # seconds: a busy machine loads and scores slowly
MILLISECONDS = PATIENCE * 1000

# What lies between the two lines of text: these change with the clock, this with the camera only.
SHOWN = """image => {
  const canvas = document.createElement("canvas");
  const text = Math.round(image.naturalHeight / 8);
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight - 2 * text];
  canvas.getContext("2d").drawImage(image, 0, -text);
  return image.naturalHeight ? canvas.toDataURL() : "";
}"""


@pytest.fixture
def theft() -> Path:
    return FOOTAGE / "mnnit/shoplifters/shoplifting_016.mp4"


@pytest.fixture
def nobody(tmp_path: Path) -> Path:
    """So that the event has its person alone: the next one may stand where the last one stood."""
    begins_empty = FOOTAGE / "mnnit/non_shoplifters/normal_025.mp4"
    require(begins_empty)
    return hours.write(tmp_path / "nobody.mp4", next(hours.cut(begins_empty)), {}, seconds=12)


@pytest.fixture
def camera(theft: Path) -> Iterator[Camera]:
    ordinary = [FOOTAGE / f"mnnit/non_shoplifters/normal_{n}.mp4" for n in ("010", "088")]
    require(theft, *ordinary)
    form = Form(size=(640, 360), rate=10)
    known = Credentials(user=USER, password=PASSWORD)
    with Camera(ordinary, form, credentials=known, only="rtsp") as camera:
        yield camera


@pytest.fixture
def server(camera: Camera, tmp_path: Path) -> Iterator[LiveSite]:
    server = LiveSite(
        tmp_path / "data",
        MODELS_STORAGE=str(MODELS),
        PERSON_DETECTOR=str(MODELS / "person_detector"),
        DEFAULT_MODEL="i3d_person",
    )
    server.start()
    server.sign_in()
    yield server
    server.stop()


@pytest.fixture
def site(server: LiveSite) -> str:
    return server.address


@pytest.fixture
def page(browser: Browser, server: LiveSite, site: str) -> Page:
    """Signed in as the superuser."""
    page = open_signed_in(browser, server, site)
    page.set_default_timeout(MILLISECONDS)
    page.set_default_navigation_timeout(MILLISECONDS)
    return page


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


def add(page: Page, camera: Camera) -> None:
    page.goto("/cameras/new/")
    page.get_by_label("Name", exact=True).fill("Back door")
    address = camera.rtsp_url.replace("/stream", f"/{PATH}")
    page.get_by_label("Address", exact=True).fill(address)
    check(page)
    page.get_by_role("button", name="Add the camera").click()
    expect(page.get_by_text("“Back door” was added.")).to_be_visible(timeout=MILLISECONDS)
    check(page)


def try_out(page: Page) -> None:
    page.get_by_role("button", name="Test the camera").click()
    still = page.get_by_role("img", name="What the camera shows just now")
    expect(still).to_be_visible(timeout=MILLISECONDS)
    assert still.evaluate("image => image.naturalWidth") == 640
    check(page)


def enable(page: Page) -> None:
    page.get_by_role("button", name="Start watching").click()
    expect(page.get_by_role("button", name="Stop watching")).to_be_visible(timeout=MILLISECONDS)


def look(page: Page, server: LiveSite) -> None:
    """On the wall and on the camera's page."""
    wait_for(lambda: is_scored(server.feeds()))
    page.goto("/live/")
    expect(page.get_by_text("1 camera: 1 live")).to_be_visible(timeout=MILLISECONDS)
    check(page)
    page.get_by_role("link", name="Back door").click()
    expect(page.get_by_role("heading", name="Back door")).to_be_visible(timeout=MILLISECONDS)
    stream = page.locator("img[data-stream]")
    assert re.fullmatch(r"/video/\d+", stream.get_attribute("src") or "")
    first = wait_for(lambda: stream.evaluate(SHOWN))
    wait_for(lambda: stream.evaluate(SHOWN) not in {"", first})
    check(page)


def is_scored(feeds: list[FeedNow]) -> bool:
    return all(each.state == "online" and each.stride is not None for each in feeds)


def see_it_open(page: Page, camera: Camera, theft: Path) -> None:
    """The page hears of it by itself. It goes on for as long as a slow machine takes to see it."""
    state = page.locator("#camera-state")
    heading = state.get_by_role("heading", name="Possible shoplifting")
    wait_for(lambda: keep_on(camera, theft) and heading.is_visible())
    expect(state).to_contain_text("This is only a hint")
    check(page)


def keep_on(camera: Camera, theft: Path) -> bool:
    if not camera.stream.asked:
        camera.plant(theft)
    return True


def kept(server: LiveSite, since: datetime) -> list[Seen]:
    """Events that opened since then, and of which it is known what is kept of them."""
    events = [each for each in server.events() if each.opened > since]
    unknown = ("", BEING_MADE)
    return [each for each in events if each.closed and (each.clip or each.no_clip not in unknown)]


def see_its_clip(page: Page, server: LiveSite, event: Seen) -> None:
    assert event.clip, event.no_clip
    ((recorded,),) = server.rows(
        f"SELECT recorded_at FROM video_classifier_clip WHERE id = '{event.clip}'"  # noqa: S608
    )
    assert datetime.fromisoformat(recorded).replace(tzinfo=UTC) <= event.started - PRE_ROLL

    page.reload()
    page.locator(".live-events a").first.click()
    page.wait_for_url("**/results/**")
    expect(page.get_by_role("heading", name="Possible shoplifting")).to_be_visible(
        timeout=MILLISECONDS
    )
    check(page)


def check(page: Page) -> None:
    """What every page has to be: without a barrier, and without what a camera keeps to itself."""
    content = page.content()  # what is typed into a field is not in it
    assert [each for each in SECRETS if each in content] == []
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("axe.run()")["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['target']}" for each in found] == []


def wait_for(happened: Callable[[], Found]) -> Found:
    """What it returns as soon as that is something."""
    until = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return found
