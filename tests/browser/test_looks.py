"""Every page and dialog, narrow and wide, light and dark, with work running.

    python -m pytest tests/browser/test_looks.py --screenshots OUT

writes a picture of each to the folder OUT, to be looked at.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from tests.browser import showcase, showcase_alerts, showcase_desk, showcase_keep
from tests.browser.conftest import MODELS, sign_in
from tests.browser.looks import faults_of, too_wide
from tests.browser.showcase import Seen
from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeTrack, MakeUser
from tests.makers.hints import make_hint
from tests.makers.live_cameras import make_feed
from video_classifier.models import Analysis
from video_classifier.services import accounts, catalog, live_streams, password_links
from video_classifier.states import Role

pytestmark = pytest.mark.browser

NARROWEST = 320  # 1280 pixels at 400 %: WCAG 2.2, 1.4.10
# Telephones, tablets, desks, and where a table has just room for its columns.
WIDTHS = (NARROWEST, 360, 768, 1120, 1366, 1440)


@pytest.fixture(autouse=True)
def _still(site: str, settings: Settings) -> None:
    """Nothing moves what is under way."""
    settings.RUNNER = "none"
    settings.PERSON_DETECTOR = MODELS / "person_detector"


@pytest.fixture
def made(
    tmp_path: Path, user: User, make_clip: MakeClip, make_analysis: MakeAnalysis
) -> dict[str, Analysis]:
    """Written before the browser starts."""
    return showcase.furnish(tmp_path, user, make_clip=make_clip, make_analysis=make_analysis)


@pytest.fixture
def several(
    made: dict[str, Analysis], user: User, make_user: MakeUser, make_store: MakeStore
) -> dict[str, Analysis]:
    """The same, in two stores with cameras; there are a reviewer and a newcomer, too."""
    showcase.open_stores(user, made, make_store=make_store)
    make_user("reviewer", roles=[Role.REVIEWER])
    make_user("newcomer", roles=[])
    return made


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path | None:
    """The folder for screenshots, if somebody wants them."""
    folder = request.config.getoption("--screenshots", default=None)
    if folder is None:
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


def test_every_page_is_accessible_and_fits(
    made: dict[str, Analysis], browser: Browser, site: str, pictures: Path | None
) -> None:
    faults: dict[str, list[str]] = {}

    page = browser.new_page(base_url=site)
    faults |= walk(page, showcase.signed_out(), pictures)
    sign_in(page)
    faults |= walk(page, showcase.signed_in(made), pictures)
    page = browser.new_page(base_url=site)
    sign_in(page, "root")
    faults |= walk(page, showcase.administration(made), pictures)

    assert faults == {}


def test_pages_with_several_stores_are_accessible_and_fit(
    several: dict[str, Analysis], browser: Browser, site: str, pictures: Path | None
) -> None:
    faults: dict[str, list[str]] = {}

    for who in ("ada", "reviewer", "newcomer"):
        page = browser.new_page(base_url=site)
        sign_in(page, who)
        faults |= walk(page, showcase.with_several_stores(several, who), pictures)

    assert faults == {}


def test_live_pages_are_accessible_and_fit(
    user: User,
    make_user: MakeUser,
    make_store: MakeStore,
    browser: Browser,
    site: str,
    pictures: Path | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread
    feeds = showcase.watch_cameras(user, make_store=make_store)
    make_user("eve", store=make_store("South"), roles=[Role.MANAGER])
    for _ in range(live_streams.MOST_OF_ONE_USER):
        live_streams.take_place(user.pk)
    faults: dict[str, list[str]] = {}

    page = browser.new_page(base_url=site)
    sign_in(page)
    faults |= walk(page, showcase.live(feeds), pictures)
    page = browser.new_page(base_url=site)
    sign_in(page, "eve")
    faults |= walk(page, [showcase.at("live-none", "/live/")], pictures)

    live_streams._taken.clear()
    assert faults == {}


def test_the_pages_of_alerts_are_accessible_and_fit(
    make_user: MakeUser,
    make_store: MakeStore,
    user: User,
    browser: Browser,
    site: str,
    pictures: Path | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread
    showcase_alerts.make_managers(make_user, make_store)
    channel = showcase_alerts.make_log()
    faults: dict[str, list[str]] = {}

    page = browser.new_page(base_url=site)
    sign_in(page, "grace")
    faults |= walk(page, showcase_alerts.of_manager(channel), pictures)
    page = browser.new_page(base_url=site)
    sign_in(page, "newcomer")
    faults |= walk(page, showcase_alerts.of_newcomer(), pictures)

    assert faults == {}


def test_the_pages_of_retention_personal_data_and_the_audit_log_are_accessible_and_fit(
    make_user: MakeUser,
    make_store: MakeStore,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    browser: Browser,
    site: str,
    pictures: Path | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread
    grace = showcase_keep.make_manager(make_user, make_store)
    found = showcase_keep.make_log(grace, make_clip, make_analysis)
    asked = showcase_keep.make_footage(make_store, make_clip)

    page = browser.new_page(base_url=site)
    sign_in(page, "grace")
    faults = walk(page, showcase_keep.of_manager(found, found.store_id), pictures)
    page = browser.new_page(base_url=site)
    sign_in(page, "root")
    faults |= walk(page, showcase_keep.of_superuser(asked), pictures)

    assert faults == {}


def test_the_pages_of_a_shift_are_accessible_and_fit(
    user: User,
    make_user: MakeUser,
    make_store: MakeStore,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    make_track: MakeTrack,
    browser: Browser,
    site: str,
    settings: Settings,
    tmp_path: Path,
    pictures: Path | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread
    settings.REVIEW_BLIND = 0.0
    shift = showcase_desk.furnish(
        tmp_path,
        user,
        make_user=make_user,
        make_store=make_store,
        make_clip=make_clip,
        make_analysis=make_analysis,
        make_track=make_track,
    )

    page = browser.new_page(base_url=site)
    sign_in(page)
    faults = walk(page, showcase_desk.of_shift(shift), pictures)

    assert faults == {}


def test_the_bar_of_new_hints_and_password_links_are_accessible_and_fit(
    user: User,
    make_store: MakeStore,
    browser: Browser,
    site: str,
    settings: Settings,
    pictures: Path | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread
    settings.EMAIL_URL, settings.SITE_URL = "smtp://127.0.0.1", "https://clips.example.org"
    station = make_store("Station", time_zone="Europe/Berlin")
    accounts.join(user, station, Role.REVIEWER)
    make_hint(make_feed(station, showcase.LONG[:50]), ago=90)
    make_hint(make_feed(make_store(), "Till 2"))
    faults: dict[str, list[str]] = {}

    page = browser.new_page(base_url=site)
    link = password_links._link(user).removeprefix(settings.SITE_URL)
    faults |= walk(page, showcase_alerts.passwords(link), pictures)
    sign_in(page)
    faults |= walk(page, showcase_alerts.news(), pictures)

    assert faults == {}


@pytest.mark.urls("tests.web.test_components")  # where it is as under DEBUG
def test_the_catalogue_of_components_is_accessible_and_fits(
    browser: Browser, site: str, pictures: Path | None
) -> None:
    page = browser.new_page(base_url=site)
    sign_in(page)

    assert walk(page, [showcase.at("components", "/components/")], pictures) == {}


def test_the_longest_name_of_a_model_fits(site: str, browser: Browser) -> None:
    name = ("best_model" * 5)[: catalog.LONGEST_NAME]
    shutil.copytree(MODELS / "conv3d", catalog.imported() / name)
    page = browser.new_page(base_url=site, viewport={"width": NARROWEST, "height": 740})
    sign_in(page)

    page.get_by_text("Other models").click()

    expect(page.get_by_text(name)).to_be_visible()
    assert too_wide(page) == []


def walk(
    page: Page,
    views: Iterable[Seen],
    pictures: Path | None,
) -> dict[str, list[str]]:
    return {where: found for seen in views for where, found in _look(page, seen, pictures).items()}


def _look(page: Page, seen: Seen, pictures: Path | None) -> dict[str, list[str]]:
    """What is wrong with it, at each width and in each scheme; the page is opened once."""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(reduced_motion="reduce")  # no color is halfway to another
    seen.open(page)
    return faults_of(page, seen.name, pictures, widths=WIDTHS)
