"""From footage to a model's folder, and from its card back to the recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.makers import videos
from tests.makers.datasets import footage, people
from tests.ml.conftest import TINY
from video_classifier.ml import experiments
from video_classifier.ml.audit import leaks
from video_classifier.ml.audit.leaks import Audit
from video_classifier.ml.data.footage import Footage
from video_classifier.ml.data.splits import SplitBy
from video_classifier.ml.evaluation import score_table, unseen
from video_classifier.ml.evaluation.cross_validation import FoldScored
from video_classifier.ml.experiments import Plan, Provenance
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.engine import ExportEngine
from video_classifier.ml.training import export
from video_classifier.ml.training.recipe import Recipe
from video_classifier.ml.training.settings import StopBy, TrainingSettings
from video_classifier.ml.training.trainer import Trainer
from video_classifier.ml.watch import Unwatched

pytestmark = pytest.mark.keras

SETTINGS = TrainingSettings(epochs=6, learning_rate=0.01, batch_size=4, stop_by=StopBy.EPOCHS)
RECIPE = Recipe(network="conv3d", spec=TINY, settings=SETTINGS)
PLAN = Plan(folds=2, false_alarms=0.2)


class Kept(Unwatched):
    """Keeps the folds that were reported, and the warnings."""

    def __init__(self) -> None:
        self.scored: list[FoldScored] = []
        self.warnings: list[str] = []

    def warn(self, sentence: str) -> None:
        self.warnings.append(sentence)

    def report(self, result: object) -> None:
        if isinstance(result, FoldScored):
            self.scored.append(result)


def clips_in(file: Path) -> list[Footage]:
    """Footage whose files are there: a card has their hashes."""
    return [replace(clip, entry=replace(clip.entry, path=file)) for clip in footage(people(4))]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "clips.csv").write_text("path,label\n")
    return tmp_path / "clips.csv"


@pytest.fixture
def trainer() -> Trainer:
    return Trainer(RECIPE, footage(people(4)))


def test_a_recipe_is_measured_on_people_whom_its_networks_have_not_seen(trainer: Trainer) -> None:
    watch = Kept()

    measured = experiments.measure(trainer, PLAN, watch=watch)

    assert [(fold.number, fold.folds) for fold in watch.scored] == [(1, 2), (2, 2)]
    assert measured.metrics["auc"].value == 1
    assert measured.calibration.threshold == measured.out_of_fold.calibration.threshold


def test_pieces_of_a_recording_are_measured_by_recording_too(tmp_path: Path, table: Path) -> None:
    clips = [
        replace(clip, entry=replace(clip.entry, take=f"{clip.entry.group} {clip.entry.label}"))
        for clip in clips_in(table)
    ]
    trainer = Trainer(RECIPE, clips)
    measured = experiments.measure(trainer, PLAN)

    card = experiments.publish(
        tmp_path / "mine", experiments.train(trainer), Provenance(manifest=table), measured
    )

    assert card.metrics["recall_by_recording"].value == card.metrics["recall"].value
    assert unseen.HOW_BY_RECORDING in card.measured


@pytest.mark.parametrize(
    ("network", "given"),
    [("i3d_person", None), ("mobilenetv2_pool", "weights"), ("conv3d", None)],
)
def test_the_audit_looks_at_single_frames_with_weights_of_single_frames(
    network: str, given: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[object] = []
    usual = leaks.examine

    def examine(*clips: Any, backbone_weights: str | None, **how: Any) -> Audit:
        taken.append(backbone_weights)
        return usual(*clips, **how)

    monkeypatch.setattr(leaks, "examine", examine)
    recipe = replace(RECIPE, network=network)
    trainer = Trainer(
        recipe, clips_in(videos.write(tmp_path / "clip.mp4")), backbone_weights="weights"
    )

    experiments.audit(trainer)

    assert taken == [given]


def test_by_clip_everybody_is_a_group_of_their_own(trainer: Trainer) -> None:
    measured = experiments.measure(trainer, replace(PLAN, split=SplitBy.RANDOM))

    assert len({entry.group for entry in measured.entries}) == len(measured.entries)


def test_what_is_published_is_a_model_with_its_recipe_and_its_scores(
    table: Path, tmp_path: Path
) -> None:
    trainer = Trainer(RECIPE, clips_in(table))
    measured = experiments.measure(trainer, PLAN)

    card = experiments.publish(
        tmp_path / "mine",
        experiments.train(trainer),
        Provenance(manifest=table, left_out=1),
        measured,
    )

    assert bundle.check(tmp_path / "mine") == card
    assert Recipe.of(card) == RECIPE
    assert card.threshold == measured.calibration.threshold
    assert "found in 1 of the clips" in card.measured
    (read,) = score_table.read(tmp_path / "mine" / "unseen.csv")
    assert [entry.name for entry in read.entries] == [entry.name for entry in people(4)]
    assert read.scores == pytest.approx(measured.out_of_fold.scores, abs=1e-4)


def test_what_is_published_is_served_without_tensorflow(table: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, network="cnn_lstm", settings=replace(SETTINGS, epochs=1))
    clips, watch = clips_in(table), Kept()
    trained = experiments.train(Trainer(recipe, clips))

    card = experiments.publish(
        tmp_path / "mine",
        trained,
        Provenance(manifest=table),
        windows=[clip.inputs[0] for clip in clips],
        watch=watch,
    )

    assert isinstance(bundle.load(tmp_path / "mine")[0], ExportEngine)
    assert bundle.check(tmp_path / "mine") == card
    assert watch.warnings == []


def test_a_network_that_can_not_be_exported_is_served_by_keras(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_DIFFERENCE", 0.0)
    trained, watch = experiments.train(Trainer(RECIPE, clips_in(table))), Kept()

    card = experiments.publish(tmp_path / "mine", trained, Provenance(manifest=table), watch=watch)

    assert card.serving is None
    (warning,) = watch.warnings
    assert warning.startswith("The model “mine” isn't exported: in OpenVINO its scores differ by")
    assert warning.endswith("Keras serves it.")


def test_a_model_that_was_not_measured_says_so(table: Path, tmp_path: Path) -> None:
    trained = experiments.train(Trainer(RECIPE, clips_in(table)))

    card = experiments.publish(
        tmp_path / "mine", trained, Provenance(manifest=table), threshold=0.3
    )

    assert card.threshold == 0.3
    assert not card.metrics
    assert "Not measured" in card.measured
    assert "not chosen on any clips" in card.measured
