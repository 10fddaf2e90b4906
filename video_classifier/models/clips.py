"""Recordings, as somebody uploaded them, and the making of copies that browsers play."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from video_classifier.models.cameras import Camera, Store
from video_classifier.models.jobs import Job
from video_classifier.querysets import (
    BrowserCopyQuerySet,
    ClipQuerySet,
    SegmentCopyQuerySet,
)
from video_classifier.states import Origin, Playback, RecordedFrom, Status, Verdict


class Clip(models.Model):
    """A video somebody uploaded. Its bytes never change.

    kept -> in the trash -> kept again | gone with all that was made of it.
    Only services.trash moves a row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, help_text="As the uploader called it.")
    file = models.FileField(upload_to="clips/%Y/%m/")
    playable = models.FileField(
        upload_to="playable/%Y/%m/", blank=True, help_text="A copy that browsers play, if needed."
    )
    playback = models.CharField(max_length=8, choices=Playback, default=Playback.ORIGINAL)
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True)
    size_bytes = models.PositiveBigIntegerField()
    container = models.CharField(max_length=10)
    codec = models.CharField(max_length=30)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    frame_rate = models.FloatField(null=True, blank=True)
    duration = models.FloatField(help_text="Seconds, as the file's header says.")
    segment_spans = models.JSONField(
        default=list,
        blank=True,
        help_text="Start and end, in seconds, of each segment of a long recording; a clip that is "
        "analyzed in one piece has none.",
    )
    store = models.ForeignKey(Store, models.PROTECT, related_name="clips")
    camera = models.ForeignKey(
        Camera,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="clips",
        help_text="One of the store's.",
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="clips",
    )
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)
    origin = models.CharField(max_length=6, choices=Origin, default=Origin.UPLOAD, editable=False)
    recorded_at = models.DateTimeField(
        null=True, blank=True, help_text="When its first picture was taken, if that is known."
    )
    recorded_from = models.CharField(max_length=5, choices=RecordedFrom, blank=True)
    recorded_note = models.CharField(
        max_length=300, blank=True, help_text="Why the recording time isn't what one may expect."
    )
    verdict = models.CharField(
        max_length=11,
        choices=Verdict,
        blank=True,
        editable=False,
        help_text="The gravest of its current events: confirmed, disputed, unsure, false alarm; "
        "without events, of the clip itself. Missed: marked where the model said nothing.",
    )
    trashed_at = models.DateTimeField("in the trash since", null=True, blank=True, editable=False)
    trashed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    objects = ClipQuerySet.as_manager()

    class Meta:
        ordering = ("-uploaded_at",)
        indexes = (
            models.Index(
                fields=["trashed_at"],
                name="clip_trash",
                condition=Q(trashed_at__isnull=False),
            ),
            models.Index(fields=["uploaded_at", "id"], name="clip_by_upload"),  # the administration
            # Of the history: the search for names and the order by them, and whose clips there
            # are. They hold all that is asked, so that no row is read.
            models.Index(fields=["name", "store", "trashed_at", "id"], name="clip_by_name"),
            models.Index(fields=["uploaded_by", "store", "trashed_at"], name="clip_by_uploader"),
            models.Index(fields=["verdict", "store", "trashed_at"], name="clip_by_verdict"),
        )
        constraints = (
            models.CheckConstraint(
                name="clip_copy_is_there",
                condition=~Q(playback=Playback.COPY) | ~Q(playable=""),
            ),
            models.CheckConstraint(
                name="clip_trashed_by_somebody_at_some_time",
                condition=Q(trashed_by=None) | Q(trashed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="clip_recording_time_has_an_origin",
                condition=Q(recorded_at=None, recorded_from="")
                | Q(recorded_at__isnull=False, recorded_from__in=RecordedFrom.values),
            ),
        )

    def __str__(self) -> str:
        return self.name

    def moment_of(self, seconds: float) -> datetime | None:
        """When a moment of the clip was; None if nobody knows when it was recorded."""
        return self.recorded_at and self.recorded_at + timedelta(seconds=seconds)

    @property
    def trashed_until(self) -> datetime | None:
        """When it goes for good; None outside the trash."""
        return self.trashed_at and self.trashed_at + settings.TRASH_KEEP


class BrowserCopy(Job):
    """The making of a clip's copy that browsers play; the copy itself belongs to the clip.

    Only services.copies moves a row, and `Clip.playback` with it; services.trash cancels and
    queues again.
    """

    clip = models.OneToOneField(Clip, models.CASCADE, primary_key=True, related_name="browser_copy")

    objects = BrowserCopyQuerySet.as_manager()

    class Meta(Job.Meta):
        verbose_name_plural = "browser copies"

    def __str__(self) -> str:
        return f"{self.get_status_display()} copy"


class SegmentCopy(Job):
    """The copy of a segment of a long recording that browsers play, and the making of it.

    Only services.copies moves a row; services.trash cancels and queues again.
    """

    clip = models.ForeignKey(
        Clip,
        models.CASCADE,
        related_name="segment_copies",
        db_index=False,  # the constraint's begins with it
    )
    number = models.PositiveSmallIntegerField(help_text="In order of time, from 1.")
    start = models.FloatField(help_text="Seconds since the clip's first picture.")
    end = models.FloatField()
    file = models.FileField(upload_to="playable/%Y/%m/", blank=True)
    seconds_making = models.FloatField(null=True, blank=True, help_text="That it took.")

    objects = SegmentCopyQuerySet.as_manager()

    class Meta(Job.Meta):
        verbose_name_plural = "segment copies"
        constraints = (
            *Job.Meta.constraints,
            models.UniqueConstraint(
                fields=["clip", "number"], name="segmentcopy_one_of_each_segment"
            ),
            models.CheckConstraint(
                name="segmentcopy_is_there_when_done",
                condition=~Q(status=Status.DONE) | ~Q(file=""),
            ),
            models.CheckConstraint(
                name="segmentcopy_ends_after_its_start", condition=Q(start__lt=models.F("end"))
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_status_display()} copy of segment {self.number}"
