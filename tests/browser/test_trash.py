"""Deleting, undoing, and the trash, in a real browser: narrow and wide."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.conftest import MakeAnalysis, MakeClip, MakeUser, make_deleter
from tests.makers import videos
from video_classifier.models import Analysis
from video_classifier.services import trash
from video_classifier.states import Status

pytestmark = pytest.mark.browser

WIDTHS = (360, 1440)

# What a screen reader would stumble over: controls without a name, ids that stand for two things,
# pages without a heading of their own, tables without heads.
STUMBLES = """() => {
  const shown = (element) => element.checkVisibility();
  const controls = "main button, main a, main input:not([type=hidden])";
  const nameless = [...document.querySelectorAll(controls)]
    .filter(shown)
    .filter((e) => !(e.ariaLabel || e.textContent.trim() || e.labels?.length || e.title))
    .map((e) => `no name: ${e.outerHTML}`);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  const doubled = ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `twice: ${id}`);
  const headings = document.querySelectorAll("h1").length === 1 ? [] : ["not one h1"];
  return [...nameless, ...doubled, ...headings];
}"""


@pytest.fixture
def analysis(make_analysis: MakeAnalysis, make_clip: MakeClip, user: User) -> Analysis:
    clip = make_clip(name=f"till-{'long' * 20}.mp4", uploaded_by=user)
    return make_analysis(clip=clip, status=Status.DONE, requested_by=user)


@pytest.fixture
def page(analysis: Analysis, page: Page) -> Page:
    """With something to delete; the row is written before the browser starts."""
    return page


def look(page: Page, name: str) -> None:
    """Holds what each page promises; SCREENSHOTS=folder keeps a picture of it."""
    page.wait_for_load_state("load")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("innerWidth"), f"{name} is {width} pixels wide"
    assert page.evaluate(STUMBLES) == []
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("width", WIDTHS)
def test_deleted_undone_deleted_and_restored(page: Page, analysis: Analysis, width: int) -> None:
    name = analysis.clip.name
    page.set_viewport_size({"width": width, "height": 740})
    link = page.get_by_role("link", name=name, exact=True)

    page.goto("/history/?status=done")
    link.click()
    page.wait_for_url(lambda url: "/results/" in url)  # loaded, so that its scripts listen
    page.get_by_role("link", name="Delete clip").click()
    expect(page.get_by_role("dialog", name="Delete this clip?")).to_contain_text("30 days")
    look(page, f"dialog-{width}")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    expect(page).to_have_url(re.compile(r"/history/\?status=done&sort=hint(#.*)?$"))
    expect(page.locator("#history")).to_contain_text("0 results")
    look(page, f"undo-{width}")
    page.get_by_role("button", name="Undo").click()
    expect(page).to_have_url(re.compile(r"/history/\?status=done&sort=hint(#.*)?$"))
    expect(link).to_be_visible()
    look(page, f"undone-{width}")

    page.get_by_role("link", name=f"Delete {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#history")).to_contain_text("0 results")
    page.goto(analysis.get_absolute_url())
    expect(page.get_by_role("heading", name="This clip is in the trash")).to_be_visible()
    look(page, f"gone-{width}")
    page.get_by_role("link", name="Go to the trash").click()
    expect(page.get_by_role("heading", name="Trash", exact=True)).to_be_visible()
    look(page, f"trash-{width}")
    page.get_by_role("button", name=f"Restore {name}").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("The trash is empty")).to_be_visible()
    look(page, f"empty-{width}")
    page.goto("/history/")
    expect(link).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_deleted_for_good(
    boss: User, analysis: Analysis, browser: Browser, site: str, *, width: int
) -> None:
    page = browser.new_page(base_url=site)
    page.set_viewport_size({"width": width, "height": 740})
    sign_in(page, boss.username)
    page.goto(analysis.get_absolute_url())
    page.get_by_role("link", name="Delete clip").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("moved to the trash")).to_be_visible()

    page.goto("/trash/")
    look(page, f"boss-{width}")
    page.get_by_role("link", name=f"Delete {analysis.clip.name} for good").click()
    expect(page.get_by_role("button", name="Delete for good")).to_be_visible()
    look(page, f"purge-{width}")
    page.get_by_role("button", name="Delete for good").click()

    expect(page.get_by_text("was deleted for good")).to_be_visible()
    page.goto(analysis.get_absolute_url())
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()


@pytest.fixture
def running(make_analysis: MakeAnalysis, make_clip: MakeClip, user: User) -> Analysis:
    """Somebody else's run: the site's own runner leaves it alone."""
    return make_analysis(clip=make_clip(uploaded_by=user), status=Status.RUNNING)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return videos.write(tmp_path / "again.mp4")


@pytest.fixture
def trashed(make_analysis: MakeAnalysis, make_clip: MakeClip, user: User, video: Path) -> Analysis:
    clip = make_clip(name="till.mp4", content=video.read_bytes(), uploaded_by=user)
    analysis = make_analysis(clip=clip, status=Status.DONE, requested_by=user)
    trash.put(clip, by=user)
    return analysis


@pytest.fixture
def boss(make_user: MakeUser) -> User:
    """May delete everything; made before the browser starts."""
    return make_deleter(make_user)


@pytest.mark.usefixtures("analysis")
def test_a_result_that_is_open_elsewhere_shows_that_it_went(
    running: Analysis, browser: Browser, page: Page
) -> None:
    page.goto(running.get_absolute_url())
    other = browser.new_page(base_url=page.url)
    sign_in(other)
    other.goto("/history/")
    other.get_by_role("link", name=f"Delete {running.clip.name}").click()
    other.get_by_role("dialog").get_by_role("button", name="Delete").click()

    expect(page.get_by_role("heading", name="This clip is in the trash")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_same_bytes_offer_to_restore(
    trashed: Analysis, video: Path, browser: Browser, site: str, *, width: int
) -> None:
    page = browser.new_page(base_url=site)
    page.set_viewport_size({"width": width, "height": 740})
    sign_in(page)
    page.get_by_label("Clips", exact=True).set_input_files(video)
    row = page.locator("[data-uploads] [data-receipt]")
    expect(row).to_contain_text("In the trash.")
    look(page, f"offer-{width}")
    row.get_by_role("button", name=f"Restore {trashed.clip.name}").click()

    expect(page).to_have_url(re.compile(trashed.get_absolute_url()))
    expect(page.get_by_role("heading", name="Possible shoplifting")).to_be_visible()


def test_works_without_scripts(analysis: Analysis, browser: Browser, site: str) -> None:
    page = browser.new_page(base_url=site, java_script_enabled=False)
    sign_in(page)
    page.goto("/history/?status=done")
    page.get_by_role("link", name=f"Delete {analysis.clip.name}").click()
    page.get_by_role("button", name="Delete").click()

    page.get_by_role("button", name="Undo").click()

    expect(page.get_by_role("link", name=analysis.clip.name, exact=True)).to_be_visible()
