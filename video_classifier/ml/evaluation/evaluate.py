"""Evaluates a model on labelled clips, through the code that serves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np

from video_classifier.ml.contracts import SHOPLIFTER, Floats, Integers
from video_classifier.ml.data.footage import Unreadable, each
from video_classifier.ml.data.manifest import Entry, for_testing, holds_both_labels
from video_classifier.ml.evaluation.intervals import Confusion, confusion, measure
from video_classifier.ml.evaluation.score_table import ScoreTable
from video_classifier.ml.files import sha256
from video_classifier.ml.serving.card import Interval
from video_classifier.ml.serving.predictor import ModelPredictor

MIN_GROUPS = 10  # with fewer, intervals by resampling groups are rough
THRESHOLD_METRICS = ("accuracy", "precision", "recall", "specificity", "f1")


class NothingToMeasureError(Exception):
    """None of the clips gets a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredClip:
    """A clip with its score."""

    entry: Entry
    score: float  # 0 to 1
    in_training: bool  # the network was trained on this very file
    candidates: tuple[float, ...] = ()  # all scores of event candidates, if they are known

    def is_correct(self, threshold: float) -> bool:
        return (self.score >= threshold) == (self.entry.label == SHOPLIFTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnscoredClip:
    """A clip without a result, and the reason."""

    entry: Entry
    reason: str  # a sentence
    in_training: bool  # the network was trained on this very file


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The confusion counts of one person's or recording's clips."""

    name: str
    clips: int
    counts: Confusion

    @property
    def mistakes(self) -> int:
        return self.counts.false_positives + self.counts.false_negatives


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The scores and metrics of a model on a manifest."""

    model: str
    model_sha256: str
    threshold: float
    scored: tuple[ScoredClip, ...]  # at least one
    unscored: tuple[UnscoredClip, ...]  # are clips without a hint in THRESHOLD_METRICS
    unreadable: tuple[Unreadable, ...]
    metrics: Mapping[str, Interval]  # by the names of `metrics.weighted_metrics`
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

    def mistakes(self) -> list[ScoredClip]:
        """The clips on the wrong side of the threshold; the score furthest from its label first."""
        wrong = (clip for clip in self.scored if not clip.is_correct(self.threshold))
        return sorted(wrong, key=lambda clip: -abs(clip.score - clip.entry.target))


def evaluate(
    model: ModelPredictor,
    entries: Sequence[Entry],
    *,
    advance: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Scores every clip as the application would. Raises NothingToMeasureError.

    `advance` is called once for each entry.
    """
    trained_on = set(model.card.training.get("clips_sha256", ()))

    def score(entry: Entry) -> ScoredClip | UnscoredClip:
        outcome, in_training = model.analyze(entry.path), sha256(entry.path) in trained_on
        if outcome.prediction is None:
            return UnscoredClip(entry=entry, reason=outcome.no_result, in_training=in_training)
        return ScoredClip(
            entry=entry,
            score=outcome.prediction.score,
            in_training=in_training,
            candidates=tuple(candidate.score for candidate in outcome.candidates),
        )

    clips, unreadable = each(entries, score, advance)
    scored = [clip for clip in clips if isinstance(clip, ScoredClip)]
    if not scored:
        msg = "None of the clips gets a score, so there is nothing to measure."
        raise NothingToMeasureError(msg)
    return summarize(
        name=model.name,
        sha256=model.sha256,
        threshold=model.card.threshold,
        scored=scored,
        unscored=[clip for clip in clips if isinstance(clip, UnscoredClip)],
        unreadable=unreadable,
    )


def summarize(  # noqa: PLR0913
    *,
    name: str,
    sha256: str,
    threshold: float,
    scored: Sequence[ScoredClip],
    unscored: Sequence[UnscoredClip] = (),
    unreadable: Sequence[Unreadable] = (),
) -> Evaluation:
    """Metrics, confusion and warnings of scores; `name` and `sha256` are the model's.

    In THRESHOLD_METRICS, clips without a score are clips without a hint: a theft in one of them is
    a miss. The other metrics are of scores, without such clips.
    """
    without_hint = [
        ScoredClip(entry=clip.entry, score=0.0, in_training=clip.in_training) for clip in unscored
    ]
    everything = (*scored, *without_hint)
    groups = _groups(everything, threshold)
    of_scores = _measured(scored, threshold, by_group=bool(groups))
    at_threshold = (
        _measured(everything, threshold, by_group=bool(groups)) if without_hint else of_scores
    )
    return Evaluation(
        model=name,
        model_sha256=sha256,
        threshold=threshold,
        scored=tuple(scored),
        unscored=tuple(unscored),
        unreadable=tuple(unreadable),
        metrics={**of_scores, **{name: at_threshold[name] for name in THRESHOLD_METRICS}},
        counts=_counts(everything, threshold),
        groups=groups,
        warnings=tuple(_warnings(everything, len(without_hint), unreadable, groups)),
    )


def unseen(evaluation: Evaluation) -> ScoreTable:
    """The scores of clips that the model was not trained on, at its threshold.

    Clips without a score and those that `manifest.for_testing` leaves out are left out.
    """
    tested = set(for_testing(clip.entry for clip in evaluation.scored))
    clips = [clip for clip in evaluation.scored if not clip.in_training and clip.entry in tested]
    return ScoreTable(
        entries=tuple(clip.entry for clip in clips),
        scores=np.array([clip.score for clip in clips]),
        thresholds=np.full(len(clips), evaluation.threshold),
    )


def _measured(
    clips: Sequence[ScoredClip], threshold: float, *, by_group: bool
) -> Mapping[str, Interval]:
    return measure(
        np.array([clip.entry.target for clip in clips]),
        np.array([clip.score for clip in clips]),
        threshold=threshold,
        groups=[clip.entry.group for clip in clips] if by_group else None,
    )


def _counts(clips: Sequence[ScoredClip], threshold: float) -> Confusion:
    targets = np.array([clip.entry.target for clip in clips])
    return confusion(targets, np.array([clip.score for clip in clips]), threshold)


def to_json(evaluation: Evaluation, **more: object) -> str:
    """The evaluation as JSON, with `more` under its names; its keys are documented and stable."""
    return json.dumps(_plain(evaluation) | more, indent=2, ensure_ascii=False) + "\n"


def _plain(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "model": evaluation.model,
        "model_sha256": evaluation.model_sha256,
        "threshold": evaluation.threshold,
        "clips": len(evaluation.scored),
        "clips_without_result": len(evaluation.unscored),
        **{name: asdict(metric) for name, metric in evaluation.metrics.items()},
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
                "seen_in_training": clip.in_training,
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


def _groups(scored: Iterable[ScoredClip], threshold: float) -> tuple[Group, ...]:
    """The groups, most mistakes first; none if no two clips share one."""
    in_order = sorted(scored, key=lambda clip: clip.entry.group)
    grouped = [
        _group(name, tuple(clips), threshold)
        for name, clips in groupby(in_order, key=lambda clip: clip.entry.group)
    ]
    if len(grouped) == len(in_order):
        return ()
    return tuple(sorted(grouped, key=lambda group: (-group.mistakes, -group.clips, group.name)))


def _group(name: str, clips: Sequence[ScoredClip], threshold: float) -> Group:
    return Group(name=name, clips=len(clips), counts=_counts(clips, threshold))


def _warnings(
    scored: Sequence[ScoredClip],
    unscored: int,
    unreadable: Sequence[object],
    groups: Sequence[Group],
) -> Iterator[str]:
    if trained_on := sum(clip.in_training for clip in scored):
        yield (
            f"{trained_on} of these {len(scored)} clips were used to train the model: "
            "the figures are leaky and say nothing about unseen people."
        )
    mixed = holds_both_labels([clip.entry for clip in scored])
    if mixed.any() and not mixed.all():
        yield (
            f"{(~mixed).sum()} clips come from collections that hold one label only: "
            "a network may recognize these by their footage, which flatters the figures."
        )
    if noted := len(scored) - len(for_testing(clip.entry for clip in scored)):
        yield f"{noted} clips count though the manifest notes a reason to leave them out."
    if 0 < len(groups) < MIN_GROUPS:
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
