"""The student is NanoDet-Plus-m, and begins with what it knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.makers.footage import NANODET as WEIGHTS
from tests.makers.footage import YOLOX, require
from video_classifier.ml.networks.pretrained import WeightsError
from video_classifier.ml.persons import boxes
from video_classifier.ml.persons.layouts import NANODET

pytestmark = pytest.mark.keras


@pytest.mark.footage
def test_it_says_what_the_published_file_says() -> None:
    require(WEIGHTS)
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

    from video_classifier.ml.distillation import network

    picture = np.random.default_rng(0).integers(0, 256, (128, 192, 3), np.uint8)

    grids = network.build(WEIGHTS, height=128, width=192)(picture[None].astype(np.float32))

    expected = InferenceSession(WEIGHTS).run(None, {"in0": NANODET.pixels(picture)})
    assert len(grids) == len(expected) == 4
    for grid, published in zip(grids, expected, strict=True):
        values = published[0].transpose(1, 2, 0)
        of_persons = np.concatenate((values[..., :1], values[..., 80:]), axis=-1)
        np.testing.assert_allclose(grid[0], of_persons, atol=1e-3)


@pytest.mark.footage
def test_weights_of_another_network_are_refused() -> None:
    require(YOLOX)
    from video_classifier.ml.distillation import network

    with pytest.raises(WeightsError, match="not those of NanoDet-Plus-m"):
        network.build(YOLOX, height=64, width=64)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    from video_classifier.ml.distillation import network

    (tmp_path / "weights.onnx").write_text("buy milk")

    with pytest.raises(WeightsError, match="no ONNX file"):
        network.build(tmp_path / "weights.onnx", height=64, width=64)


def test_it_answers_in_four_grids_and_trains_all_but_its_first_layers() -> None:
    from video_classifier.ml.distillation import network

    student = network.build(None, height=64, width=128)

    shapes = [grid.shape[1:] for grid in student.outputs]
    assert shapes == [(8, 16, 33), (4, 8, 33), (2, 4, 33), (1, 2, 33)]
    assert sum(rows * columns for rows, columns, _ in shapes) == boxes.cell_count(
        64, 128, boxes.FOUR_STRIDES
    )
    frozen = len(student.weights) - len(student.trainable_weights)
    assert frozen == 2 * network.FROZEN
