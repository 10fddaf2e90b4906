"""Turns stored tracks into what the result page draws and lists."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from video_classifier.ml.contracts import Box
from video_classifier.ml.contracts import Track as Motion
from video_classifier.models import Analysis, Track
from video_classifier.services import evidence
from video_classifier.services.candidates import JoinedTrack
from video_classifier.states import Prediction
from video_classifier.web.constants import NUMBER_ROOM
from video_classifier.web.results import ScoreReading, reading

FEW = 3  # tracks: the pictures of so many are shown at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A track as the page shows it."""

    track: Track  # of its rows the one whose pictures are shown
    times: list[float]  # of all rows; where two have been in the same stretch, of the later one
    boxes: list[list[float]]  # one a time
    reading: ScoreReading | None  # None without a threshold
    is_highest: bool  # the score of the clip is its
    is_open: bool  # its pictures are shown at once

    @property
    def is_hint(self) -> bool:
        """Whether its score is at or above the threshold."""
        return self.reading is not None and self.reading.is_hint

    @property
    def is_uncertain(self) -> bool:
        return self.tone == Prediction.UNCERTAIN

    @property
    def tone(self) -> Prediction:
        return Prediction.NO_HINT if self.reading is None else self.reading.tone

    @property
    def since(self) -> float:
        return self.times[0]

    @property
    def until(self) -> float:
        return self.times[-1]

    @property
    def motion(self) -> Motion:
        """The track as the library knows it, which says where somebody is at any moment."""
        return Motion(
            times=tuple(self.times),
            boxes=tuple(
                Box(left=left, top=top, right=right, bottom=bottom)
                for left, top, right, bottom in self.boxes
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A track's box in one picture; lengths are shares of the picture's."""

    number: int
    tone: Prediction
    left: float
    top: float
    width: float
    height: float

    @property
    def is_hint(self) -> bool:
        return self.tone == Prediction.HINT

    @property
    def is_uncertain(self) -> bool:
        return self.tone == Prediction.UNCERTAIN

    @property
    def room_above(self) -> bool:
        """Whether there is room above the box for the number, where it covers no person."""
        return self.top > NUMBER_ROOM


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A picture of the filmstrip, and the tracks in it."""

    time: float
    boxes: tuple[Drawn, ...]

    @property
    def who(self) -> str:
        """For those who can't see the boxes: " with track 1, track 2"."""
        tracks = ", ".join(f"track {box.number}" for box in self.boxes)
        return f" with {tracks}" if tracks else ""


def shown(analysis: Analysis, tracks: Iterable[JoinedTrack]) -> list[Shown]:
    """The highest score first."""
    by_score = sorted(tracks, key=lambda track: -track.row.score)
    return [_shown(analysis, track, are_few=len(by_score) <= FEW) for track in by_score]


def _shown(analysis: Analysis, track: JoinedTrack, *, are_few: bool) -> Shown:
    is_highest = track.number == analysis.decided_by
    times, boxes = _way(track.rows)
    return Shown(
        track=track.row,
        times=times,
        boxes=boxes,
        reading=reading(track.row.score, analysis.threshold, analysis.low),
        is_highest=is_highest,
        is_open=is_highest or are_few,
    )


def _way(rows: Sequence[Track]) -> tuple[list[float], list[list[float]]]:
    """The times and boxes of all rows, each time once."""
    times: list[float] = []
    boxes: list[list[float]] = []
    for row in reversed(rows):
        until = times[0] if times else inf
        kept = bisect_left(row.times, until)
        times, boxes = row.times[:kept] + times, row.boxes[:kept] + boxes
    return times, boxes


def film(analysis: Analysis, tracks: Sequence[Shown]) -> list[Frame]:
    """The frames that were looked at; the box of the highest score lies on top of the others."""
    motions = [(each, each.motion) for each in reversed(tracks)]
    return [
        Frame(
            time=time,
            boxes=tuple(
                _drawn(each, box)
                for each, motion in motions
                if (box := motion.at(time)) is not None
            ),
        )
        for time in analysis.frame_times
    ]


def box_of(track: Track, time: float, *, is_hint: bool) -> Drawn | None:
    """Of a track with an event, a hint or uncertain, in a picture; None where it isn't in view."""
    tone = Prediction.HINT if is_hint else Prediction.UNCERTAIN
    after = bisect_left(track.times, time)
    near = [at for at in (after - 1, after) if 0 <= at < len(track.times)]
    box = evidence.motion_of(track, only=near).at(time) if near else None
    return None if box is None else _box(track.number, box, tone)


def _drawn(shown: Shown, box: Box) -> Drawn:
    return _box(shown.track.number, box, shown.tone)


def _box(number: int, box: Box, tone: Prediction) -> Drawn:
    return Drawn(
        number=number,
        tone=tone,
        left=box.left,
        top=box.top,
        width=box.right - box.left,
        height=box.bottom - box.top,
    )
