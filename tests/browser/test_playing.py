"""A clip comes in stretches and is not stored, and plays and seeks all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Response

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
