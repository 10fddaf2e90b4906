"""The shortcut tests of a model, from its folder and a table of clips."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import audit_model
from tests.makers import videos
from tests.scripts.conftest import MakeModel, MakeTable
from video_classifier.ml.files import sha256

pytestmark = pytest.mark.keras

PAGE = """# Models
<!-- shortcuts mine: begin -->
old
<!-- shortcuts mine: end -->
The rest.
"""
VERSIONS = [
    "original",
    "gray",
    "blurred",
    "reversed in time",
    "shuffled in time",
    "one still picture",
]


@pytest.fixture
def table(make_table: MakeTable, tmp_path: Path) -> Path:
    """Four people with a clip of each label."""
    rows = []
    for number in range(8):
        name = f"{number}.mp4"
        videos.write(tmp_path / name, 10 + number)
        label = "shoplifter" if number % 2 else "non_shoplifter"
        rows.append((name, label, f"person {number // 2}"))
    return make_table(rows)


def test_each_version_is_measured_printed_and_written(
    make_model: MakeModel,
    table: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page, report = tmp_path / "models.md", tmp_path / "audit.json"
    page.write_text(PAGE)
    model = make_model("mine")

    options = ["--write", str(page), "--json", str(report)]
    assert audit_model.main([str(model), str(table), *options]) == 0

    found = json.loads(report.read_text())
    assert [result["version"] for result in found["appearance"]] == VERSIONS
    assert found["appearance"][0]["drop"]["value"] == 0
    assert (found["clips"], found["in_training"], found["without_result"]) == (8, 0, 0)
    assert found["identity"]["people"] == 4
    rows = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0] for row in rows[2:]] == [f"| {version}" for version in VERSIONS]
    assert "The person's share of the variance of scores:" in capsys.readouterr().out
    assert max(len(line) for line in page.read_text().splitlines()) <= 130


def test_figures_on_clips_of_the_training_are_called_flattered(
    make_model: MakeModel,
    table: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = make_model("mine", training={"clips_sha256": [sha256(tmp_path / "3.mp4")]})

    assert audit_model.main([str(model), str(table)]) == 0

    assert "1 of these 8 clips were used to train the model" in capsys.readouterr().out


def test_out_of_fold_scores_of_the_folder_are_looked_at(
    make_model: MakeModel, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_model("mine")
    rows = [
        f"{person}{number}.mp4,{label},{person},shop,{0.9 if person in 'ab' else 0.1},0.5"
        for person in "abcdef"
        for number, label in enumerate(("shoplifter", "non_shoplifter") * 3)
    ]
    heads = "path,label,group,source,score,threshold"
    (model / "unseen.csv").write_text("\n".join((heads, *rows)))

    assert audit_model.main([str(model), str(table)]) == 0

    printed = capsys.readouterr().out
    assert "1.00 by out-of-fold scores (36 recordings of 6 people; chance" in printed
    assert "Who is in a clip explains 100% of the variance" in printed


def test_clips_of_one_label_are_refused(
    make_model: MakeModel, make_table: MakeTable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos.write(tmp_path / "a.mp4", 12)
    table = make_table([("a.mp4", "shoplifter", "ann")])

    assert audit_model.main([str(make_model("mine")), str(table)]) == 2
    assert "one label only" in capsys.readouterr().err


def test_a_page_without_the_marks_is_refused_before_anything_is_scored(
    make_model: MakeModel, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "models.md"
    page.write_text("# Models\n")

    assert audit_model.main([str(make_model("mine")), str(table), "--write", str(page)]) == 2
    assert "<!-- shortcuts mine: begin -->" in capsys.readouterr().err
