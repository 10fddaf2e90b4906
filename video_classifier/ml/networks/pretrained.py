"""Weights that networks start from: MobileNetV2's of ImageNet and I3D's of Kinetics-400."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from video_classifier.ml.contracts import Floats32

if TYPE_CHECKING:
    import keras

DOWNLOADED = "imagenet"


class Pretrained(StrEnum):
    """Which weights a network starts from."""

    MOBILENETV2 = "MobileNetV2"  # ImageNet, without top: an .h5 file, or downloaded by Keras
    I3D = "I3D"  # Inception-v1, RGB, Kinetics-400: an .npz file


class WeightsError(Exception):
    """These weights can't be used; the message says why, and what is expected."""


class I3DWeights:
    """An .npz file of I3D (Inception-v1, RGB, Kinetics-400), by the names of DeepMind's layers.

    `Conv3d_1a_7x7/kernel` … `Mixed_5c/Branch_3/Conv3d_0b_1x1/variance`: kernels (time, height,
    width, in, out), of 16 bits; beta, mean and variance (out,) of batch normalization.
    """

    def __init__(self, path: str | Path) -> None:
        """Raises WeightsError."""
        self._path = path
        try:
            # Opened here: NumPy leaves a damaged file open.
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                self._arrays = dict(arrays)
        except _UNREADABLE as error:
            what = (
                "I3D's weights can't be downloaded; name them with --backbone-weights"
                if path == DOWNLOADED
                else f"The weights {path} are missing or damaged, or not those of I3D"
            )
            msg = f"{what}: {_I3D_FILE} is expected."
            raise WeightsError(msg) from error

    def array(self, name: str, shape: tuple[int, ...]) -> Floats32:
        """The array of that name. Raises WeightsError if it is not as it has to be."""
        found = self._arrays.get(name)
        if found is None:
            wrong = f"it has no {name}"
        elif found.shape != shape or found.dtype.kind != "f":
            wrong = f"its {name} is {found.dtype} {found.shape}, and float {shape} is expected"
        elif not np.isfinite(found).all() or (name.endswith("/variance") and found.min() < 0):
            wrong = f"its {name} has impossible values"
        else:
            return np.asarray(found, np.float32)
        msg = f"The weights {self._path} are not {_I3D_FILE}: {wrong}."
        raise WeightsError(msg)


_I3D_FILE = "an .npz file of I3D (Inception-v1, RGB, Kinetics-400)"
# `with` of an array, which is what a .npy file gives, is a TypeError.
_UNREADABLE = (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


def mobilenetv2(
    shape: tuple[int | None, int | None, int], weights: str | Path | None
) -> keras.Model:
    """(batch, *shape) float32, -1 to 1, to the last of its feature maps.

    `weights` is a file of ImageNet weights without top, DOWNLOADED to let Keras fetch it, or None
    for a random start. Raises WeightsError.
    """
    import keras

    try:
        network = keras.applications.MobileNetV2(
            input_shape=shape, include_top=False, weights=None if weights is None else str(weights)
        )
    except Exception as error:  # a failed download has no class of its own
        if weights is None:
            raise
        raise WeightsError(_sentence(weights)) from error
    if weights is not None and not all(np.isfinite(each).all() for each in network.get_weights()):
        msg = f"The weights {weights} of MobileNetV2 are damaged: some are no finite numbers."
        raise WeightsError(msg)
    return network


def _sentence(weights: str | Path) -> str:
    if weights == DOWNLOADED:
        return (
            "MobileNetV2's weights can't be downloaded. Name a file of them, without top, "
            "with --backbone-weights."
        )
    return (
        f"The weights {weights} are missing, or not those of MobileNetV2 without top: an .h5 file "
        "of ImageNet weights is expected."
    )


def weights_sha256(network: keras.Model) -> str:
    """Of all its weights, in hexadecimal."""
    weights = hashlib.sha256()
    for array in network.get_weights():
        weights.update(array.tobytes())
    return weights.hexdigest()
