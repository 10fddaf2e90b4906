"""Anyone can measure how well duplicates are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import measure_duplicates
from tests.makers import scenes
from tests.makers.footage import FOOTAGE, require
from video_classifier.ml.duplicates import fingerprints, search

SHARING = {  # which clips of mnnit, and where each starts in the recording
    "non_shoplifters/normal_018.mp4": 0.0,
    "shoplifters/shoplifting_058.mp4": 1.0,
    "non_shoplifters/normal_047.mp4": 6.8,
}
SAME_SHELF = ("shoplifters/shoplifting_001.mp4", "non_shoplifters/normal_074.mp4")


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """The arguments for three clips, of which two overlap."""
    for name, seed, start in (("a", 1, 0), ("b", 1, 4), ("c", 2, 0)):
        scenes.write(tmp_path / f"{name}.mp4", seed, start=start, seconds=7)
    (tmp_path / "manifest.csv").write_text(
        "path,label,take\na.mp4,shoplifter,1\nb.mp4,non_shoplifter,1\nc.mp4,shoplifter,2\n"
    )
    (tmp_path / "overlaps.csv").write_text(
        "clip_a,clip_b,offset_s,shared_share_of_a,same_label\na,b,-4.0,0.43,False\n"
    )
    tables = [str(tmp_path / "manifest.csv"), "--overlaps", str(tmp_path / "overlaps.csv")]
    return [*tables, "--cache", str(tmp_path / "cache")]


def figures(told: str, ruler: str) -> dict[str, str]:
    """The second column by the first."""
    rows = [line.split(ruler)[1:3] for line in told.splitlines() if ruler in line]
    return {name.strip(): figure.strip() for name, figure in rows}


def test_prints_the_figures_and_writes_them_into_a_page(
    paths: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "data.md"
    page.write_text(
        "# Data\n<!-- duplicates: begin -->\nold\n<!-- duplicates: end -->\nThe rest.\n"
    )

    assert measure_duplicates.main([*paths, "--copies", "1", "--write", str(page)]) == 0

    written = page.read_text()
    for shown in (figures(capsys.readouterr().out, "│"), figures(written, "|")):
        assert shown["share at least a third of the first"] == "1 of 1 (100.0%)"
        assert shown["share footage under opposite labels"] == "1 of 1 (100.0%)"
        assert shown["come from different takes"] == "0 of 2 (0.0%)"
        assert shown["mirrored"] == "1 of 1 (100.0%)"
        assert shown["all"] == "7 of 7 (100.0%)"
        assert {"1", "2"} < shown.keys()  # halves of the takes
    assert written.startswith("# Data\n<!-- duplicates: begin -->\n| pairs of clips | found |\n")
    assert written.endswith(" |\n<!-- duplicates: end -->\nThe rest.\n")


def test_a_page_without_marks_is_refused_before_a_clip_is_read(
    paths: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "data.md"
    page.write_text("# Data\n")

    assert measure_duplicates.main([*paths, "--write", str(page)]) == 2

    told = capsys.readouterr()
    assert "needs the lines <!-- duplicates: begin -->" in told.err
    assert not told.out
    assert not (tmp_path / "cache").exists()


def test_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(tmp_path / "none.csv"), "--overlaps", str(tmp_path / "none.csv")]

    assert measure_duplicates.main(paths) == 2
    assert "can't be read" in capsys.readouterr().err


@pytest.mark.footage
def test_tells_shared_footage_from_another_visit_to_the_shelf() -> None:
    clips = {name: FOOTAGE / "mnnit" / name for name in (*SHARING, *SAME_SHELF)}
    require(*clips.values())

    found = search.find({name: fingerprints.compute(path) for name, path in clips.items()})

    assert {pair.a for pair in found.pairs} | {pair.b for pair in found.pairs} == set(SHARING)
    assert len(found.pairs) == 3
    for pair in found.pairs:
        offset = SHARING[pair.a] - SHARING[pair.b]
        assert pair.offset_s == pytest.approx(offset, abs=0.2)
