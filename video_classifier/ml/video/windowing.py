"""Cuts whole frames into windows: one of a short clip, one for each ten seconds of a longer one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from video_classifier.ml.contracts import WHOLE, ClipSpec, Sample, Span, Window
from video_classifier.ml.video import sampling, source
from video_classifier.ml.video.collecting import WindowCollector
from video_classifier.ml.video.content import ContentMeter, Meter, SpanMeter
from video_classifier.ml.video.sampling import Uniform
from video_classifier.ml.video.scaling import Picture
from video_classifier.ml.video.source import Source
from video_classifier.ml.video.timeline import Timeline

MAX_SECONDS = 60.0  # of a clip that is a single window
WINDOW_SECONDS = 10.0  # of a longer one that are a window
MIN_WINDOW_SECONDS = 5.0  # of the last window; less than that belongs to the one before

OnWindow = Callable[[Window], None]


def sample_windows(
    path: Path,
    spec: ClipSpec,
    on_window: OnWindow,
    *,
    span: Span = WHOLE,
    preview_width: int | None = None,
) -> Sample:
    """Hands the windows of a clip to `on_window` while it is decoded, and returns an overview.

    A clip of up to a minute is one window, of the pictures that `sampling.sample` takes. A span has
    the windows that a longer clip has there, if it begins with one of these. The overview has as
    many pictures as a window, spread over all of them. However long the clip is, those of one
    window and the overview are held at a time. Of a span, windows are handed out once something
    has moved, and never if nothing does. Raises ClipError if no frame can be read.
    """
    clip = source.read(path, span)
    reader = _Reader(spec, clip, on_window, preview_width)
    found = sampling.decode(clip, spec, reader.take, reader.restart)
    shown = found.timeline
    sample = sampling.sample_of(
        clip,
        shown,
        reader.meter,
        times=tuple(map(shown.seconds, reader.overview)),
        pictures=reader.overview_pictures,
    )
    reader.give_out()
    return sample


class _Reader:
    def __init__(
        self, spec: ClipSpec, clip: Source, on_window: OnWindow, preview_width: int | None
    ) -> None:
        self._clip = clip
        self.meter: Meter = ContentMeter() if clip.is_whole else SpanMeter()
        self._scaler = sampling.scaler_of(spec, clip, preview_width)
        self._on_window = on_window
        self._kept: dict[int, Picture] = {}  # of the overview
        self._waiting: list[Window] = []  # until something moves

    def restart(self, shown: Timeline, uniform: Uniform) -> list[int]:
        """The numbers of the frames of all windows; what was taken before is forgotten.

        Of a span also those by which its content is measured: of a short clip that takes a second
        look, and only if little moves in its windows.
        """
        self.meter.restart()
        self._kept.clear()
        self._waiting.clear()
        self._shown, self._spans = shown, _spans(shown, self._clip.span)
        *bounded, last = self._spans
        self._windows = [uniform(shown, start, end) for start, end in bounded]
        self._windows.append(uniform(shown, last[0], self._clip.span.end))
        self._collector = WindowCollector(self._windows, self._emit)
        chosen = [number for window in self._windows for number in window]
        self._in_windows = frozenset(chosen)
        self.overview = chosen[len(self._windows) // 2 :: len(self._windows)]
        if self._clip.is_whole:
            return chosen
        return sorted({*chosen, *shown.indices_at_rate(sampling.RATE_COMPARED)})

    def take(self, number: int, frame: VideoFrame) -> None:
        if number not in self._in_windows:
            self.meter.pass_by(frame)
            return
        self.meter.look(frame)
        picture = self._scaler(frame)
        if number in self.overview:
            self._kept[number] = picture
        self._collector.add(number, picture)

    @property
    def overview_pictures(self) -> list[Picture]:
        return [self._kept[number] for number in self.overview]

    def give_out(self) -> None:
        """The windows that are complete, if something has moved; of a whole clip in any case."""
        if self._clip.is_whole or self.meter.is_moving:
            for window in self._waiting:
                self._on_window(window)
            self._waiting.clear()

    def _emit(self, number: int, pictures: Sequence[Picture]) -> None:
        start, end = self._spans[number]
        self._waiting.append(
            Window(
                number=number,
                start=start,
                end=end,
                images=np.stack([picture.image for picture in pictures]),
                times=tuple(map(self._shown.seconds, self._windows[number])),
                previews=tuple(p.preview for p in pictures if p.preview is not None),
            )
        )
        self.give_out()


def _spans(shown: Timeline, span: Span) -> list[tuple[float, float]]:
    if span == WHOLE and shown.length <= MAX_SECONDS:
        return [(0.0, shown.clock_end)]
    # Where pictures are rarer than windows, not each second gets one: there may be years of them.
    scale = max(1, ceil(shown.interval / WINDOW_SECONDS))
    return shown.stretches(each=scale * WINDOW_SECONDS, least=MIN_WINDOW_SECONDS, span=span)
