"""A table of clips for training or testing: which file, which label, who is in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from video_classifier.ml import files
from video_classifier.ml.contracts import LABELS

SPLITS = ("train", "test")
TEST_ONLY = "test only"  # how the note of a clip begins that is only left out of training
_COLUMNS = ("path", "label", "group", "take", "source", "split", "note")


class ManifestError(Exception):
    """The table can't be used; the message lists everything that is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One labelled clip."""

    path: Path
    name: str  # the path as the manifest has it
    label: str
    group: str  # clips of one group share a person or a recording: never split them
    take: str = ""  # the recording that it is a piece of; empty: a recording of its own
    source: str = ""  # the collection it comes from
    note: str = ""  # why it should be left out, if it should
    split: str = ""  # "train" or "test", if the manifest says so

    @property
    def target(self) -> int:
        """1 for `shoplifter`, 0 for `non_shoplifter`."""
        return LABELS.index(self.label)


def read(table: Path, *, missing_is_wrong: bool = True) -> tuple[Entry, ...]:
    """All labelled rows of a CSV with the columns path (relative to the CSV) and label.

    Columns group, actor, take and scene, where there are any, name the group by the first
    that is filled in; take, source, note and split are kept; others are ignored, and so are
    rows without a label. Raises ManifestError, for files that are not there only if
    `missing_is_wrong`.
    """
    labelled = [row for row in rows(table, "label") if (row["label"] or "").strip()]
    entries = tuple(_entry(table.parent, row) for row in labelled)
    missing = _missing(entries) if missing_is_wrong else []
    _refuse(table, _wrong_labels(entries) + _wrong_splits(entries) + missing)
    return entries


def rows(table: Path, needed: str) -> list[dict[str, str]]:
    """The rows of a CSV with the columns path and `needed`, as they are. Raises ManifestError."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            found = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"The manifest {table} can't be read: {error}."
        raise ManifestError(msg) from error
    if not found or not {"path", needed} <= found[0].keys():
        msg = (
            f"The manifest {table} needs a line with the columns path and {needed}, and rows below."
        )
        raise ManifestError(msg)
    return found


def write(table: Path, entries: Iterable[Entry]) -> None:
    """A CSV that `read` understands, whole or not at all."""
    try:
        with (
            files.atomic_write(table) as aside,
            aside.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
            writer.writeheader()
            for entry in entries:
                cells = {column: getattr(entry, column) for column in _COLUMNS[1:]}
                writer.writerow({"path": entry.name} | cells)
    except OSError as error:
        msg = f"The manifest {table} can't be written: {error.strerror}."
        raise ManifestError(msg) from error


def for_training(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Without the clips whose note says why they should be left out."""
    return tuple(entry for entry in entries if not entry.note)


def for_testing(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Without the clips whose note says why they should be left out; TEST_ONLY is no reason."""
    return tuple(entry for entry in entries if not entry.note or entry.note.startswith(TEST_ONLY))


def holds_both_labels(entries: Sequence[Entry]) -> npt.NDArray[np.bool_]:
    """(n,): whether the clip is in domain: its source has clips of both labels."""
    known = {(entry.source, entry.label) for entry in entries}
    return np.array([all((entry.source, label) in known for label in LABELS) for entry in entries])


def _entry(folder: Path, row: dict[str, str]) -> Entry:
    cells = {key: (row.get(key) or "").strip() for key in _COLUMNS}
    groups = ((row.get(key) or "").strip() for key in ("group", "actor", "take", "scene"))
    return Entry(
        path=folder / cells["path"],
        name=cells["path"],
        label=cells["label"],
        group=next(filter(None, groups), cells["path"]),
        take=cells["take"],
        source=cells["source"],
        note=cells["note"],
        split=cells["split"],
    )


def _wrong_labels(entries: Sequence[Entry]) -> list[str]:
    if not entries:
        return ["no row has a label"]
    return [
        f"{entry.name}: there is no label “{entry.label}”, only {' and '.join(LABELS)}"
        for entry in entries
        if entry.label not in LABELS
    ]


def _wrong_splits(entries: Sequence[Entry]) -> list[str]:
    return [
        f"{entry.name}: there is no split “{entry.split}”, only {' and '.join(SPLITS)}"
        for entry in entries
        if entry.split not in ("", *SPLITS)
    ]


def _missing(entries: Sequence[Entry]) -> list[str]:
    return [f"{entry.name}: no such file" for entry in entries if not entry.path.is_file()]


def _refuse(table: Path, wrong: Sequence[str]) -> None:
    if wrong:
        msg = f"The manifest {table} can't be used:\n" + "\n".join(f"- {line}" for line in wrong)
        raise ManifestError(msg)
