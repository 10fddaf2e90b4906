"""Weights that can't be used are refused with a sentence that says what is expected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.networks import pretrained
from video_classifier.ml.networks.pretrained import DOWNLOADED, I3DWeights, WeightsError

pytestmark = pytest.mark.keras

SHAPE = 32, 32, 3


def test_a_file_that_is_missing_or_no_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.h5").write_text("buy milk")

    for name in ("words.h5", "missing.h5"):
        with pytest.raises(
            WeightsError, match=f"{name} are missing, or not those of MobileNetV2 .* an .h5"
        ):
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


def test_weights_of_i3d_are_refused_by_mobilenetv2(tmp_path: Path) -> None:
    write(tmp_path / "i3d.npz")

    with pytest.raises(WeightsError, match=r"i3d.npz are .* an .h5 file of ImageNet weights"):
        pretrained.mobilenetv2(SHAPE, tmp_path / "i3d.npz")


def test_mobilenetv2_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    some = pretrained.mobilenetv2(SHAPE, None)
    some.set_weights([np.full_like(each, np.nan) for each in some.get_weights()])
    some.save_weights(tmp_path / "some.weights.h5")

    with pytest.raises(WeightsError, match="damaged: some are no finite numbers"):
        pretrained.mobilenetv2(SHAPE, tmp_path / "some.weights.h5")


NAME, PLAIN = "Conv3d_2b_1x1/variance", np.ones(4, np.float32)


def write(path: Path, **arrays: npt.NDArray[np.generic]) -> Path:
    np.savez(path, **({NAME: PLAIN} | arrays))  # type: ignore[arg-type]
    return path


def test_an_array_of_i3d_is_given_in_32_bits(tmp_path: Path) -> None:
    path = write(tmp_path / "i3d.npz", **{NAME: PLAIN.astype(np.float16)})

    found = I3DWeights(path).array(NAME, (4,))

    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, PLAIN)


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        (np.ones(5, np.float32), r"its .*variance is float32 \(5,\), and float \(4,\) is expected"),
        (np.ones(4, np.int64), r"its .*variance is int64 \(4,\), and float \(4,\) is expected"),
        (np.full(4, np.nan, np.float32), "its .*variance has impossible values"),
        (np.full(4, -1, np.float32), "its .*variance has impossible values"),
    ],
)
def test_an_array_that_does_not_fit_is_named(
    values: npt.NDArray[np.generic], wrong: str, tmp_path: Path
) -> None:
    weights = I3DWeights(write(tmp_path / "i3d.npz", **{NAME: values}))

    with pytest.raises(WeightsError, match=rf"i3d.npz are not an .npz file of I3D .*: {wrong}\."):
        weights.array(NAME, (4,))


def test_an_array_that_is_missing_is_named(tmp_path: Path) -> None:
    from video_classifier.ml import networks

    path = write(tmp_path / "i3d.npz")

    with pytest.raises(WeightsError, match=r"are not an .npz file of I3D .*: it has no Conv3d_1a"):
        networks.build("i3d_person", ClipSpec(), backbone_weights=path)


def damaged(folder: Path) -> list[Path]:
    """Files that are no .npz, or not all of one."""
    whole = write(folder / "whole.npz", more=np.random.default_rng(1).random(5000)).read_bytes()
    content = {
        "words.npz": b"buy milk",
        "empty.npz": b"",
        "short.npz": whole[: len(whole) // 2],
        "flipped.npz": whole[:5000] + bytes(100) + whole[5100:],
        "weights.h5": b"\x89HDF\r\n\x1a\n" + bytes(2000),
    }
    for name, each in content.items():
        (folder / name).write_bytes(each)
    np.save(folder / "one.npy", np.ones(4))
    return [folder / name for name in (*content, "one.npy", "missing.npz")]


def test_a_file_that_is_missing_or_damaged_is_refused_by_i3d(tmp_path: Path) -> None:
    for path in damaged(tmp_path):
        with pytest.raises(WeightsError, match=f"{path.name} are missing or damaged.* an .npz"):
            I3DWeights(path)


def test_weights_of_i3d_are_not_downloaded() -> None:
    with pytest.raises(WeightsError, match=r"can't be downloaded; name them with --backbone-w"):
        I3DWeights(DOWNLOADED)
