"""Learning curve: how well a recipe ranks unseen people, by how many others it was trained on."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import compress
from pathlib import Path

import numpy as np

from video_classifier.ml import files
from video_classifier.ml.contracts import Floats
from video_classifier.ml.data import splits
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.data.splits import Fold, TooFewGroupsError
from video_classifier.ml.evaluation.cross_validation import in_domain
from video_classifier.ml.evaluation.intervals import auc
from video_classifier.ml.evaluation.score_table import ScoreTable
from video_classifier.ml.evaluation.unseen import CurvePoint
from video_classifier.ml.training.trainer import Trainer
from video_classifier.ml.watch import UNWATCHED, Watch

_MAX_TRIES = 100  # at drawing people with both labels among them


def measure(
    trainer: Trainer, counts: Sequence[int], *, draws: int, watch: Watch = UNWATCHED
) -> tuple[CurvePoint, ...]:
    """ROC AUC by recording, on people left out one at a time, of networks trained on few others.

    For each number of people in `counts` it is measured `draws` times. Each time and for each
    person left out, that many of the others are drawn at random, with both labels among them; clips
    out of domain are always in training. Raises TooFewGroupsError.
    """
    trainer.prepare(watch)
    people = people_of(trainer)
    if max(counts) >= len(people):
        msg = f"Of {len(people)} people one is left out: at most {len(people) - 1} can be drawn."
        raise TooFewGroupsError(msg)
    found = []
    with watch.task("Training on few people", len(counts) * draws) as advance:
        for count in counts:
            for draw in range(draws):
                scores = _scores(trainer, people, count, draw)
                found.append(CurvePoint(people=count, auc=_auc(trainer, scores)))
                advance()
    return tuple(found)


def people_of(trainer: Trainer) -> list[str]:
    """Those who can be left out: of sources with both labels, in order of their names."""
    return sorted({entry.group for entry in _inside(trainer)})


def write(file: Path, points: Sequence[CurvePoint]) -> None:
    """A CSV that `unseen.read_curve` reads. Raises OSError."""
    with files.atomic_write(file) as aside, aside.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(("people", "auc"))
        writer.writerows((point.people, f"{point.auc:.4f}") for point in points)


def _scores(trainer: Trainer, people: Sequence[str], count: int, draw: int) -> Floats:
    """(n,), NaN out of domain."""
    groups = np.array([entry.group for entry in trainer.entries])
    inside = in_domain(trainer.entries)
    scores = np.full(len(groups), np.nan)
    for left_out in people:
        drawn = _drawn(trainer, [name for name in people if name != left_out], count, draw)
        rows = np.flatnonzero((np.isin(groups, drawn) & inside) | ~inside)
        train, validation = splits.hold_out(
            [trainer.entries[row] for row in rows], seed=trainer.recipe.settings.seed
        )
        test = np.flatnonzero((groups == left_out) & inside)
        fold = Fold(train=rows[train], validation=rows[validation], test=test)
        scores[test], _ = trainer.out_of_fold_scores(fold)
    return scores


def _drawn(trainer: Trainer, people: Sequence[str], count: int, draw: int) -> list[str]:
    random = np.random.default_rng((trainer.recipe.settings.seed, count, draw, len(people)))
    labels = {
        name: {entry.target for entry in _inside(trainer) if entry.group == name} for name in people
    }
    for _ in range(_MAX_TRIES):
        drawn = [people[row] for row in random.permutation(len(people))[:count]]
        if len(set().union(*(labels[name] for name in drawn))) > 1:
            return drawn
    msg = f"Among {count} of {len(people)} people there are none with both labels."
    raise TooFewGroupsError(msg)


def _inside(trainer: Trainer) -> list[Entry]:
    return list(compress(trainer.entries, in_domain(trainer.entries)))


def _auc(trainer: Trainer, scores: Floats) -> float:
    inside = in_domain(trainer.entries)
    table = ScoreTable(entries=trainer.entries, scores=scores, thresholds=scores).where(inside)
    recordings = table.by_recording()
    area = auc(recordings.targets, recordings.scores)
    if area is None:
        msg = "There are no recordings of both labels."
        raise TooFewGroupsError(msg)
    return area
