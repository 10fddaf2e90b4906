"""What a network is trained on: augmented clips, or their features from a frozen backbone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import ClipSpec, Floats, Floats32, Image, Integers
from video_classifier.ml.data.augmentation import Augmentation, augment
from video_classifier.ml.data.footage import Footage
from video_classifier.ml.networks.pretrained import weights_sha256
from video_classifier.ml.watch import UNWATCHED, Watch

if TYPE_CHECKING:
    import keras

VERSION = 1  # raise it when a clip would give other augmented copies or features: caches go by it
FEATURE_BATCH = 64  # frames


class Examples(Protocol):
    """Labelled clips as inputs of a network."""

    @property
    def inference_inputs(self) -> npt.NDArray[np.generic]:
        """(inputs, ...): the clips as they will be served, in order, one row for each window."""

    @property
    def windows(self) -> Floats:
        """(inputs, 3): number of the track, start and end in seconds, see Footage."""

    @property
    def bounds(self) -> Integers:
        """(clips + 1,): clip i has the rows from bounds[i] to bounds[i + 1]."""

    def augmented(self, epoch: int, rows: Integers) -> npt.NDArray[np.generic]:
        """(len(rows), ...): one augmented copy of each clip in `rows`, others each epoch."""


class ClipExamples:
    """Pixels, (frames, height, width, 3) RGB uint8 a clip; augmented anew each epoch."""

    def __init__(
        self, footage: Sequence[Footage], spec: ClipSpec, augmentation: Augmentation, *, seed: int
    ) -> None:
        self._footage = footage
        self._spec = spec
        self._augmentation = augmentation
        self._seed = seed
        self.windows: Floats = np.concatenate([clip.windows for clip in footage])
        self.bounds = np.cumsum([0, *(len(clip.inputs) for clip in footage)], dtype=np.intp)

    @cached_property
    def inference_inputs(self) -> Image:
        return np.concatenate([clip.inputs for clip in self._footage])

    def __len__(self) -> int:
        """How many clips there are."""
        return len(self._footage)

    def augmented(self, epoch: int, rows: Integers) -> Image:
        return np.stack([self._augmented(epoch, int(row)) for row in rows])

    def _augmented(self, epoch: int, row: int) -> Image:
        random = np.random.default_rng((self._seed, epoch, row))
        first, *further = self._footage[row].frames
        frames = (first, *further)[random.integers(1 + len(further))] if further else first
        return augment(frames, self._spec, self._augmentation, random)

    def facts(self) -> dict[str, object]:
        """All that decides what inputs and augmented copies look like, ready for JSON."""
        pixels = hashlib.sha256()
        for clip in self._footage:
            for images in (clip.inputs, *clip.frames):
                pixels.update(images.tobytes())
        return {
            "pixels": pixels.hexdigest(),
            "lengths": [[len(frames) for frames in clip.frames] for clip in self._footage],
            "spec": asdict(self._spec),
            "augmentation": asdict(self._augmentation),
            "seed": self._seed,
            "variants": VERSION,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureExamples:
    """What a frozen backbone gives for each clip, float32: computed once.

    (frames, features) if it takes single frames, else whatever it gives for a window.
    """

    inference_inputs: Floats32
    windows: Floats
    bounds: Integers
    copies: tuple[Floats32, ...]  # (clips, ...) each; epochs take them in turn

    def augmented(self, epoch: int, rows: Integers) -> Floats32:
        return self.copies[epoch % len(self.copies)][rows]


def extract_features(
    clips: ClipExamples,
    backbone: keras.Model,
    *,
    copies: int,
    cache: Cache | None = None,
    watch: Watch = UNWATCHED,
) -> FeatureExamples:
    """Runs the backbone over the clips and `copies` augmented copies of each that aren't cached."""
    cache = cache or Cache()
    facts = clips.facts() | {"weights": weights_sha256(backbone)} if cache.keeps else {}
    inputs = cache.array(lambda: _features(backbone, clips.inference_inputs), **facts)
    augmented = []
    with watch.task("Running the backbone on augmented copies", copies) as advance:
        for epoch in range(copies):
            compute = partial(_augmented_features, backbone, clips, epoch)
            augmented.append(cache.array(compute, epoch=epoch, **facts))
            advance()
    return FeatureExamples(
        inference_inputs=inputs,
        windows=clips.windows,
        bounds=clips.bounds,
        copies=tuple(augmented),
    )


def _augmented_features(backbone: keras.Model, clips: ClipExamples, epoch: int) -> Floats32:
    return _features(backbone, clips.augmented(epoch, np.arange(len(clips))))


def _features(backbone: keras.Model, clips: Image) -> Floats32:
    """(n, frames, h, w, 3) uint8 to float32: (n, ...) if the backbone takes whole windows.

    From one that takes single frames: (n, frames, ...).
    """
    count, length = clips.shape[:2]
    if len(backbone.input.shape) == clips.ndim:
        features = backbone.predict(clips, batch_size=max(1, FEATURE_BATCH // length), verbose=0)
        return np.asarray(features, np.float32)
    frames = clips.reshape(-1, *clips.shape[2:])
    features = backbone.predict(frames, batch_size=FEATURE_BATCH, verbose=0)
    return np.asarray(features, np.float32).reshape(count, length, *features.shape[1:])
