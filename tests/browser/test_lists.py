"""The history as a list to work through: how much of it is seen, and the way along it."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Literal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from tests.browser.waiting import until
from tests.conftest import MakeAnalysis, MakeClip
from tests.makers import recordings
from tests.makers.live_cameras import make_event as make_live_event
from tests.makers.live_cameras import make_feed
from video_classifier.models import Analysis, Camera, Clip, Feed
from video_classifier.services import reviews
from video_classifier.states import Answer, Prediction, Reason, RecordedFrom, Status, Verdict

pytestmark = pytest.mark.browser

SCHEMES: tuple[Literal["light", "dark"], ...] = ("dark", "light")
LEAST_ROWS = 16
ROW_HEIGHTS = (36, 40)  # pixels
IN_SIGHT = "rows => rows.filter((row) => row.getBoundingClientRect().bottom < innerHeight).length"
HEIGHTS = "rows => rows.map((row) => row.getBoundingClientRect().height)"


@pytest.fixture
def analyses(make_analysis: MakeAnalysis, make_clip: MakeClip, user: User) -> list[Analysis]:
    """A page of them, the newest last, written before the browser starts."""
    found = []
    for number in range(25):
        name = f"{number:02}-NVR-07_main-street_camera-12-entrance_2026-11-24_21-58-03.mp4"
        clip = make_clip(
            name=name if number % 2 else f"till {number}.mp4",
            uploaded_by=user,
            recorded_at=timezone.now(),
            recorded_from=RecordedFrom.NAME,
        )
        is_hint = number % 3 == 0
        found.append(
            make_analysis(
                clip=clip,
                requested_by=user,
                status=Status.DONE,
                score=0.9 if is_hint else 0.1,
                prediction=Prediction.HINT if is_hint else Prediction.NO_HINT,
            )
        )
    store = found[0].clip.store
    Clip.objects.filter(pk=found[-1].clip_id).update(
        verdict=Verdict.CONFIRMED, camera=Camera.objects.create(store=store, name="Till 2")
    )
    Analysis.objects.filter(pk__in=[each.pk for each in found[::2]]).update(
        model="mobilenetv2_lstm"
    )
    for each in found[:2]:
        reviews.answer(None, each.clip, user, answer=Answer.FALSE_ALARM, reason=Reason.OWN_ITEM)
    return found


def picture(page: Page, request: pytest.FixtureRequest, name: str) -> None:
    """Of the page, wide and narrow, light and dark, if somebody wants it."""
    folder = request.config.getoption("--screenshots", default=None)
    if folder is None:
        return
    shown = page.viewport_size
    assert shown is not None
    for width, scheme in product((1440, 360), SCHEMES):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
    page.set_viewport_size(shown)


@pytest.fixture
def page(analyses: list[Analysis], page: Page) -> Page:
    """With a page of rows."""
    return page


def test_sixteen_low_rows_are_in_sight_of_a_usual_screen(
    page: Page, request: pytest.FixtureRequest
) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto("/history/")
    rows = page.locator(".low-row")
    expect(rows).to_have_count(25)
    picture(page, request, "lists-history")

    heights = rows.evaluate_all(HEIGHTS)

    assert (min(heights), max(heights)) >= ROW_HEIGHTS[:1]
    assert max(heights) <= ROW_HEIGHTS[1]
    assert rows.evaluate_all(IN_SIGHT) >= LEAST_ROWS

    shown = page.locator("#views [aria-current]")
    expect(shown).to_have_text("All")
    page.get_by_label("Result", exact=True).select_option("yes")
    expect(rows).to_have_count(9)
    expect(shown).to_have_count(0)


@pytest.mark.parametrize(
    ("label", "chosen", "count"), [("Result", "yes", 9), ("Search", "till", 13)]
)
def test_what_is_chosen_before_the_page_listens_is_applied(
    page: Page, label: str, chosen: str, count: int
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/htmx*.js", hold)
    page.goto("/history/", wait_until="commit")
    field = page.locator("#filters").get_by_label(label, exact=True)
    field.select_option(chosen) if label == "Result" else field.fill(chosen)
    expect(page.locator(".low-row")).to_have_count(25)

    until(page, lambda: held)[0].continue_()

    expect(page.locator(".low-row")).to_have_count(count)
    expect(page).to_have_url(re.compile(f"={chosen}"))


def test_a_stack_is_gone_through_by_keys_and_the_place_is_kept(
    page: Page, analyses: list[Analysis]
) -> None:
    page.goto("/history/?hint=yes")
    expect(page.locator("[data-row-link]")).to_have_count(9)

    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("till 18")
    page.wait_for_load_state()
    page.go_back()
    expect(page.locator(f"#open-{analyses[18].pk}")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    for key, name in (("", "15-NVR"), ("J", "till 12"), ("K", "15-NVR"), ("K", "till 18")):
        if key:
            page.keyboard.press(f"Shift+{key}")
        expect(page.get_by_role("heading", level=1)).to_contain_text(name)
        page.wait_for_load_state()  # its scripts listen
    page.keyboard.press("h")

    expect(page.locator(f"#open-{analyses[18].pk}")).to_be_focused()
    expect(page).to_have_url(re.compile(rf"/history/\?hint=yes&sort=hint#open-{analyses[18].pk}$"))


def test_keys_keep_their_place_among_events_and_uploads_too(
    recording: Analysis, analyses: list[Analysis], page: Page
) -> None:
    for address, row in (
        (recording.get_absolute_url(), "open-event-18"),
        ("/", f"open-{analyses[21].pk}"),
    ):
        page.goto(address)
        expect(page.locator("[data-row-link]").nth(1)).to_be_visible()
        page.keyboard.press("j")
        page.keyboard.press("j")
        link = page.locator(f"#{row}")
        expect(link).to_be_focused()
        leads_to = str(link.get_attribute("href"))
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url, leads_to=leads_to: url.endswith(leads_to))  # type: ignore[misc]
        page.go_back()

        expect(page.locator(f"#{row}")).to_be_focused()


def test_rows_are_chosen_by_keys_and_come_back_from_the_trash(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto("/history/?hint=yes")
    bar = page.get_by_role("form", name="The chosen clips")
    expect(bar).to_be_hidden()

    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(bar).to_be_visible()
    bar.get_by_role("button", name="Move to the trash").click()
    expect(page.get_by_text("2 clips moved to the trash.")).to_be_visible()
    expect(page.locator("[data-row-link]")).to_have_count(7)
    page.get_by_role("button", name="Undo").click()

    expect(page.get_by_text("2 clips restored.")).to_be_visible()
    expect(page.locator("[data-row-link]")).to_have_count(9)
    expect(page).to_have_url(re.compile(r"/history/\?hint=yes&sort=hint$"))


def test_the_footage_has_two_thirds_of_a_result_and_details_are_folded(
    page: Page, analyses: list[Analysis], request: pytest.FixtureRequest
) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{analyses[0].get_absolute_url()}?list=")
    picture(page, request, "lists-result")

    player = page.locator(".player-card").bounding_box()
    outcome = page.locator(".outcome").bounding_box()

    assert player is not None
    assert outcome is not None
    assert player["width"] / outcome["width"] == pytest.approx(2, abs=0.1)
    expect(page.get_by_text("SHA-256")).to_be_hidden()
    page.get_by_role("heading", name="The clip", exact=True).click()
    expect(page.get_by_text("SHA-256")).to_be_visible()


@pytest.fixture
def recording(make_clip: MakeClip, user: User) -> Analysis:
    """An hour with events, two of which somebody has answered."""
    clip = make_clip(
        name="NVR-07_main-street_camera-12-entrance_2026-11-24_21-58-03.mp4",
        uploaded_by=user,
        duration=3600.0,
        recorded_at=timezone.now(),
        recorded_from=RecordedFrom.NAME,
    )
    peaks = {60.0 * number: 0.62 + number / 100 for number in range(1, 20)}
    made = recordings.analyzed(clip, minutes=60, events=peaks)
    made.events.filter(number=3).update(verdict=Verdict.CONFIRMED)
    made.events.filter(number=4).update(verdict=Verdict.FALSE_ALARM)
    return made


@pytest.fixture
def watched(analyses: list[Analysis]) -> Feed:
    """A live camera that has seen something now and then."""
    feed = make_feed(analyses[0].clip.store, "Till 3")
    for number in range(6):
        make_live_event(feed, ago=600.0 * number, score=0.9 + number / 100)
    return feed


def test_uploads_and_events_are_low_rows_of_the_same_kind(
    recording: Analysis, watched: Feed, page: Page, request: pytest.FixtureRequest
) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    for name, address in (
        ("upload", "/"),
        ("events", recording.get_absolute_url()),
        ("live", reverse("web:camera", args=[watched.pk])),
    ):
        page.goto(address)
        picture(page, request, f"lists-{name}")
        rows = page.locator(".receipts .receipt" if name == "upload" else "#events tbody tr")

        heights = rows.evaluate_all(HEIGHTS)

        assert heights, name
        assert (min(heights) >= ROW_HEIGHTS[0], max(heights) <= ROW_HEIGHTS[1]) == (True, True)
