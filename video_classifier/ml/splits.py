"""Who is in the training data and who is kept for a test. People are never split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from video_classifier.ml.labels import ALL
from video_classifier.ml.manifest import Entry

Rows = npt.NDArray[np.intp]

FEWEST_GROUPS = 3  # of each label: to train, to stop by, and to test


class TooFewGroupsError(Exception):
    """The footage can't be split by people; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Rows of the data; no group is in more than one of the three."""

    train: Rows
    validation: Rows  # decides when training stops
    test: Rows  # decides nothing


def folds(entries: Sequence[Entry], *, count: int, seed: int) -> Iterator[Fold]:
    """Each clip is in the test rows of exactly one fold, with all of its group."""
    for rest, test in _parts(entries, np.arange(len(entries)), count=count, seed=seed):
        train, validation = next(_parts(entries, rest, count=count, seed=seed))
        yield Fold(train=train, validation=validation, test=test)


def hold_out(entries: Sequence[Entry], *, count: int = 5, seed: int) -> tuple[Rows, Rows]:
    """All rows as train and validation, about one in `count` for validation."""
    return next(_parts(entries, np.arange(len(entries)), count=count, seed=seed))


def refuse_too_few(entries: Sequence[Entry]) -> None:
    """Raises TooFewGroupsError unless each label has enough groups to keep some apart."""
    for label in ALL:
        groups = {entry.group for entry in entries if entry.label == label}
        if len(groups) < FEWEST_GROUPS:
            msg = (
                f"Only {len(groups)} people or recordings are labelled {label}; training needs at "
                f"least {FEWEST_GROUPS}, because nobody may be in training and test at once."
            )
            raise TooFewGroupsError(msg)


def _parts(
    entries: Sequence[Entry], rows: Rows, *, count: int, seed: int
) -> Iterator[tuple[Rows, Rows]]:
    from sklearn.model_selection import StratifiedGroupKFold

    # Stratified by source too: each part should hold of everything there is.
    kinds = np.array([f"{entries[row].source} {entries[row].label}" for row in rows])
    groups = np.array([entries[row].group for row in rows])
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for rest, part in splitter.split(rows, kinds, groups):
        yield rows[rest], rows[part]
