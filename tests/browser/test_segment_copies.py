"""A recording that browsers don't play comes in copies of its segments, and plays as one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django import Settings

from tests.browser import waiting
from tests.browser.conftest import sign_in
from tests.browser.looks import faults_of
from tests.conftest import MakeClip
from tests.makers import recordings, videos
from video_classifier.ml.video import probe
from video_classifier.models import Analysis, SegmentCopy
from video_classifier.services import copies, reviews
from video_classifier.states import Playback, Status

Found = TypeVar("Found")

pytestmark = pytest.mark.browser

RATE = 4
PAUSE = 0.2
LENGTH = 180  # seconds
EVENTS = {55.0: 0.9, 130.0: 0.7}  # the first lasts from one segment into the next

PICTURE = "[data-picture]"  # as in test_recording.py


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three minutes of MPEG-4 in an AVI."""
    path = tmp_path_factory.mktemp("videos") / "recorder.avi"
    return videos.write(
        path, LENGTH * RATE, codec="mpeg4", rate=RATE, size=(160, 120), gop=40, b_frames=0
    )


@pytest.fixture
def recording(make_clip: MakeClip, film: Path) -> Analysis:
    """Three segments, of which no copy is made before somebody says so."""
    facts = probe.facts(film)
    clip = make_clip(
        content=film.read_bytes(),
        codec=facts.codec,
        container=facts.container,
        duration=facts.duration,
        width=facts.width,
        height=facts.height,
        segment_spans=[list(span) for span in facts.segment_spans],
        playback=Playback.WANTED,
    )
    assert clip.segment_copies.count() == 3
    rest()
    return recordings.analyzed(clip, minutes=3, events=EVENTS, boxes=25)


def rest() -> None:
    """None of them is made yet."""
    SegmentCopy.objects.update(not_before=timezone.now() + timedelta(hours=1))


def make(*numbers: int) -> None:
    for number in numbers:
        wanted = SegmentCopy.objects.filter(number=number)
        wanted.update(not_before=timezone.now())
        while not wanted.filter(status=Status.DONE):  # the site's own worker may be quicker
            copies.make_next(worker="test")
            time.sleep(PAUSE)


@pytest.fixture(scope="module")
def contents() -> dict[int, bytes]:
    """Of copies that an earlier test made."""
    return {}


@pytest.fixture
def made(recording: Analysis, contents: dict[int, bytes]) -> Analysis:
    """With all its copies."""
    for copy in recording.clip.segment_copies.all():
        if copy.number in contents:
            put(copy, contents[copy.number])
        else:
            make(copy.number)
            copy.refresh_from_db()
            contents[copy.number] = copy.file.read()
            copy.file.close()
    return recording


def put(copy: SegmentCopy, content: bytes) -> None:
    copy.status = Status.DONE
    copy.file.save("copy.mp4", ContentFile(content), save=True)


def aside(work: Callable[[], Found]) -> Found:
    """Asks the database while a browser runs: Django refuses that in Playwright's own thread."""

    def do() -> Found:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        return pool.submit(do).result()


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Score over time")


def whole(page: Page) -> Locator:
    return page.get_by_role("slider", name="Moment of the recording")


def shown(page: Page) -> tuple[int, float]:
    """The number of the segment that the player has, and its second in the clip."""
    address, seconds = page.evaluate(
        "(it => [it.currentSrc, it.currentTime])(document.querySelector('[data-player]'))"
    )
    number = int(re.search(r"/segments/(\d+)", address or "/segments/0")[1])  # type: ignore[index]
    return number, 60 * (number - 1) + seconds


def until(page: Page, holds: Callable[[int, float], bool]) -> None:
    waiting.until(page, lambda: holds(*shown(page)))


def seek(page: Page, seconds: float) -> None:
    """As a person does by the slider below the player."""
    whole(page).evaluate(
        "(it, to) => { it.value = to; it.dispatchEvent(new Event('change', { bubbles: true })); }",
        seconds,
    )


def play(page: Page) -> None:
    page.evaluate("it = document.querySelector('[data-player]'); it.muted = true; it.play()")


# As one timeline


@pytest.mark.long
def test_any_second_loads_its_segment(made: Analysis, page: Page) -> None:
    page.goto(made.get_absolute_url())
    until(page, lambda number, at: (number, at) == (1, 0))

    seek(page, 150)
    until(page, lambda number, at: number == 3 and at == pytest.approx(150, abs=0.1))
    expect(whole(page)).to_have_attribute("aria-valuetext", "2:30 of 3:00")

    slider(page).focus()
    page.keyboard.press("Home")
    until(page, lambda number, at: (number, at) == (1, 0))
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    until(page, lambda number, at: number == 3 and at == pytest.approx(136, abs=0.1))
    expect(slider(page)).to_have_attribute("aria-valuetext", re.compile(r"^2:16, track \d+"))
    expect(slider(page)).to_be_focused()


def test_each_segment_shows_its_own_pictures(made: Analysis, page: Page) -> None:
    page.goto(made.get_absolute_url())

    for seconds in (10, 70, 170.5, 59.5, 60):
        seek(page, seconds)
        until(page, lambda _, at, seconds=seconds: at == pytest.approx(seconds, abs=0.1))  # type: ignore[misc]
        waiting.becomes(page, lambda: picture(page), int(seconds * RATE) % 256)


def picture(page: Page) -> int:
    """The number that the picture carries."""
    bits = page.evaluate(
        """() => {
          const video = document.querySelector("[data-player]");
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [160, 120];
          const paper = canvas.getContext("2d");
          paper.drawImage(video, 0, 0, 160, 120);
          const bars = [...Array(8).keys()];
          return bars.map((bar) => paper.getImageData(20 * bar + 10, 45, 1, 1).data[1]);
        }"""
    )
    return sum(1 << (7 - place) for place, light in enumerate(bits) if light > 128)


def test_at_the_end_of_a_segment_the_next_one_goes_on(made: Analysis, page: Page) -> None:
    page.goto(made.get_absolute_url())
    seek(page, 118.5)
    until(page, lambda number, at: number == 2 and at > 118)

    play(page)

    until(page, lambda number, at: number == 3 and at > 120.5)
    assert not page.evaluate("document.querySelector('[data-player]').paused")
    expect(whole(page)).to_have_attribute("aria-valuetext", re.compile("^2:[0-5]"))


def test_an_event_over_a_border_repeats(made: Analysis, page: Page) -> None:
    page.goto(reverse("web:event", args=[made.pk, 1]))
    until(page, lambda number, at: number == 1 and at > 55.2)

    seek(page, 59)
    until(page, lambda number, at: number == 2 and at > 60.5)
    seek(page, 66)
    until(page, lambda number, at: number == 1 and 55 <= at < 58)

    expect(page.get_by_label("Repeat these seconds")).to_be_checked()
    assert not page.evaluate("document.querySelector('[data-player]').paused")


def test_so_it_does_at_the_desk(made: Analysis, page: Page, settings: Settings) -> None:
    settings.REVIEW_BLIND = 0.0
    aside(lambda: reviews.refresh(made.clip))
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/review/")
    until(page, lambda number, at: number == 1 and at > 55)
    box = page.locator("#current [data-picture] .box").filter(visible=True)

    at_the_desk(page, "it.currentTime = 59")
    until(page, lambda number, at: number == 2 and at > 60.5)
    expect(box).to_have_count(1)
    at_the_desk(page, "it.currentTime = 5.5")
    until(page, lambda number, at: number == 1 and 55 <= at < 58)
    assert not at_the_desk(page, "it.paused")

    page.wait_for_function("() => document.querySelector('#ahead video')?.readyState >= 3")
    page.keyboard.press("j")
    until(page, lambda number, at: number == 3 and at > 128)
    page.keyboard.press("k")
    until(page, lambda number, at: number == 1 and at > 55)
    assert complaints == []


def at_the_desk(page: Page, does: str) -> object:
    return page.evaluate(f"(it => {does})(document.querySelector('#current video'))")


def test_who_looks_elsewhere_is_not_taken_back(made: Analysis, page: Page) -> None:
    page.goto(reverse("web:event", args=[made.pk, 1]))
    until(page, lambda number, at: number == 1 and at > 55)

    seek(page, 150)

    until(page, lambda number, at: number == 3 and at > 150)
    expect(page.get_by_label("Repeat these seconds")).not_to_be_checked()


def test_boxes_are_of_the_second_that_is_shown(made: Analysis, page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(reverse("web:event", args=[made.pk, 2]))

    box = page.locator("[data-picture] .box").filter(visible=True)
    until(page, lambda number, at: number == 3 and at == pytest.approx(130, abs=0.1))
    expect(box).to_have_count(1)

    seek(page, 20)
    until(page, lambda number, at: number == 1 and at == pytest.approx(20, abs=0.1))
    expect(box).to_have_count(0)


# While copies are made


def test_one_that_is_not_there_is_told_and_starts_when_it_is(
    recording: Analysis, page: Page
) -> None:
    aside(lambda: make(1))
    page.goto(recording.get_absolute_url())
    until(page, lambda number, _: number == 1)
    play(page)

    seek(page, 150)
    wait = page.locator("[data-wait]")
    expect(wait).to_contain_text("2:00 to 3:00 is being prepared for playing")
    expect(wait).to_contain_text(re.compile(r"that takes about \d+"))
    expect(whole(page)).to_have_attribute("aria-valuetext", "2:30 of 3:00")
    expect(page.get_by_role("status")).to_have_text("2:00 to 3:00 is being prepared for playing.")

    def wanted() -> list[int]:
        looked_at = SegmentCopy.objects.looked_at().waiting()
        return list(looked_at.values_list("number", flat=True))

    waiting.becomes(page, lambda: aside(wanted), [3])
    aside(lambda: make(3))
    until(page, lambda number, at: number == 3 and at > 150.2)
    expect(wait).to_be_hidden()


def test_an_event_whose_segment_is_missing_plays_when_it_is_there(
    recording: Analysis, page: Page
) -> None:
    page.goto(reverse("web:event", args=[recording.pk, 2]))
    expect(page.locator("[data-wait]")).to_contain_text("2:00 to 3:00 is being prepared")

    aside(lambda: make(3))

    until(page, lambda number, at: number == 3 and at > 130.2)


def test_one_that_was_given_up_leaves_the_others_and_can_be_asked_for(
    made: Analysis, page: Page
) -> None:
    aside(lambda: fail(2))
    page.goto(made.get_absolute_url())
    until(page, lambda number, _: number == 1)

    seek(page, 90)
    expect(page.locator("[data-wait]")).to_contain_text(
        "1:00 to 2:00 can't be played here. It is damaged"
    )
    seek(page, 150)
    until(page, lambda number, at: number == 3 and at == pytest.approx(150, abs=0.1))

    seek(page, 90)
    page.get_by_role("button", name="Try again").click()
    until(page, lambda number, at: number == 2 and at == pytest.approx(90, abs=0.1))


def fail(number: int) -> None:
    SegmentCopy.objects.filter(number=number).update(
        status=Status.FAILED, error="It is damaged there.", file=""
    )


def test_a_copy_that_does_not_play_leaves_the_others(made: Analysis, page: Page) -> None:
    page.route("**/segments/2", lambda route: route.fulfill(body=b"no video"))
    page.goto(made.get_absolute_url())
    until(page, lambda number, _: number == 1)

    seek(page, 90)
    expect(page.locator("[data-broken]")).to_be_visible()
    seek(page, 30)

    until(page, lambda number, at: number == 1 and at == pytest.approx(30, abs=0.1))
    expect(page.locator("[data-broken]")).to_be_hidden()


def test_without_scripts_they_are_links_and_an_event_has_its_seconds(
    made: Analysis, browser: Browser, site: str
) -> None:
    page = browser.new_context(base_url=site, java_script_enabled=False).new_page()
    sign_in(page)
    page.goto(made.get_absolute_url())
    expect(page.get_by_role("link", name="1:00 to 2:00")).to_have_attribute(
        "href", re.compile(r"/segments/2$")
    )

    page.goto(reverse("web:event", args=[made.pk, 1]))
    expect(page.locator("noscript video")).to_have_attribute(
        "src", re.compile(r"/segments/1#t=55\.000,60\.000$")
    )
    expect(page.get_by_role("link", name="1:00 to 2:00")).to_have_attribute(
        "href", re.compile(r"/segments/2#t=0\.000,7\.000$")
    )


# Looks


@pytest.mark.parametrize("where", ["", "events/2/"])
def test_axe_finds_no_barrier_in_any_state(
    made: Analysis, page: Page, request: pytest.FixtureRequest, where: str
) -> None:
    page.emulate_media(reduced_motion="reduce")
    out = request.config.getoption("--screenshots", default=None)
    number = 3 if where else 1
    waiting = {"status": Status.QUEUED, "not_before": timezone.now() + timedelta(minutes=3)}
    states: dict[str, Callable[[], object]] = {
        "plays": lambda: None,
        "waits": lambda: SegmentCopy.objects.filter(number=number).update(**waiting),
        "failed": lambda: fail(number),
    }
    found: dict[str, list[str]] = {}

    for state, come in states.items():
        aside(come)
        page.goto(made.get_absolute_url() + where)
        expect(slider(page)).to_be_visible()
        if state == "plays":
            until(page, lambda shown, _: shown == number)
        else:
            expect(page.locator("[data-wait]")).to_be_visible()
        name = f"segments-{state}-{where.replace('/', '-')}".rstrip("-")
        found |= faults_of(page, name, out, exclude=[PICTURE])

    assert found == {}
