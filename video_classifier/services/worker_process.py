"""What a process does that is a worker and nothing else: jobs, alerts beside them, tidying up."""

from __future__ import annotations

from collections.abc import Collection

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from video_classifier.services import worker
from video_classifier.services.broker import ALERTS, SWEEP
from video_classifier.services.errors import Refused
from video_classifier.services.sender import Sender
from video_classifier.services.worker import Worker

KINDS = (*worker.KINDS, ALERTS, SWEEP)

OUT_OF_DATE = (
    "The database is older than this version of the site. Run `manage.py migrate`, "
    "then start the worker again."
)
SILENT = "The database can't be reached: {error}"


def check_database() -> None:
    """Raises Refused unless the database answers and is up to date."""
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise Refused(SILENT.format(error=error)) from error
    finally:
        connection.close()
    if plan:
        raise Refused(OUT_OF_DATE)


class WorkerProcess:
    """Does these kinds of jobs, and sends alerts or only tidies up if that is among them."""

    def __init__(self, *, kinds: Collection[str], idle_seconds: float | None = None) -> None:
        jobs = [kind for kind in worker.KINDS if kind in kinds]
        self._jobs = (
            Worker(kinds=jobs, idle_seconds=idle_seconds) if jobs or SWEEP in kinds else None
        )
        self._sender = Sender() if ALERTS in kinds else None
        named = self._jobs or self._sender
        self.name = named.name if named else ""
        self.kinds = [kind for kind in KINDS if kind in kinds]

    def start(self) -> None:
        self.ring()
        if self._sender is not None:
            self._sender.start()

    def ring(self) -> None:
        """There may be a job."""
        if self._jobs is not None:
            self._jobs.wake()

    def stop(self) -> None:
        """In good order: the job at hand goes back to the queue."""
        if self._jobs is not None:
            self._jobs.stop()
        if self._sender is not None:
            self._sender.stop()
