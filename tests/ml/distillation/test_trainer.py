"""A network is fine-tuned on what its teachers see, and an interrupted training goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.ml.distillation.test_batches import BOX, labelled, red
from video_classifier.ml.contracts import Floats32, Image
from video_classifier.ml.distillation import export
from video_classifier.ml.persons import boxes, tflite
from video_classifier.ml.persons.detector_card import DetectorCard
from video_classifier.ml.persons.layouts import BINS, NANODET
from video_classifier.ml.watch import UNWATCHED, Unwatched, Watch

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.keras

HEIGHT, WIDTH = 64, 128


def make_student() -> keras.Model:
    """Answers in the real network's grids, out of two convolutions: it trains in no time.

    As in the real one, some of it is frozen.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    pictures = keras.Input((HEIGHT, WIDTH, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(pictures)
    x = layers.Conv2D(8, 8, strides=8, trainable=False)(x)
    pooled = [layers.AveragePooling2D(stride // 8)(x) for stride in boxes.FOUR_STRIDES]
    head = layers.Conv2D(1 + 4 * BINS, 1)
    return keras.Model(pictures, [head(grid) for grid in pooled])


class Losses(Unwatched):
    def __init__(self, losses: list[float], *, stop_after: int | None = None) -> None:
        self.losses = losses
        self.stop_after = stop_after

    def report(self, result: object) -> None:
        from video_classifier.ml.distillation import trainer

        assert isinstance(result, trainer.TrainingEpoch)
        self.losses.append(result.loss)
        if len(self.losses) == self.stop_after:
            raise KeyboardInterrupt


def train(work: Path, watch: Watch = UNWATCHED, *, epochs: int = 3) -> list[Floats32]:
    from video_classifier.ml.distillation import trainer

    student = make_student()
    settings = trainer.DistillationSettings(
        work=work, epochs=epochs, steps=3, warmup=1, learning_rate=0.05, ema_momentum=0.5
    )
    trainer.train(student, [[labelled(red(), BOX)]], settings, watch=watch)
    weights: list[Floats32] = student.get_weights()
    return weights


@pytest.mark.long
def test_training_learns_and_ends_alike_whether_or_not_it_was_interrupted(tmp_path: Path) -> None:
    losses: list[float] = []

    at_once = train(tmp_path / "at once")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "in parts", Losses(losses, stop_after=2))
    in_parts = train(tmp_path / "in parts", Losses(losses))

    assert len(losses) == 3  # nothing is trained twice
    assert losses[-1] < 0.9 * losses[0]
    for one, other in zip(at_once, in_parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)  # threads add in any order


def test_what_is_trained_is_not_trained_again(tmp_path: Path) -> None:
    losses: list[float] = []
    first = train(tmp_path, epochs=1)

    again = train(tmp_path, Losses(losses), epochs=1)

    assert not losses
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_resumed_training_shows_the_views_of_its_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from video_classifier.ml.distillation import batches

    shown: set[int] = set()
    view = batches.DistillationBatches.__getitem__

    def noted(made: batches.DistillationBatches, number: int) -> tuple[Image, Floats32]:
        shown.add(made.epoch)
        return view(made, number)

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, Losses([], stop_after=2))
    monkeypatch.setattr(batches.DistillationBatches, "__getitem__", noted)
    train(tmp_path)

    assert 2 in shown
    assert 1 not in shown


def test_it_ends_with_the_epoch_in_which_the_time_is_over(tmp_path: Path) -> None:
    from video_classifier.ml.distillation import trainer

    losses: list[float] = []
    seconds = iter((0.0, 50.0, 70.0, 90.0))
    settings = trainer.DistillationSettings(work=tmp_path, epochs=4, steps=1, minutes=1)

    trainer.train(
        make_student(),
        [[labelled(red(), BOX)]],
        settings,
        watch=Losses(losses),
        clock=lambda: next(seconds),
    )

    assert len(losses) == 2


def test_what_was_converted_says_what_the_network_says(tmp_path: Path) -> None:
    student = make_student()
    picture = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    card = DetectorCard(parameters=1, threshold=0.5, created="2026-01-01")

    export.write(tmp_path, export.convert(student), card)
    detector = tflite.read(tmp_path)
    outputs = detector.run(picture)

    grids = student(picture[np.newaxis].astype(np.float32), training=False)
    expected = np.concatenate([np.asarray(grid).reshape(-1, 1 + 4 * BINS) for grid in grids])
    np.testing.assert_allclose(outputs[:, 0], boxes.sigmoid(expected[:, 0]), atol=0.01)
    np.testing.assert_allclose(outputs[:, 1:], expected[:, 1:], atol=0.02)
    assert detector.input_size == NANODET.fitting(HEIGHT, WIDTH)
    assert json.loads((tmp_path / "detector.json").read_text())["sha256"]
