"""A head is adapted to a store: old footage stays in, and cameras' offsets don't count."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from video_classifier.ml.contracts import Floats
from video_classifier.ml.evaluation.intervals import auc
from video_classifier.ml.training import adaptation
from video_classifier.ml.training.adaptation import (
    AdaptationSettings,
    Base,
    Candidates,
    Offset,
    TooLittleFootageError,
)

SIZE = 12
SETTINGS = AdaptationSettings(rank=SIZE, penalty=1.0, best_windows=2, offset=Offset.CENTERED)
THEFT = np.eye(SIZE)[0]  # where old thefts differ from ordinary candidates
OTHER = np.eye(SIZE)[1] - 0.5 * THEFT  # where those of another store do
SEEN_FROM = 4 * np.eye(SIZE)[2]  # what makes a camera differ from another


def candidates(
    count: int,
    *,
    camera: int,
    first_group: int,
    theft: Floats = THEFT,
    offset: Floats | float = 0.0,
    seed: int = 0,
    thefts: float = 0.5,
) -> Candidates:
    """Of three windows each; every second one is a theft."""
    random = np.random.default_rng((seed, camera))
    targets = (np.arange(count) % round(1 / thefts) == 0).astype(np.intp)
    of_windows = np.repeat(np.arange(count), 3)
    features = random.normal(0, 0.5, (3 * count, SIZE)) + offset
    features += targets[of_windows, np.newaxis] * 2 * theft
    return Candidates(
        features=features.astype(np.float32),
        candidates=of_windows,
        targets=targets,
        cameras=np.full(count, camera),
        groups=first_group + np.arange(count),
        weights=np.ones(count),
    )


def ordinary(some: Candidates) -> Candidates:
    return replace(some, targets=np.zeros(len(some), np.intp))


OLD = candidates(60, camera=0, first_group=0)


@pytest.fixture(scope="module")
def base() -> Base:
    return adaptation.prepare(OLD, SETTINGS)


def ranked(base: Base, head: adaptation.AdaptedHead, some: Candidates) -> float:
    projected = base.projection.of(some)
    return auc(some.targets, head.scores(projected, best=2)) or 0.0


def test_without_reviews_it_is_fitted_to_the_old_footage(base: Base) -> None:
    head = adaptation.fit(base, SETTINGS)

    assert ranked(base, head, candidates(40, camera=0, first_group=500, seed=1)) > 0.95


def test_reviews_show_what_the_old_footage_does_not(base: Base) -> None:
    later = candidates(60, camera=7, first_group=500, theft=OTHER, seed=1)
    reviewed = base.projection.of(candidates(20, camera=7, first_group=100, theft=OTHER))

    before = adaptation.fit(base, SETTINGS)
    after = adaptation.fit(base, SETTINGS, reviewed=reviewed)

    assert ranked(base, before, later) < 0.7
    assert ranked(base, after, later) > ranked(base, before, later) + 0.2
    assert ranked(base, after, candidates(40, camera=0, first_group=600, seed=2)) > 0.9


def test_what_is_reviewed_has_no_more_than_its_share(base: Base) -> None:
    wrong = candidates(400, camera=7, first_group=100)
    wrong = base.projection.of(replace(wrong, targets=1 - wrong.targets))
    capped = replace(SETTINGS, cap=0.2)

    head = adaptation.fit(base, capped, reviewed=wrong)

    assert ranked(base, head, candidates(40, camera=0, first_group=600, seed=2)) > 0.9


@pytest.mark.parametrize(("offset", "is_learned"), [(Offset.CENTERED, False), (Offset.KEPT, True)])
def test_a_camera_with_thefts_alone_does_not_make_its_people_thieves(
    base: Base, offset: Offset, *, is_learned: bool
) -> None:
    """Of a new camera mostly thefts were answered: what it looks like there says nothing."""
    made = partial(candidates, camera=7, offset=SEEN_FROM, theft=0 * THEFT)
    answered = base.projection.of(made(40, first_group=100, thefts=1.0))
    day = base.projection.of(ordinary(made(60, first_group=300, seed=3)))
    settings = replace(SETTINGS, offset=offset)

    head = adaptation.fit(base, settings, reviewed=answered, ordinary=day)

    assert bool(head.scores(day, best=2).mean() > 0.65) == is_learned


def test_unlabelled_footage_takes_the_camera_out_of_the_score(base: Base) -> None:
    day = candidates(60, camera=7, first_group=300, offset=SEEN_FROM + 3 * THEFT, seed=3)
    day = base.projection.of(ordinary(day))

    unknown = adaptation.fit(base, SETTINGS).scores(day, best=2)
    known = adaptation.fit(base, SETTINGS, ordinary=day).scores(day, best=2)

    assert unknown.mean() > 0.9
    assert 0.3 < known.mean() < 0.7


def test_scores_are_out_of_fold_and_calibrated(base: Base) -> None:
    day = base.projection.of(candidates(30, camera=7, first_group=300, seed=3))
    reviewed = base.projection.of(candidates(10, camera=7, first_group=100))

    found = adaptation.adapt(base, SETTINGS, reviewed=reviewed, ordinary=day)

    assert (len(found.old), len(found.reviewed), len(found.ordinary)) == (60, 10, 30)
    assert auc(base.old.targets, found.old) > 0.95  # type: ignore[operator]
    assert found.old[base.old.targets == 1].mean() > 0.75
    assert found.old[base.old.targets == 0].mean() < 0.3


def test_nobody_scores_what_a_group_of_theirs_was_learned_from(base: Base) -> None:
    """Noise can be learned by heart, and not be predicted."""
    noise = base.projection.of(candidates(40, camera=7, first_group=100, theft=0 * THEFT))
    free = replace(SETTINGS, penalty=1e-3, review_weight=50.0, cap=0.9)

    found = adaptation.adapt(base, free, reviewed=noise)

    by_heart = found.head.scores(noise, best=2)
    assert (auc(noise.targets, by_heart) or 0) > (auc(noise.targets, found.reviewed) or 0) + 0.15


def test_old_thefts_and_planted_acts_count_the_same(base: Base) -> None:
    made = partial(candidates, camera=7, first_group=300)
    acts = base.projection.of(made(8, thefts=1.0, seed=3))
    day = base.projection.of(ordinary(made(30, theft=0 * THEFT, seed=4)))

    found = adaptation.adapt(base, SETTINGS, planted=acts, ordinary=day)

    assert adaptation.ranking_of_known(base, found) > 0.95
    upside_down = replace(found, planted=np.zeros(8))
    assert 0.45 < adaptation.ranking_of_known(base, upside_down) <= 0.5
    without = replace(found, planted=np.zeros(0), ordinary=np.zeros(0))
    assert adaptation.ranking_of_known(base, without) > 0.95


@pytest.mark.parametrize("target", [0, 1])
def test_nothing_is_learned_from_one_label(target: int) -> None:
    with pytest.raises(TooLittleFootageError, match="thefts"):
        adaptation.prepare(replace(OLD, targets=np.full(60, target)), SETTINGS)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="cap must be"):
        AdaptationSettings(cap=1.0)
