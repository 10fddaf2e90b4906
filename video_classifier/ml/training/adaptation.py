"""Adapts a linear head to a store: its reviewed event candidates beside the old footage's.

The old footage stays in, so that nothing is forgotten, and the share of what is new is capped, so
that wrong reviews can't take over. What makes a whole camera score high or low is taken out before
the head is fitted: features are centered on the ordinary candidates of their camera, so that
knowing the camera doesn't help to predict a label. Old footage is kept as its principal components:
a head is then fitted in less than a second, and a store needs no old video.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats, Floats32, Integers
from video_classifier.ml.data.settings import check, setting
from video_classifier.ml.serving import events

_SHRINKAGE = 5  # ordinary candidates that a camera's center needs to count for half
_TOLERANCE = 1e-6
_MAX_ITERATIONS = 100
_ONE_LABEL = "There are no thefts to learn from, or nothing but thefts."
_NEARLY_FREE = 1e-3  # penalty of a calibration's slope


class TooLittleFootageError(ValueError):
    """Nothing can be learned from it, and the message, a sentence, says what is missing."""


class Offset(StrEnum):
    """What is done about cameras that score high or low as a whole."""

    CENTERED = "centered"  # features are taken relative to the camera's ordinary candidates
    WEIGHTED = "weighted"  # each camera's thefts and ordinary candidates count the same
    KEPT = "kept"  # nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptationSettings:
    """Raises ValueError for a value out of its range."""

    rank: int = setting(128, "principal components of the old footage that are kept", least=1)
    penalty: float = setting(
        100.0, "of the head's squared weights, beside the summed losses of windows", above=0
    )
    review_weight: float = setting(
        3.0, "how much a reviewed candidate counts, of an old one of its label", above=0
    )
    cap: float = setting(
        0.5, "share of its label's weight that all that is reviewed gets at most", above=0, most=0.9
    )
    offset: Offset = Offset.WEIGHTED
    best_windows: int = setting(
        10, "of a candidate: its score is the mean of so many windows", least=1
    )
    seed: int = setting(42, "for everything random", least=0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Event candidates of known label, by the features of their windows."""

    features: Floats32  # (windows, features), of a backbone
    candidates: Integers  # (windows,): whose window it is, from 0 to n - 1; each has one
    targets: Integers  # (n,): 1 for a theft, 0 for an ordinary one
    cameras: Integers  # (n,): any numbers; of the old footage and of a store none in common
    groups: Integers  # (n,): candidates of one person or recording, which are never split
    weights: Floats  # (n,): above 0

    def __len__(self) -> int:
        return len(self.targets)

    def subset(self, chosen: npt.NDArray[np.bool_]) -> Candidates:
        """Of (n,) booleans."""
        windows = chosen[self.candidates]
        return Candidates(
            features=self.features[windows],
            candidates=(np.cumsum(chosen) - 1)[self.candidates[windows]],
            targets=self.targets[chosen],
            cameras=self.cameras[chosen],
            groups=self.groups[chosen],
            weights=self.weights[chosen],
        )


def joined(*parts: Candidates) -> Candidates:
    """All of them, in their order."""
    before = np.cumsum([0, *(len(part) for part in parts)])
    moved = [part.candidates + first for part, first in zip(parts, before, strict=False)]
    return Candidates(
        features=np.concatenate([part.features for part in parts]),
        candidates=np.concatenate(moved),
        targets=np.concatenate([part.targets for part in parts]),
        cameras=np.concatenate([part.cameras for part in parts]),
        groups=np.concatenate([part.groups for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Features of a backbone as a few numbers: standardized, then along principal components."""

    mean: Floats32  # (features,)
    kernel: Floats32  # (features, rank)

    def of(self, some: Candidates) -> Candidates:
        """The same candidates with (windows, rank) features."""
        return replace(some, features=self.features(some.features))

    def features(self, features: Floats32) -> Floats32:
        """(windows, features) to (windows, rank)."""
        return np.asarray((features - self.mean) @ self.kernel, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a head is adapted from: old footage, small enough to come with a model."""

    projection: Projection
    old: Candidates  # projected


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptedHead:
    """A head, and what it takes for ordinary at each camera. Its features are projected ones."""

    kernel: Floats  # (rank,)
    bias: float
    centers: dict[int, Floats]  # by camera, (rank,); empty without centering
    typical: Floats  # (rank,): of a camera that has none
    slope: float = 1.0  # of the calibration, for logits
    intercept: float = 0.0

    def offset(self, camera: int) -> float:
        """The logit that is ordinary at the camera, which its logits are less by.

        Of a camera without footage that of all cameras. An exported head has it in its bias.
        """
        return float(self.centers.get(camera, self.typical) @ self.kernel)

    def logits(self, some: Candidates) -> Floats:
        """(windows,)"""
        offsets = {camera: self.offset(camera) for camera in np.unique(some.cameras).tolist()}
        of_candidate = np.array([offsets[camera] for camera in some.cameras.tolist()])
        raw = some.features @ self.kernel + self.bias - of_candidate[some.candidates]
        return np.asarray(self.slope * raw + self.intercept, np.float64)

    def scores(self, some: Candidates, *, best: int) -> Floats:
        """(n,), 0 to 1: of each candidate the mean of its `best` highest windows."""
        return scores_of(self.logits(some), some, best=best)


def scores_of(logits: Floats, some: Candidates, *, best: int) -> Floats:
    """(n,), 0 to 1, of (windows,) logits: see `serving.events.mean_of_best`."""
    from scipy.special import expit

    order = np.argsort(some.candidates, kind="stable")
    counts = np.bincount(some.candidates, minlength=len(some))
    parts = np.split(np.asarray(expit(logits))[order], np.cumsum(counts)[:-1])
    return np.array([events.mean_of_best(part, best) for part in parts], np.float64)


def prepare(old: Candidates, settings: AdaptationSettings) -> Base:
    """The old footage along its principal components. Raises TooLittleFootageError."""
    from sklearn.utils.extmath import randomized_svd

    _refuse_one_label(old)
    mean, scale = old.features.mean(axis=0), old.features.std(axis=0)
    scale[scale < _TOLERANCE] = 1.0
    standard = (old.features - mean) / scale
    rank = min(settings.rank, *standard.shape)
    _, _, components = randomized_svd(standard, rank, n_iter=3, random_state=settings.seed)
    kernel = np.asarray(components.T / scale[:, np.newaxis], np.float32)
    projection = Projection(mean=np.asarray(mean, np.float32), kernel=kernel)
    return Base(projection=projection, old=projection.of(old))


def fit(
    base: Base,
    settings: AdaptationSettings,
    *,
    reviewed: Candidates | None = None,
    ordinary: Candidates | None = None,
) -> AdaptedHead:
    """The head that fits best to the old footage and to a store's reviewed candidates.

    `ordinary` is unlabelled footage of the store's cameras, of which nearly all is ordinary: it
    says what their centers are, and nothing is fitted to it. Both are projected. Not calibrated.
    Raises TooLittleFootageError.
    """
    return _fit(base.old, reviewed, ordinary, settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """A calibrated head, and out-of-fold scores: by heads that saw nobody of the same group."""

    head: AdaptedHead
    old: Floats  # (old candidates,), 0 to 1
    reviewed: Floats
    ordinary: Floats  # what a threshold of the head comes from: it fits what it has seen too well
    planted: Floats


def adapt(  # noqa: PLR0913
    base: Base,
    settings: AdaptationSettings,
    *,
    reviewed: Candidates | None = None,
    ordinary: Candidates | None = None,
    planted: Candidates | None = None,
    folds: int = 5,
) -> Adapted:
    """The head of `fit`, calibrated out of fold. Raises TooLittleFootageError.

    `planted` are acts of staff at the store's cameras: nothing is fitted to them either.
    """
    old, none = base.old, base.old.subset(np.zeros(len(base.old), np.bool_))
    parts = [old, *(none if part is None else part for part in (reviewed, ordinary, planted))]
    everything, sizes = joined(*parts), np.cumsum([len(part) for part in parts])
    logits = np.zeros(len(everything.candidates))
    for test in _folds(everything.groups, folds, settings.seed):
        kept = np.split(~test, sizes[:-1])
        head = _fit(old.subset(kept[0]), parts[1].subset(kept[1]), ordinary, settings)
        logits[test[everything.candidates]] = head.logits(everything.subset(test))
    is_labelled = np.arange(len(everything)) < sizes[1]
    slope, intercept = _calibration(
        logits[is_labelled[everything.candidates]], everything.subset(is_labelled)
    )
    head = replace(_fit(old, parts[1], ordinary, settings), slope=slope, intercept=intercept)
    scores = scores_of(slope * logits + intercept, everything, best=settings.best_windows)
    of_old, of_reviewed, of_ordinary, of_planted = np.split(scores, sizes[:-1])
    return Adapted(
        head=head, old=of_old, reviewed=of_reviewed, ordinary=of_ordinary, planted=of_planted
    )


def ranking_of_known(base: Base, found: Adapted) -> float:
    """How well acts are ranked whose labels are known to be right, 0 to 1; 0.5 is guessing.

    That is the mean of two areas under ROC curves: of old thefts and old ordinary candidates at
    cameras that have both, and of planted acts and the store's own unlabelled footage. Neither
    compares cameras. What wrong reviews do to a head shows there: one that ranks them worse than
    the head before it should not be used. Raises TooLittleFootageError if there are none.
    """
    from sklearn.metrics import roc_auc_score

    old = base.old
    inside = np.isin(old.cameras, np.unique(old.cameras[old.targets == 1]))
    pairs = [
        (found.old[inside & (old.targets == 1)], found.old[inside & (old.targets == 0)]),
        (found.planted, found.ordinary),
    ]
    areas = [
        float(roc_auc_score(np.repeat([1, 0], [len(ones), len(others)]), [*ones, *others]))
        for ones, others in pairs
        if len(ones) and len(others)
    ]
    if not areas:
        raise TooLittleFootageError(_ONE_LABEL)
    return float(np.mean(areas))


def _fit(
    old: Candidates,
    reviewed: Candidates | None,
    ordinary: Candidates | None,
    settings: AdaptationSettings,
) -> AdaptedHead:
    from sklearn.linear_model import LogisticRegression

    some = old if reviewed is None else joined(old, reviewed)
    _refuse_one_label(some)
    known = some if ordinary is None else joined(some, ordinary)
    centers: dict[int, Floats] = {}
    typical = np.zeros(some.features.shape[1])
    if settings.offset is Offset.CENTERED:
        centers, typical = _centers(known)
    of_each = np.array([centers.get(camera, typical) for camera in some.cameras.tolist()])
    inputs = some.features - of_each[some.candidates]
    weights = _weights(some, len(old), settings)
    shares = (weights / np.bincount(some.candidates, minlength=len(some)))[some.candidates]
    regression = LogisticRegression(
        C=1 / settings.penalty, solver="newton-cholesky", tol=_TOLERANCE, max_iter=_MAX_ITERATIONS
    )
    labels = some.targets[some.candidates]
    regression.fit(inputs.astype(np.float64), labels, sample_weight=shares / shares.mean())
    return AdaptedHead(
        kernel=np.asarray(regression.coef_[0], np.float64),
        bias=float(regression.intercept_[0]),
        centers=centers,
        typical=typical,
    )


def _weights(some: Candidates, old: int, settings: AdaptationSettings) -> Floats:
    """(n,): both labels have the same total, of which what is reviewed has at most `cap`."""
    weights, is_new = some.weights.astype(np.float64), np.arange(len(some)) >= old
    if settings.offset is Offset.WEIGHTED:
        weights = weights * _by_camera(some)
    for target in (0, 1):
        old_ones, new = (rows & (some.targets == target) for rows in (~is_new, is_new))
        if not new.any() or not old_ones.any():
            continue
        typical = weights[old_ones].sum() / old_ones.sum()
        wanted = settings.review_weight * typical * new.sum()
        most = settings.cap / (1 - settings.cap) * weights[old_ones].sum()
        weights[new] *= min(wanted, most) / weights[new].sum()
    for target in (0, 1):
        weights[some.targets == target] /= weights[some.targets == target].sum()
    return np.asarray(weights * len(some) / 2)


def _by_camera(some: Candidates) -> Floats:
    """(n,): makes a label's total the same as the other's at each camera that has both."""
    factors = np.ones(len(some))
    for camera in np.unique(some.cameras):
        here = some.cameras == camera
        totals = [some.weights[here & (some.targets == target)].sum() for target in (0, 1)]
        if all(totals):
            for target in (0, 1):
                factors[here & (some.targets == target)] = sum(totals) / 2 / totals[target]
    return factors


def _centers(some: Candidates) -> tuple[dict[int, Floats], Floats]:
    """Of each camera the mean of its ordinary candidates, drawn to all cameras' if they are few.

    And that of all cameras.
    """
    counts = np.bincount(some.candidates, minlength=len(some))
    means = np.zeros((len(some), some.features.shape[1]))
    np.add.at(means, some.candidates, some.features)
    means /= counts[:, np.newaxis]
    is_ordinary = some.targets == 0
    overall = means[is_ordinary].mean(axis=0)
    found = {}
    for camera in np.unique(some.cameras):
        here = means[is_ordinary & (some.cameras == camera)]
        total = here.sum(axis=0) + _SHRINKAGE * overall
        found[int(camera)] = np.asarray(total / (len(here) + _SHRINKAGE))
    return found, np.asarray(overall)


def _folds(groups: Integers, count: int, seed: int) -> Iterator[npt.NDArray[np.bool_]]:
    """(n,) booleans: what each fold leaves out."""
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    for part in np.array_split(names, min(count, len(names))):
        yield np.isin(groups, part)


def _calibration(logits: Floats, some: Candidates) -> tuple[float, float]:
    """Slope and intercept by Platt's method, for windows, each label with the same total.

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999. No slope turns the order over.
    """
    from sklearn.linear_model import LogisticRegression

    labels = some.targets[some.candidates]
    shares = (1 / np.bincount(some.candidates, minlength=len(some)))[some.candidates]
    for target in (0, 1):
        shares[labels == target] /= shares[labels == target].sum()
    regression = LogisticRegression(C=1 / _NEARLY_FREE, tol=_TOLERANCE)
    regression.fit(logits[:, np.newaxis], labels, sample_weight=shares * len(labels) / 2)
    slope = float(regression.coef_[0, 0])
    if slope <= 0:
        return 1.0, 0.0
    return slope, float(regression.intercept_[0])


def _refuse_one_label(some: Candidates) -> None:
    if len(np.unique(some.targets)) < 2:  # noqa: PLR2004
        raise TooLittleFootageError(_ONE_LABEL)
