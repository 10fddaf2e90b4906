"""A head from what was seen, and what is known of it out of fold.

The head is fitted near the network's own, to the reviews alone: with the old footage beside them it
notices fewer thefts of people whom it hasn't seen (docs/adaptation.md). That footage says which
threshold it takes, and what it forgets. The network's own head has seen it, so that out-of-fold
scores, which came with it, are taken, and what the change adds to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from video_classifier.improving import reading
from video_classifier.improving.reading import Network, Seen
from video_classifier.ml.contracts import LABELS, Floats, Integers
from video_classifier.ml.data.manifest import Entry, ManifestError
from video_classifier.ml.evaluation import calibration, score_table
from video_classifier.ml.evaluation.score_table import ScoreTable
from video_classifier.ml.measures import thefts as out_of_fold
from video_classifier.ml.serving.confidence import Confidence
from video_classifier.ml.serving.head import Head
from video_classifier.ml.training import nearby
from video_classifier.ml.training.nearby import Change, NearbySettings, OneLabelError, Rows
from video_classifier.ml.training.old_footage import OldFootage

FALSE_ALARMS = 0.05  # of the ordinary clips of the old footage, at most: the rule of a model's card
LEAST_RECORDINGS = 10  # with confirmed events, and with false alarms, for a confidence
FOLDS = 10

CHOSEN = (
    "Chosen by the rule of the model's card: of the ordinary clips that the model learned from, "
    "each scored without its person, at most {share:.0%} get a hint."
)
THE_MODELS = "The model's own, as {why}."
NO_OLD_FOOTAGE = "the footage that it learned from didn't come with it"
OTHER_RULE = "that wasn't chosen by the usual rule"
FITTED = (
    "Fitted to scores of {thefts} recordings with confirmed events and {ordinary} with false "
    "alarms, by heads that hadn't seen them. It holds for what people answered."
)
TOO_FEW_RECORDINGS = (
    "Not known: of recordings with confirmed events it learned from {thefts}, of those with false "
    "alarms from {ordinary}, and it takes {least} of each."
)
NO_ORDER = (
    "Not known: heads that hadn't seen the recording don't score confirmed events higher than "
    "false alarms."
)

Scores = Floats
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """A head, and what was chosen for it; sentences say how."""

    head: Head
    threshold: float
    why_threshold: str
    confidence: Confidence | None
    why_confidence: str
    old: Scores | None  # (n,): of the old footage, out of fold; None if that isn't known


def fit(network: Network, seen: Sequence[Seen], old: OldFootage | None) -> Fitted:
    """`seen` is what is learned from."""
    reviewed = _rows(network, seen)
    change = nearby.fit(reviewed, NearbySettings())
    scores = _old_scores(change, old) if old and old.is_measured else None
    threshold, why = _threshold(network.card.threshold, old, scores)
    confidence, why_confidence = _confidence(network, seen, reviewed)
    return Fitted(
        head=_head(network, change),
        threshold=threshold,
        why_threshold=why,
        confidence=confidence,
        why_confidence=why_confidence,
        old=scores,
    )


def targets_of(seen: Sequence[Seen]) -> Integers:
    return np.array([each.reviewed.entry.target for each in seen], np.intp)


def groups_of(seen: Sequence[Seen]) -> npt.NDArray[np.str_]:
    """Independent are only the days of cameras, or recordings, that events are of."""
    return np.array([each.reviewed.entry.group for each in seen])


def scores_of(network: Network, seen: Sequence[Seen], head: Head | None) -> Scores:
    """(n,), 0 to 1; without a head, by the network's own."""
    best = network.card.best_windows
    windows = [each.scores if head is None else head.score(each.features) for each in seen]
    return np.array([reading.score(each, best) for each in windows], np.float64)


def hints_of(old: OldFootage, scores: Scores) -> Flags:
    """(n,): at thresholds that were chosen without the person, by the rule of a model's card."""
    hints = np.zeros(len(old), np.bool_)
    for left_out in folds(old.groups):
        hints[left_out] = scores[left_out] >= by_the_rule(old, scores, ~left_out)
    return hints


def write_old(folder: Path, old: OldFootage, fitted: Fitted) -> None:
    """As the table of out-of-fold scores that a camera's measure goes by."""
    if fitted.old is None:
        return
    entries = [
        Entry(
            path=Path(),
            name=f"old {row + 1}",
            label=LABELS[old.targets[row]],
            group=str(old.groups[row]),
            take=str(old.takes[row]),
            source=str(old.cameras[row]),
        )
        for row in range(len(old))
    ]
    thresholds = np.full(len(old), fitted.threshold)
    table = ScoreTable(entries=tuple(entries), scores=fitted.old, thresholds=thresholds)
    score_table.write(folder / out_of_fold.FILE, [table])


def read_old(version: Path, old: OldFootage) -> Scores | None:
    """What `write_old` wrote of a version; None of one that has none, or of other footage."""
    try:
        table, *_ = score_table.read(version / out_of_fold.FILE)
    except ManifestError:
        return None
    return table.scores if np.array_equal(table.targets, old.targets) else None


def _rows(network: Network, seen: Sequence[Seen]) -> Rows:
    best = network.card.best_windows
    features = np.stack([each.features[:best].astype(np.float64).mean(axis=0) for each in seen])
    names = sorted({each.reviewed.camera for each in seen})
    cameras = np.array([names.index(each.reviewed.camera) for each in seen])
    targets = targets_of(seen)
    return Rows(
        features=features,
        logits=features @ network.kernel + network.bias,
        targets=targets,
        weights=nearby.weights_of(targets, cameras),
    )


def _head(network: Network, change: Change) -> Head:
    return Head(
        kernel=network.kernel + change.kernel,
        bias=network.bias + change.bias,
        network_sha256=network.card.sha256,
    )


def _old_scores(change: Change, old: OldFootage) -> Scores:
    logits = old.logits + change.of(old.features.astype(np.float64))
    return np.asarray(1 / (1 + np.exp(-logits)))


def _threshold(models: float, old: OldFootage | None, scores: Scores | None) -> tuple[float, str]:
    """By the rule that gave the model its own, if that is what gave it."""
    if old is None or scores is None:
        return models, THE_MODELS.format(why=NO_OLD_FOOTAGE)
    everyone = np.ones(len(old), np.bool_)
    if abs(by_the_rule(old, old.scores, everyone) - models) > _ALIKE:
        return models, THE_MODELS.format(why=OTHER_RULE)
    return by_the_rule(old, scores, everyone), CHOSEN.format(share=FALSE_ALARMS)


_ALIKE = 0.01  # clips may be missing in the file, in which nobody was found with another detector


def by_the_rule(old: OldFootage, scores: Scores, rows: Flags) -> float:
    return calibration.calibrate(
        old.targets[rows],
        scores[rows],
        old.inside[rows],
        false_alarms=FALSE_ALARMS,
        temperature=1.0,
    ).threshold


def _confidence(
    network: Network, seen: Sequence[Seen], reviewed: Rows
) -> tuple[Confidence | None, str]:
    """Of the store's own events alone: what it says has to hold there."""
    groups, targets = groups_of(seen), targets_of(seen)
    ordinary, thefts = (len(np.unique(groups[targets == target])) for target in (0, 1))
    counts = {"thefts": thefts, "ordinary": ordinary}
    if min(thefts, ordinary) < LEAST_RECORDINGS:
        return None, TOO_FEW_RECORDINGS.format(**counts, least=LEAST_RECORDINGS)
    scores = np.zeros(len(seen))
    for left_out in folds(groups):
        try:
            change = nearby.fit(reviewed.of(~left_out), NearbySettings())
        except OneLabelError:
            return None, TOO_FEW_RECORDINGS.format(**counts, least=LEAST_RECORDINGS)
        some = list(compress(seen, left_out))
        scores[left_out] = scores_of(network, some, _head(network, change))
    found = calibration.fit_confidence(targets, scores, groups.tolist())
    if found is None or found.slope <= 0:
        return None, NO_ORDER
    return found, FITTED.format(**counts)


def folds(groups: npt.NDArray[np.generic]) -> Iterator[Flags]:
    """(n,) booleans: what each leaves out, whole groups."""
    names = np.random.default_rng(0).permutation(np.unique(groups))
    for part in np.array_split(names, min(FOLDS, len(names))):
        yield np.isin(groups, part)
