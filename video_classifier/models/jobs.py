"""What every job has: its place in the queue, who runs it, and until when."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from video_classifier.states import Status

JOB_VERSION = 2  # to be raised when an older worker would do a job that is queued now wrongly


def job_version() -> int:
    return JOB_VERSION


class Job(models.Model):
    """A row that is also a job in the queue of its kind.

    queued -> running -> done | failed. What stalls, or is put back, is queued again. Queued ->
    paused -> queued. Unfinished -> cancelled, and from there queued again if a clip leaves the
    trash.
    Only services.jobs moves a row, for the one service that knows its kind.
    """

    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,  # the indexes below begin with it
        help_text="Users take turns.",
    )
    priority = models.SmallIntegerField(default=0, help_text="Higher goes first.")
    waiting_since = models.DateTimeField(
        default=timezone.now, editable=False, help_text="Its place in the user's own queue."
    )
    not_before = models.DateTimeField(
        default=timezone.now, editable=False, help_text="Until then a failed attempt rests."
    )
    version = models.PositiveSmallIntegerField(
        default=job_version,
        editable=False,
        help_text="Of the code that queued it; a worker leaves jobs newer than itself alone.",
    )

    worker = models.CharField(max_length=100, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The last time: users take turns by it.",
    )
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    deadline = models.DateTimeField(
        null=True, blank=True, help_text="When the run at hand has to be over."
    )
    error = models.TextField(blank=True)

    class Meta:
        abstract = True
        indexes: ClassVar[tuple[models.Index, ...]] = (
            models.Index(
                fields=["requested_by", "priority", "waiting_since"],
                name="%(class)s_queue",
                condition=Q(status=Status.QUEUED),
            ),
            models.Index(
                fields=["heartbeat_at"],
                name="%(class)s_running",
                condition=Q(status=Status.RUNNING),
            ),
            models.Index(
                fields=["requested_by", "claimed_at"],
                name="%(class)s_turns",
                condition=Q(claimed_at__isnull=False),
            ),
        )
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(
                name="%(class)s_running_shows_life",
                condition=~Q(status=Status.RUNNING) | ~Q(heartbeat_at=None) & ~Q(claimed_at=None),
            ),
            models.CheckConstraint(
                name="%(class)s_running_has_a_deadline",
                condition=~Q(status=Status.RUNNING) | ~Q(deadline=None),
            ),
            models.CheckConstraint(
                name="%(class)s_failed_says_why",
                condition=~Q(status=Status.FAILED) | ~Q(error=""),
            ),
        )

    @property
    def is_finished(self) -> bool:
        return self.status in {Status.DONE, Status.FAILED, Status.CANCELLED}
