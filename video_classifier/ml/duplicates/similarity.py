"""Clips that look alike: the angle between what a pretrained network sees in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import ClipError, ClipSpec
from video_classifier.ml.data.footage import Unreadable, clip_sha256, weights_sha256
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.video import decoding, sampling

if TYPE_CHECKING:
    from pathlib import Path

    import keras

Embedding = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A clip, and the cosine of the angle to the one it was compared with: 1 is the same."""

    entry: Entry
    similarity: float


class Embedder:
    """Turns a clip into the mean of a backbone's features over its frames, of length 1."""

    def __init__(self, backbone: keras.Model, spec: ClipSpec, *, kept: Cache | None = None) -> None:
        """`backbone` takes (n, spec.height, spec.width, 3) uint8 and gives (n, features)."""
        self._backbone = backbone
        self._spec = spec
        self._kept = kept or Cache()
        self._weights = weights_sha256(backbone)

    def __call__(self, clip: Path) -> Embedding:
        """(features,) float32. Raises ClipError."""
        return self._kept.array(
            lambda: self._look(clip),
            embedding=clip_sha256(clip),
            spec=asdict(self._spec),
            sampler=decoding.VERSION,
            weights=self._weights,
        )

    def _look(self, clip: Path) -> Embedding:
        images = sampling.sample(clip, self._spec).images
        pooled = np.asarray(self._backbone.predict(images, verbose=0), np.float32).mean(axis=0)
        found: Embedding = pooled / np.float32(np.linalg.norm(pooled) or 1)
        return found


def find(
    clip: Path,
    entries: Iterable[Entry],
    embed: Embedder,
    *,
    after_each: Callable[[], None] = lambda: None,
) -> tuple[list[Match], list[Unreadable]]:
    """The entries but `clip` itself, the most similar first, and those that can't be read.

    Raises ClipError if `clip` itself can't be.
    """
    wanted = embed(clip)
    matches: list[Match] = []
    unreadable: list[Unreadable] = []
    for entry in entries:
        if entry.path.resolve() != clip.resolve():
            try:
                matches.append(Match(entry=entry, similarity=float(embed(entry.path) @ wanted)))
            except ClipError as error:
                unreadable.append(Unreadable(entry=entry, reason=str(error)))
        after_each()
    return sorted(matches, key=lambda match: -match.similarity), unreadable
