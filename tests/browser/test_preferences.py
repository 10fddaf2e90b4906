"""Single keys, and that somebody can do without them."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.conftest import MakeAnalysis
from video_classifier.models import Analysis
from video_classifier.states import Status

pytestmark = pytest.mark.browser


def test_single_keys_can_be_switched_off_and_on_again(page: Page, user: User) -> None:
    page.goto("/accounts/preferences/")
    keys = page.get_by_label("Keyboard shortcuts of a single key")
    keys.uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
    page.wait_for_load_state()  # its scripts listen
    page.keyboard.press("?")
    page.keyboard.press("h")
    page.wait_for_timeout(300)
    expect(page).to_have_url(re.compile("/accounts/preferences/$"))
    expect(page.get_by_role("dialog")).to_be_hidden()

    keys.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("body:not([data-keys-off])")).to_be_visible()  # it is another page
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
    page.wait_for_load_state()
    page.get_by_role("heading", name="Preferences").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.fixture
def analyses(make_analysis: MakeAnalysis) -> list[Analysis]:
    """Written before the browser starts."""
    return [make_analysis(name=f"till_{number}.mp4", status=Status.DONE) for number in range(3)]


def test_keys_that_are_off_move_and_choose_no_row(analyses: list[Analysis], page: Page) -> None:
    page.goto("/accounts/preferences/")
    page.get_by_label("Keyboard shortcuts of a single key").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
    page.goto("/history/")
    boxes = page.locator("[data-choose]")
    boxes.nth(1).focus()  # a field, but none to type in

    for key in ("x", "j", "k", "Shift+J"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)

    expect(page.locator("[data-choose]:checked")).to_have_count(0)
    expect(boxes.nth(1)).to_be_focused()
    page.keyboard.press("Space")
    expect(boxes.nth(1)).to_be_checked()
    page.goto(f"{analyses[1].get_absolute_url()}?list=")
    page.keyboard.press("Shift+J")
    page.wait_for_timeout(300)
    expect(page).to_have_url(re.compile(str(analyses[1].pk)))
