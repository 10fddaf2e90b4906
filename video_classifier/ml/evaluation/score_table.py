"""Scores of clips in a CSV, by clip or by recording: what figures on unseen people are made of."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import compress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.data.manifest import Entry, ManifestError

_COLUMNS = ("path", "label", "group", "take", "source", "score", "threshold", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """Clips or recordings, each with its score and a threshold that was chosen without it."""

    entries: tuple[Entry, ...]
    scores: Floats  # (n,), 0 to 1
    thresholds: Floats  # (n,), 0 to 1

    @property
    def targets(self) -> Integers:
        """(n,), 0 or 1."""
        return np.array([entry.target for entry in self.entries], np.intp)

    @property
    def groups(self) -> list[str]:
        """The person of each."""
        return [entry.group for entry in self.entries]

    def where(self, chosen: npt.NDArray[np.bool_] | Sequence[bool]) -> ScoreTable:
        """Those rows alone."""
        rows = np.asarray(chosen, bool)
        return ScoreTable(
            entries=tuple(compress(self.entries, rows)),
            scores=self.scores[rows],
            thresholds=self.thresholds[rows],
        )

    def in_folder(self, folder: str) -> ScoreTable:
        """The clips whose names begin with that folder."""
        return self.where([Path(entry.name).parts[0] == folder for entry in self.entries])

    def by_recording(self) -> ScoreTable:
        """A row for each recording, with score and threshold of its piece with the highest score.

        A piece has the label of its recording and need not show the act, so the recording is
        scored as a clip is: by its best candidate. Clips without a take are recordings of their
        own. Recordings are of one person and one label, and are named by their take.
        """
        pieces = defaultdict(list)
        for row, entry in enumerate(self.entries):
            pieces[entry.group, entry.label, entry.take or entry.name].append(row)
        best = [max(rows, key=lambda row: self.scores[row]) for rows in pieces.values()]
        return ScoreTable(
            entries=tuple(
                replace(self.entries[row], name=self.entries[row].take or self.entries[row].name)
                for row in best
            ),
            scores=self.scores[best],
            thresholds=self.thresholds[best],
        )

    def and_those_of(self, other: ScoreTable) -> ScoreTable:
        """With the rows of clips that are not in this table."""
        known = {entry.name for entry in self.entries}
        more = other.where([entry.name not in known for entry in other.entries])
        return ScoreTable(
            entries=self.entries + more.entries,
            scores=np.concatenate((self.scores, more.scores)),
            thresholds=np.concatenate((self.thresholds, more.thresholds)),
        )


def read(file: Path) -> tuple[ScoreTable, ...]:
    """The tables of a CSV that `write` wrote, one or more: one for each seed.

    Its columns take and seed may be missing. Raises ManifestError.
    """
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            rows = list(csv.DictReader(opened))
        by_seed = defaultdict(list)
        for row in rows:
            by_seed[row.get("seed", "")].append(row)
        tables = tuple(_table(some) for some in by_seed.values())
    except (OSError, ValueError, KeyError) as error:
        msg = f"The table of scores {file} can't be read: {error}."
        raise ManifestError(msg) from error
    if not tables:
        msg = f"The table of scores {file} can't be read: it has no rows."
        raise ManifestError(msg)
    return tables


def read_all(files: Iterable[Path]) -> tuple[ScoreTable, ...]:
    """The tables of several CSVs of one model, one for each seed.

    Tables of the same clips are of further seeds; others add the clips that the earlier ones lack.
    Raises ManifestError.
    """
    return reduce(_joined, (read(file) for file in files))


def write(file: Path, tables: Iterable[ScoreTable]) -> None:
    """A CSV with a row for each clip and seed; seeds are numbered from 1."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for seed, table in enumerate(tables, 1):
            for entry, *numbers in zip(table.entries, table.scores, table.thresholds, strict=True):
                words = (entry.name, entry.label, entry.group, entry.take, entry.source)
                writer.writerow((*words, *(f"{number:.4f}" for number in numbers), seed))


def _joined(
    tables: tuple[ScoreTable, ...], others: tuple[ScoreTable, ...]
) -> tuple[ScoreTable, ...]:
    if _names(tables) == _names(others):
        return tables + others
    if len(tables) != len(others):
        msg = f"A model's tables have {len(tables)} and {len(others)} seeds: they can't be joined."
        raise ManifestError(msg)
    return tuple(table.and_those_of(other) for table, other in zip(tables, others, strict=True))


def _names(tables: Sequence[ScoreTable]) -> set[str]:
    return {entry.name for entry in tables[0].entries}


def _table(rows: Sequence[dict[str, str]]) -> ScoreTable:
    return ScoreTable(
        entries=tuple(
            Entry(
                path=Path(row["path"]),
                name=row["path"],
                label=row["label"],
                group=row["group"],
                take=row.get("take", ""),
                source=row["source"],
            )
            for row in rows
        ),
        scores=np.array([float(row["score"]) for row in rows]),
        thresholds=np.array([float(row["threshold"]) for row in rows]),
    )
