"""Makes what a model learned from; of a network of three numbers a window they are a color."""

from __future__ import annotations

import numpy as np

from video_classifier.ml.training.old_footage import OldFootage


def make_old_footage(*, count: int = 20, is_measured: bool = True, features: int = 3) -> OldFootage:
    """Thefts are bright; half of it is of people with both labels, the rest ordinary, elsewhere."""
    half, rows = count // 2, np.arange(count)
    random = np.random.default_rng(0)
    targets = np.where(rows < half, 1 - rows % 2, 0)
    brightness = np.clip(0.45 + 0.2 * targets + random.normal(0, 0.05, count), 0, 1)
    return OldFootage(
        features=np.repeat(brightness[:, np.newaxis], features, axis=1).astype(np.float16),
        targets=targets,
        groups=np.where(rows < half, rows // 2, rows),
        takes=rows,
        cameras=np.where(rows < half, 0, rows),
        weights=np.ones(count),
        scores=1 / (1 + np.exp(15 - 30 * brightness)) if is_measured else np.full(count, np.nan),
    )
