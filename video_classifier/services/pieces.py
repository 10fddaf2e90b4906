"""Analyzes a file segment by segment outside the queue, and joins what they come to."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

from video_classifier.ml.contracts import (
    WHOLE,
    ClipFacts,
    EventCandidate,
    Outcome,
    Prediction,
    Progress,
    ScoredTrack,
    Span,
    Track,
    UnreadableError,
    WindowScore,
)
from video_classifier.ml.serving import events
from video_classifier.services import following, segments
from video_classifier.services.candidates import middle
from video_classifier.services.conclusions import Stretch
from video_classifier.services.errors import Refused
from video_classifier.services.following import Piece
from video_classifier.services.sandbox import ChildPredictor, ScorerDiedError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """A segment with its outcome, which keeps no pictures."""

    span: Span
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joined:
    track: ScoredTrack
    candidates: tuple[EventCandidate, ...]


def analyze(video: Path, facts: ClipFacts, predictor: ChildPredictor) -> Outcome:
    """What the model makes of the file, as the site would join it.

    A segment that can't be analyzed leaves the others standing, and is named in the warnings.
    Raises Refused if that is so of all, and where there is only one ScorerDiedError, too.
    """
    spans = tuple(Span(start, end) for start, end in facts.segment_spans)
    if not spans:
        return _run(video, WHOLE, predictor, seconds=facts.duration)
    done: list[_Done] = []
    failed: list[Stretch] = []
    for span in spans:
        try:
            outcome = _run(video, span, predictor, seconds=span.until - span.start)
            done.append(_Done(span=span, outcome=_without_pictures(outcome, span)))
        except (Refused, ScorerDiedError) as error:
            reason = str(error) if isinstance(error, Refused) else segments.BROKE
            failed.append(Stretch(start=span.start, end=span.end, reason=reason))
    if not done:
        raise Refused(failed[0].reason)
    return _join(done, failed, best=predictor.card.best_windows)


def _run(video: Path, span: Span, predictor: ChildPredictor, *, seconds: float) -> Outcome:
    in_time = Progress(check=segments.deadline(seconds))
    try:
        return predictor.analyze(video, span=span, progress=in_time)
    except UnreadableError as error:
        raise Refused(segments.UNREADABLE) from error


def _without_pictures(outcome: Outcome, span: Span) -> Outcome:
    sample = replace(outcome.sample, images=outcome.sample.images[:0].copy(), previews=())
    tracks = (
        replace(
            each,
            track=_near_borders(each.track, span),
            images=each.images[:0].copy(),
            preview=None,
        )
        for each in outcome.tracks
    )
    return replace(outcome, sample=sample, tracks=tuple(tracks))


def _near_borders(track: Track, span: Span) -> Track:
    near = following.near_borders(track.times, span)
    return Track(
        times=tuple(track.times[at] for at in near), boxes=tuple(track.boxes[at] for at in near)
    )


def _join(done: Sequence[_Done], failed: Iterable[Stretch], *, best: int) -> Outcome:
    joined = list(_tracks(done, best))
    windows = tuple(chain.from_iterable(each.outcome.windows for each in done))
    of_tracks = chain.from_iterable(each.candidates for each in joined)
    found = sorted([*events.candidates(windows, best=best), *of_tracks], key=lambda c: c.start)
    highest = max(found, key=lambda each: each.score, default=None)
    scored = [each.outcome for each in done if each.outcome.prediction is not None]
    source = _holding(highest, scored) if highest else done[0].outcome
    warnings = chain(map(str, failed), *(each.outcome.sample.warnings for each in done))
    more_rows = sum(len(each.outcome.tracks) for each in done) - len(joined)
    return replace(
        source,
        prediction=_prediction(source, highest),
        sample=replace(source.sample, warnings=tuple(dict.fromkeys(warnings))),
        candidates=tuple(found),
        windows=windows,
        tracks=tuple(each.track for each in joined),
        tracks_found=sum(each.outcome.tracks_found for each in done) - more_rows,
        seconds_reading=sum(each.outcome.seconds_reading for each in done),
        seconds_finding=sum(each.outcome.seconds_finding for each in done),
        seconds_classifying=sum(each.outcome.seconds_classifying for each in done),
    )


def _prediction(source: Outcome, highest: EventCandidate | None) -> Prediction | None:
    if source.prediction is None or highest is None:
        return None
    return replace(source.prediction, score=highest.score)


def _holding(found: EventCandidate, outcomes: Sequence[Outcome]) -> Outcome:
    """The one with the window that is the candidate's peak."""
    return next(each for each in outcomes if found.peak in map(middle, _windows(each)))


def _windows(outcome: Outcome) -> Iterator[WindowScore]:
    yield from outcome.windows
    for track in outcome.tracks:
        yield from track.windows


def _tracks(done: Sequence[_Done], best: int) -> Iterator[_Joined]:
    """In order of their numbers."""
    pieces = (
        Piece(span=each.span, tracks=tuple(scored.track for scored in each.outcome.tracks))
        for each in done
    )
    numbers = chain.from_iterable(following.numbers(pieces))
    rows = chain.from_iterable(each.outcome.tracks for each in done)
    by_number = sorted(zip(numbers, rows, strict=True), key=itemgetter(0))
    for number, group in groupby(by_number, itemgetter(0)):
        yield _joined(number, [row for _, row in group], best)


def _joined(number: int, rows: Sequence[ScoredTrack], best: int) -> _Joined:
    windows = tuple(each for _, each in following.windows([row.windows for row in rows]))
    found = events.candidates(windows, best=best, track=number)
    first, last = rows[0].track, rows[-1].track
    track = Track(times=(first.times[0], last.times[-1]), boxes=(first.boxes[0], last.boxes[-1]))
    score = max(each.score for each in found)
    return _Joined(
        track=replace(rows[0], track=track, score=score, windows=windows), candidates=found
    )
