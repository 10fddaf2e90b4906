"""The page that shows the API, whose inside Swagger UI draws."""

from __future__ import annotations

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

# What is around it; Swagger UI brings a main element of its own.
AROUND = """axe.run(
  {exclude: [["#swagger-ui"]]}, {rules: {"landmark-no-duplicate-main": {enabled: false}}}
)"""


def test_it_shows_every_address_under_the_strict_policy(user: User, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto("/api/v1/docs")

    expect(page.locator("#operations-analyses-analyses_list")).to_be_visible()
    expect(page.locator("#operations-predict-predict_create")).to_be_visible()
    assert complaints == []
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(AROUND)["violations"] == []
    page.set_viewport_size({"width": 320, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_it_tries_an_address_with_the_session(user: User, page: Page) -> None:
    page.goto("/api/v1/docs")
    page.locator("#operations-stores-stores_list button").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()

    expect(page.locator(".live-responses-table")).to_contain_text("200")
    expect(page.locator(".live-responses-table")).to_contain_text("Main")
