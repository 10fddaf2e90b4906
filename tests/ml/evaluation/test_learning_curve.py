"""A learning curve: so many people are trained on, and never the one who is scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.makers.datasets import entry, footage, people
from tests.ml.conftest import TINY
from video_classifier.ml.contracts import Floats
from video_classifier.ml.data.splits import Fold, TooFewGroupsError
from video_classifier.ml.evaluation import learning_curve, unseen
from video_classifier.ml.training.history import History
from video_classifier.ml.training.recipe import Recipe
from video_classifier.ml.training.trainer import Trainer
from video_classifier.ml.watch import UNWATCHED, Watch

STREET = [
    entry(number, shoplifter=False, group=f"street {number}", source="street")
    for number in range(90, 93)
]


class Brightness(Trainer):
    """Scores clips by how bright they are, and keeps the folds that it was asked for."""

    def __init__(self) -> None:
        recipe = Recipe(network="conv3d", spec=TINY)
        super().__init__(recipe, footage([*people(5), *STREET]))
        self.folds: list[Fold] = []

    def prepare(self, watch: Watch = UNWATCHED) -> None:
        pass

    def out_of_fold_scores(
        self, fold: Fold, *, watch: Watch = UNWATCHED
    ) -> tuple[Floats, History | None]:
        self.folds.append(fold)
        return np.array([self.footage[row].inputs.mean() / 255 for row in fold.test]), None


def test_so_many_people_are_trained_on_and_never_the_one_who_is_scored() -> None:
    trainer = Brightness()

    points = learning_curve.measure(trainer, [2, 4], draws=2)

    assert [(point.people, point.auc) for point in points] == [(2, 1), (2, 1), (4, 1), (4, 1)]
    drawn = []
    for fold in trainer.folds:
        groups = {trainer.entries[row].group for row in (*fold.train, *fold.validation)}
        (scored,) = {trainer.entries[row].group for row in fold.test}
        assert scored not in groups
        assert {one.group for one in STREET} <= groups
        drawn.append(len(groups) - len(STREET))
    assert drawn == [2] * 10 + [4] * 10


def test_other_people_are_drawn_each_time() -> None:
    trainer = Brightness()

    learning_curve.measure(trainer, [2], draws=2)

    rows = [fold.train.tolist() + fold.validation.tolist() for fold in trainer.folds]
    assert rows[:5] != rows[5:]


def test_more_people_than_there_are_others_are_refused() -> None:
    with pytest.raises(TooFewGroupsError, match="Of 5 people one is left out: at most 4"):
        learning_curve.measure(Brightness(), [5], draws=1)


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    points = learning_curve.measure(Brightness(), [2], draws=2)

    learning_curve.write(tmp_path / "curve.csv", points)

    assert unseen.read_curve(tmp_path / "curve.csv") == points
