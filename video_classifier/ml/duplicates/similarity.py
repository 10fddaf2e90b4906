"""Ranks clips by visual similarity: the cosine of the angle between pretrained features."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import ClipError, ClipSpec
from video_classifier.ml.data.footage import Unreadable, clip_sha256
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.networks.pretrained import weights_sha256
from video_classifier.ml.video import decoding, sampling

if TYPE_CHECKING:
    from pathlib import Path

    import keras

Embedding = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarClip:
    """A clip, and its cosine similarity to the query clip: -1 to 1, 1 for the same features."""

    entry: Entry
    similarity: float


class Embedder:
    """Embeds a clip: a backbone's features, averaged over frames, scaled to length 1."""

    def __init__(self, backbone: keras.Model, spec: ClipSpec, *, kept: Cache | None = None) -> None:
        """`backbone` takes (n, spec.height, spec.width, 3) uint8 and gives (n, features)."""
        self._backbone = backbone
        self._spec = spec
        self._kept = kept or Cache()
        self._weights = weights_sha256(backbone)

    def __call__(self, clip: Path) -> Embedding:
        """(features,) float32. Raises ClipError."""
        return self._kept.array(
            lambda: self._embed(clip),
            embedding=clip_sha256(clip),
            spec=asdict(self._spec),
            sampler=decoding.VERSION,
            weights=self._weights,
        )

    def _embed(self, clip: Path) -> Embedding:
        images = sampling.sample(clip, self._spec).images
        pooled = np.asarray(self._backbone.predict(images, verbose=0), np.float32).mean(axis=0)
        embedding: Embedding = pooled / np.float32(np.linalg.norm(pooled) or 1)
        return embedding


def find(
    clip: Path,
    entries: Iterable[Entry],
    embed: Embedder,
    *,
    advance: Callable[[], None] = lambda: None,
) -> tuple[list[SimilarClip], list[Unreadable]]:
    """The entries other than `clip`, most similar first, and those that can't be read.

    Raises ClipError if `clip` itself can't be read.
    """
    query = embed(clip)
    matches: list[SimilarClip] = []
    unreadable: list[Unreadable] = []
    for entry in entries:
        if entry.path.resolve() != clip.resolve():
            try:
                matches.append(
                    SimilarClip(entry=entry, similarity=float(embed(entry.path) @ query))
                )
            except ClipError as error:
                unreadable.append(Unreadable(entry=entry, reason=str(error)))
        advance()
    return sorted(matches, key=lambda match: -match.similarity), unreadable
