"""What a camera's footage scored: the candidates that nobody calls thefts, and how long it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID

from video_classifier.models import Activation, Camera, CandidateScore, Feed, PlantedAct, ScoredTime
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

    Of that, the version that the store uses: even if it has only scored along so far. None:
    nothing was scored yet.
    """
    found = ScoredTime.objects.filter(camera=camera, seconds__gt=0).order_by("-pk")
    deciding = found.filter(is_shadow=False)
    model = Feed.objects.filter(camera=camera).values_list("model", flat=True).first()
    if model is None:
        last = deciding.values_list("model", flat=True).first()
        model = None if last is None else last.partition("@")[0]  # of a version
    if model is None:
        return None
    used = Activation.objects.filter(store=camera.store_id, model=model).select_related("version")
    newest = used.first()
    name = newest.version.name if newest and newest.version else model
    found = deciding.filter(model=model) if name == model else found.filter(model=name)
    row = found.values("model", "model_sha256", "detector_sha256").first()
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
    rows = list(times.order_by("start").values_list(*TIMES))
    parts = Recordings(rows)
    kept: list[tuple[float, int]] = []
    confirmed = planted = 0
    acts = list(PlantedAct.objects.filter(camera=camera))
    fields = ("score", "clip", "file", "started_at", "ended_at", *VERDICTS)
    found = scores.order_by("started_at").values_list(*fields)
    for score, clip, file, start, end, *verdicts in found.iterator():
        number = parts.number(clip, file, start)
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
        recordings=parts.count,
        first_at=rows[0][3] if rows else None,
        last_at=max(
            (start + timedelta(seconds=length) for *_, start, length in rows), default=None
        ),
        scores=[score for score, _ in kept],
        of_recordings=[number for _, number in kept],
        confirmed=confirmed,
        planted=planted,
    )


VERDICTS = ("verdict", "event__verdict", "live_event__clip__verdict")  # at most one isn't empty
TIMES = ("clip", "file", "is_live", "start", "seconds")


class Recordings:
    """Which of the recordings and live hours a candidate was seen in."""

    def __init__(self, rows: Iterable[tuple[UUID | None, str, bool, datetime, float]]) -> None:
        """`rows` have the columns TIMES."""
        self._clips: dict[UUID, int] = {}
        self._hours: dict[datetime, int] = {}
        self._files: dict[str, int] = {}
        for number, (clip, file, is_live, start, _) in enumerate(rows):
            if is_live:
                self._hours.setdefault(start, number)
            elif clip is not None:
                self._clips[clip] = number
            else:
                self._files[file] = number

    @property
    def count(self) -> int:
        """An hour in which a version came into use is one."""
        return len(self._clips) + len(self._hours) + len(self._files)

    def number(self, clip: UUID | None, file: str, start: datetime) -> int | None:
        """None: it is of other footage."""
        if clip is not None:
            return self._clips.get(clip)
        if file:
            return self._files.get(file)
        hour = start.replace(minute=0, second=0, microsecond=0)
        # What begins at the end of an hour may be counted, like its time, in the next one.
        return self._hours.get(hour, self._hours.get(hour + HOUR))
