"""Boxes over the player: where the stored track says, when it says so; and what mattered."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from tests.browser.waiting import becomes
from tests.conftest import FakePredictor, MakeAnalysis, MakeClip, MakeModel, MakeTrack, segment_of
from tests.makers import videos
from video_classifier.ml.contracts import Image
from video_classifier.models import Analysis
from video_classifier.services import catalog, evidence, files
from video_classifier.states import Status, View

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 320, 120  # so wide that the player has bars above and below
PIXELS = 3

# Where the picture is: as `object-fit: contain` lays it out, worked out anew.
PICTURE = """() => {
  const video = document.querySelector("[data-player]");
  const frame = video.getBoundingClientRect();
  const scale = Math.min(frame.width / video.videoWidth, frame.height / video.videoHeight);
  const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
  const [x, y] = [frame.x + (frame.width - width) / 2, frame.y + (frame.height - height) / 2];
  return { x, y, width, height };
}"""


@pytest.fixture
def analysis(
    make_clip: MakeClip, make_analysis: MakeAnalysis, make_track: MakeTrack, tmp_path: Path
) -> Analysis:
    """Track 1 walks to the right for two seconds; track 2, with a hint, stands there later."""
    video = videos.write(tmp_path / "clip.mp4", 50, size=(WIDTH, HEIGHT))
    clip = make_clip(content=video.read_bytes(), width=WIDTH, height=HEIGHT, duration=5.0)
    made = make_analysis(
        clip=clip, status=Status.DONE, view=View.PERSON, decided_by=2, frame_times=[0.5, 3.5]
    )
    make_track(
        analysis=made,
        number=1,
        score=0.1,
        times=[0.0, 1.0, 2.0],
        boxes=[[0.0, 0.2, 0.2, 0.8], [0.4, 0.2, 0.6, 0.8], [0.4, 0.1, 0.7, 0.9]],
    )
    make_track(
        analysis=made,
        number=2,
        times=[1.5, 2.5],
        boxes=[[0.7, 0.5, 0.9, 1.0]] * 2,
        crop_times=[1.6, 2.4],
    )
    files.write(
        {
            evidence.frame_file(segment_of(made), number): evidence.jpeg(
                videos.picture(number, width=240, height=90), 80
            )
            for number in range(2)
        }
    )
    return made


@pytest.fixture
def page(analysis: Analysis, page: Page) -> Page:
    page.goto(analysis.get_absolute_url())
    expect(page.get_by_label("Show boxes")).to_be_visible()
    return page


def expect_shown(page: Page, *numbers: str) -> None:
    """That these boxes over the player can be seen, by the number that they carry."""
    boxes = page.locator("[data-picture] .box").filter(visible=True)
    expect(boxes.locator("text")).to_have_text(list(numbers))


def line_of(page: Page, number: str) -> Locator:
    box = page.locator("[data-picture] .box").filter(has=page.get_by_text(number, exact=True))
    return box.locator(".box__line")


def seek(page: Page, seconds: float) -> None:
    """The boxes follow with the next frame."""
    page.evaluate("it => { document.querySelector('[data-player]').currentTime = it; }", seconds)
    page.wait_for_function(
        "() => (it => !it.seeking && it.readyState > 1)(document.querySelector('[data-player]'))"
    )


def expect_at(page: Page, number: str, sides: tuple[float, float, float, float]) -> None:
    """That the box's pixels come to be those shares (left, top, right, bottom) of the picture's."""

    def off() -> list[float]:
        """By how many pixels."""
        picture, found = page.evaluate(PICTURE), line_of(page, number).bounding_box()
        if found is None or picture["width"] is None:  # its size is not known yet
            return []
        left, top, right, bottom = sides
        return [
            found["x"] - picture["x"] - left * picture["width"],
            found["y"] - picture["y"] - top * picture["height"],
            (found["width"] - (right - left) * picture["width"]) / 2,
            (found["height"] - (bottom - top) * picture["height"]) / 2,
        ]

    becomes(page, off, pytest.approx([0.0] * 4, abs=PIXELS))


def test_a_box_goes_with_its_person(page: Page) -> None:
    expect_shown(page, "1")  # on the first frame, before anything is played
    expect_at(page, "1", (0.0, 0.2, 0.2, 0.8))

    seek(page, 0.5)
    expect_at(page, "1", (0.2, 0.2, 0.4, 0.8))

    seek(page, 1.7)
    expect_shown(page, "1", "2")
    expect_at(page, "1", (0.4, 0.13, 0.67, 0.87))
    expect_at(page, "2", (0.7, 0.5, 0.9, 1.0))


def test_a_box_is_right_though_the_browser_skips_frames(analysis: Analysis, page: Page) -> None:
    """Busy ones don't announce each frame; where nothing plays, none comes after it."""
    page.add_init_script("HTMLVideoElement.prototype.requestVideoFrameCallback = () => {};")
    page.goto(analysis.get_absolute_url())

    seek(page, 1.7)
    expect_shown(page, "1", "2")

    seek(page, 2.3)
    expect_shown(page, "2")


def test_a_number_hides_nobody_where_there_is_room_above(page: Page) -> None:
    seek(page, 2.0)
    expect_shown(page, "1", "2")
    expect_at(page, "2", (0.7, 0.5, 0.9, 1.0))
    number = page.locator("[data-picture] .box[data-hint] .box__tag").bounding_box()
    box = line_of(page, "2").bounding_box()
    crowded = page.locator("[data-picture] .box:not([data-hint]) .box__tag").bounding_box()
    picture = page.evaluate(PICTURE)

    assert number is not None
    assert box is not None
    assert crowded is not None
    assert number["y"] + number["height"] == pytest.approx(box["y"], abs=PIXELS)
    assert crowded["y"] >= picture["y"]


def test_a_box_stays_on_its_person_when_the_page_is_resized(page: Page) -> None:
    seek(page, 1.0)

    for width, height in ((360, 740), (1440, 500), (2000, 1400)):
        page.set_viewport_size({"width": width, "height": height})

        expect_at(page, "1", (0.4, 0.2, 0.6, 0.8))


def test_without_anybody_in_view_there_is_no_box(page: Page) -> None:
    seek(page, 4.0)
    expect_shown(page)

    seek(page, 2.4)
    expect_shown(page, "2")


def test_boxes_follow_while_the_clip_plays(page: Page) -> None:
    seek(page, 1.4)
    player = page.locator("[data-player]")

    player.evaluate("it => { it.playbackRate = 0.1; it.play(); }")  # seen however seldom one looks
    expect(page.locator("[data-picture] .box[data-hint]")).to_be_visible()
    player.evaluate("it => { it.playbackRate = 1; }")

    expect(page.locator("[data-picture] .box").filter(visible=True)).to_have_count(0)


def test_a_score_above_the_threshold_shows_without_color(page: Page) -> None:
    seek(page, 1.7)
    style = "line => { const { strokeWidth, strokeDasharray } = getComputedStyle(line); "
    style += "return [strokeWidth, strokeDasharray]; }"

    expect_shown(page, "1", "2")
    other, hint = (line_of(page, number).evaluate(style) for number in "12")

    assert hint == ["3px", "none"]
    assert other == ["2px", "6px, 4px"]


def test_boxes_can_be_hidden_by_keyboard_and_stay_so(page: Page) -> None:
    expect_shown(page, "1")
    page.keyboard.press("b")
    expect(page.get_by_label("Show boxes")).not_to_be_checked()
    expect_shown(page)

    page.reload()
    expect(page.get_by_label("Show boxes")).not_to_be_checked()
    expect_shown(page)

    page.get_by_label("Show boxes").focus()
    page.keyboard.press("Space")
    expect_shown(page, "1")


def test_the_whole_card_goes_full_screen_with_its_boxes(page: Page) -> None:
    button = page.get_by_role("button", name="Full screen")

    button.click()
    expect(button).to_have_text("Leave full screen")
    expect_at(page, "1", (0.0, 0.2, 0.2, 0.8))

    button.click()
    expect(button).to_have_text("Full screen")


def test_a_crop_leads_the_player_to_its_moment(page: Page, analysis: Analysis) -> None:
    crops = page.locator("#track-2 [data-seek]")
    crops.nth(1).click()

    expect(crops.nth(1)).to_have_attribute("aria-current", "true")
    expect(page.locator("[data-picture] .box[data-hint]")).to_be_visible()
    expect(page).to_have_url(re.compile(analysis.get_absolute_url()))


def test_the_film_has_its_boxes_on_the_picture(page: Page) -> None:
    page.get_by_role("heading", name="The whole picture").click()
    frame = page.locator(".filmstrip__frame").filter(has=page.get_by_alt_text("Frame 1"))
    frame.scroll_into_view_if_needed()
    expect(page.get_by_alt_text("Frame 1")).to_have_js_property("naturalWidth", 240)

    picture = page.get_by_alt_text("Frame 1").bounding_box()
    box = frame.locator(".box__line").bounding_box()

    assert picture is not None
    assert box is not None
    assert box["x"] == pytest.approx(picture["x"] + 0.2 * picture["width"], abs=PIXELS)
    assert box["y"] == pytest.approx(picture["y"] + 0.2 * picture["height"], abs=PIXELS)
    assert box["height"] == pytest.approx(0.6 * picture["height"], abs=2 * PIXELS)


@pytest.fixture
def explainable(
    analysis: Analysis,
    site: str,
    settings: Settings,
    make_model: MakeModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The model that gave the score is there; it depends on the upper left corner alone."""

    class Attentive(FakePredictor):
        def score(self, images: Image) -> float:
            return float(images[:, :2, :2].mean() / 200 * 0.9)

    settings.MODELS_STORAGE = settings.DATA_DIR / "models"
    make_model()
    Analysis.objects.update(model_sha256=catalog.usable("standard").sha256)
    monkeypatch.setattr(catalog, "load", lambda _: Attentive())
    crop = np.full((16, 16, 3), 200, np.uint8)
    names = evidence.crop_files(analysis.tracks.get(number=2))
    files.write({name: evidence.jpeg(crop, 95) for name in names})


@pytest.mark.usefixtures("explainable")
def test_what_mattered_comes_by_itself_and_keeps_the_focus(page: Page) -> None:
    page.get_by_role("heading", name="What mattered").click()
    page.get_by_role("button", name="Which part mattered?").press("Enter")

    expect(page.locator("#heat-map-focus")).to_be_focused()
    expect(page.locator("#heat-map-focus")).to_contain_text("Bright parts")
    expect(page.locator("#heat-map")).to_contain_text("(brightest: top left)")
    expect(page.get_by_alt_text("bright where it mattered")).to_have_count(2)
