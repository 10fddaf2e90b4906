"""Scores of thefts by networks that hadn't seen the person."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_classifier.ml.measures import thefts
from video_classifier.ml.measures.errors import MeasureError

SHIPPED = Path(__file__).parents[3] / "models_storage"
HEAD = "path,label,group,take,source,score,threshold,seed\n"


def written(folder: Path, *rows: str) -> Path:
    (folder / thefts.FILE).write_text(HEAD + "\n".join(rows), encoding="utf-8")
    return folder


def test_a_recording_counts_once_with_its_best_piece(tmp_path: Path) -> None:
    found = thefts.read(
        written(
            tmp_path,
            "a1.mp4,shoplifter,Ada,take 1,mnnit,0.2,0.5,1",
            "a2.mp4,shoplifter,Ada,take 1,mnnit,0.8,0.5,1",
            "b.mp4,shoplifter,Bob,,mnnit,0.4,0.5,1",
            "c.mp4,non_shoplifter,Bob,,mnnit,0.1,0.5,1",
        )
    )

    assert found.thefts.tolist() == [0.8, 0.4]
    assert found.people == ("Ada", "Bob")
    assert found.ordinary.tolist() == [0.1]
    assert found.ordinary_people == ("Bob",)


def test_seeds_are_averaged(tmp_path: Path) -> None:
    found = thefts.read(
        written(
            tmp_path,
            "a.mp4,shoplifter,Ada,,mnnit,0.2,0.5,1",
            "a.mp4,shoplifter,Ada,,mnnit,0.6,0.5,2",
        )
    )

    assert found.thefts.tolist() == pytest.approx([0.4])


def test_a_model_without_a_table_has_none(tmp_path: Path) -> None:
    found = thefts.read(tmp_path)

    assert not len(found.thefts)
    assert found.people == ()


@pytest.mark.parametrize("score", ["", "high", "nan", "1.5"])
def test_a_table_that_is_broken_is_refused(tmp_path: Path, score: str) -> None:
    folder = written(tmp_path, f"a.mp4,shoplifter,Ada,,mnnit,{score},0.5,1")

    with pytest.raises(MeasureError, match="can't be read"):
        thefts.read(folder)


def test_the_shipped_models_have_thefts_of_several_people() -> None:
    for folder in sorted(file.parent for file in SHIPPED.glob("*/card.json")):
        found = thefts.read(folder)

        assert len(found.thefts) >= 20
        assert len(set(found.people)) >= 5
