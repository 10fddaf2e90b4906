"""Three events of a quarter of an hour are found, though the server is killed twice meanwhile."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from scripts._lib.site_under_test import Site
from tests.browser.conftest import MODELS, open_signed_in
from tests.browser.line import Line
from tests.conftest import Migrated
from tests.makers import hours, models, videos
from tests.makers.footage import FOOTAGE, require
from video_classifier.ml.contracts import Image

pytestmark = [pytest.mark.browser, pytest.mark.keras]

SECONDS = 900.0
SEGMENTS = 15
FIRST, SECOND, THIRD = 220.0, 417.0, 750.0  # when the events begin; the second is over a border
ORDINARY = (320.0, 650.0)
INTO_IT = 3.0  # seconds from where something begins
SIZE = 20 * 1024 * 1024  # some pieces
SO_MUCH = 11 * 1024 * 1024  # goes at first
PATIENCE = 300.0  # seconds: a busy machine scores slowly

DONE = "SELECT id, claimed_at FROM video_classifier_segment WHERE status = 'done'"
_TIMES = re.compile(r"\d+:\d\d")
RUNNING = "SELECT id FROM video_classifier_segment WHERE status = 'running'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    recording: Path
    model: str
    models: Path


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    made: Case = {"real": _real, "drawn": _drawn}[request.param](tmp_path)
    videos.enlarge(made.recording, SIZE)
    return made


def _real(folder: Path) -> Case:
    """Of clips that the shipped model was trained on: how it does on others is not shown here."""
    mnnit = FOOTAGE / "mnnit"
    empty, *ordinary = (mnnit / f"non_shoplifters/normal_{n}.mp4" for n in ("025", "010", "088"))
    thefts = [mnnit / f"shoplifters/shoplifting_{n}.mp4" for n in ("016", "074", "080")]
    require(empty, *ordinary, *thefts)
    scenes = {
        start: hours.cut(clip, since, 6.0)
        for start, clip, since in zip(
            (FIRST, SECOND, THIRD, *ORDINARY), (*thefts, *ordinary), (0, 5, 5, 0, 0), strict=True
        )
    }
    still = next(hours.cut(empty))
    recording = hours.write(folder / "till.mp4", still, scenes, seconds=SECONDS)
    return Case(recording=recording, model="i3d_person", models=MODELS)


def _drawn(folder: Path) -> Case:
    """Needs no footage: lights go on, and what scores is a network that sees how bright it is."""
    scenes = {start: _lights(200) for start in (FIRST, SECOND, THIRD)}
    scenes |= {start: _lights(80) for start in ORDINARY}
    width, height = hours.SIZE
    still = np.full((height, width, 3), 40, np.uint8)
    recording = hours.write(folder / "till.mp4", still, scenes, seconds=SECONDS)
    models.write_light_meter(folder / "models" / "light_meter")
    return Case(recording=recording, model="light_meter", models=folder / "models")


def _lights(shade: int) -> Iterator[Image]:
    """20 s of a room in that light, in which something moves."""
    width, height = hours.SIZE
    for number in range(20 * hours.RATE):
        image = np.full((height, width, 3), shade, np.uint8)
        left = number % (width - 60)
        image[90:150, left : left + 60] = shade + 40
        yield image


@pytest.fixture
def server(case: Case, tmp_path: Path, migrated: Migrated) -> Iterator[Site]:
    """The site as shipped; what a killed worker had is taken up soon."""
    server = Site(
        migrated(tmp_path / "data"),
        MODELS_STORAGE=str(case.models),
        PERSON_DETECTOR=str(MODELS / "person_detector"),
        DEFAULT_MODEL=case.model,
        ANALYSIS_LEASE="8",
        ANALYSIS_HEARTBEAT="1",
    )
    server.start()
    server.sign_in()
    yield server
    server.stop()


@pytest.fixture
def line(server: Site) -> Iterator[Line]:
    """Stands still in the middle of the upload."""
    line = Line(server.address, still_after=SO_MUCH)
    yield line
    line.close()


@pytest.fixture
def site(line: Line) -> str:
    return line.address


@pytest.fixture
def page(browser: Browser, server: Site, site: str) -> Page:
    return open_signed_in(browser, server, site)


def wait_until(happened: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.05)


def kill(server: Site) -> None:
    """What it started ends by itself."""
    children = server.kill()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def send(page: Page, server: Site, line: Line, recording: Path) -> Locator:
    """Its row, once it has arrived; the server is killed in the middle."""
    page.get_by_label("Clips", exact=True).set_input_files(recording)
    row = page.locator("[data-uploads] [data-receipt]")
    expect(row).to_contain_text(re.compile(r"Sending, [5-9]\d %"), timeout=PATIENCE * 1000)
    kill(server)
    line.go()
    ((arrived,),) = server.rows("SELECT received_bytes FROM video_classifier_upload")
    assert 0 < arrived < SIZE
    server.start()
    link = row.get_by_role("link", name=recording.name)
    expect(link).to_be_visible(timeout=PATIENCE * 1000)
    return link


def analyze(server: Site) -> None:
    """The server is killed in the middle, and what was done before isn't done again."""
    while True:
        wait_until(lambda: len(server.rows(DONE)) > 4 and server.rows(RUNNING))
        kill(server)
        if server.rows(RUNNING):
            break
        server.start()  # it was between two segments
    before, (begun,) = server.rows(DONE), server.rows(RUNNING)
    assert len(before) < SEGMENTS - 1
    server.start()
    wait_until(lambda: not server.unfinished())
    assert set(before) < set(server.rows(DONE))
    assert len(server.rows(DONE)) == SEGMENTS
    again = server.rows("SELECT id FROM video_classifier_segment WHERE attempts > 1")
    assert again == [begun]


def events(page: Page) -> list[tuple[float, float]]:
    """When they begin and end, as the page lists them."""
    listed = page.locator(".event-row__times .nowrap").all_inner_texts()
    return [(_seconds(start), _seconds(end)) for start, end in map(_TIMES.findall, listed)]


def _seconds(clock: str) -> float:
    minute, second = clock.split(":")
    return 60.0 * int(minute) + int(second)


@pytest.mark.long
@pytest.mark.parametrize(
    "case", [pytest.param("real", marks=pytest.mark.footage), "drawn"], indirect=True
)
def test_all_three_events_are_found_and_at_most_one_more(
    case: Case, page: Page, server: Site, line: Line
) -> None:
    link = send(page, server, line, case.recording)
    link.click()
    analyze(server)

    expect(page.get_by_role("heading", name="Possible shoplifting")).to_be_visible(
        timeout=PATIENCE * 1000
    )
    # Before its end the page may have the first of them.
    expect(page.locator("#analysis")).not_to_have_attribute(
        "hx-trigger", re.compile(""), timeout=PATIENCE * 1000
    )
    found = events(page)
    assert len(found) in {3, 4}
    for start in (FIRST, SECOND, THIRD):
        assert any(since <= start + INTO_IT <= until for since, until in found), (start, found)
