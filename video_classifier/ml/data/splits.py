"""Splits and cross-validation folds by group: nobody is in training and test at once."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import compress

import numpy as np

from video_classifier.ml.contracts import LABELS, Integers
from video_classifier.ml.data.manifest import Entry, holds_both_labels

LEAKY = "leaky"  # label of every metric that was measured on a random split
SEED = 42
TEST_SHARE = 0.2
MIN_GROUPS = 3  # of each label: one for training, validation and test
_FOLDS = 5  # one of them is for validation


class TooFewGroupsError(Exception):
    """The clips can't be split by group; the message, a sentence, says what is missing."""


class UnknownSourceError(LookupError):
    """No clip is of that source; the message lists the sources."""


class SplitBy(StrEnum):
    """The unit that a split never divides. Metrics of a random split are leaky."""

    GROUP = "group"
    RANDOM = "random"


class Split(StrEnum):
    """Which part of the data a clip is in."""

    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Rows of the data, (n,) each; no group is in more than one of the three."""

    train: Integers
    validation: Integers  # chooses the epoch that is kept
    test: Integers


def split_of(group: str, *, seed: int = SEED, test_share: float = TEST_SHARE) -> Split:
    """The split of a group, by its name and the seed alone: it stays when clips are added."""
    digest = hashlib.sha256(f"{seed} {group}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    return Split.TEST if position < test_share else Split.TRAIN


def splits_of(entries: Sequence[Entry], *, seed: int = SEED) -> list[Split]:
    """The split of each clip, (n,): as in the manifest where it names one, else its group's."""
    return [
        Split(entry.split) if entry.split else split_of(entry.group, seed=seed) for entry in entries
    ]


def regrouped(entries: Sequence[Entry], by: SplitBy) -> list[Entry]:
    """By group as they are; at random, each clip becomes a group of its own."""
    if by is SplitBy.GROUP:
        return list(entries)
    return [replace(entry, group=entry.name, split="") for entry in entries]


def folds(entries: Sequence[Entry], *, count: int, seed: int) -> Iterator[Fold]:
    """Each clip is in the test rows of exactly one fold, with its whole group."""
    for rest, test in rest_and_test(entries, count=count, seed=seed):
        train, validation = next(_stratified(entries, rest, count=count, seed=seed))
        yield Fold(train=train, validation=validation, test=test)


def leave_one_out(entries: Sequence[Entry], *, seed: int) -> Iterator[Fold]:
    """Each clip is in the test rows of exactly one fold, with its whole group.

    Each group of a source with both labels has a fold of its own. Groups of other sources are
    distributed evenly over these folds: they count for false alarms only, and may be many.
    """
    fold_of = _fold_numbers(entries)
    for fold in range(max(fold_of) + 1):
        rest, test = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        train, validation = next(_stratified(entries, rest, count=_FOLDS, seed=seed))
        yield Fold(train=train, validation=validation, test=test)


def rest_and_test(
    entries: Sequence[Entry], *, count: int, seed: int
) -> Iterator[tuple[Integers, Integers]]:
    """The same without rows for validation."""
    yield from _stratified(entries, np.arange(len(entries)), count=count, seed=seed)


def hold_out(
    entries: Sequence[Entry], *, count: int = _FOLDS, seed: int
) -> tuple[Integers, Integers]:
    """All rows as train and validation; about one group in `count` is for validation."""
    return next(_stratified(entries, np.arange(len(entries)), count=count, seed=seed))


def hold_out_sources(
    entries: Sequence[Entry], *, sources: Sequence[str], halves: Sequence[str], seed: int = SEED
) -> tuple[list[Entry], list[Entry]]:
    """The clips for training, and those held out for testing only.

    Held out are all clips of `sources`, and about half of the groups of each source in `halves`.
    Raises UnknownSourceError.
    """
    known = sorted({entry.source for entry in entries})
    for source in (*sources, *halves):
        if source not in known:
            msg = f"No clip is of the source “{source}”; the sources are {', '.join(known)}."
            raise UnknownSourceError(msg)

    def is_held_out(entry: Entry) -> bool:
        half = split_of(entry.group, seed=seed, test_share=0.5) is Split.TEST
        return entry.source in sources or (entry.source in halves and half)

    training = [entry for entry in entries if not is_held_out(entry)]
    return training, list(filter(is_held_out, entries))


def refuse_too_few(entries: Sequence[Entry]) -> None:
    """Raises TooFewGroupsError unless each label has enough groups for three splits."""
    for label, count in groups_by_label(entries).items():
        if count < MIN_GROUPS:
            msg = (
                f"Only {count} people or recordings are labelled {label}; training needs at "
                f"least {MIN_GROUPS}, because nobody may be in training and test at once."
            )
            raise TooFewGroupsError(msg)


def groups_by_label(entries: Sequence[Entry]) -> dict[str, int]:
    """How many people or recordings there are of each label."""
    return {
        label: len({entry.group for entry in entries if entry.label == label}) for label in LABELS
    }


def _fold_numbers(entries: Sequence[Entry]) -> Integers:
    """The number of each clip's fold, (n,)."""
    mixed = holds_both_labels(entries)
    if not mixed.any():
        mixed[:] = True
    clips = Counter(entry.group for entry in entries)
    alone = sorted({entry.group for entry in compress(entries, mixed)})
    numbers = {group: number for number, group in enumerate(alone)}
    added = [0] * len(alone)  # clips of other groups, by fold
    # Greedy: the largest group first, each to the fold with the fewest clips so far.
    for group in sorted(clips.keys() - numbers.keys(), key=lambda name: (-clips[name], name)):
        numbers[group] = added.index(min(added))
        added[numbers[group]] += clips[group]
    return np.array([numbers[entry.group] for entry in entries])


def _stratified(
    entries: Sequence[Entry], rows: Integers, *, count: int, seed: int
) -> Iterator[tuple[Integers, Integers]]:
    from sklearn.model_selection import StratifiedGroupKFold

    # Stratified by source as well as label: each part should represent the whole.
    kinds = np.array([f"{entries[row].source} {entries[row].label}" for row in rows])
    groups = np.array([entries[row].group for row in rows])
    most = min(len(set(groups)), max(Counter(kinds).values()))
    splitter = StratifiedGroupKFold(min(count, most), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A source with few groups can't be in every part.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        found = list(splitter.split(rows, kinds, groups))
    for rest, part in found:
        yield rows[rest], rows[part]
