"""A clip's pictures at an even rate, to be gone through as often as needed."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from av.video.frame import VideoFrame

from video_classifier.ml.contracts import MIN_PICTURES, SLACK, WHOLE, ClipContent, Span
from video_classifier.ml.video import clip_warnings, decoding, source
from video_classifier.ml.video.content import ContentMeter, Meter, SpanMeter
from video_classifier.ml.video.decoding import DamagedError
from video_classifier.ml.video.filters import PixelAspect
from video_classifier.ml.video.source import Source
from video_classifier.ml.video.timeline import Timeline

_MAX_KEPT = 128 * 2**20  # bytes: half a minute of 640 x 480, 8 pictures a second

Value = TypeVar("Value")

Choose = Callable[["Reel"], Collection[int]]  # the places of pictures


def open_reel(
    path: Path, *, rate: float, min_pictures: int = 1, span: Span = WHOLE, lead: float = 0.0
) -> Reel:
    """The pictures at `rate` a second; more often in a short clip, so that there are as many.

    Those of a span begin `lead` seconds before it. Reads the packets, and decodes everything if
    they don't say when pictures are shown: that may take a while. Raises ClipError if it is no
    video.
    """
    with_lead = Span(max(0.0, span.start - lead), span.end)
    clip = source.read(path, with_lead)
    return reel_of(clip, rate=rate, min_pictures=min_pictures, since=span.start)


def reel_of(clip: Source, *, rate: float, min_pictures: int = 1, since: float = 0.0) -> Reel:
    """As `open_reel`, of a clip whose packets were read; what is before `since` is its lead."""
    shown = clip.shown
    return Reel(
        clip,
        decoding.sound_timeline(clip) if shown is None else shown,
        is_guided=shown is not None,
        rate=rate,
        min_pictures=min_pictures,
        since=since,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass(Generic[Value]):
    """The result of one pass over a reel."""

    reel: Reel  # the one that was gone through: another one if the first turned out to be damaged
    values: dict[int, Value]  # by place, ascending
    content: ClipContent  # of all of the reel's pictures


class Reel:
    """Pictures of a clip, each at a place from 0 on; places and times never change.

    They are decoded anew for each pass, unless they are so few and so small that they are kept.
    """

    def __init__(  # noqa: PLR0913
        self,
        clip: Source,
        shown: Timeline,
        *,
        is_guided: bool,
        rate: float,
        min_pictures: int,
        since: float,
    ) -> None:
        """`is_guided` says that `shown` is of the packets, not of decoded frames."""
        self._clip, self._shown = clip, shown
        self._is_guided, self._rate, self._min_pictures = is_guided, rate, min_pictures
        self._numbers = shown.indices_at_rate(
            max(rate, min_pictures / shown.length) if shown.length else rate
        )
        self._kept: _Kept | None = None
        self._content: ClipContent | None = None  # of a span that was gone through
        self._held: Mapping[int, VideoFrame] = {}  # by place
        self._times = tuple(map(shown.seconds, self._numbers))
        self._since = since

    @property
    def times(self) -> tuple[float, ...]:
        """When the picture at each place comes up, in seconds since the clip's first frame."""
        return self._times

    @property
    def lead(self) -> int:
        """How many of the pictures are before the span; 0 if there are no others."""
        return bisect_left(self._times, self._since - SLACK) % len(self._times)

    @property
    def is_of_span(self) -> bool:
        """Whether it shows a part of a long recording."""
        return not self._clip.is_whole

    @property
    def is_still(self) -> bool:
        """Whether it is known by now that nothing moves in it."""
        return self._content is not None and self._content.pictures_different < MIN_PICTURES

    @property
    def pixel_aspect(self) -> PixelAspect:
        """What the header says of the shape of a stored pixel."""
        return self._clip.known.pixel_aspect

    @property
    def length(self) -> float:
        """Seconds that were recorded and could be read."""
        return self._shown.length

    @property
    def rate(self) -> float:
        """Pictures a second of the clip itself; 0 if all are of one moment."""
        return len(self._shown.ticks) / self.length if self.length else 0.0

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the uploader."""
        return tuple(clip_warnings.of(self._shown, self._clip))

    def map(
        self,
        function: Callable[[int, VideoFrame], Value],
        *,
        choose: Choose = lambda reel: range(len(reel.times)),
        hold: Choose = lambda _: (),
        only_new: bool = False,
    ) -> Pass[Value]:
        """Calls `function` with place and frame of the pictures that `choose` names.

        Where a picture turns out to be damaged, all of this is done with a reel of what decodes
        soundly instead: it is asked for its places, and `function` gets them from the first on.
        Raises ClipError if no picture can be read.

        Of a span of a long recording, the first pass decodes all pictures; later ones decode what
        it takes, without the pictures that the first one was asked to `hold`, and those where
        something moved, as far as there is room for them. A first pass for `only_new` pictures
        takes those that show what one before showed to have its value.
        """
        try:
            first = _First(self, function, choose, hold, only_new=only_new)
            return self._map(function, first)
        except DamagedError:
            anew = self._of_sound_frames()
            return anew.map(function, choose=choose, hold=hold, only_new=only_new)

    def _map(
        self, function: Callable[[int, VideoFrame], Value], first: _First[Value]
    ) -> Pass[Value]:
        places = first.places
        if self._kept:
            frames = self._kept.frames
            values = {place: function(place, frames[place]) for place in sorted(places)}
            return Pass(reel=self, values=values, content=self._kept.content)
        if self._content is not None:
            values = self._map_again(function, places)
            return Pass(reel=self, values=values, content=self._content)
        self._decode(range(len(self._numbers)), first.take)
        content = first.meter.read(
            pictures=len(self._shown.ticks), share_decoded=self._clip.known.share(self._shown)
        )
        if len(first.kept) == len(self._numbers):
            self._kept = _Kept(frames=first.kept, content=content)
        if self.is_of_span:
            self._content, self._held = content, first.held
        return Pass(reel=self, values=dict(sorted(first.values.items())), content=content)

    def _map_again(
        self, function: Callable[[int, VideoFrame], Value], places: Collection[int]
    ) -> dict[int, Value]:
        values: dict[int, Value] = {}
        held = deque(sorted(self._held.keys() & places))

        def give_held(before: int) -> None:
            while held and held[0] < before:
                place = held.popleft()
                values[place] = function(place, self._held[place])

        def take(place: int, frame: VideoFrame) -> None:
            give_held(before=place)
            if place in places and place not in values:
                values[place] = function(place, frame)

        try:
            self._decode(sorted(set(places) - self._held.keys()), take)
        except DamagedError:  # it takes more than the keyframe before: as the first pass did it
            self._decode(range(len(self._numbers)), take)
        give_held(before=len(self._numbers))
        return values

    def _decode(self, places: Sequence[int], take: Callable[[int, VideoFrame], None]) -> None:
        """Raises DamagedError."""
        place_of = {self._numbers[place]: place for place in places}

        def take_number(number: int, frame: VideoFrame) -> None:
            take(place_of[number], frame)

        if self._is_guided:
            decoding.take_guided(self._clip, self._shown, place_of, take_number)
        else:
            decoding.take_all(self._clip, self._shown, place_of, take_number)

    def _of_sound_frames(self) -> Reel:
        return Reel(
            self._clip,
            decoding.sound_timeline(self._clip),
            is_guided=False,
            rate=self._rate,
            min_pictures=self._min_pictures,
            since=self._since,
        )


class _First(Generic[Value]):
    """The first pass over a reel: what it takes of the pictures, and which of them it keeps."""

    def __init__(
        self,
        reel: Reel,
        function: Callable[[int, VideoFrame], Value],
        choose: Choose,
        hold: Choose,
        *,
        only_new: bool,
    ) -> None:
        self.places, self._hold = frozenset(choose(reel)), frozenset(hold(reel))
        self._function, self._only_new = function, only_new
        self._count, self._is_of_span = len(reel.times), reel.is_of_span
        self.meter: Meter = SpanMeter() if reel.is_of_span else ContentMeter()
        self.values: dict[int, Value] = {}  # by place
        self.kept: dict[int, VideoFrame] = {}  # all, if there is room
        self.held: dict[int, VideoFrame] = {}  # those that another pass is likely to need
        self._between: dict[int, VideoFrame] = {}  # since one was looked at
        self._of_shown: dict[int, Value] = {}  # by what is shown
        self._last: int | None = None  # what was shown

    def take(self, place: int, frame: VideoFrame) -> None:
        if _size(frame) * self._count <= _MAX_KEPT:
            self.kept[place] = frame
        elif self._is_of_span and self._only_new:
            self._between[place] = frame
        if place in self._hold and _size(frame) * len(self._hold) <= _MAX_KEPT:
            self.held[place] = frame
        if place not in self.places:
            self.meter.pass_by(frame)
            return
        shown = self.meter.look(frame)
        if self._only_new and shown in self._of_shown:
            self.values[place] = self._of_shown[shown]
        else:
            self.values[place] = self._function(place, frame)
        if self._only_new:
            self._of_shown[shown] = self.values[place]
        if shown != self._last:
            self._hold_between()
        self._between.clear()
        self._last = shown

    def _hold_between(self) -> None:
        """There something moved, so that somebody may be there."""
        for place, frame in self._between.items():
            room = _MAX_KEPT - _size(frame) * len(self._hold - self.held.keys())
            if _size(frame) * (1 + len(self.held)) <= room:
                self.held[place] = frame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """The result of an earlier pass, small enough to stay in memory."""

    frames: dict[int, VideoFrame]  # by place, all of them
    content: ClipContent


def _size(frame: VideoFrame) -> int:
    """Bytes."""
    return sum(plane.buffer_size for plane in frame.planes)
