"""The notebooks run from top to bottom, define nothing, and keep no output."""

from __future__ import annotations

import ast
import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeModel
from tests.makers.footage import FOOTAGE, ROOT, WEIGHTS, require
from video_classifier.ml.serving.card import Interval

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ACTORS = ("mnnit_A_striped", "mnnit_F_purple", "mnnit_G_floral", "mnnit_I_plaid", "mnnit_B_brown")

each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def code(notebook: Path) -> str:
    return "\n\n".join("".join(cell["source"]) for cell in code_cells(notebook))


def run(notebook: Path, **variables: str) -> str:
    """What the notebook prints, in a process of its own and in its folder."""
    done = subprocess.run(
        [sys.executable, "-c", code(notebook)],
        cwd=notebook.parent,
        env=os.environ | {"MPLBACKEND": "agg"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def handful(tmp_path: Path) -> Path:
    """A manifest of some clips of each label by people who have both."""
    require(FOOTAGE / "manifest.csv", WEIGHTS)
    with (FOOTAGE / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["actor"] in ACTORS and not row["note"]]
    first = {(row["actor"], row["label"]): row for row in reversed(rows)}.values()
    table = tmp_path / "clips.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "actor", "source"))
        for row in first:
            path = FOOTAGE / row["path"]
            writer.writerow((path, row["label"], row["actor"], row["source"]))
    return table


def test_all_are_there() -> None:
    assert [path.name for path in NOTEBOOKS] == [
        "compare.ipynb",
        "shop-lifter-pre.ipynb",
        "shop_lifter.ipynb",
    ]


@each_notebook
def test_no_output_is_kept(notebook: Path) -> None:
    for cell in code_cells(notebook):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@each_notebook
def test_nothing_is_defined(notebook: Path) -> None:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda

    assert not [node for node in ast.walk(ast.parse(code(notebook))) if isinstance(node, kinds)]


@pytest.mark.keras
@pytest.mark.footage
@pytest.mark.parametrize("name", ["shop-lifter-pre", "shop_lifter"])
def test_trains_on_a_handful_of_clips(name: str, handful: Path) -> None:
    printed = run(
        ROOT / "notebooks" / f"{name}.ipynb",
        MANIFEST=str(handful),
        BACKBONE_WEIGHTS=str(WEIGHTS),
        EPOCHS="1",
        FOLDS="2",
    )

    assert "epoch 1: loss " in printed
    assert "auc " in printed


def test_compares_the_models_of_a_folder(make_model: MakeModel) -> None:
    model = make_model("mine", metrics={"auc": Interval(value=0.7, low=0.6, high=0.8)})
    scores = "path,label,group,source,score\na.mp4,shoplifter,ann,shop,0.9\n"
    (model / "unseen.csv").write_text(scores)

    printed = run(ROOT / "notebooks" / "compare.ipynb", MODELS_STORAGE=str(model.parent))

    assert "mine: For tests." in printed
