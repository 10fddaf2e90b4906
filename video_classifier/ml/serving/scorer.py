"""A model's scores, checked: in batches of bounded size, numbers only, from 0 to 1.

By the network's own end, or by other heads: one run of the network serves several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from video_classifier.ml.contracts import Floats, Image
from video_classifier.ml.serving.card import REMEDY, BundleError, Card
from video_classifier.ml.serving.engine import Engine, FeatureEngine
from video_classifier.ml.serving.head import Head

MAX_BATCH = 4  # inputs that are scored at once: bounds the memory that a crowd takes


class Scorer:
    """Safe to call from several threads."""

    shadows: tuple[str, ...] = ()  # SHA-256 of the heads that score along

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
        return self.score_each(images)[0]

    def score_each(self, images: Image) -> tuple[float, ...]:
        """The same, and then the score of each of `shadows`, of one run. Raises BundleError."""
        return self._checked(self._run(images[np.newaxis])[:, 0])

    def score_all(
        self, inputs: Sequence[Image], *, check: Callable[[], None] = lambda: None
    ) -> tuple[float, ...]:
        """The scores of several such inputs, in their order. Calls `check` before each batch.

        Raises BundleError if the network gives no number, and what `check` raises.
        """
        found: list[Floats] = []
        for first in range(0, len(inputs), MAX_BATCH):
            check()
            found.append(self._run(np.stack(inputs[first : first + MAX_BATCH]))[0])
        return self._checked(np.concatenate(found)) if found else ()

    def _run(self, batch: Image) -> Floats:
        """(1 + shadows, n): the scores of each head."""
        return self._engine.score(batch)[np.newaxis]

    def _checked(self, scores: Floats) -> tuple[float, ...]:
        if not np.isfinite(scores).all():
            msg = (
                f"The model “{self.card.name}” can't be used: its network gives no number for "
                f"this clip. {REMEDY}"
            )
            raise BundleError(msg)
        return tuple(np.clip(scores, 0.0, 1.0).tolist())


class HeadedScorer(Scorer):
    """Scores by the head of a version, or by the network's own end, and by heads in the shadow."""

    def __init__(
        self, engine: FeatureEngine, card: Card, *, head: Head | None, shadows: Mapping[str, Head]
    ) -> None:
        """`card` is that of the version, whose `head` it is, or of the model, without one.

        The engine has scored before, if only nothing. Raises BundleError if a head is of another
        size than what the network gives.
        """
        self._headed, self._head = engine, head
        self._shadows = tuple(shadows.values())
        self.shadows = tuple(shadows)
        super().__init__(engine, card)

    def _run(self, batch: Image) -> Floats:
        own, features = self._headed.score_with_features(batch)
        score = own if self._head is None else self._head.score(features)
        return np.stack([score, *(each.score(features) for each in self._shadows)])
