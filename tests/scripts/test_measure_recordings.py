"""Figures by recording come onto a model's card."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import measure_recordings
from tests.conftest import MakeModel
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Interval

HEAD = "path,label,group,take,source,score,threshold\n"


def lines(*scores: float, pieces: int = 2) -> str:
    """Recordings of one person each, thefts and ordinary ones in turn."""
    rows = []
    for number, score in enumerate(scores):
        recording = number // pieces
        label = "non_shoplifter" if recording % 2 else "shoplifter"
        group = f"person {recording // 2}"
        rows.append(f"{number}.mp4,{label},{group},take {recording},shop,{score},0.5\n")
    return HEAD + "".join(rows)


@pytest.fixture
def model(make_model: MakeModel) -> Path:
    folder = make_model("mine", metrics={"recall": Interval(value=0.5)}, limits=("Not at night.",))
    (folder / "unseen.csv").write_text(lines(0.9, 0.1, 0.1, 0.7, 0.1, 0.2, 0.3, 0.1))
    return folder


def test_a_card_gets_its_figures_by_recording_and_keeps_the_rest(model: Path) -> None:
    before = bundle.read_card(model)

    assert measure_recordings.main([str(model)]) == 0
    assert measure_recordings.main([str(model)]) == 0

    after = bundle.read_card(model)
    assert after.metrics["recall"] == before.metrics["recall"]
    assert after.metrics["recall_by_recording"].value == 1 / 2
    assert after.metrics["specificity_by_recording"].value == 1 / 2
    assert (after.limits, after.sha256) == (before.limits, before.sha256)
    assert after.measured.count("Figures by recording") == 1


def test_further_seeds_are_averaged(model: Path, tmp_path: Path) -> None:
    seed = tmp_path / "seed.csv"
    seed.write_text(lines(0.9, 0.1, 0.1, 0.2, 0.9, 0.2, 0.3, 0.1))

    assert measure_recordings.main([str(model), "--scores", str(seed)]) == 0

    metrics = bundle.read_card(model).metrics
    assert metrics["recall_by_recording"].value == 3 / 4
    assert metrics["specificity_by_recording"].value == 3 / 4


def test_recordings_of_one_clip_each_give_no_figures(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (model / "unseen.csv").write_text(lines(0.9, 0.1, 0.8, 0.2, pieces=1))
    before = bundle.read_card(model)

    assert measure_recordings.main([str(model)]) == 0

    assert bundle.read_card(model) == before
    assert "is one clip" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["unseen.csv", bundle.CARD_FILE])
def test_a_model_without_its_files_is_a_sentence(
    model: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    (model / missing).unlink()

    assert measure_recordings.main([str(model)]) == 2
    assert "mine" in capsys.readouterr().err
