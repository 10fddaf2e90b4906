"""The table of figures on unseen people: a row for each figure, a column for each model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from video_classifier.ml.contracts import SHOPLIFTER
from video_classifier.ml.evaluation import unseen
from video_classifier.ml.evaluation.cross_validation import in_domain
from video_classifier.ml.evaluation.score_table import ScoreTable
from video_classifier.ml.evaluation.unseen import OverSeeds

HEADS = ("Measured on", "Figure")
FIGURES = {
    "auc": "ROC AUC",
    "within_person": "ROC AUC within person",
    "recall": "recall",
    "false_alarms": "false alarms",
}
Tables = Sequence[ScoreTable]  # one for each seed, of the same clips
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A model's scores on unseen people."""

    name: str
    scores: Tables  # of the clips of `Sets`, and of ordinary clips from elsewhere
    elsewhere: Tables = ()  # of the latter by networks without their source in training
    shops: Tables = ()  # of clips of real shops; a clip's group is its camera


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets:
    """Which clips are which."""

    staged: str  # folder of clips that are a recording or a long cut of one
    further: str  # folder of short pieces of further recordings
    another_room: str  # group of the pieces that are listed by name


def rows(columns: Sequence[Column], sets: Sets) -> list[Row]:
    """The head, and the rows of all figures; each has a cell for each column."""
    heads = [(*HEADS, *(column.name for column in columns))]
    return [*heads, *_staged(columns, sets), *_pieces(columns, sets), *_elsewhere(columns)]


def _staged(columns: Sequence[Column], sets: Sets) -> Iterator[Row]:
    def clips(column: Column) -> Tables:
        return [table.in_folder(sets.staged) for table in _here(column)]

    def recordings(column: Column) -> Tables:
        return [table.by_recording() for table in _here(column)]

    def further(column: Column) -> Tables:
        return [table.in_folder(sets.further).by_recording() for table in _here(column)]

    def ordinary(column: Column) -> Tables:
        return [_ordinary(table) for table in further(column)]

    def of_known(column: Column) -> Tables:
        known = [_with_a_theft(table) for table in clips(column)]
        return [
            table.where([entry.group in people for entry in table.entries])
            for table, people in zip(ordinary(column), known, strict=True)
        ]

    extra = f"`{sets.further}`, by recording"
    yield from _figures(f"`{sets.staged}`, by clip", columns, clips)
    yield from _figures(f"`{sets.staged}` and `{sets.further}`, by recording", columns, recordings)
    yield from _figures(extra, columns, further)
    yield _hints(extra, "ordinary recordings that get a hint", columns, ordinary)
    yield _hints(extra, f"… of people with a theft in `{sets.staged}`", columns, of_known)


def _pieces(columns: Sequence[Column], sets: Sets) -> Iterator[Row]:
    """Each piece from another room with its scores: too few for a figure."""
    names = sorted(
        {
            entry.name
            for column in columns
            for entry in column.scores[0].entries
            if entry.group == sets.another_room
        }
    )
    for name in names:
        cells = (_piece(column.scores, name) for column in columns)
        yield "another room, a theft", f"`{Path(name).stem}`", *cells


def _piece(tables: Tables, name: str) -> str:
    found = [table.where([entry.name == name for entry in table.entries]) for table in tables]
    scores = OverSeeds(values=tuple(float(score) for table in found for score in table.scores))
    if not scores.values:
        return "no result"
    with_hint = unseen.hints(found).counts
    if len(found) == 1:
        return f"{scores}, {'a hint' if any(with_hint) else 'no hint'}"
    return f"{scores}, a hint with {sum(with_hint)}"


def _elsewhere(columns: Sequence[Column]) -> Iterator[Row]:
    def known(column: Column) -> Tables:
        return [_ordinary(table.where(~in_domain(table.entries))) for table in column.scores]

    cameras = "other cameras, ordinary clips"
    yield _hints(cameras, "get a hint, other clips of them in training", columns, known)
    yield _hints(cameras, "get a hint, none of them in training", columns, _without)
    cells = (
        str(unseen.over_seeds(column.shops)["within_person"]) if column.shops else "-"
        for column in columns
    )
    yield "real shops", "ROC AUC within camera", *cells


def _without(column: Column) -> Tables:
    return [_ordinary(table) for table in column.elsewhere]


def _here(column: Column) -> Tables:
    """Without the sources of one label, which a network can recognize by their footage."""
    return [table.where(in_domain(table.entries)) for table in column.scores]


def _ordinary(table: ScoreTable) -> ScoreTable:
    return table.where(table.targets == 0)


def _with_a_theft(table: ScoreTable) -> set[str]:
    return {entry.group for entry in table.entries if entry.label == SHOPLIFTER}


def _figures(
    on: str, columns: Sequence[Column], choose: Callable[[Column], Tables]
) -> Iterator[Row]:
    chosen = [choose(column) for column in columns]
    yield on, "thefts and ordinary", *(_numbers(tables[0]) for tables in chosen)
    found: list[Mapping[str, OverSeeds]] = [unseen.over_seeds(tables) for tables in chosen]
    for name, title in FIGURES.items():
        yield on, title, *(str(figures[name]) for figures in found)


def _numbers(table: ScoreTable) -> str:
    thefts, ordinary = int(np.sum(table.targets == 1)), int(np.sum(table.targets == 0))
    return f"{thefts} and {ordinary}"


def _hints(
    on: str, title: str, columns: Sequence[Column], choose: Callable[[Column], Tables]
) -> Row:
    chosen = (choose(column) for column in columns)
    return on, title, *(str(unseen.hints(tables)) if tables else "-" for tables in chosen)
