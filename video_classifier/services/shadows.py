"""Keeps what versions in the shadow scored along: candidates as of any other weights."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter

from video_classifier.ml.contracts import EventCandidate, WindowScore
from video_classifier.ml.serving import events
from video_classifier.models import Analysis, Event, ModelVersion, Segment, Track
from video_classifier.services import candidate_scores, candidates, following
from video_classifier.services.appearances import Appearances
from video_classifier.services.candidate_scores import Found
from video_classifier.services.candidates import JoinedTrack
from video_classifier.services.weights import Weights
from video_classifier.states import Status

logger = logging.getLogger(__name__)

_LARGE = ("times", "boxes", "crop_times", "windows")  # columns of a track
WHOLE = "0"  # the number that whole pictures have in place of a track's


def record(analysis: Analysis, segments: Sequence[Segment], looks: Appearances) -> None:
    """Writes the scores of the candidates of each head that scored all segments along.

    To be called in the transaction that closes the analysis, when its tracks have their numbers.
    """
    done = [each for each in segments if each.status == Status.DONE]
    if not any(each.shadows for each in done):
        return
    heads = set.intersection(*(set(each.shadows) for each in done))
    of_store = ModelVersion.objects.filter(store=analysis.store_id, sha256__in=heads)
    rows = Track.objects.filter(analysis=analysis).defer(*_LARGE[:-1])
    tracks = list(rows) if heads else []
    events_of_it = analysis.events.select_related("track").order_by("-score", "number")
    became = list(events_of_it.defer(*(f"track__{name}" for name in _LARGE)))
    for version in of_store:
        weights = Weights(
            model=version.name,
            model_sha256=version.sha256,
            detector_sha256=analysis.detector_sha256,
        )
        found = list(_found(analysis, done, tracks, version.sha256))
        found = [replace(each, event=_shown(each.candidate, became)) for each in found]
        candidate_scores.record_recording(analysis, segments, found, looks, weights=weights)
    if any(each.shadows.keys() - heads for each in done):
        logger.info("a version scored only a part of analysis %s along", analysis.pk)


def _found(
    analysis: Analysis, segments: Sequence[Segment], tracks: Sequence[Track], head: str
) -> Iterator[Found]:
    best = candidates.best_windows(analysis)
    for each in _of_whole_pictures(segments, head, best):
        yield Found(candidate=each, event=None, track=None)
    given = {each.pk: each.shadows[head] for each in segments}
    in_order = sorted(tracks, key=attrgetter("number", "segment_id"))
    for number, of_it in groupby(in_order, attrgetter("number")):
        rows = tuple(of_it)
        scores = [given[row.segment_id].get(str(row.number_in_segment), []) for row in rows]
        scored = tuple(following.windows([*map(_scored, map(attrgetter("windows"), rows), scores)]))
        every = [window for _, window in scored]
        joined = JoinedTrack(
            rows=rows, scored=scored, candidates=events.candidates(every, best=best, track=number)
        )
        for each in joined.candidates:
            yield Found(candidate=each, event=None, track=joined.row_at(each))


def _shown(candidate: EventCandidate, became: Iterable[Event]) -> Event | None:
    """The event that shows the same: what people say of it holds for the candidate, too."""
    return next(
        (
            each
            for each in became
            if (each.track.number if each.track else None) == candidate.track
            and each.start < candidate.end
            and each.end > candidate.start
        ),
        None,
    )


def _of_whole_pictures(
    segments: Sequence[Segment], head: str, best: int
) -> tuple[EventCandidate, ...]:
    every = {
        (window.start, window.end): window
        for each in segments
        for window in _scored(each.windows, each.shadows[head].get(WHOLE, []))
    }
    return events.candidates(list(every.values()), best=best)


def _scored(windows: Sequence[Sequence[float]], scores: Sequence[float]) -> tuple[WindowScore, ...]:
    """The windows of a row, by another head."""
    pairs = zip(windows, scores, strict=True)
    return tuple(WindowScore(start=start, end=end, score=new) for (start, end, _), new in pairs)
