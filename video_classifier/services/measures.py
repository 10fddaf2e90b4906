"""A camera's own thresholds: what its footage says of a budget, taken, ended, and looked at again.

A measure is written once. Of those of a camera with the same weights one is in force; results keep
the thresholds that they were judged by.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from video_classifier.ml.measures import drift
from video_classifier.ml.measures import thefts as out_of_fold
from video_classifier.ml.measures.camera import CameraFootage, CameraThresholds, choose
from video_classifier.ml.measures.errors import MeasureError, TooLittleFootageError
from video_classifier.ml.measures.poisson import Rate
from video_classifier.ml.measures.shares import Share
from video_classifier.models import Camera, Feed, Measure
from video_classifier.models.measures import MOST_BUDGET, MOST_THEFTS
from video_classifier.querysets import MeasureQuerySet
from video_classifier.services import audit, catalog, scored_footage
from video_classifier.services.errors import Refused
from video_classifier.services.periods import midnight
from video_classifier.services.scored_footage import Footage
from video_classifier.services.weights import Weights
from video_classifier.states import Action, EndOfMeasure

logger = logging.getLogger(__name__)

LEAST_BUDGET = 0.001  # false hints a camera-day
CHECK_EVERY = timedelta(days=7)
USUAL_BUDGET, USUAL_THEFTS = 1, 1

NOT_SCORED = (
    "Nothing of this camera was scored yet by the model that it has. Have it watched for a day, or "
    "analyze a day of its recordings."
)
NONE_IN_TIME = "Nothing of this camera was scored in that time. Choose other days."
NO_BUDGET = (
    "No footage can promise that there will never be a false hint. Allow a few, such as 1 a day, "
    "or 1 in ten days: 0.1."
)
WRONG_BUDGET = f"Write how many false hints a day are bearable: {LEAST_BUDGET} to {MOST_BUDGET}."
WRONG_THEFTS = (
    f"Write how many cases of shoplifting a day may be in the footage: 0 to {MOST_THEFTS}."
)
WRONG_DAYS = "The first day comes after the last one. Choose other days."
TOO_LITTLE = (
    "There is too little footage for this budget: {has} of this camera were scored, and it takes "
    "{needs}, so {missing} are missing. {way_out} Until then the promise is the model's."
)
WAIT = "Allow more false hints, or wait."
NO_USE_TO_WAIT = (
    "Allow more false hints: to wait is not enough, as scores are kept for {days} days, and "
    "those can't promise fewer than 1 in so many days."
)
MEANWHILE = (
    "Somebody has measured this camera, or ended its measure, since this page was made. Look at "
    "what holds now; nothing was changed."
)
ENDED = "This measure was ended already."


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a measure would come to; of `thresholds` and `problem` one is there."""

    budget: float
    thefts: float
    weights: Weights | None  # None: nothing was scored
    footage: Footage | None
    thresholds: CameraThresholds | None = None
    problem: str = ""  # a sentence
    missing_seconds: float | None = None  # of footage, if there is too little
    card_threshold: float | None = None  # None: the model can't be used just now


def between(first: date | None, last: date | None, zone: ZoneInfo) -> dict[str, datetime | None]:
    """What `preview` and `take` are told of days by the clock of the store, the last included."""
    return {
        "first": midnight(first, zone) if first else None,
        "last": midnight(last + timedelta(days=1), zone) if last else None,
    }


def preview(  # noqa: PLR0913
    camera: Camera,
    *,
    budget: float,
    thefts: float,
    first: datetime | None = None,
    last: datetime | None = None,
    weights: Weights | None = None,
) -> Preview:
    """Of footage from `first` up to before `last`. What can't be measured is no error.

    By the weights that score the camera now, if none are named: a version in the shadow has others.
    """
    weights = weights or scored_footage.weights_of(camera)
    asked: dict[str, Any] = {"budget": budget, "thefts": thefts, "weights": weights}
    if weights is None:
        return Preview(**asked, footage=None, problem=NOT_SCORED)
    footage = scored_footage.read(camera, weights, first=first, last=last)
    asked |= {"footage": footage, "card_threshold": _card_threshold(weights)}
    problem = _what_is_wrong(budget, thefts, first, last)
    if problem or not footage.seconds:
        return Preview(**asked, problem=problem or NONE_IN_TIME)
    try:
        return Preview(**asked, thresholds=_choose(weights, footage, budget, thefts))
    except TooLittleFootageError as error:
        missing = error.missing_days * footage.day_seconds
        kept = scored_footage.KEEP.days
        problem = TOO_LITTLE.format(
            has=in_hours(footage.seconds),
            needs=in_hours(footage.seconds + missing),
            missing=in_hours(missing),
            way_out=WAIT if budget * kept >= 1 else NO_USE_TO_WAIT.format(days=kept),
        )
        return Preview(**asked, problem=problem, missing_seconds=missing)
    except (MeasureError, Refused) as error:  # refused: the model's table can't be fetched
        return Preview(**asked, problem=str(error))


def take(  # noqa: PLR0913
    camera: Camera,
    by: User | None,
    *,
    budget: float,
    thefts: float,
    first: datetime | None = None,
    last: datetime | None = None,
    before: int | None = None,
    weights: Weights | None = None,
) -> Measure:
    """Puts the thresholds in force; the measure before ends. Raises Refused.

    `before` is the key of the one that held when somebody decided, or None: if another one holds
    by now, somebody else was quicker, and nothing is changed.
    """
    found = preview(camera, budget=budget, thefts=thefts, first=first, last=last, weights=weights)
    if found.thresholds is None or found.weights is None or found.footage is None:
        raise Refused(found.problem)
    with transaction.atomic():
        Camera.objects.select_for_update(no_key=True).get(pk=camera.pk)
        holding = _of_weights(camera, found.weights).first()
        if (holding and holding.pk) != before:
            raise Refused(MEANWHILE)
        if holding is not None:
            _end(holding, EndOfMeasure.REPLACED, by)
        measure = Measure.objects.create(
            camera=camera, made_by=by, **_facts(camera, found, found.thresholds)
        )
        _note(Action.MEASURED, measure, by)
    return measure


def end(measure: Measure, by: User | None) -> None:
    """Back to the model's own threshold, from now on. Raises Refused if that is so already."""
    with transaction.atomic():
        if not _end(measure, EndOfMeasure.REMOVED, by):
            raise Refused(ENDED)
        _note(Action.MEASURE_ENDED, measure, by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The measures of a camera that were not ended."""

    weights: Weights | None  # that score the camera now; None: nothing was scored
    in_force: Measure | None  # by which the camera is judged just now
    waiting: Sequence[Measure]  # for other weights than those that score the camera now


def held(camera: Camera) -> Held:
    weights = scored_footage.weights_of(camera)
    found = list(Measure.objects.in_force().filter(camera=camera).select_related("made_by"))
    current = [each for each in found if weights and weights.are_of(each)]
    return Held(
        weights=weights,
        in_force=current[0] if current else None,
        waiting=[each for each in found if each not in current],
    )


def in_force(camera: Camera) -> Measure | None:
    """The one by which the camera is judged just now."""
    return held(camera).in_force


def has_other_scene(measure: Measure) -> bool:
    """Whether the camera's stream or its ignored zones were changed since it was measured."""
    scene = measure.figures.get("scene", "")
    return bool(scene) and scene != _scene(measure.camera_id)


def check_due(*, now: datetime) -> int:
    """Compares the scores of the last week with those of each measure; says how many it checked."""
    before = now - CHECK_EVERY
    held = Measure.objects.in_force().filter(made_at__lte=before).select_related("camera__store")
    due = held.exclude(checked_at__gt=before)
    for measure in due:
        try:
            _check(measure, now)
        except Exception:
            logger.exception("measure %s could not be checked", measure.pk)
    return len(due)


def _check(measure: Measure, now: datetime) -> None:
    """One whose weights score the camera no longer, while others do, ends."""
    own = Weights(
        model=measure.model,
        model_sha256=measure.model_sha256,
        detector_sha256=measure.detector_sha256,
    )
    since = now - CHECK_EVERY
    week = scored_footage.read(measure.camera, own, first=since)
    if not week.seconds:
        current = scored_footage.weights_of(measure.camera)
        if current and current.fields != own.fields:
            with transaction.atomic():
                if _end(measure, EndOfMeasure.MODEL, None):
                    _note(Action.MEASURE_ENDED, measure, None)
            return
    Measure.objects.filter(pk=measure.pk).update(checked_at=now, drift=_drift(measure, week))


def _drift(measure: Measure, week: Footage) -> dict[str, object]:
    """Empty: it can't be said of so little."""
    try:
        found = drift.compare(
            measure.reference,
            np.asarray(week.scores, np.float64),
            np.asarray(week.of_recordings, np.int64),
            seed=measure.pk,
            reference_recordings=measure.recordings,
        )
    except MeasureError:
        return {}
    return {
        "statistic": round(found.statistic, 4),
        "p_value": round(found.p_value, 4),
        "has_drifted": found.has_drifted,
        "recordings": found.recordings,
    }


def _what_is_wrong(
    budget: float, thefts_a_day: float, first: datetime | None, last: datetime | None
) -> str:
    if budget == 0:
        return NO_BUDGET
    if not (math.isfinite(budget) and LEAST_BUDGET <= budget <= MOST_BUDGET):
        return WRONG_BUDGET
    if not (math.isfinite(thefts_a_day) and 0 <= thefts_a_day <= MOST_THEFTS):
        return WRONG_THEFTS
    if first is not None and last is not None and first >= last:
        return WRONG_DAYS
    return ""


def _choose(
    weights: Weights, footage: Footage, budget: float, thefts_a_day: float
) -> CameraThresholds:
    known = out_of_fold.read(catalog.folder(weights.model))
    return choose(
        CameraFootage(
            scores=np.asarray(footage.scores, np.float64),
            recordings=np.asarray(footage.of_recordings, np.int64),
            days=footage.days,
            of=footage.recordings,
        ),
        known.thefts,
        known.people,
        budget=budget,
        thefts_a_day=thefts_a_day,
    )


def _facts(camera: Camera, found: Preview, thresholds: CameraThresholds) -> Mapping[str, Any]:
    weights, footage = found.weights, found.footage
    if weights is None or footage is None:
        raise Refused(found.problem)
    return {
        **weights.fields,
        "budget": found.budget,
        "thefts": found.thefts,
        "first_at": footage.first_at,
        "last_at": footage.last_at,
        "seconds": footage.seconds,
        "day_seconds": footage.day_seconds,
        "recordings": footage.recordings,
        "candidates": len(footage.scores),
        "low": thresholds.low,
        "high": thresholds.high,
        "figures": {
            **_written(thresholds),
            "confirmed": footage.confirmed,
            "planted": footage.planted,
            "card_threshold": found.card_threshold,
            "scene": _scene(camera.pk),
        },
        "reference": drift.reference(np.asarray(footage.scores, np.float64)),
    }


def thresholds_of(measure: Measure) -> CameraThresholds:
    """As they were chosen."""
    of: dict[str, Any] = measure.figures
    return CameraThresholds(
        high=measure.high,
        low=measure.low,
        rank=of["rank"],
        rate=Rate(**of["rate"]),
        high_interval=_pair(of["high_interval"]),
        noticed=Share(**of["noticed"]),
        uncertain_noticed=Share(**of["uncertain_noticed"]),
        uncertain_a_day=of["uncertain_a_day"],
        promised=_pair(of["promised"]),
    )


def _written(thresholds: CameraThresholds) -> dict[str, Any]:
    """As JSON holds them; both thresholds are columns."""
    found = asdict(thresholds)
    del found["high"], found["low"]
    return found


def _pair(values: list[float]) -> tuple[float, float]:
    first, second = values
    return first, second


def in_hours(seconds: float) -> str:
    """ "0.9 h", "1,036 h"."""
    hours = seconds / 3600
    return f"{hours:,.0f} h" if hours >= 100 else f"{hours:.1f} h"  # noqa: PLR2004


def _of_weights(camera: Camera, weights: Weights) -> MeasureQuerySet:
    return Measure.objects.in_force().filter(weights.key, camera=camera)


def _end(measure: Measure, why: EndOfMeasure, by: User | None) -> bool:
    """False if it is ended already."""
    held = Measure.objects.in_force().filter(pk=measure.pk)
    return bool(held.update(ended_at=timezone.now(), ended_by=by, end=why))


def _card_threshold(weights: Weights) -> float | None:
    """The model's own; None if it can't be used just now, or its weights are others by now."""
    try:
        return catalog.usable(weights.model).threshold
    except Refused:
        return None


def _scene(camera: int) -> str:
    """Changes with the camera's streams and its ignored zones; "" of one that isn't watched."""
    feed = Feed.objects.filter(camera=camera).first()
    if feed is None:
        return ""
    scene = [feed.sealed_address, feed.sealed_sub_address, feed.ignored_zones]
    return hashlib.sha256(json.dumps(scene).encode()).hexdigest()[:16]


def _note(action: Action, measure: Measure, by: User | None) -> None:
    audit.record(
        action,
        by,
        audit.CAMERA,
        measure.camera_id,
        store=measure.camera.store_id,
        measure=measure.pk,
        high=f"{measure.high:.3f}",
        low=f"{measure.low:.3f}",
        budget=f"{measure.budget:g}",
        hours=round(measure.seconds / 3600),
    )
