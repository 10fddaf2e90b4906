"""Figures on unseen people against values worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.makers.datasets import entry
from video_classifier.ml.contracts import Floats
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.evaluation import unseen
from video_classifier.ml.evaluation.score_table import ScoreTable
from video_classifier.ml.evaluation.unseen import CurvePoint, OverSeeds

# Ada's theft and ordinary clip, then Bob's.
ENTRIES = tuple(
    entry(number, shoplifter=number % 2 == 0, group=person)
    for number, person in enumerate(("Ada", "Ada", "Bob", "Bob"))
)


def scored(*scores: float, thresholds: float | Floats = 0.5) -> ScoreTable:
    return ScoreTable(
        entries=ENTRIES,
        scores=np.array(scores),
        thresholds=np.broadcast_to(thresholds, len(ENTRIES)),
    )


def test_pooled_and_within_a_person_differ_where_scores_tell_people_apart() -> None:
    found = unseen.measured(scored(0.9, 0.8, 0.3, 0.2))

    assert found["auc"].value == 3 / 4
    assert found["within_person"].value == 1


def test_each_clip_counts_at_its_own_threshold() -> None:
    found = unseen.measured(scored(0.9, 0.8, 0.3, 0.2, thresholds=np.array([0.9, 0.9, 0.2, 0.2])))

    assert found["recall"].value == 1
    assert found["false_alarms"].value == 1 / 2


def test_of_no_clips_nothing_is_defined() -> None:
    nothing = scored(0.9, 0.8, 0.3, 0.2).where([False] * 4)

    assert {interval.value for interval in unseen.measured(nothing).values()} == {None}
    assert str(unseen.over_seeds([nothing])["auc"]) == "not defined here"


def test_over_seeds_are_the_mean_and_the_range() -> None:
    worst, best = scored(0.1, 0.8, 0.3, 0.2), scored(0.9, 0.1, 0.8, 0.2)

    found = unseen.over_seeds([worst, best])["auc"]

    assert list(found.values) == [1 / 4, 1]
    assert found.mean == 5 / 8
    assert (found.low, found.high) == (
        unseen.measured(worst)["auc"].low,
        unseen.measured(best)["auc"].high,
    )
    assert str(found).endswith("; 0.25 to 1.00 over 2 seeds")


def test_one_seed_has_no_range() -> None:
    assert str(OverSeeds(values=(0.5,), low=0.25, high=0.75)) == "0.50 (0.25 to 0.75)"


def in_takes(table: ScoreTable, *takes: str) -> ScoreTable:
    entries = [replace(one, take=take) for one, take in zip(table.entries, takes, strict=True)]
    return replace(table, entries=tuple(entries))


def test_by_recording_pieces_count_once_with_the_best_of_them() -> None:
    """Ada's theft is in two pieces, of which one shows it; so is Bob's ordinary visit."""
    entries = (*ENTRIES, replace(ENTRIES[0], name="5.mp4"), replace(ENTRIES[3], name="6.mp4"))
    table = in_takes(
        ScoreTable(
            entries=entries,
            scores=np.array([0.2, 0.1, 0.9, 0.1, 0.8, 0.7]),
            thresholds=np.full(6, 0.5),
        ),
        *("a", "b", "c", "d", "a", "d"),
    )

    found = unseen.recording_metrics([table])

    assert {name: figure.value for name, figure in found.items()} == {
        "auc_by_recording": 1,
        "recall_by_recording": 1,
        "specificity_by_recording": 1 / 2,
    }
    assert unseen.measured(table)["recall"].value == pytest.approx(2 / 3)


def test_by_recording_seeds_are_averaged() -> None:
    table = in_takes(scored(0.9, 0.1, 0.1, 0.2), "a", "b", "c", "c")
    table = replace(table, entries=(*table.entries[:3], replace(table.entries[2], name="x.mp4")))
    better = replace(table, scores=np.array([0.9, 0.1, 0.9, 0.2]))

    found = unseen.recording_metrics([table, better])["recall_by_recording"]

    assert found.value == 3 / 4
    assert found.low == min(
        unseen.recording_metrics([each])["recall_by_recording"].low or 0 for each in (table, better)
    )


def test_where_each_recording_is_a_clip_nothing_differs_by_recording() -> None:
    assert unseen.recording_metrics([in_takes(scored(0.9, 0.8, 0.3, 0.2), *"abcd")]) == {}


def test_hints_are_counted_with_each_seed() -> None:
    tables = [scored(0.9, 0.5, 0.1, 0.1), scored(0.9, 0.5, 0.5, 0.1)]

    found = unseen.hints(tables)

    assert (found.counts, found.of) == ((2, 3), 4)
    assert str(found) == "2.5 of 4; 2 to 3 over 2 seeds"
    assert str(unseen.hints(tables[:1])) == "2 of 4"


def test_a_learning_curve_is_by_number_of_people(tmp_path: Path) -> None:
    file = tmp_path / "curve.csv"
    file.write_text("people,auc,seed\n8,0.9,1\n4,0.6,1\n4,0.7,2\n")

    curve = unseen.learning_curve(unseen.read_curve(file))

    assert {people: point.values for people, point in curve.items()} == {4: (0.6, 0.7), 8: (0.9,)}
    assert list(curve) == [4, 8]


@pytest.mark.parametrize("content", ["", "people,auc\n", "people,auc\nmany,0.5\n", "auc\n0.5\n"])
def test_a_curve_that_cannot_be_read_is_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "curve.csv").write_text(content)

    for name in ("curve.csv", "gone.csv"):
        with pytest.raises(ManifestError, match=f"{name} can't be read"):
            unseen.read_curve(tmp_path / name)


def test_a_point_of_a_curve_is_one_training(tmp_path: Path) -> None:
    (tmp_path / "curve.csv").write_text("people,auc,seed\n8,0.9,1\n")

    assert unseen.read_curve(tmp_path / "curve.csv") == (CurvePoint(people=8, auc=0.9),)
