"""A clip's pictures at an even rate, to be gone through as often as needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from av.video.frame import VideoFrame

from video_classifier.ml.contracts import ClipContent
from video_classifier.ml.video import clip_warnings, decoding, packets
from video_classifier.ml.video.content import ContentMeter
from video_classifier.ml.video.filters import PixelAspect
from video_classifier.ml.video.timeline import Timeline

_KEPT = 128 * 2**20  # bytes: half a minute of 640 x 480, 8 pictures a second

Seen = TypeVar("Seen")


class Reel:
    """A clip's pictures at an even rate, to be looked at one by one and as often as needed.

    They are decoded anew each time, unless they are so few and so small that they can be kept.
    Every look sees the same pictures at the same times. A clip that is short is looked at more
    often in a second, so that there are `least` pictures, if it has so many.
    """

    def __init__(self, path: Path, *, rate: float, least: int = 1) -> None:
        """Reads the packets, which may take a while. Raises ClipError if it is no video."""
        self._path = path
        self._rate = rate
        self._least = least
        self._packets = packets.read(path)
        self._shown: Timeline | None = None  # None until there has been a look
        self._places: dict[int, int] = {}  # of frames, by their numbers
        self._times: tuple[float, ...] = ()  # by place
        self._kept: dict[int, VideoFrame] = {}  # by their places
        self._meter = ContentMeter()

    @property
    def pixel_aspect(self) -> PixelAspect:
        """What the header says of the shape of a stored pixel."""
        return self._packets.pixel_aspect

    @property
    def times(self) -> tuple[float, ...]:
        """When each picture comes up, in seconds since the clip's first frame, pauses included.

        () before a look.
        """
        return self._times

    @property
    def length(self) -> float:
        """Seconds that were recorded and could be read."""
        return self._timeline.length

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the uploader."""
        return tuple(clip_warnings.of(self._timeline, self._packets))

    @property
    def content(self) -> ClipContent:
        """What there is to judge in these pictures."""
        return self._meter.read(
            pictures=len(self._timeline.ticks), share_decoded=self._packets.share(self._timeline)
        )

    def look(
        self,
        see: Callable[[int, VideoFrame], Seen],
        *,
        wants: Callable[[int], bool] = lambda _: True,
    ) -> dict[int, Seen]:
        """What `see` makes of the pictures, by their places from 0 on, that `wants` asks for.

        `see` gets the place and the frame; where damage is found, it is shown pictures again.
        Raises ClipError if none can be read.
        """
        places = [place for place in self._kept if wants(place)]
        if self._shown and len(places) == sum(map(wants, range(len(self._places)))):
            return {place: see(place, self._kept[place]) for place in sorted(places)}
        seen: dict[int, Seen] = {}

        def choose(shown: Timeline) -> list[int]:
            seen.clear()
            return self._lay_out(shown)

        def take(number: int, frame: VideoFrame) -> None:
            place = self._places[number]
            self._meter.add(frame)
            if _size(frame) * len(self._places) <= _KEPT:
                self._kept[place] = frame
            if wants(place):
                seen[place] = see(place, frame)

        decoding.decode(self._path, self._packets, take, choose)
        return dict(sorted(seen.items()))

    def _lay_out(self, shown: Timeline) -> list[int]:
        rate = max(self._rate, self._least / shown.length) if shown.length else self._rate
        numbers = shown.regularly(rate)
        self._shown = shown
        self._places = {number: place for place, number in enumerate(numbers)}
        self._times = tuple(map(shown.seconds, numbers))
        self._kept.clear()
        self._meter.restart()
        return numbers

    @property
    def _timeline(self) -> Timeline:
        if self._shown is None:
            msg = "nobody has looked at the clip yet"
            raise RuntimeError(msg)
        return self._shown


def _size(frame: VideoFrame) -> int:
    """Bytes."""
    return sum(plane.buffer_size for plane in frame.planes)
