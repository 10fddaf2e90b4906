"""Who is in the training data and who is kept for a test. People are never split."""

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

LEAKY = "leaky"  # stands beside whatever was measured on clips that were split at random
SEED = 42
TEST_SHARE = 0.2
FEWEST_GROUPS = 3  # of each label: to train, to stop by, and to test
_FOLDS = 5  # one of them decides when training stops


class TooFewGroupsError(Exception):
    """The footage can't be split by people; the message says what is missing."""


class UnknownSourceError(LookupError):
    """No clip is of that source; the message lists the sources."""


class SplitBy(StrEnum):
    """What is kept whole when clips are split. By anything but groups, figures are leaky."""

    GROUP = "group"
    RANDOM = "random"


class Split(StrEnum):
    """Which part of the data a clip is in."""

    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Integers of the data; no group is in more than one of the three."""

    train: Integers
    validation: Integers  # decides when training stops
    test: Integers  # decides nothing


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
    """With every clip a group of its own if split at random. Whatever that measures is leaky."""
    if by is SplitBy.GROUP:
        return list(entries)
    return [replace(entry, group=entry.name, split="") for entry in entries]


def folds(entries: Sequence[Entry], *, count: int, seed: int) -> Iterator[Fold]:
    """Each clip is in the test rows of exactly one fold, with all of its group."""
    for rest, test in rest_and_test(entries, count=count, seed=seed):
        train, validation = next(_stratified(entries, rest, count=count, seed=seed))
        yield Fold(train=train, validation=validation, test=test)


def leave_one_out(entries: Sequence[Entry], *, seed: int) -> Iterator[Fold]:
    """Each clip is in the test rows of exactly one fold, with all of its group.

    Each group of a source with both labels is left out alone. Groups of other sources are
    dealt evenly over the same folds: they count for false alarms only, and there may be many.
    """
    fold_of = _left_out_together(entries)
    for fold in range(max(fold_of) + 1):
        rest, test = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        train, validation = next(_stratified(entries, rest, count=_FOLDS, seed=seed))
        yield Fold(train=train, validation=validation, test=test)


def rest_and_test(
    entries: Sequence[Entry], *, count: int, seed: int
) -> Iterator[tuple[Integers, Integers]]:
    """The same for what needs nobody to stop by."""
    yield from _stratified(entries, np.arange(len(entries)), count=count, seed=seed)


def hold_out(
    entries: Sequence[Entry], *, count: int = _FOLDS, seed: int
) -> tuple[Integers, Integers]:
    """All rows as train and validation, about one in `count` for validation."""
    return next(_stratified(entries, np.arange(len(entries)), count=count, seed=seed))


def hold_out_sources(
    entries: Sequence[Entry], *, sources: Sequence[str], halves: Sequence[str], seed: int = SEED
) -> tuple[list[Entry], list[Entry]]:
    """The clips to learn from, and those to test on only.

    Apart go all clips of `sources`, and of each source in `halves` about half of its groups.
    Raises UnknownSourceError.
    """
    known = sorted({entry.source for entry in entries})
    for source in (*sources, *halves):
        if source not in known:
            msg = f"No clip is of the source “{source}”; the sources are {', '.join(known)}."
            raise UnknownSourceError(msg)

    def is_apart(entry: Entry) -> bool:
        half = split_of(entry.group, seed=seed, test_share=0.5) is Split.TEST
        return entry.source in sources or (entry.source in halves and half)

    return [entry for entry in entries if not is_apart(entry)], list(filter(is_apart, entries))


def refuse_too_few(entries: Sequence[Entry]) -> None:
    """Raises TooFewGroupsError unless each label has enough groups to keep some apart."""
    for label, count in groups_by_label(entries).items():
        if count < FEWEST_GROUPS:
            msg = (
                f"Only {count} people or recordings are labelled {label}; training needs at "
                f"least {FEWEST_GROUPS}, because nobody may be in training and test at once."
            )
            raise TooFewGroupsError(msg)


def groups_by_label(entries: Sequence[Entry]) -> dict[str, int]:
    """How many people or recordings there are of each label."""
    return {
        label: len({entry.group for entry in entries if entry.label == label}) for label in LABELS
    }


def _left_out_together(entries: Sequence[Entry]) -> Integers:
    """The number of each clip's fold, (n,)."""
    mixed = holds_both_labels(entries)
    if not mixed.any():
        mixed[:] = True
    clips = Counter(entry.group for entry in entries)
    alone = sorted({entry.group for entry in compress(entries, mixed)})
    numbers = {group: number for number, group in enumerate(alone)}
    dealt = [0] * len(alone)
    # The largest first, each to the fold that was dealt fewest: that comes out even.
    for group in sorted(clips.keys() - numbers.keys(), key=lambda name: (-clips[name], name)):
        numbers[group] = dealt.index(min(dealt))
        dealt[numbers[group]] += clips[group]
    return np.array([numbers[entry.group] for entry in entries])


def _stratified(
    entries: Sequence[Entry], rows: Integers, *, count: int, seed: int
) -> Iterator[tuple[Integers, Integers]]:
    from sklearn.model_selection import StratifiedGroupKFold

    # Stratified by source too: each part should hold of everything there is.
    kinds = np.array([f"{entries[row].source} {entries[row].label}" for row in rows])
    groups = np.array([entries[row].group for row in rows])
    most = min(len(set(groups)), max(Counter(kinds).values()))
    splitter = StratifiedGroupKFold(min(count, most), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # What there is too little of can't be in every part.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        found = list(splitter.split(rows, kinds, groups))
    for rest, part in found:
        yield rows[rest], rows[part]
