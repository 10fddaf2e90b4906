"""Channels and the log in a real browser: added and tested by keyboard, filtered, tried again.

    python -m pytest tests/browser/test_alerts.py --screenshots OUT

writes a picture of each page to the folder OUT.
"""

from __future__ import annotations

import re
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from tests.browser.conftest import sign_in
from tests.browser.showcase import Seen, at
from tests.browser.test_looks import walk
from tests.conftest import MakeStore, MakeUser
from tests.makers.alerts import make_channel, make_delivery, make_digest
from video_classifier.models import Camera, Channel, Delivery
from video_classifier.states import AlertKind, ChannelKind, Gathering, Role, Status, Suppression

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def manager(
    site: str, settings: Settings, make_user: MakeUser, make_store: MakeStore, user: User
) -> User:
    """Of two stores with a camera each. Nothing is sent by itself."""
    settings.RUNNER = "none"
    found = make_user("grace", roles=[Role.MANAGER])
    found.memberships.create(store=make_store("Station"), role=Role.MANAGER)
    for store, name in (("Main", "Back door"), ("Station", "Till 2, at the window")):
        Camera.objects.create(store=make_store(store), name=name)
    make_user("newcomer", store=make_store("North"), roles=[Role.MANAGER])
    return found


@pytest.fixture
def channel(manager: User, make_store: MakeStore) -> Channel:
    """One of several, with a log; written before the browser starts."""
    main, station = make_store("Main"), make_store("Station")
    door = Camera.objects.get(name="Back door")
    night = make_channel(
        "Night shift", stores=[main], quiet_from=time(22), quiet_until=time(6), least_score=0.8
    )
    hook = make_channel("Control room", kind=ChannelKind.WEBHOOK, stores=[main, station])
    hook.sealed_key = hook.sealed_target
    hook.save()
    phone = make_channel(
        "The telephone of whoever is on call at the weekend",
        kind=ChannelKind.APPRISE,
        stores=[station],
        cameras=[Camera.objects.get(store=station)],
        is_enabled=False,
    )
    make_delivery(night, camera=door, status=Status.DONE, lacks_snapshot=True)
    failed: dict[str, Any] = {"status": Status.FAILED, "error": f"It said {'no' * 60}."}
    make_delivery(hook, camera=door, kind=AlertKind.BACK, **failed)
    make_delivery(hook, camera=door, kind=AlertKind.OFFLINE, attempts=2, error="Nobody answers.")
    make_delivery(phone, kind=AlertKind.TEST, status=Status.RUNNING)
    make_delivery(night, camera=door, status=Status.CANCELLED)
    later = timezone.now() + timedelta(hours=3)
    digest = make_digest(night, gathers=Gathering.QUIET, not_before=later)
    held: dict[str, Any] = {
        "status": Status.CANCELLED,
        "suppression": Suppression.DIGEST,
        "digest": digest,
    }
    for _ in range(3):
        make_delivery(night, camera=door, **held)
    return night


@pytest.fixture
def page(channel: Channel, browser: Browser, site: str) -> Page:
    page = browser.new_page(base_url=site)
    sign_in(page, "grace")
    return page


def test_a_channel_is_added_and_tested_by_keyboard(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread
    page.goto("/alerts/channels/")
    page.get_by_role("link", name="Add a channel").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="E-mail").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("Day shift")
    page.keyboard.press("Tab")
    page.keyboard.type("day@shop.example")
    page.get_by_role("checkbox", name="Main", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_label("Name", exact=True).press("Enter")

    expect(page.get_by_text("“Day shift” was added.")).to_be_visible()
    assert "day@shop.example" not in page.content()
    page.get_by_role("button", name="Send a test").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#test")).to_contain_text("The test is on its way.")
    made = Delivery.objects.filter(channel__name="Day shift")
    made.update(status=Status.DONE, sent_at=timezone.now())
    expect(page.locator("#test")).to_contain_text("The test was sent.")
    expect(page.get_by_role("status")).to_contain_text("The test was sent.")
    page.get_by_role("button", name="Switch off").press("Enter")
    expect(page.get_by_text("Nothing is sent: the channel is switched off.")).to_be_visible()


def test_the_log_is_filtered_as_its_filters_change(page: Page) -> None:
    page.goto("/alerts/")
    expect(page.get_by_text("9 messages")).to_be_visible()

    page.get_by_label("State").select_option("failed")
    expect(page.get_by_text("1 message", exact=True)).to_be_visible()
    assert page.url.endswith("/alerts/?state=failed")

    page.get_by_role("button", name="Try again").press("Enter")
    expect(page.get_by_text("Another try is made to reach “Control room”.")).to_be_visible()
    expect(page.get_by_text("No message matches these filters.")).to_be_visible()
    page.get_by_role("link", name="Clear all", exact=True).press("Enter")
    page.get_by_role("link", name="Digest of 3 alerts").press("Enter")
    expect(page.get_by_text("4 messages")).to_be_visible()


def test_channels_work_without_scripts(page: Page, browser: Browser, site: str) -> None:
    plain = browser.new_page(base_url=site, java_script_enabled=False)
    sign_in(plain, "grace")
    plain.goto("/alerts/channels/new/webhook/")
    plain.get_by_label("Name", exact=True).fill("Program")
    plain.get_by_label("Address of the webhook").fill("https://93.184.215.14/hook")
    plain.get_by_role("checkbox", name="Main", exact=True).check()
    plain.get_by_role("button", name="Add the channel").click()

    expect(plain.locator("code")).to_have_text(re.compile(r"whsec_\S{44}"))
    plain.get_by_role("link", name="I have copied it").click()
    plain.get_by_role("button", name="Send a test").click()
    expect(plain.get_by_text("The test is on its way.")).to_be_visible()
    plain.get_by_role("link", name="Look again").click()
    plain.get_by_role("link", name="Delete the channel").click()
    expect(plain.get_by_text("1 message waits")).to_be_visible()
    plain.get_by_role("button", name="Delete").click()
    expect(plain.get_by_text("“Program” was deleted.")).to_be_visible()
    plain.goto("/alerts/")
    plain.get_by_label("Kind").select_option("digest")
    plain.get_by_role("button", name="Filter", exact=True).click()
    expect(plain.get_by_text("1 message", exact=True)).to_be_visible()


def test_the_pages_of_alerts_are_accessible_and_fit(
    page: Page, channel: Channel, browser: Browser, site: str, request: pytest.FixtureRequest
) -> None:
    option = request.config.getoption("--screenshots", default=None)
    folder = Path(option) if option else None

    def refused(page: Page) -> None:
        page.goto("/alerts/channels/new/email/")
        page.get_by_label("Name", exact=True).fill("Day shift")
        page.get_by_label("E-mail addresses").fill("nobody")
        page.get_by_role("checkbox", name="Main", exact=True).check()
        page.get_by_role("button", name="Add the channel").click()
        expect(page.locator(".errorlist").first).to_be_visible()

    def keyed(page: Page) -> None:
        page.goto("/alerts/channels/")
        page.get_by_role("link", name="Settings of Control room").click()
        page.get_by_role("link", name="Make a new key").click()
        page.get_by_role("button", name="Make a new key").click()
        expect(page.get_by_text("I have copied it")).to_be_visible()

    def tested(page: Page) -> None:
        page.goto(f"/alerts/channels/{channel.pk}/")
        page.get_by_role("button", name="Send a test").click()
        expect(page.locator("#test")).to_contain_text("The test is on its way.")

    views = [
        at("alerts", "/alerts/"),
        at("alerts-filtered", "/alerts/?state=cancelled&kind=live"),
        at("alerts-none", "/alerts/?state=done&kind=disk"),
        at("channels", "/alerts/channels/"),
        at("channel-kinds", "/alerts/channels/new/"),
        at("channel-new", "/alerts/channels/new/webhook/"),
        Seen(name="channel-refused", open=refused),
        at("channel-settings", f"/alerts/channels/{channel.pk}/"),
        Seen(name="channel-tested", open=tested),
        Seen(name="channel-key", open=keyed),
        at("channel-delete", f"/alerts/channels/{channel.pk}/delete/"),
    ]
    faults = walk(page, views, folder)
    page = browser.new_page(base_url=site)
    sign_in(page, "newcomer")
    faults |= walk(
        page,
        [at("alerts-empty", "/alerts/"), at("channels-empty", "/alerts/channels/")],
        folder,
    )

    assert faults == {}
