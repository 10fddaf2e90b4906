"""All models in one table, on the screen and in the documents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scripts import compare_models
from tests.makers import videos
from tests.scripts.conftest import MakeModel, MakeTable
from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.files import sha256
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Interval

pytestmark = pytest.mark.keras

PAGE = """# Models
<!-- models: begin -->
old
<!-- models: end -->
Between.
<!-- recipes: begin -->
old
<!-- recipes: end -->
The rest.
"""


def written(tmp_path: Path, *options: str) -> str:
    page = tmp_path / "models.md"
    page.write_text(PAGE)

    storage = ["--storage", str(tmp_path / "models"), "--recipes", str(tmp_path / "recipes")]
    assert compare_models.main([*storage, "--write", str(page), *options]) == 0
    return page.read_text()


def lines(page: str, name: str) -> list[str]:
    """Of the table between the marks of that name."""
    part = page.partition(f"<!-- {name}: begin -->")[2].partition(f"<!-- {name}: end -->")[0]
    return [line for line in part.splitlines() if line.startswith("|")]


def test_recipes_without_a_model_stand_in_one_table_with_the_shipped_ones(
    make_model: MakeModel, tmp_path: Path
) -> None:
    make_model("good", metrics={"auc": Interval(value=0.8, low=0.7, high=0.9)})
    make_model("unmeasured", metrics={})
    better = replace(
        bundle.read_card(tmp_path / "models" / "good"),
        network="conv3d",
        spec=ClipSpec(height=224, width=224, view=Region.PERSON),
        metrics={"auc": Interval(value=0.9, low=0.8, high=1.0)},
    )
    (tmp_path / "recipes" / "better").mkdir(parents=True)
    bundle.write_card(tmp_path / "recipes" / "better", better)

    page = written(tmp_path)

    _, _, *rows = lines(page, "recipes")
    assert rows[0] == "| conv3d | person 224 by 224 | 0.90 (0.80 to 1.00) | - |"
    assert rows[1].endswith(" | 0.80 (0.70 to 0.90) | good |")
    assert len(rows) == 2


def test_the_best_is_first_with_its_figures_from_its_card(
    make_model: MakeModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_model("good", metrics={"auc": Interval(value=0.8, low=0.7, high=0.9)})
    make_model("fair", metrics={"auc": Interval(value=0.6, low=0.5, high=0.7)})
    make_model("unmeasured", metrics={})

    page = written(tmp_path)

    heads, _, *rows = lines(page, "models")
    assert heads == "| Model | ROC AUC | Parameters | Size | Inference |"
    assert [row.split(" | ")[0] for row in rows] == ["| good", "| fair", "| unmeasured"]
    assert "| 0.80 (0.70 to 0.90) |" in rows[0]
    assert rows[0].endswith(" ms |")
    assert "| - |" in rows[2]
    assert "0.80" in capsys.readouterr().out


def test_the_rest_of_the_page_stays(make_model: MakeModel, tmp_path: Path) -> None:
    make_model("good")

    page = written(tmp_path)

    assert page.startswith("# Models\n<!-- models: begin -->\n")
    assert "\n<!-- models: end -->\nBetween.\n<!-- recipes: begin -->\n" in page
    assert page.endswith("\n<!-- recipes: end -->\nThe rest.\n")
    assert "old" not in page


def test_who_was_trained_on_the_clips_is_leaky(
    make_model: MakeModel, make_table: MakeTable, tmp_path: Path
) -> None:
    seen, new = (
        videos.write(tmp_path / name, frames) for name, frames in (("a.mp4", 12), ("b.mp4", 14))
    )
    make_model("honest")
    make_model("flattered", training={"clips_sha256": [sha256(seen)]})
    table = make_table([(seen.name, "shoplifter", ""), (new.name, "non_shoplifter", "")])

    page = written(tmp_path, "--manifest", str(table))

    assert "flattered (leaky: trained on 1 of 2 clips)" in page
    assert "| honest |" in page
    assert "measured on `clips.csv`" in page
    assert "0.70 (0.60 to 0.80)" not in page  # of the card


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("no marks", "needs the lines <!-- models: begin -->"),
        (PAGE.partition("Between.")[0], "needs the lines <!-- recipes: begin -->"),
        (None, "No such"),
    ],
)
def test_a_page_that_can_not_take_the_tables_is_refused_before_a_model_is_loaded(
    make_model: MakeModel,
    tmp_path: Path,
    text: str | None,
    complaint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_model("good")
    page = tmp_path / "models.md"
    if text is not None:
        page.write_text(text)

    options = ["--storage", str(tmp_path / "models"), "--write", str(page)]
    assert compare_models.main(options) == 2
    told = capsys.readouterr()
    assert complaint in told.err
    assert not told.out


def test_no_model_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_models.main(["--storage", str(tmp_path)]) == 2
    assert "There is no model" in capsys.readouterr().err
