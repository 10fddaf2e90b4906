"""What `celery --app shoplift_site worker` runs: one of our workers, whose bell a task rings.

The queues that the process listens on say which kinds of jobs it does. Jobs are not messages: they
are rows, which the worker claims by itself, also while Redis is away.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
from typing import Any, NoReturn

import django
from celery import signals
from celery.concurrency.solo import TaskPool
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shoplift_site.settings")
if not apps.ready:
    django.setup()

# Only now are the models there.
from video_classifier.services import broker, database, worker_process
from video_classifier.services.errors import Refused

logger = logging.getLogger(__name__)

ONE_AT_A_TIME = "A Celery process does one job here: start more of them, and leave --pool out."

app = broker.app()
_here: worker_process.WorkerProcess | None = None


def ring() -> None:
    """The task: there may be a job."""
    if _here is not None:
        _here.ring()


app.task(name=broker.RING)(ring)


def _log_as_the_site_does(**_: Any) -> None:
    """A receiver is enough to have Celery leave the logs alone."""


def _begin(instance: Any, **_: Any) -> None:
    """Before the connection to Redis, which may be away for long."""
    global _here  # noqa: PLW0603
    try:
        _check(instance.pool_cls)
    except Refused as refused:
        logger.error("%s", refused)  # noqa: TRY400
        raise SystemExit(2) from None
    _here = worker_process.WorkerProcess(kinds=app.amqp.queues.consume_from)
    # Celery's own handler comes a moment later.
    signal.signal(signal.SIGTERM, _end_early)
    logger.info("Worker %s does %s.", _here.name, ", ".join(_here.kinds))
    atexit.register(_end)
    _here.start()


def _check(pool: object) -> None:
    """Raises Refused."""
    if pool is not TaskPool:
        raise Refused(ONE_AT_A_TIME)
    database.wait()
    worker_process.check_database()


def _end(**_: Any) -> None:
    global _here
    here, _here = _here, None
    if here is not None:
        here.stop()
        logger.info("The worker has ended; what it had not finished is queued again.")


def _end_early(*_: object) -> NoReturn:
    """Ends by `_end` as it exits: here the first thread may be within what that one waits for."""
    raise SystemExit(0)


signals.setup_logging.connect(_log_as_the_site_does)
signals.celeryd_after_setup.connect(_begin)
signals.worker_shutdown.connect(_end)
