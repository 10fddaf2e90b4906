"""The second factor and the list of sessions in a real browser: by keys, narrow and wide."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.looks import faults_of
from tests.conftest import PASSWORD
from tests.makers.second_factors import code_of

pytestmark = pytest.mark.browser

FACTOR = "/accounts/second-factor/"


class Judge:
    """Looks at a page in each width and theme."""

    def __init__(self, folder: str | None) -> None:
        self._folder = Path(folder) if folder else None

    def look(self, page: Page, name: str) -> None:
        assert faults_of(page, name, self._folder) == {}


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    return Judge(request.config.getoption("--screenshots", default=None))


@pytest.mark.django_db(transaction=True)
def test_it_is_set_up_and_then_asked_for(
    browser: Browser, site: str, user: User, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Playwright's event loop runs in this thread, where Django then refuses to be asked.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    page = browser.new_page(base_url=site)
    sign_in(page)
    page.goto(FACTOR)
    judge.look(page, "off")
    page.get_by_role("link", name="Set it up").click()
    expect(page.locator("img")).to_have_js_property("complete", value=True)
    assert page.locator("img").evaluate("image => image.naturalWidth > 0")
    judge.look(page, "set-up")

    page.get_by_label("Code that the app shows").fill(code_of(user, confirmed=False))
    page.get_by_label("Your password").fill(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    codes = page.locator("code", has_text=re.compile(r"^\w{4}-\w{4}-\w{4}$"))
    recovery = codes.first.inner_text()
    judge.look(page, "codes")
    page.get_by_role("link", name="I have noted them").click()
    expect(page.get_by_role("heading", name="Second factor", exact=True)).to_be_visible()
    judge.look(page, "on")

    other = browser.new_page(base_url=site, java_script_enabled=False)
    other.goto("/history/")
    other.get_by_label("Username").fill("ada")
    other.get_by_label("Password").fill(PASSWORD)
    other.keyboard.press("Enter")
    expect(other.get_by_role("heading", name="Your second factor")).to_be_visible()
    expect(other.get_by_label("Code")).to_be_focused()
    other.keyboard.type(recovery)
    other.keyboard.press("Enter")
    expect(other).to_have_title(re.compile("History"))

    page.goto("/accounts/sessions/")
    judge.look(page, "sessions")
    page.get_by_role("button", name="End all others").click()
    expect(page.get_by_text("The other session is ended.")).to_be_visible()
    other.reload()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
