"""The event candidates of an analysis, found again in the window scores that are stored with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from video_classifier.ml.contracts import EventCandidate, WindowScore
from video_classifier.ml.serving import events
from video_classifier.models import Analysis
from video_classifier.services import confidence


def windows(rows: Iterable[Sequence[float]]) -> tuple[WindowScore, ...]:
    """As a track or an analysis of whole pictures has them stored."""
    return tuple(WindowScore(start=start, end=end, score=score) for start, end, score in rows)


def of(analysis: Analysis) -> list[EventCandidate]:
    """By the rule that gave the score, in order of time; none of results without window scores.

    Without the card of the weights that scored, a candidate's score is that of its best window.
    """
    card = confidence.card_of(analysis)
    best = card.best_windows if card else 1
    return sorted(_found(analysis, best), key=lambda each: each.start)


def _found(analysis: Analysis, best: int) -> Iterator[EventCandidate]:
    for track in analysis.tracks.all():
        found = events.candidates(windows(track.windows), best=best, track=track.number)
        yield from _with_score(found, track.score)
    whole = events.candidates(windows(analysis.windows), best=best)
    yield from _with_score(whole, analysis.score or 0.0)


def _with_score(found: Sequence[EventCandidate], score: float) -> Iterator[EventCandidate]:
    """The best has exactly the score that was given, and no other a higher one.

    Stored window scores are rounded, so that the mean of them might be on the wrong side of the
    threshold.
    """
    best = max(found, key=lambda each: each.score, default=None)
    for each in found:
        yield replace(each, score=score if each is best else min(each.score, score))
