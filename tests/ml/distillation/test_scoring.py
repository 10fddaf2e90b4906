"""A detector is judged by what it finds, what it misses and what it makes up."""

from __future__ import annotations

import numpy as np
import pytest

from video_classifier.ml.distillation import scoring
from video_classifier.ml.distillation.scoring import Curve, Truth
from video_classifier.ml.persons.detector import Detections

HERE = [0.1, 0.1, 0.3, 0.5]
NEARLY_HERE = [0.1, 0.1, 0.3, 0.45]
THERE = [0.6, 0.1, 0.8, 0.5]
ELSEWHERE = [0.4, 0.6, 0.5, 0.9]


def found(*rated: tuple[float, list[float]]) -> Detections:
    return Detections(
        boxes=np.array([box for _, box in rated], np.float32).reshape(-1, 4),
        scores=np.array([score for score, _ in rated], np.float32),
    )


def truth(*boxes: list[float], ignored: tuple[list[float], ...] = ()) -> Truth:
    return Truth(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        ignored=np.array(ignored, np.float32).reshape(-1, 4),
    )


def curve(detections: Detections, expected: Truth) -> Curve:
    return scoring.curve([detections], [expected])


def test_all_found_and_nothing_else_is_perfect() -> None:
    assert curve(found((0.9, HERE), (0.8, THERE)), truth(HERE, THERE)).average_precision == 1


def test_nothing_found_is_zero() -> None:
    assert curve(found(), truth(HERE)).average_precision == 0


def test_a_person_is_found_once() -> None:
    judged = curve(found((0.9, HERE), (0.8, NEARLY_HERE)), truth(HERE, THERE))

    assert judged.precision.tolist() == [1, 0.5]
    assert judged.recall.tolist() == [0.5, 0.5]


def test_a_false_alarm_costs_less_the_fainter_it_is() -> None:
    early = curve(found((0.9, ELSEWHERE), (0.8, HERE)), truth(HERE))
    late = curve(found((0.9, HERE), (0.8, ELSEWHERE)), truth(HERE))

    assert early.average_precision == 0.5
    assert late.average_precision == 1


def test_who_is_ignored_is_neither_a_hit_nor_a_false_alarm() -> None:
    judged = curve(found((0.9, THERE), (0.8, HERE)), truth(HERE, ignored=(THERE,)))

    assert judged.average_precision == 1
    assert len(judged.scores) == 1


def test_recall_where_so_many_are_right() -> None:
    judged = curve(found((0.9, HERE), (0.8, ELSEWHERE), (0.7, THERE)), truth(HERE, THERE))

    assert judged.recall_at(0.9) == 0.5
    assert judged.recall_at(0.6) == 1
    assert judged.at(0.85) == (1, 0.5)
    assert judged.at(0.95) == (1, 0)


def test_the_best_threshold_balances() -> None:
    judged = curve(found((0.9, HERE), (0.7, THERE), (0.2, ELSEWHERE)), truth(HERE, THERE))

    assert judged.best_threshold == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("score", "high", "expected"),
    [(0.6, 0.5, (1, 0)), (0.4, 0.5, (0, 1)), (0.6, 0.1, (0, 1)), (0.2, 0.5, (0, 0))],
)
def test_a_teacher_is_believed_if_it_is_sure_of_somebody_tall(
    score: float, high: float, expected: tuple[int, int]
) -> None:
    said = scoring.truth(found((score, [0.1, 0.1, 0.2, 0.1 + high])), height=100)

    assert (len(said.boxes), len(said.ignored)) == expected
