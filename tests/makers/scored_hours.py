"""What a camera's footage scored, as services.candidate_scores would have written it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from video_classifier.models import Camera, CandidateScore, Measure, ScoredTime

WEIGHTS = {"model": "i3d_person", "model_sha256": "a" * 64, "detector_sha256": "b" * 64}
LENGTH = timedelta(seconds=6)  # of a candidate


def make_hour(
    camera: Camera, start: datetime, scores: Sequence[float] = (), **fields: Any
) -> ScoredTime:
    """An hour that was watched live, with a candidate every so many seconds."""
    start = start.replace(minute=0, second=0, microsecond=0)
    facts: dict[str, Any] = {**WEIGHTS, "is_live": True, "seconds": 3600.0}
    made = ScoredTime.objects.create(camera=camera, start=start, **facts | fields)
    weights = {name: getattr(made, name) for name in WEIGHTS}
    step = timedelta(seconds=3590 / max(len(scores), 1))
    CandidateScore.objects.bulk_create(
        make_score(camera, start + number * step, score, **weights)
        for number, score in enumerate(scores)
    )
    return made


def make_score(camera: Camera, at: datetime, score: float, **fields: Any) -> CandidateScore:
    """Not saved yet."""
    facts: dict[str, Any] = {**WEIGHTS, "started_at": at, "ended_at": at + LENGTH, "score": score}
    return CandidateScore(camera=camera, **facts | fields)


def make_days(
    camera: Camera,
    days: float,
    *,
    before: datetime,
    an_hour: int = 10,
    seed: int = 0,
    **fields: Any,
) -> None:
    """So many ordinary days of 24 hours, up to `before`; scores spread evenly from 0 to 0.8."""
    drawn = np.random.default_rng(seed)
    for hour in range(round(days * 24)):
        scores = (0.8 * drawn.random(an_hour)).round(4).tolist()
        make_hour(camera, before - timedelta(hours=hour + 1), scores, **fields)


def make_measure(camera: Camera, *, now: datetime, **fields: Any) -> Measure:
    facts: dict[str, Any] = {
        **WEIGHTS,
        "budget": 1.0,
        "thefts": 1.0,
        "first_at": now - timedelta(days=3),
        "last_at": now,
        "seconds": 3 * 86_400.0,
        "day_seconds": 86_400.0,
        "recordings": 72,
        "candidates": 720,
        "low": 0.5,
        "high": 0.7,
        "reference": [number / 100 for number in range(80)],
    }
    return Measure.objects.create(camera=camera, **facts | fields)
