"""What a model makes of labelled clips: every score, and the figures they come to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np

from video_classifier.ml.contracts import SHOPLIFTER, Floats, Integers
from video_classifier.ml.data.footage import Unreadable, each
from video_classifier.ml.data.manifest import Entry, holds_both_labels
from video_classifier.ml.evaluation.intervals import Confusion, confusion, measure
from video_classifier.ml.files import sha256
from video_classifier.ml.serving.card import Interval
from video_classifier.ml.serving.predictor import KerasPredictor

FEW_GROUPS = 10  # below this, resampling them says little


OF_HINTS = ("accuracy", "precision", "recall", "specificity", "f1")  # figures at the threshold


class NothingToMeasureError(Exception):
    """None of the clips gets a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A clip and the score that a network gave it."""

    entry: Entry
    score: float
    seen: bool  # the network was trained on this very file

    def is_right(self, threshold: float) -> bool:
        return (self.score >= threshold) == (self.entry.label == SHOPLIFTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """A clip in which the model found nothing to judge, and why."""

    entry: Entry
    reason: str
    seen: bool  # the network was trained on this very file


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """How the clips of one person or recording went."""

    name: str
    clips: int
    counts: Confusion

    @property
    def mistakes(self) -> int:
        return self.counts.false_positives + self.counts.false_negatives


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a model made of a manifest."""

    model: str
    model_sha256: str
    threshold: float
    scored: tuple[Scored, ...]  # at least one
    unscored: tuple[Unscored, ...]  # count as clips without a hint, where hints are counted
    unreadable: tuple[Unreadable, ...]
    figures: Mapping[str, Interval]
    counts: Confusion
    groups: tuple[Group, ...]  # those with most mistakes first; none if the manifest names none
    warnings: tuple[str, ...]

    @property
    def targets(self) -> Integers:
        """(n,), 0 or 1, of the clips as scored."""
        return np.array([clip.entry.target for clip in self.scored])

    @property
    def scores(self) -> Floats:
        """(n,), 0 to 1."""
        return np.array([clip.score for clip in self.scored])

    def mistakes(self) -> list[Scored]:
        """The clips on the wrong side of the threshold, the most surely wrong first."""
        wrong = (clip for clip in self.scored if not clip.is_right(self.threshold))
        return sorted(wrong, key=lambda clip: -abs(clip.score - clip.entry.target))


def evaluate(
    model: KerasPredictor,
    entries: Sequence[Entry],
    *,
    after_each: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Scores every clip as the application would. Raises NothingToMeasureError."""
    trained_on = set(model.card.training.get("clips_sha256", ()))

    def score(entry: Entry) -> Scored | Unscored:
        outcome, seen = model.analyze(entry.path), sha256(entry.path) in trained_on
        if outcome.prediction is None:
            return Unscored(entry=entry, reason=outcome.no_result, seen=seen)
        return Scored(entry=entry, score=outcome.prediction.score, seen=seen)

    found, unreadable = each(entries, score, after_each)
    scored = [clip for clip in found if isinstance(clip, Scored)]
    if not scored:
        msg = "None of the clips gets a score, so there is nothing to measure."
        raise NothingToMeasureError(msg)
    return summary(
        name=model.name,
        sha256=model.sha256,
        threshold=model.card.threshold,
        scored=scored,
        unscored=[clip for clip in found if isinstance(clip, Unscored)],
        unreadable=unreadable,
    )


def summary(  # noqa: PLR0913
    *,
    name: str,
    sha256: str,
    threshold: float,
    scored: Sequence[Scored],
    unscored: Sequence[Unscored] = (),
    unreadable: Sequence[Unreadable] = (),
) -> Evaluation:
    """What the scores come to; `name` and `sha256` are the model's.

    Where hints are counted, clips without a score are clips without a hint: a theft in one of
    them was not noticed. The other figures are of scores, and such clips have no part in them.
    """
    low = [Scored(entry=clip.entry, score=0.0, seen=clip.seen) for clip in unscored]
    everything = (*scored, *low)
    groups = _groups(everything, threshold)
    of_scores = _measured(scored, threshold, by_group=bool(groups))
    of_hints = _measured(everything, threshold, by_group=bool(groups)) if low else of_scores
    return Evaluation(
        model=name,
        model_sha256=sha256,
        threshold=threshold,
        scored=tuple(scored),
        unscored=tuple(unscored),
        unreadable=tuple(unreadable),
        figures={**of_scores, **{figure: of_hints[figure] for figure in OF_HINTS}},
        counts=_counts(everything, threshold),
        groups=groups,
        warnings=tuple(_warnings(everything, len(low), unreadable, groups)),
    )


def _measured(
    clips: Sequence[Scored], threshold: float, *, by_group: bool
) -> Mapping[str, Interval]:
    return measure(
        np.array([clip.entry.target for clip in clips]),
        np.array([clip.score for clip in clips]),
        threshold=threshold,
        groups=[clip.entry.group for clip in clips] if by_group else None,
    )


def _counts(clips: Sequence[Scored], threshold: float) -> Confusion:
    targets = np.array([clip.entry.target for clip in clips])
    return confusion(targets, np.array([clip.score for clip in clips]), threshold)


def to_json(evaluation: Evaluation) -> str:
    """Everything, for a file."""
    return json.dumps(_plain(evaluation), indent=2, ensure_ascii=False) + "\n"


def _plain(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "model": evaluation.model,
        "model_sha256": evaluation.model_sha256,
        "threshold": evaluation.threshold,
        "clips": len(evaluation.scored),
        "clips_without_result": len(evaluation.unscored),
        **{name: asdict(figure) for name, figure in evaluation.figures.items()},
        "confusion": asdict(evaluation.counts),
        "groups": [
            {"group": group.name, "clips": group.clips, **asdict(group.counts)}
            for group in evaluation.groups
        ],
        "warnings": list(evaluation.warnings),
        "predictions": [
            {
                "path": clip.entry.name,
                "label": clip.entry.label,
                "group": clip.entry.group,
                "score": clip.score,
                "seen_in_training": clip.seen,
            }
            for clip in evaluation.scored
        ],
        "no_result": [
            {"path": clip.entry.name, "label": clip.entry.label, "reason": clip.reason}
            for clip in evaluation.unscored
        ],
        "unreadable": [
            {"path": clip.entry.name, "reason": clip.reason} for clip in evaluation.unreadable
        ],
    }


def _groups(scored: Iterable[Scored], threshold: float) -> tuple[Group, ...]:
    """None if no two clips share a group: then there is nothing to tell about groups."""
    in_order = sorted(scored, key=lambda clip: clip.entry.group)
    found = [
        _group(name, tuple(clips), threshold)
        for name, clips in groupby(in_order, key=lambda clip: clip.entry.group)
    ]
    if len(found) == len(in_order):
        return ()
    return tuple(sorted(found, key=lambda group: (-group.mistakes, -group.clips, group.name)))


def _group(name: str, clips: Sequence[Scored], threshold: float) -> Group:
    return Group(name=name, clips=len(clips), counts=_counts(clips, threshold))


def _warnings(
    scored: Sequence[Scored], unscored: int, unreadable: Sequence[object], groups: Sequence[Group]
) -> Iterator[str]:
    if seen := sum(clip.seen for clip in scored):
        yield (
            f"{seen} of these {len(scored)} clips were used to train the model: "
            "the figures are leaky and say nothing about unseen people."
        )
    mixed = holds_both_labels([clip.entry for clip in scored])
    if mixed.any() and not mixed.all():
        yield (
            f"{(~mixed).sum()} clips come from collections that hold one label only: "
            "a network may tell these by their looks, which flatters the figures."
        )
    if noted := sum(bool(clip.entry.note) for clip in scored):
        yield f"{noted} clips count though the manifest notes a reason to leave them out."
    if 0 < len(groups) < FEW_GROUPS:
        yield (
            f"The clips are of {len(groups)} people or recordings only: "
            "the intervals are rough, and the truth may lie outside."
        )
    if unscored:
        yield (
            f"{unscored} of {len(scored)} clips get no result: they count as clips without a hint, "
            "and have no part in the figures of scores (AUC, error rate, calibration)."
        )
    if unreadable:
        total = len(scored) + len(unreadable)
        yield f"Left out, because they can't be read: {len(unreadable)} of {total} clips."
