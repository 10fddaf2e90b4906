"""A linear head is fitted to windows: those that have a label, each clip by its weight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.makers.datasets import people
from tests.makers.weights import write_i3d
from tests.ml.conftest import OF_PERSONS
from video_classifier.ml import experiments
from video_classifier.ml.audit.shortcuts import Version
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import Image
from video_classifier.ml.data.footage import Footage
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.experiments import Plan, Trained
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Card
from video_classifier.ml.training import linear, old_footage
from video_classifier.ml.training.linear import WindowFeatures
from video_classifier.ml.training.recipe import Recipe, RecipeError, settings_for
from video_classifier.ml.training.trainer import Trainer

MOVEMENT = replace(OF_PERSONS, rate=8.0)
SETTINGS = replace(settings_for("i3d_person"), augmented_copies=1)
RECIPE = Recipe(network="i3d_person", spec=MOVEMENT, settings=SETTINGS)
CARD = Card(
    name="moving",
    network="i3d_person",
    summary="For tests.",
    spec=MOVEMENT,
    threshold=0.5,
    created="2026-01-01",
    sha256="a" * 64,
)


def moving(one: Entry) -> Footage:
    """Two people of two windows each; thefts are bright, and bystanders as ordinary people are."""
    random = np.random.default_rng(len(one.name) + one.target)

    def pictures(shade: int, side: int) -> Image:
        return random.integers(shade - 30, shade + 30, (12, side, side, 3)).astype(np.uint8)

    tracks = [200 if one.target else 50, 50]
    served = [pictures(shade, 32)[start : start + 4] for shade in tracks for start in (0, 8)]
    labelled = tracks[:1] if one.target else tracks
    return Footage(
        entry=one,
        inputs=np.stack(served),
        frames=tuple(pictures(shade, 40) for shade in labelled),
        windows=np.array([(0, 0, 0.4), (0, 1, 1.4), (1, 0, 0.4), (1, 1, 1.4)], np.float64),
    )


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_i3d(tmp_path / "i3d.npz")


def features(served: list[float], labelled: list[int], clips: list[int]) -> WindowFeatures:
    """One number a window, without copies."""
    return WindowFeatures(
        served=np.array(served, np.float32)[:, np.newaxis],
        windows=np.zeros((len(served), 3)),
        bounds=np.array([0, 2, 4]),
        labelled=np.array(labelled),
        clips=np.array(clips),
        copies=(),
    )


def test_bystanders_of_a_theft_are_not_trained_on() -> None:
    clips = [moving(entry) for entry in people(1)]

    assert [clip.is_labelled.tolist() for clip in clips[:2]] == [
        [True, True, False, False],
        [True, True, True, True],
    ]


def test_the_kernel_is_for_features_as_they_are() -> None:
    found = features([1000, 1002, 1004, 1006], [0, 1, 2, 3], [0, 0, 1, 1])

    head = linear.fit(found, np.array([0, 1]), np.array([0, 1]), np.ones(2), penalty=0.01)

    logits = found.served[:, 0] * head.kernel[0] + head.bias
    assert (logits[:2] < 0).all()
    assert (logits[2:] > 0).all()
    assert logits.mean() == pytest.approx(0, abs=1e-2)
    assert head.loss == pytest.approx(np.logaddexp(0, -np.abs(logits)).mean(), rel=1e-3)


def test_a_clip_of_weight_zero_decides_nothing() -> None:
    sane = features([0, 1, 5, 6], [0, 1, 2, 3], [0, 0, 1, 1])
    three = replace(
        sane,
        served=np.array([[0], [1], [5], [6], [1e6]], np.float32),
        windows=np.zeros((5, 3)),
        bounds=np.array([0, 2, 4, 5]),
        labelled=np.arange(5),
        clips=np.array([0, 0, 1, 1, 2]),
    )

    usual = linear.fit(sane, np.array([0, 1]), np.array([0, 1]), np.ones(2), penalty=1)
    without = linear.fit(
        three, np.arange(3), np.array([0, 1, 0]), np.array([1.0, 1.0, 0.0]), penalty=1
    )

    assert without.kernel == pytest.approx(usual.kernel)
    assert without.bias == pytest.approx(usual.bias)
    assert without.loss == pytest.approx(usual.loss)


@pytest.mark.keras
def test_people_whom_it_has_not_seen_are_told_apart_by_what_they_do(weights: Path) -> None:
    trainer = Trainer(RECIPE, [moving(entry) for entry in people(4)], backbone_weights=weights)

    measured = experiments.measure(trainer, Plan(folds=2))

    assert measured.metrics["auc"].value == 1
    assert measured.calibration.temperature == 1


@pytest.mark.long
@pytest.mark.keras
def test_changed_pictures_of_unseen_people_are_scored(weights: Path) -> None:
    trainer = Trainer(RECIPE, [moving(entry) for entry in people(4)], backbone_weights=weights)

    results = {each.version: each for each in experiments.measure_shortcuts(trainer, Plan(folds=2))}

    assert results.keys() == set(Version)
    assert results[Version.ORIGINAL].auc.value == 1
    assert results[Version.STILL].auc.value == 1  # they are bright or dark, and don't move


@pytest.mark.long
@pytest.mark.keras
def test_a_clip_scores_as_its_windows_do(weights: Path, tmp_path: Path) -> None:
    clips = [moving(entry) for entry in people(2)]
    trainer = Trainer(RECIPE, clips, backbone_weights=weights, cache=Cache(tmp_path / "cache"))

    network, history = trainer.fit(np.arange(8), np.empty(0, np.intp))

    windows = network.predict(clips[0].inputs, verbose=0)[:, 0]
    expected = max(windows[:2].mean(), windows[2:].mean())
    assert trainer.scores(network, np.array([0]))[0] == pytest.approx(expected, rel=1e-3)
    assert len(history.epochs) == 1
    trained = Trained(recipe=RECIPE, entries=trainer.entries, network=network, history=history)
    bundle.write_card(tmp_path, CARD)
    old = old_footage.read(
        tmp_path, experiments.keep_old_footage(tmp_path, trainer, trained, measured=None)
    )
    assert old is not None
    seen = network.get_layer("backbone").predict(clips[0].inputs[:2], verbose=0)  # no bystanders
    # Half precision has but few digits of what is smaller than 6e-5.
    assert old.features[0] == pytest.approx(seen.mean(axis=0), rel=1e-2, abs=1e-6)
    assert not old.is_measured
    again = Trainer(RECIPE, clips, backbone_weights=weights, cache=Cache(tmp_path / "cache"))
    same, _ = again.fit(np.arange(8), np.empty(0, np.intp))
    np.testing.assert_array_equal(same.get_weights()[-2], network.get_weights()[-2])


@pytest.mark.keras
def test_it_is_not_fine_tuned(weights: Path) -> None:
    recipe = replace(RECIPE, settings=replace(SETTINGS, fine_tune=1))

    with pytest.raises(RecipeError, match="i3d_person is not fine-tuned"):
        recipe.check(weights)
