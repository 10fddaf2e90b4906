"""From a folder of clips to a model, and from the model to figures."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from scripts import evaluate, train
from tests.makers import videos
from video_classifier.ml.files import sha256
from video_classifier.ml.serving import bundle

pytestmark = pytest.mark.keras

PEOPLE = 6
FIGURES = ("auc", "accuracy", "precision", "recall", "specificity", "f1")


def write_table(target: Path, rows: list[tuple[str, str, str]]) -> Path:
    with target.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "actor"), *rows])
    return target


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of six people, a manifest, and a model trained on it."""
    folder = tmp_path_factory.mktemp("shop")
    rows = []
    for person in range(PEOPLE):
        for label in ("shoplifter", "non_shoplifter"):
            name = f"{person}-{label}.mp4"
            videos.write(folder / name, frames=10 + person)
            rows.append((name, label, f"person {person}"))
    videos.text(folder / "notes.mp4", "buy milk")
    rows.append(("notes.mp4", "shoplifter", "person 9"))
    table = write_table(folder / "manifest.csv", rows)
    options = ["--epochs", "1", "--folds", "0", "--threshold", "0.4"]

    assert (
        train.main(["conv3d", "--manifest", str(table), "--out", str(folder / "mine"), *options])
        == 0
    )
    return folder


def evaluated(folder: Path, rows: list[tuple[str, str, str]]) -> dict[str, Any]:
    table = write_table(folder / "test.csv", rows)
    target = folder / "figures.json"

    assert evaluate.main([str(folder / "mine"), str(table), "--json", str(target)]) == 0
    found: dict[str, Any] = json.loads(target.read_text())
    return found


def test_a_trained_model_is_complete(folder: Path) -> None:
    card = bundle.check(folder / "mine")

    assert (card.name, card.network, card.threshold) == ("mine", "conv3d", 0.4)
    assert card.parameters > 0
    assert card.limits
    assert "Nothing to look at was found in 1 of the clips" in card.measured
    assert card.training["clips"] == 2 * PEOPLE
    assert card.training["manifest_sha256"] == sha256(folder / "manifest.csv")
    assert card.training["settings"]["seed"] == 42
    assert {path.name for path in (folder / "mine").iterdir()} == {
        "network.keras",
        "network.openvino",
        "card.json",
        "course.png",
    }


def test_figures_come_with_intervals_and_every_score(folder: Path) -> None:
    videos.write(folder / "new.mp4", frames=20)

    report = evaluated(
        folder, [("new.mp4", "shoplifter", ""), ("0-non_shoplifter.mp4", "non_shoplifter", "")]
    )

    for name in FIGURES:
        assert report[name].keys() == {"value", "low", "high"}
    assert sum(report["confusion"].values()) == 2
    first, second = report["predictions"]
    assert (first["path"], first["label"]) == ("new.mp4", "shoplifter")
    assert 0 <= first["score"] <= 1
    assert (first["seen_in_training"], second["seen_in_training"]) == (False, True)


def test_clips_of_the_training_make_the_figures_leaky(folder: Path) -> None:
    report = evaluated(folder, [("0-shoplifter.mp4", "shoplifter", "")])

    assert "leaky" in report["warnings"][0]


def test_what_can_not_be_read_is_listed_and_not_scored(folder: Path) -> None:
    rows = [(name, "shoplifter", "") for name in ("1-shoplifter.mp4", "notes.mp4", "gone.mp4")]

    report = evaluated(folder, rows)

    assert [clip["path"] for clip in report["predictions"]] == ["1-shoplifter.mp4"]
    assert [clip["path"] for clip in report["unreadable"]] == ["notes.mp4", "gone.mp4"]
    assert all(clip["reason"].endswith(".") for clip in report["unreadable"])


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("path,label\n0-shoplifter.mp4,thief\n", "thief"),
        ("nothing\n", "columns path and label"),
        ("path,label\nnotes.mp4,shoplifter\n", "None of the clips gets a score"),
    ],
)
def test_a_table_that_can_not_be_measured_is_refused(
    folder: Path, table: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.csv").write_text(table)

    assert evaluate.main([str(folder / "mine"), str(folder / "bad.csv")]) == 2
    assert complaint in capsys.readouterr().err


def test_a_model_that_is_not_there_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main([str(folder / "none"), str(folder / "manifest.csv")]) == 2
    assert "no model “none”" in capsys.readouterr().err


def test_too_few_people_are_refused_before_training(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        ("0-shoplifter.mp4", "shoplifter", "a"),
        ("0-non_shoplifter.mp4", "non_shoplifter", "b"),
    ]
    table = write_table(folder / "few.csv", rows)

    assert train.main(["conv3d", "--manifest", str(table), "--out", str(folder / "few")]) == 2
    assert "Only 1 people" in capsys.readouterr().err
    assert not (folder / "few").exists()


def test_an_unknown_network_lists_the_known(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = str(folder / "manifest.csv")

    assert train.main(["conv4d", "--manifest", table, "--out", str(folder / "x")]) == 2
    assert re.search("there are .*conv3d, .*mobilenetv2_lstm", capsys.readouterr().err)
