"""Ends analyses: joins what their segments came to, finds the events, and says what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, groupby
from operator import attrgetter
from uuid import UUID

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from video_classifier.ml.contracts import EventCandidate, Span
from video_classifier.ml.serving import no_result
from video_classifier.models import Analysis, Clip, Event, Segment, Track
from video_classifier.models.analyses import Result
from video_classifier.querysets import JobQuerySet
from video_classifier.services import (
    alerts,
    candidate_scores,
    candidates,
    evidence,
    following,
    jobs,
    reviews,
    shadows,
    thresholds,
)
from video_classifier.services.appearances import Appearances
from video_classifier.services.candidate_scores import Found
from video_classifier.services.candidates import JoinedTrack
from video_classifier.services.following import Piece
from video_classifier.services.moments import minutes
from video_classifier.services.thresholds import Thresholds
from video_classifier.states import Prediction, Stage, Status

REPLACED = (
    "The model was replaced while this clip was being analyzed, and its parts were "
    "scored by different ones. Choose “Analyze again”."
)
MISSING = "From {start} to {end} there is no result. {reason}"

ENDED = (Status.DONE, Status.FAILED)
_ROWS = 50  # tracks that are read at once
_Key = tuple[int, int]  # a segment, and the number of a track in it
Numbers = Mapping[_Key, int]  # of all tracks of an analysis; joined ones have the same
_MOST_TRACKS = 32_767  # that a column of small integers counts
_JUDGED = ("prediction", "threshold_origin", "low", "measure")  # beside what segments have, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Part of a recording that couldn't be analyzed: segments in a row, for the same reason."""

    start: float  # seconds since the clip's first picture
    end: float | None  # None: the clip's end
    reason: str

    def __str__(self) -> str:
        end = "the end" if self.end is None else minutes(self.end)
        return MISSING.format(start=minutes(self.start), end=end, reason=self.reason)


def lock(segments: JobQuerySet[Segment]) -> None:
    """Has whatever else moves segments of these analyses wait until this transaction ends.

    Their clips come first, as they do where a review is answered or a clip is trashed.
    """
    analyses = Analysis.objects.filter(pk__in=segments.order_by().values("analysis"))
    held = Clip.objects.filter(pk__in=analyses.order_by().values("clip"))
    list(held.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    list(analyses.select_for_update().order_by("pk").values_list("pk"))


def enter(segment: Segment, stage: Stage) -> None:
    """The analysis runs from its first segment on, and is busy with what a run began last.

    One that is paused stays so, though a run of it goes on to its end.
    """
    active = Analysis.objects.active().filter(pk=segment.analysis_id)
    since = Coalesce("started_at", Value(timezone.now()))
    active.update(status=Status.RUNNING, stage=stage, started_at=since)


def settle() -> None:
    """After segments were put back: those of paused analyses are paused.

    Analyses of which no segment has begun any more wait again.
    """
    jobs.pause(Segment.objects.of_paused_analyses())
    Analysis.objects.idle().update(status=Status.QUEUED, stage="", started_at=None)


def failed_stretches(segments: Iterable[Segment]) -> list[Stretch]:
    """Of segments in order of time."""
    found = groupby(segments, key=lambda each: each.error if each.status == Status.FAILED else "")
    return [_stretch(reason, list(group)) for reason, group in found if reason]


def _stretch(reason: str, segments: Sequence[Segment]) -> Stretch:
    return Stretch(start=segments[0].start, end=segments[-1].end, reason=reason)


def identify(segment: Segment, tracks: Sequence[Track] = ()) -> Numbers | None:
    """Who is who in a long recording of which all segments but this one have ended.

    `tracks` are the segment's own, which need not be written yet. Of hours it takes seconds to
    read and compare all boxes: it is to be done before anything is locked, and handed to
    `close_if_complete`. None if there is nothing to be found out yet.
    """
    every = Segment.objects.filter(analysis=segment.analysis_id).order_by("number")
    others = every.exclude(pk=segment.pk)
    if others.exclude(status__in=ENDED).exists() or not others.exists():
        return None
    rows = _with_boxes(segment.analysis_id).exclude(segment=segment)
    before = rows.filter(segment__number__lt=segment.number).iterator(chunk_size=_ROWS)
    after = rows.filter(segment__number__gt=segment.number).iterator(chunk_size=_ROWS)
    return _numbers(chain(before, tracks, after), list(every))


def close_if_complete(
    segment: Segment, known: Numbers | None = None, *, judged_by: Thresholds | None = None
) -> bool:
    """Closes the analysis if that was its last segment, by one conditional UPDATE; says if so.

    To be called in the transaction that has locked the analysis and ended the segment, with what
    `identify` found out before. Where that doesn't fit (two segments ended at the same moment) it
    is found out anew. `judged_by` are the thresholds of the live event that the clip was cut of;
    else those hold that its camera has by now.
    """
    analysis = Analysis.objects.unfinished().filter(pk=segment.analysis_id).first()
    if analysis is None or analysis.segments.exclude(status__in=ENDED).exists():
        return False
    segments = list(analysis.segments.order_by("number"))
    done = [each for each in segments if each.status == Status.DONE]
    if not done:
        return _end(analysis, status=Status.FAILED, error=segments[0].error)
    if len({_yardstick(each) for each in done if scored(each)}) > 1:
        return _end(analysis, status=Status.FAILED, error=REPLACED)
    found = _conclude(analysis, segments, done, known, judged_by)
    fields = (*(field.name for field in Result._meta.fields), *_JUDGED)  # noqa: SLF001
    results = {name: getattr(analysis, name) for name in fields}
    if not _end(analysis, status=Status.DONE, **results):
        return False
    events = Event.objects.bulk_create(each.event for each in found if each.event)
    looks = Appearances(analysis, segments)
    candidate_scores.record_recording(analysis, segments, found, looks)
    shadows.record(analysis, segments, looks)
    _forget_windows(segments)
    reviews.refresh(analysis.clip)
    if any(each.is_hint for each in events):
        alerts.beside(alerts.of_analysis, analysis)
    return True


def _forget_windows(segments: Sequence[Segment]) -> None:
    """What was kept of each window until its candidates were known."""
    held = [each.pk for each in segments if each.shadows or each.appearance]
    if held:
        Segment.objects.filter(pk__in=held).update(shadows={}, appearance={})


def scored(segment: Segment) -> bool:
    return segment.score is not None


def _yardstick(segment: Segment) -> tuple[object, ...]:
    """Scores are compared only where all of this is the same."""
    return segment.model_sha256, segment.detector_sha256, segment.threshold


def _conclude(
    analysis: Analysis,
    segments: Sequence[Segment],
    done: Sequence[Segment],
    known: Numbers | None,
    judged_by: Thresholds | None,
) -> list[Found]:
    """Gives the analysis its result, which isn't written yet; returns its candidates and events.

    With several segments, their tracks are joined and get their numbers.
    """
    _add_up(analysis, segments, done)
    best = candidates.best_windows(analysis)
    joined = candidates.joined(_tracks(segments, best, known), best=best)
    if len(segments) == 1:
        analysis.score, analysis.decided_by = done[0].score, done[0].decided_by
    else:
        analysis.score = candidates.score_of_whole_pictures(analysis)
        analysis.tracks_found -= sum(len(each.rows) - 1 for each in joined)
    found = candidates.among(analysis, joined)
    highest = max(found, key=lambda each: each.score, default=None)  # of equal ones the first
    if highest is not None and len(segments) > 1:
        analysis.score, analysis.decided_by = highest.score, highest.track
    _predict(analysis, done, judged_by)
    places = _Places(done, joined)
    analysis.frame_times = (places.segment_of(highest) if highest else done[0]).frame_times
    return _found(analysis, found, places)


def _add_up(analysis: Analysis, segments: Sequence[Segment], done: Sequence[Segment]) -> None:
    source = next(filter(scored, done), done[0])
    missing = map(str, failed_stretches(segments))
    warnings = chain(missing, *(each.warnings for each in done if not _is_gap(each, source)))
    windows = chain.from_iterable(each.windows for each in done)
    analysis.model_sha256, analysis.detector_sha256 = source.model_sha256, source.detector_sha256
    analysis.view, analysis.threshold = source.view, source.threshold
    analysis.tracks_found = min(sum(each.tracks_found for each in done), _MOST_TRACKS)
    analysis.windows = list({(start, end): [start, end, s] for start, end, s in windows}.values())
    analysis.warnings = list(dict.fromkeys(warnings))
    analysis.seconds_reading = sum(each.seconds_reading or 0.0 for each in done)
    analysis.seconds_finding = sum(each.seconds_finding or 0.0 for each in done)
    analysis.seconds_classifying = sum(each.seconds_classifying or 0.0 for each in done)


def _is_gap(segment: Segment, source: Segment) -> bool:
    """Whether its reason says all: beside scores, pages list it as a stretch without any."""
    return scored(source) and segment.reason not in {"", no_result.NOBODY}


def _predict(analysis: Analysis, done: Sequence[Segment], judged_by: Thresholds | None) -> None:
    """There is no result only if no segment has one, for the reason of the first."""
    if analysis.score is None or analysis.threshold is None:
        analysis.prediction, analysis.reason = Prediction.NO_RESULT, done[0].reason
        return
    judge = judged_by or thresholds.of_camera(
        analysis.clip.camera_id,
        model_sha256=analysis.model_sha256,
        detector_sha256=analysis.detector_sha256,
        card_threshold=analysis.threshold,
    )
    analysis.threshold, analysis.low = judge.high, judge.low
    analysis.threshold_origin, analysis.measure_id = judge.origin, judge.measure
    analysis.prediction = judge.prediction(analysis.score)


class _Places:
    """Where the peak of a candidate is."""

    def __init__(self, segments: Sequence[Segment], joined: Iterable[JoinedTrack]) -> None:
        self._segments = segments
        self._tracks = {track.number: track for track in joined}

    def row_of(self, found: EventCandidate) -> Track | None:
        """None if whole pictures were scored."""
        return None if found.track is None else self._tracks[found.track].row_at(found)

    def segment_of(self, found: EventCandidate) -> Segment:
        row = self.row_of(found)
        if row is not None:
            return next(each for each in self._segments if each.pk == row.segment_id)
        holding = (each for each in self._segments if _holds(each, found.peak))
        return next(holding, self._segments[0])


def _holds(segment: Segment, peak: float) -> bool:
    """Whether that is the middle of one of its windows."""
    return any(candidates.middle(each) == peak for each in candidates.windows(segment.windows))


def _found(analysis: Analysis, every: Sequence[EventCandidate], places: _Places) -> list[Found]:
    """With the rows of events to be written."""
    number = count(1)
    return [
        Found(
            candidate=each,
            track=places.row_of(each),
            event=_event(analysis, next(number), each, places)
            if _is_event(analysis, each)
            else None,
        )
        for each in every
    ]


def _is_event(analysis: Analysis, found: EventCandidate) -> bool:
    least = analysis.threshold if analysis.low is None else analysis.low
    return least is not None and found.score >= least


def _event(analysis: Analysis, number: int, found: EventCandidate, places: _Places) -> Event:
    return Event(
        analysis=analysis,
        number=number,
        segment=places.segment_of(found),
        track=places.row_of(found),
        start=found.start,
        end=found.end,
        peak=found.peak,
        score=found.score,
        is_hint=analysis.threshold is not None and found.score >= analysis.threshold,
    )


def _tracks(segments: Sequence[Segment], best: int, known: Numbers | None) -> list[Track]:
    """The rows of all tracks, without their boxes; of several segments joined and numbered."""
    rows = Track.objects.filter(analysis=segments[0].analysis_id)
    without_boxes = rows.defer("times", "boxes", "crop_times")
    if len(segments) == 1:
        return list(without_boxes)
    read = list(without_boxes.order_by("segment__number", "number_in_segment"))
    if known is None or known.keys() != set(map(_key, read)):
        found = _with_boxes(segments[0].analysis_id)
        known = _numbers(found.iterator(chunk_size=_ROWS), segments)
    for row in read:
        row.number = known[_key(row)]
    _give_scores(read, best)
    rows.update(number=F("number") + len(read))  # out of the way of the final ones
    Track.objects.bulk_update(read, ["number", "score"])
    return read


def _with_boxes(analysis: UUID) -> QuerySet[Track]:
    rows = Track.objects.filter(analysis=analysis).defer("crop_times", "windows")
    return rows.order_by("segment__number", "number_in_segment")


def _key(row: Track) -> _Key:
    return row.segment_id, row.number_in_segment


def _numbers(rows: Iterable[Track], segments: Sequence[Segment]) -> Numbers:
    """`rows` are in order of time; they are read one by one."""
    keys: list[_Key] = []
    pieces = _pieces(rows, {each.pk: Span(each.start, each.end) for each in segments}, keys)
    found = chain.from_iterable(following.numbers(pieces))
    return dict(zip(keys, found, strict=True))


def _pieces(rows: Iterable[Track], spans: Mapping[int, Span], keys: list[_Key]) -> Iterator[Piece]:
    """Adds to `keys` those of all rows of a piece."""
    for segment, group in groupby(rows, key=attrgetter("segment_id")):
        tracks = []
        for row in group:
            near = following.near_borders(row.times, spans[segment])
            tracks.append(evidence.motion_of(row, only=near))
            keys.append(_key(row))
        yield Piece(span=spans[segment], tracks=tuple(tracks))


def _give_scores(rows: Sequence[Track], best: int) -> None:
    """A track of several rows has the score of all its windows, in each of them."""
    number = attrgetter("number")
    for _, group in groupby(sorted(rows, key=number), number):
        of_it = list(group)
        if len(of_it) > 1:
            score = candidates.score(of_it, best=best)
            for row in of_it:
                row.score = score


def _end(analysis: Analysis, **changes: object) -> bool:
    unfinished = Analysis.objects.unfinished().filter(pk=analysis.pk)
    return bool(unfinished.update(finished_at=timezone.now(), stage="", **changes))
