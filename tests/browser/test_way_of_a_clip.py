"""From a drop on the page to a prediction, a filtered history and a spreadsheet."""

from __future__ import annotations

import base64
import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from tests.browser.conftest import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.footage, pytest.mark.keras]

PREDICTION = re.compile("Possible shoplifting|No hint")
PATIENCE = 180_000  # milliseconds: a busy machine loads TensorFlow slowly

MAKE_TRANSFER = """files => {
  const transfer = new DataTransfer();
  for (const { name, content } of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: "video/mp4" }));
  }
  return transfer;
}"""


def drop(page: Page, files: dict[str, bytes]) -> None:
    """What happens when a hand lets go of files above the drop zone."""
    packed = [
        {"name": name, "content": base64.b64encode(content).decode()}
        for name, content in files.items()
    ]
    transfer = page.evaluate_handle(MAKE_TRANSFER, packed)
    page.dispatch_event("[data-drop-zone]", "drop", {"dataTransfer": transfer})


def row(page: Page, name: str) -> Locator:
    return page.locator("[data-uploads] [data-receipt]").filter(has_text=name)


def test_clips_are_dropped_judged_found_again_and_exported(page: Page, clips: list[Path]) -> None:
    files = {path.name: path.read_bytes() for path in clips}
    expect(page.get_by_text("No clips yet")).to_be_visible()

    drop(page, files | {"words.mp4": b"only words"})

    expect(page.get_by_text("No clips yet")).to_be_hidden()
    expect(row(page, "words.mp4")).to_contain_text("not a video")
    for name in files:
        expect(row(page, name)).to_contain_text(PREDICTION, timeout=PATIENCE)

    wanted, other = files
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("link", name=other, exact=True)).to_be_visible()
    page.wait_for_load_state()  # its scripts listen
    page.get_by_label("Search", exact=True).fill(Path(wanted).stem)
    expect(page.get_by_role("link", name=other, exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name=wanted, exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(f"text={Path(wanted).stem}"))

    with page.expect_download() as download:
        page.get_by_text("Export", exact=True).click()
        page.get_by_role("link", name="CSV", exact=True).click()
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [line["clip"] for line in rows] == [wanted]
    assert PREDICTION.fullmatch(rows[0]["prediction"])

    page.get_by_role("link", name=wanted, exact=True).click()
    expect(page.get_by_role("heading", name=PREDICTION)).to_be_visible()
    page.wait_for_load_state()  # before the scripts are there, it is a link to the picture
    page.locator("[data-seek]").nth(8).click()
    at = float(page.locator("[data-seek]").nth(8).get_attribute("data-seek") or "")
    page.wait_for_function(
        "at => Math.abs(document.querySelector('[data-player]').currentTime - at) < 0.1", arg=at
    )
    expect(page.locator("[data-seek]").nth(8)).to_have_attribute("aria-current", "true")


def test_a_waiting_result_shows_its_prediction_by_itself(page: Page, clips: list[Path]) -> None:
    page.get_by_label("Clips", exact=True).set_input_files(clips[0])
    row(page, clips[0].name).get_by_role("link").click()

    expect(page.get_by_role("heading", name=PREDICTION)).to_be_visible(timeout=PATIENCE)
    expect(page.locator("[data-seek]")).to_have_count(16)
    expect(page.locator("#analysis")).not_to_have_attribute("hx-trigger", re.compile(""))


def test_works_without_scripts(browser: Browser, site: str, clips: list[Path]) -> None:
    page = browser.new_page(base_url=site, java_script_enabled=False)
    sign_in(page)

    words: FilePayload = {"name": "words.mp4", "mimeType": "video/mp4", "buffer": b"only words"}
    content = clips[0].read_bytes()
    clip: FilePayload = {"name": "till.mp4", "mimeType": "video/mp4", "buffer": content}
    page.get_by_label("Clips", exact=True).set_input_files([words, clip])
    page.get_by_role("button", name="Upload and analyze").click()

    expect(page.get_by_role("heading", name="Uploaded")).to_be_visible()
    expect(page.locator("[data-receipt]").filter(has_text="words.mp4")).to_contain_text("Not taken")
    page.get_by_role("link", name="till.mp4").click()
    expect(page.get_by_role("heading", name=PREDICTION)).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="Delete clip").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing yet")).to_be_visible()
