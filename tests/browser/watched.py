"""What tests of a site that watches a simulated camera share: its pages, and waiting for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Browser, Page, expect

from scripts._lib.live_site import LiveSite
from scripts._lib.simulator.camera import Camera
from tests.browser.conftest import LENS, MODELS, open_signed_in
from tests.browser.looks import barriers

Found = TypeVar("Found")

PATH = "only-for-the-reader"
SECRETS = (LENS.user, LENS.password, PATH)
PATIENCE = 240.0  # seconds: a busy machine loads and scores slowly
MILLISECONDS = PATIENCE * 1000


@contextmanager
def watching(folder: Path, **environment: str) -> Iterator[LiveSite]:
    """The site as shipped, with a watcher of its own, and somebody who administers it."""
    server = LiveSite(
        folder,
        MODELS_STORAGE=str(MODELS),
        PERSON_DETECTOR=str(MODELS / "person_detector"),
        DEFAULT_MODEL="i3d_person",
        **environment,
    )
    server.start()
    try:
        server.sign_in()
        yield server
    finally:
        server.stop()


def open_patiently(browser: Browser, server: LiveSite) -> Page:
    """Signed in as the superuser."""
    page = open_signed_in(browser, server, server.address)
    be_patient(page)
    return page


def be_patient(page: Page) -> None:
    page.set_default_timeout(MILLISECONDS)
    page.set_default_navigation_timeout(MILLISECONDS)


def add(page: Page, camera: Camera) -> None:
    page.goto("/cameras/new/")
    page.get_by_label("Name", exact=True).fill("Back door")
    address = camera.rtsp_url.replace("/stream", f"/{PATH}")
    page.get_by_label("Address", exact=True).fill(address)
    check(page)
    page.get_by_role("button", name="Add the camera").click()
    expect(page.get_by_text("“Back door” was added.")).to_be_visible(timeout=MILLISECONDS)
    check(page)


def enable(page: Page) -> None:
    page.get_by_role("button", name="Start watching").click()
    expect(page.get_by_role("button", name="Stop watching")).to_be_visible(timeout=MILLISECONDS)


def keep_on(camera: Camera, theft: Path) -> bool:
    """It is stolen again and again, for as long as a slow machine takes to see it."""
    if not camera.stream.asked:
        camera.plant(theft)
    return True


def check(page: Page) -> None:
    """What every page has to be: without a barrier, and without what a camera keeps to itself."""
    content = page.content()  # what is typed into a field is not in it
    assert [each for each in SECRETS if each in content] == []
    page.emulate_media(reduced_motion="reduce")  # nothing is on its way to another color
    assert barriers(page) == []
    page.emulate_media(reduced_motion="null")  # who asks for calm gets no stream on the next page


def wait_for(happened: Callable[[], Found]) -> Found:
    """What it returns as soon as that is something."""
    until = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return found
