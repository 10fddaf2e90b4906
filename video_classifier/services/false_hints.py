"""False hints of a camera a day, and what of planted acts was noticed. docs/camera-measure.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from video_classifier.ml.measures.poisson import Rate
from video_classifier.models import Camera, CandidateScore, Feed, PlantedAct, Review, ScoredTime
from video_classifier.services import planted_acts, scored_footage
from video_classifier.services.figures import Proportion, proportion
from video_classifier.services.scored_footage import TIMES, VERDICTS, Recordings
from video_classifier.services.weights import Weights
from video_classifier.states import Answer, Verdict

LOOKED_BACK = timedelta(days=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseHints:
    """Of a camera, in the time that was scored."""

    seconds: float
    day_seconds: float
    recordings: int  # files, and live hours
    false_alarms: int  # hints that people call so
    confirmed: int
    open: int  # … that nobody has answered, or on which answers don't agree

    @property
    def days(self) -> float:
        return self.seconds / self.day_seconds

    @property
    def rate(self) -> Rate | None:
        """A camera-day, of those that people call false alarms; None: nothing was scored."""
        return self._rate(self.false_alarms)

    @property
    def most_rate(self) -> Rate | None:
        """The same with those that are open: an upper bound."""
        return self._rate(self.most)

    def _rate(self, count: int) -> Rate | None:
        if not self.seconds:
            return None
        return Rate(count=count, days=self.days, recordings=self.recordings)

    @property
    def most(self) -> int:
        """False hints there may be, as long as not all are answered."""
        return self.false_alarms + self.open


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """What became of the acts that staff planted; those in time that wasn't scored don't count."""

    acts: int
    as_hints: int
    as_uncertain: int
    not_scored: int

    @property
    def recall(self) -> Proportion | None:
        return proportion(self.as_hints, self.acts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    weights: Weights
    since: datetime
    hints: FalseHints
    planted: Noticed
    misses: int  # stretches that people declared missed

    @property
    def most_recall(self) -> Proportion | None:
        """An upper bound: what nobody noticed is in no count."""
        if not self.misses:
            return None
        return proportion(self.hints.confirmed, self.hints.confirmed + self.misses)


def of_camera(
    camera: Camera, weights: Weights, *, now: datetime, length: timedelta = LOOKED_BACK
) -> Found:
    """Of what these weights scored in that time, up to `now`."""
    since = now - length
    acts = list(PlantedAct.objects.filter(camera=camera, started_at__gte=since))
    scored = ScoredTime.objects.filter(weights.key, camera=camera, start__gte=since, seconds__gt=0)
    parts = Recordings(scored.filter(is_shadow=False).values_list(*TIMES))
    seen = list(_seen(camera, weights, since, parts))
    return Found(
        weights=weights,
        since=since,
        hints=_hints(camera, parts, [each for each in seen if each.is_hint], acts),
        planted=_noticed(parts, seen, acts),
        misses=_misses(camera, weights, since),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A candidate that became an event."""

    start: datetime
    end: datetime
    is_hint: bool
    verdict: str


def _seen(camera: Camera, weights: Weights, since: datetime, parts: Recordings) -> Iterator[_Seen]:
    """In time that counts. Of the live ones the answers are those to their clips."""
    found = CandidateScore.objects.filter(weights.key, camera=camera, started_at__gte=since)
    became = Q(is_hint=True) | Q(event__isnull=False) | Q(live_event__isnull=False)
    events = found.filter(became, is_shadow=False).values_list(
        *("clip", "file", "started_at", "ended_at"),
        *("is_hint", "event__is_hint", "live_event__is_hint"),
        *VERDICTS,
    )
    for clip, file, start, end, was_hint, of_event, of_live, *verdicts in events:
        if parts.number(clip, file, start) is not None:
            verdict = next(filter(None, verdicts), "")
            is_hint = bool(was_hint or of_event or of_live)
            yield _Seen(start=start, end=end, is_hint=is_hint, verdict=verdict)


def _hints(
    camera: Camera, parts: Recordings, hints: Sequence[_Seen], acts: Sequence[PlantedAct]
) -> FalseHints:
    """Without those of planted acts, which are neither false nor anybody's theft."""
    own = [each for each in hints if not planted_acts.meets(acts, each.start, each.end)]
    verdicts = [each.verdict for each in own]
    decided = {Verdict.CONFIRMED, Verdict.FALSE_ALARM}
    return FalseHints(
        seconds=sum(each.seconds for each in parts.rows),
        day_seconds=scored_footage.day_seconds(Feed.objects.filter(camera=camera).first()),
        recordings=parts.count,
        false_alarms=verdicts.count(Verdict.FALSE_ALARM),
        confirmed=verdicts.count(Verdict.CONFIRMED),
        open=sum(each not in decided for each in verdicts),
    )


def _noticed(parts: Recordings, seen: Sequence[_Seen], acts: Sequence[PlantedAct]) -> Noticed:
    counted = [act for act in acts if parts.show(act.started_at, act.ended_at)]
    as_hints = as_uncertain = 0
    for act in counted:
        near = [each for each in seen if planted_acts.is_near(act, each.start, each.end)]
        as_hints += any(each.is_hint for each in near)
        as_uncertain += bool(near) and not any(each.is_hint for each in near)
    return Noticed(
        acts=len(counted),
        as_hints=as_hints,
        as_uncertain=as_uncertain,
        not_scored=len(acts) - len(counted),
    )


def _misses(camera: Camera, weights: Weights, since: datetime) -> int:
    """Stretches, however many people marked each."""
    marks = Review.objects.standing().filter(
        answer=Answer.MISSED, at__gte=since, clip__camera=camera, model=weights.model
    )
    marked: dict[UUID, float] = {}  # of each clip, up to where
    count = 0
    stretches = marks.filter(start__isnull=False, end__isnull=False).order_by("clip", "start")
    for clip, start, end in stretches.values_list("clip", "start", "end"):
        count += (start or 0.0) >= marked.get(clip, 0.0)
        marked[clip] = max(marked.get(clip, 0.0), end or 0.0)
    return count
