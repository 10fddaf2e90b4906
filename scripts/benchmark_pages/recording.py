"""Fills in a recording of hours: its segments, the people who pass in some of them, the events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction

from video_classifier.ml.serving import no_result
from video_classifier.models import Analysis, Clip, Event, Segment, Track
from video_classifier.states import Prediction, Status, View

THRESHOLD = 0.5
BOXES_A_SECOND = 4
STILL = [0.3, 0.2, 0.5, 0.9]  # a box


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How much there is of it."""

    hours: float = 6.0
    segments: int = 720
    busy: int = 3  # people pass in one of so many segments, and there is an event in each of these
    people: int = 2  # who pass then

    @property
    def seconds(self) -> float:
        """Of a segment."""
        return self.hours * 3600 / self.segments

    @property
    def events(self) -> int:
        return -(-self.segments // self.busy)


@transaction.atomic
def write(clip: Clip, shape: Shape) -> Analysis:
    """The result of a clip that is not saved yet."""
    spans = [[n * shape.seconds, (n + 1) * shape.seconds] for n in range(shape.segments)]
    clip.duration, clip.segment_spans = shape.hours * 3600, spans
    clip.save()
    ended: dict[str, object] = {"view": View.PERSON, "status": Status.DONE}
    scored = ended | {"score": _score(6), "threshold": THRESHOLD, "decided_by": 1}
    nobody = ended | {"reason": no_result.NOBODY}
    analysis = Analysis.objects.create(
        clip=clip,
        model="i3d_person",
        prediction=Prediction.HINT,
        requested_by=clip.uploaded_by,
        queued_at=clip.uploaded_at,
        finished_at=clip.uploaded_at,
        tracks_found=shape.events * shape.people,
        **scored,
    )
    segments = Segment.objects.bulk_create(
        Segment(
            analysis=analysis,
            requested_by=clip.uploaded_by,
            number=place + 1,
            start=start,
            end=end,
            frame_times=[start + 3.0 * n for n in range(int((end - start) // 3))],
            **(scored if place % shape.busy == 0 else nobody),
        )
        for place, (start, end) in enumerate(spans)
    )
    tracks = Track.objects.bulk_create(_tracks(segments[:: shape.busy], shape))
    Event.objects.bulk_create(_events(tracks))
    return analysis


def _tracks(segments: Sequence[Segment], shape: Shape) -> Iterator[Track]:
    for place, segment in enumerate(segments):
        for number in range(1, shape.people + 1):
            score = _score(place) / number
            yield Track(
                analysis=segment.analysis,
                segment=segment,
                number=place * shape.people + number,
                number_in_segment=number,
                score=score,
                **_followed(segment.start, shape.seconds, score),
            )


def _followed(start: float, seconds: float, score: float) -> dict[str, list[object]]:
    """All the time, with windows of 2 s, one a second; the fifth is the best."""
    return {
        "times": [start + n / BOXES_A_SECOND for n in range(int(seconds * BOXES_A_SECOND))],
        "boxes": [STILL] * int(seconds * BOXES_A_SECOND),
        "crop_times": [start + 4 + n / 8 for n in range(16)],
        "windows": [
            [start + n, start + n + 2, round(score if n == 4 else score / 2, 4)]  # noqa: PLR2004
            for n in range(int(seconds) - 1)
        ],
    }


def _events(tracks: Sequence[Track]) -> Iterator[Event]:
    first = (track for track in tracks if track.number_in_segment == 1)
    for number, track in enumerate(first, 1):
        start = track.segment.start
        yield Event(
            analysis=track.analysis,
            number=number,
            segment=track.segment,
            track=track,
            start=start + 4,
            end=start + 6,
            peak=start + 5,
            score=track.score,
        )


def _score(place: int) -> float:
    """Of a segment: some are alike, and several are the highest."""
    return THRESHOLD + 0.4 * (place % 7) / 6
