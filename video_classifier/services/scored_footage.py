"""What a camera's footage scored: the candidates that nobody calls thefts, and how long it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from video_classifier.models import Activation, Camera, CandidateScore, Feed, PlantedAct, ScoredTime
from video_classifier.services import planted_acts
from video_classifier.services.weights import Weights
from video_classifier.states import SEEN

DAY = 86_400.0  # seconds
HOUR = timedelta(hours=1)
KEEP = timedelta(days=60)  # scores


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
    parts = Recordings(times.order_by("start").values_list(*TIMES))
    kept: list[tuple[float, int]] = []
    confirmed = planted = 0
    acts = list(PlantedAct.objects.filter(camera=camera))
    fields = ("score", "clip", "file", "started_at", "ended_at", *VERDICTS)
    found = scores.order_by("started_at").values_list(*fields)
    for score, clip, file, start, end, *verdicts in found.iterator():
        number = parts.number(clip, file, start)
        if number is None:
            continue
        if not SEEN.isdisjoint(verdicts):
            confirmed += 1
        elif planted_acts.meets(acts, start, end):
            planted += 1
        else:
            kept.append((score, number))
    return Footage(
        seconds=sum(each.seconds for each in parts.rows),
        day_seconds=day_seconds(Feed.objects.filter(camera=camera).first()),
        recordings=parts.count,
        first_at=parts.every[0].start if parts.every else None,
        last_at=max(
            (each.start + timedelta(seconds=each.seconds) for each in parts.every), default=None
        ),
        scores=[score for score, _ in kept],
        of_recordings=[number for _, number in kept],
        confirmed=confirmed,
        planted=planted,
    )


VERDICTS = ("verdict", "event__verdict", "live_event__clip__verdict")  # at most one isn't empty
TIMES = ("clip", "file", "is_live", "start", "seconds", "clip__recorded_at")


class Time(NamedTuple):
    """How long a recording, or an hour watched live, was scored: the columns TIMES."""

    clip: UUID | None
    file: str
    is_live: bool
    start: datetime
    seconds: float
    recorded_at: datetime | None

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    @property
    def has_no_time(self) -> bool:
        """A recording whose start is only when it was uploaded."""
        return self.clip is not None and self.recorded_at is None


class Recordings:
    """Which of the recordings and live hours a candidate was seen in.

    Each hour of a camera counts once: of one that was watched live, what a recording shows of it,
    and its candidates, are left out.
    """

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """`rows` have the columns TIMES, of time that was scored."""
        found = self.every = [Time(*each) for each in rows]
        self._clips: dict[UUID, int] = {}
        self._hours: dict[datetime, int] = {}
        self._files: dict[str, int] = {}
        self._known = {(each.clip, each.file) for each in found}
        self._unknown = {each.clip for each in found if each.has_no_time}
        live = {each.start for each in found if each.is_live}
        # Of each of `every`, what counts.
        self.counted = [each._replace(seconds=_seconds_beside(live, each)) for each in found]
        self.rows = [each for each in self.counted if each.seconds > 0]
        self.seconds: dict[int, float] = {}  # by the number of the recording
        for number, each in enumerate(self.rows):
            of_it = self._place(each, number)
            self.seconds[of_it] = self.seconds.get(of_it, 0.0) + each.seconds

    def _place(self, row: Time, number: int) -> int:
        """The number of its recording: an hour in which a version came into use is one."""
        if row.is_live:
            return self._hours.setdefault(row.start, number)
        if row.clip is not None:
            return self._clips.setdefault(row.clip, number)
        return self._files.setdefault(row.file, number)

    @property
    def count(self) -> int:
        return len(self.seconds)

    def show(self, start: datetime, end: datetime) -> bool:
        """Whether any is of that time. Of a live hour it isn't known which part was scored."""
        for each in self.every:
            length = HOUR if each.is_live else timedelta(seconds=each.seconds)
            if start < each.start + length and end > each.start:
                return True
        return False

    def has(self, clip: UUID | None, file: str) -> bool:
        """Whether that recording was scored; what is kept of live events is none."""
        return bool(clip or file) and (clip, file) in self._known

    def number(self, clip: UUID | None, file: str, start: datetime) -> int | None:
        """None: it is of other footage, or of an hour that was watched live as well."""
        hour = _hour(start)
        if (clip or file) and hour in self._hours and clip not in self._unknown:
            return None
        if clip is not None:
            return self._clips.get(clip)
        if file:
            return self._files.get(file)
        # What begins at the end of an hour may be counted, like its time, in the next one.
        return self._hours.get(hour, self._hours.get(hour + HOUR))


def _seconds_beside(live: Collection[datetime], row: Time) -> float:
    """How much of it lies in no hour that was watched live."""
    if row.is_live or row.has_no_time or not live:
        return row.seconds
    hour, both = _hour(row.start), 0.0
    while hour < row.end:
        if hour in live:
            both += (min(row.end, hour + HOUR) - max(row.start, hour)).total_seconds()
        hour += HOUR
    return max(0.0, row.seconds - both)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
