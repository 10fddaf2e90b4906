"""Live cameras in a real browser: added by keyboard, zones drawn by keys and by mouse.

    python -m pytest tests/browser/test_cameras.py --screenshots OUT

writes a picture of each page to the folder OUT.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from scripts._lib.simulator.camera import Camera
from tests.browser.conftest import MODELS, sign_in
from tests.browser.showcase import Seen, at
from tests.browser.test_looks import walk
from tests.conftest import MakeUser
from tests.makers import videos
from tests.makers.feeds import make_feed
from video_classifier.models import Feed
from video_classifier.services import evidence, live_pictures
from video_classifier.states import Fault, FeedState, Role

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _set_up(site: str, settings: Settings, make_user: MakeUser) -> User:
    settings.RUNNER = "none"
    settings.PERSON_DETECTOR = MODELS / "person_detector"
    settings.CAMERA_NETWORKS = ["127.0.0.0/8", "192.168.0.0/16"]
    return make_user("grace", roles=[Role.MANAGER])


@pytest.fixture
def feed(_set_up: User) -> Feed:
    """With a picture to draw on; written before the browser starts."""
    found = make_feed(
        "Back door", model="i3d_person", ignored_zones=[[[0, 0], [0.2, 0], [0.2, 0.3]]]
    )
    make_feed(
        "Till 2, at the window",
        model="i3d_person",
        is_enabled=True,
        alerts=True,
        state=FeedState.FAULTY,
        fault=Fault.NO_KEYFRAME,
    )
    shades = np.linspace(40, 160, 640, dtype=np.uint8)
    image = np.broadcast_to(shades[None, :, None], (360, 640, 3))
    picture = evidence.jpeg(np.ascontiguousarray(image), 80)
    live_pictures.write(found.pk, picture, taken_at=datetime.now(UTC))
    live_pictures.write_plain(found.pk, picture)
    return found


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[str]:
    """The address of a camera that runs meanwhile."""
    clip = videos.write(tmp_path / "clip.mp4", 60, size=(320, 240))
    with Camera([clip], only="rtsp") as camera:
        yield camera.rtsp_url


@pytest.fixture
def page(feed: Feed, simulated: str, browser: Browser, site: str) -> Page:
    page = browser.new_page(base_url=site)
    sign_in(page, "grace")
    return page


def test_a_camera_is_added_and_tested_by_keyboard(page: Page, simulated: str) -> None:
    page.goto("/cameras/")
    page.get_by_role("link", name="Add a camera").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("Front door")
    page.keyboard.press("Tab")
    page.keyboard.type(simulated)
    page.keyboard.press("Enter")

    expect(page.get_by_text("“Front door” was added.")).to_be_visible()
    assert simulated not in page.content()
    page.get_by_role("button", name="Test the camera").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("img", name="What the camera shows just now")).to_be_visible()
    expect(page.get_by_text("h264, 320 × 240 pixels")).to_be_visible()  # noqa: RUF001
    page.get_by_role("link", name="Draw zones on this picture").click()
    expect(page.get_by_role("application", name="Picture to draw zones on")).to_be_visible()

    page.get_by_role("button", name="Start watching").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop watching")).to_be_visible()


def test_zones_are_drawn_by_keys(page: Page, feed: Feed) -> None:
    page.goto(f"/cameras/{feed.pk}/settings/")
    picture = page.get_by_role("application")
    picture.focus()

    page.keyboard.press("Enter")
    for key in ("ArrowRight", "ArrowDown"):
        for _ in range(5):
            page.keyboard.press(key)
        page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    page.keyboard.press("Backspace")
    expect(page.get_by_role("button", name="Close the zone")).to_be_enabled()
    for key in ("ArrowLeft", "ArrowUp"):
        for _ in range(5):
            page.keyboard.press(key)
    page.keyboard.press("Enter")

    zones = page.get_by_label("Zones that are ignored")
    expect(zones).to_have_value("0,0 20,0 20,30\n50,50 60,50 60,60")
    expect(page.get_by_role("status")).to_contain_text("Zone 2 is closed")
    page.get_by_role("button", name="Save the settings").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The settings were saved.")).to_be_visible()
    expect(zones).to_have_value("0,0 20,0 20,30\n50,50 60,50 60,60")


def test_zones_are_drawn_and_removed_by_mouse(page: Page, feed: Feed) -> None:
    page.goto(f"/cameras/{feed.pk}/settings/")
    picture = page.get_by_role("application")
    box = picture.bounding_box()
    assert box is not None

    for x, y in ((0.5, 0.5), (0.75, 0.5), (0.75, 0.75)):
        picture.click(position={"x": x * box["width"], "y": y * box["height"]})
    page.get_by_role("button", name="Close the zone").click()

    zones = page.get_by_label("Zones that are ignored")
    expect(zones).to_have_value(re.compile(r"^0,0 20,0 20,30\n[\d., ]+$"))
    page.get_by_role("button", name="Remove the last zone").click()
    expect(zones).to_have_value("0,0 20,0 20,30")


def test_a_camera_is_set_up_without_scripts(
    page: Page, feed: Feed, browser: Browser, site: str
) -> None:
    plain = browser.new_page(base_url=site, java_script_enabled=False)
    sign_in(plain, "grace")
    plain.goto(f"/cameras/{feed.pk}/settings/")

    plain.get_by_label("Zones that are ignored").fill("0,0 50,0 50,50")
    plain.get_by_role("button", name="Save the settings").click()
    expect(plain.get_by_text("The settings were saved.")).to_be_visible()
    plain.get_by_role("button", name="Switch alerts on").click()
    expect(plain.get_by_text("Alerts of “Back door” are on")).to_be_visible()
    plain.get_by_role("link", name="Remove the camera").click()
    plain.get_by_role("button", name="Remove").click()
    expect(plain.get_by_text("was removed from the live cameras")).to_be_visible()


def test_the_pages_of_cameras_are_accessible_and_fit(
    page: Page, feed: Feed, request: pytest.FixtureRequest
) -> None:
    folder = request.config.getoption("--screenshots", default=None)

    def refused(page: Page) -> None:
        page.goto("/cameras/new/")
        page.get_by_label("Name", exact=True).fill("Front door")
        page.get_by_label("Address", exact=True).fill("file:///etc/passwd")
        page.get_by_role("button", name="Add the camera").click()
        expect(page.get_by_text("has to begin with rtsp://")).to_be_visible()

    views = [
        at("cameras", "/cameras/"),
        at("camera-new", "/cameras/new/"),
        Seen(name="camera-refused", open=refused),
        at("camera-settings", f"/cameras/{feed.pk}/settings/"),
        at("camera-delete", f"/cameras/{feed.pk}/delete/"),
        at("camera-duties", "/cameras/duties/"),
    ]

    assert walk(page, views, Path(folder) if folder else None) == {}
