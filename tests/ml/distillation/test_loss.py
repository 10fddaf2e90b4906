"""The loss asks for a score and a box in the cells that fit a person best."""

from __future__ import annotations

import numpy as np
import pytest

from video_classifier.ml.contracts import Floats32
from video_classifier.ml.persons import boxes
from video_classifier.ml.persons.layouts import BINS

pytestmark = pytest.mark.keras

HEIGHT, WIDTH = 64, 96
PERSON = (20.0, 12.0, 36.0, 44.0)
ARRAY = np.array(PERSON, np.float32)


def targets(*people: tuple[tuple[float, ...], float]) -> Floats32:
    made = np.zeros((1, 4, 5), np.float32)
    for row, (box, score) in enumerate(people):
        made[0, row] = *box, score
    return made


def outputs(logit: float, *, shift: float = 0.0) -> Floats32:
    """Every small cell within PERSON says where that is, `shift` pixels off to the right."""
    corners, strides = boxes.cells(HEIGHT, WIDTH, boxes.FOUR_STRIDES)
    left, top, right, bottom = PERSON
    x, y = corners.T
    sides = np.stack((x - left - shift, y - top, right + shift - x, bottom - y), axis=1) / strides
    bins = -12 * np.abs(np.clip(sides, 0, BINS - 1)[..., None] - np.arange(BINS))
    inside = (x > left) & (x < right) & (y > top) & (y < bottom)
    logits = np.where(inside & (strides[:, 0] == boxes.STRIDES[0]), logit, -12)
    return np.concatenate((logits[:, None], bins.reshape(len(x), -1)), axis=1)[None].astype(
        np.float32
    )


def loss(expected: Floats32, said: Floats32) -> float:
    from video_classifier.ml.distillation.loss import distillation_loss

    return float(distillation_loss(HEIGHT, WIDTH)(expected, said))


def test_the_nearer_a_score_and_a_box_are_the_smaller_is_the_loss() -> None:
    somebody = targets((PERSON, 0.9))

    near = loss(somebody, outputs(2.2))

    assert loss(somebody, outputs(-2.0)) > near + 0.05
    assert loss(somebody, outputs(2.2, shift=8)) > near + 0.05


def test_where_nobody_is_a_score_is_wrong_and_boxes_do_not_matter() -> None:
    nobody = targets()

    assert loss(nobody, outputs(-12)) == pytest.approx(0, abs=1e-3)
    assert loss(nobody, outputs(3)) > 1
    assert loss(nobody, outputs(-12, shift=8)) == pytest.approx(0, abs=1e-3)


def test_the_best_cell_is_to_score_as_the_teachers_did_and_none_beyond_the_box() -> None:
    from video_classifier.ml.distillation import loss as losses

    corners, _ = boxes.cells(HEIGHT, WIDTH, boxes.FOUR_STRIDES)
    predicted = np.tile(np.array(PERSON, np.float32), (1, len(corners), 1))
    predicted[0, ::2] += (6, 0, 6, 0)
    logits = np.linspace(0, 1, len(corners), dtype=np.float32)[None]  # no two cells alike

    cells = losses._assigned(targets((PERSON, 0.7)), logits, predicted, corners)

    scores = np.asarray(cells.scores)[0]
    assert scores.max() == pytest.approx(0.7, abs=1e-4)
    assert 1 <= (scores > 0).sum() <= losses.CANDIDATES
    for x, y in corners[scores > 0]:
        assert PERSON[0] < x < PERSON[2]
        assert PERSON[1] < y < PERSON[3]
    np.testing.assert_array_equal(
        np.asarray(cells.boxes)[0][scores > 0], np.tile(ARRAY, ((scores > 0).sum(), 1))
    )


def test_a_cell_belongs_to_one_of_two_people() -> None:
    from video_classifier.ml.distillation import loss as losses

    beside = (28.0, 12.0, 52.0, 44.0)
    corners, _ = boxes.cells(HEIGHT, WIDTH, boxes.FOUR_STRIDES)
    is_left = corners[:, :1] < 32
    predicted = np.where(is_left, ARRAY, np.array(beside, np.float32))[None]
    logits = np.zeros((1, len(corners)), np.float32)

    cells = losses._assigned(targets((PERSON, 0.9), (beside, 0.4)), logits, predicted, corners)

    scores, whose = np.asarray(cells.scores)[0], np.asarray(cells.boxes)[0]
    assert scores[is_left[:, 0]].max() == pytest.approx(0.9, abs=1e-4)
    assert scores[~is_left[:, 0]].max() == pytest.approx(0.4, abs=1e-4)
    assert {tuple(box) for box in whose[scores > 0]} == {PERSON, beside}
    assert scores.max() <= 0.9 + 1e-4
