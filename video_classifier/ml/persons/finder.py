"""Finds the people in a clip, follows them, and cuts them out as a network's input."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from math import inf
from pathlib import Path
from typing import TypeVar

import numpy as np
from av.video.frame import VideoFrame

from video_classifier.ml.contracts import (
    LEAD,
    MAX_RATE,
    MIN_RATE,
    WHOLE,
    ClipSpec,
    Crops,
    Image,
    Sample,
    Span,
    Track,
    Window,
)
from video_classifier.ml.persons import crops, tracking, windows
from video_classifier.ml.persons.crops import Cropper
from video_classifier.ml.persons.detector import Detector
from video_classifier.ml.video import decoding
from video_classifier.ml.video.collecting import WindowCollector
from video_classifier.ml.video.reel import Reel, open_reel
from video_classifier.ml.video.scaling import FitWithin, Picture, Scaler

Value = TypeVar("Value")

# Raise the last when other pictures would be looked at, or the same tracks would give other crops:
# caches go by it.
VERSION = (decoding.VERSION, tracking.VERSION, crops.VERSION, 2)

RATE = MAX_RATE  # pictures a second
MIN_PICTURES = 32  # if a short clip has so many: two for each moment of a network
DETECT_EVERY = 4  # pictures; boxes in between are interpolated
MAX_DETECT_STEP = 4.5 / RATE  # seconds: where the fourth picture comes later, pictures are rare
MIN_DETECT_STEP = 2.0 / RATE  # seconds: of rare pictures, one that comes sooner adds little
MAX_SIDE = 1920  # pixels: larger pictures are scaled down before anybody is cut out

TOO_RARE = (
    "This clip has a picture only every {step:.1f} s: too few to follow anybody from one to the "
    "next. Set the recorder to at least {least} pictures a second."
)


def reel(video: Path, span: Span = WHOLE) -> Reel:
    """The pictures of a clip in which people are looked for. Raises ClipError.

    Those of a span begin `LEAD` seconds before it.
    """
    return open_reel(video, rate=RATE, min_pictures=MIN_PICTURES, span=span, lead=LEAD)


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
    clip: Reel, function: Callable[[int, Image], Value], *, height: int, width: int, strip: int = 0
) -> tuple[Reel, tuple[float, ...], tuple[Value, ...]]:
    """Calls `function` with place and image of the pictures in which people are looked for.

    An image is RGB, uint8, scaled down to fit into `height` x `width`. Returns the reel, the
    pictures' seconds and the values. Where damage is found, it is another reel, and `function`
    gets its pictures from the first one on. Raises ClipError.

    Of a span of a long recording, pictures that show what one before showed get its value: there
    nobody moves. So many whole pictures as a `strip` has are kept for `take_windows`.
    """
    fit = _fit_within(clip, height=height, width=width)

    def hold(reel: Reel) -> list[int]:
        return windows.uniform_places(range(reel.lead, len(reel.times)), strip)

    done = clip.map(
        lambda place, frame: function(place, fit(frame)),
        choose=lambda reel: list(_detector_places(reel.times)),
        hold=hold,
        only_new=True,
    )
    times = done.reel.times
    return done.reel, tuple(times[place] for place in done.values), tuple(done.values.values())


def take_crops(
    clip: Reel, tracks: Sequence[Track], spec: ClipSpec, *, preview_width: int | None = None
) -> tuple[tuple[Crops, ...], Sample]:
    """Each track's pictures with its windows, and whole pictures from all of the clip.

    Of a network of movement these are all on the grid, once, which takes 49 kB for each of 128 x
    128 pixels. `clip` is the reel in which the tracks were found. Raises ClipError.
    """
    planned = [windows.of_track(clip.times, track, spec) for track in tracks]
    cut: dict[int, list[Image]] = {}

    def keep(number: int, _: int, pictures: list[Picture]) -> None:
        cut[number] = [picture.image for picture in pictures]

    sample = _cut(
        clip, tracks, spec, [[each.places] for each in planned], keep, preview_width=preview_width
    )
    found = tuple(
        Crops(
            track=track,
            images=np.stack(cut[number]),
            times=tuple(clip.times[place] for place in plan.places),
            starts=plan.starts,
            frames=spec.frames,
        )
        for number, (track, plan) in enumerate(zip(tracks, planned, strict=True))
    )
    return found, sample


def take_windows(
    clip: Reel,
    tracks: Sequence[Track],
    spec: ClipSpec,
    on_window: Callable[[Window], None],
    *,
    preview_width: int | None = None,
) -> Sample:
    """Hands the windows of tracks to `on_window` while the clip is decoded once.

    Those of a track come in order of time; track 1 is the first of `tracks`. Of each track the
    crops of one window are held at a time, and those that the next shares with it: for
    `tracking.MAX_TRACKS` of 16 crops of 128 x 128 pixels, 9 MB, however long the clip is, and with
    a `preview_width` the whole picture in the middle of each window. Returns whole pictures from
    all of the clip, or of the span that the reel is of. A network of movement gets no window of a
    clip with fewer than `MIN_RATE` pictures a second, and none of a span where nothing moves.
    Windows that end before a span begins are those of the span before it.
    `clip` is the reel in which the tracks were
    found. Raises ClipError.
    """
    if spec.sees_too_little(clip.rate) or clip.is_still:
        tracks = ()
    since = clip.times[clip.lead] if clip.lead else -inf
    planned = [windows.of_track(clip.times, track, spec).since(since) for track in tracks]
    wanted = [
        [each.places[start : start + spec.frames] for start in each.starts] for each in planned
    ]

    def emit(track: int, number: int, pictures: list[Picture]) -> None:
        start, end = planned[track].spans[number]
        preview = pictures[len(pictures) // 2].preview
        on_window(
            Window(
                number=number,
                start=start,
                end=end,
                images=np.stack([picture.image for picture in pictures]),
                times=tuple(clip.times[place] for place in wanted[track][number]),
                previews=() if preview is None else (preview,),
                track=1 + track,
            )
        )

    return _cut(clip, tracks, spec, wanted, emit, preview_width=preview_width)


def _cut(  # noqa: PLR0913
    clip: Reel,
    tracks: Sequence[Track],
    spec: ClipSpec,
    wanted: Sequence[Sequence[Sequence[int]]],
    emit: Callable[[int, int, list[Picture]], None],
    *,
    preview_width: int | None,
) -> Sample:
    """Gives out the crops at the places `wanted` of each track, of each of its windows.

    `emit` gets the numbers of track and window, from 0 on, and crops, of which the one in the
    middle comes with a preview of the whole picture.
    """
    times = clip.times
    strip = windows.uniform_places(range(clip.lead, len(times)), spec.frames)
    middles = [{places[len(places) // 2] for places in of_track} for of_track in wanted]
    in_track = [frozenset(chain.from_iterable(places)) for places in wanted]
    croppers = [Cropper(track, spec) for track in tracks]
    collectors: list[WindowCollector[Picture]] = []
    fit = _fit_within(clip, height=MAX_SIDE, width=MAX_SIDE)
    scaler = Scaler(
        width=spec.width,
        height=spec.height,
        preview_width=preview_width,
        pixel_aspect=clip.pixel_aspect,
    )

    def choose(_: Reel) -> set[int]:
        collectors[:] = [
            WindowCollector(places, partial(emit, number)) for number, places in enumerate(wanted)
        ]
        return {*strip, *chain(*in_track)}

    def cut(place: int, frame: VideoFrame) -> Picture | None:
        whole = scaler(frame) if place in strip else None
        in_it = [number for number, places in enumerate(in_track) if place in places]
        if in_it:
            image = fit.by_parts(frame)
            preview = None
            if any(place in middles[number] for number in in_it):
                preview = whole.preview if whole else scaler.preview(frame)
            for number in in_it:
                shown = preview if place in middles[number] else None
                crop = croppers[number].cut(image, times[place])
                collectors[number].add(place, Picture(crop, shown))
        return whole

    done = clip.map(cut, choose=choose)
    pictures = [picture for place in strip if (picture := done.values[place])]
    return Sample(
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
        lambda place, frame: cropper.cut(fit.by_parts(frame), times[place]),
        choose=lambda _: windows.in_view(times, track),
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
        yield TOO_RARE.format(step=step, least=round(MIN_RATE))


def _fit_within(clip: Reel, *, height: int, width: int) -> FitWithin:
    return FitWithin(height=height, width=width, pixel_aspect=clip.pixel_aspect)
