"""A store's versions in a real browser: learned, compared, activated, gone back from.

    python -m pytest tests/browser/test_versions.py --screenshots OUT

writes a picture of each page to the folder OUT.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from tests.browser.conftest import sign_in
from tests.browser.looks import faults_of
from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeUser
from tests.makers.agreed import make_agreed
from tests.makers.models import write_light_meter
from tests.makers.scored_hours import make_hour
from tests.makers.versions import make_version
from video_classifier.models import Camera, ModelVersion, Store
from video_classifier.services import improvements, versions
from video_classifier.states import Role

Value = TypeVar("Value")

pytestmark = [pytest.mark.browser, pytest.mark.keras]


@pytest.fixture
def store(
    site: str,
    settings: Settings,
    make_store: MakeStore,
    make_user: MakeUser,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    tmp_path: Path,
) -> Store:
    """With a network of a few weights, and enough that people agree on."""
    settings.RUNNER = "none"
    settings.MODELS_STORAGE = tmp_path / "models"
    write_light_meter(tmp_path / "models" / "meter", exported=False)
    store = make_store()
    make_user("grace", roles=[Role.MANAGER])
    people = [make_user(name) for name in ("kim", "dana")]
    camera = Camera.objects.create(store=store, name="Aisle 4")
    for number in range(24):
        make_agreed(
            camera,
            people,
            is_theft=number % 2 == 0,
            days_ago=9 if number < 12 else 0,
            seed=number,
            make_clip=make_clip,
            make_analysis=make_analysis,
            footage=tmp_path,
        )
    return store


@pytest.fixture
def page(store: Store, browser: Browser, site: str) -> Page:
    """Of a manager."""
    page = browser.new_page(base_url=site)
    sign_in(page, "grace")
    return page


def in_thread(work: Callable[[], Value]) -> Value:
    """The database isn't asked from the thread of the browser's loop."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


def name_in_use(store: Store) -> str:
    return in_thread(lambda: versions.name_in_use(store.pk, "meter"))


@pytest.mark.long
def test_learn_compare_activate_and_go_back(
    page: Page, store: Store, request: pytest.FixtureRequest
) -> None:
    out = request.config.getoption("--screenshots")
    screenshots = Path(out) if out else None
    page.goto(f"/stores/{store.pk}/versions/")
    look(page, screenshots, "before")
    page.get_by_role("button", name="Learn").click()
    expect(page.get_by_text("meter is learning.")).to_be_visible()
    in_thread(lambda: improvements.run_next(worker="one"))
    page.get_by_role("link", name="Look at meter@1").click()  # the part was asked for anew

    expect(page.get_by_text("6 confirmed events, 6 false alarms").first).to_be_visible()
    page.get_by_role("button", name="Have it score along").click()
    expect(page.get_by_role("button", name="End the shadow")).to_be_visible()
    in_thread(lambda: score_along(store))
    page.reload()
    expect(page.get_by_text("0 of both, 0 of meter alone, 1 of meter@1 alone.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Aisle 4")).to_contain_text("no hint")
    expect(page.get_by_text("It may give more false hints than what is in use.")).to_be_visible()
    look(page, screenshots, "version")
    page.get_by_role("button", name="Use meter@1").click()
    expect(page.get_by_text("Write why it should all the same")).to_be_visible()
    page.get_by_label("Why").fill("For a test in one store.")
    page.get_by_role("button", name="Use meter@1").click()
    expect(page.get_by_text("meter@1 is in use from now on.")).to_be_visible()
    assert name_in_use(store) == "meter@1"
    page.get_by_text("Write why", exact=True).click()
    page.get_by_label("Why, if you like").fill("Too many hints at the till.")
    look(page, screenshots, "in-use")

    page.get_by_role("button", name="Go back").click()
    expect(page.get_by_text("meter is in use again.")).to_be_visible()
    expect(page.get_by_role("cell", name="Too many hints at the till.")).to_be_visible()
    assert name_in_use(store) == "meter"

    page.get_by_role("link", name="meter@1", exact=True).click()
    expect(page.get_by_text("can't be deleted: it was in use")).to_be_visible()
    other = in_thread(lambda: make_version(store, "meter"))
    page.goto(f"/stores/{store.pk}/versions/{other.pk}/")
    page.get_by_role("link", name="Delete version").click()
    look(page, screenshots, "delete")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("meter@2 was deleted.")).to_be_visible()


def score_along(store: Store) -> None:
    """An hour in the shadow, with a hint that what is in use didn't give."""
    version = ModelVersion.objects.get()
    weights = {"model": version.name, "model_sha256": version.sha256, "detector_sha256": ""}
    start = timezone.now() + timedelta(hours=1)  # on the hour, and after the shadow began
    make_hour(Camera.objects.get(store=store), start, [0.99], **weights)


def look(page: Page, folder: Path | None, name: str) -> None:
    """Axe finds no barrier, and nothing is wider than the screen, in light and in dark."""
    assert faults_of(page, f"versions-{name}", folder) == {}
