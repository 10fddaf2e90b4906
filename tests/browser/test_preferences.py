"""Single keys, and that somebody can do without them."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_single_keys_can_be_switched_off_and_on_again(page: Page, user: User) -> None:
    page.goto("/accounts/preferences/")
    keys = page.get_by_label("Keyboard shortcuts of a single key")
    keys.uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
    page.keyboard.press("?")
    page.keyboard.press("h")
    page.wait_for_timeout(300)
    expect(page).to_have_url(re.compile("/accounts/preferences/$"))
    expect(page.get_by_role("dialog")).to_be_hidden()

    keys.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
    page.get_by_role("heading", name="Preferences").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
