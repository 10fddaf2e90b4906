"""The score curve leads the player by mouse and keys, and follows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.db import connection
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.curve import expect_now, now, place, slider
from tests.browser.looks import SCHEMES, show
from tests.browser.waiting import until, wait_for_parts
from tests.conftest import MakeAnalysis, MakeClip, MakeTrack
from tests.makers import videos
from video_classifier.models import Analysis, Clip
from video_classifier.states import Playback, Status, View

pytestmark = pytest.mark.browser

MOST_STOPS = 25  # of the Tab key
SECONDS = 10.0
FIRST = [[0.0, 2.0, 0.1], [1.0, 3.0, 0.4], [2.0, 4.0, 0.2]]
SECOND = [[4.0, 6.0, 0.3], [5.0, 7.0, 0.81], [6.0, 8.0, 0.7], [7.0, 9.0, 0.2]]


@pytest.fixture
def analysis(
    make_clip: MakeClip, make_analysis: MakeAnalysis, make_track: MakeTrack, tmp_path: Path
) -> Analysis:
    """Track 1, and after it track 2 with an event: a hint."""
    video = videos.write(tmp_path / "clip.mp4", 100, size=(160, 120), gop=5)
    made = make_analysis(
        clip=make_clip(content=video.read_bytes(), duration=SECONDS),
        status=Status.DONE,
        view=View.PERSON,
        decided_by=2,
        score=0.81,
        threshold=0.6,
    )
    still = [[0.2, 0.2, 0.4, 0.8]] * 2
    make_track(analysis=made, number=1, score=0.4, times=[0.0, 4.0], boxes=still, windows=FIRST)
    make_track(analysis=made, number=2, score=0.81, times=[4.0, 9.0], boxes=still, windows=SECOND)
    return made


@pytest.fixture
def page(analysis: Analysis, page: Page) -> Page:
    page.goto(analysis.get_absolute_url())
    expect(slider(page)).to_be_visible()
    wait_for_parts(page)
    return page


# How much of what is below the player comes to lie over it; false if nothing has moved.
OVER = """() => {
  scrollTo({ top: 400, behavior: "instant" });
  const below = document.querySelector(".player-card").getBoundingClientRect().bottom;
  const others = document.querySelectorAll(".result__curve, .strips, .result__wide");
  const tops = [...others].map((each) => each.getBoundingClientRect().top);
  return scrollY > 0 && tops.filter((top) => top < below).length;
}"""


def test_nothing_slides_over_the_player(page: Page) -> None:
    for width, height in ((1440, 900), (360, 740)):
        page.set_viewport_size({"width": width, "height": height})

        over = page.evaluate(OVER)

        assert (width, over, over is False) == (width, 0, False)


def says(page: Page, words: str) -> None:
    """To assistive technology, and to the eye."""
    expect(slider(page)).to_have_attribute("aria-valuetext", words)
    expect(page.locator("[data-reading]")).to_have_text(words)


def test_a_click_seeks(page: Page) -> None:
    page.mouse.click(*place(page, 0.65))

    expect_now(page, pytest.approx(6.5, abs=0.1))
    expect(slider(page)).to_have_attribute("aria-valuenow", re.compile(r"6\.[45]"))
    box = page.locator("[data-picture] .box").filter(visible=True)
    expect(box.locator("text")).to_have_text("2")


def test_dragging_seeks_all_the_way_and_not_beyond(page: Page) -> None:
    page.mouse.move(*place(page, 0.2))
    page.mouse.down()
    page.mouse.move(*place(page, 0.5), steps=3)
    expect_now(page, pytest.approx(5.0, abs=0.1))

    page.mouse.move(*place(page, 1.3))
    expect_now(page, pytest.approx(SECONDS, abs=0.2))

    page.mouse.up()
    page.mouse.move(*place(page, 0.1))
    assert now(page) == pytest.approx(SECONDS, abs=0.2)


def test_what_is_under_the_pointer_shows_as_text_and_seeks_nothing(page: Page) -> None:
    reading = page.locator("[data-reading]")

    page.mouse.move(*place(page, 0.62))
    expect(reading).to_have_text("0:06, track 2, score 0.81, possible shoplifting")
    expect(page.locator("[data-pointed]")).to_have_attribute("data-of", "track 2")
    assert now(page) == 0

    page.mouse.move(0, 0)
    expect(reading).to_have_text("0:00, track 1, score 0.10")


def test_keys_go_from_window_to_window_and_to_the_peaks(page: Page) -> None:
    slider(page).focus()

    for key, seconds, words in [
        ("ArrowRight", 1.5, "0:01, track 1, score 0.40"),
        ("ArrowUp", 2.5, "0:02, track 1, score 0.20"),
        ("ArrowRight", 4.0, "0:04, track 2, score 0.30, possible shoplifting"),
        ("ArrowLeft", 2.5, "0:02, track 1, score 0.20"),
        ("ArrowDown", 1.5, "0:01, track 1, score 0.40"),
        ("PageDown", 2.0, "0:02, track 1, score 0.40"),
        ("PageDown", 6.0, "0:06, track 2, score 0.81, possible shoplifting"),
        ("PageUp", 2.0, "0:02, track 1, score 0.40"),
        ("End", SECONDS, "0:10, no score"),
        ("Home", 0.0, "0:00, track 1, score 0.10"),
    ]:
        page.keyboard.press(key)
        says(page, words)
        expect_now(page, pytest.approx(seconds, abs=0.05))


def test_keys_come_to_it_after_the_prediction_and_it_can_be_seen(page: Page) -> None:
    page.get_by_role("button", name="Full screen").focus()

    page.keyboard.press("Tab")
    prediction = page.get_by_role("region", name="Result", exact=True)
    expect(prediction.get_by_role("link", name="Track 2")).to_be_focused()

    for _ in range(MOST_STOPS):  # answers, and what is known of the model, come in between
        page.keyboard.press("Tab")
        if slider(page).evaluate("it => it === document.activeElement"):
            break
    expect(slider(page)).to_be_focused()
    assert slider(page).evaluate("it => getComputedStyle(it).outlineStyle") == "solid"


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_key_plays_and_pauses_and_the_playhead_follows(page: Page, key: str) -> None:
    playhead = page.locator("[data-playhead]")
    slider(page).focus()

    page.keyboard.press(key)
    expect(playhead).to_have_attribute("x", re.compile(r"^[1-9]"))
    page.keyboard.press(key)

    page.wait_for_function("() => document.querySelector('[data-player]').paused")
    lies = page.locator("[data-playhead]").get_attribute
    until(page, lambda: lies("x") == f"{100 * now(page) / SECONDS:.2f}%")


def test_a_time_in_the_table_leads_the_player(page: Page) -> None:
    page.get_by_text("Scores as a table").click()

    page.get_by_role("cell", name="0:05.0").get_by_role("link").click()

    says(page, "0:05, track 2, score 0.30, possible shoplifting")
    expect_now(page, pytest.approx(5.0, abs=0.05))


def test_in_two_columns_it_is_below_the_player_and_as_wide_as_its_bar(page: Page) -> None:
    margin = 16  # of Chromium's own bar
    player = page.locator("[data-player]").bounding_box()
    chart = slider(page).bounding_box()

    assert player is not None
    assert chart is not None
    assert chart["x"] == pytest.approx(player["x"] + margin, abs=2)
    assert chart["width"] == pytest.approx(player["width"] - 2 * margin, abs=4)

    clip, prediction = (
        corner(page.get_by_role("region", name=name, exact=True)) for name in ("Clip", "Result")
    )
    assert clip[1] == prediction[1] < chart["y"]
    assert clip[0] <= chart["x"] < prediction[0]


def corner(part: Locator) -> tuple[float, float]:
    box = part.bounding_box()
    assert box is not None
    return box["x"], box["y"]


def test_in_one_column_it_comes_after_the_prediction(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})

    player, prediction = (
        corner(page.get_by_role("region", name=name, exact=True)) for name in ("Clip", "Result")
    )
    tracks = corner(page.get_by_role("heading", name="Tracks", exact=True))

    assert player[1] < prediction[1] < corner(slider(page))[1] < tracks[1]


def elsewhere(change: Callable[[], object]) -> None:
    """Changes the database where no event loop of Playwright runs."""

    def work() -> None:
        change()
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


@pytest.fixture
def _under_way(analysis: Analysis) -> None:
    Analysis.objects.filter(pk=analysis.pk).update(
        status=Status.RUNNING, prediction="", score=None, decided_by=None
    )


@pytest.mark.usefixtures("_under_way")
def test_it_comes_by_itself_with_the_result(
    analysis: Analysis, browser: Browser, site: str
) -> None:
    page = browser.new_page(base_url=site)
    sign_in(page)
    page.goto(analysis.get_absolute_url())
    expect(page.get_by_role("heading", name="On its way")).to_be_visible()

    elsewhere(analysis.save)

    expect(slider(page)).to_have_attribute("aria-valuetext", "0:00, track 1, score 0.10")


@pytest.fixture
def _without_copy(analysis: Analysis) -> None:
    Clip.objects.filter(pk=analysis.clip_id).update(playback=Playback.WANTED)


@pytest.mark.usefixtures("_without_copy")
def test_it_leads_a_copy_that_comes_later(analysis: Analysis, browser: Browser, site: str) -> None:
    page = browser.new_page(base_url=site)
    sign_in(page)
    page.goto(analysis.get_absolute_url())
    expect(page.get_by_text("A copy of this clip")).to_be_visible()
    expect(slider(page)).to_have_count(0)

    elsewhere(analysis.clip.save)
    slider(page).press("PageDown")

    says(page, "0:02, track 1, score 0.40")


@pytest.fixture
def _without_file(analysis: Analysis) -> None:
    analysis.clip.file.delete(save=False)


@pytest.mark.usefixtures("_without_file")
def test_without_its_file_it_is_a_picture_to_point_at(
    analysis: Analysis, browser: Browser, site: str
) -> None:
    page = browser.new_page(base_url=site)
    sign_in(page)
    page.goto(analysis.get_absolute_url())
    expect(page.get_by_text("be played here")).to_be_visible()

    page.locator("[data-curve]").hover()

    expect(slider(page)).to_have_count(0)
    expect(page.get_by_role("img", name=re.compile("Track 2 has the highest"))).to_be_visible()
    expect(page.locator("[data-reading]")).to_contain_text("track 2, score")


def test_without_scripts_it_can_be_read(analysis: Analysis, browser: Browser, site: str) -> None:
    page = browser.new_context(base_url=site, java_script_enabled=False).new_page()
    sign_in(page)
    page.goto(analysis.get_absolute_url())

    page.get_by_text("Scores as a table").click()

    expect(page.get_by_role("img", name=re.compile("Track 2 has the highest"))).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(1 + len(FIRST) + len(SECOND))
    expect(page.get_by_role("link", name="0:05.0")).to_have_attribute("href", re.compile("#t=5"))


def test_axe_finds_no_barrier(page: Page) -> None:
    page.get_by_text("Scores as a table").click()

    page.evaluate(AXE_SCRIPT)

    for scheme in SCHEMES:
        show(page, scheme)
        found = page.evaluate("axe.run(document.querySelector('#curve'))")
        assert (scheme, [fault["id"] for fault in found["violations"]]) == (scheme, [])
