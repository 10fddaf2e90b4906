"""Analyzes segments of clips: plans them, claims them, runs them, and keeps their results."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from video_classifier.ml.contracts import (
    WHOLE,
    Outcome,
    Predictor,
    Progress,
    Span,
    UnreadableError,
)
from video_classifier.ml.contracts import Stage as MlStage
from video_classifier.models import Analysis, Clip, Segment, Track
from video_classifier.querysets import JobQuerySet
from video_classifier.services import (
    candidate_scores,
    catalog,
    conclusions,
    database,
    disk,
    evidence,
    files,
    jobs,
    log_ids,
    sandbox,
    versions,
)
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import GaveWayError, LeaseLostError
from video_classifier.services.thresholds import Thresholds
from video_classifier.states import Stage, Status

logger = logging.getLogger(__name__)

BROKE = (
    "Something broke on our side while this clip was analyzed. Choose “Analyze again”; if it "
    "breaks again, tell your administrator, who finds the cause in the server's log."
)
GIVEN_UP = (
    "The analysis stopped {attempts} times without an answer, so it was given up. Choose "
    "“Analyze again”; if that stops too, try a shorter clip or tell your administrator."
)

UNREADABLE = (
    "The file of this clip could not be read from the server's storage, which says nothing of the "
    "clip itself. Tell your administrator, and choose “Analyze again” once the storage is well."
)
TOO_LONG = (
    "The analysis was stopped: it took longer than a clip of this length may take ({minutes} "
    "min). Cut the clip shorter or export it again, and upload that."
)


SLOWEST_READING = 20e6  # bytes a second, of a file that is gone through as a whole
ONLY = 1  # the number of the segment of a clip that is scored as a whole
LONG_RECORDING = -1  # the priority of its segments: a short clip waits for one of them at most


def plan(clip: Clip) -> tuple[Span, ...]:
    """How a clip is cut into segments, in order of time. A short one is a single segment."""
    return tuple(Span(start, end) for start, end in clip.segment_spans) or (WHOLE,)


def planned(clip: Clip) -> list[Segment]:
    """The rows of a new analysis, which they still lack."""
    spans = plan(clip)
    priority = LONG_RECORDING if len(spans) > 1 else 0
    return [
        Segment(number=number, start=span.start, end=span.end, priority=priority)
        for number, span in enumerate(spans, start=1)
    ]


def length(segment: Segment, clip: Clip) -> float:
    """In seconds, as far as headers can be believed."""
    return max((clip.duration if segment.end is None else segment.end) - segment.start, 0.0)


def _budget(segment: Segment, clip: Clip) -> float:
    """Seconds for its length, and of a long recording for finding it in the file."""
    is_part = Span(segment.start, segment.end) != WHOLE
    return length(segment, clip) + (clip.size_bytes / SLOWEST_READING if is_part else 0.0)


def with_pictures(analysis: Analysis, outcome: Outcome) -> AbstractContextManager[None]:
    """Writes those that `record` counts on. The analysis needn't be saved yet."""
    only = Segment(analysis=analysis, number=ONLY)
    return files.with_pictures(analysis, evidence.pictures(only, outcome))


def record(
    analysis: Analysis, outcome: Outcome, *, worker: str, judged_by: Thresholds | None = None
) -> None:
    """Gives an analysis, which is new, the result of what was scored already, as one segment.

    `judged_by` are thresholds that decided already; else those of now do. To be called in the
    transaction that made it, within `with_pictures`.
    """
    now = database.now()
    segment = Segment.objects.create(
        analysis=analysis,
        number=ONLY,
        status=Status.RUNNING,
        worker=worker,
        attempts=1,
        claimed_at=now,
        heartbeat_at=now,
        deadline=now + settings.ANALYSIS_DEADLINE,
    )
    conclusions.enter(segment, Stage.CLASSIFYING)
    _end(segment, outcome, judged_by=judged_by)


def claim_next(*, worker: str) -> Segment | None:
    """The next segment, now running for `worker`, or None."""
    segment = jobs.claim_next(
        Segment.objects.all(),
        worker=worker,
        related="analysis__clip",
        allowed=lambda waiting: allowed(_budget(waiting, waiting.analysis.clip)),
    )
    if segment is not None:
        conclusions.enter(segment, Stage.READING)
    return segment


def requeue_stalled() -> int:
    """Requeues the segments of dead workers; returns how many.

    What has stopped too often fails with a reason: its clip may be what kills the workers.
    """
    every = Segment.objects.all()
    stalled = jobs.stalled_among(every)
    if not stalled.exists():
        return 0
    return _putting_back(stalled, partial(jobs.requeue_stalled, every, give_up=_give_up))


def put_back(*, worker: str) -> int:
    """Releases the segments of `worker`, which shuts down."""
    held = Segment.objects.filter(status=Status.RUNNING, worker=worker)
    return _putting_back(held, partial(jobs.put_back, held, worker=worker))


def _putting_back(segments: JobQuerySet[Segment], put_back: Callable[[], int]) -> int:
    """Nobody pauses an analysis in between, who would miss a segment that is about to wait."""
    with transaction.atomic():
        conclusions.lock(segments)
        given_back = put_back()
        if given_back:
            conclusions.settle()
        return given_back


def allowed(duration: float) -> timedelta:
    """How long a run may take: longer for a longer stretch, which is `duration` seconds long."""
    most = settings.ANALYSIS_DEADLINE_MOST
    return min(settings.ANALYSIS_DEADLINE + timedelta(seconds=max(min(duration, 1e6), 0.0)), most)


def deadline(duration: float) -> sandbox.Deadline:
    """Of a run that starts now, outside the queue."""
    return sandbox.Deadline(allowed(duration).total_seconds(), _too_long(duration))


def _too_long(duration: float) -> str:
    return TOO_LONG.format(minutes=math.ceil(allowed(duration).total_seconds() / 60))


def run_next(*, worker: str, proceed: Callable[[], bool] = lambda: True) -> bool:
    """Runs the next segment; returns whether there was one."""
    requeue_stalled()
    segment = claim_next(worker=worker)
    if segment is None:
        return False
    with log_ids.of(clip=segment.analysis.clip_id, segment=segment.pk):
        try:
            run(segment, proceed=proceed)
        except LeaseLostError as lost:
            logger.warning("%s", lost)
    return True


def run(
    segment: Segment,
    *,
    predictor: Predictor | None = None,
    proceed: Callable[[], bool] = lambda: True,
) -> None:
    """Analyzes a claimed segment and records its outcome.

    Without a `predictor` that of the analysis's model is taken. Once `proceed` says no it is put
    back. Raises LeaseLostError, and records nothing, if the run is no longer ours.
    """
    clip = segment.analysis.clip
    too_long = _too_long(_budget(segment, clip))
    with jobs.holding(segment, proceed=proceed, too_long=too_long) as watch:
        try:
            with disk.refusing_when_full(), jobs.noticing_cut_offs():
                predictor = predictor or _predictor(segment.analysis)
                with files.local_path(clip.file) as video:
                    outcome = predictor.analyze(
                        video,
                        span=Span(segment.start, segment.end),
                        preview_width=settings.PREVIEW_WIDTH,
                        progress=Progress(on_stage=partial(_enter, segment), check=watch),
                    )
                keep(segment, outcome)
        except LeaseLostError:
            raise
        except GaveWayError:
            put_back(worker=segment.worker)
        except disk.DiskFullError as error:  # or away
            logger.warning("analysis %s waits for the storage: %s", segment.analysis_id, error)
            _put_back(segment, partial(jobs.give_way, pause=disk.PAUSE))
        except UnreadableError as error:
            logger.warning("analysis %s: its clip can't be read: %s", segment.analysis_id, error)
            unreadable = partial(_fail, reason=UNREADABLE)
            jobs.try_again(segment, give_up=unreadable, later=_try_later, pause=disk.PAUSE)
        except (sandbox.ScorerDiedError, jobs.CutOffError) as error:
            logger.warning("analysis %s: %s", segment.analysis_id, error)
            _try_again(segment)
        except Refused as error:
            _fail(segment, str(error))
        except Exception:
            _fail(segment, BROKE)
            logger.exception("analysis %s failed", segment.analysis_id)


def _put_back(segment: Segment, put_back: Callable[[Segment], None]) -> None:
    """As `_putting_back`, of a run."""
    with transaction.atomic():
        conclusions.lock(Segment.objects.filter(pk=segment.pk))
        put_back(segment)
        conclusions.settle()


def _try_again(segment: Segment) -> None:
    """Behind the user's others: perhaps its clip is what ends the child."""
    last = database.now()
    jobs.try_again(segment, give_up=_give_up, later=_try_later, waiting_since=last)


def _try_later(segment: Segment, **how: Any) -> None:
    _put_back(segment, partial(jobs.try_later, **how))


def _predictor(analysis: Analysis) -> Predictor:
    """Versions score along where the scores are a camera's: not of what was scored live before."""
    if not candidate_scores.is_counted(analysis.clip):
        return catalog.load(analysis.model)
    return versions.predictor(analysis.store_id, analysis.model)


def _enter(segment: Segment, stage: MlStage) -> None:
    jobs.beat(segment)
    conclusions.enter(segment, Stage(stage))


def keep(segment: Segment, outcome: Outcome) -> None:
    """Ends a running segment with its result. Raises LeaseLostError if it isn't held any more."""
    pictures = evidence.pictures(segment, outcome)
    jobs.beat(segment)  # what another run may have drawn meanwhile is left alone
    with files.with_pictures(segment.analysis, pictures):
        _end(segment, outcome)


def _end(segment: Segment, outcome: Outcome, *, judged_by: Thresholds | None = None) -> None:
    known = conclusions.identify(segment, evidence.tracks(segment, outcome))
    with transaction.atomic():
        conclusions.lock(Segment.objects.filter(pk=segment.pk))
        jobs.change(segment, status=Status.DONE, **evidence.result(outcome))
        Track.objects.bulk_create(evidence.tracks(segment, outcome))
        conclusions.close_if_complete(segment, known, judged_by=judged_by)


def _fail(segment: Segment, reason: str) -> None:
    known = conclusions.identify(segment)
    with transaction.atomic():
        conclusions.lock(Segment.objects.filter(pk=segment.pk))
        jobs.change(segment, status=Status.FAILED, error=reason)
        conclusions.close_if_complete(segment, known)


def _give_up(segment: Segment) -> None:
    _fail(segment, GIVEN_UP.format(attempts=segment.attempts))
