"""Files of pretrained weights in the shape of the published ones, with random values."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]


@cache
def i3d_arrays() -> Arrays:
    """What an .npz file of I3D holds, by name, but for the last two blocks and the classifier."""
    from video_classifier.ml import networks
    from video_classifier.ml.contracts import ClipSpec
    from video_classifier.ml.networks.i3d import ScaledConv3D

    network = networks.build("i3d_person", ClipSpec(frames=4, height=32, width=32))
    random, arrays = np.random.default_rng(1), {}
    for layer in network.get_layer("backbone").layers:
        if isinstance(layer, ScaledConv3D):
            name, count = layer.name.replace("-", "/"), layer.filters
            arrays[f"{name}/kernel"] = np.asarray(layer.kernel, np.float16)
            arrays[f"{name}/beta"] = random.normal(0, 0.1, count).astype(np.float32)
            arrays[f"{name}/mean"] = random.normal(0, 0.1, count).astype(np.float32)
            arrays[f"{name}/variance"] = random.uniform(0.5, 2, count).astype(np.float32)
    return arrays


def write_i3d(path: Path) -> Path:
    np.savez(path, **i3d_arrays())  # type: ignore[arg-type]  # as if its options were arrays
    return path
