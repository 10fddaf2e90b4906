"""API keys in a real browser: made, copied and revoked by keyboard, and without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in

pytestmark = pytest.mark.browser

TEXT = re.compile(r"slk_[\w-]{43}")


def make(page: Page) -> str:
    """The key, by the keys alone."""
    page.goto("/accounts/keys/")
    page.get_by_label("Name").focus()
    page.keyboard.type("Nightly export")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("Upload clips")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Key created")).to_be_visible()
    page.wait_for_load_state()  # its scripts listen
    return page.locator("code", has_text=TEXT).inner_text()


def test_a_key_is_made_and_copied_and_not_seen_again(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = make(page)

    page.get_by_role("button", name="Copy the key").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == text
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("row", name="Nightly export")).to_contain_text(text[:12])
    assert text[12:] not in page.content()


def test_a_key_is_made_and_revoked_without_scripts(browser: Browser, site: str) -> None:
    page = browser.new_page(base_url=site, java_script_enabled=False)
    sign_in(page)
    make(page)
    page.get_by_role("link", name="I have copied it").click()

    page.get_by_role("link", name="Revoke Nightly export").click()
    page.get_by_role("button", name="Revoke").click()

    expect(page.get_by_text("“Nightly export” was revoked.")).to_be_visible()
    expect(page.get_by_role("link", name="Revoke Nightly export")).to_have_count(0)
