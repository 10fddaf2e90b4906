"""Leaks are found, named and counted; what is fine is left in peace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.makers.datasets import entry, inspected, people
from video_classifier.ml.audit import leaks
from video_classifier.ml.audit.leaks import Audit, Leak, LeakKind
from video_classifier.ml.data import splits
from video_classifier.ml.data.grouping import Duplicates
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.data.splits import SplitBy


@pytest.fixture
def clips(tmp_path: Path) -> list[Entry]:
    """Four files, no two alike, of four people and both labels."""
    found = people(4, clips=2)
    for number, one in enumerate(found):
        (tmp_path / one.name).write_text(str(number))
    return [replace(one, path=tmp_path / one.name) for one in found]


def leaks_among(clips: list[Entry], duplicates: Duplicates | None = None) -> list[Leak]:
    return list(leaks.leaks(clips, splits.splits_of(clips), duplicates or Duplicates()))


def test_clean_data_has_no_leak(clips: list[Entry]) -> None:
    assert leaks_among(clips) == []


def test_a_copy_in_another_group_is_a_leak(clips: list[Entry]) -> None:
    clips[2].path.write_bytes(clips[0].path.read_bytes())

    (leak,) = leaks_among(clips)

    assert (leak.kind, leak.clips) == (LeakKind.DUPLICATES, ("0.mp4", "2.mp4"))
    assert "0.mp4 (person 0, " in leak.sentence


def test_a_copy_in_the_same_group_is_none(clips: list[Entry]) -> None:
    twins = [replace(clips[0], group="Ada"), replace(clips[2], group="Ada")]
    twins[1].path.write_bytes(twins[0].path.read_bytes())

    assert leaks_among(twins) == []


def test_known_duplicates_in_other_groups_are_leaks(clips: list[Entry], tmp_path: Path) -> None:
    known = Duplicates(groups=((clips[0].path, clips[2].path, tmp_path / "elsewhere.mp4"),))

    assert [leak.clips for leak in leaks_among(clips, known)] == [("0.mp4", "2.mp4")]


def test_copies_with_opposite_labels_are_a_conflict(clips: list[Entry]) -> None:
    clips[1].path.write_bytes(clips[0].path.read_bytes())

    (leak,) = leaks_among(clips)

    assert (leak.kind, leak.clips) == (LeakKind.CONFLICT, ("0.mp4", "1.mp4"))


def test_a_known_conflict_is_counted_once(clips: list[Entry]) -> None:
    a, b = clips[0].path, clips[1].path

    found = leaks_among(clips, Duplicates(groups=((a, b),), conflicts=((a, b), (b, a))))

    assert [leak.kind for leak in found] == [LeakKind.CONFLICT]


def test_a_group_on_both_sides_is_a_leak(clips: list[Entry]) -> None:
    torn = [replace(clips[0], split="train"), replace(clips[1], split="test"), *clips[2:]]

    (leak,) = leaks_among(torn)

    assert (leak.kind, leak.clips) == (LeakKind.GROUP, ("0.mp4", "1.mp4"))
    assert "person 0 is on both sides: 1 of its clips are in training, 1" in leak.sentence


def examined(entries: list[Entry], *, by: SplitBy = SplitBy.GROUP) -> Audit:
    return leaks.examine(entries, [inspected(one) for one in entries], by=by)


def test_a_random_split_separates_groups_and_is_called_leaky(tmp_path: Path) -> None:
    entries = [replace(one, path=tmp_path / one.name) for one in people(8)]
    for one in entries:
        one.path.write_text(one.name)

    found = examined(entries, by=SplitBy.RANDOM)

    assert LeakKind.GROUP in {leak.kind for leak in found.leaks}
    assert any("leaky: the clips were split at random" in one for one in found.sentences())
    assert not examined(entries).leaks


def test_a_note_answers_a_conflict(clips: list[Entry]) -> None:
    clips[1].path.write_bytes(clips[0].path.read_bytes())
    clips[1] = replace(clips[1], note="label conflict")

    found = examined(clips)

    assert not found.leaks
    assert (found.clips, found.left_out) == (7, 1)


def test_leaks_are_for_the_card(clips: list[Entry]) -> None:
    clips[2].path.write_bytes(clips[0].path.read_bytes())

    (sentence, *_) = examined(clips).sentences()

    assert sentence == "The figures are leaky: duplicates across the split (1 found)."


def test_with_too_few_people_there_is_a_warning_and_no_baseline(clips: list[Entry]) -> None:
    found = examined(clips[:4])

    assert not found.baselines
    assert "Only 2 people" in found.warnings[0]


def test_imbalance_is_a_warning() -> None:
    entries = [entry(n, shoplifter=n < 10, group=str(n)) for n in range(40)]

    assert leaks.warnings([inspected(one) for one in entries]) == (
        "The labels are imbalanced: 10 shoplifter clips, 30 non_shoplifter.",
    )


def test_a_label_from_one_scene_is_a_warning() -> None:
    entries = people(4)
    entries += [replace(one, source="street") for one in people(4) if not one.target]

    (warning,) = leaks.warnings([inspected(one) for one in entries])

    assert warning.startswith("All shoplifter clips come from one scene (shop), others do not")


def test_a_metadata_shortcut_is_a_warning() -> None:
    found = [inspected(one, length=9 - 3 * one.target) for one in people(8)]

    assert leaks.warnings(found) == ("The files' length alone predicts the label: AUC 1.00.",)
