"""Tables of figures on unseen people, from made-up scores."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import measure_models

PAGE = """# Models
<!-- unseen: begin -->
old
<!-- unseen: end -->
Between.
<!-- curve: begin -->
old
<!-- curve: end -->
"""
HEAD = "path,label,group,take,source,score,threshold,seed\n"
THEFT, ORDINARY = "shoplifter", "non_shoplifter"
LAB2 = "mnnit_P_lab2_whiteshirt"

STAGED = (
    f"mnnit/1.mp4,{THEFT},Ada,1,mnnit,0.9,0.5",
    f"mnnit/2.mp4,{ORDINARY},Ada,2,mnnit,0.2,0.5",
    f"mnnit/3.mp4,{ORDINARY},Bob,3,mnnit,0.1,0.5",
)
FURTHER = (
    f"mnnit_extra/4_f1.mp4,{ORDINARY},Ada,4,mnnit,0.3,0.5",
    f"mnnit_extra/4_f2.mp4,{ORDINARY},Ada,4,mnnit,0.7,0.5",
    f"mnnit_extra/5_f1.mp4,{ORDINARY},Bob,5,mnnit,0.8,0.5",
    f"mnnit_extra/6_part1.mp4,{THEFT},{LAB2},6,mnnit,0.25,0.5",
)
STREET = (
    f"street/7.mp4,{ORDINARY},7,,street,0.6,0.5",
    f"street/8.mp4,{ORDINARY},8,,street,0.1,0.5",
)


def table(path: Path, *rows: str, seeds: int = 1) -> Path:
    lines = [f"{row},{seed}" for seed in range(1, seeds + 1) for row in rows]
    path.write_text(HEAD + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "models.md").write_text(PAGE)
    return tmp_path / "models.md"


def written(page: Path, *options: str) -> dict[tuple[str, str], list[str]]:
    """The cells of each row of the table, by its first two."""
    assert measure_models.main([*options, "--write", str(page)]) == 0
    lines = page.read_text().partition("<!-- unseen: end -->")[0].splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    return {(row[0], row[1]): row[2:] for row in rows}


def test_each_figure_is_over_the_clips_that_it_names(page: Path, tmp_path: Path) -> None:
    scores = table(tmp_path / "unseen.csv", *STAGED, *FURTHER, *STREET)

    rows = written(page, "--scores", f"ours={scores}")

    by_clip, both = "`mnnit`, by clip", "`mnnit` and `mnnit_extra`, by recording"
    assert rows["Measured on", "Figure"] == ["ours"]
    assert rows[by_clip, "thefts and ordinary"] == ["1 and 2"]
    assert rows[by_clip, "ROC AUC"][0].startswith("1.00 (")
    assert rows[both, "thefts and ordinary"] == ["2 and 4"]
    # Ada's theft is above all four, that in the other room above two.
    assert rows[both, "ROC AUC"][0].startswith("0.75 (")
    # Ada's theft against her two ordinary recordings.
    assert rows[both, "ROC AUC within person"][0].startswith("1.00 (")
    assert rows[both, "recall"][0].startswith("0.50 (")
    assert rows[both, "false alarms"][0].startswith("0.50 (")


def test_hints_of_ordinary_recordings_and_single_pieces_are_named(
    page: Path, tmp_path: Path
) -> None:
    scores = table(tmp_path / "unseen.csv", *STAGED, *FURTHER, *STREET)

    rows = written(page, "--scores", f"ours={scores}")

    further = "`mnnit_extra`, by recording"
    assert rows[further, "ordinary recordings that get a hint"] == ["2 of 2"]
    assert rows[further, "… of people with a theft in `mnnit`"] == ["1 of 1"]
    assert rows["another room, a theft", "`6_part1`"] == ["0.25, no hint"]
    cameras = "other cameras, ordinary clips"
    assert rows[cameras, "get a hint, other clips of them in training"] == ["1 of 2"]
    assert rows[cameras, "get a hint, none of them in training"] == ["-"]
    assert rows["real shops", "ROC AUC within camera"] == ["-"]


def test_shops_are_measured_within_a_camera(page: Path, tmp_path: Path) -> None:
    scores = table(tmp_path / "unseen.csv", *STAGED)
    shops = table(
        tmp_path / "shops.csv",
        f"real_shops/1.mp4,{THEFT},cam00,,real_shops,0.2,0.5",
        f"real_shops/2.mp4,{ORDINARY},cam00,,real_shops,0.1,0.5",
        f"real_shops/3.mp4,{ORDINARY},cam01,,real_shops,0.9,0.5",
    )
    street = table(tmp_path / "street.csv", *STREET)

    rows = written(
        page,
        *("--scores", f"ours={scores}"),
        *("--shops", f"ours={shops}"),
        *("--elsewhere", f"ours={street}"),
    )

    assert rows["real shops", "ROC AUC within camera"][0].startswith("1.00 (")
    cameras = "other cameras, ordinary clips"
    assert rows[cameras, "get a hint, none of them in training"] == ["1 of 2"]


def test_a_second_table_adds_the_clips_that_the_first_lacks(page: Path, tmp_path: Path) -> None:
    first = table(tmp_path / "unseen.csv", *STAGED)
    second = table(tmp_path / "others.csv", STAGED[0].replace("0.9", "0.0"), *FURTHER)

    rows = written(page, "--scores", f"ours={first}", "--scores", f"ours={second}")

    assert rows["`mnnit`, by clip", "ROC AUC"][0].startswith("1.00 (")
    assert rows["`mnnit_extra`, by recording", "thefts and ordinary"] == ["1 and 2"]


def test_tables_of_the_same_clips_are_of_further_seeds(page: Path, tmp_path: Path) -> None:
    both = [table(tmp_path / f"{seed}.csv", *STAGED, *FURTHER) for seed in (1, 2)]
    scores = [option for each in both for option in ("--scores", f"ours={each}")]

    assert measure_models.main([*scores, "--write", str(page)]) == 0

    assert "over 2 seeds" in page.read_text()


def test_each_model_has_a_column_and_seeds_have_a_range(page: Path, tmp_path: Path) -> None:
    one = table(tmp_path / "one.csv", *STAGED, *FURTHER)
    other = table(tmp_path / "other.csv", *STAGED, *FURTHER, seeds=3)

    rows = written(page, "--scores", f"one={one}", "--scores", f"other={other}")

    assert rows["Measured on", "Figure"] == ["one", "other"]
    assert rows["`mnnit`, by clip", "ROC AUC"][1].endswith("; 1.00 to 1.00 over 3 seeds")
    assert rows["another room, a theft", "`6_part1`"] == [
        "0.25, no hint",
        "0.25; 0.25 to 0.25 over 3 seeds, a hint with 0",
    ]


def test_the_learning_curve_is_written_and_drawn(page: Path, tmp_path: Path) -> None:
    scores = table(tmp_path / "unseen.csv", *STAGED)
    (tmp_path / "curve.csv").write_text("people,auc,seed\n8,0.9,1\n4,0.6,1\n4,0.7,2\n")
    plot = tmp_path / "curve.png"

    written(
        page,
        *("--scores", f"ours={scores}"),
        *("--curve", str(tmp_path / "curve.csv")),
        *("--plot", str(plot)),
    )

    assert "| 4 | 0.65; 0.60 to 0.70 over 2 seeds |\n| 8 | 0.90 |" in page.read_text()
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--scores", "ours=gone.csv"], "gone.csv can't be read"),
        (["--scores", "ours={scores}", "--shops", "theirs={scores}"], "no --scores of theirs"),
        (["--scores", "ours={scores}", "--scores", "ours={seeds}"], "1 and 2 seeds"),
        (["--scores", "ours={scores}", "--write", "{tmp}/other.md"], "other.md can't be read"),
    ],
)
def test_what_cannot_be_measured_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    known = {
        "tmp": tmp_path,
        "scores": table(tmp_path / "unseen.csv", *STAGED),
        "seeds": table(tmp_path / "seeds.csv", *FURTHER, seeds=2),
    }

    assert measure_models.main([option.format_map(known) for option in options]) == 2
    assert sentence in capsys.readouterr().err
