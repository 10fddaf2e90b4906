"""A real browser in front of the real application: its runner, its models, real clips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from scripts._lib import chromium as launcher
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.credentials import Credentials
from scripts._lib.simulator.footage import Form
from scripts._lib.site_under_test import Site
from tests.browser.waiting import PATIENCE
from tests.conftest import PASSWORD
from tests.makers import hours
from tests.makers.footage import FOOTAGE, ROOT, missing, require
from video_classifier.services import worker

MODELS = ROOT / "models_storage"
CLIPS = ("mnnit/shoplifters/shoplifting_001.mp4", "mnnit/non_shoplifters/normal_001.mp4")

MILLISECONDS = PATIENCE * 1000

LENS = Credentials(user="lens-reader", password="violet-Harbour-19")  # the simulated camera's

# Two browsers, the site and its models share the cores of a small machine.
expect.set_options(timeout=MILLISECONDS)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", metavar="OUT", help="write a picture of each page to OUT")


@pytest.fixture
def clips() -> list[Path]:
    found = [FOOTAGE / name for name in CLIPS]
    require(*found)
    return found


@pytest.fixture
def site(live_server: LiveServer, settings: Settings, user: User) -> Iterator[str]:
    """The address of a running site with the real models, its runner, and `user`."""
    settings.MODELS_STORAGE = MODELS
    settings.RUNNER = "thread"
    yield live_server.url
    worker.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One for a file, as it takes long to start: each test has contexts of its own."""
    try:
        launcher.path()
    except launcher.MissingError as error:
        missing(str(error))
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread
        browser = launcher.launch(playwright)
        # Clicks, pages and answers come as late as what is expected of them.
        browser.on("context", lambda context: context.set_default_timeout(MILLISECONDS))
        yield browser


@pytest.fixture
def browser(site: str, chromium: Browser) -> Iterator[Browser]:
    """Its pages are closed before the database is emptied, so that none asks for anything."""
    yield chromium
    for context in chromium.contexts:
        context.close()


@pytest.fixture
def page(browser: Browser, site: str, user: User) -> Page:
    """Signed in as `user`, on the first page."""
    client = Client()
    client.force_login(user)
    page = browser.new_page(base_url=site)
    page.context.add_cookies(
        [{"name": each.key, "value": each.value, "url": site} for each in client.cookies.values()]
    )
    page.goto("/")
    return page


def sign_in(page: Page, name: str = "ada") -> None:
    page.goto("/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("/")  # loaded, so that its scripts listen


def open_signed_in(browser: Browser, server: Site, address: str) -> Page:
    """The first page of a server that has a process of its own, at one of its addresses."""
    page = browser.new_page(base_url=address)
    page.context.add_cookies(
        [
            {"name": each.name, "value": str(each.value), "url": address}
            for each in server.browser.cookies
        ]
    )
    page.goto("/")
    return page


@pytest.fixture
def theft() -> Path:
    """Somebody takes something, and is a hint to the default model."""
    return FOOTAGE / "mnnit/shoplifters/shoplifting_016.mp4"


@pytest.fixture
def nobody(tmp_path: Path) -> Path:
    """So that the event has its person alone: the next one may stand where the last one stood."""
    begins_empty = FOOTAGE / "mnnit/non_shoplifters/normal_025.mp4"
    require(begins_empty)
    return hours.write(tmp_path / "nobody.mp4", next(hours.cut(begins_empty)), {}, seconds=12)


@pytest.fixture
def camera(theft: Path) -> Iterator[Camera]:
    """A simulated one, which plays ordinary clips until it is asked for others."""
    ordinary = [FOOTAGE / f"mnnit/non_shoplifters/normal_{n}.mp4" for n in ("010", "088")]
    require(theft, *ordinary)
    form = Form(size=(640, 360), rate=10)
    with Camera(ordinary, form, credentials=LENS, only="rtsp") as camera:
        yield camera
