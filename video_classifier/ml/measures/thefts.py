"""Scores of thefts and ordinary clips by networks that hadn't seen the person: `unseen.csv`."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from video_classifier.ml.contracts import NON_SHOPLIFTER, SHOPLIFTER, Floats
from video_classifier.ml.measures.errors import MeasureError

FILE = "unseen.csv"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutOfFold:
    """One score for each recording: of its best piece, as a clip's is its best candidate's.

    Of several seeds it is their mean. `thefts` are (m,), `ordinary` (n,), both 0 to 1, with the
    person of each; footage from elsewhere has a camera instead.
    """

    thefts: Floats
    people: tuple[str, ...]
    ordinary: Floats
    ordinary_people: tuple[str, ...]


def read(folder: Path) -> OutOfFold:
    """Of a model's folder; empty if it has none, as of models that were imported.

    Raises MeasureError if the table can't be read.
    """
    file = folder / FILE
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            rows = list(csv.DictReader(opened))
        best = _by_recording(rows)
    except FileNotFoundError:
        best = {}
    except (OSError, ValueError, KeyError) as error:
        msg = f"The table of scores {file} can't be read: {error}."
        raise MeasureError(msg) from error
    thefts, people = _of(SHOPLIFTER, best)
    ordinary, ordinary_people = _of(NON_SHOPLIFTER, best)
    return OutOfFold(
        thefts=thefts, people=people, ordinary=ordinary, ordinary_people=ordinary_people
    )


_Recording = tuple[str, str, str]  # label, person, take


def _by_recording(rows: Iterable[dict[str, str]]) -> dict[_Recording, float]:
    best: dict[_Recording, dict[str, float]] = defaultdict(dict)
    for row in rows:
        score = float(row["score"])
        if not 0 <= score <= 1:
            msg = f"{score} is no score"
            raise ValueError(msg)
        of_seeds = best[row["label"], row["group"], row.get("take") or row["path"]]
        seed = row.get("seed") or ""
        of_seeds[seed] = max(score, of_seeds.get(seed, 0.0))
    return {recording: float(np.mean(list(each.values()))) for recording, each in best.items()}


def _of(label: str, best: dict[_Recording, float]) -> tuple[Floats, tuple[str, ...]]:
    chosen = [(score, person) for (of, person, _), score in best.items() if of == label]
    return np.array([score for score, _ in chosen], np.float64), tuple(who for _, who in chosen)
