"""Views show people, and say where they are in the view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from video_classifier.ml.contracts import Image
from video_classifier.ml.distillation.scenes import Pictures
from video_classifier.ml.distillation.teachers import Labelled
from video_classifier.ml.persons.detector import Detections

if TYPE_CHECKING:
    from video_classifier.ml.distillation.batches import DistillationBatches

pytestmark = pytest.mark.keras

HEIGHT, WIDTH = 64, 96
BOX = (0.3, 0.2, 0.5, 0.9)  # of the red person


def labelled(image: Image, *boxes: tuple[float, ...], score: float = 0.8) -> Labelled:
    people = Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.full(len(boxes), score, np.float32),
    )
    pictures = Pictures(clip="a.mp4", images=image[None], times=(0.0,), source_height=480)
    return Labelled(pictures=pictures, people=(people,))


def red() -> Image:
    image = np.zeros((100, 200, 3), np.uint8)
    image[20:90, 60:100, 0] = 255
    return image


def make_batches(*pictures: Labelled, steps: int = 2) -> DistillationBatches:
    from video_classifier.ml.distillation.batches import DistillationBatches

    return DistillationBatches([pictures], height=HEIGHT, width=WIDTH, steps=steps, seed=0)


@pytest.mark.parametrize("mosaics", [0.0, 1.0])
@pytest.mark.parametrize("letterboxed", [0.0, 1.0])
def test_a_box_lies_where_the_person_is_in_the_view(
    monkeypatch: pytest.MonkeyPatch, mosaics: float, letterboxed: float
) -> None:
    from video_classifier.ml.distillation import batches

    monkeypatch.setattr(batches, "MOSAICS", mosaics)
    monkeypatch.setattr(batches, "LETTERBOXED", letterboxed)
    monkeypatch.setattr(batches, "_recolored", lambda view, _: view)

    views, targets = make_batches(labelled(red(), BOX))[0]

    assert views.shape == (batches.BATCH, HEIGHT, WIDTH, 3)
    assert views.dtype == np.uint8
    assert targets.shape == (batches.BATCH, batches.MAX_PEOPLE, 5)
    assert (targets[..., 4] > 0).sum() >= batches.BATCH / 4
    for view, people in zip(views, targets, strict=True):
        for left, top, right, bottom, score in people[people[:, 4] > 0]:
            assert score == pytest.approx(0.8)
            columns, rows = slice(round(left), round(right)), slice(round(top), round(bottom))
            assert view[rows, columns, 0].mean() > 180
            view[rows, columns, 0] = 0
        # What is left of the person is an edge, or too little to be expected.
        assert (view[..., 0] > 128).mean() < 0.2


def test_people_whom_the_teachers_hardly_see_are_left_out() -> None:
    _, targets = make_batches(labelled(red(), BOX, score=0.05))[0]

    assert not targets.any()


def test_every_epoch_shows_other_views_and_the_same_ones_next_time() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    one, same = (make_batches(labelled(noise, BOX)) for _ in range(2))

    first, again = one[0][0], same[0][0]
    one.epoch = 1

    np.testing.assert_array_equal(first, again)
    assert (one[0][0] != first).any()
