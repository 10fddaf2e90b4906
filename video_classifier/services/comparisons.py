"""A version in the shadow beside what is in use: hint by hint, and whether it may take over."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from video_classifier.ml.measures.poisson import Difference, paired_difference, short
from video_classifier.models import (
    Activation,
    Analysis,
    Camera,
    CandidateScore,
    Measure,
    ModelVersion,
    PlantedAct,
    ScoredTime,
)
from video_classifier.services import catalog, measures, planted_acts, scored_footage, versions
from video_classifier.services.errors import Refused
from video_classifier.services.scored_footage import TIMES, Recordings
from video_classifier.services.weights import Weights
from video_classifier.states import SEEN, EndOfMeasure, VersionState

MOST = 100  # hints that are listed: the newest
LEAST_DAYS = 1.0  # camera-days in the shadow
LEAST_THEFTS = 5  # planted acts, and confirmed events that it didn't learn from
SLACK = timedelta(seconds=2)

NOT_BESIDE = "It isn't in the shadow, so that nothing is known of its false hints."
TOO_SHORT = "It has been in the shadow for {days:.2g} camera-days; it takes {least:g}."
MORE_FALSE = "It may give more false hints than what is in use."
TOO_FEW_THEFTS = (
    "It was tried on {count} planted acts and confirmed events that it didn't learn from; it takes "
    "{least}."
)
FEWER_NOTICED = "It notices fewer of the {what} than what is in use{by_chance}."
NO_CHANCE = ", and the interval of the paired difference says that this is no chance"
ONE_PERSON = "All that it learned from was answered by one person: nobody knows if others agree."
WRITE_WHY = "By these figures it may not take over. Write why it should all the same."
NOT_EXCLUDED = (
    "That it notices up to {share:.0%} fewer of the {what} is not excluded: {of} of them show no "
    "more."
)
ACTS, CONFIRMED = "planted acts", "confirmed events"
OLD = "thefts that the model itself learned from"
BEARABLE = 0.1  # a share that the interval of a difference excludes, or that is said


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Of what is in use, of the version, or of both."""

    camera: Camera
    at: datetime
    before: float | None  # score, where it is a hint of what is in use
    after: float | None
    verdict: str  # of people, who saw those of what is in use, and what it called uncertain
    verdict_of: UUID | None  # the clip that people saw it in
    is_planted: bool
    result: UUID | None = None  # of that clip: the key of its latest analysis

    @property
    def may_be_false(self) -> bool:
        return not self.is_planted and self.verdict not in SEEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Of the same footage, or of the same cases, before and after."""

    before: int
    after: int
    of: int | None  # cases; None: of days
    change: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """Of one kind of acts, before and after, with the interval of the change of the share."""

    what: str
    before: int
    after: int
    of: int
    low: float
    high: float

    @property
    def problem(self) -> str:
        """Why it may not take over, or ""."""
        if self.after >= self.before:
            return ""
        return FEWER_NOTICED.format(what=self.what, by_chance=NO_CHANCE if self.high < 0 else "")


def _tried(
    acts: Paired | None, thefts: dict[str, Any] | None, old: dict[str, Any] | None
) -> Iterator[Noticed]:
    if acts and acts.of:
        ends = {"low": acts.change.low, "high": acts.change.high}
        yield Noticed(what=ACTS, before=acts.before, after=acts.after, of=acts.of, **ends)
    for what, figure in ((CONFIRMED, thefts), (OLD, old)):
        if figure:
            _, low, high = figure["change"]
            yield Noticed(
                what=what,
                before=figure["before"],
                after=figure["after"],
                of=figure["events"],
                low=low,
                high=high,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    version: ModelVersion
    used: str  # what is in use
    since: datetime | None
    days: float = 0.0  # camera-days that both scored
    hints: Sequence[Hint] = ()
    both: int = 0
    only_before: int = 0
    only_after: int = 0
    false_hints: Paired | None = None  # those that nobody has confirmed: an upper bound
    acts: Paired | None = None
    thefts: dict[str, Any] | None = None  # of the version's card
    old_thefts: dict[str, Any] | None = None  # the same, of the footage the model learned from
    is_fitted: bool = False  # a camera's budget chose its threshold, on this very footage
    unmeasured: Sequence[Camera] = ()  # that have a measure, and would have none of the version
    problems: Sequence[str] = field(default=())  # why the rule doesn't let it take over

    @property
    def days_in_words(self) -> str:
        return short(self.days)

    @property
    def noticed(self) -> Sequence[Noticed]:
        """Of acts and thefts, each kind of which something is known."""
        return list(_tried(self.acts, self.thefts, self.old_thefts))

    @property
    def doubts(self) -> Sequence[str]:
        """What is not excluded, by intervals, where the figures are no worse."""
        return [
            NOT_EXCLUDED.format(share=min(-each.low, 1.0), what=each.what, of=each.of)
            for each in self.noticed
            if each.after >= each.before and each.low < -BEARABLE
        ]

    @property
    def facts(self) -> dict[str, Any]:
        """What an activation keeps of it."""
        found: dict[str, Any] = {"in use": self.used, "camera-days": round(self.days, 2)}
        for name, pair in (("false hints", self.false_hints), (ACTS, self.acts)):
            if pair:
                ends = [pair.change.value, pair.change.low, pair.change.high]
                found[name] = {"before": pair.before, "after": pair.after, "change": ends}
        of_card = {CONFIRMED: self.thefts, OLD: self.old_thefts}
        found |= {name: figure for name, figure in of_card.items() if figure}
        return found | {"problems": list(self.problems)}


def compare(version: ModelVersion) -> Comparison:
    """Since it is in the shadow, or since the other one is in use."""
    used = versions.name_in_use(version.store_id, version.model)
    is_paired = version.card.get("in_use") == used
    figures = version.card.get("figures", {}) if is_paired else {}
    since = _since(version)
    footage = list(_footage(version, used, since)) if since else []
    hints = sorted((hint for each in footage for hint in each.hints), key=lambda each: each.at)
    before = [each.before is not None for each in hints]
    after = [each.after is not None for each in hints]
    found: dict[str, Any] = {
        "days": sum(sum(each.days.values()) for each in footage),
        "hints": _with_results(hints[::-1][:MOST]),
        "both": sum(map(all, zip(before, after, strict=True))),
        "false_hints": _false_hints(footage),
        "acts": _acts(footage),
        "thefts": figures.get("thefts"),
        "old_thefts": figures.get("old_thefts"),
        "is_fitted": any(each.is_fitted for each in footage),
        "unmeasured": _unmeasured(version, used, footage),
    }
    found["only_before"] = sum(before) - found["both"]
    found["only_after"] = sum(after) - found["both"]
    return Comparison(
        version=version,
        used=used,
        since=since,
        **found,
        problems=tuple(_problems(version, found)),
    )


def activate(
    version: ModelVersion, *, by: User | None, why: str = "", seen: int | None = None
) -> tuple[Activation, Sequence[Camera]]:
    """Has its store use it, by the rule or with a reason; says which cameras want a new measure.

    Cameras with a measure get one of the version with the same budget, of what it scored in the
    shadow. Raises Refused.
    """
    found = compare(version)
    if found.problems and not why.strip():
        raise Refused(WRITE_WHY)
    measured = list(_measured(version, found.used))
    made = versions.activate(
        version,
        store=version.store_id,
        model=version.model,
        by=by,
        why=why,
        figures=found.facts,
        seen=seen,
    )
    return made, [
        each.camera
        for each in measured
        if not _measure_anew(each, _scored_along(version, each.camera), by)
    ]


def roll_back(
    store: int, model: str, *, by: User | None, why: str = "", seen: int | None = None
) -> tuple[Activation, Sequence[Camera]]:
    """As `versions.roll_back`; says which cameras had a measure and are left without one.

    That of what is used again ends when other weights have scored for a week. Then one is taken of
    the scores that are kept of it, with the budget that was chosen last.
    """
    left = versions.name_in_use(store, model) if "\0" not in model else model
    scored = [
        (camera, weights)
        for camera in Camera.objects.filter(store=store).order_by("name")
        if (weights := scored_footage.weights_of(camera)) and weights.model == left
    ]
    made = versions.roll_back(store, model, by=by, why=why, seen=seen)
    again = made.version.name if made.version else model
    card = catalog.shown(again)
    sha256 = card.served_sha256 if card else ""
    wanted = [
        (measure, replace(weights, model=again, model_sha256=sha256))
        for camera, weights in scored
        if (measure := _wanted(camera, (left, again)))
    ]
    return made, [each.camera for each, weights in wanted if not _holds_again(each, weights, by)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Footage:
    """Of one camera, what both scored."""

    camera: Camera
    days: dict[int, float]  # by recording
    hints: Sequence[Hint]
    of_recordings: Sequence[int]  # of each hint
    acts: Sequence[tuple[bool, bool]]  # whether each was noticed, before and after
    is_fitted: bool  # the threshold of the version comes from it


def _unmeasured(version: ModelVersion, used: str, footage: Sequence[_Footage]) -> Sequence[Camera]:
    """For too little footage of it."""
    holding = Measure.objects.in_force().filter(camera__store=version.store_id, model=used)
    fitted = [each.camera.pk for each in footage if each.is_fitted]
    measured = Camera.objects.filter(pk__in=holding.values("camera")).exclude(pk__in=fitted)
    return list(measured.order_by("name"))


def _since(version: ModelVersion) -> datetime | None:
    if version.state != VersionState.SHADOW or version.shadow_since is None:
        return None
    newest = versions.history(version.store_id, version.model).first()
    started: datetime = version.shadow_since
    return max(started, newest.at) if newest else started


def _footage(version: ModelVersion, used: str, since: datetime) -> Iterator[_Footage]:
    scored = ScoredTime.objects.filter(
        model_sha256=version.sha256, start__gte=since - scored_footage.HOUR, seconds__gt=0
    )
    cameras = Camera.objects.filter(store=version.store_id, pk__in=scored.values("camera"))
    for camera in cameras:
        yield _of_camera(camera, version, used, since, scored.filter(camera=camera))


def _of_camera(
    camera: Camera,
    version: ModelVersion,
    used: str,
    since: datetime,
    scored: QuerySet[ScoredTime],
) -> _Footage:
    length = scored_footage.day_seconds(getattr(camera, "feed", None))
    parts = Recordings(scored.order_by("start").values_list(*TIMES))
    acts = list(PlantedAct.objects.filter(camera=camera, started_at__gte=since))
    every = CandidateScore.objects.filter(camera=camera, started_at__gte=since)
    by_budget = _by_budget(camera, version, scored.latest("pk"))
    threshold = _of_card(version) if by_budget is None else by_budget
    rows_of_it = every.filter(model_sha256=version.sha256, score__gte=threshold)
    new = list(rows_of_it.select_related("event", "live_event__clip"))
    # Of footage that is deleted the row itself keeps it.
    is_hint = Q(is_hint=True) | Q(event__is_hint=True) | Q(live_event__is_hint=True)
    told = every.filter(is_hint, model=used).select_related("event", "live_event__clip")
    pairs = [
        (
            each,
            _recording(each, parts),
            next((new.pop(place) for place in _meeting(each, new)), None),
        )
        for each in told
    ]
    rows = [(old, key, other) for old, key, other in pairs if key is not None]
    rows += [(each, key, each) for each in new if (key := _recording(each, parts)) is not None]
    hints = []
    for row, _, other in rows:
        is_told = row is not other
        act = planted_acts.meets(acts, row.started_at, row.ended_at)
        hints.append(
            Hint(
                camera=camera,
                at=row.started_at,
                before=row.score if is_told else None,
                after=other.score if other else None,
                verdict=_verdict(row),
                verdict_of=_seen_in(row),
                is_planted=act is not None,
            )
        )
    return _Footage(
        camera=camera,
        days={number: seconds / length for number, seconds in parts.seconds.items()},
        hints=hints,
        of_recordings=[key for _, key, _ in rows],
        acts=[_noticed(act, rows) for act in acts if parts.show(act.started_at, act.ended_at)],
        is_fitted=by_budget is not None,
    )


_Rows = Sequence[tuple[CandidateScore, int, CandidateScore | None]]


def _noticed(act: PlantedAct, rows: _Rows) -> tuple[bool, bool]:
    near = [
        (row is not other, other is not None)
        for row, _, other in rows
        if planted_acts.is_near(act, row.started_at, row.ended_at)
    ]
    return any(before for before, _ in near), any(after for _, after in near)


def _meeting(one: CandidateScore, others: Sequence[CandidateScore]) -> Iterator[int]:
    """The first that is about the same time, of the same clip."""
    for place, other in enumerate(others):
        begins, ends = other.started_at - SLACK, other.ended_at + SLACK
        is_same = (one.clip_id, one.file) == (other.clip_id, other.file)
        if is_same and one.started_at <= ends and one.ended_at >= begins:
            yield place
            return


def _recording(row: CandidateScore, parts: Recordings) -> int | None:
    """None: it is of footage that not both scored, or of an hour that was watched live as well."""
    return parts.number(row.clip_id, row.file, row.started_at)


def _with_results(hints: Sequence[Hint]) -> list[Hint]:
    clips = {each.verdict_of for each in hints if each.verdict_of}
    latest = Analysis.objects.kept().filter(clip__in=clips, is_latest=True)
    found: dict[UUID | None, UUID] = dict(latest.values_list("clip", "pk"))
    return [replace(each, result=found.get(each.verdict_of)) for each in hints]


def _seen_in(row: CandidateScore) -> UUID | None:
    return row.clip_id or (row.live_event.clip_id if row.live_event else None)


def _verdict(row: CandidateScore) -> str:
    """What people said, also of footage that is deleted since, and of what was uncertain."""
    if row.event is not None:
        return str(row.event.verdict)
    clip = row.live_event.clip if row.live_event else None
    return str(clip.verdict if clip else row.verdict)


def _by_budget(camera: Camera, version: ModelVersion, scored: ScoredTime) -> float | None:
    """From which score on the version would give a hint, by the budget of the camera's measure.

    None without a measure, or with too little footage for its budget.
    """
    measure = measures.in_force(camera)
    if measure is None:
        return None
    found = measures.preview(
        camera,
        budget=measure.budget,
        thefts=measure.thefts,
        weights=_weights(version, scored),
    )
    return float(found.thresholds.high) if found.thresholds else None


def _of_card(version: ModelVersion) -> float:
    card = catalog.shown(version.name)
    return card.threshold if card else 1.0


def _weights(version: ModelVersion, scored: ScoredTime) -> Weights:
    return Weights(
        model=version.name,
        model_sha256=version.sha256,
        detector_sha256=scored.detector_sha256,
    )


def _false_hints(footage: Sequence[_Footage]) -> Paired | None:
    """Nobody is told of a hint of the version alone: it counts as false unless people saw it."""
    before: list[int] = []
    after: list[int] = []
    days: list[float] = []
    for each in footage:
        of = list(zip(each.hints, each.of_recordings, strict=True))
        for key, length in each.days.items():
            false = [hint for hint, own in of if own == key and hint.may_be_false]
            before.append(sum(hint.before is not None for hint in false))
            after.append(sum(hint.after is not None for hint in false))
            days.append(length)
    if not sum(days):
        return None
    return Paired(
        before=sum(before),
        after=sum(after),
        of=None,
        change=paired_difference(before, after, days),
    )


def _acts(footage: Sequence[_Footage]) -> Paired | None:
    found = [act for each in footage for act in each.acts]
    if not found:
        return None
    before, after = ([int(each[place]) for each in found] for place in (0, 1))
    change = paired_difference(before, after, [1.0] * len(found))
    return Paired(before=sum(before), after=sum(after), of=len(found), change=change)


def _problems(version: ModelVersion, found: dict[str, Any]) -> Iterator[str]:
    """No interval of so few shows that nothing is worse: figures decide, intervals are told.

    Old thefts can refuse a version, and don't count as tried: they say nothing of this store.
    """
    false, acts, thefts = found["false_hints"], found["acts"], found["thefts"]
    if version.state != VersionState.SHADOW:
        yield NOT_BESIDE
    elif found["days"] < LEAST_DAYS:
        yield TOO_SHORT.format(days=found["days"], least=LEAST_DAYS)
    if false and false.after > false.before:
        yield MORE_FALSE
    count = (acts.of if acts else 0) + (thefts["events"] if thefts else 0)
    if count < LEAST_THEFTS:
        yield TOO_FEW_THEFTS.format(count=count, least=LEAST_THEFTS)
    for each in _tried(acts, thefts, found["old_thefts"]):
        if each.problem:
            yield each.problem
    if version.card.get("reviewers", 2) < 2:  # noqa: PLR2004
        yield ONE_PERSON


def _measured(version: ModelVersion, used: str) -> Iterator[Measure]:
    """The measures in force of what is in use."""
    for camera in Camera.objects.filter(store=version.store_id):
        measure = measures.in_force(camera)
        if measure is not None and measure.model == used:
            yield measure


def _scored_along(version: ModelVersion, camera: Camera) -> Weights | None:
    """None: it scored nothing of the camera."""
    of_version = ScoredTime.objects.filter(model_sha256=version.sha256, camera=camera)
    scored = of_version.order_by("pk").last()
    return _weights(version, scored) if scored else None


def _wanted(camera: Camera, names: Collection[str]) -> Measure | None:
    """The newest by any of these; None if the last that was done is to end one."""
    every = list(Measure.objects.filter(camera=camera, model__in=names).order_by("made_at"))
    last = max(every, key=lambda each: each.ended_at or each.made_at, default=None)
    return None if last is None or last.end == EndOfMeasure.REMOVED else every[-1]


def _holds_again(measure: Measure, weights: Weights, by: User | None) -> bool:
    """Whether the camera has one of these weights, be it anew."""
    holding = Measure.objects.in_force().filter(weights.key, camera=measure.camera)
    return holding.exists() or _measure_anew(measure, weights, by)


def _measure_anew(measure: Measure, weights: Weights | None, by: User | None) -> bool:
    """False: the camera was scored too little by these weights."""
    if weights is None:
        return False
    known = Measure.objects.in_force().filter(weights.key, camera=measure.camera).first()
    try:
        measures.take(
            measure.camera,
            by,
            budget=measure.budget,
            thefts=measure.thefts,
            before=known.pk if known else None,
            weights=weights,
        )
    except Refused:
        return False
    return True
