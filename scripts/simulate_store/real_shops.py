"""Real shops: what a few labelled segments of a camera do for the others of the same camera.

All segments of a camera show one incident with one thief, so that every figure is flattered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scripts.simulate_store.features import ClipFeatures
from scripts.simulate_store.last_blocks import LastBlocks
from scripts.simulate_store.simulation import CAMERA, as_candidates, numbered, taken
from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.evaluation.intervals import auc
from video_classifier.ml.training import adaptation
from video_classifier.ml.training.adaptation import AdaptationSettings, Base, Candidates

SEGMENTS = (0, 2, 4, 8)
DRAWS = 20
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


def measure(
    clips: Sequence[ClipFeatures],
    base: Base,
    settings: AdaptationSettings,
    *,
    seed: int,
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
        )
    ]


def _of_camera(  # noqa: PLR0913, PLR0917
    camera: str,
    clips: Sequence[ClipFeatures],
    base: Base,
    settings: AdaptationSettings,
    seed: int,
    last_blocks: LastBlocks | None,
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
            for way, scores in _ways(base, settings, everything, learned, tested):
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
