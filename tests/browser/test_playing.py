"""A clip comes in stretches and is not stored, and plays and seeks all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from playwright.sync_api import Page, Response, Route

from tests.conftest import MakeAnalysis, MakeClip
from tests.makers import videos
from video_classifier.models import Analysis
from video_classifier.web import ranges

pytestmark = pytest.mark.browser

SEEK = """(video, seconds) => new Promise((done, failed) => {
  video.addEventListener("seeked", () => done(video.currentTime), { once: true });
  video.addEventListener("error", () => failed(new Error(video.error.message)), { once: true });
  video.currentTime = seconds;
})"""
PLAY = """video => new Promise((done, failed) => {
  video.muted = true;
  video.addEventListener("ended", () => done(video.currentTime), { once: true });
  video.addEventListener("error", () => failed(new Error(video.error.message)), { once: true });
  video.play();
})"""

PLAY_ON = """video => new Promise((done) => {
  video.muted = true;
  video.addEventListener("ended", () => done(video.currentTime), { once: true });
  video.play();
})"""
# Once for nothing an error of the network comes right after Play, before anybody has heard of that.
PRESS = """video => new Promise((done) => {
  video.muted = true;
  video.addEventListener("playing", () => done(true), { once: true });
  Object.defineProperty(video, "error", {
    value: { code: MediaError.MEDIA_ERR_NETWORK }, configurable: true,
  });
  video.play().catch(() => {});
  video.dispatchEvent(new Event("error"));
  delete video.error;
  setTimeout(() => done(false), 10_000);
})"""
# Notes at which second it fails, before the page hears of it, and from which it goes on.
WATCH = """video => {
  addEventListener("error", ({ target }) => {
    if (target === video) video.failed ??= video.currentTime;
  }, true);
  video.addEventListener("seeking", () => {  // afterwards it plays before anybody can look
    if (video.failed !== undefined) video.wentOn ??= video.currentTime;
  });
}"""


@pytest.fixture
def analysis(
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Analysis:
    """Of 20 s, in several stretches."""
    video = videos.write(tmp_path / "long.mp4", 200, gop=5, size=(320, 240), options={"qp": "0"})
    content = video.read_bytes()
    monkeypatch.setattr(ranges, "STRETCH", len(content) // 5)
    return make_analysis(clip=make_clip(content=content))


def test_a_clip_in_stretches_plays_and_seeks(analysis: Analysis, page: Page) -> None:
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer) if "/file" in answer.url else None)
    page.goto(f"/results/{analysis.pk}/")
    player = page.locator("[data-player]")

    assert [player.evaluate(SEEK, at) for at in (18, 2, 12, 19)] == [18, 2, 12, 19]
    assert player.evaluate(PLAY) == pytest.approx(20, abs=0.2)

    assert len(answers) > 1
    assert {answer.status for answer in answers} == {206}
    assert {answer.headers["cache-control"] for answer in answers} == {"private, no-store"}


def test_a_player_whose_address_ended_asks_for_another_and_goes_on(
    make_clip: MakeClip, make_analysis: MakeAnalysis, page: Page, tmp_path: Path
) -> None:
    """As a storage refuses once the time of a signed address is over."""
    chance = np.random.default_rng(7)
    noise = [
        VideoFrame.from_ndarray(chance.integers(0, 255, (240, 320, 3), np.uint8))
        for _ in range(150)  # that is more than a player fetches beforehand
    ]
    large = {"qp": "0", "preset": "ultrafast", "g": "5"}
    video = videos.write_images(tmp_path / "noise.mp4", noise, rate=10, options=large)
    analysis = make_analysis(clip=make_clip(content=video.read_bytes()))
    has_ended = False

    def storage(route: Route) -> None:
        nonlocal has_ended
        if route.request.headers.get("range", "").startswith("bytes=0-"):
            has_ended = False
        if has_ended:
            route.fulfill(status=403)
        else:
            route.continue_()

    page.route(lambda address: address.endswith("/file"), storage)
    page.goto(f"/results/{analysis.pk}/")
    player = page.locator("[data-player]")
    player.evaluate(SEEK, 1)
    player.evaluate(WATCH)
    has_ended = True

    end = player.evaluate(PLAY_ON)

    failed, went_on = player.evaluate("video => [video.failed, video.wentOn]")
    assert failed >= 1
    assert went_on == pytest.approx(failed, abs=0.1)
    assert end == pytest.approx(15, abs=0.2)
    assert not page.locator("[data-player-problem]").is_visible()


def test_a_player_whose_address_ends_as_play_is_pressed_plays(
    analysis: Analysis, page: Page
) -> None:
    page.goto(f"/results/{analysis.pk}/")
    player = page.locator("[data-player]")
    player.evaluate(SEEK, 1)

    assert player.evaluate(PRESS)
