"""The page of a recording of an hour, and that of an event: by mouse, keys and links."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from tests.browser import waiting
from tests.browser.conftest import sign_in
from tests.browser.curve import expect_now, now, place, slider
from tests.browser.looks import faults_of
from tests.conftest import MakeClip
from tests.makers import recordings, videos
from video_classifier.models import Analysis
from video_classifier.services import evidence, files

pytestmark = pytest.mark.browser

HOUR = 3600.0
EVENTS = {600.0: 0.7, 1830.0: 0.95, 3000.0: 0.65}
FINGER = 44  # pixels

# The number at a box lies over the picture; axe looks for what is behind it behind the player.
PICTURE = "[data-picture]"

TOO_SMALL = """least => [...document.querySelectorAll(".zoom a, .zoom button, "
  + ".zoom input:not([type=hidden]), .events__sort a, .event-ways a, .event-loop")]
  .filter((it) => it.checkVisibility() && !it.hidden)
  .map((it) => [it.textContent.trim(), it.getBoundingClientRect()])
  .filter(([, { width, height }]) => width < least || height < least)
  .map(([name, { width, height }]) => `${name}: ${width} x ${height}`)
"""


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video of a picture a second."""
    path = tmp_path_factory.mktemp("videos") / "hour.mp4"
    return videos.write(path, int(HOUR), size=(64, 48), rate=1, gop=10).read_bytes()


@pytest.fixture
def recording(make_clip: MakeClip, hour: bytes) -> Analysis:
    """An hour with three events; two minutes of it failed, in ten there is nobody."""
    made = recordings.analyzed(
        make_clip(content=hour, duration=HOUR, width=64, height=48),
        minutes=60,
        events=EVENTS,
        failed=dict.fromkeys((4, 5), "The pictures there could not be read."),
        nobody=range(41, 51),
        boxes=25,
    )
    for event in made.events.select_related("track__segment"):
        assert event.track is not None
        picture = evidence.jpeg(videos.picture(event.number, width=160, height=120), 80)
        crops = (evidence.crop_file(event.track, number) for number in range(4))
        files.write(dict.fromkeys((evidence.still_file(event.track), *crops), picture))
    return made


@pytest.fixture
def page(recording: Analysis, page: Page) -> Page:
    page.goto(recording.get_absolute_url())
    expect(slider(page)).to_be_visible()
    return page


def seek(page: Page, seconds: float) -> None:
    page.evaluate("it => { document.querySelector('[data-player]').currentTime = it; }", seconds)


def until(page: Page, holds: Callable[[float], bool]) -> None:
    """Waits until the player's moment is one of those."""
    waiting.until(page, lambda: holds(now(page)))


def shows(page: Page, since: float, length: float) -> None:
    expect(slider(page)).to_have_attribute("data-since", f"{since:.3f}")
    expect(slider(page)).to_have_attribute("data-seconds", f"{length:.3f}")


# The slider


@pytest.mark.long
def test_a_click_and_a_drag_seek(page: Page) -> None:
    page.mouse.click(*place(page, 0.5))
    expect_now(page, pytest.approx(HOUR / 2, abs=20))

    page.mouse.move(*place(page, 0.2))
    page.mouse.down()
    page.mouse.move(*place(page, 0.75), steps=3)
    page.mouse.up()
    expect_now(page, pytest.approx(HOUR * 0.75, abs=20))


def test_keys_go_to_windows_events_and_edges(page: Page) -> None:
    slider(page).focus()

    page.keyboard.press("PageDown")
    expect(slider(page)).to_have_attribute(
        "aria-valuetext", re.compile(r"^10:06, track \d+, score 0.70, possible shoplifting$")
    )
    page.keyboard.press("PageDown")
    expect_now(page, pytest.approx(1836, abs=0.1))
    page.keyboard.press("PageUp")
    expect_now(page, pytest.approx(606, abs=0.1))
    page.keyboard.press("ArrowRight")
    until(page, lambda at: 606.1 < at < 700)
    page.keyboard.press("End")
    expect_now(page, pytest.approx(HOUR, abs=1))
    page.keyboard.press("Home")
    expect_now(page, 0)


def test_what_was_not_looked_at_is_said_with_its_reason(page: Page) -> None:
    seek(page, 200)

    expect(slider(page)).to_have_attribute(
        "aria-valuetext", "3:20, The pictures there could not be read."
    )
    expect(page.get_by_text("Stretches without scores (1)")).to_be_visible()


# Zoom


def test_a_level_shows_a_stretch_around_the_playhead_and_keeps_the_address(page: Page) -> None:
    page.get_by_role("link", name="In time").click()
    expect(page).to_have_url(re.compile(r"sort=time"))
    seek(page, 3000)

    page.get_by_role("link", name="1 min", exact=True).click()

    shows(page, 2970, 60)
    expect(page).to_have_url(re.compile(r"\?sort=time&from=2970&to=3030$"))
    expect(page.get_by_role("link", name="1 min", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    assert now(page) == 3000  # only a part of the page was replaced

    page.get_by_role("link", name="Strongest first").click()
    expect(page).to_have_url(re.compile(r"from=2970&to=3030&sort=score$"))
    page.go_back()
    expect(page.get_by_role("link", name="In time")).to_have_attribute("aria-current", "true")
    shows(page, 2970, 60)


def test_keys_zoom_and_the_focus_stays(page: Page) -> None:
    slider(page).focus()
    page.keyboard.press("PageDown")

    for key, since, length in [("+", 156, 900), ("+", 456, 300), ("+", 576, 60), ("-", 456, 300)]:
        page.keyboard.press(key)
        shows(page, since, length)
        expect(slider(page)).to_be_focused()
    page.keyboard.press("0")
    shows(page, 0, HOUR)


def test_at_the_edge_an_arrow_goes_on_to_the_next_stretch(page: Page) -> None:
    page.goto(f"{page.url}?from=600&to=660")
    slider(page).focus()
    page.keyboard.press("End")

    page.keyboard.press("ArrowRight")

    shows(page, 660, 60)
    expect(slider(page)).to_be_focused()


def test_a_key_that_leads_out_of_the_stretch_takes_it_along(page: Page) -> None:
    page.goto(f"{page.url}?from=600&to=660")
    slider(page).focus()

    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")

    expect(slider(page)).to_have_attribute("aria-valuemin", re.compile(r"^\d+$"))


def test_who_seeks_elsewhere_can_go_there(page: Page) -> None:
    page.goto(f"{page.url}?from=600&to=660")
    expect(slider(page)).to_be_visible()

    seek(page, 3300)
    page.get_by_role("link", name="Go to the playhead").click()

    shows(page, 3270, 60)
    expect(page.get_by_role("link", name="Go to the playhead")).to_be_hidden()


def test_with_shift_the_mouse_selects_a_stretch(page: Page) -> None:
    page.keyboard.down("Shift")
    page.mouse.move(*place(page, 0.25))
    page.mouse.down()
    page.mouse.move(*place(page, 0.5), steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")

    expect(page).to_have_url(re.compile(r"from=9\d\d\.\d&to=1[78]\d\d\.\d"))
    assert now(page) == 0


def test_a_stretch_of_ones_own_by_words(page: Page) -> None:
    page.get_by_role("textbox", name="From").fill("10:00")
    page.get_by_role("textbox", name="to").fill("0:12:30")
    page.get_by_role("button", name="Show").click()

    shows(page, 600, 150)


# Events


def test_the_list_is_walked_by_keys_and_opens_an_event(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Event 1")).to_be_focused()

    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Event 1", exact=True)).to_be_visible()


def test_a_deep_link_plays_just_its_seconds_in_a_loop(recording: Analysis, page: Page) -> None:
    page.goto(reverse("web:event", args=[recording.pk, 2]))
    until(page, lambda at: at > 1830.2)

    seek(page, 1841.7)
    until(page, lambda at: 1830 <= at < 1835)

    page.wait_for_function("() => !document.querySelector('[data-player]').paused")
    expect(page.get_by_label("Repeat these seconds")).to_be_checked()


def test_a_player_that_is_late_at_the_end_goes_back_all_the_same(
    recording: Analysis, page: Page
) -> None:
    page.goto(reverse("web:event", args=[recording.pk, 2]))
    until(page, lambda at: at > 1830.2)

    page.evaluate(
        """() => {
          const player = document.querySelector("[data-player]");
          window.returns = 0;
          player.addEventListener("seeked", () => { window.returns += 1; });
          player.playbackRate = 16; // each time it says where it is, it is seconds further
        }"""
    )

    page.wait_for_function("() => window.returns > 3")
    expect(page.get_by_label("Repeat these seconds")).to_be_checked()


def test_who_looks_elsewhere_is_not_taken_back(recording: Analysis, page: Page) -> None:
    page.goto(reverse("web:event", args=[recording.pk, 2]))
    until(page, lambda at: at > 1830)

    seek(page, 1900)

    expect(page.get_by_label("Repeat these seconds")).not_to_be_checked()
    page.get_by_label("Repeat these seconds").check()
    until(page, lambda at: at < 1842)


def test_who_asked_for_calm_presses_play(recording: Analysis, page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")

    page.goto(reverse("web:event", args=[recording.pk, 2]))

    until(page, lambda at: at == 1830)
    assert page.evaluate("document.querySelector('[data-player]').paused")


@pytest.mark.long
def test_keys_do_what_they_do_at_the_desk(recording: Analysis, page: Page) -> None:
    page.goto(reverse("web:event", args=[recording.pk, 2]))

    for key, number in [("j", 1), ("j", 3), ("k", 1)]:
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name=f"Event {number}", exact=True)).to_be_visible()
        page.wait_for_load_state()  # its scripts listen

    note = page.get_by_label("Note")
    expect(note).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.type("jkn")
    expect(note).to_have_value("jkn")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    expect(page.get_by_role("heading", name="Event 2", exact=True)).to_be_visible()


def test_the_person_of_the_event_has_a_box_while_it_lasts(recording: Analysis, page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(reverse("web:event", args=[recording.pk, 2]))

    box = page.locator("[data-picture] .box").filter(visible=True)
    expect(box).to_have_count(1)

    seek(page, 1860)
    expect(box).to_have_count(0)


def test_without_scripts_all_of_it_is_links(
    recording: Analysis, browser: Browser, site: str
) -> None:
    page = browser.new_context(base_url=site, java_script_enabled=False).new_page()
    sign_in(page)
    page.goto(recording.get_absolute_url())

    page.get_by_role("link", name="5 min", exact=True).click()
    expect(page).to_have_url(re.compile(r"from=1650&to=1950"))
    page.get_by_role("textbox", name="From").fill("30:00")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"from=30%3A00"))
    page.get_by_role("link", name="In time").click()
    expect(page).to_have_url(re.compile(r"from=30%3A00.*sort=time"))
    page.get_by_role("link", name="Event 1").click()
    expect(page.get_by_role("heading", name="Event 1", exact=True)).to_be_visible()
    page.get_by_role("link", name="Next").click()

    expect(page.get_by_role("heading", name="Event 2", exact=True)).to_be_visible()
    expect(page.locator("video")).to_have_attribute("src", re.compile("#t=1830.000,1842.000$"))


# Looks


@pytest.mark.parametrize("where", ["", "?from=1800&to=1860", "events/2/"])
def test_axe_finds_no_barrier_and_fingers_hit(
    recording: Analysis,
    page: Page,
    request: pytest.FixtureRequest,
    where: str,
) -> None:
    page.goto(recording.get_absolute_url() + where)
    expect(slider(page)).to_be_visible()
    out = request.config.getoption("--screenshots", default=None)

    name = f"recording-{re.sub(r'[^0-9a-z]+', '-', where)}".rstrip("-")
    assert faults_of(page, name, out, exclude=[PICTURE]) == {}
    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(TOO_SMALL, FINGER) == []
