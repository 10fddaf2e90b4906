"""Footage in memory, as a network trains on it and as it is served."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import ClipError, ClipSpec, Image, Track, View
from video_classifier.ml.data.augmentation import Augmentation, resize, vary
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.files import sha256
from video_classifier.ml.persons import finder
from video_classifier.ml.persons.detector import Detector
from video_classifier.ml.video import decoding, sampling
from video_classifier.ml.video.reel import Reel

if TYPE_CHECKING:
    import keras

FRAMES_PER_SECOND = 8.0  # of the footage that variants are taken from
MARGIN = 1.25  # whole frames are so much larger than the network's input: room for crops
BYSTANDERS = 2  # of a clip, at most, that variants are made of besides the foremost person
VERSION = 1  # raise it when a clip would give other variants or features: caches go by it


Taken = TypeVar("Taken")


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """A clip, decoded once."""

    entry: Entry
    served: Image  # spec.shape: exactly what the application would show the network
    frames: Image  # (n, h, w, 3) at an even rate: what variants are made from
    others: tuple[Image, ...] = ()  # `served` of the further persons, if the spec looks at these
    bystanders: tuple[Image, ...] = ()  # `frames` of further persons of whom the label is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A clip that can't be decoded, or has nobody in it to look at, and why."""

    entry: Entry
    reason: str


class Examples(Protocol):
    """What a network trains on."""

    @property
    def served(self) -> npt.NDArray[np.generic]:
        """The clips as they will be served, one after the other: a row for each person."""

    @property
    def bounds(self) -> npt.NDArray[np.intp]:
        """(clips + 1,): clip i has the rows from bounds[i] to bounds[i + 1] of `served`."""

    def varied(self, epoch: int, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.generic]:
        """Variants of the clips in `rows`, others each epoch."""


def read_footage(
    entries: Iterable[Entry],
    spec: ClipSpec,
    *,
    detector: Detector | None = None,
    kept: Cache | None = None,
    after_each: Callable[[], None] = lambda: None,
) -> tuple[tuple[Footage, ...], tuple[Unreadable, ...]]:
    """Decodes every clip that is not in `kept`; those that don't decode are named, not guessed.

    So are those in which nobody is found, if the spec looks at persons; only then a detector is
    needed.
    """
    kept = kept or Cache()

    def footage(entry: Entry) -> Footage:
        if spec.view is View.FRAME:
            return _footage(entry, spec, kept)
        if detector is None:
            msg = "a network that looks at persons needs a detector to find them"
            raise ValueError(msg)
        return _footage_of_persons(entry, spec, kept, detector)

    return each(entries, footage, after_each)


def each(
    entries: Iterable[Entry], take: Callable[[Entry], Taken], after_each: Callable[[], None]
) -> tuple[tuple[Taken, ...], tuple[Unreadable, ...]]:
    """What `take` makes of every clip, and those for which it raised ClipError."""
    good: list[Taken] = []
    bad: list[Unreadable] = []
    for entry in entries:
        try:
            good.append(take(entry))
        except ClipError as error:
            bad.append(Unreadable(entry=entry, reason=str(error)))
        after_each()
    return tuple(good), tuple(bad)


def _footage(entry: Entry, spec: ClipSpec, kept: Cache) -> Footage:
    facts = {"clip": clip_sha256(entry.path), "spec": asdict(spec), "sampler": decoding.VERSION}
    rate = {"rate": FRAMES_PER_SECOND, "margin": MARGIN}
    return Footage(
        entry=entry,
        frames=kept.array(lambda: _regular(entry.path, spec), **facts, **rate),
        served=kept.array(lambda: sampling.sample(entry.path, spec).images, **facts),
    )


def _footage_of_persons(entry: Entry, spec: ClipSpec, kept: Cache, detector: Detector) -> Footage:
    """The one who is most in view comes first, and is taken for the one whom the label means.

    Where nobody steals the label means everybody, so there are variants of others, too: a network
    learns that who sits in the background is no thief. Persons are cut out in the size in which
    they are served, without a margin: a network sees whether a picture was scaled once or twice.
    """
    facts = {
        "clip": clip_sha256(entry.path),
        "spec": asdict(spec),
        "persons": finder.VERSION,
        "detector": detector.sha256,
    }

    @cache
    def found() -> tuple[Reel, tuple[Track, ...]]:
        reel = finder.reel(entry.path)
        return reel, finder.foremost(finder.find(reel, detector))

    def served() -> Image:
        crops, _ = finder.show(*found(), spec)
        return np.array([person.images for person in crops], np.uint8).reshape(-1, *spec.shape)

    def regular(number: int) -> Image:
        reel, foremost = found()
        return finder.follow(reel, foremost[number], spec)

    shown = kept.array(served, **facts)
    if not len(shown):
        msg = "Nobody was found in it."
        raise ClipError(msg)
    known = 1 if entry.target else min(len(shown), 1 + BYSTANDERS)
    first, *further = (
        kept.array(partial(regular, number), **facts, number=number) for number in range(known)
    )
    return Footage(
        entry=entry,
        served=shown[0],
        others=tuple(shown[1:]),
        frames=first,
        bystanders=tuple(further),
    )


def clip_sha256(path: Path) -> str:
    """Of the file's bytes, in hexadecimal. Raises ClipError."""
    try:
        return sha256(path)
    except OSError as error:
        msg = f"The file can't be read: {error.strerror}."
        raise ClipError(msg) from error


def _regular(path: Path, spec: ClipSpec) -> Image:
    height, width = (round(side * MARGIN) for side in (spec.height, spec.width))
    pictures, _ = sampling.read_all(path, fps=FRAMES_PER_SECOND, height=height, width=width)
    if not spec.min_difference:
        return pictures
    as_served = (resize(picture, spec) for picture in pictures)
    return pictures[sampling.distinct(as_served, least=spec.min_difference)]


class ClipExamples:
    """Clips for a network that learns from pixels; variants are made anew each epoch."""

    def __init__(
        self, footage: Sequence[Footage], spec: ClipSpec, augmentation: Augmentation, *, seed: int
    ) -> None:
        self._footage = footage
        self._spec = spec
        self._augmentation = augmentation
        self._seed = seed
        shown = [(clip.served, *clip.others) for clip in footage]
        self.served: Image = np.stack([images for clip in shown for images in clip])
        self.bounds = np.cumsum([0, *map(len, shown)], dtype=np.intp)

    def varied(self, epoch: int, rows: npt.NDArray[np.intp]) -> Image:
        return np.stack([self._variant(epoch, int(row)) for row in rows])

    def _variant(self, epoch: int, row: int) -> Image:
        random = np.random.default_rng((self._seed, epoch, row))
        clip = self._footage[row]
        frames = clip.frames
        if clip.bystanders:
            frames = (frames, *clip.bystanders)[random.integers(1 + len(clip.bystanders))]
        return vary(frames, self._spec, self._augmentation, random)

    def facts(self) -> dict[str, object]:
        """All that decides what the clips and their variants look like, ready for JSON."""
        pixels = hashlib.sha256()
        for clip in self._footage:
            for images in (clip.served, clip.frames, *clip.others, *clip.bystanders):
                pixels.update(images.tobytes())
        return {
            "pixels": pixels.hexdigest(),
            "lengths": [len(clip.frames) for clip in self._footage],
            "spec": asdict(self._spec),
            "augmentation": asdict(self._augmentation),
            "seed": self._seed,
            "variants": VERSION,
        }


class FeatureExamples:
    """The same through a frozen backbone, once: later epochs take the variants in turn."""

    def __init__(
        self,
        clips: ClipExamples,
        backbone: keras.Model,
        *,
        variants: int,
        kept: Cache | None = None,
        after_each: Callable[[], None] = lambda: None,
    ) -> None:
        kept = kept or Cache()
        self.bounds = clips.bounds
        rows = np.arange(len(clips.bounds) - 1)
        facts = clips.facts() | {"weights": weights_sha256(backbone)} if kept.keeps else {}
        self.served = kept.array(lambda: _features(backbone, clips.served), **facts)
        self._variants = []
        for epoch in range(variants):
            seen = partial(_varied_features, backbone, clips, epoch, rows)
            self._variants.append(kept.array(seen, epoch=epoch, **facts))
            after_each()

    def varied(self, epoch: int, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        return self._variants[epoch % len(self._variants)][rows]


def _varied_features(
    backbone: keras.Model, clips: ClipExamples, epoch: int, rows: npt.NDArray[np.intp]
) -> npt.NDArray[np.float32]:
    return _features(backbone, clips.varied(epoch, rows))


def weights_sha256(backbone: keras.Model) -> str:
    """Of all its weights, in hexadecimal."""
    weights = hashlib.sha256()
    for array in backbone.get_weights():
        weights.update(array.tobytes())
    return weights.hexdigest()


def _features(backbone: keras.Model, clips: Image) -> npt.NDArray[np.float32]:
    """(n, frames, h, w, 3) uint8 to (n, frames, features) float32."""
    count, length = clips.shape[:2]
    found = backbone.predict(clips.reshape(-1, *clips.shape[2:]), batch_size=64, verbose=0)
    return np.asarray(found, np.float32).reshape(count, length, -1)
