"""People are on one side only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.makers.datasets import entry, people
from video_classifier.ml.contracts import Integers
from video_classifier.ml.data import manifest, splits
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.data.splits import Split, SplitBy


def groups(entries: list[Entry], rows: Integers) -> set[str]:
    return {entries[row].group for row in rows}


def test_nobody_is_on_two_sides() -> None:
    entries = people(10)

    for fold in splits.folds(entries, count=5, seed=1):
        parts = [groups(entries, rows) for rows in (fold.train, fold.validation, fold.test)]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]


def test_every_clip_is_tested_once() -> None:
    entries = people(10)

    tested = np.concatenate([fold.test for fold in splits.folds(entries, count=5, seed=1)])

    assert sorted(tested) == list(range(len(entries)))


def test_a_fold_uses_every_clip() -> None:
    entries = people(10)

    for fold in splits.folds(entries, count=5, seed=1):
        used = np.concatenate([fold.train, fold.validation, fold.test])
        assert sorted(used) == list(range(len(entries)))


def test_each_group_is_left_out_once() -> None:
    entries = people(6)

    folds = list(splits.leave_one_out(entries, seed=1))

    assert [groups(entries, fold.test) for fold in folds] == [{f"person {n}"} for n in range(6)]
    for fold in folds:
        parts = [groups(entries, rows) for rows in (fold.train, fold.validation)]
        assert not parts[0] & parts[1]
        assert parts[0] | parts[1] == groups(entries, np.arange(len(entries))) - groups(
            entries, fold.test
        )


def street(*clips: int) -> list[Entry]:
    """Recordings of another source, all ordinary, of so many clips each."""
    groups = [f"take {take}" for take, count in enumerate(clips) for _ in range(count)]
    return [
        entry(1000 + number, shoplifter=False, group=group, source="street")
        for number, group in enumerate(groups)
    ]


def test_sources_with_one_label_are_dealt_over_the_folds_of_the_others() -> None:
    entries = people(4) + street(5, 3, 2, 2, 2, 1, 1)

    folds = list(splits.leave_one_out(entries, seed=1))

    people_of = [
        {name for name in groups(entries, fold.test) if "person" in name} for fold in folds
    ]
    assert people_of == [{f"person {number}"} for number in range(4)]
    assert [len(fold.test) - 4 for fold in folds] == [5, 4, 4, 3]
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(entries)))
    for fold in folds:
        assert not groups(entries, fold.test) & groups(entries, fold.train)
        assert not groups(entries, fold.test) & groups(entries, fold.validation)


def test_where_no_source_has_both_labels_each_group_is_left_out() -> None:
    thefts = [entry(number, shoplifter=True, group=f"thief {number // 2}") for number in range(10)]
    entries = thefts + street(2, 2, 2, 2, 2)

    folds = list(splits.leave_one_out(entries, seed=1))

    assert [len(fold.test) for fold in folds] == [2] * 10


def test_a_source_is_set_apart_whole_or_by_halves_of_its_groups() -> None:
    entries = people(3) + street(*[3] * 40)

    learning, whole = splits.hold_out_sources(entries, sources=["street"], halves=[])
    rest, half = splits.hold_out_sources(entries, sources=[], halves=["street"])

    assert (learning, whole) == (entries[:12], entries[12:])
    assert {one.source for one in half} == {"street"}
    assert not {one.group for one in half} & {one.group for one in rest}
    assert 12 <= len({one.group for one in half}) <= 28
    assert len(rest) + len(half) == len(entries)


def test_a_source_that_is_not_there_is_refused() -> None:
    with pytest.raises(splits.UnknownSourceError, match="“shp”; the sources are shop"):
        splits.hold_out_sources(people(2), sources=["shp"], halves=[])


def test_holding_out_keeps_people_whole() -> None:
    entries = people(10)

    train, validation = splits.hold_out(entries, seed=1)

    assert not groups(entries, train) & groups(entries, validation)
    assert len(train) + len(validation) == len(entries)
    assert len(validation) > 0


def test_few_people_are_split_into_fewer_parts() -> None:
    entries = people(3)

    train, validation = splits.hold_out(entries, seed=1)

    assert len(groups(entries, validation)) == 1
    assert len(groups(entries, train)) == 2
    assert len(list(splits.leave_one_out(entries, seed=1))) == 3


def test_the_seed_decides() -> None:
    entries = people(20)

    first, again, other = (splits.hold_out(entries, seed=seed)[1] for seed in (1, 1, 2))

    assert list(first) == list(again) != list(other)


def test_too_few_people_are_refused() -> None:
    entries = [entry(number, shoplifter=number % 2 == 0, group=str(number)) for number in range(5)]

    with pytest.raises(
        splits.TooFewGroupsError, match="Only 2 people or recordings are labelled non"
    ):
        splits.refuse_too_few(entries)


def test_a_group_stays_on_its_side_when_clips_are_added() -> None:
    few, many = people(10), people(30)

    before = splits.splits_of(few, seed=1)

    assert splits.splits_of(many, seed=1)[: len(few)] == before


def test_about_a_fifth_of_the_groups_is_for_testing() -> None:
    found = [splits.split_of(f"person {number}") for number in range(2000)]

    assert 340 < found.count(Split.TEST) < 460


def test_the_seed_decides_who_is_for_testing() -> None:
    entries = people(50)

    assert splits.splits_of(entries, seed=1) != splits.splits_of(entries, seed=2)


def test_a_manifest_may_name_any_side() -> None:
    assert tuple(Split) == manifest.SPLITS


def test_the_manifest_has_the_first_word() -> None:
    (one,) = people(1, clips=1)

    for side in Split:
        assert splits.splits_of([replace(one, split=side)]) == [side]


def test_at_random_every_clip_is_a_group_of_its_own() -> None:
    entries = [replace(entry, split="train") for entry in people(3)]

    alone = splits.regrouped(entries, SplitBy.RANDOM)

    assert len({entry.group for entry in alone}) == len(entries)
    assert not any(entry.split for entry in alone)
    assert splits.regrouped(entries, SplitBy.GROUP) == entries
