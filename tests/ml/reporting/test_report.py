"""The report is self-contained and complete."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from tests.makers import videos
from tests.makers.datasets import entry
from tests.ml.conftest import TINY
from video_classifier.ml.evaluation.evaluate import Evaluation, ScoredClip, summarize
from video_classifier.ml.reporting import report
from video_classifier.ml.serving.card import Card

EPOCHS = [{"number": number, "loss": 0.7, "validation_loss": 0.8} for number in (1, 2, 3)]
CARD = Card(
    name="mine",
    network="conv3d",
    summary="",
    spec=TINY,
    threshold=0.5,
    created="2026-01-01",
    limits=("Not in the dark.",),
    training={"epochs": EPOCHS, "best_epoch": 2},
)


class Page(HTMLParser):
    """Gathers the text and the addresses of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return videos.write(tmp_path / "<till>.mp4", 8)


def evaluation(clip: Path, scores: dict[float, bool]) -> Evaluation:
    """Of the clip, again and again: each score and whether there was a theft."""
    scored = [
        ScoredClip(
            entry=replace(entry(n, shoplifter=theft, group=f"{n // 2}"), path=clip, name=clip.name),
            score=score,
            in_training=False,
        )
        for n, (score, theft) in enumerate(scores.items())
    ]
    return summarize(name="mine", sha256="f" * 64, threshold=0.5, scored=scored)


def test_everything_is_in_the_folder(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "report"

    page = report.write(folder, evaluation(clip, {0.9: True, 0.8: False, 0.1: False}), CARD)

    assert page == folder / "report.html"
    assert {path.name for path in folder.iterdir()} == {
        "report.html",
        "metrics.json",
        "confusion.png",
        "roc.png",
        "precision_recall.png",
        "reliability.png",
        "course.png",
        "mistakes.png",
    }
    for picture in folder.glob("*.png"):
        with Image.open(picture) as opened:
            assert min(opened.size) > 50


def test_the_page_loads_nothing_from_elsewhere(clip: Path, tmp_path: Path) -> None:
    found = evaluation(clip, {0.9: True, 0.8: False, 0.1: False})

    page = Page(report.write(tmp_path / "report", found, CARD))

    assert len(page.addresses) == 5 + 6  # plots, and the frames of the one mistake
    assert all(address.startswith("data:image/") for address in page.addresses)


def test_the_page_shows_metrics_mistakes_and_limits(clip: Path, tmp_path: Path) -> None:
    found = evaluation(clip, {0.9: True, 0.8: False, 0.1: False})

    page = Page(report.write(tmp_path / "report", found, CARD))

    assert "mine on 3 clips" in page.text
    assert "Thefts, of all hints.0.50" in page.text
    assert "<till>.mp4: false alarm, score 0.80" in page.text
    assert "Not in the dark." in page.text
    assert found.warnings[0] in page.text


def test_clips_of_one_label_have_no_curves(clip: Path, tmp_path: Path) -> None:
    found = evaluation(clip, {0.2: False, 0.1: False})

    page = Page(report.write(tmp_path / "report", found, replace(CARD, training={})))

    plots = {path.stem for path in (tmp_path / "report").glob("*.png")}
    assert plots == {"confusion", "reliability"}
    assert "not defined on these clips" in page.text
    assert "None of these clips is on the wrong side" in page.text


def test_no_picture_is_left_of_an_evaluation_before(clip: Path, tmp_path: Path) -> None:
    report.write(tmp_path / "report", evaluation(clip, {0.9: True, 0.8: False}), CARD)

    report.write(tmp_path / "report", evaluation(clip, {0.1: False, 0.2: False}), CARD)

    plots = {path.stem for path in (tmp_path / "report").glob("*.png")}
    assert plots == {"confusion", "reliability", "course"}


def test_many_groups_are_folded(clip: Path, tmp_path: Path) -> None:
    found = evaluation(clip, {number / 100: False for number in range(26)})

    page = Page(report.write(tmp_path / "report", found, CARD))

    assert "13 groups, 13 of them without a mistake" in page.text


def test_a_mistake_that_vanished_is_not_shown(clip: Path, tmp_path: Path) -> None:
    found = evaluation(clip, {0.9: True, 0.8: False})
    clip.unlink()

    report.write(tmp_path / "report", found, CARD)

    assert not (tmp_path / "report" / "mistakes.png").exists()
