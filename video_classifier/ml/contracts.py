"""What crosses the border of the library: specs, samples, tracks, outcomes, errors.

Plain values, without any framework. Times are seconds since the clip's first picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from math import inf, isfinite
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Integers = npt.NDArray[np.intp]

SHOPLIFTER = "shoplifter"
NON_SHOPLIFTER = "non_shoplifter"
LABELS = (NON_SHOPLIFTER, SHOPLIFTER)  # by the number a network is trained with: 0, 1

MIN_PICTURES = 8  # different ones that are enough to judge a clip by
MAX_RATE = 8.0  # pictures a second: people are followed, and cut out, in no more of them
MIN_RATE = 3.0  # pictures a second that it takes to see a movement …
_OFF_RATE = 0.05  # … of which a clip may lack so many: its frame rate is rounded
SLACK = 0.02  # seconds by which moments that mean the same frame may differ
MOST_SHADOWS = 2  # heads of versions that score along with the one in use
LEAD = 2.0  # seconds before a span in which people are already followed: a window of movement

MP4_CODECS = frozenset({"h264", "vp9", "av1"})  # which browsers play in an MP4


class ClipError(Exception):
    """The clip can't be analyzed, and its message, a sentence, tells the uploader why."""


class UnreadableError(Exception):
    """The file can't be read from where it is stored, which says nothing of the clip."""


class Stage(StrEnum):
    """What an analysis is busy with."""

    READING = "reading"
    FINDING = "finding"  # people, if the network looks at these
    CLASSIFYING = "classifying"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a clip, in seconds since the clip's first picture."""

    start: float = 0.0
    end: float | None = None  # None: to the end of the clip

    def __post_init__(self) -> None:
        if not (isfinite(self.start) and 0 <= self.start < self.until):
            msg = f"no span of a clip is from {self.start} to {self.end} s"
            raise ValueError(msg)

    @property
    def until(self) -> float:
        """Its end; infinity if that is the clip's."""
        return inf if self.end is None else self.end


WHOLE = Span()


class Region(StrEnum):
    """The part of the picture that a network looks at."""

    FRAME = "frame"  # all of it
    PERSON = "person"  # a square around one person, who is followed through the clip


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSpec:
    """A window's shape: the RGB frames that a network scores at once, and how far they are apart.

    With a rate, windows of `frames` / `rate` seconds begin every second of a track; without one,
    the frames are spread evenly over the track or clip.
    """

    frames: int = 16
    height: int = 128
    width: int = 128
    min_difference: float = 0.0  # to the frame before, in gray levels; 0: take any
    view: Region = Region.FRAME
    rate: float = 0.0  # pictures a second of a window; 0: spread evenly over what is looked at

    def __post_init__(self) -> None:
        if min(self.frames, self.height, self.width) < 1:
            msg = f"{self.frames} frames of {self.height} x {self.width} pixels are none"
            raise ValueError(msg)
        if not 0 <= self.min_difference < float("inf"):
            msg = f"no frame differs from another by {self.min_difference}"
            raise ValueError(msg)
        if not 0 <= self.rate <= MAX_RATE:
            msg = f"a window has 0 to {MAX_RATE:g} pictures a second, not {self.rate}"
            raise ValueError(msg)
        if self.rate and self.view is Region.FRAME:
            msg = "windows with a rate are of a person, not of whole frames"
            raise ValueError(msg)

    def sees_too_little(self, clip_rate: float) -> bool:
        """Whether a clip of so many pictures a second has too few for windows with a rate."""
        return bool(self.rate) and clip_rate < MIN_RATE - _OFF_RATE

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(frames, height, width, 3)."""
        return self.frames, self.height, self.width, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFacts:
    """What a video file is, by its container and its first decoded frame."""

    container: str  # "mp4", "mov", "avi", "mkv", "webm", "ts" …, from the content
    codec: str  # FFmpeg's name: "h264", "hevc", "mjpeg" …
    pixel_format: str  # FFmpeg's name: "yuv420p", "yuv420p10le" …
    width: int  # pixels as shown: the file's rotation is applied
    height: int
    rotation: int  # degrees clockwise that a player turns the stored picture: 0, 90, 180, 270
    frame_rate: float | None  # average frames per second, None if the file doesn't say
    duration: float  # seconds recorded, as the packets say; what decodes may be less
    size_bytes: int
    is_interlaced: bool = False  # its frames hold two fields, which browsers show as combs
    is_hdr: bool = False  # PQ or HLG, which ordinary screens show washed out
    keeps_time: bool = True  # players show each picture at its time: the file's clock is the clip's
    segment_spans: tuple[tuple[float, float], ...] = ()  # of a long recording; (): one piece
    created: float | None = None  # when it was recorded, as the file says: Unix time, in seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipContent:
    """Whether there is anything to judge in a clip: measured on the pictures that were decoded."""

    pictures: int  # of the whole clip that could be read
    pictures_different: int  # from each other by what they show, counted up to 16
    contrast: float  # standard deviation of a picture's gray levels, 0 to 127; the median picture's
    share_decoded: float  # of the pictures that the file should hold, 0 to 1; 1 if it doesn't say


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The frames taken from a clip, and when each was on screen."""

    images: Image  # (frames, height, width, 3) RGB, uint8, upright
    times: tuple[float, ...]  # seconds since the clip's first frame, pauses included; one a frame
    length: float  # seconds that were recorded and could be read
    warnings: tuple[str, ...] = ()  # sentences for the uploader
    previews: tuple[Image, ...] = ()  # the same frames in the clip's own shape, if asked for
    content: ClipContent | None = None  # None if it was not measured

    @property
    def rate(self) -> float:
        """Pictures a second of the clip, of the time that was recorded; 0 if not measured."""
        return self.content.pictures / self.length if self.content and self.length else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A network's input, and where in the clip it is from.

    Windows of a track, or of whole frames, come in order of time. Where a clip turns out to be
    damaged they come again, of what decodes soundly, from number 0 on.
    """

    number: int  # of those of its track, from 0
    start: float  # seconds, as of WindowScore
    end: float
    images: Image  # (frames, height, width, 3) RGB, uint8
    times: tuple[float, ...]  # seconds since the clip's first frame, one an image
    previews: tuple[
        Image, ...
    ] = ()  # whole frames in the clip's own shape, if asked for: all, or …
    track: int | None = None  # its number, from 1, and … the one in the middle; None: whole frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of the picture as players show it: 0 is its left or upper edge, 1 the other."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Somebody, followed through a clip. A returning person gets a new track."""

    times: tuple[float, ...]  # seconds since the clip's first frame, ascending
    boxes: tuple[Box, ...]  # where the person is at these times; smoothed, without gaps

    def at(self, seconds: float) -> Box | None:
        """The box at that time, interpolated linearly; None when out of view."""
        if not self.times[0] - SLACK <= seconds <= self.times[-1] + SLACK:
            return None
        sides = zip(*(astuple(box) for box in self.boxes), strict=True)
        return Box(
            **{
                field.name: float(np.interp(seconds, self.times, side))
                for field, side in zip(fields(Box), sides, strict=True)
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Crops:
    """A track's pictures, cut out for a network, and the windows that are cut of these."""

    track: Track
    images: Image  # (n, height, width, 3) RGB, uint8
    times: tuple[float, ...]  # seconds since the clip's first frame, one an image
    starts: tuple[int, ...] = (0,)  # the first image of each window
    frames: int  # of a window

    @property
    def windows(self) -> tuple[Image, ...]:
        """(frames, height, width, 3) each: views of the images, which windows share."""
        return tuple(self.images[start : start + self.frames] for start in self.starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowScore:
    """The score of one window. Times are seconds since the clip's first picture."""

    start: (
        float  # of the first picture; of frames that are spread out, of what they are spread over
    )
    end: float  # of the last one
    score: float  # 0 to 1, higher looks more like shoplifting
    others: tuple[float, ...] = ()  # of the heads in the shadow, which decide nothing
    clothing: float | None = None  # as of brightness.Appearance, 0 to 1; None: not measured
    light: float | None = None

    def __post_init__(self) -> None:
        if not (isfinite(self.start) and self.start <= self.end < float("inf")):
            msg = f"no window lasts from {self.start} to {self.end} s"
            raise ValueError(msg)
        if not 0 <= self.score <= 1:
            msg = f"the score {self.score} of a window is not from 0 to 1"
            raise ValueError(msg)
        if not all(0 <= score <= 1 for score in self.others):
            msg = f"the scores {self.others} of a window are not from 0 to 1"
            raise ValueError(msg)
        if not all(value is None or 0 <= value <= 1 for value in (self.clothing, self.light)):
            msg = f"a brightness of {self.clothing} or {self.light} is not from 0 to 1"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredTrack:
    """A track and the network's scores of it."""

    track: Track
    score: float  # 0 to 1, of its best candidate
    images: Image  # (frames, height, width, 3) RGB, uint8: the window that decided
    times: tuple[float, ...]  # seconds since the clip's first frame, one an image
    windows: tuple[WindowScore, ...] = ()  # all of the track, in order of time
    preview: Image | None = None  # the whole picture in the middle of that window, if asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A hint for a person to check, or none."""

    score: float  # 0 to 1, higher looks more like shoplifting
    threshold: float  # a score from here on is a hint

    @property
    def is_hint(self) -> bool:
        return self.score >= self.threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCandidate:
    """A run of windows of one track: an event if its score reaches the threshold.

    Times are seconds since the clip's first picture.
    """

    start: float  # of its first window
    end: float  # of its last one
    peak: float  # the middle of its best one
    score: float  # 0 to 1: the mean of its k best windows, k as on the model's card
    track: int | None = None  # its number; None if whole frames were scored


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A prediction or the reason why there is none, what it rests on, and how long it took.

    All of it is of the span that was analyzed, and times are seconds since the clip's first
    picture. The score of a clip is that of its best candidate, so that it is a hint exactly when it
    has an event.
    """

    prediction: Prediction | None  # None: the clip shows nothing that could be judged
    sample: Sample  # of whole frames: the window that decided
    seconds_reading: float
    seconds_classifying: float
    seconds_finding: float = 0.0
    no_result: str = ""  # without a prediction: why, and what to do, for the uploader
    view: Region = Region.FRAME  # what the network looks at
    candidates: tuple[EventCandidate, ...] = ()  # in order of time; none without a prediction
    windows: tuple[
        WindowScore, ...
    ] = ()  # of whole frames, in order of time; else tracks have them
    tracks: tuple[ScoredTrack, ...] = ()  # in order of appearance; track n is tracks[n - 1]
    tracks_found: int = 0  # more than `tracks` if there were too many to score
    detector_sha256: str = ""  # of the weights that found them; empty for whole frames
    model_sha256: str = ""  # of the weights that scored, as they were when they were loaded
    shadows: tuple[str, ...] = ()  # SHA-256 of the heads whose scores windows have as `others`

    def __post_init__(self) -> None:
        if fault := self._fault():
            raise ValueError(fault)

    def _fault(self) -> str:
        return self._fault_of_scores() or self._fault_of_shadows()

    def _fault_of_shadows(self) -> str:
        of_tracks = (each for track in self.tracks for each in track.windows)
        counts = {len(each.others) for each in (*self.windows, *of_tracks)}
        return "" if counts <= {len(self.shadows)} else "a window lacks the score of a shadow"

    def _fault_of_scores(self) -> str:
        if (self.prediction is None) != bool(self.no_result):
            return "an outcome is either a prediction or a reason why there is none"
        if self.prediction is None:
            scored = self.candidates or self.windows or self.tracks
            return "without a prediction no window or track is scored" if scored else ""
        if not self.candidates or self._highest.score != self.prediction.score:
            return f"the score {self.prediction.score} is not that of the best candidate"
        if self.tracks and self.windows:
            return "windows are of whole frames or of tracks"
        scores: dict[int | None, float] = {n: each.score for n, each in enumerate(self.tracks, 1)}
        if self._best_of_tracks != (scores or {None: self.prediction.score}):
            return "the scores of the tracks are not those of their best candidates"
        return ""

    @property
    def _highest(self) -> EventCandidate:
        """Of equal ones the first."""
        return max(self.candidates, key=lambda each: each.score)

    @property
    def _best_of_tracks(self) -> dict[int | None, float]:
        best: dict[int | None, float] = {}
        for each in self.candidates:
            best[each.track] = max(each.score, best.get(each.track, 0.0))
        return best

    @property
    def events(self) -> tuple[EventCandidate, ...]:
        """The candidates at or above the threshold, in order of time."""
        if self.prediction is None:
            return ()
        threshold = self.prediction.threshold
        return tuple(each for each in self.candidates if each.score >= threshold)

    @property
    def decided_by(self) -> int | None:
        """The number of the track whose score is the prediction's; None without tracks."""
        return self._highest.track if self.candidates else None

    @property
    def decider(self) -> ScoredTrack | None:
        """The track whose score is the clip's; None if a whole frame was scored, or nothing."""
        return None if self.decided_by is None else self.tracks[self.decided_by - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How the caller of an analysis follows it, and ends it."""

    on_stage: Callable[[Stage], None] = lambda _: None  # called before each stage
    check: Callable[[], None] = lambda: None  # called several times a second; ends it by raising


UNWATCHED = Progress()


class Predictor(Protocol):
    """Anything that turns a video file into an Outcome, or raises ClipError."""

    @property
    def name(self) -> str:
        """The model's folder in models_storage."""

    @property
    def sha256(self) -> str:
        """Of the weights, in hexadecimal."""

    def analyze(
        self,
        video: Path,
        *,
        span: Span = WHOLE,
        preview_width: int | None = None,
        progress: Progress = UNWATCHED,
    ) -> Outcome:
        """Reads `video` and scores it; previews are `preview_width` pixels wide, if asked for.

        Of a span of a long recording as much is decoded as it takes to judge it. A model of people
        looks `LEAD` seconds further back, so that tracks can be joined over its border. Raises
        ClipError, and what `progress.check` raises.
        """

    def score(self, images: Image) -> float:
        """0 to 1, of one input of the network: (frames, height, width, 3) RGB, uint8."""
