"""Figures by how somebody appears: of clips that were measured before, and of new ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import measure_appearance

HEAD = "path,label,group,take,source,score,threshold,seed\n"
PAGE = "# Models\n<!-- appearance: begin -->\n<!-- appearance: end -->\n"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with the scores of two thefts and two ordinary clips."""
    rows = [
        f"{number}.mp4,{label},{person},,shop,{score},0.5,1"
        for number, (label, person, score) in enumerate(
            [
                ("shoplifter", "Ada", 0.9),
                ("shoplifter", "Bob", 0.4),
                ("non_shoplifter", "Ada", 0.6),
                ("non_shoplifter", "Bob", 0.1),
            ]
        )
    ]
    (tmp_path / "unseen.csv").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def measured(folder: Path) -> Path:
    file = folder / "measured.csv"
    rows = ["0.mp4,0.1,0.5,0.4", "1.mp4,0.8,0.5,0.4", "2.mp4,0.1,0.5,0.4", "3.mp4,,,"]
    file.write_text("path,clothing,height,light\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return file


def test_what_was_measured_before_is_not_measured_again(model: Path) -> None:
    page = model / "page.md"
    page.write_text(PAGE, encoding="utf-8")

    options = ["--measured", str(measured(model)), "--write", str(page)]
    assert measure_appearance.main([str(model), str(model), *options]) == 0

    written = page.read_text(encoding="utf-8")
    assert "**Thefts**, 2 clips of 2 people or cameras:" in written
    assert "| brightness of clothes | lowest quarter | 0.10 to 0.10 | 0.90 | 1 of 1" in written
    assert "| brightness of clothes | not measured |" in written


def test_a_model_without_scores_of_unseen_people_has_no_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--measured", str(tmp_path / "measured.csv")]
    assert measure_appearance.main([str(tmp_path), str(tmp_path), *options]) == 2

    assert "can't be read" in capsys.readouterr().err


def test_a_page_without_marks_is_refused_before_anything_is_measured(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = model / "page.md"
    page.write_text("# Models\n", encoding="utf-8")

    options = ["--measured", str(measured(model)), "--write", str(page)]
    assert measure_appearance.main([str(model), str(model), *options]) == 2

    assert "needs the lines" in capsys.readouterr().err
