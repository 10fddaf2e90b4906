"""What several detectors see becomes one opinion, and is asked for once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from video_classifier.ml.contracts import Image
from video_classifier.ml.distillation import teachers
from video_classifier.ml.distillation.scenes import Pictures
from video_classifier.ml.distillation.teachers import Committee, Mirrored
from video_classifier.ml.persons.detector import Detections

HERE = [0.1, 0.1, 0.3, 0.5]
NEARLY_HERE = [0.1, 0.1, 0.3, 0.54]
THERE = [0.6, 0.1, 0.8, 0.5]


def found(*rated: tuple[float, list[float]]) -> Detections:
    return Detections(
        boxes=np.array([box for _, box in rated], np.float32).reshape(-1, 4),
        scores=np.array([score for score, _ in rated], np.float32),
    )


class Sure:
    """Sees the same people in every picture."""

    threshold = 0.5
    input_size = (64, 64)

    def __init__(self, seen: Detections, sha256: str = "a") -> None:
        self.seen = seen
        self.sha256 = sha256
        self.asked = 0

    def detect(self, _: Image) -> Detections:
        self.asked += 1
        return self.seen


def clip(*, pictures: int = 2, name: str = "shop/a.mp4") -> Pictures:
    images = np.zeros((pictures, 6, 8, 3), np.uint8)
    return Pictures(clip=name, images=images, times=tuple(range(pictures)), source_height=480)


def test_who_is_seen_twice_is_one_person_between_both_boxes() -> None:
    fused = teachers.fused([found((0.9, HERE)), found((0.3, NEARLY_HERE))])

    assert fused.boxes == pytest.approx(np.array([[0.1, 0.1, 0.3, 0.51]]))
    assert fused.scores == pytest.approx([0.6])


def test_whom_one_overlooks_is_less_certain_and_comes_later() -> None:
    fused = teachers.fused([found((0.9, THERE), (0.8, HERE)), found((0.7, HERE))])

    assert fused.boxes == pytest.approx(np.array([HERE, THERE]))
    assert fused.scores == pytest.approx([0.75, 0.45])


def test_two_boxes_of_one_detector_count_once() -> None:
    fused = teachers.fused([found((0.9, HERE), (0.5, NEARLY_HERE)), found()])

    assert fused.scores == pytest.approx([0.45])


def test_nobody_is_nobody() -> None:
    fused = teachers.fused([found(), found()])

    assert fused.boxes.shape == (0, 4)
    assert fused.scores.shape == (0,)


def test_a_mirrored_opinion_is_where_the_person_is() -> None:
    seen = Mirrored(Sure(found((0.9, HERE)))).detect(np.zeros((6, 8, 3), np.uint8))

    assert seen.boxes == pytest.approx(np.array([[0.7, 0.1, 0.9, 0.5]]))


def test_labels_are_kept(tmp_path: Path) -> None:
    teacher = Sure(found((0.9, HERE), (0.4, THERE)))

    first = teachers.label([clip()], Committee([teacher]), tmp_path)
    again = teachers.label([clip()], Committee([teacher]), tmp_path)

    assert teacher.asked == 2
    assert [len(people.scores) for people in again[0].people] == [2, 2]
    for one, other in zip(first[0].people, again[0].people, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)


def test_other_teachers_and_other_pictures_are_labelled_anew(tmp_path: Path) -> None:
    teacher, other = Sure(found((0.9, HERE))), Sure(found(), sha256="b")
    teachers.label([clip()], Committee([teacher]), tmp_path)

    assert len(teachers.label([clip(pictures=3)], Committee([teacher]), tmp_path)[0].people) == 3
    changed = teachers.label([clip()], Committee([other]), tmp_path)
    assert [len(people.scores) for people in changed[0].people] == [0, 0]


def test_whom_the_teachers_doubt_is_neither_a_hit_nor_a_false_alarm(tmp_path: Path) -> None:
    unsure = Sure(found((0.5, HERE), (0.25, THERE), (0.1, [0.4, 0.4, 0.5, 0.9])))

    truth, _ = teachers.truths(teachers.label([clip()], Committee([unsure]), tmp_path))

    assert truth.boxes == pytest.approx(np.array([HERE]))
    assert truth.ignored == pytest.approx(np.array([THERE]))
