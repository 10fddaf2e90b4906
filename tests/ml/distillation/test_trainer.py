"""A network learns from a teacher where persons are, from scenes that stay apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from video_classifier.ml.contracts import Floats32, Image
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.distillation import export, scenes
from video_classifier.ml.persons import boxes, tflite
from video_classifier.ml.persons.detector_card import DetectorCard
from video_classifier.ml.watch import UNWATCHED, Unwatched, Watch

if TYPE_CHECKING:
    import keras


class Painter:
    """Takes whatever is red for a person, cell by cell."""

    input_size = (64, 64)

    def candidates(self, picture: Image) -> tuple[Floats32, Floats32]:
        corners, strides = boxes.cells(64, 64)
        places = np.concatenate((corners, corners + strides), axis=1)
        middles = (corners + strides / 2).astype(int)
        red = picture[middles[:, 1], middles[:, 0]].astype(int)
        return places, (red[:, 0] > red[:, 1] + 60).astype(np.float32)


def make_student() -> keras.Model:
    """Answers in the real network's grids, out of two convolutions: it trains in no time.

    As in the real one, some of it is frozen and some of it keeps statistics.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)

    pictures = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(pictures)
    x = layers.Conv2D(8, 8, strides=8, trainable=False)(x)
    x = layers.BatchNormalization()(x)
    pooled = [layers.AveragePooling2D(stride // 8)(x) for stride in boxes.STRIDES]
    head = layers.Conv2D(5, 1)
    return keras.Model(pictures, [head(grid) for grid in pooled])


def table(folder: Path, *rows: str) -> Path:
    path = folder / "clips.csv"
    path.write_text("\n".join(("path,scene,take", *rows)) + "\n")
    return path


def test_clips_come_scene_by_scene_labelled_or_not(tmp_path: Path) -> None:
    path = table(tmp_path, "a.mp4,shop,1", "b.mp4,shop,2", "c.mp4,street,3")

    assert scenes.clips_by_scene(path) == {"shop": ["a.mp4", "b.mp4"], "street": ["c.mp4"]}


def test_a_recording_in_two_scenes_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, "a.mp4,shop,1", "b.mp4,street,1")

    with pytest.raises(ManifestError, match="more than one scene: 1"):
        scenes.clips_by_scene(path)


@pytest.mark.parametrize("text", ["", "path,label\na.mp4,x\n"])
def test_a_table_without_scenes_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(text)

    with pytest.raises(ManifestError, match="columns path and scene"):
        scenes.clips_by_scene(path)


def test_no_scene_is_in_two_splits_and_the_largest_is_trained_on() -> None:
    by_scene = {f"scene {number}": ["clip"] for number in range(40)} | {"lab": ["clip"] * 99}

    parts = scenes.split(by_scene, seed=0)

    assert sorted((*parts.train, *parts.validation, *parts.test)) == sorted(by_scene)
    assert "lab" in parts.train
    assert (len(parts.test), len(parts.validation)) == (8, 4)
    assert parts == scenes.split(by_scene, seed=0)
    assert parts != scenes.split(by_scene, seed=1)


@pytest.mark.keras
def test_targets_are_for_the_very_view_that_the_student_gets() -> None:
    from video_classifier.ml.distillation import batches, trainer

    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, 20:40, 0] = 255
    stage = replace(trainer.STAGES[0], size=32, mosaics=0.5, letterboxed=0.5)
    pictured = [batches.Scene(name="red", pictures=[picture])]

    views, targets = batches.DistillationBatches(pictured, Painter(), stage, steps=1, seed=0)[0]

    sure = targets[..., 4] > 0.5
    assert views.shape == (batches.BATCH, 32, 32, 3)
    assert targets.shape == (batches.BATCH, 4 * 4 + 2 * 2 + 1, 5)
    assert sure.any()
    assert not sure.all()
    for view, answer in zip(views, targets, strict=True):
        for left, top, right, bottom, _ in answer[answer[:, 4] > 0.5]:
            under = view[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
            assert under[..., 0].max() > under[..., 1].min()


@pytest.mark.keras
@pytest.mark.parametrize("blended", [1.0, 0.0])
def test_views_may_be_blended(blended: float) -> None:
    from video_classifier.ml.distillation import batches, trainer

    red, green = np.zeros((2, 64, 64, 3), np.uint8)
    red[..., 0] = green[..., 1] = 255
    pictured = [
        batches.Scene(name="red", pictures=[red]),
        batches.Scene(name="g", pictures=[green]),
    ]
    stage = replace(trainer.STAGES[0], size=32, mosaics=0.0, letterboxed=1.0, blended=blended)

    views, _ = batches.DistillationBatches(pictured, Painter(), stage, steps=1, seed=0)[0]

    yellow = (views[..., :2] > 60).all(axis=-1) & (views[..., 2] < 40)
    assert yellow.any() == bool(blended)


@pytest.mark.keras
def test_every_epoch_shows_other_views_and_the_same_ones_next_time() -> None:
    from video_classifier.ml.distillation import batches, trainer

    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    stage = replace(trainer.STAGES[0], size=32)
    pictured = [batches.Scene(name="noise", pictures=[noise])]
    made = [
        batches.DistillationBatches(pictured, Painter(), stage, steps=2, seed=0) for _ in range(2)
    ]

    first, again = (each[0][0] for each in made)
    made[0].epoch = 1

    np.testing.assert_array_equal(first, again)
    assert (made[0][0][0] != first).any()


@pytest.mark.keras
def test_the_loss_falls_the_nearer_a_box_and_a_score_are() -> None:
    from video_classifier.ml.distillation import loss

    corners, strides = boxes.cells(32, 32)
    targets = np.zeros((1, len(corners), 5), np.float32)
    targets[0, 5] = 8, 8, 24, 32, 1.0
    outputs = np.zeros((1, len(corners), 5), np.float32)
    outputs[..., 4] = -8
    center, size = np.array([16, 20]), np.array([16, 24])
    outputs[0, 5, :2] = (center - corners[5]) / strides[5]
    outputs[0, 5, 2:4] = np.log(size / strides[5])
    outputs[0, 5, 4] = 8
    shifted, unsure = outputs.copy(), outputs.copy()
    shifted[0, 5, 0] += 0.5
    unsure[0, 5, 4] = 0

    compute = loss.distillation_loss(32)

    exact = float(compute(targets, outputs))
    assert exact == pytest.approx(0, abs=1e-3)
    assert float(compute(targets, shifted)) > exact + 0.05
    assert float(compute(targets, unsure)) > exact + 0.05


@pytest.mark.keras
def test_the_real_network_has_the_grids_of_the_small_one() -> None:
    from video_classifier.ml.distillation import network

    picture = np.zeros((1, 64, 96, 3), np.float32)

    grids, same = network.build(None)(picture), make_student()(picture)

    assert [grid.shape for grid in grids] == [grid.shape for grid in same]


@pytest.mark.keras
def test_edges_and_statistics_stay_as_the_backbone_learned_them() -> None:
    from video_classifier.ml.distillation import network

    backbone = network.build(None).get_layer(index=2)

    names = {weight.path.split("/")[0] for weight in backbone.trainable_variables}
    assert "block_3_expand" in names
    assert not names & {"Conv1", "block_1_expand", "block_2_project"}
    assert not any(name.endswith("BN") for name in names)


@pytest.mark.keras
def test_training_learns_and_ends_alike_whether_or_not_it_was_interrupted(tmp_path: Path) -> None:
    from video_classifier.ml.distillation import batches, trainer

    picture = np.full((48, 64, 3), 90, np.uint8)
    picture[10:40, 20:34] = 220, 40, 40
    pictured = [batches.Scene(name="red", pictures=[picture])]
    quick = {"size": 64, "epochs": 2, "warmup": 1, "learning_rate": 0.1, "ema_momentum": 0.5}
    stage = replace(trainer.STAGES[0], **quick)  # type: ignore[arg-type]

    class Losses(Unwatched):
        def __init__(self, losses: list[float], *, stop_after: int | None = None) -> None:
            self.losses = losses
            self.stop_after = stop_after

        def report(self, result: object) -> None:
            assert isinstance(result, trainer.StageEpoch)
            self.losses.append(result.loss)
            if len(self.losses) == self.stop_after:
                raise KeyboardInterrupt

    losses: list[float] = []

    def train(work: str, watch: Watch = UNWATCHED) -> list[Floats32]:
        student = make_student()
        settings = trainer.DistillationSettings(
            work=tmp_path / work, stages=(stage, stage), steps=3
        )
        trainer.train(student, pictured, Painter(), settings, watch=watch)
        weights: list[Floats32] = student.get_weights()
        return weights

    at_once = train("at once")
    with pytest.raises(KeyboardInterrupt):
        train("in parts", Losses(losses, stop_after=3))
    in_parts = train("in parts", Losses(losses))

    assert len(losses) == 4  # nothing is trained twice
    assert losses[-1] < 0.7 * losses[0]
    for one, other in zip(at_once, in_parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)  # threads add in any order


@pytest.mark.keras
def test_a_resumed_training_shows_the_views_of_its_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from video_classifier.ml.distillation import batches, trainer

    shown: set[int] = set()
    view = batches.DistillationBatches.__getitem__

    def noted(made: batches.DistillationBatches, number: int) -> tuple[Image, Floats32]:
        shown.add(made.epoch)
        return view(made, number)

    class Interrupting(Unwatched):
        def report(self, result: object) -> None:
            assert isinstance(result, trainer.StageEpoch)
            if result.number == 2:
                raise KeyboardInterrupt

    stage = replace(trainer.STAGES[0], size=64, epochs=3, warmup=1)
    settings = trainer.DistillationSettings(work=tmp_path, stages=(stage,), steps=1)
    pictured = [batches.Scene(name="gray", pictures=[np.full((48, 64, 3), 90, np.uint8)])]
    with pytest.raises(KeyboardInterrupt):
        trainer.train(make_student(), pictured, Painter(), settings, watch=Interrupting())
    monkeypatch.setattr(batches.DistillationBatches, "__getitem__", noted)
    trainer.train(make_student(), pictured, Painter(), settings)

    assert 2 in shown
    assert 1 not in shown


@pytest.mark.keras
def test_runs_of_a_stage_begin_alike_and_are_averaged(tmp_path: Path) -> None:
    from video_classifier.ml.distillation import batches, trainer

    quick = {"size": 64, "epochs": 1, "warmup": 1, "learning_rate": 0.1, "ema_momentum": 0.5}
    stage = replace(trainer.STAGES[0], **quick, runs=2)  # type: ignore[arg-type]
    settings = trainer.DistillationSettings(work=tmp_path / "both", stages=(stage,), steps=2)
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    pictured = [batches.Scene(name="noise", pictures=[noise])]
    student, alone = make_student(), make_student()

    trainer.train(student, pictured, Painter(), settings)

    ends = []
    for run in range(2):
        other = make_student()
        other.load_weights(settings.work / f"stage-0-{run}.weights.h5")
        ends.append(other.get_weights())
    assert any((one != two).any() for one, two in zip(*ends, strict=True))
    for now, alike in zip(student.get_weights(), zip(*ends, strict=True), strict=True):
        np.testing.assert_allclose(now, np.mean(alike, axis=0), rtol=1e-6)
    second = replace(settings, work=tmp_path / "alone", stages=(replace(stage, runs=1),), seed=10)
    trainer.train(alone, pictured, Painter(), second)
    for one, two in zip(ends[1], alone.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


@pytest.mark.keras
def test_what_was_converted_says_what_the_network_says(tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    student = make_student()
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    card = DetectorCard(parameters=1, threshold=0.5, created="2026-01-01")

    export.write(tmp_path, export.convert(student, height=64, width=96), card)
    outputs = tflite.read(tmp_path).run(picture)

    grids = student(picture[np.newaxis].astype(np.float32), training=False)
    expected = np.concatenate([np.asarray(grid).reshape(-1, 5) for grid in grids])
    assert tflite.read(tmp_path).input_size == (64, 96)
    np.testing.assert_allclose(outputs, expected, atol=0.02)
    assert json.loads((tmp_path / "detector.json").read_text())["sha256"]
