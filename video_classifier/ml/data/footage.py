"""Decodes labelled clips for training: as they would be served, and densely for augmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import cache as remembered
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import (
    ClipError,
    ClipSpec,
    Floats,
    Image,
    Region,
    Track,
)
from video_classifier.ml.data.augmentation import resize
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.files import sha256
from video_classifier.ml.persons import finder, tracking, windows
from video_classifier.ml.persons.detector import Detector
from video_classifier.ml.video import decoding, sampling
from video_classifier.ml.video.reel import Reel
from video_classifier.ml.watch import UNWATCHED, Watch

FRAMES_PER_SECOND = 8.0  # of the frames that augmented copies are sampled from
# So much larger than the network's input are whole frames, and the crops of networks of movement:
# room for random crops.
MARGIN = 1.25
MAX_BYSTANDERS = 2  # people of a clip, besides the most prominent, who are trained on

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """A labelled clip, decoded."""

    entry: Entry
    # (windows, *spec.shape) RGB uint8: exactly what the application would show the network; the
    # most prominent person's first. One of whole frames.
    inputs: Image
    # (n, h, w, 3) RGB uint8 each, FRAMES_PER_SECOND: what augmented copies are sampled from. Of
    # the most prominent person, and of others if the label holds for these too.
    frames: tuple[Image, ...]
    # (windows, 3): number of the track, from 0, start and end in seconds. If left out, each input
    # is of another track.
    windows: Floats = field(default_factory=lambda: np.empty((0, 3)))

    def __post_init__(self) -> None:
        if not len(self.windows):
            object.__setattr__(self, "windows", np.zeros((len(self.inputs), 3)))
            self.windows[:, 0] = np.arange(len(self.inputs))
        elif len(self.windows) != len(self.inputs):
            msg = f"there are {len(self.inputs)} inputs and {len(self.windows)} windows"
            raise ValueError(msg)

    @property
    def is_labelled(self) -> npt.NDArray[np.bool_]:
        """(windows,): whether the clip's label holds for the person who is in the window."""
        return np.asarray(self.windows[:, 0] < len(self.frames))


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
    larger = _with_margin(spec)
    pictures, _ = sampling.read_all(
        path, fps=FRAMES_PER_SECOND, height=larger.height, width=larger.width
    )
    if not spec.min_difference:
        return pictures
    as_served = (resize(picture, spec) for picture in pictures)
    return pictures[sampling.distinct(as_served, least=spec.min_difference)]


def _of_people(entry: Entry, *, spec: ClipSpec, cache: Cache, detector: Detector) -> Footage:
    """The most prominent person comes first, and is taken for the one whom the label means.

    Where nobody steals, the label holds for everybody, so that others are trained on, too: the
    network learns that people in the background aren't thieves. Crops of a single window have the
    size in which they are served, without a margin: a network can tell whether a picture was
    resized twice.
    """
    facts = {
        "clip": clip_sha256(entry.path),
        "spec": asdict(spec),
        "persons": finder.VERSION,
        "detector": detector.sha256,
    }
    dense_spec = _with_margin(spec) if spec.rate else spec

    @remembered
    def tracks() -> tuple[Reel, tuple[Track, ...]]:
        reel, found = finder.find(finder.reel(entry.path), detector)
        return reel, tracking.most_prominent(found)

    def table() -> Floats:
        reel, prominent = tracks()
        rows = [
            (number, *span)
            for number, track in enumerate(prominent)
            for span in windows.of_track(reel.times, track, spec).spans
        ]
        return np.array(rows, np.float64).reshape(-1, 3)

    def inputs() -> Image:
        crops, _ = finder.take_crops(*tracks(), spec)
        found = [window for person in crops for window in person.windows]
        return np.array(found, np.uint8).reshape(-1, *spec.shape)

    def dense(number: int) -> Image:
        reel, prominent = tracks()
        if not spec.rate:
            return finder.follow(reel, prominent[number], spec)
        ((person,), _) = finder.take_crops(reel, prominent[number : number + 1], dense_spec)
        return person.images

    of_windows = cache.array(table, **facts, what="windows")
    if not len(of_windows):
        msg = "Nobody was found in it."
        raise ClipError(msg)
    found = 1 + int(of_windows[-1, 0])
    labelled = 1 if entry.target else min(found, 1 + MAX_BYSTANDERS)
    return Footage(
        entry=entry,
        inputs=cache.array(inputs, **facts),
        frames=tuple(
            cache.array(partial(dense, number), **facts, number=number)
            for number in range(labelled)
        ),
        windows=of_windows,
    )


def _with_margin(spec: ClipSpec) -> ClipSpec:
    height, width = (round(side * MARGIN) for side in (spec.height, spec.width))
    return replace(spec, height=height, width=width)
