"""MobileNetV2's convolutions, pretrained on ImageNet."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

DOWNLOADED = "imagenet"


class WeightsError(Exception):
    """These weights can't be used; the message says why."""


def mobilenetv2(
    shape: tuple[int | None, int | None, int], weights: str | Path | None
) -> keras.Model:
    """(batch, *shape) float32, -1 to 1, to the last of its feature maps.

    `weights` is a file of ImageNet weights without top, DOWNLOADED to let Keras fetch it, or None
    for a random start. Raises WeightsError.
    """
    import keras

    try:
        return keras.applications.MobileNetV2(
            input_shape=shape, include_top=False, weights=None if weights is None else str(weights)
        )
    except Exception as error:  # a failed download has no class of its own
        if weights is None:
            raise
        raise WeightsError(_sentence(weights)) from error


def _sentence(weights: str | Path) -> str:
    if weights == DOWNLOADED:
        return (
            "MobileNetV2's weights can't be downloaded. Name a file of them, without top, "
            "with --backbone-weights."
        )
    return f"The weights {weights} are missing, or not those of MobileNetV2 without top."


def weights_sha256(network: keras.Model) -> str:
    """Of all its weights, in hexadecimal."""
    weights = hashlib.sha256()
    for array in network.get_weights():
        weights.update(array.tobytes())
    return weights.hexdigest()
