"""Clips become rows of examples; the features of a frozen backbone are computed once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.makers.datasets import footage, people
from tests.ml.conftest import TINY
from video_classifier.ml.cache import Cache
from video_classifier.ml.data.augmentation import Augmentation
from video_classifier.ml.data.footage import Footage
from video_classifier.ml.training.examples import ClipExamples, FeatureExamples, extract_features


def test_rows_belong_to_clips() -> None:
    one, *others = footage(people(1)[:3])
    both_inputs = np.concatenate([one.inputs, others[0].inputs])
    crowded = Footage(entry=one.entry, inputs=both_inputs, frames=one.frames)

    examples = ClipExamples([crowded, *others], TINY, Augmentation(), seed=1)

    assert examples.bounds.tolist() == [0, 2, 3, 4]
    np.testing.assert_array_equal(examples.inference_inputs[1], others[0].inputs[0])
    np.testing.assert_array_equal(examples.inference_inputs[3], others[1].inputs[0])
    assert examples.augmented(0, np.arange(3)).shape == (3, *TINY.shape)


def test_people_who_share_the_label_take_turns() -> None:
    (clip,) = footage(people(1)[:1])
    black = np.zeros_like(clip.frames[0])
    crowded = replace(clip, frames=(*clip.frames, black))
    examples = ClipExamples([crowded], TINY, Augmentation(brightness=0, contrast=0), seed=1)

    shown = [examples.augmented(epoch, np.arange(1)).any() for epoch in range(20)]

    assert set(shown) == {True, False}


class Backbone:
    """Its feature is the mean of a picture; counts its batches."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor
        self.batches = 0
        self.input = np.empty((1, TINY.height, TINY.width, 3))

    def get_weights(self) -> list[Any]:
        return [np.array([self.factor])]

    def predict(self, pictures: Any, **_: object) -> Any:
        self.batches += 1
        return pictures.mean((1, 2)) * self.factor


def features(
    folder: Path, backbone: Backbone, *, seed: int = 1, augmentation: Augmentation | None = None
) -> FeatureExamples:
    clips = ClipExamples(footage(people(2)), TINY, augmentation or Augmentation(), seed=seed)
    return extract_features(clips, backbone, copies=3, cache=Cache(folder))


def test_a_second_run_needs_no_backbone(tmp_path: Path) -> None:
    rows = np.arange(3)
    cold = features(tmp_path, Backbone())
    backbone = Backbone()

    warm = features(tmp_path, backbone)

    assert backbone.batches == 0
    np.testing.assert_array_equal(warm.inference_inputs, cold.inference_inputs)
    for epoch in range(4):
        np.testing.assert_array_equal(warm.augmented(epoch, rows), cold.augmented(epoch, rows))


class WindowBackbone(Backbone):
    """Takes whole windows, and gives a grid of places."""

    def __init__(self) -> None:
        super().__init__()
        self.input = np.empty((1, *TINY.shape))

    def predict(self, pictures: Any, **how: object) -> Any:
        assert how["batch_size"] == 16  # as many frames as single ones would be
        return pictures[:, :2, ::16, ::16].astype(np.float64)


def test_a_backbone_may_take_whole_windows(tmp_path: Path) -> None:
    clips = ClipExamples(footage(people(2)), TINY, Augmentation(), seed=1)

    found = features(tmp_path, WindowBackbone())

    np.testing.assert_array_equal(found.inference_inputs, clips.inference_inputs[:, :2, ::16, ::16])
    assert found.augmented(0, np.arange(3)).shape == (3, 2, 2, 2, 3)
    assert found.inference_inputs.dtype == np.float32


def test_augmented_copies_differ_from_epoch_to_epoch(tmp_path: Path) -> None:
    found = features(tmp_path, Backbone())

    assert not np.array_equal(found.augmented(0, np.arange(3)), found.augmented(1, np.arange(3)))


def test_what_changes_the_features_makes_them_again(tmp_path: Path) -> None:
    features(tmp_path, Backbone())
    other_weights, other_seed, other_crops = Backbone(2.0), Backbone(), Backbone()

    features(tmp_path, other_weights)
    features(tmp_path, other_seed, seed=2)
    features(tmp_path, other_crops, augmentation=Augmentation(smallest_crop=0.5))

    assert [one.batches for one in (other_weights, other_seed, other_crops)] == [4, 4, 4]
