"""Events that people agree on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from django.contrib.auth.models import User
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeClip
from tests.makers import colors
from tests.makers.events import make_result_event
from video_classifier.models import Camera, Event
from video_classifier.services import reviews
from video_classifier.states import Answer, RecordedFrom, Status


def make_agreed(
    camera: Camera,
    people: Sequence[User],
    *,
    is_theft: bool,
    days_ago: int,
    seed: int,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    footage: Path | None = None,
) -> Event:
    """Two people confirmed it, or one of them called it a false alarm. Without `footage`, a folder
    for it, its clip has no video.
    """
    content = b"no video"
    if footage is not None:
        color = colors.RED if is_theft else colors.BLUE
        content = colors.write(footage / f"{seed}.mp4", color, seed=seed).read_bytes()
    clip = make_clip(
        content=content + (b"" if footage else str(seed).encode()),
        duration=2.0,
        store=camera.store,
        camera=camera,
        recorded_at=timezone.now() - timedelta(days=days_ago, minutes=seed % 100),
        recorded_from=RecordedFrom.GIVEN,
    )
    analysis = make_analysis(clip=clip, status=Status.DONE)
    event = make_result_event(analysis, start=0.2, end=1.8)
    answer = Answer.CONFIRMED if is_theft else Answer.FALSE_ALARM
    for by in people if is_theft else people[:1]:
        reviews.answer(event, clip, by, answer=answer)
    return event
