"""Makes results of recordings of hours as rows, without analyzing anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.utils import timezone

from video_classifier.ml.serving import no_result
from video_classifier.models import Analysis, Clip, Event, Segment, Track
from video_classifier.services import conclusions
from video_classifier.states import Prediction, Status, View

MINUTE = 60.0
SECONDS = 12  # of an event
THRESHOLD = 0.6
STILL = [0.3, 0.2, 0.5, 0.9]  # a box


def analyzed(
    clip: Clip,
    *,
    minutes: int,
    events: Mapping[float, float] | None = None,
    failed: Mapping[int, str] | None = None,
    nobody: Collection[int] = (),
    tracks: int = 1,
    boxes: int = 2,
    **fields: object,
) -> Analysis:
    """A finished analysis of a recording that is cut into minutes.

    `events` are scores by their first second; `failed` are reasons by the number of the segment;
    those in `nobody` show nobody. In all others `tracks` people pass, with so many boxes each.
    """
    events, failed = dict(sorted((events or {}).items())), failed or {}
    empty = {*nobody, *failed}
    is_empty = len(empty) == minutes
    analysis = Analysis.objects.create(
        clip=clip,
        **{
            "model": "standard",
            "status": Status.DONE,
            "view": View.PERSON,
            "threshold": THRESHOLD,
            "started_at": timezone.now(),
            "finished_at": timezone.now(),
            **_result(events, is_empty=is_empty),
            **fields,
        },
    )
    segments = Segment.objects.bulk_create(
        _segment(analysis, number, failed=failed, nobody=nobody) for number in range(1, minutes + 1)
    )
    if "warnings" not in fields:
        analysis.warnings = list(map(str, conclusions.failed_stretches(segments)))
        analysis.save()
    _follow(analysis, segments, events, empty=empty, tracks=tracks, boxes=boxes)
    return analysis


def _result(events: Mapping[float, float], *, is_empty: bool) -> dict[str, object]:
    if is_empty:
        return {
            "prediction": Prediction.NO_RESULT,
            "reason": no_result.NOBODY,
            "threshold": None,
        }
    score = max(events.values(), default=0.4)
    prediction = Prediction.HINT if events else Prediction.NO_HINT
    return {"prediction": prediction, "score": score, "decided_by": 1}


def _segment(
    analysis: Analysis, number: int, *, failed: Mapping[int, str], nobody: Collection[int]
) -> Segment:
    scored = {"score": 0.4, "threshold": THRESHOLD, "decided_by": 1}
    state: dict[str, object] = {"status": Status.DONE, **scored}
    if number in nobody:
        state = {"status": Status.DONE, "reason": no_result.NOBODY}
    if number in failed:
        state = {"status": Status.FAILED, "error": failed[number]}
    start = MINUTE * (number - 1)
    times = [start + 3.0 * n for n in range(20)]
    ended = {"worker": "one", "attempts": 1}
    return Segment(
        analysis=analysis,
        number=number,
        start=start,
        end=start + MINUTE,
        view=View.PERSON,
        frame_times=[] if number in failed else times,
        **ended | state,
    )


def _follow(
    analysis: Analysis,
    segments: list[Segment],
    events: Mapping[float, float],
    *,
    empty: Collection[int],
    tracks: int,
    boxes: int,
) -> None:
    rows: list[Track] = []
    found: list[tuple[Track, float, float]] = []
    for segment in segments:
        if segment.number in empty:
            continue
        in_it = [at for at in events if segment.start <= at < segment.start + MINUTE]
        starts = [segment.start + 5 + 3 * n for n in range(tracks)] + in_it
        for place, start in enumerate(starts, 1):
            score = events[start] if place > tracks else 0.1 + 0.3 * (segment.number % 7) / 7
            row = _track(analysis, segment, place, start=start, score=score, boxes=boxes)
            row.number = len(rows) + 1
            rows.append(row)
            if place > tracks:
                found.append((row, start, score))
    Track.objects.bulk_create(rows)
    Event.objects.bulk_create(
        Event(
            analysis=analysis,
            number=number,
            segment=row.segment,
            track=row,
            start=start,
            end=start + SECONDS,
            peak=start + SECONDS / 2,
            score=score,
        )
        for number, (row, start, score) in enumerate(found, 1)
    )
    if found:
        best = max(found, key=lambda each: each[2])
        Analysis.objects.filter(pk=analysis.pk).update(decided_by=best[0].number)
        analysis.refresh_from_db()


def _track(
    analysis: Analysis, segment: Segment, place: int, *, start: float, score: float, boxes: int
) -> Track:
    """Who stays where they are, with windows of 2 s, one a second; the middle one is the best."""
    middle = SECONDS // 2 - 1
    windows = [
        [start + n, start + n + 2, round(score * (1 if n == middle else 0.5), 4)]
        for n in range(SECONDS - 1)
    ]
    return Track(
        analysis=analysis,
        segment=segment,
        number_in_segment=place,
        score=score,
        times=[start + SECONDS * n / (boxes - 1) for n in range(boxes)],
        boxes=[STILL] * boxes,
        crop_times=[start + middle + 0.5 * n for n in range(4)],
        windows=windows,
    )
