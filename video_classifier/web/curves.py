"""Turns stored window scores into the score curve below the player."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Protocol

from django.utils.functional import cached_property

from video_classifier.ml.contracts import EventCandidate, WindowScore
from video_classifier.models import Analysis
from video_classifier.services import candidates
from video_classifier.services.candidates import JoinedTrack
from video_classifier.services.moments import minutes
from video_classifier.web import curve_layout as layout
from video_classifier.web.levels import Level, area, leading, levels, path
from video_classifier.web.results import ScoreReading
from video_classifier.web.times import from_to

MOST_ROWS = 600  # of the table
HINT, UNCERTAIN = "possible shoplifting", "uncertain"  # what an event is, in the legend
MOST_NAMED = 6  # in the legend, of tracks and of events


def name_of(track: int | None) -> str:
    return f"Track {track}" if track else "Whole picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What a line is drawn from."""

    number: int | None  # of the track; None: the whole picture
    windows: tuple[WindowScore, ...]  # in order of time

    @property
    def name(self) -> str:
        return name_of(self.number)

    @property
    def best(self) -> WindowScore:
        """Of equal ones the first."""
        return max(self.windows, key=lambda each: each.score)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The scores of one track, or of the whole picture."""

    of: Scored
    levels: tuple[Level, ...]
    events: tuple[EventCandidate, ...]  # its own
    length: float  # of the chart, in seconds
    threshold: float
    since: float = 0.0  # the chart's left edge, in seconds

    @property
    def path(self) -> str:
        return path(self.levels, self.length, self.since)

    @property
    def area(self) -> str:
        return area(self.levels, self.length, self.since)

    @property
    def digits(self) -> str:
        """Of its highest score."""
        return digits_of(self.of.best, self.threshold)

    @property
    def peak(self) -> float:
        return (self.of.best.start + self.of.best.end) / 2

    @property
    def readings(self) -> str:
        """For js/curve.js: of each level start, end, score, its digits, 1 if it is of an event.

        Where the line is of several tracks, also the name of its own.
        """
        return as_json(
            (
                *(up(level.start), up(level.end), level.score),
                *(digits_of(level.window, self.threshold), int(self._in_event(level))),
                *([name_of(level.number).lower()] if level.number else []),
            )
            for level in self.levels
        )

    @property
    def has_hint(self) -> bool:
        return any(each.score >= self.threshold for each in self.events)

    def score_at(self, seconds: float) -> float | None:
        return next((level.score for level in self.levels if level.holds(seconds)), None)

    def _in_event(self, level: Level) -> bool:
        window, track = level.window, level.number or self.of.number
        return any(
            each.start <= window.start and window.end <= each.end
            for each in self.events
            if each.track == track
        )


class HasScore(Protocol):
    @property
    def score(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A window in the table, or a stretch without one."""

    name: str
    times: tuple[float, float]  # from, to
    digits: str
    reason: str = ""  # why a stretch has no scores, a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An entry of the legend: what is drawn so that it stands for."""

    words: str
    is_hint: bool  # uncertain, if not


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The scores of a clip over its time. Lengths are shares of the chart's, times are seconds."""

    lines: tuple[Line, ...]  # the one that decided is the last, so that it lies on top
    candidates: tuple[EventCandidate, ...]
    threshold: float
    length: float  # seconds
    since: float = 0.0  # the chart's left edge, in seconds
    low: float | None = None  # from here to the threshold: uncertain

    is_overview = False  # one line of several tracks

    @property
    def until(self) -> float:
        return self.since + self.length

    @property
    def summary(self) -> str:
        """For those who can't see it."""
        of, peak = self.highest.of, minutes(self.highest.peak)
        return (
            f"{of.name} has the highest score, {self.highest.digits}, around {peak} of "
            f"{minutes(self.length)}. The threshold is {self.threshold:.2f}."
        )

    @property
    def highest(self) -> Line:
        return self.lines[-1]

    @property
    def others(self) -> list[Scored]:
        """All but the one that decided, in order of their numbers."""
        return sorted((line.of for line in self.lines[:-1]), key=lambda each: each.number or 0)

    @property
    def names_others(self) -> bool:
        return len(self.others) <= MOST_NAMED

    @property
    def events(self) -> list[EventCandidate]:
        least = self.threshold if self.low is None else self.low
        return [each for each in self.candidates if each.score >= least]

    @property
    def hints(self) -> list[EventCandidate]:
        """The events without uncertain ones."""
        return [each for each in self.events if each.score >= self.threshold]

    @property
    def has_lower_peaks(self) -> bool:
        return len(self.events) < len(self.candidates)

    @property
    def event_keys(self) -> list[Key]:
        named = [(each, f"Event, {from_to(each.start, each.end)}") for each in self.events]
        return event_keys(named, self.threshold)

    @property
    def threshold_top(self) -> float:
        return 1 - self.threshold

    @property
    def low_top(self) -> float | None:
        return None if self.low is None else 1 - self.low

    @cached_property
    def threshold_label(self) -> layout.ThresholdLabel:
        spans = [
            layout.Span(
                left=self.place(level.start), right=self.place(level.end), top=1 - level.score
            )
            for line in self.lines
            for level in line.levels
        ]
        return layout.ThresholdLabel(threshold=self.threshold, spans=spans, peaks=self.peaks)

    @property
    def ticks(self) -> list[layout.Tick]:
        return layout.ticks(self.length, self.since)

    def place(self, seconds: float) -> float:
        return (seconds - self.since) / self.length

    @property
    def spans(self) -> list[layout.Span]:
        """Of the hints."""
        return [self._span_of(each) for each in self.hints]

    @property
    def uncertain_spans(self) -> list[layout.Span]:
        """Of the other events."""
        return [self._span_of(each) for each in self.uncertain]

    @property
    def uncertain(self) -> list[EventCandidate]:
        return [each for each in self.events if each.score < self.threshold]

    def _span_of(self, event: EventCandidate) -> layout.Span:
        return layout.Span(left=self.place(event.start), right=self.place(event.end))

    @cached_property
    def peaks(self) -> list[layout.Peak]:
        return layout.peaks(self._tops(), self.length, self.since)

    def _tops(self) -> Iterator[tuple[EventCandidate, float, int | None]]:
        """A candidate's score is the mean of several windows; its peak is on the line."""
        lines = {line.of.number: line for line in self.lines}
        for each in self.candidates:
            score = lines[each.track].score_at(each.peak)
            yield each, 1 - (each.score if score is None else score), each.track

    @property
    def stops(self) -> str:
        """For js/curve.js: where the levels begin that are the highest in their middle."""
        every = (level for line in self.lines for level in line.levels)
        return as_json(sorted({up(level.stop or level.start) for level in leading(every)}))

    @property
    def moments(self) -> str:
        """For js/curve.js: the peaks of the event candidates."""
        return as_json(sorted({up(each.peak) for each in self.candidates}))

    @property
    def rows(self) -> list[Row]:
        """The line that decided first, each in order of time; of too many the highest scores."""
        every = [(line.of, window) for line in reversed(self.lines) for window in line.of.windows]
        by_score = sorted(range(len(every)), key=lambda at: -every[at][1].score)
        return [self._row(*every[at]) for at in sorted(by_score[:MOST_ROWS])]

    def _row(self, of: Scored, window: WindowScore) -> Row:
        times = (window.start, window.end)
        return Row(name=of.name, times=times, digits=digits_of(window, self.threshold))

    @property
    def left_out(self) -> int:
        """Windows that the table has no row for."""
        return max(0, sum(len(line.of.windows) for line in self.lines) - MOST_ROWS)


def curve_of(analysis: Analysis, tracks: Sequence[JoinedTrack] | None = None) -> Curve | None:
    """Of a stored analysis; None if it has none, as those from before window scores were kept.

    `tracks` are its own, where they are at hand.
    """
    tracks = candidates.tracks(analysis) if tracks is None else tracks
    scored = [
        Scored(number=None, windows=candidates.windows(analysis.windows)),
        *(Scored(number=each.number, windows=each.windows) for each in tracks),
    ]
    return drawn(
        scored,
        candidates.among(analysis, tracks),
        threshold=analysis.threshold,
        low=analysis.low,
        duration=analysis.clip.duration,
        decided_by=analysis.decided_by,
    )


def drawn(  # noqa: PLR0913
    scored: Iterable[Scored],
    found: Sequence[EventCandidate],
    *,
    threshold: float | None,
    duration: float | None,
    decided_by: int | None,
    low: float | None = None,
) -> Curve | None:
    """The curve; None if it would say no more than the scores do, as no line has two windows."""
    kept = [each for each in scored if each.windows]
    if threshold is None or all(len(each.windows) == 1 for each in kept):
        return None
    kept.sort(key=lambda each: (each.number == decided_by, each.best.score))
    length = max(duration or 0.0, *(each.windows[-1].end for each in kept))
    curve = Curve(lines=(), candidates=tuple(found), threshold=threshold, length=length, low=low)
    lines = (
        Line(
            of=each,
            levels=levels(each.windows),
            events=tuple(event for event in curve.events if event.track == each.number),
            length=length,
            threshold=threshold,
        )
        for each in kept
    )
    return replace(curve, lines=tuple(lines))


def event_keys(named: Sequence[tuple[HasScore, str]], threshold: float) -> list[Key]:
    """An entry for each event, with its name; of too many one for each kind."""
    if len(named) <= MOST_NAMED:
        return [_key(name, is_hint=each.score >= threshold) for each, name in named]
    hints = sum(each.score >= threshold for each, _ in named)
    counts = ((hints, True), (len(named) - hints, False))
    return [
        _key(f"{count} event{'' if count == 1 else 's'}", is_hint=is_hint)
        for count, is_hint in counts
        if count
    ]


def _key(name: str, *, is_hint: bool) -> Key:
    return Key(words=f"{name}: {HINT if is_hint else UNCERTAIN}", is_hint=is_hint)


def digits_of(window: WindowScore, threshold: float) -> str:
    return ScoreReading(score=window.score, threshold=threshold).digits


def up(seconds: float) -> float:
    """To the millisecond, and never to before it: there the picture before is on screen."""
    return ceil(round(1000 * seconds, 3)) / 1000


def as_json(values: Iterable[object]) -> str:
    return json.dumps(list(values), separators=(",", ":"))
