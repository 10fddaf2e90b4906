"""What a camera's footage scored: the candidates that nobody calls thefts, and how long it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID

from video_classifier.models import Camera, CandidateScore, Feed, PlantedAct, ScoredTime
from video_classifier.services import planted_acts
from video_classifier.services.weights import Weights
from video_classifier.states import Verdict

DAY = 86_400.0  # seconds
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """What was scored of a camera in some time. Scores and recordings belong together."""

    seconds: float
    day_seconds: float  # what a day of this camera is
    recordings: int  # files, and live hours
    first_at: datetime | None  # None: nothing was scored
    last_at: datetime | None
    scores: Sequence[float]  # of candidates, in order of time
    of_recordings: Sequence[int]  # the number of the recording of each
    confirmed: int = 0  # candidates that are left out: people confirmed them
    planted: int = 0  # … or staff acted them

    @property
    def days(self) -> float:
        return self.seconds / self.day_seconds

    @property
    def hours(self) -> float:
        return self.seconds / HOUR.total_seconds()


def weights_of(camera: Camera) -> Weights | None:
    """Those that scored it last; of a camera that is watched live, with its model.

    None: nothing was scored yet.
    """
    found = ScoredTime.objects.filter(camera=camera, seconds__gt=0)
    model = Feed.objects.filter(camera=camera).values_list("model", flat=True).first()
    if model is not None:
        found = found.filter(model=model)
    row = found.order_by("-pk").values("model", "model_sha256", "detector_sha256").first()
    return Weights(**row) if row else None


def day_seconds(feed: Feed | None) -> float:
    """How long the camera is watched each day; all day if it isn't watched live."""
    return DAY if feed is None else length_of_day(feed.opens_at, feed.closes_at)


def length_of_day(opens: time | None, closes: time | None) -> float:
    """In seconds; of no hours a whole one."""
    if opens is None or closes is None:
        return DAY
    begins, ends = (
        timedelta(hours=each.hour, minutes=each.minute, seconds=each.second).total_seconds()
        for each in (opens, closes)
    )
    return (ends - begins) % DAY or DAY


def read(
    camera: Camera,
    weights: Weights,
    *,
    first: datetime | None = None,
    last: datetime | None = None,
) -> Footage:
    """Of recordings that begin, and of live hours that are, from `first` up to before `last`."""
    times = ScoredTime.objects.filter(weights.key, camera=camera, seconds__gt=0)
    scores = CandidateScore.objects.filter(weights.key, camera=camera)
    if first is not None:
        times, scores = times.filter(start__gte=first), scores.filter(started_at__gte=first)
    if last is not None:
        times = times.filter(start__lt=last)
    rows = list(times.order_by("start").values_list("clip", "is_live", "start", "seconds"))
    parts = _Recordings(rows)
    kept: list[tuple[float, int]] = []
    confirmed = planted = 0
    acts = list(PlantedAct.objects.filter(camera=camera))
    fields = ("score", "clip", "started_at", "ended_at", *_VERDICTS)
    for score, clip, start, end, *verdicts in scores.order_by("started_at").values_list(*fields):
        number = parts.number(clip, start)
        if number is None:
            continue
        if Verdict.CONFIRMED in verdicts:
            confirmed += 1
        elif planted_acts.meets(acts, start, end):
            planted += 1
        else:
            kept.append((score, number))
    return Footage(
        seconds=sum(seconds for *_, seconds in rows),
        day_seconds=day_seconds(Feed.objects.filter(camera=camera).first()),
        recordings=len(rows),
        first_at=rows[0][2] if rows else None,
        last_at=max(
            (start + timedelta(seconds=length) for *_, start, length in rows), default=None
        ),
        scores=[score for score, _ in kept],
        of_recordings=[number for _, number in kept],
        confirmed=confirmed,
        planted=planted,
    )


_VERDICTS = ("event__verdict", "live_event__clip__verdict")


class _Recordings:
    """Which of the recordings and live hours a candidate was seen in."""

    def __init__(self, rows: Iterable[tuple[UUID | None, bool, datetime, float]]) -> None:
        self._clips: dict[UUID, int] = {}
        self._hours: dict[datetime, int] = {}
        self._deleted: list[tuple[datetime, datetime, int]] = []
        for number, (clip, is_live, start, seconds) in enumerate(rows):
            if is_live:
                self._hours[start] = number
            elif clip is not None:
                self._clips[clip] = number
            else:
                self._deleted.append((start, start + timedelta(seconds=seconds), number))

    def number(self, clip: UUID | None, start: datetime) -> int | None:
        """None: it is of other footage."""
        if clip is not None:
            return self._clips.get(clip)
        return next(self._possible(start), None)

    def _possible(self, start: datetime) -> Iterator[int]:
        hour = start.replace(minute=0, second=0, microsecond=0)
        # What begins at the end of an hour may be counted, like its time, in the next one.
        yield from (self._hours[each] for each in (hour, hour + HOUR) if each in self._hours)
        yield from (number for begins, ends, number in self._deleted if begins <= start <= ends)
