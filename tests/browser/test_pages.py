"""Every page in a real browser: quiet, in shape, and usable by keyboard."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import ConsoleMessage, Dialog, FilePayload, Locator, Page, Route, expect
from pytest_django import Settings

from tests.browser.waiting import wait_for_parts
from tests.conftest import MakeAnalysis, MakeClip
from video_classifier.models import Analysis
from video_classifier.states import Status

pytestmark = pytest.mark.browser


@pytest.fixture
def analyses(make_analysis: MakeAnalysis, make_clip: MakeClip, user: User) -> list[Analysis]:
    """A finished one, a failed one and one that is running, newest last."""
    return [
        make_analysis(
            clip=make_clip(name=f"{status}-{'long' * 20}.mp4", uploaded_by=user),
            status=status,
            requested_by=user,
        )
        for status in (Status.DONE, Status.FAILED, Status.RUNNING)
    ]


@pytest.fixture
def page(analyses: list[Analysis], page: Page) -> Page:
    """With something to show; the rows are written before the browser starts."""
    return page


def test_no_page_complains_or_overflows(page: Page, analyses: list[Analysis]) -> None:
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # The clips here are no real videos, and their frames not there.
        if message.type in {"error", "warning"} and "404" not in message.text:
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.set_viewport_size({"width": 360, "height": 740})

    addresses = [analysis.get_absolute_url() for analysis in analyses]
    for address in ["/", "/history/", "/history/?text=none", "/accounts/password/", *addresses]:
        with page.expect_response(re.compile(r"/alerts/news/")):
            page.goto(address)
        wait_for_parts(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{address} is {width} pixels wide"

    assert complaints == []


def test_the_keyboard_is_enough(page: Page, analyses: list[Analysis]) -> None:
    page.keyboard.press("h")
    expect(page).to_have_url(re.compile(r"/history/\?sort=hint$"))
    page.wait_for_load_state()  # its scripts listen

    page.keyboard.press("/")
    expect(page.get_by_label("Search", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.get_by_role("heading", name="History").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(analyses[0].get_absolute_url()))


FOCUSED = """() => {
  const focused = document.activeElement;
  const ringed = focused.closest("[data-drop-zone]") ?? focused;
  const { outlineStyle, outlineWidth } = getComputedStyle(ringed);
  const { left, top, width, height } = ringed.getBoundingClientRect();
  const onTop = document.elementFromPoint(left + width / 2, top + height / 2);
  return {
    what: focused.outerHTML.slice(0, 120),
    ring: outlineStyle !== "none" && parseFloat(outlineWidth) >= 1,
    seen: ringed.contains(onTop) || Boolean(onTop?.contains(focused)),
    place: Math.round(top + scrollY),
  };
}"""


@pytest.mark.parametrize("where", ["upload", "history", "result"])
def test_the_focus_is_seen_wherever_it_goes_and_goes_down_the_page(
    page: Page, analyses: list[Analysis], where: str
) -> None:
    page.emulate_media(reduced_motion="reduce")  # no page is still moving to what has the focus
    page.goto({"upload": "/", "history": "/history/"}.get(where, analyses[0].get_absolute_url()))
    wait_for_parts(page)
    page.keyboard.press("Tab")
    stops: list[dict[str, Any]] = []
    while page.evaluate("document.activeElement !== document.body") and len(stops) < 60:
        stops.append(page.evaluate(FOCUSED))
        page.keyboard.press("Tab")

    assert len(stops) > 8
    assert [stop for stop in stops if not (stop["ring"] and stop["seen"])] == []
    leaps = [b["what"] for a, b in pairwise(stops) if b["place"] < a["place"] - 400]
    assert leaps == []


def test_question_mark_shows_the_shortcuts(page: Page) -> None:
    page.keyboard.press("?")

    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


def test_the_theme_is_remembered(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)

    page.get_by_role("button", name="Theme").click()
    page.get_by_label("Dark").check()
    page.reload()

    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    assert page.evaluate(background) != light


def test_deleting_asks_first(page: Page, analyses: list[Analysis]) -> None:
    name = analyses[0].clip.name
    page.goto("/history/?status=done")

    page.get_by_role("link", name=f"Delete {name}").click()
    dialog = page.get_by_role("dialog", name="Delete this clip?")
    expect(dialog).to_contain_text(name)
    dialog.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()

    page.get_by_role("link", name=f"Delete {name}").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile(r"/history/\?status=done&sort=hint$"))
    expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)


def test_filters_and_their_chips_agree(page: Page) -> None:
    page.goto("/history/")

    page.get_by_label("Status").select_option("failed")
    expect(page.locator("[data-row-link]")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/history/\?status=failed&sort=hint$"))
    page.get_by_role("link", name="Clip", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?status=failed&sort=-clip$"))
    expect(page.get_by_role("link", name="Clip", exact=True)).to_be_focused()
    page.get_by_role("link", name="Status: Failed").click()

    expect(page.locator("[data-row-link]")).to_have_count(3)
    expect(page.get_by_label("Status")).to_have_value("")
    expect(page).to_have_url(re.compile(r"\?sort=-clip$"))


def test_going_back_takes_the_filter_away(page: Page) -> None:
    page.goto("/history/")
    page.get_by_label("Status").select_option("failed")
    expect(page.locator("[data-row-link]")).to_have_count(1)

    page.go_back()

    expect(page.locator("[data-row-link]")).to_have_count(3)
    expect(page.get_by_label("Status")).to_have_value("")


def some_clip(name: str = "till.mp4") -> FilePayload:
    return {"name": name, "mimeType": "video/mp4", "buffer": b"x" * 2000}


def never_answer(_: Route) -> None:
    """Leaves an upload under way."""


def choose(page: Page, *files: FilePayload) -> Locator:
    """The rows that they get on the page."""
    page.get_by_label("Clips", exact=True).set_input_files(files)
    return page.locator("[data-uploads] [data-receipt]")


def test_too_large_a_clip_is_refused_before_it_is_sent(page: Page, settings: Settings) -> None:
    settings.RECORDING_MAX_BYTES = 1000
    page.reload()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))

    row = choose(page, some_clip())

    expect(row).to_contain_text("larger than 1000 bytes")
    assert "POST" not in sent


def test_a_cancelled_clip_makes_way_for_the_next(page: Page) -> None:
    page.route("**/uploads/", never_answer)
    rows = choose(page, *(some_clip(f"{number}.mp4") for number in range(2)))
    expect(rows.nth(0)).to_contain_text("Sending")
    expect(rows.nth(1)).to_contain_text("Waiting to be sent")

    rows.nth(0).get_by_role("button", name="Cancel").click()

    expect(rows.nth(0)).to_contain_text("Cancelled")
    expect(rows.nth(0)).not_to_contain_text("Not taken")
    expect(rows.nth(1)).to_contain_text("Sending")


def test_a_long_name_shows_its_end_and_all_of_it_on_hover(
    page: Page, analyses: list[Analysis]
) -> None:
    name = analyses[0].clip.name
    page.set_viewport_size({"width": 360, "height": 740})
    page.route("**/uploads/", never_answer)
    sending = choose(page, some_clip(f"new-{name}"))
    expect(sending.get_by_title(f"new-{name}")).to_have_text(f"new-{name}")
    page.unroute("**/uploads/")
    page.on("dialog", lambda dialog: dialog.accept())

    for address in ("/", "/history/", analyses[0].get_absolute_url()):
        page.goto(address)
        shown = page.get_by_title(name, exact=True).first
        end = shown.locator("span").last.bounding_box()
        assert shown.text_content() == name
        assert end is not None
        assert end["x"] + end["width"] <= 360
        assert end["height"] < 40  # one line


def test_leaving_while_clips_are_sent_asks_first(page: Page) -> None:
    page.route("**/uploads/", never_answer)
    choose(page, some_clip())

    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    with page.expect_event("dialog"):
        page.get_by_role("link", name="History").click()

    assert asked == ["beforeunload"]
    expect(page.get_by_role("heading", name="Upload clips")).to_be_visible()


def test_who_was_signed_out_meanwhile_is_told(page: Page) -> None:
    page.route("**/live/**", never_answer)  # who asks for rows is sent to the sign-in page
    page.context.clear_cookies(name="sessionid")

    row = choose(page, some_clip())

    expect(row).to_contain_text("Sign in again")


def test_a_page_left_open_leads_to_signing_in(page: Page, analyses: list[Analysis]) -> None:
    page.goto(analyses[-1].get_absolute_url())

    page.context.clear_cookies(name="sessionid")

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("size", [2_000, 5_000_000])
def test_who_lost_all_cookies_meanwhile_is_told(page: Page, size: int) -> None:
    page.route("**/live/**", never_answer)  # who asks for rows is sent to the sign-in page
    page.context.clear_cookies()

    row = choose(page, {"name": "till.mp4", "mimeType": "video/mp4", "buffer": bytes(size)})

    expect(row).to_contain_text("Sign in again")


MAKE_TRANSFER = """() => {
  const transfer = new DataTransfer();
  transfer.items.add(new File(["x".repeat(2000)], "till.mp4", { type: "video/mp4" }));
  return transfer;
}"""


def drop(page: Page, where: str) -> bool:
    """What happens when a hand lets go of a clip; says if the browser was kept from opening it."""
    return bool(
        page.evaluate(
            """([where, transfer]) => !document.querySelector(where).dispatchEvent(
              new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
            )""",
            [where, page.evaluate_handle(MAKE_TRANSFER)],
        )
    )


def test_a_clip_that_misses_the_zone_is_taken(page: Page) -> None:
    assert drop(page, "h1")

    expect(page.locator("[data-uploads] [data-receipt]")).to_contain_text("till.mp4")


def test_a_clip_dropped_on_another_page_opens_nothing_and_is_told(page: Page) -> None:
    page.goto("/history/")

    assert drop(page, "h1")
    assert drop(page, "table")

    expect(page.get_by_text("Nothing was sent. Drop clips on the page “Upload”.")).to_have_count(1)


def test_full_screen_is_one_button_with_boxes_or_without(
    page: Page, analyses: list[Analysis]
) -> None:
    page.goto(analyses[-1].get_absolute_url())

    player = page.locator("[data-player]")

    expect(page.get_by_label("Show boxes")).to_be_hidden()
    assert player.evaluate("video => video.controlsList.contains('nofullscreen')") is True


def test_without_a_connection_an_upload_says_so(page: Page) -> None:
    page.context.set_offline(True)

    row = choose(page, some_clip())

    expect(row).to_contain_text("Connection lost. Trying again in")


def test_who_keeps_only_the_session_is_told_to_reload(page: Page) -> None:
    page.context.clear_cookies(name="csrftoken")

    row = choose(page, some_clip())

    expect(row).to_contain_text("Reload the page")
