"""Cases: events and clips of one matter, held as long as they are in it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from video_classifier.models.analyses import Event
from video_classifier.models.cameras import Store
from video_classifier.models.clips import Clip
from video_classifier.models.jobs import Job
from video_classifier.querysets import CaseExportQuerySet, CaseQuerySet
from video_classifier.states import CaseState, Status

MOST_NOTE = 2000  # characters


class Case(models.Model):
    """One matter, never a person: there is nothing that links cases by who is seen in them.

    Only services.cases writes it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(Store, models.PROTECT, related_name="cases")
    name = models.CharField(max_length=100)
    state = models.CharField(max_length=6, choices=CaseState, default=CaseState.OPEN)
    loss = models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True, help_text="If it is known."
    )
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ("-opened_at",)
        constraints = (
            models.CheckConstraint(
                name="case_is_closed_at_some_time",
                condition=Q(state=CaseState.OPEN, closed_at=None)
                | Q(state=CaseState.CLOSED, closed_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.name


class CaseItem(models.Model):
    """A stretch of a clip in a case. The clip can't be deleted as long as it is in one."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="items", db_index=False)
    clip = models.ForeignKey(Clip, models.PROTECT, related_name="case_items")
    event = models.ForeignKey(
        Event, models.SET_NULL, null=True, blank=True, related_name="case_items"
    )
    start = models.FloatField(default=0.0, help_text="Seconds since the clip's first picture.")
    end = models.FloatField(null=True, blank=True, help_text="None: the clip's end.")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["case", "event"],
                condition=Q(event__isnull=False),
                name="caseitem_event_is_in_a_case_once",
            ),
            models.UniqueConstraint(
                fields=["case", "clip", "start"],
                condition=Q(event=None),
                name="caseitem_stretch_is_in_a_case_once",
            ),
            models.CheckConstraint(
                name="caseitem_ends_after_its_start",
                condition=Q(start__gte=0) & (Q(end=None) | Q(end__gt=F("start"))),
            ),
        )

    def __str__(self) -> str:
        return f"{self.clip} in {self.case}"


class CaseNote(models.Model):
    """What somebody wrote on a case, or on one of its events. Never changed."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="notes")
    item = models.ForeignKey(CaseItem, models.SET_NULL, null=True, blank=True, related_name="notes")
    text = models.TextField(max_length=MOST_NOTE)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text[:50]


class CaseExport(Job):
    """A ZIP of a case's evidence, and the making of it. Only services.case_exports moves a row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, models.CASCADE, related_name="exports")
    file = models.FileField(upload_to="evidence/%Y/%m/", blank=True)
    size_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    has_originals = models.BooleanField("with the original files", default=True)
    is_blurred = models.BooleanField("with everybody else blurred", default=True)
    done = models.PositiveIntegerField(default=0, help_text="Events that are in it so far.")
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = CaseExportQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = (
            *Job.Meta.constraints,
            models.CheckConstraint(
                name="caseexport_is_there_when_done",
                condition=~Q(status=Status.DONE) | ~Q(file="") & Q(finished_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_status_display()} export of {self.case}"
