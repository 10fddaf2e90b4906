"""Anyone can measure how well duplicates are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import measure_duplicates
from tests import scenes
from tests.footage import FOOTAGE, require
from video_classifier.ml import duplicates, fingerprints

SHARING = {  # which clips of mnnit, and where each starts in the recording
    "non_shoplifters/normal_018.mp4": 0.0,
    "shoplifters/shoplifting_058.mp4": 1.0,
    "non_shoplifters/normal_047.mp4": 6.8,
}
SAME_SHELF = ("shoplifters/shoplifting_001.mp4", "non_shoplifters/normal_074.mp4")


def test_prints_the_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed, start in (("a", 1, 0), ("b", 1, 4), ("c", 2, 0)):
        scenes.write(tmp_path / f"{name}.mp4", seed, start=start, seconds=7)
    (tmp_path / "manifest.csv").write_text(
        "path,label,take\na.mp4,shoplifter,1\nb.mp4,non_shoplifter,1\nc.mp4,shoplifter,2\n"
    )
    (tmp_path / "overlaps.csv").write_text(
        "clip_a,clip_b,offset_s,shared_share_of_a,same_label\na,b,-4.0,0.43,False\n"
    )
    paths = [str(tmp_path / "manifest.csv"), "--overlaps", str(tmp_path / "overlaps.csv")]
    options = ["--copies", "1", "--cache", str(tmp_path / "cache")]

    assert measure_duplicates.main([*paths, *options]) == 0

    told = [line.split("│")[1:3] for line in capsys.readouterr().out.splitlines() if "│" in line]
    figures = {name.strip(): figure.strip() for name, figure in told}
    assert figures["share at least a third of the first"] == "1 of 1 (100.0%)"
    assert figures["share footage under opposite labels"] == "1 of 1 (100.0%)"
    assert figures["come from different takes"] == "0 of 2 (0.0%)"
    assert figures["mirrored"] == "1 of 1 (100.0%)"
    assert figures["all"] == "7 of 7 (100.0%)"


def test_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(tmp_path / "none.csv"), "--overlaps", str(tmp_path / "none.csv")]

    assert measure_duplicates.main(paths) == 2
    assert "can't be read" in capsys.readouterr().err


@pytest.mark.footage
def test_tells_shared_footage_from_another_visit_to_the_shelf() -> None:
    clips = {name: FOOTAGE / "mnnit" / name for name in (*SHARING, *SAME_SHELF)}
    require(*clips.values())

    found = duplicates.find({name: fingerprints.take(path) for name, path in clips.items()})

    assert {pair.a for pair in found.pairs} | {pair.b for pair in found.pairs} == set(SHARING)
    assert len(found.pairs) == 3
    for pair in found.pairs:
        offset = SHARING[pair.a] - SHARING[pair.b]
        assert pair.offset_s == pytest.approx(offset, abs=0.2)
