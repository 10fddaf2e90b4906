"""The questions the project asks about clips and analyses, each by its name."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.db import models
from django.db.models import Q

from video_classifier.states import Playback, Status

if TYPE_CHECKING:
    from video_classifier.models import Analysis, AuditEntry, Clip, HeatMap  # noqa: F401

Job = TypeVar("Job", bound="Analysis | HeatMap")


DELETE_CLIPS = "video_classifier.delete_clip"  # the permission


class ClipQuerySet(models.QuerySet["Clip"]):
    def kept(self) -> Self:
        """Not in the trash: all that pages, lists and jobs may know of."""
        return self.filter(trashed_at=None)

    def in_trash(self) -> Self:
        return self.filter(trashed_at__isnull=False)

    def trashed_before(self, moment: datetime) -> Self:
        """In the trash for longer than since `moment`, the first first."""
        return self.filter(trashed_at__lt=moment).order_by("trashed_at")

    def deletable_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Which `user` may move to the trash and out of it: their own, or all of them."""
        if isinstance(user, PermissionsMixin) and user.has_perm(DELETE_CLIPS):
            return self
        return self.filter(uploaded_by=user.pk).exclude(uploaded_by=None)

    def wanting_a_copy(self) -> Self:
        """Not to be played in browsers until somebody makes a copy, the longest due first."""
        return self.kept().filter(playback=Playback.WANTED).order_by("copy_due_at", "pk")


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
    def visible(self) -> Self:
        """Whose clips are not in the trash."""
        return self.filter(clip__trashed_at=None)

    def ahead_of(self, analysis: Analysis) -> Self:
        """Waiting, and to be claimed before `analysis`."""
        return self.waiting().filter(
            Q(waiting_since__lt=analysis.waiting_since)
            | Q(waiting_since=analysis.waiting_since, pk__lt=analysis.pk)
        )

    def for_listing(self) -> Self:
        """All that a table may show, with what a row of it shows, in one query."""
        return (
            self.visible()
            .select_related("clip", "clip__uploaded_by", "requested_by")
            .order_by("-queued_at", "pk")
        )


class HeatMapQuerySet(JobQuerySet["HeatMap"]):
    """Nothing is asked of heat maps but what is asked of every job."""


class AppendOnlyError(TypeError):
    """An entry of the audit log was to be changed or removed."""

    def __init__(self) -> None:
        super().__init__("The audit log is append-only: entries are neither changed nor removed.")


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    """To be read and added to."""

    def update(self, **_: Any) -> NoReturn:
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        raise AppendOnlyError

    def bulk_update(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnlyError

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[AuditEntry]:
        if kwargs.get("update_conflicts"):
            raise AppendOnlyError
        return super().bulk_create(*args, **kwargs)
