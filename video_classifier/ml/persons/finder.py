"""Finds the people in a clip, follows them, and cuts them out as a network's input."""

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
from video_classifier.ml.persons.crops import Cropper
from video_classifier.ml.persons.detector import Detector
from video_classifier.ml.video import decoding
from video_classifier.ml.video.reel import Reel, open_reel
from video_classifier.ml.video.scaling import FitWithin, Picture, Scaler

Value = TypeVar("Value")

# Raise the last when other pictures would be looked at, or the same tracks would give other crops:
# caches go by it.
VERSION = (decoding.VERSION, tracking.VERSION, crops.VERSION, 2)

MAX_TRACKS = 12  # that are scored in one clip

RATE = 8.0  # pictures a second
MIN_PICTURES = 32  # if a short clip has so many: two for each moment of a network
DETECT_EVERY = 4  # pictures; boxes in between are interpolated
MAX_DETECT_STEP = 4.5 / RATE  # seconds: where the fourth picture comes later, pictures are rare
MIN_DETECT_STEP = 2.0 / RATE  # seconds: of rare pictures, one that comes sooner adds little
MAX_SIDE = 1920  # pixels: larger pictures are scaled down before anybody is cut out

TOO_RARE = (
    "This clip has a picture only every {step:.1f} s: too few to follow anybody from one to the "
    "next. Set the recorder to at least {least} pictures a second."
)
_ENOUGH = 3  # pictures a second; at 1 more people are lost on the way


def reel(video: Path) -> Reel:
    """The pictures of a clip in which people are looked for. Raises ClipError."""
    return open_reel(video, rate=RATE, min_pictures=MIN_PICTURES)


def find(clip: Reel, detector: Detector) -> tuple[Reel, tuple[Track, ...]]:
    """Everybody in a clip, in order of appearance, and the reel in which they were found.

    It is another one than `clip` where that turned out to be damaged. Raises ClipError.
    """
    height, width = detector.input_size
    clip, times, detections = detect_frames(
        clip, lambda _, image: detector.detect(image), height=height, width=width
    )
    return clip, tracking.track(times, detections, threshold=detector.threshold)


def detect_frames(
    clip: Reel, function: Callable[[int, Image], Value], *, height: int, width: int
) -> tuple[Reel, tuple[float, ...], tuple[Value, ...]]:
    """Calls `function` with place and image of the pictures in which people are looked for.

    An image is RGB, uint8, scaled down to fit into `height` x `width`. Returns the reel, the
    pictures' seconds and the values. Where damage is found, it is another reel, and `function`
    gets its pictures from the first one on. Raises ClipError.
    """
    fit = _fit_within(clip, height=height, width=width)
    done = clip.map(
        lambda place, frame: function(place, fit(frame)),
        choose=lambda reel: list(_detector_places(reel.times)),
    )
    times = done.reel.times
    return done.reel, tuple(times[place] for place in done.values), tuple(done.values.values())


def most_prominent(tracks: Sequence[Track]) -> tuple[Track, ...]:
    """The most prominent tracks, at most `MAX_TRACKS`, by descending prominence."""
    return tuple(sorted(tracks, key=tracking.prominence, reverse=True)[:MAX_TRACKS])


def take_crops(
    clip: Reel, tracks: Sequence[Track], spec: ClipSpec, *, preview_width: int | None = None
) -> tuple[tuple[Crops, ...], Sample]:
    """A network's input for each track, and whole pictures from all of the clip.

    Both at `spec.frames` moments: spread evenly over the time that somebody is in view, and over
    the clip. `clip` is the reel in which the tracks were found. Raises ClipError.
    """
    times = clip.times
    strip = _uniform_places(range(len(times)), spec.frames)
    moments = [_uniform_places(_in_view(clip, track), spec.frames) for track in tracks]
    croppers = [Cropper(track, spec) for track in tracks]
    fit = _fit_within(clip, height=MAX_SIDE, width=MAX_SIDE)
    scaler = Scaler(
        width=spec.width,
        height=spec.height,
        preview_width=preview_width,
        pixel_aspect=clip.pixel_aspect,
    )

    def cut(place: int, frame: VideoFrame) -> tuple[Picture | None, dict[int, Image]]:
        whole = scaler(frame) if place in strip else None
        in_it = [number for number, places in enumerate(moments) if place in places]
        if not in_it:
            return whole, {}
        image = fit(frame)
        return whole, {number: croppers[number].cut(image, times[place]) for number in in_it}

    done = clip.map(cut, choose=lambda _: {*strip, *chain(*moments)})
    found = tuple(
        Crops(
            track=track,
            images=np.stack([done.values[place][1][number] for place in places]),
            times=tuple(times[place] for place in places),
        )
        for number, (track, places) in enumerate(zip(tracks, moments, strict=True))
    )
    pictures = [picture for place in strip if (picture := done.values[place][0])]
    return found, Sample(
        images=np.stack([picture.image for picture in pictures]),
        times=tuple(times[place] for place in strip),
        length=clip.length,
        warnings=(*clip.warnings, *_warnings(clip)),
        previews=tuple(p.preview for p in pictures if p.preview is not None),
        content=done.content,
    )


def follow(clip: Reel, track: Track, spec: ClipSpec) -> Image:
    """Somebody in all pictures in which they are in view: (n, height, width, 3) RGB, uint8.

    `clip` is the reel in which the track was found. Raises ClipError.
    """
    times = clip.times
    cropper = Cropper(track, spec)
    fit = _fit_within(clip, height=MAX_SIDE, width=MAX_SIDE)
    done = clip.map(
        lambda place, frame: cropper.cut(fit(frame), times[place]),
        choose=lambda _: _in_view(clip, track),
    )
    return np.stack(list(done.values.values()))


def _detector_places(times: Sequence[float]) -> Iterator[int]:
    """Every fourth picture; where pictures are rare, the one on screen about half a second later.

    That is every picture below about four a second, and the first one after a pause.
    """
    beginnings = (*times, 2 * times[-1] - times[-2 if len(times) > 1 else -1])  # of one more
    place = 0
    while place < len(times):
        yield place
        on_screen = bisect_right(beginnings, times[place] + MAX_DETECT_STEP) - 1
        if on_screen >= place + DETECT_EVERY:
            place += DETECT_EVERY
        else:
            is_soon = beginnings[on_screen] < times[place] + MIN_DETECT_STEP
            place = on_screen + 1 if is_soon else on_screen


def _warnings(clip: Reel) -> Iterator[str]:
    steps = np.diff([clip.times[place] for place in _detector_places(clip.times)])
    if len(steps) and (step := float(np.median(steps))) > tracking.MAX_STEP:
        yield TOO_RARE.format(step=step, least=_ENOUGH)


def _fit_within(clip: Reel, *, height: int, width: int) -> FitWithin:
    return FitWithin(height=height, width=width, pixel_aspect=clip.pixel_aspect)


def _in_view(clip: Reel, track: Track) -> range:
    """The places of the pictures from the track's beginning to its end."""
    first, last = track.times[0], track.times[-1]
    return range(bisect_left(clip.times, first), bisect_right(clip.times, last))


def _uniform_places(places: Sequence[int], count: int) -> list[int]:
    """The middle element of each of `count` equal parts."""
    return [places[(2 * share + 1) * len(places) // (2 * count)] for share in range(count)]
