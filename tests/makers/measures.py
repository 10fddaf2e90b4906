"""Measures of cameras, as services.measures writes them, and scores that they may be made of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from video_classifier.models import Camera, CandidateScore, Measure

WEIGHTS = {"model": "standard", "model_sha256": "f" * 64, "detector_sha256": ""}


def make_measure(camera: Camera, *, low: float = 0.3, high: float = 0.7, **fields: Any) -> Measure:
    """In force, of FakePredictor's weights, from yesterday's footage."""
    now = timezone.now()
    facts: dict[str, Any] = {
        **WEIGHTS,
        "budget": 1.0,
        "first_at": now - timedelta(days=2),
        "last_at": now - timedelta(days=1),
        "seconds": 86_400.0,
        "day_seconds": 86_400.0,
        "recordings": 24,
        "candidates": 500,
    }
    return Measure.objects.create(camera=camera, low=low, high=high, **facts | fields)


def make_score(camera: Camera, score: float = 0.2, **fields: Any) -> CandidateScore:
    """Of ten seconds, an hour ago."""
    started = fields.pop("started_at", timezone.now() - timedelta(hours=1))
    facts: dict[str, Any] = {**WEIGHTS, "ended_at": started + timedelta(seconds=10)}
    return CandidateScore.objects.create(
        camera=camera, score=score, started_at=started, **facts | fields
    )
