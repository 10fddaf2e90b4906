"""Works out which part of the pictures a score came from, once somebody asks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from video_classifier.ml.contracts import Image
from video_classifier.models import Analysis, HeatMap
from video_classifier.services import catalog, evidence, files, jobs, queue, sandbox
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import Lease, LeaseLostError, beating
from video_classifier.states import Status

logger = logging.getLogger(__name__)

BROKE = "Something broke on our side. Try again; if it breaks again, tell your administrator."
REPLACED = (
    "The model now gives these pictures another score ({now:.2f} instead of {then:.2f}): it was "
    "replaced since. Analyze the clip again and ask there."
)
TOO_LONG = "It takes too long to find out what mattered here."
TOLERANCE = 0.1  # the pictures were kept as JPEG, which moved scores by up to 0.03 when measured


class _GaveWayError(Exception):
    """There is something better to do now."""


class _Material(NamedTuple):
    score: Callable[[Image], float]
    seen: Image  # by the model
    shown: Image  # to the person who asks


def ask(analysis: Analysis) -> None:
    """Queues the heat map of an analysis with a score; asked again, only what failed is queued."""
    HeatMap.objects.get_or_create(analysis=analysis)
    HeatMap.objects.filter(analysis=analysis, status=Status.FAILED).update(
        status=Status.QUEUED, error="", attempts=0, waiting_since=timezone.now()
    )
    queue.announce()


def make_next(*, worker: str, proceed: Callable[[], bool] = lambda: True) -> bool:
    """Makes the heat map that waits the longest; says if there was any to make.

    `proceed` is asked after each part whether to go on; what is interrupted goes back to its
    place in the queue.
    """
    waiting = HeatMap.objects.all()
    jobs.requeue_stalled(
        waiting, lease=settings.ANALYSIS_LEASE, waiting={}, failed={"error": BROKE}
    )
    heat_map = jobs.claim_next(waiting, worker=worker, related="analysis__clip")
    if heat_map is None:
        return False
    held = HeatMap.objects.held(heat_map)
    try:
        with beating(partial(_beat, heat_map), is_held=held.exists) as lease:
            _make(heat_map, _watch(lease, proceed))
    except LeaseLostError:
        pass  # the clip was deleted, or another worker has it now
    except _GaveWayError:
        held.update(status=Status.QUEUED, attempts=F("attempts") - 1)
    except Refused as error:
        held.update(status=Status.FAILED, error=str(error))
    except Exception:
        logger.exception("no heat map could be made of analysis %s", heat_map.pk)
        held.update(status=Status.FAILED, error=BROKE)
    return True


def _beat(heat_map: HeatMap) -> None:
    if not HeatMap.objects.held(heat_map).update(heartbeat_at=timezone.now()):
        raise LeaseLostError


def _watch(lease: Lease, proceed: Callable[[], bool]) -> Callable[[], None]:
    in_time = sandbox.Deadline(settings.ANALYSIS_DEADLINE_MOST.total_seconds(), TOO_LONG)

    def watch() -> None:
        lease.check()
        in_time()
        if not proceed():
            raise _GaveWayError

    return watch


def _make(heat_map: HeatMap, watch: Callable[[], None]) -> None:
    from video_classifier.ml.serving import occlusion

    analysis, held = heat_map.analysis, HeatMap.objects.held(heat_map)
    material = _material(analysis, watch)
    _check(material, analysis)
    drops = occlusion.heat_map(material.score, material.seen, after_each=watch)
    pictures = {
        evidence.heat_file(analysis, number): evidence.jpeg(image, evidence.FRAME_QUALITY)
        for number, image in enumerate(occlusion.drawn(material.shown, drops))
    }
    with transaction.atomic():  # a deletion of the clip comes before or after, as in analyses
        if held.update(status=Status.DONE, drops=drops.astype(float).round(4).tolist()):
            evidence.write(pictures)


def _material(analysis: Analysis, watch: Callable[[], None]) -> _Material:
    predictor = catalog.load(analysis.model)
    numbers = range(len(evidence.moments(analysis)))
    if person := analysis.decided_by:
        crops = evidence.read(evidence.crop_file(analysis, person, each) for each in numbers)
        return _Material(predictor.score, seen=crops, shown=crops)
    shown = evidence.read(evidence.frame_file(analysis, each) for each in numbers)
    with files.local_path(analysis.clip.file) as video:
        sample = sandbox.sample(video, predictor.card.spec, watch=watch)
    return _Material(predictor.score, seen=sample.images, shown=shown)


def _check(material: _Material, analysis: Analysis) -> None:
    """Raises Refused if the score that is to be explained is no longer the model's."""
    now, then = material.score(material.seen), analysis.score or 0.0
    if abs(now - then) > TOLERANCE:
        raise Refused(REPLACED.format(now=now, then=then))
