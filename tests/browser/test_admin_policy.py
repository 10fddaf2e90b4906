"""The administration works under the same Content-Security-Policy as the pages: nothing inline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from tests.browser import showcase
from tests.browser.conftest import MODELS, sign_in
from tests.conftest import MakeAnalysis, MakeClip
from video_classifier.models import Clip

pytestmark = pytest.mark.browser

# Before any script of the page runs; what the policy refuses is told to the document.
LISTEN = """
  window.refused = [];
  document.addEventListener("securitypolicyviolation", (event) => {
    window.refused.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`);
  });
"""


def addresses() -> Iterator[str]:
    """Each list, pages that add a row, and those of a row that is there."""
    yield reverse("admin:index")
    yield reverse("admin:password_change")
    for model, site in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        if model in {User, Group} or model._meta.object_name in {"Store", "Camera", "Membership"}:
            yield reverse(f"{name}_add")
        row = site.model._default_manager.first()
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])
        if row is not None and model in {User, Clip}:  # the others' are from the same templates
            yield reverse(f"{name}_history", args=[row.pk])
            yield reverse(f"{name}_delete", args=[row.pk])
    user = User.objects.get(username="ada")
    yield reverse("admin:auth_user_password_change", args=[user.pk])


@pytest.fixture
def found(
    site: str,
    tmp_path: Path,
    settings: Settings,
    user: User,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
) -> list[str]:
    """Addresses of a site with rows, before a browser is there."""
    settings.RUNNER = "none"
    settings.PERSON_DETECTOR = MODELS / "person_detector"
    showcase.furnish(tmp_path, user, make_clip=make_clip, make_analysis=make_analysis)
    return list(addresses())


def test_the_administration_needs_nothing_that_the_policy_forbids(
    found: list[str], browser: Browser, site: str
) -> None:
    page = browser.new_page(base_url=site)
    page.add_init_script(LISTEN)
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    sign_in(page, "root")
    refused = {}

    for address in found:
        answer = page.goto(address)
        assert answer is not None
        assert "unsafe" not in answer.headers["content-security-policy"]
        if told := page.evaluate("window.refused"):
            refused[address] = told

    _use(page, found)

    assert len(found) > 60
    assert (refused, page.evaluate("window.refused"), broken) == ({}, [], [])


def _use(page: Page, found: list[str]) -> None:
    """What only scripts do: a date by a click, the choice of groups, rows that are counted."""
    page.goto(next(each for each in found if "/auth/user/" in each and "change" in each))
    page.get_by_role("link", name="Today").first.click()
    expect(page.locator("#id_last_login_0")).not_to_have_value("")
    expect(page.locator(".selector-available").first).to_be_visible()
    page.locator(".theme-toggle").first.click()
    page.goto(reverse("admin:video_classifier_clip_changelist"))
    page.locator("#action-toggle").check()
    expect(page.locator(".action-counter")).not_to_contain_text("0 of")
    page.locator(".theme-toggle").first.click()
