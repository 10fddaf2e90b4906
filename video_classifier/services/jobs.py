"""Jobs of every kind: claims a row, holds it by heartbeats, ends it, or puts it back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from contextvars import copy_context
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Case, Count, F, When

from video_classifier.models import jobs as models
from video_classifier.querysets import AnyJob, JobQuerySet
from video_classifier.services import database, log_ids, sandbox
from video_classifier.services.errors import Refused
from video_classifier.states import Status

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # from look to look whether a running job is still wanted

AHEAD = 32  # so many of the first in turn are tried to be locked: more than claim at one moment
FEW_WAIT = 1000  # jobs, which are sorted as a whole
MOST_QUEUES = 16  # of users and priorities, each of which takes a query

_QUEUED: dict[str, object] = {
    "status": Status.QUEUED,
    "worker": "",
    "heartbeat_at": None,
    "deadline": None,
}


class LeaseLostError(Exception):
    """The run was given up as stalled, cancelled, or its clip deleted; another may hold it now."""


class GaveWayError(Exception):
    """There is something better to do now than this job, or the process ends."""


class CutOffError(Exception):
    """The database was busy for too long, or away, in a run: nothing is wrong with the job."""


INTERRUPTED = (*sandbox.INTERRUPTED, CutOffError)  # another attempt may well succeed


class QueueFullError(Refused):
    """The user has as many jobs waiting as one may have."""


def place(jobs: JobQuerySet[AnyJob], **wanted: object) -> int:
    """The current place in the queue of the first such job; 1 is next, 0 means none waits.

    Jobs with the same value count as one.
    """
    ((field, value),) = wanted.items()
    waiting = dict.fromkeys(jobs.waiting().in_turn().values_list(field, flat=True))
    return next((number for number, found in enumerate(waiting, 1) if found == value), 0)


def ready(jobs: JobQuerySet[AnyJob]) -> JobQuerySet[AnyJob]:
    """Those that this code may claim now."""
    return jobs.waiting().known_to(models.JOB_VERSION).due(now=database.now())


def claim_next(
    jobs: JobQuerySet[AnyJob],
    *,
    worker: str,
    related: str,
    allowed: Callable[[AnyJob], timedelta],
    **changes: object,
) -> AnyJob | None:
    """The job whose turn it is, now running for `worker` for as long as `allowed`, or None.

    Of workers that see the same row, the database lets one UPDATE find it still
    queued; the others go on to the next. Where it can, a worker locks the row
    first, and passes over those that others have locked.
    """
    locks = connection.features.has_select_for_update_skip_locked
    look = _first_unlocked if locks else _first
    while True:
        with transaction.atomic() if locks else nullcontext():
            waiting = look(jobs.select_related(related))
            if waiting is None:
                return None
            if claim(jobs, waiting, worker=worker, allowed=allowed(waiting), **changes):
                return jobs.select_related(related).filter(pk=waiting.pk).first()


def _first(jobs: JobQuerySet[AnyJob]) -> AnyJob | None:
    return _in_turn(ready(jobs)).first()


def _in_turn(waiting: JobQuerySet[AnyJob]) -> JobQuerySet[AnyJob]:
    """The first AHEAD of them, and others behind these.

    To sort all that wait takes the longer the more there are. Of many only the heads of each
    user's own queue are sorted, which an index finds: nobody else's turn can come sooner.
    """
    queues = waiting.order_by().values_list("requested_by", "priority")
    sizes = list(queues.annotate(count=Count("pk"))[: MOST_QUEUES + 1])
    if len(sizes) > MOST_QUEUES or sum(count for *_, count in sizes) <= FEW_WAIT:
        return waiting.in_turn()
    heads = [
        waiting.filter(requested_by=user, priority=priority)
        .order_by("waiting_since", "pk")
        .values_list("pk", flat=True)[:AHEAD]
        for user, priority, _ in sizes
    ]
    return waiting.filter(pk__in=[key for head in heads for key in head]).in_turn()


def _first_unlocked(jobs: JobQuerySet[AnyJob]) -> AnyJob | None:
    """The row is locked until the transaction ends. A query that says whose turn it is can't lock.

    None, too, if others hold all of those AHEAD: what they leave is found by the next look.
    """
    keys = list(_in_turn(ready(jobs)).values_list("pk", flat=True)[:AHEAD])
    turn = Case(*(When(pk=pk, then=number) for number, pk in enumerate(keys)), default=len(keys))
    free = jobs.waiting().filter(pk__in=keys).order_by(turn) if keys else jobs.none()
    return free.select_for_update(skip_locked=True, of=("self",), no_key=True).first()


def claim(
    jobs: JobQuerySet[AnyJob],
    waiting: AnyJob,
    *,
    worker: str,
    allowed: timedelta,
    **changes: object,
) -> bool:
    """Has `worker` run that job for as long as `allowed`; False if it waits no longer."""
    now = database.now()
    claimed = jobs.filter(pk=waiting.pk, status=Status.QUEUED).update(
        status=Status.RUNNING,
        worker=worker,
        attempts=F("attempts") + 1,
        claimed_at=now,
        heartbeat_at=now,
        deadline=now + allowed,
        **changes,
    )
    return bool(claimed)


def stalled_among(jobs: JobQuerySet[AnyJob]) -> JobQuerySet[AnyJob]:
    """The jobs of dead and stuck workers that this code may put back."""
    known = jobs.known_to(models.JOB_VERSION)
    return known.stalled(now=database.now(), lease=settings.ANALYSIS_LEASE)


def requeue_stalled(
    jobs: JobQuerySet[AnyJob], *, give_up: Callable[[AnyJob], None], **waiting: object
) -> int:
    """Requeues the jobs of dead and stuck workers; returns how many.

    What has stopped too often is given up: it may be what kills the workers.
    """
    stalled = stalled_among(jobs)
    if not stalled.exists():  # the usual case writes nothing
        return 0
    for job in stalled.filter(attempts__gte=settings.ANALYSIS_ATTEMPTS):
        with suppress(LeaseLostError):
            give_up(job)
    return stalled.update(**_QUEUED | {"not_before": database.now()} | waiting)


def run_next(
    jobs: JobQuerySet[AnyJob],
    *,
    worker: str,
    related: str,
    run: Callable[[AnyJob], None],
    give_up: Callable[[AnyJob], None],
) -> bool:
    """Runs the next job of a kind whose runs may all take equally long; False if there is none."""
    requeue_stalled(jobs, give_up=give_up)
    job = claim_next(
        jobs,
        worker=worker,
        related=related,
        allowed=lambda _: settings.ANALYSIS_DEADLINE_MOST,
    )
    if job is None:
        return False
    kind = job._meta.verbose_name  # noqa: SLF001
    with log_ids.of(job=f"{kind} {job.pk}"), suppress(LeaseLostError):
        run(job)  # unless the clip was deleted, or another worker has it now
    return True


def requeue(jobs: JobQuerySet[AnyJob], **changes: object) -> int:
    """Queues those of these that run, at their places; says how many."""
    fields = _QUEUED | {"not_before": database.now()} | changes
    return jobs.filter(status=Status.RUNNING).update(**fields)


def put_back(jobs: JobQuerySet[AnyJob], *, worker: str, **waiting: object) -> int:
    """Releases the jobs of `worker`, which shuts down; returns how many.

    It goes to the end of the user's queue, and the attempt counts: what keeps one process busy
    until it is stopped must not keep the next one from everything else.
    """
    running = jobs.filter(status=Status.RUNNING, worker=worker)
    now = database.now()
    return running.update(waiting_since=now, not_before=now, **_QUEUED, **waiting)


def give_way(job: models.Job, *, pause: timedelta = timedelta()) -> None:
    """Back to its place, at the earliest after `pause`; that was no attempt."""
    with suppress(LeaseLostError):
        change(job, not_before=database.now() + pause, attempts=F("attempts") - 1, **_QUEUED)


def try_again(
    job: AnyJob,
    *,
    give_up: Callable[[AnyJob], None],
    later: Callable[..., None] | None = None,
    pause: timedelta = timedelta(),
    **changes: object,
) -> None:
    """Back to its place after something interrupted it, but not for ever. Raises LeaseLostError.

    `later` is what puts it back, if not `try_later`.
    """
    if job.attempts < settings.ANALYSIS_ATTEMPTS:
        (later or try_later)(job, pause=pause, **changes)
    else:
        give_up(job)


def try_later(job: models.Job, *, pause: timedelta, **changes: object) -> None:
    """Back to its place for another attempt after `pause`. Raises LeaseLostError."""
    change(job, not_before=database.now() + pause, **_QUEUED | changes)


def again(user: User | None) -> dict[str, object]:
    """The field values that queue a finished job again, for `user`."""
    now = database.now()
    return _QUEUED | {
        "requested_by": user,
        "waiting_since": now,
        "not_before": now,
        "version": models.JOB_VERSION,
        "attempts": 0,
        "error": "",
    }


def cancel(jobs: JobQuerySet[AnyJob], **changes: object) -> int:
    """Ends what is not finished; says how many. A run loses its lease."""
    return jobs.unfinished().update(**_QUEUED | {"status": Status.CANCELLED} | changes)


def pause(jobs: JobQuerySet[AnyJob]) -> int:
    """Has what waits wait until somebody resumes it; says how many. A run goes on to its end."""
    return jobs.waiting().update(status=Status.PAUSED)


def resume(jobs: JobQuerySet[AnyJob]) -> int:
    """Queues what was paused, at its place; says how many."""
    return jobs.filter(status=Status.PAUSED).update(**_QUEUED)


def restore(jobs: JobQuerySet[AnyJob], **changes: object) -> int:
    """Queues what was cancelled, at its place; says how many."""
    return jobs.filter(status=Status.CANCELLED).update(**_QUEUED | changes)


def beat(job: models.Job) -> None:
    """Writes a heartbeat. Raises LeaseLostError."""
    change(job, heartbeat_at=database.now())


def change(job: models.Job, **changes: object) -> None:
    """Writes to the row of a run. Raises LeaseLostError, and writes nothing, if it lost it."""
    kind = job._meta.verbose_name  # noqa: SLF001
    if not _held(job).update(**changes):
        msg = f"{kind} {job.pk} is no longer held by {job.worker}"
        raise LeaseLostError(msg)
    if "status" in changes and job.claimed_at is not None:
        seconds = (database.now() - job.claimed_at).total_seconds()
        logger.info("%s %s: %s after %.1f s", kind, job.pk, changes["status"], seconds)


def _held(job: models.Job) -> JobQuerySet[models.Job]:
    rows: JobQuerySet[models.Job] = JobQuerySet(type(job))
    return rows.held(job)


class Pace:
    """Says yes once in so many seconds, the first time after as many."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


@contextmanager
def holding(
    job: models.Job, *, proceed: Callable[[], bool], too_long: str
) -> Iterator[Callable[[], None]]:
    """Sends heartbeats during a run; yields a callback to call several times a second.

    That raises LeaseLostError once the run has lost its row, GaveWayError once `proceed` says
    no, and Refused with the sentence `too_long` at the deadline. Raises CutOffError.
    """
    left = job.deadline - database.now() if job.deadline else timedelta()
    in_time = sandbox.Deadline(left.total_seconds(), too_long)
    with _beating(job, seconds=left.total_seconds()) as lease:

        def watch() -> None:
            lease.check(job)
            if not proceed():
                msg = f"{job} {job.pk} gives way"
                raise GaveWayError(msg)
            in_time()

        with noticing_cut_offs():
            yield watch


@contextmanager
def noticing_cut_offs() -> Iterator[None]:
    """Raises CutOffError, and lets go of the connection, where the database can't be asked."""
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        if not (database.is_busy(error) or database.is_away(error)):
            raise
        database.release()  # it may be dead; the next statement opens another
        msg = f"the database could not be asked: {error}"
        raise CutOffError(msg) from error


class _Lease:
    """The lease as of the last heartbeat."""

    def __init__(self) -> None:
        self._lost = threading.Event()

    def lose(self) -> None:
        self._lost.set()

    def check(self, job: models.Job) -> None:
        """Raises LeaseLostError."""
        if self._lost.is_set():
            msg = f"the run of {job} {job.pk} was given up, or its clip deleted"
            raise LeaseLostError(msg)


@contextmanager
def _beating(job: models.Job, *, seconds: float) -> Iterator[_Lease]:
    """Sends heartbeats from a thread of its own: reading a long clip leaves no time for it.

    Whether the row is still held is asked more often. What goes on for longer than so many
    `seconds` is stuck: it sends no more heartbeats, and stalls.
    """
    finished, lease = threading.Event(), _Lease()
    ticker = threading.Thread(
        target=copy_context().run,  # its lines in the log have the ids of this run
        args=(_tick, job, lease, finished, time.monotonic() + seconds),
        daemon=True,
    )
    ticker.start()
    try:
        yield lease
    finally:
        finished.set()
        ticker.join()


def _tick(job: models.Job, lease: _Lease, finished: threading.Event, until: float) -> None:
    pause = settings.ANALYSIS_HEARTBEAT.total_seconds()
    due = time.monotonic() + pause
    try:
        while not finished.wait(min(LOOK_SECONDS, pause)) and time.monotonic() < until:
            try:
                if time.monotonic() >= due:
                    beat(job)
                    due = time.monotonic() + pause
                elif not _held(job).exists():
                    lease.lose()
                    return
            except DatabaseError:  # busy, or gone; the lease outlasts a missed beat
                logger.warning("a heartbeat could not be written", exc_info=True)
                connection.close_if_unusable_or_obsolete()  # the next one opens another
    except LeaseLostError:
        lease.lose()
    finally:
        connection.close()
