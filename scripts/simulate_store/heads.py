"""Ways to fit a head to a store's reviews: what each learns of the store, and what it forgets.

Each way starts from the same head, of a model that hasn't seen the store's people. What it forgets
is measured on the old footage, each person by heads that were fitted without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scripts.simulate_store import simulation
from scripts.simulate_store.features import COPIES, ClipFeatures
from scripts.simulate_store.simulation import (
    CAMERA,
    FALSE_ALARMS,
    ONE_LABEL,
    OUT_OF_DOMAIN,
    Plan,
    base_of,
    recall_at,
    stores_of,
    take_of,
    with_regulars,
)
from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.data.manifest import holds_both_labels
from video_classifier.ml.evaluation import calibration
from video_classifier.ml.evaluation.intervals import auc
from video_classifier.ml.serving import events
from video_classifier.ml.training import adaptation, nearby
from video_classifier.ml.training.adaptation import AdaptationSettings, Base, Candidates
from video_classifier.ml.training.nearby import Change, NearbySettings, Rows
from video_classifier.ml.training.weighting import of_people
from video_classifier.ml.watch import UNWATCHED, Watch

REVIEWS = ((20, 0.0), (50, 0.0), (50, 0.2))  # how many, and the share of wrong ones
REACHES = (1.0, 3.0, 10.0)
FOLDS = 3  # of old people
NONE, ANEW = "the model's own", "fitted anew with old windows"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadRow:
    """One way in one store."""

    scenario: str
    reviews: str
    way: str
    auc: float  # of people who come later
    recall_at_budget: float
    old_auc: float
    old_recall: float  # at the threshold that a card's rule gives


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A head for features as they are."""

    kernel: Floats
    bias: float

    def logits(self, features: npt.NDArray[np.floating]) -> Floats:
        return np.asarray(features @ self.kernel + self.bias, np.float64)

    def changed(self, change: Change) -> Line:
        return Line(kernel=self.kernel + change.kernel, bias=self.bias + change.bias)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """What a store starts from."""

    base: Base
    head: Line
    old: Rows
    inside: npt.NDArray[np.bool_]  # (clips,): of collections with both labels


def measure(
    clips: Sequence[ClipFeatures], plan: Plan, *, watch: Watch = UNWATCHED
) -> list[HeadRow]:
    """Of all stores, whose later people are others or the same."""
    rows: list[HeadRow] = []
    with watch.task("Fitting heads", plan.seeds * simulation.STORES) as advance:
        for seed in range(plan.seeds):
            for store in stores_of(clips, seed):
                model = model_of(store.old, plan.settings)
                folds = list(folds_of(store.old, plan.settings, seed))
                for name, own in (
                    ("other people later", store),
                    ("the same people later", with_regulars(store, seed)),
                ):
                    random = np.random.default_rng((seed, store.number, 1))
                    rows += _of_store(name, own.before, own.after, model, folds, plan, random)
                advance()
    return rows


def _of_store(  # noqa: PLR0913, PLR0917
    scenario: str,
    before: Sequence[ClipFeatures],
    after: Sequence[ClipFeatures],
    model: Model,
    folds: Sequence[tuple[npt.NDArray[np.bool_], Model]],
    plan: Plan,
    random: np.random.Generator,
) -> Iterator[HeadRow]:
    queue = _queue(before, max(count for count, _ in REVIEWS), random)
    for count, wrong in REVIEWS:
        rows = queue[:count]
        targets = np.array([before[row].entry.target for row in rows])
        mistaken = random.choice(count, round(wrong * count), replace=False)
        targets[mistaken] = 1 - targets[mistaken]
        features = means_of([before[row] for row in rows], model.head)
        found = _ways(model, features, targets)
        unseen = {way: np.zeros(len(model.old)) for way in found}
        for left_out, without in folds:
            for way, head in _ways(without, features, targets).items():
                unseen[way][left_out] = head.logits(model.old.features[left_out])
        name = f"{count} reviews" + (f", {wrong:.0%} wrong" if wrong else "")
        for way, head in found.items():
            yield _row(scenario, name, way, head, after, model, unseen[way], plan)


def _row(  # noqa: PLR0913, PLR0917
    scenario: str,
    reviews: str,
    way: str,
    head: Line,
    after: Sequence[ClipFeatures],
    model: Model,
    unseen: Floats,
    plan: Plan,
) -> HeadRow:
    targets = np.array([clip.entry.target for clip in after])
    takes = np.array([take_of(clip) for clip in after])
    scores = scores_of(head, after, plan.settings.best_windows)
    old, inside = sigmoid(unseen), model.inside
    threshold = calibration.calibrate(
        model.old.targets, old, inside, false_alarms=FALSE_ALARMS, temperature=1.0
    ).threshold
    return HeadRow(
        scenario=scenario,
        reviews=reviews,
        way=way,
        auc=auc(targets, scores) or 0.0,
        recall_at_budget=recall_at(targets, scores, takes, plan.budget / plan.visits),
        old_auc=auc(model.old.targets[inside], old[inside]) or 0.0,
        old_recall=float((old[model.old.targets == 1] >= threshold).mean()),
    )


def _ways(model: Model, features: Floats, targets: Integers) -> dict[str, Line]:
    reviewed = Rows(
        features=features,
        logits=model.head.logits(features),
        targets=targets,
        weights=nearby.weights_of(targets, np.zeros(len(targets), np.intp)),
    )
    found = {NONE: model.head}
    for reach in REACHES:
        for old in (None, model.old):
            change = nearby.fit(reviewed, NearbySettings(reach=reach), old=old)
            name = f"near it, reach {reach:g}" + (", with old footage" if old else "")
            found[name] = model.head.changed(change)
    found[ANEW] = _anew(model.base, features, targets)
    return found


def _anew(base: Base, features: Floats, targets: Integers) -> Line:
    count = len(targets)
    some = Candidates(
        features=features.astype(np.float32),
        candidates=np.arange(count),
        targets=targets,
        cameras=np.full(count, CAMERA),
        groups=np.arange(count) + int(base.old.groups.max()) + 1,
        weights=np.ones(count),
    )
    settings = AdaptationSettings()
    return _line(adaptation.fit(base, settings, reviewed=base.projection.of(some)), base)


def model_of(clips: Sequence[ClipFeatures], settings: AdaptationSettings) -> Model:
    base = base_of(clips, settings)
    head = _line(adaptation.fit(base, settings), base)
    entries = [clip.entry for clip in clips]
    features = means_of(clips, head)
    old = Rows(
        features=features,
        logits=head.logits(features),
        targets=np.array([entry.target for entry in entries]),
        weights=of_people(entries, one_label=ONE_LABEL, out_of_domain=OUT_OF_DOMAIN),
    )
    inside = np.asarray(holds_both_labels(entries))
    return Model(base=base, head=head, old=old, inside=inside)


def folds_of(
    clips: Sequence[ClipFeatures], settings: AdaptationSettings, seed: int
) -> Iterator[tuple[npt.NDArray[np.bool_], Model]]:
    """What each leaves out, and the model without it."""
    groups = np.array([clip.entry.group for clip in clips])
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    for part in np.array_split(names, FOLDS):
        left_out = np.isin(groups, part)
        rest = [clip for clip, is_out in zip(clips, left_out, strict=True) if not is_out]
        yield left_out, model_of(rest, settings)


def _line(head: adaptation.AdaptedHead, base: Base) -> Line:
    kernel = base.projection.kernel.astype(np.float64) @ head.kernel
    return Line(kernel=kernel, bias=head.bias - float(base.projection.mean @ kernel))


def means_of(clips: Sequence[ClipFeatures], head: Line, variant: str = COPIES[0]) -> Floats:
    """(n, features): of the windows that the score is of."""
    found = []
    for clip in clips:
        windows = clip.variants[variant].astype(np.float64)
        best = np.argsort(-head.logits(windows))[: AdaptationSettings().best_windows]
        found.append(windows[best].mean(axis=0))
    return np.stack(found)


def scores_of(
    head: Line, clips: Sequence[ClipFeatures], best: int, variant: str = COPIES[0]
) -> Floats:
    """(n,), 0 to 1, as the site scores."""
    windows = [sigmoid(head.logits(clip.variants[variant])) for clip in clips]
    return np.array([events.mean_of_best(each, best) for each in windows])


def _queue(clips: Sequence[ClipFeatures], count: int, random: np.random.Generator) -> Integers:
    """Rows, a theft and an ordinary one in turn: drawn by recording, with replacement."""
    targets = np.array([clip.entry.target for clip in clips])
    takes = np.array([take_of(clip) for clip in clips])
    drawn = []
    for target in (1, 0):
        rows = np.flatnonzero(targets == target)
        chosen = random.choice(np.unique(takes[rows]), (count + 1) // 2)
        drawn.append([random.choice(rows[takes[rows] == take]) for take in chosen])
    return np.array(drawn, np.intp).T.ravel()[:count]


def sigmoid(logits: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(logits), np.float64)
