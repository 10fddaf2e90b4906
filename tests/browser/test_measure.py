"""A camera's own measure in a real browser: measured, a budget, an act planted, rolled back.

    python -m pytest tests/browser/test_measure.py --screenshots OUT

writes a picture of each page to the folder OUT.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from tests.browser.conftest import MODELS, sign_in
from tests.browser.showcase import Seen, at
from tests.browser.test_looks import walk
from tests.conftest import MakeStore, MakeUser
from tests.makers.live_cameras import make_event, make_feed
from tests.makers.scored_hours import make_days, make_hour, make_score
from video_classifier.models import Feed
from video_classifier.services import measures, planted_acts
from video_classifier.states import Role

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _set_up(site: str, settings: Settings, make_user: MakeUser) -> User:
    settings.RUNNER = "none"
    settings.PERSON_DETECTOR = MODELS / "person_detector"
    make_user("eve", roles=[Role.REVIEWER])
    return make_user("grace", roles=[Role.MANAGER])


@pytest.fixture
def feed(_set_up: User, make_store: MakeStore) -> Feed:
    """With three days of footage, some hints and an act; written before the browser starts."""
    found = make_feed(make_store(), "Aisle 4")
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    make_days(found.camera, 3, before=now)
    for hours in (5, 30, 50):
        moment = now - timedelta(hours=hours, minutes=-20)
        event = make_event(found, ago=(timezone.now() - moment).total_seconds())
        make_score(found.camera, moment, 0.93, live_event=event).save()
    act = now - timedelta(hours=5, minutes=-20)
    planted_acts.plant(found.camera, act, None, seconds=20, note="Scarf into a bag")
    return found


@pytest.fixture
def scarce(_set_up: User, make_store: MakeStore) -> Feed:
    found = make_feed(make_store(), "Door")
    make_hour(found.camera, timezone.now(), [0.2, 0.4])
    return found


@pytest.fixture
def page(feed: Feed, scarce: Feed, browser: Browser, site: str) -> Page:
    page = browser.new_page(base_url=site)
    sign_in(page, "grace")
    return page


def test_a_camera_is_measured_an_act_planted_and_all_rolled_back(page: Page, feed: Feed) -> None:
    page.goto(f"/cameras/{feed.pk}/")
    page.get_by_role("link", name="Measure of this camera").click()
    expect(page.get_by_text("Until it is measured, the promise is the model's")).to_be_visible()
    page.wait_for_load_state()  # its scripts listen

    budget = page.get_by_label("False hints a day that are bearable")
    budget.fill("0")
    budget.press("Tab")
    expect(page.locator("#preview")).to_contain_text(measures.NO_BUDGET)
    budget.fill("2")
    budget.press("Enter")
    expect(page.locator("#preview")).to_contain_text("at most 2 false hints a day")
    page.get_by_role("button", name="Use these thresholds").click()
    expect(page.get_by_text("has its own thresholds from now on")).to_be_visible()
    expect(page.locator("#standing")).to_contain_text("at most 2 false hints a day")

    page.get_by_label("When it began").fill("2026-07-01T14:03:20")
    page.get_by_label("What was acted").fill("Two boxes into a coat")
    page.get_by_role("button", name="Note the act").click()
    expect(page.get_by_text("Two boxes into a coat")).to_be_visible()
    page.get_by_role("button", name="Delete the act of 1 Jul 2026").click()
    expect(page.get_by_text("The act was deleted.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Two boxes into a coat")).to_be_visible()

    page.get_by_role("button", name="Back to the model's threshold").click()
    expect(page.get_by_text("has the model's own threshold from now on")).to_be_visible()
    expect(page.get_by_text("Until it is measured, the promise is the model's")).to_be_visible()


def test_without_scripts_it_works_as_well(feed: Feed, browser: Browser, site: str) -> None:
    page = browser.new_context(base_url=site, java_script_enabled=False).new_page()
    sign_in(page, "grace")
    page.goto(f"/cameras/{feed.pk}/measure/")

    page.get_by_label("False hints a day that are bearable").fill("3")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("at most 3 false hints a day")
    page.get_by_role("button", name="Use these thresholds").click()

    expect(page.locator("#standing")).to_contain_text("at most 3 false hints a day")


def test_its_pages_are_accessible_and_fit(
    feed: Feed, scarce: Feed, browser: Browser, site: str, request: pytest.FixtureRequest
) -> None:
    folder = request.config.getoption("--screenshots", default=None)
    pictures = Path(folder) if folder else None
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(base_url=site)
    sign_in(page, "grace")
    faults = walk(page, _views(feed, scarce), pictures)
    reader = browser.new_page(base_url=site)
    sign_in(reader, "eve")
    faults |= walk(reader, [at("measure-read", f"/cameras/{feed.pk}/measure/")], pictures)

    assert faults == {}


def _views(feed: Feed, scarce: Feed) -> Iterable[Seen]:
    where = f"/cameras/{feed.pk}/measure/"
    yield at("measure-new", where)
    yield Seen(name="measure-groups", open=lambda page: _open_groups(page, where))
    yield at("measure-little", f"/cameras/{scarce.pk}/measure/")
    yield at("measure-refused", f"{where}?budget=few&thefts=1")
    yield Seen(name="measure-taken", open=lambda page: _take(page, where))
    yield at("measure-panel", f"/cameras/{feed.pk}/")
    yield at("measure-cameras", "/cameras/")


def _open_groups(page: Page, where: str) -> None:
    page.goto(where)
    for summary in page.locator(".groups__by summary").all():
        summary.click()


def _take(page: Page, where: str) -> None:
    page.goto(where)
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Use these thresholds").click()
    expect(page.get_by_text("has its own thresholds from now on")).to_be_visible()
