"""The event candidates of an analysis, found again in the window scores that are stored with it.

One rule serves the score curve, the page and the events that are written when an analysis closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter, itemgetter

from django.db.models import Q

from video_classifier.ml.contracts import LEAD, EventCandidate, Span, WindowScore
from video_classifier.ml.serving import events
from video_classifier.models import Analysis, Track
from video_classifier.services import confidence, following


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedTrack:
    """A track with its rows: one for each segment in which it was followed."""

    rows: tuple[Track, ...]  # in order of time
    scored: tuple[tuple[int, WindowScore], ...]  # its windows, each with the number of its row
    candidates: tuple[EventCandidate, ...]  # in order of time

    @property
    def number(self) -> int:
        return self.rows[0].number

    @property
    def windows(self) -> tuple[WindowScore, ...]:
        """In order of time."""
        return tuple(window for _, window in self.scored)

    @property
    def row(self) -> Track:
        """The one to be shown: that of its best candidate's peak, else the first."""
        best = max(self.candidates, key=lambda each: each.score, default=None)
        return self.row_at(best) if best else self.rows[0]

    def row_at(self, candidate: EventCandidate) -> Track:
        """The one that the candidate's peak is of."""
        peaks = (pair for pair in self.scored if middle(pair[1]) == candidate.peak)
        return self.rows[max(peaks, key=lambda pair: pair[1].score)[0]]


def windows(rows: Iterable[Sequence[float]]) -> tuple[WindowScore, ...]:
    """As a track or an analysis of whole pictures has them stored."""
    return tuple(WindowScore(start=start, end=end, score=score) for start, end, score in rows)


def middle(window: WindowScore) -> float:
    return (window.start + window.end) / 2


def of(analysis: Analysis) -> list[EventCandidate]:
    """By the rule that gave the score, in order of time; none of results without window scores.

    Without the card of the weights that scored, a candidate's score is that of its best window.
    """
    return among(analysis, tracks(analysis))


def among(analysis: Analysis, joined: Iterable[JoinedTrack]) -> list[EventCandidate]:
    """As `of`, of an analysis whose tracks are at hand."""
    whole = _whole(analysis, best_windows(analysis))
    found = [*whole, *(each for track in joined for each in track.candidates)]
    return sorted(found, key=lambda each: each.start)


def tracks(analysis: Analysis) -> list[JoinedTrack]:
    """In order of their numbers."""
    return joined(analysis.tracks.all(), best=best_windows(analysis))


def track(analysis: Analysis, number: int) -> JoinedTrack | None:
    """The one with that number, if there is one; its rows come without their boxes."""
    rows = analysis.tracks.filter(number=number).select_related("segment")
    found = joined(rows.defer("times", "boxes"), best=best_windows(analysis))
    return next(iter(found), None)


def deciding_track(analysis: Analysis) -> Track | None:
    """The row whose pictures decided: of the track whose score is the clip's; without its boxes."""
    found = None if analysis.decided_by is None else track(analysis, analysis.decided_by)
    return found.row if found else None


def shown_window(row: Track) -> WindowScore | None:
    """The window whose pictures are kept with a row; None of results from before there were any.

    A window begins where its first picture is on screen, and ends a little after the last came up.
    """
    if not row.crop_times:
        return None
    first, last = row.crop_times[0], row.crop_times[-1]
    return min(
        windows(row.windows),
        key=lambda each: abs(each.start - first) + abs(each.end - last),
        default=None,
    )


def scored_in(analysis: Analysis, span: Span) -> list[tuple[int, tuple[WindowScore, ...]]]:
    """Number and windows of each track that is followed in the segments of a stretch.

    In order of their numbers, by one query that loads no boxes. What the next segment followed in
    its lead belongs to the stretch, too.
    """
    meets = Q(segment__end=None) | Q(segment__end__gt=span.start)
    begins = Q() if span.end is None else Q(segment__start__lt=span.end + LEAD)
    rows = analysis.tracks.filter(meets & begins).order_by("number", "segment__number")
    by_number = groupby(rows.values_list("number", "windows"), key=itemgetter(0))
    return [(number, _windows_of([row for _, row in of_it])) for number, of_it in by_number]


def _windows_of(rows: Sequence[Sequence[Sequence[float]]]) -> tuple[WindowScore, ...]:
    """Of a track with so many rows, as they are stored."""
    return tuple(window for _, window in following.windows([windows(row) for row in rows]))


def moments(analysis: Analysis) -> list[float]:
    """When the pictures were on screen that the score comes from, in seconds."""
    decider = deciding_track(analysis)
    found: list[float] = decider.crop_times if decider else analysis.frame_times
    return found


def best_windows(analysis: Analysis) -> int:
    """How many windows make the score of a candidate."""
    card = confidence.card_of(analysis)
    return card.best_windows if card else 1


def joined(rows: Iterable[Track], *, best: int) -> list[JoinedTrack]:
    """The tracks of these rows, whose scores are known, in order of their numbers."""
    in_order = sorted(rows, key=attrgetter("number", "segment_id"))
    return [_joined(tuple(of_it), best) for _, of_it in groupby(in_order, attrgetter("number"))]


def _joined(rows: tuple[Track, ...], best: int) -> JoinedTrack:
    scored, found = _found(rows, best)
    given = tuple(_with_score(found, rows[0].score))
    return JoinedTrack(rows=rows, scored=scored, candidates=given)


def score(rows: Sequence[Track], *, best: int) -> float:
    """Of a track that has not got one yet as a whole: its best candidate's."""
    _, found = _found(rows, best)
    without_windows = max(row.score for row in rows)
    return max((each.score for each in found), default=without_windows)


def score_of_whole_pictures(analysis: Analysis) -> float | None:
    """The same of an analysis of these; None without windows."""
    found = events.candidates(windows(analysis.windows), best=best_windows(analysis))
    return max((each.score for each in found), default=None)


def _found(
    rows: Sequence[Track], best: int
) -> tuple[tuple[tuple[int, WindowScore], ...], tuple[EventCandidate, ...]]:
    scored = following.windows([windows(row.windows) for row in rows])
    every = [window for _, window in scored]
    return tuple(scored), events.candidates(every, best=best, track=rows[0].number)


def _whole(analysis: Analysis, best: int) -> Iterator[EventCandidate]:
    found = events.candidates(windows(analysis.windows), best=best)
    yield from _with_score(found, analysis.score or 0.0)


def _with_score(found: Sequence[EventCandidate], score: float) -> Iterator[EventCandidate]:
    """The best has exactly the score that was given, and no other a higher one.

    Stored window scores are rounded, so that the mean of them might be on the wrong side of the
    threshold.
    """
    best = max(found, key=lambda each: each.score, default=None)
    for each in found:
        yield replace(each, score=score if each is best else min(each.score, score))
