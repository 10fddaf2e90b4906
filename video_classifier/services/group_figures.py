"""Scores and false hints of a camera by how somebody appears, and by the time of day.

What can be seen of fairness without looking at anybody's face or skin. docs/camera-measure.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from video_classifier.ml.contracts import Floats
from video_classifier.ml.measures import groups
from video_classifier.ml.measures.groups import Group, Grouped
from video_classifier.models import Camera, CandidateScore, PlantedAct, ScoredTime
from video_classifier.services import planted_acts
from video_classifier.services.scored_footage import TIMES, VERDICTS, Recordings
from video_classifier.services.weights import Weights
from video_classifier.states import SEEN, Verdict

__all__ = ["FEW_CANDIDATES", "FEW_DAYS", "Group", "GroupFigures", "of_camera"]

LOOKED_BACK = timedelta(days=28)
FEW_CANDIDATES, FEW_DAYS = 30, 5  # below which a group says nothing

FACTS = ("clothing", "height", "light")  # columns of candidates, and of By


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigures:
    """Of candidates that nobody confirmed or acted. The clusters of intervals are days."""

    by: Mapping[str, Grouped]  # the FACTS, and "hour"; `hints` are those called false alarms
    candidates: int
    days: int
    false_hints: int
    open: int  # hints without a clear answer: they count as if they were not false


def of_camera(camera: Camera, weights: Weights, *, now: datetime) -> GroupFigures:
    """Of what these weights scored in the last four weeks."""
    since, zone = now - LOOKED_BACK, ZoneInfo(camera.store.time_zone)
    rows = list(_rows(camera, weights, since, zone))
    scores = np.array([each.score for each in rows], np.float64)
    false = np.array([each.is_false for each in rows], bool)
    days = [each.day for each in rows]
    by = {
        fact: groups.by_quarter(_values(each.facts[at] for each in rows), scores, false, days)
        for at, fact in enumerate(FACTS)
    }
    hours = _values(each.hour for each in rows)
    by["hour"] = groups.by_part_of_day(hours, scores, false, days)
    return GroupFigures(
        by=by,
        candidates=len(rows),
        days=len(set(days)),
        false_hints=int(false.sum()),
        open=sum(each.is_open for each in rows),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    score: float
    facts: Sequence[float | None]
    day: date
    hour: float | None  # of the store's clock; None: it isn't known when that was
    is_false: bool
    is_open: bool


def _rows(camera: Camera, weights: Weights, since: datetime, zone: ZoneInfo) -> Iterator[_Row]:
    """In time that counts, as for the rate of false hints."""
    scored = ScoredTime.objects.filter(weights.key, camera=camera, start__gte=since, seconds__gt=0)
    parts = Recordings(scored.filter(is_shadow=False).values_list(*TIMES))
    acts = list(PlantedAct.objects.filter(camera=camera))
    found = CandidateScore.objects.filter(weights.key, camera=camera, started_at__gte=since)
    columns = found.filter(is_shadow=False).values_list(
        *("score", "clip", "file", "started_at", "ended_at", "clip__recorded_at"),
        *("is_hint", "event__is_hint", "live_event__is_hint"),
        *FACTS,
        *VERDICTS,
    )
    for score, clip, file, start, end, recorded, *rest in columns.iterator():
        hints, facts, verdicts = rest[:3], rest[3:6], rest[6:]
        verdict = next(filter(None, verdicts), "")
        is_other = verdict in SEEN or planted_acts.meets(acts, start, end)
        if is_other or parts.number(clip, file, start) is None:
            continue
        local = start.astimezone(zone)
        is_known = recorded is not None or not (clip or file)
        is_false = any(hints) and verdict == Verdict.FALSE_ALARM
        yield _Row(
            score=score,
            facts=facts,
            day=local.date(),
            hour=local.hour + local.minute / 60 if is_known else None,
            is_false=is_false,
            is_open=any(hints) and not is_false,
        )


def _values(found: Iterator[float | None]) -> Floats:
    """(n,), nan where it isn't known."""
    return np.array([np.nan if each is None else each for each in found], np.float64)
