"""Channels and the log in a real browser: added and tested by keyboard, filtered, tried again."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from tests.browser import showcase_alerts
from tests.browser.conftest import sign_in
from tests.conftest import MakeStore, MakeUser
from video_classifier.models import Channel, Delivery
from video_classifier.states import Status

pytestmark = pytest.mark.browser


@pytest.fixture
def channel(
    site: str, settings: Settings, make_user: MakeUser, make_store: MakeStore, user: User
) -> Channel:
    """One of several, with a log; written before the browser starts. Nothing is sent by itself."""
    settings.RUNNER = "none"
    showcase_alerts.make_managers(make_user, make_store)
    return showcase_alerts.make_log()


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
    expect(page.locator("#channel-facts")).to_contain_text("Last sent")
    page.get_by_role("button", name="Switch off").press("Enter")
    expect(page.get_by_text("Nothing is sent: the channel is switched off.")).to_be_visible()


def test_the_log_is_filtered_as_its_filters_change(page: Page) -> None:
    page.goto("/alerts/")
    expect(page.get_by_text("9 messages")).to_be_visible()

    page.get_by_label("State").select_option("failed")
    expect(page.get_by_text("1 message", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/alerts/\?state=failed$"))

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
