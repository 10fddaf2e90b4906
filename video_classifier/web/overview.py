"""The score curve of a recording of hours: one line of all tracks, as far as the zoom shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest

from django.utils.functional import cached_property

from video_classifier.ml.contracts import EventCandidate, Span, WindowScore
from video_classifier.models import Analysis
from video_classifier.services import candidates
from video_classifier.services.gaps import Gap
from video_classifier.services.moments import minutes
from video_classifier.web import curve_layout as layout
from video_classifier.web.curves import (
    Curve,
    Key,
    Line,
    Row,
    Scored,
    as_json,
    digits_of,
    event_keys,
    name_of,
    up,
)
from video_classifier.web.envelope import COLUMNS, Numbered, envelope
from video_classifier.web.events import Marked
from video_classifier.web.results import ScoreReading
from video_classifier.web.times import from_to, in_words
from video_classifier.web.zoom import Zoom

NO_SCORE = "\N{EN DASH}"
MOST_PEAKS = 100  # that are marked, the strongest ones
MOST_GAPS = 50  # in words, the longest ones
MOST_TRACKS = 50  # in words, those with the highest scores
LEAST_WIDTH = 1 / 200  # of the chart: what is shorter could not be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A track that is in view in the stretch that is shown."""

    number: int
    times: tuple[float, float]  # of its windows, from and to
    reading: ScoreReading  # of the best of these


@dataclass(frozen=True, kw_only=True)
class Overview(Curve):
    """Its line has at each place the highest score of all tracks."""

    marked: tuple[Marked, ...]  # the events in the stretch, in order of time
    all_gaps: tuple[Gap, ...]  # in the stretch, in order of time
    tracks: tuple[Numbered, ...]  # in the stretch
    zoom: Zoom

    is_overview = True

    @property
    def line(self) -> Line:
        return self.lines[0]

    @property
    def is_empty(self) -> bool:
        return not self.line.levels

    @property
    def name(self) -> str:
        """Of the line."""
        return "Highest score at each moment" if self._of_tracks else "Whole picture"

    @property
    def _of_tracks(self) -> bool:
        return any(number is not None for number, _ in self.tracks)

    @property
    def summary(self) -> str:
        stretch = f"Scores from {from_to(self.since, self.until)}. "
        highest = "Nothing was scored. "
        if not self.is_empty:
            peak = minutes(self.line.peak)
            highest = f"The highest is {self.line.digits}, around {peak}. "
        events = f"{len(self.marked)} event{'' if len(self.marked) == 1 else 's'}. "
        gaps = len(self.all_gaps)
        missing = f"{gaps} stretch{'' if gaps == 1 else 'es'} without scores. " if gaps else ""
        return f"{stretch}{highest}{events}{missing}The threshold is {self.threshold:.2f}."

    @cached_property
    def events(self) -> list[EventCandidate]:
        return [each.candidate for each in self.marked]

    @property
    def has_lower_peaks(self) -> bool:
        return False

    @property
    def event_keys(self) -> list[Key]:
        named = [
            (each, f"Event {each.number}, {from_to(each.start, each.end)}") for each in self.marked
        ]
        return event_keys(named, self.threshold)

    @property
    def spans(self) -> list[layout.Span]:
        """Of the hints; those that would lie on each other are one."""
        hints = (each for each in self.marked if each.score >= self.threshold)
        return list(self._joined((each.start, each.end) for each in hints))

    @property
    def uncertain_spans(self) -> list[layout.Span]:
        others = (each for each in self.marked if each.score < self.threshold)
        return list(self._joined((each.start, each.end) for each in others))

    @property
    def gaps(self) -> list[layout.Span]:
        return list(self._joined((each.start, each.end) for each in self.all_gaps))

    def _joined(self, stretches: Iterable[tuple[float, float]]) -> Iterator[layout.Span]:
        found: layout.Span | None = None
        for start, end in sorted(stretches):
            span = self._span(start, end)
            if found is None or span.left > found.right:
                if found is not None:
                    yield found
                found = span
            else:
                found = layout.Span(left=found.left, right=max(found.right, span.right))
        if found is not None:
            yield found

    def _span(self, start: float, end: float) -> layout.Span:
        """On the chart, and wide enough to be seen."""
        left, right = (min(max(self.place(each), 0.0), 1.0) for each in (start, end))
        missing = max(LEAST_WIDTH - (right - left), 0.0)
        left = min(max(left - missing / 2, 0.0), 1.0 - LEAST_WIDTH)
        return layout.Span(left=left, right=max(right, left + LEAST_WIDTH))

    def _tops(self) -> Iterator[tuple[EventCandidate, float, int | None]]:
        for each in nlargest(MOST_PEAKS, self.marked, key=lambda event: event.score):
            if self.since <= each.peak <= self.until:
                score = self.line.score_at(each.peak)
                yield each.candidate, 1 - (each.score if score is None else score), each.number

    @property
    def moments(self) -> str:
        return as_json(sorted({up(each.peak) for each in self.marked}))

    @property
    def missing(self) -> str:
        """For js/curve.js: of each gap start, end, and why."""
        return as_json((up(gap.start), up(gap.end), gap.reason) for gap in self.all_gaps)

    @property
    def named_gaps(self) -> list[Gap]:
        """In order of time; of too many the longest."""
        longest = nlargest(MOST_GAPS, self.all_gaps, key=lambda gap: gap.length)
        return sorted(longest, key=lambda gap: gap.start)

    @property
    def gaps_in_words(self) -> str:
        """How many, and how long together; "" without any."""
        if not self.all_gaps:
            return ""
        seconds = sum(
            min(gap.end, self.until) - max(gap.start, self.since) for gap in self.all_gaps
        )
        return f"Without scores: {in_words(seconds)}"

    @property
    def rows(self) -> list[Row]:
        """The windows of the line and the gaps, in order of time."""
        seen = {(level.number, level.window): None for level in self.line.levels}
        rows = [
            Row(
                name=name_of(number),
                times=(window.start, window.end),
                digits=digits_of(window, self.threshold),
            )
            for number, window in seen
        ]
        rows += [
            Row(name="", times=(gap.start, gap.end), digits=NO_SCORE, reason=gap.reason)
            for gap in self.named_gaps
        ]
        return sorted(rows, key=lambda row: row.times)

    @property
    def left_out(self) -> int:
        return 0

    @cached_property
    def followed(self) -> list[Followed]:
        """The highest score first; of too many tracks the lower ones are left out."""
        numbered = ((number, windows) for number, windows in self.tracks if number and windows)
        every = (
            (max(each.score for each in windows), number, windows) for number, windows in numbered
        )
        return [
            Followed(
                number=number,
                times=(windows[0].start, windows[-1].end),
                reading=ScoreReading(score=score, threshold=self.threshold),
            )
            for score, number, windows in nlargest(MOST_TRACKS, every, key=lambda each: each[0])
        ]

    @property
    def tracks_in_view(self) -> int:
        return sum(bool(number and windows) for number, windows in self.tracks)


def overview_of(
    analysis: Analysis, zoom: Zoom, events: Sequence[Marked], gaps: Iterable[Gap]
) -> Overview | None:
    """Of a long recording; None without a threshold, as there is no result."""
    if analysis.threshold is None:
        return None
    whole = candidates.windows(analysis.windows)
    every: list[Numbered] = [(None, whole)] if whole else []
    every += candidates.scored_in(analysis, Span(zoom.since, zoom.until))
    return overview(every, zoom, events, gaps, threshold=analysis.threshold, low=analysis.low)


def overview(  # noqa: PLR0913
    scored: Iterable[Numbered],
    zoom: Zoom,
    events: Iterable[Marked],
    gaps: Iterable[Gap],
    *,
    threshold: float,
    low: float | None = None,
) -> Overview:
    since, until = zoom.since, zoom.until
    every = tuple(scored)
    tracks = tuple((number, _within(windows, since, until)) for number, windows in every)
    marked = tuple(each for each in events if each.end > since and each.start < until)
    drawn = envelope(every, since, until, columns=COLUMNS)
    line = Line(
        of=Scored(number=None, windows=tuple(level.window for level in drawn)),
        levels=drawn,
        events=tuple(each.candidate for each in marked),
        length=until - since,
        threshold=threshold,
        since=since,
    )
    return Overview(
        lines=(line,),
        candidates=tuple(each.candidate for each in marked),
        threshold=threshold,
        low=low,
        length=until - since,
        since=since,
        marked=marked,
        all_gaps=tuple(gap for gap in gaps if gap.end > since and gap.start < until),
        tracks=tracks,
        zoom=zoom,
    )


def _within(windows: Sequence[WindowScore], since: float, until: float) -> tuple[WindowScore, ...]:
    return tuple(each for each in windows if each.end > since and each.start < until)
