"""Lists in a real browser while their analyses go on: only what changed is replaced."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, Request, expect
from pytest_django import Settings

from tests.conftest import MakeAnalysis, MakeClip, claimed
from tests.makers import videos
from video_classifier.models import Analysis, Segment
from video_classifier.services import evidence, files
from video_classifier.states import Prediction, Stage, Status
from video_classifier.web import constants

pytestmark = pytest.mark.browser

POLLS = 3
ROWS = 8
EVERY = 500  # milliseconds from poll to poll


@pytest.fixture(autouse=True)
def _no_runner(site: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves a row but the test, which writes to the database beside the browser's loop."""
    settings.RUNNER = "none"
    settings.HISTORY_PAGE_SIZE = ROWS - 2
    monkeypatch.setattr(constants, "LIVE_ROWS_EVERY", f"{EVERY}ms")
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture
def analyses(make_analysis: MakeAnalysis, make_clip: MakeClip, user: User) -> list[Analysis]:
    """All of them waiting, the newest first."""
    made = [
        make_analysis(clip=make_clip(name=f"{n}.mp4", uploaded_by=user), requested_by=user)
        for n in range(ROWS)
    ]
    return made[::-1]


@pytest.fixture
def page(analyses: list[Analysis], page: Page) -> Page:
    return page


def begin(analysis: Analysis) -> None:
    now = timezone.now()
    Segment.objects.filter(analysis=analysis).update(status=Status.RUNNING, **claimed(now))
    Analysis.objects.filter(pk=analysis.pk).update(
        status=Status.RUNNING,
        stage=Stage.READING,
        started_at=now,
    )


def finish(analysis: Analysis) -> None:
    Segment.objects.filter(analysis=analysis).update(
        status=Status.DONE, score=0.9, threshold=0.5, frame_times=[0.5]
    )
    analysis.frame_times = [0.5]
    files.write(dict.fromkeys(evidence.frame_files(analysis), evidence.jpeg(videos.picture(0), 80)))
    Analysis.objects.filter(pk=analysis.pk).update(
        status=Status.DONE,
        prediction=Prediction.HINT,
        score=0.9,
        threshold=0.5,
        frame_times=[0.5],
        finished_at=timezone.now(),
    )


def is_poll(request: Request) -> bool:
    return "/live/" in request.url


def polled(page: Page, times: int = 1) -> None:
    for _ in range(times):
        with page.expect_response(lambda response: is_poll(response.request)) as answer:
            pass
        answer.value.finished()


def test_the_history_outlives_its_polls(page: Page, analyses: list[Analysis]) -> None:
    page.goto("/history/?sort=-added&status=")
    rows = page.locator("[data-row-link]")
    expect(rows).to_have_count(ROWS - 2)

    begin(analyses[1])
    polled(page)
    row = page.get_by_role("row").filter(has_text=analyses[1].clip.name)
    expect(row).to_contain_text("Reading")
    polled(page, POLLS)

    expect(rows).to_have_count(ROWS - 2)
    expect(page.get_by_text(f"{ROWS} results")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page).to_have_url(re.compile("after="))
    expect(rows).to_have_count(2)
    polled(page)
    page.get_by_role("link", name="Clip", exact=True).click()
    expect(rows).to_have_count(ROWS - 2)
    polled(page)
    page.get_by_label("Search", exact=True).fill("3")
    expect(rows).to_have_count(1)
    polled(page)
    page.get_by_label("Status").select_option("running")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def test_a_row_that_is_finished_comes_whole_and_keeps_focus_and_dialog(
    page: Page, analyses: list[Analysis]
) -> None:
    page.goto("/history/")
    row = page.get_by_role("row").filter(has_text=analyses[1].clip.name)
    other = page.get_by_role("row").filter(has_text=analyses[2].clip.name).element_handle()
    expect(row).to_contain_text("Waiting")
    row.get_by_role("link", name=analyses[1].clip.name, exact=True).focus()

    finish(analyses[1])

    expect(row).to_contain_text("Possible shoplifting")
    expect(row.locator("img.thumb")).to_have_js_property("naturalWidth", 64)
    expect(row.get_by_role("link", name=analyses[1].clip.name, exact=True)).to_be_focused()
    assert other.evaluate("row => row.isConnected")  # nobody touched what did not change

    row = page.get_by_role("row").filter(has_text=analyses[2].clip.name)
    row.get_by_role("link", name=re.compile("^Delete")).press("Enter")
    finish(analyses[2])
    expect(row).to_contain_text("Possible shoplifting")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(row.get_by_role("link", name=re.compile("^Delete"))).to_be_focused()


def test_a_row_whose_clip_is_deleted_elsewhere_goes(page: Page, analyses: list[Analysis]) -> None:
    page.goto("/history/")

    analyses[1].delete()

    expect(page.get_by_role("row").filter(has_text=analyses[1].clip.name)).to_have_count(0)
    expect(page.locator("[data-row-link]")).to_have_count(ROWS - 3)


def test_of_more_rows_than_an_address_holds_each_gets_its_turn(
    page: Page, analyses: list[Analysis], make_analysis: MakeAnalysis, settings: Settings
) -> None:
    settings.HISTORY_PAGE_SIZE = 60
    for number in range(60 - len(analyses)):
        make_analysis(name=f"more {number}.mp4")
    asked: list[set[str]] = []
    page.on(
        "request",
        lambda request: (
            asked.append(set(re.findall(r"live=([\w-]+)", request.url)))
            if is_poll(request)
            else None
        ),
    )

    page.goto("/history/")
    polled(page, 2)

    assert all(len(marks) <= 40 for marks in asked)
    assert len(set.union(*asked)) == 60


@pytest.mark.parametrize("address", ["/", "/history/"])
def test_one_request_asks_for_all_rows_until_none_is_left(
    page: Page, analyses: list[Analysis], address: str
) -> None:
    page.goto(address)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if is_poll(request) else None)

    polled(page, 2)
    rows = page.locator("[name=live]").count()
    assert rows > 1
    assert {len(re.findall("live=", url)) for url in asked} == {rows}

    for analysis in analyses:
        finish(analysis)
    expect(page.get_by_text("Waiting", exact=True).filter(visible=True)).to_have_count(0)
    asked.clear()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.wait_for_timeout(4 * EVERY)
    assert asked == []
    assert complaints == []


def test_a_batch_is_counted_its_hints_come_first_and_what_failed_is_tried_again(
    page: Page, analyses: list[Analysis]
) -> None:
    Analysis.objects.update(model="conv3d")  # needs no person detector
    page.goto("/")
    line, rows = page.locator("[data-batch-line]"), page.locator("[data-outcome]")
    expect(line).to_have_text(re.compile(rf"^\s*{ROWS} sent"))
    retry = page.get_by_role("button", name="Retry what failed")
    expect(retry).to_be_hidden()

    finish(analyses[4])
    expect(line).to_contain_text("1 possible shoplifting")
    expect(rows.first).to_contain_text(analyses[4].clip.name)

    Segment.objects.filter(analysis=analyses[5]).update(status=Status.FAILED, error="Broken.")
    Analysis.objects.filter(pk=analyses[5].pk).update(
        status=Status.FAILED, error="Broken.", finished_at=timezone.now()
    )
    expect(line).to_contain_text("1 failed")
    retry.click()
    expect(line).not_to_contain_text("1 failed")

    again = Analysis.objects.get(clip=analyses[5].clip, status=Status.QUEUED)
    expect(page.locator(f"#row-{again.pk}")).to_be_visible()
    expect(page.locator(f"#row-{analyses[5].pk}")).to_have_count(0)
    expect(rows).to_have_count(ROWS)
    expect(retry).to_be_hidden()
