"""Decodes labelled clips for training: as they would be served, and densely for augmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache as remembered
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import ClipError, ClipSpec, Image, Region, Track
from video_classifier.ml.data.augmentation import resize
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.files import sha256
from video_classifier.ml.persons import finder
from video_classifier.ml.persons.detector import Detector
from video_classifier.ml.video import decoding, sampling
from video_classifier.ml.video.reel import Reel
from video_classifier.ml.watch import UNWATCHED, Watch

FRAMES_PER_SECOND = 8.0  # of the frames that augmented copies are sampled from
MARGIN = 1.25  # whole frames are so much larger than the network's input: room for crops
MAX_BYSTANDERS = 2  # people of a clip, besides the most prominent, who are trained on

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """A labelled clip, decoded."""

    entry: Entry
    # (tracks, *spec.shape) RGB uint8: exactly what the application would show the network; the
    # most prominent person first. One of whole frames, without tracks.
    inputs: Image
    # (n, h, w, 3) RGB uint8 each, FRAMES_PER_SECOND: what augmented copies are sampled from. Of
    # the most prominent person, and of others if the label holds for these too.
    frames: tuple[Image, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A clip that can't be decoded, or has nobody in it to look at, and why."""

    entry: Entry
    reason: str


def read_footage(
    entries: Iterable[Entry],
    spec: ClipSpec,
    *,
    detector: Detector | None = None,
    cache: Cache | None = None,
    watch: Watch = UNWATCHED,
) -> tuple[tuple[Footage, ...], tuple[Unreadable, ...]]:
    """Decodes every clip that is not in `cache`. What can't be used comes second, with the reason.

    A network of people needs a `detector`; clips in which it finds nobody can't be used. Raises
    ValueError without one.
    """
    entries, cache = tuple(entries), cache or Cache()
    if spec.view is Region.FRAME:
        decode = partial(_of_frames, spec=spec, cache=cache)
    elif detector is not None:
        decode = partial(_of_people, spec=spec, cache=cache, detector=detector)
    else:
        msg = "a network that looks at people needs a detector to find them"
        raise ValueError(msg)
    with watch.task("Decoding the clips", len(entries)) as advance:
        return each(entries, decode, advance)


def each(
    entries: Iterable[Entry], function: Callable[[Entry], Result], advance: Callable[[], None]
) -> tuple[tuple[Result, ...], tuple[Unreadable, ...]]:
    """The results of `function`, and the clips for which it raised ClipError."""
    good: list[Result] = []
    bad: list[Unreadable] = []
    for entry in entries:
        try:
            good.append(function(entry))
        except ClipError as error:
            bad.append(Unreadable(entry=entry, reason=str(error)))
        advance()
    return tuple(good), tuple(bad)


def clip_sha256(path: Path) -> str:
    """Of the file's bytes, in hexadecimal. Raises ClipError."""
    try:
        return sha256(path)
    except OSError as error:
        msg = f"The file can't be read: {error.strerror}."
        raise ClipError(msg) from error


def _of_frames(entry: Entry, *, spec: ClipSpec, cache: Cache) -> Footage:
    facts = {"clip": clip_sha256(entry.path), "spec": asdict(spec), "sampler": decoding.VERSION}
    rate = {"rate": FRAMES_PER_SECOND, "margin": MARGIN}
    dense = cache.array(lambda: _dense(entry.path, spec), **facts, **rate)
    sampled = cache.array(lambda: sampling.sample(entry.path, spec).images, **facts)
    return Footage(entry=entry, inputs=sampled[np.newaxis], frames=(dense,))


def _dense(path: Path, spec: ClipSpec) -> Image:
    """(n, h, w, 3) RGB uint8, FRAMES_PER_SECOND, with a margin; still frames left out if the
    spec leaves them out."""
    height, width = (round(side * MARGIN) for side in (spec.height, spec.width))
    pictures, _ = sampling.read_all(path, fps=FRAMES_PER_SECOND, height=height, width=width)
    if not spec.min_difference:
        return pictures
    as_served = (resize(picture, spec) for picture in pictures)
    return pictures[sampling.distinct(as_served, least=spec.min_difference)]


def _of_people(entry: Entry, *, spec: ClipSpec, cache: Cache, detector: Detector) -> Footage:
    """The most prominent person comes first, and is taken for the one whom the label means.

    Where nobody steals, the label holds for everybody, so that others are trained on, too: the
    network learns that people in the background aren't thieves. Crops have the size in which
    they are served, without a margin: a network can tell whether a picture was resized twice.
    """
    facts = {
        "clip": clip_sha256(entry.path),
        "spec": asdict(spec),
        "persons": finder.VERSION,
        "detector": detector.sha256,
    }

    @remembered
    def tracks() -> tuple[Reel, tuple[Track, ...]]:
        reel, found = finder.find(finder.reel(entry.path), detector)
        return reel, finder.most_prominent(found)

    def inputs() -> Image:
        crops, _ = finder.take_crops(*tracks(), spec)
        return np.array([person.images for person in crops], np.uint8).reshape(-1, *spec.shape)

    def dense(number: int) -> Image:
        reel, prominent = tracks()
        return finder.follow(reel, prominent[number], spec)

    served = cache.array(inputs, **facts)
    if not len(served):
        msg = "Nobody was found in it."
        raise ClipError(msg)
    labelled = 1 if entry.target else min(len(served), 1 + MAX_BYSTANDERS)
    return Footage(
        entry=entry,
        inputs=served,
        frames=tuple(
            cache.array(partial(dense, number), **facts, number=number)
            for number in range(labelled)
        ),
    )
