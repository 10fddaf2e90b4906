"""The questions the project asks about clips and analyses, each by its name."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models
from django.db.models import Q

from video_classifier.states import Playback, Status

if TYPE_CHECKING:
    from video_classifier.models import Analysis, Clip, HeatMap  # noqa: F401

Job = TypeVar("Job", bound="Analysis | HeatMap")


class ClipQuerySet(models.QuerySet["Clip"]):
    def wanting_a_copy(self) -> Self:
        """Not to be played in browsers until somebody makes a copy, the oldest first."""
        return self.filter(playback=Playback.WANTED).order_by("uploaded_at")


class JobQuerySet(models.QuerySet[Job]):
    """Of rows that are also the jobs in a queue."""

    def waiting(self) -> Self:
        """Queued, the longest waiting first."""
        return self.filter(status=Status.QUEUED).order_by("waiting_since", "pk")

    def unfinished(self) -> Self:
        return self.filter(status__in=(Status.QUEUED, Status.RUNNING))

    def held(self, job: Job) -> Self:
        """The row of `job`, while it still belongs to this very run of this worker."""
        return self.filter(
            pk=job.pk, status=Status.RUNNING, worker=job.worker, attempts=job.attempts
        )

    def stalled(self, *, before: datetime) -> Self:
        """Running, with no sign of life since `before`: their worker is dead or lost."""
        found = self.filter(status=Status.RUNNING, heartbeat_at__lt=before)
        return found.order_by("heartbeat_at")


class AnalysisQuerySet(JobQuerySet["Analysis"]):
    def ahead_of(self, analysis: Analysis) -> Self:
        """Waiting, and to be claimed before `analysis`."""
        return self.waiting().filter(
            Q(waiting_since__lt=analysis.waiting_since)
            | Q(waiting_since=analysis.waiting_since, pk__lt=analysis.pk)
        )

    def for_listing(self) -> Self:
        """With all that a row of a table shows, in one query."""
        return self.select_related("clip", "clip__uploaded_by", "requested_by").order_by(
            "-queued_at", "pk"
        )


class HeatMapQuerySet(JobQuerySet["HeatMap"]):
    """Nothing is asked of heat maps but what is asked of every job."""
