"""Footage in memory, as a network trains on it and as it is served."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from video_classifier.ml import frames
from video_classifier.ml.augmentation import Augmentation, vary
from video_classifier.ml.clip import ClipError, ClipSpec, Image
from video_classifier.ml.manifest import Entry

if TYPE_CHECKING:
    import keras

FRAMES_PER_SECOND = 8.0  # of the footage that variants are taken from
MARGIN = 1.25  # it is so much larger than the network's input: room for crops


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """A clip, decoded once."""

    entry: Entry
    served: Image  # spec.shape: exactly what the application would show the network
    frames: Image  # (n, h, w, 3) at FRAMES_PER_SECOND: what variants are made from


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A clip that can't be decoded, and why."""

    entry: Entry
    reason: str


class Examples(Protocol):
    """What a network trains on: row i belongs to clip i."""

    @property
    def served(self) -> npt.NDArray[np.generic]:
        """The clips as they will be served."""

    def varied(self, epoch: int, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.generic]:
        """Variants of the clips in `rows`, others each epoch."""


def read(
    entries: Iterable[Entry], spec: ClipSpec, *, after_each: Callable[[], None] = lambda: None
) -> tuple[tuple[Footage, ...], tuple[Unreadable, ...]]:
    """Decodes every clip; those that don't decode are named, not guessed."""
    good: list[Footage] = []
    bad: list[Unreadable] = []
    for entry in entries:
        try:
            good.append(_footage(entry, spec))
        except ClipError as error:
            bad.append(Unreadable(entry=entry, reason=str(error)))
        after_each()
    return tuple(good), tuple(bad)


def _footage(entry: Entry, spec: ClipSpec) -> Footage:
    pictures, _ = frames.read_all(
        entry.path,
        fps=FRAMES_PER_SECOND,
        height=round(spec.height * MARGIN),
        width=round(spec.width * MARGIN),
    )
    served = frames.sample(entry.path, spec).images
    return Footage(entry=entry, served=served, frames=pictures)


class ClipExamples:
    """Clips for a network that learns from pixels; variants are made anew each epoch."""

    def __init__(
        self, footage: Sequence[Footage], spec: ClipSpec, augmentation: Augmentation, *, seed: int
    ) -> None:
        self._footage = footage
        self._spec = spec
        self._augmentation = augmentation
        self._seed = seed
        self.served: Image = np.stack([clip.served for clip in footage])

    def varied(self, epoch: int, rows: npt.NDArray[np.intp]) -> Image:
        return np.stack([self._variant(epoch, int(row)) for row in rows])

    def _variant(self, epoch: int, row: int) -> Image:
        random = np.random.default_rng((self._seed, epoch, row))
        return vary(self._footage[row].frames, self._spec, self._augmentation, random)


class FeatureExamples:
    """The same through a frozen backbone, once: later epochs take the variants in turn."""

    def __init__(
        self,
        clips: ClipExamples,
        backbone: keras.Model,
        *,
        variants: int,
        after_each: Callable[[], None] = lambda: None,
    ) -> None:
        rows = np.arange(len(clips.served))
        self.served = _features(backbone, clips.served)
        self._variants = []
        for epoch in range(variants):
            self._variants.append(_features(backbone, clips.varied(epoch, rows)))
            after_each()

    def varied(self, epoch: int, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        return self._variants[epoch % len(self._variants)][rows]


def _features(backbone: keras.Model, clips: Image) -> npt.NDArray[np.float32]:
    """(n, frames, h, w, 3) uint8 to (n, frames, features) float32."""
    count, length = clips.shape[:2]
    found = backbone.predict(clips.reshape(-1, *clips.shape[2:]), batch_size=64, verbose=0)
    return np.asarray(found, np.float32).reshape(count, length, -1)
