"""Works out which part of the pictures a score came from, once somebody asks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction

from video_classifier.ml.contracts import Image, WindowScore
from video_classifier.models import Analysis, HeatMap
from video_classifier.services import (
    candidates,
    catalog,
    clips,
    disk,
    evidence,
    files,
    jobs,
    queue,
    sandbox,
)
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import GaveWayError, LeaseLostError
from video_classifier.states import Status

logger = logging.getLogger(__name__)

BROKE = "Something broke on our side. Try again; if it breaks again, tell your administrator."
REPLACED = (
    "The model now gives these pictures another score ({now:.2f} instead of {then:.2f}): it was "
    "replaced since. Analyze the clip again and ask there."
)
TOO_LONG = "It takes too long to find out what mattered here."
TOLERANCE = 0.1  # the pictures were kept as JPEG, which moved scores by up to 0.03 when measured


class _Material(NamedTuple):
    score: Callable[[Image], float]
    seen: Image  # by the model
    shown: Image  # to the person who asks
    then: float  # what these pictures scored; of several windows the result's score is a mean


@transaction.atomic
def ask(analysis: Analysis, *, user: User | None) -> None:
    """Queues the heat map of an analysis with a score; asked again, only what failed is queued.

    Raises Refused if its clip is in the trash or gone.
    """
    clips.hold(analysis.clip)
    HeatMap.objects.get_or_create(analysis=analysis, defaults={"requested_by": user})
    HeatMap.objects.filter(analysis=analysis, status=Status.FAILED).update(**jobs.again(user))
    queue.announce("heat_maps")


def put_back(*, worker: str) -> int:
    """Releases the jobs of `worker`, which shuts down."""
    return jobs.put_back(HeatMap.objects.all(), worker=worker)


def make_next(*, worker: str, proceed: Callable[[], bool] = lambda: True) -> bool:
    """Makes the next heat map; returns whether there was one.

    `proceed` is asked after each part whether to go on; what is interrupted goes back to its
    place in the queue.
    """
    return jobs.run_next(
        HeatMap.objects.all(),
        worker=worker,
        related="analysis__clip",
        run=partial(_run, proceed=proceed),
        give_up=partial(_fail, reason=BROKE),
    )


def _run(heat_map: HeatMap, proceed: Callable[[], bool]) -> None:
    try:
        with (
            jobs.holding(heat_map, proceed=proceed, too_long=TOO_LONG) as watch,
            disk.refusing_when_full(),
        ):
            _make(heat_map, watch)
    except LeaseLostError:
        raise
    except GaveWayError:
        jobs.give_way(heat_map)
    except disk.DiskFullError:  # or away
        logger.warning("the heat map of analysis %s waits for the storage", heat_map.pk)
        jobs.give_way(heat_map, pause=disk.PAUSE)
    except jobs.INTERRUPTED as error:
        logger.warning("the heat map of analysis %s was interrupted: %s", heat_map.pk, error)
        jobs.try_again(heat_map, give_up=partial(_fail, reason=BROKE))
    except Refused as error:
        _fail(heat_map, str(error))
    except Exception:
        logger.exception("no heat map could be made of analysis %s", heat_map.pk)
        _fail(heat_map, BROKE)


def _fail(heat_map: HeatMap, reason: str) -> None:
    jobs.change(heat_map, status=Status.FAILED, error=reason)


def _make(heat_map: HeatMap, watch: Callable[[], None]) -> None:
    from video_classifier.ml.serving import occlusion

    analysis = heat_map.analysis
    material = _material(analysis, watch)
    _check(material)
    drops = occlusion.heat_map(material.score, material.seen, after_each=watch)
    pictures = {
        evidence.heat_file(analysis, number): evidence.jpeg(image, evidence.FRAME_QUALITY)
        for number, image in enumerate(occlusion.drawn(material.shown, drops))
    }
    jobs.beat(heat_map)  # what is no longer its own to draw over is left alone
    with files.with_pictures(analysis, pictures):
        jobs.change(heat_map, status=Status.DONE, drops=drops.astype(float).round(4).tolist())


def _material(analysis: Analysis, watch: Callable[[], None]) -> _Material:
    predictor = catalog.load(analysis.model)
    if track := candidates.deciding_track(analysis):
        crops = evidence.read(evidence.crop_files(track))
        window = candidates.shown_window(track)
        return _Material(
            predictor.score,
            seen=crops,
            shown=crops,
            then=track.score if window is None else window.score,
        )
    shown = evidence.read(evidence.frame_files(analysis))
    start, end, then = _deciding_window(analysis, predictor.card.best_windows)
    with files.local_path(analysis.clip.file) as video:
        sample = sandbox.sample(video, predictor.card.spec, start=start, end=end, watch=watch)
    return _Material(predictor.score, seen=sample.images, shown=shown, then=then)


def _deciding_window(analysis: Analysis, best_windows: int) -> tuple[float, float | None, float]:
    """Start and end in seconds of the window that decided, and its score.

    No end is that of the clip.
    """
    from video_classifier.ml.serving.events import Decision

    if len(analysis.windows) < 2:  # noqa: PLR2004  (all of the clip, or a result of before)
        return 0.0, None, analysis.score or 0.0
    decision = Decision[WindowScore](best=best_windows)
    for scored in candidates.windows(analysis.windows):
        decision.add(scored, scored)
    decided = decision.pictures
    is_last = [decided.start, decided.end, decided.score] == analysis.windows[-1]
    return decided.start, None if is_last else decided.end, decided.score


def _check(material: _Material) -> None:
    """Raises Refused if the score that is to be explained is no longer the model's."""
    now = material.score(material.seen)
    if abs(now - material.then) > TOLERANCE:
        raise Refused(REPLACED.format(now=now, then=material.then))
