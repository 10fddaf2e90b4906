"""Weights that can't be used are refused with a sentence, whatever Keras says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from video_classifier.ml.networks import pretrained
from video_classifier.ml.networks.pretrained import DOWNLOADED, WeightsError

pytestmark = pytest.mark.keras

SHAPE = 32, 32, 3


def test_a_file_that_is_missing_or_no_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.h5").write_text("buy milk")

    for name in ("words.h5", "missing.h5"):
        with pytest.raises(WeightsError, match=f"{name} are missing, or not those of MobileNetV2"):
            pretrained.mobilenetv2(SHAPE, tmp_path / name)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    import keras

    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save_weights(
        tmp_path / "other.weights.h5"
    )

    with pytest.raises(WeightsError, match="not those of MobileNetV2"):
        pretrained.mobilenetv2(SHAPE, tmp_path / "other.weights.h5")


def test_a_download_that_fails_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    def unreachable(**_: object) -> None:
        msg = "URL fetch failure"
        raise Exception(msg)  # noqa: TRY002 - just as Keras does

    monkeypatch.setattr(keras.applications, "MobileNetV2", unreachable)

    with pytest.raises(WeightsError, match=r"Name a file .*--backbone-weights"):
        pretrained.mobilenetv2(SHAPE, DOWNLOADED)


def test_weights_are_taken_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "some.weights.h5"
    some = pretrained.mobilenetv2(SHAPE, None)
    some.save_weights(path)

    again = pretrained.mobilenetv2(SHAPE, path)

    for one, two in zip(again.get_weights(), some.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
