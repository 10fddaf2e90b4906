"""Finds the persons in a clip, follows them, and cuts them out as a network looks at them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
from av.video.frame import VideoFrame

from video_classifier.ml.contracts import ClipSpec, Crops, Image, Sample, Track
from video_classifier.ml.persons import crops, tracking
from video_classifier.ml.persons.crops import Window
from video_classifier.ml.persons.detector import Detector
from video_classifier.ml.video import decoding
from video_classifier.ml.video.reel import Reel
from video_classifier.ml.video.scaling import Fitter, Picture, Scaler

Seen = TypeVar("Seen")

# Raise the last when other pictures would be looked at, or the same tracks would give other crops:
# caches go by it.
VERSION = (decoding.VERSION, tracking.VERSION, crops.VERSION, 2)

MOST = 12  # persons that are looked at in one clip

_RATE = 8.0  # pictures a second
_LEAST = 32  # pictures, if a clip is short and has so many: two for each moment of a network
_EVERY = 4  # the detector looks at every fourth of these; in between persons go straight on
_LATEST = 4.5 / _RATE  # seconds: where the fourth comes later, pictures are rare
_SOONEST = 2.0 / _RATE  # seconds: of rare pictures, one that comes sooner tells little
_LARGEST = 1920  # pixels: larger pictures are made to fit before anybody is cut out


TOO_RARE = (
    "This clip has a picture only every {step:.1f} s: too few to follow anybody from one to the "
    "next. Set the recorder to at least {least} pictures a second."
)
_ENOUGH = 3  # pictures a second; at 1 more people are lost on the way


def reel(video: Path) -> Reel:
    """The pictures of a clip in which persons are looked for. Raises ClipError."""
    return Reel(video, rate=_RATE, least=_LEAST)


def find(clip: Reel, detector: Detector) -> tuple[Track, ...]:
    """Everybody in a clip, in the order of appearance. Raises ClipError."""
    height, width = detector.input_size
    times, seen = detect_frames(
        clip, lambda _, image: detector.detect(image), height=height, width=width
    )
    return tracking.track(times, seen, threshold=detector.threshold)


def detect_frames(
    clip: Reel, see: Callable[[int, Image], Seen], *, height: int, width: int
) -> tuple[tuple[float, ...], tuple[Seen, ...]]:
    """What `see` makes of the pictures in which persons are to be looked for, and their seconds.

    It gets each one's place in the reel and the picture itself, made to fit into `height` x
    `width`; where damage is found, they come again from the first one on. Raises ClipError.
    """
    fit = _fitter(clip, height=height, width=width)
    seen = clip.look(lambda place, frame: see(place, fit(frame)), wants=_Looks(clip))
    times = clip.times
    return tuple(times[place] for place in seen), tuple(seen.values())


def most_prominent(found: Sequence[Track]) -> tuple[Track, ...]:
    """Those who are longest and largest in view, at most `MOST`, the most prominent first."""
    return tuple(sorted(found, key=tracking.prominence, reverse=True)[:MOST])


def take_crops(
    clip: Reel, found: Sequence[Track], spec: ClipSpec, *, preview_width: int | None = None
) -> tuple[tuple[Crops, ...], Sample]:
    """What a network looks at of those who were found, and whole pictures from all of the clip.

    Both at `spec.frames` moments, spread evenly over the time that somebody is in view and over
    the clip. Raises ClipError.
    """
    times = clip.times
    strip = _evenly(range(len(times)), spec.frames)
    moments = [_evenly(_in_view(clip, track), spec.frames) for track in found]
    windows = [Window(track, spec) for track in found]
    fit = _fitter(clip, height=_LARGEST, width=_LARGEST)
    scaler = Scaler(
        width=spec.width,
        height=spec.height,
        preview_width=preview_width,
        pixel_aspect=clip.pixel_aspect,
    )

    def see(place: int, frame: VideoFrame) -> tuple[Picture | None, dict[int, Image]]:
        whole = scaler(frame) if place in strip else None
        whose = [number for number, places in enumerate(moments) if place in places]
        if not whose:
            return whole, {}
        image = fit(frame)
        return whole, {number: windows[number].cut(image, times[place]) for number in whose}

    seen = clip.look(see, wants={*strip, *chain(*moments)}.__contains__)
    cut = tuple(
        Crops(
            track=track,
            images=np.stack([seen[place][1][number] for place in places]),
            times=tuple(times[place] for place in places),
        )
        for number, (track, places) in enumerate(zip(found, moments, strict=True))
    )
    whole = [picture for place in strip if (picture := seen[place][0])]
    return cut, Sample(
        images=np.stack([picture.image for picture in whole]),
        times=tuple(times[place] for place in strip),
        length=clip.length,
        warnings=(*clip.warnings, *_warnings(clip)),
        previews=tuple(p.preview for p in whole if p.preview is not None),
        content=clip.content,
    )


def follow(clip: Reel, track: Track, spec: ClipSpec) -> Image:
    """Somebody in all pictures in which they are in view: (n, height, width, 3) RGB, uint8.

    Call `find` first. Raises ClipError.
    """
    times = clip.times
    window = Window(track, spec)
    fit = _fitter(clip, height=_LARGEST, width=_LARGEST)
    seen = clip.look(
        lambda place, frame: window.cut(fit(frame), times[place]),
        wants=set(_in_view(clip, track)).__contains__,
    )
    return np.stack(list(seen.values()))


class _Looks:
    """Which pictures of a clip the detector looks at.

    Worked out when it is first asked: a look at a clip is what tells the times of its pictures,
    and tells them anew if damage is found.
    """

    def __init__(self, clip: Reel) -> None:
        self._clip = clip
        self._times: tuple[float, ...] = ()
        self._places: frozenset[int] = frozenset()

    def __call__(self, place: int) -> bool:
        if self._times is not self._clip.times:
            self._times = self._clip.times
            self._places = frozenset(_places(self._times))
        return place in self._places


def _places(times: Sequence[float]) -> Iterator[int]:
    """Every fourth picture; where pictures are rare, the one on screen about half a second later.

    That is every picture below about four a second, and the first one after a pause.
    """
    beginnings = (*times, 2 * times[-1] - times[-2 if len(times) > 1 else -1])  # of one more
    place = 0
    while place < len(times):
        yield place
        on_screen = bisect_right(beginnings, times[place] + _LATEST) - 1
        if on_screen >= place + _EVERY:
            place += _EVERY
        else:
            is_soon = beginnings[on_screen] < times[place] + _SOONEST
            place = on_screen + 1 if is_soon else on_screen


def _warnings(clip: Reel) -> Iterator[str]:
    steps = np.diff([clip.times[place] for place in _places(clip.times)])
    if len(steps) and (step := float(np.median(steps))) > tracking.SLOWEST:
        yield TOO_RARE.format(step=step, least=_ENOUGH)


def _fitter(clip: Reel, *, height: int, width: int) -> Fitter:
    return Fitter(height=height, width=width, pixel_aspect=clip.pixel_aspect)


def _in_view(clip: Reel, track: Track) -> range:
    """The places of the pictures from the track's beginning to its end."""
    first, last = track.times[0], track.times[-1]
    return range(bisect_left(clip.times, first), bisect_right(clip.times, last))


def _evenly(places: Sequence[int], wanted: int) -> list[int]:
    """Those in the middle of each of `wanted` equal shares."""
    return [places[(2 * share + 1) * len(places) // (2 * wanted)] for share in range(wanted)]
