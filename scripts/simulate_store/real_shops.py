"""Real shops: what a few labelled segments of a camera do for the others of the same camera.

All segments of a camera show one incident with one thief, so that every figure is flattered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from scripts.simulate_store.features import ClipFeatures
from scripts.simulate_store.last_blocks import LastBlocks
from scripts.simulate_store.simulation import CAMERA, as_candidates, numbered, taken
from video_classifier.improving import fitting
from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.evaluation.intervals import auc
from video_classifier.ml.training import adaptation, nearby
from video_classifier.ml.training.adaptation import AdaptationSettings, Base, Candidates
from video_classifier.ml.training.nearby import NearbySettings, Rows
from video_classifier.ml.training.old_footage import OldFootage

SEGMENTS = (0, 2, 4, 8)
DRAWS = 20
NEAR, TOGETHER = "near the shipped head", "near it, with its old footage"
FAR = f"{TOGETHER}, reach 10"
TRAINED = 4  # draws for which the last blocks are trained, which takes a minute each

Trained = Callable[[Integers, Integers, int], Floats]  # see LastBlocks.of_camera


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopRow:
    """How a way to learn ranks the segments of a camera that it has not seen, in one draw."""

    camera: str
    way: str
    segments: int
    draw: int
    auc: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shipped:
    """A model's own head, and the old footage that came with it: `improve_model` has these."""

    kernel: Floats
    bias: float
    old: OldFootage


def measure(  # noqa: PLR0913
    clips: Sequence[ClipFeatures],
    base: Base,
    settings: AdaptationSettings,
    *,
    seed: int,
    shipped: Shipped | None = None,
    last_blocks: LastBlocks | None = None,
) -> list[ShopRow]:
    """Of each camera with enough segments of both labels."""
    cameras = sorted({clip.entry.group for clip in clips})
    return [
        row
        for camera in cameras
        for row in _of_camera(
            camera,
            [clip for clip in clips if clip.entry.group == camera],
            base,
            settings,
            seed,
            last_blocks,
            shipped,
        )
    ]


def _of_camera(  # noqa: PLR0913, PLR0917
    camera: str,
    clips: Sequence[ClipFeatures],
    base: Base,
    settings: AdaptationSettings,
    seed: int,
    last_blocks: LastBlocks | None,
    shipped: Shipped | None,
) -> Iterator[ShopRow]:
    names = numbered([clip.entry.group for clip in clips], first=int(base.old.groups.max()) + 1)
    found = as_candidates(
        clips, ("served",), groups=names, cameras=[CAMERA] * len(clips), weights=np.ones(len(clips))
    )
    everything = base.projection.of(found)
    retrained = last_blocks and last_blocks.of_camera([clip.entry for clip in clips])
    for count in SEGMENTS:
        for draw in range(DRAWS if count else 1):
            random = np.random.default_rng((seed, count, draw))
            learned = _drawn(everything.targets, count, random)
            if learned is None:
                break
            rest = np.setdiff1d(np.arange(len(everything)), learned)
            tested = taken(everything, rest)
            near = _near(shipped, found, learned, rest, settings.best_windows)
            for way, scores in chain(_ways(base, settings, everything, learned, tested), near):
                area = auc(tested.targets, scores)
                if area is not None:
                    yield ShopRow(camera=camera, way=way, segments=count, draw=draw, auc=area)
            if retrained and count and draw < TRAINED:
                area = auc(tested.targets, retrained(learned, rest, draw))
                if area is not None:
                    yield ShopRow(
                        camera=camera, way="last blocks", segments=count, draw=draw, auc=area
                    )


def _drawn(targets: Integers, count: int, random: np.random.Generator) -> Integers | None:
    """Half of them thefts, or as many as leave one to test on; None if too few segments do."""
    thefts, ordinary = (random.permutation(np.flatnonzero(targets == label)) for label in (1, 0))
    half = min(count // 2, len(thefts) - 1)
    if half < min(count, 1) or count - half >= len(ordinary):
        return None
    return np.concatenate([thefts[:half], ordinary[: count - half]])


def _ways(
    base: Base,
    settings: AdaptationSettings,
    everything: Candidates,
    learned: Integers,
    tested: Candidates,
) -> Iterator[tuple[str, Floats]]:
    best = settings.best_windows
    if not len(learned):
        yield "head", adaptation.fit(base, settings).scores(tested, best=best)
        return
    reviewed = taken(everything, learned)
    head = adaptation.fit(base, settings, reviewed=reviewed)
    yield "head", head.scores(tested, best=best)
    alone = Base(projection=base.projection, old=reviewed)
    yield "head, segments alone", adaptation.fit(alone, settings).scores(tested, best=best)
    yield "nearest neighbours", _nearest(reviewed, tested)


def _near(
    shipped: Shipped | None, some: Candidates, learned: Integers, rest: Integers, best: int
) -> Iterator[tuple[str, Floats]]:
    """As `manage.py improve_model` learns, with and without the old footage."""
    if shipped is None:
        return
    logits = np.asarray(some.features @ shipped.kernel + shipped.bias, np.float64)
    tested = taken(some, rest)
    if not len(learned):
        own = np.asarray(tested.features @ shipped.kernel + shipped.bias, np.float64)
        yield NEAR, adaptation.scores_of(own, tested, best=best)
        return
    features = np.stack([_mean_of_best(some, row, logits, best) for row in learned])
    reviewed = _rows(features, some.targets[learned], shipped)
    for way, together in ((NEAR, None), (TOGETHER, _kept(shipped))):
        change = nearby.fit(reviewed, NearbySettings(), old=together)
        moved = tested.features @ (shipped.kernel + change.kernel) + shipped.bias + change.bias
        yield way, adaptation.scores_of(np.asarray(moved, np.float64), tested, best=best)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenRow:
    """What becomes of a model's old footage once a head learned from all segments of a camera."""

    camera: str
    way: str
    threshold: float  # by the rule of a card
    thefts: int  # hints of these, each at a threshold chosen without its person
    ordinary: int
    auc: float


def forgotten(clips: Sequence[ClipFeatures], shipped: Shipped, best: int) -> list[ForgottenRow]:
    """Of the model as it ships, and of each camera and way, out of fold."""
    old = shipped.old
    rows = [_forgotten("none", "the shipped head", old, old.scores)]
    for camera in sorted({clip.entry.group for clip in clips}):
        some = [clip for clip in clips if clip.entry.group == camera]
        reviewed, kept = _reviewed(some, shipped, best), _kept(shipped)
        for way, together, reach in ((NEAR, None, 1.0), (TOGETHER, kept, 1.0), (FAR, kept, 10.0)):
            logits = old.logits
            for left_out in fitting.folds(old.groups):
                rest = together and together.of(~left_out)
                change = nearby.fit(reviewed, NearbySettings(reach=reach), old=rest)
                logits[left_out] += change.of(kept.features[left_out])
            rows.append(_forgotten(camera, way, old, 1 / (1 + np.exp(-logits))))
    return rows


def _forgotten(camera: str, way: str, old: OldFootage, scores: Floats) -> ForgottenRow:
    hints, inside = fitting.hints_of(old, scores), old.inside
    return ForgottenRow(
        camera=camera,
        way=way,
        threshold=fitting.by_the_rule(old, scores, np.ones(len(old), np.bool_)),
        thefts=int(hints[old.targets == 1].sum()),
        ordinary=int(hints[old.targets == 0].sum()),
        auc=auc(old.targets[inside], scores[inside]) or 0.0,
    )


def _reviewed(clips: Sequence[ClipFeatures], shipped: Shipped, best: int) -> Rows:
    targets = np.array([clip.entry.target for clip in clips], np.intp)
    found = as_candidates(
        clips,
        ("served",),
        groups=numbered([clip.entry.group for clip in clips]),
        cameras=[CAMERA] * len(clips),
        weights=np.ones(len(clips)),
    )
    logits = np.asarray(found.features @ shipped.kernel + shipped.bias, np.float64)
    features = np.stack([_mean_of_best(found, row, logits, best) for row in range(len(clips))])
    return _rows(features, targets, shipped)


def _rows(features: Floats, targets: Integers, shipped: Shipped) -> Rows:
    return Rows(
        features=features,
        logits=features @ shipped.kernel + shipped.bias,
        targets=targets,
        weights=nearby.weights_of(targets, np.zeros(len(targets), np.intp)),
    )


def _kept(shipped: Shipped) -> Rows:
    features = shipped.old.features.astype(np.float64)
    return replace(_rows(features, shipped.old.targets, shipped), weights=shipped.old.weights)


def _mean_of_best(some: Candidates, row: int, logits: Floats, best: int) -> Floats:
    windows = np.flatnonzero(some.candidates == row)
    chosen = windows[np.argsort(-logits[windows])[:best]]
    return np.asarray(some.features[chosen].mean(axis=0), np.float64)


def _nearest(learned: Candidates, tested: Candidates) -> Floats:
    """(n,): how much nearer a segment is to the nearest theft than to the nearest ordinary one."""
    known, new = _means(learned), _means(tested)
    distances = np.linalg.norm(new[:, np.newaxis] - known, axis=2)
    thefts, ordinary = (distances[:, learned.targets == label].min(axis=1) for label in (1, 0))
    return np.asarray(ordinary - thefts, np.float64)


def _means(some: Candidates) -> Floats:
    """(n, features): of the windows of each."""
    return np.array(
        [some.features[some.candidates == row].mean(axis=0) for row in range(len(some))], np.float64
    )
