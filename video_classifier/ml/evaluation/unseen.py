"""Figures on unseen people: pooled and within a person, at thresholds of others, over seeds."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.evaluation.cross_validation import complement, in_domain
from video_classifier.ml.evaluation.intervals import measure, within_group_auc
from video_classifier.ml.evaluation.score_table import ScoreTable
from video_classifier.ml.serving.card import Interval

BY_RECORDING = "_by_recording"  # ends the name of a card's metric
HOW_BY_RECORDING = (  # for a card
    "Figures by recording count a recording once, with the score of its best clip; pages show the "
    "worse of the two."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverSeeds:
    """A figure of one recipe, trained with several seeds or with one."""

    values: tuple[float, ...]  # one a seed; none if it is not defined
    low: float | None = None  # the lowest end of the seeds' 95 % intervals
    high: float | None = None  # the highest

    @property
    def mean(self) -> float | None:
        return float(np.mean(self.values)) if self.values else None

    @property
    def interval(self) -> Interval:
        """The mean, from the lowest end to the highest."""
        return Interval(value=self.mean, low=self.low, high=self.high)

    def __str__(self) -> str:
        if not self.values:
            return "not defined here"
        interval = "" if self.low is None else f" ({self.low:.2f} to {self.high:.2f})"
        text = f"{self.mean:.2f}{interval}"
        if len(self.values) == 1:
            return text
        lowest, highest = min(self.values), max(self.values)
        return f"{text}; {lowest:.2f} to {highest:.2f} over {len(self.values)} seeds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """How many of so many clips or recordings get a hint."""

    counts: tuple[int, ...]  # one a seed
    of: int

    def __str__(self) -> str:
        if not self.of:
            return "-"
        text = f"{np.mean(self.counts):.3g} of {self.of}"
        if len(self.counts) == 1:
            return text
        return f"{text}; {min(self.counts)} to {max(self.counts)} over {len(self.counts)} seeds"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """A ROC AUC on unseen people, of networks that were trained on so many others."""

    people: int
    auc: float


def measured(table: ScoreTable) -> Mapping[str, Interval]:
    """The figures of clips or recordings, each at its own threshold.

    auc            ROC AUC over all pairs of a theft and an ordinary clip
    within_person  the same over pairs of one person, see `intervals.within_group_auc`
    recall         share of thefts that get a hint
    false_alarms   share of ordinary clips that do

    Interval(value=None) where one is not defined. Intervals come from resampling people.
    """
    if not table.entries:
        return dict.fromkeys(
            ("auc", "within_person", "recall", "false_alarms"), Interval(value=None)
        )
    found = measure(table.targets, table.scores, threshold=table.thresholds, groups=table.groups)
    return {
        "auc": found["auc"],
        "within_person": within_group_auc(table.targets, table.scores, table.groups),
        "recall": found["recall"],
        "false_alarms": complement(found["specificity"]),
    }


def over_seeds(tables: Sequence[ScoreTable]) -> Mapping[str, OverSeeds]:
    """What `measured` says of the same clips, scored by networks of several seeds."""
    each = [measured(table) for table in tables]
    return {name: _over_seeds([figures[name] for figures in each]) for name in each[0]}


def recording_metrics(tables: Sequence[ScoreTable]) -> Mapping[str, Interval]:
    """Metrics by recording of the sources that hold both labels, for a card: one table a seed.

    auc_by_recording, recall_by_recording, specificity_by_recording: the mean over seeds, with an
    interval from the lowest end to the highest. None where each recording is one clip.
    """
    inside = [table.where(in_domain(table.entries)) for table in tables]
    recordings = [table.by_recording() for table in inside]
    if len(recordings[0].entries) == len(inside[0].entries):
        return {}
    found = over_seeds(recordings)
    return {
        f"auc{BY_RECORDING}": found["auc"].interval,
        f"recall{BY_RECORDING}": found["recall"].interval,
        f"specificity{BY_RECORDING}": complement(found["false_alarms"].interval),
    }


def hints(tables: Sequence[ScoreTable]) -> Hints:
    """The number of hints with each seed; a score at its threshold is one."""
    return Hints(
        counts=tuple(int((table.scores >= table.thresholds).sum()) for table in tables),
        of=len(tables[0].entries),
    )


def read_curve(file: Path) -> tuple[CurvePoint, ...]:
    """The points of a CSV with the columns people and auc, one a training. Raises ManifestError."""
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            points = tuple(
                CurvePoint(people=int(row["people"]), auc=float(row["auc"]))
                for row in csv.DictReader(opened)
            )
    except (OSError, ValueError, KeyError) as error:
        msg = f"The learning curve {file} can't be read: {error}."
        raise ManifestError(msg) from error
    if not points:
        msg = f"The learning curve {file} can't be read: it has no rows."
        raise ManifestError(msg)
    return points


def learning_curve(points: Sequence[CurvePoint]) -> Mapping[int, OverSeeds]:
    """The figures by number of people in training, ascending."""
    by_people = defaultdict(list)
    for point in points:
        by_people[point.people].append(point.auc)
    return {people: OverSeeds(values=tuple(by_people[people])) for people in sorted(by_people)}


def _over_seeds(intervals: Sequence[Interval]) -> OverSeeds:
    return OverSeeds(
        values=tuple(one.value for one in intervals if one.value is not None),
        low=min((one.low for one in intervals if one.low is not None), default=None),
        high=max((one.high for one in intervals if one.high is not None), default=None),
    )
