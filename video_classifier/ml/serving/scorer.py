"""A model's scores, checked: in batches of bounded size, numbers only, from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from video_classifier.ml.contracts import Image
from video_classifier.ml.serving.card import REMEDY, BundleError, Card
from video_classifier.ml.serving.engine import Engine

MAX_BATCH = 4  # inputs that are scored at once: bounds the memory that a crowd takes


class Scorer:
    """Safe to call from several threads."""

    def __init__(self, engine: Engine, card: Card) -> None:
        """Scores nothing once, so that the first clip need not wait. Raises BundleError."""
        self.card = card
        self._engine = engine
        try:
            self.score(np.zeros(card.spec.shape, np.uint8))
        except BundleError:
            raise
        except Exception as error:  # a network from a file may fail in any way
            msg = (
                f"The model “{card.name}” can't be used: its network fails when it is asked for "
                f"a score. {REMEDY}"
            )
            raise BundleError(msg) from error

    def score(self, images: Image) -> float:
        """0 to 1, higher looks more like shoplifting, of (frames, height, width, 3) RGB, uint8.

        Raises BundleError if the network gives no number.
        """
        (score,) = self.score_all([images])
        return score

    def score_all(
        self, inputs: Sequence[Image], *, check: Callable[[], None] = lambda: None
    ) -> tuple[float, ...]:
        """The scores of several such inputs, in their order. Calls `check` before each batch.

        Raises BundleError if the network gives no number, and what `check` raises.
        """
        scores: list[float] = []
        for first in range(0, len(inputs), MAX_BATCH):
            check()
            batch = np.stack(inputs[first : first + MAX_BATCH])
            scores.extend(self._engine.score(batch).tolist())
        if not np.isfinite(scores).all():
            msg = (
                f"The model “{self.card.name}” can't be used: its network gives no number for "
                f"this clip. {REMEDY}"
            )
            raise BundleError(msg)
        return tuple(min(max(score, 0.0), 1.0) for score in scores)
