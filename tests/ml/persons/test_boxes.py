"""Boxes of one person become one, and pictures keep their shape."""

from __future__ import annotations

import numpy as np
import pytest

from video_classifier.ml.persons import boxes

VOTE = boxes.Suppression(iou=0.5, voting_iou=0.5)


def test_iou_is_shared_area_over_all_area() -> None:
    one = np.array([[0, 0, 2, 2], [0, 0, 1, 1]], np.float32)
    other = np.array([[1, 1, 3, 3], [5, 5, 6, 6]], np.float32)

    assert boxes.pairwise_iou(one, other) == pytest.approx(np.array([[1 / 7, 0], [0, 0]]))


def test_overlapping_boxes_become_one_weighted_by_their_scores() -> None:
    here, beside, elsewhere = [0, 0, 10, 20], [2, 0, 12, 20], [50, 50, 60, 70]
    candidates = np.array([here, beside, elsewhere], np.float32)
    scores = np.array([0.75, 0.25, 0.5], np.float32)

    plain = boxes.detections(candidates, scores, height=100, width=100)
    voted = boxes.detections(candidates, scores, height=100, width=100, suppression=VOTE)

    assert plain.boxes[0] * 100 == pytest.approx(here)
    assert voted.boxes[0] * 100 == pytest.approx([0.5, 0, 10.5, 20])
    assert voted.boxes[1] * 100 == pytest.approx(elsewhere)
    assert voted.scores.tolist() == plain.scores.tolist() == [0.75, 0.5]


def test_nobody_votes_where_nobody_is() -> None:
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)

    assert boxes.detections(*nothing, height=9, width=9, suppression=VOTE).boxes.shape == (0, 4)


def test_a_letterboxed_picture_keeps_its_shape() -> None:
    filled, size = boxes.letterbox(np.zeros((100, 200, 3), np.uint8), 64, 64)

    assert size == pytest.approx((32, 64))
    assert filled[:32].max() == 0
    assert filled[32:].min() == boxes.GRAY


@pytest.mark.parametrize(
    ("shape", "size"),
    [((100, 200), (48, 64)), ((200, 100), (64, 48)), ((50, 60), (64, 64)), ((60, 60), (64, 64))],
)
def test_a_stretched_picture_fills_as_much_as_it_may(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    filled, found = boxes.letterbox(np.zeros((*shape, 3), np.uint8), 64, 64, max_stretch=1.5)

    assert found == pytest.approx(size)
    assert (filled == 0).all(axis=2).sum() == size[0] * size[1]
