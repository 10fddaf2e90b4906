"""Tables of scores: written and read, by clip and by recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.makers.datasets import entry
from video_classifier.ml.data.manifest import Entry, ManifestError
from video_classifier.ml.evaluation import score_table
from video_classifier.ml.evaluation.score_table import ScoreTable


def piece(number: int, *, shoplifter: bool, take: str, group: str = "Ada") -> Entry:
    return replace(entry(number, shoplifter=shoplifter, group=group), take=take)


def table(
    *entries: Entry, scores: list[float], thresholds: list[float] | None = None
) -> ScoreTable:
    return ScoreTable(
        entries=entries,
        scores=np.array(scores),
        thresholds=np.array(thresholds or [0.5] * len(scores)),
    )


TWO_TAKES = table(
    piece(1, shoplifter=True, take="7"),
    piece(2, shoplifter=False, take="8"),
    piece(3, shoplifter=True, take="7"),
    scores=[0.25, 0.5, 0.75],
    thresholds=[0.4, 0.5, 0.6],
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    score_table.write(tmp_path / "unseen.csv", [TWO_TAKES])

    (read,) = score_table.read(tmp_path / "unseen.csv")

    assert read.entries == TWO_TAKES.entries
    assert list(read.scores) == [0.25, 0.5, 0.75]
    assert list(read.thresholds) == [0.4, 0.5, 0.6]


def test_each_seed_is_a_table_of_its_own(tmp_path: Path) -> None:
    other = replace(TWO_TAKES, scores=np.array([0.1, 0.2, 0.3]))

    score_table.write(tmp_path / "unseen.csv", [TWO_TAKES, other])

    assert [list(one.scores) for one in score_table.read(tmp_path / "unseen.csv")] == [
        [0.25, 0.5, 0.75],
        [0.1, 0.2, 0.3],
    ]


def test_a_table_without_takes_and_seeds_is_read(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(
        "path,label,group,source,score,threshold\na/1.mp4,shoplifter,Ada,shop,0.9,0.5\n"
    )

    (read,) = score_table.read(tmp_path / "old.csv")

    assert [(one.name, one.group, one.take) for one in read.entries] == [("a/1.mp4", "Ada", "")]


@pytest.mark.parametrize(
    "content",
    [
        "path,label\na.mp4,shoplifter\n",
        "path,label,group,source,score,threshold\na.mp4,shoplifter,Ada,shop,high,0.5\n",
        "path,label,group,source,score,threshold\n",
    ],
)
def test_a_table_that_cannot_be_read_is_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "unseen.csv").write_text(content)

    for name in ("unseen.csv", "gone.csv"):
        with pytest.raises(ManifestError, match="can't be read"):
            score_table.read(tmp_path / name)


def test_a_recording_has_the_score_and_threshold_of_its_best_piece() -> None:
    found = TWO_TAKES.by_recording()

    assert [(one.name, one.label) for one in found.entries] == [
        ("7", "shoplifter"),
        ("8", "non_shoplifter"),
    ]
    assert list(found.scores) == [0.75, 0.5]
    assert list(found.thresholds) == [0.6, 0.5]


def test_a_clip_without_a_take_is_a_recording() -> None:
    clips = table(
        entry(1, shoplifter=True, group="Ada"),
        entry(2, shoplifter=True, group="Ada"),
        scores=[0.1, 0.2],
    )

    assert [one.name for one in clips.by_recording().entries] == ["1.mp4", "2.mp4"]


def test_takes_of_two_people_may_have_one_name() -> None:
    clips = table(
        piece(1, shoplifter=True, take="1", group="Ada"),
        piece(2, shoplifter=True, take="1", group="Bob"),
        scores=[0.1, 0.2],
    )

    assert clips.by_recording().groups == ["Ada", "Bob"]


def test_a_folder_is_the_first_part_of_a_name() -> None:
    one, other = (entry(number, shoplifter=True, group="Ada") for number in (1, 2))
    clips = table(
        replace(one, name="mnnit/1.mp4"),
        replace(other, name="mnnit_extra/2.mp4"),
        scores=[0.1, 0.2],
    )

    assert list(clips.in_folder("mnnit").scores) == [0.1]


def test_of_a_clip_in_two_tables_the_first_score_counts() -> None:
    one, other, third = (entry(number, shoplifter=True, group="Ada") for number in range(3))

    found = table(one, other, scores=[0.1, 0.2]).and_those_of(
        table(other, third, scores=[0.8, 0.9])
    )

    assert found.entries == (one, other, third)
    assert list(found.scores) == [0.1, 0.2, 0.9]
