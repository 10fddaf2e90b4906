"""Moves analyses from the queue to their results. Nothing else writes their status."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from video_classifier.ml.contracts import Outcome, Predictor, Progress
from video_classifier.ml.contracts import Stage as MlStage
from video_classifier.models import Analysis, Clip, Person
from video_classifier.services import catalog, evidence, files, jobs, queue, sandbox
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import GaveWayError, LeaseLostError
from video_classifier.states import Stage, Status, View

logger = logging.getLogger(__name__)

BROKE = (
    "Something broke on our side while this clip was analyzed. Choose “Analyze again”; if it "
    "breaks again, tell your administrator, who finds the cause in the server's log."
)
GIVEN_UP = (
    "The analysis stopped {attempts} times without an answer, so it was given up. Choose "
    "“Analyze again”; if that stops too, try a shorter clip or tell your administrator."
)

TOO_LONG = (
    "The analysis was stopped: it took longer than a clip of this length may take ({minutes} "
    "min). Cut the clip shorter or export it again, and upload that."
)

CANCELLED = (
    "This analysis was cancelled before it came to a result. Choose “Analyze again” to start anew."
)

_WAITING: dict[str, object] = {"stage": "", "started_at": None}


def check_room(user: User | None) -> None:
    """Raises QueueFullError, so that nobody fills the queue for all others."""
    jobs.check_room(Analysis.objects.waiting(), user)


@transaction.atomic
def enqueue(clip: Clip, *, model: str, user: User | None) -> Analysis:
    """Queues an analysis of `clip`; workers hear of it once this is committed.

    Raises QueueFullError.
    """
    if user is not None:  # of two requests at once, the later counts what the first has queued
        User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    check_room(user)
    analysis = Analysis.objects.create(clip=clip, model=model, requested_by=user)
    queue.announce()
    return analysis


def again(analysis: Analysis, *, model: str, user: User) -> Analysis:
    """Another analysis of the same clip; the earlier one stays.

    Raises Refused.
    """
    catalog.usable(model)
    return enqueue(analysis.clip, model=model, user=user)


def cancel(analysis: Analysis) -> bool:
    """Ends an analysis that is not finished; False if it is. A run of it loses its lease."""
    rows = Analysis.objects.filter(pk=analysis.pk)
    return bool(jobs.cancel(rows, error=CANCELLED, stage="", finished_at=timezone.now()))


def place_in_queue(analysis: Analysis) -> int:
    """1 is next."""
    return jobs.place(Analysis.objects.all(), analysis)


def claim_next(*, worker: str) -> Analysis | None:
    """The analysis whose turn it is, now running for `worker`, or None."""
    return jobs.claim_next(
        Analysis.objects.all(),
        worker=worker,
        related="clip",
        allowed=lambda waiting: allowed(waiting.clip.duration),
        stage=Stage.READING,
        started_at=timezone.now(),
    )


def requeue_stalled() -> int:
    """Puts back what a dead worker left running; says how many.

    What has stopped too often fails with a reason: its clip may be what kills the workers.
    """
    return jobs.requeue_stalled(Analysis.objects.all(), give_up=_give_up, **_WAITING)


def put_back(*, worker: str) -> int:
    """Gives up what `worker` runs, which ends in good order."""
    return jobs.put_back(Analysis.objects.all(), worker=worker, **_WAITING)


def allowed(duration: float) -> timedelta:
    """How long a run may take: longer for a longer clip, as far as headers can be believed.

    `duration` is in seconds.
    """
    most = settings.ANALYSIS_DEADLINE_MOST
    return min(settings.ANALYSIS_DEADLINE + timedelta(seconds=max(min(duration, 1e6), 0.0)), most)


def deadline(duration: float) -> sandbox.Deadline:
    """Of a run that starts now, outside the queue."""
    return sandbox.Deadline(allowed(duration).total_seconds(), _too_long(duration))


def _too_long(duration: float) -> str:
    return TOO_LONG.format(minutes=math.ceil(allowed(duration).total_seconds() / 60))


def run_next(*, worker: str, proceed: Callable[[], bool] = lambda: True) -> bool:
    """Runs the analysis whose turn it is; says if there was any."""
    requeue_stalled()
    analysis = claim_next(worker=worker)
    if analysis is None:
        return False
    try:
        run(analysis, proceed=proceed)
    except LeaseLostError as lost:
        logger.warning("%s", lost)
    return True


def run(
    analysis: Analysis,
    *,
    predictor: Predictor | None = None,
    proceed: Callable[[], bool] = lambda: True,
) -> None:
    """Analyzes a claimed clip and records the outcome, whatever it is.

    Without a `predictor` that of the analysis's model is taken. Once `proceed` says no it is put
    back. Raises LeaseLostError, and records nothing, if the run is no longer ours.
    """
    too_long = _too_long(analysis.clip.duration)
    with jobs.holding(analysis, proceed=proceed, too_long=too_long) as watch:
        try:
            predictor = predictor or catalog.load(analysis.model)
            with files.local_path(analysis.clip.file) as video:
                outcome = predictor.analyze(
                    video,
                    preview_width=settings.PREVIEW_WIDTH,
                    progress=Progress(on_stage=partial(_enter, analysis), check=watch),
                )
            _decide(analysis, outcome, model_sha256=predictor.sha256)
        except LeaseLostError:
            raise
        except GaveWayError:
            rows = Analysis.objects.filter(pk=analysis.pk)
            jobs.put_back(rows, worker=analysis.worker, **_WAITING)
        except Refused as error:
            _fail(analysis, str(error))
        except Exception:
            _fail(analysis, BROKE)
            logger.exception("analysis %s failed", analysis.pk)


def _enter(analysis: Analysis, stage: MlStage) -> None:
    jobs.change(analysis, stage=Stage(stage), heartbeat_at=timezone.now())


def _decide(analysis: Analysis, outcome: Outcome, *, model_sha256: str) -> None:
    sample = outcome.sample
    pictures = evidence.pictures(analysis, outcome)
    # The pictures are written while the transaction holds the row: a deletion of the clip
    # comes before, and nothing is written, or after, and finds them.
    with transaction.atomic():
        _close(
            analysis,
            status=Status.DONE,
            **evidence.prediction(outcome),
            model_sha256=model_sha256,
            detector_sha256=outcome.detector_sha256,
            view=View(outcome.view),
            persons_found=outcome.tracks_found,
            decided_by=outcome.decided_by,
            frame_times=list(sample.times),
            warnings=list(sample.warnings),
            seconds_reading=outcome.seconds_reading,
            seconds_finding=outcome.seconds_finding,
            seconds_classifying=outcome.seconds_classifying,
        )
        Person.objects.bulk_create(evidence.persons(analysis, outcome))
        evidence.write(pictures)


def _fail(analysis: Analysis, reason: str) -> None:
    _close(analysis, status=Status.FAILED, error=reason)


def _give_up(analysis: Analysis) -> None:
    _fail(analysis, GIVEN_UP.format(attempts=analysis.attempts))


def _close(analysis: Analysis, **changes: object) -> None:
    jobs.change(analysis, finished_at=timezone.now(), stage="", **changes)
    analysis.refresh_from_db()
