"""Files that come in piece by piece, before each is a clip."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from video_classifier.models.analyses import Analysis
from video_classifier.models.cameras import Camera, Store
from video_classifier.models.clips import Clip
from video_classifier.querysets import UploadQuerySet
from video_classifier.states import UploadStatus


class Upload(models.Model):
    """One file that somebody sends by the tus protocol, and what is to become of it.

    receiving -> checking -> accepted | refused; gone once it has expired.
    Only services.resumable moves a row. Of the bytes on disk, those up to `received_bytes` count.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255, help_text="As the uploader called it.")
    path = models.CharField(
        max_length=1000, blank=True, help_text="With the folders that it came in, if any."
    )
    fingerprint = models.CharField(
        max_length=500, blank=True, help_text="By which a page knows the same file again."
    )
    size_bytes = models.PositiveBigIntegerField()
    received_bytes = models.PositiveBigIntegerField(default=0)
    status = models.CharField(
        max_length=9, choices=UploadStatus, default=UploadStatus.RECEIVING, editable=False
    )
    store = models.ForeignKey(Store, models.CASCADE, related_name="+")
    camera = models.ForeignKey(Camera, models.SET_NULL, null=True, blank=True, related_name="+")
    model = models.CharField(max_length=100)
    recorded_at = models.DateTimeField(null=True, blank=True)
    pattern = models.CharField(max_length=100, blank=True, help_text="Of times in file names.")
    problem = models.TextField(blank=True, help_text="Why it was refused, or has to wait.")
    analysis = models.ForeignKey(
        Analysis, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    trashed = models.ForeignKey(
        Clip,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text="The same bytes in the trash, for which it was refused.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(db_index=True)  # services.resumable.tidy reads by it

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ("created_at", "pk")
        constraints = (
            models.CheckConstraint(
                name="upload_holds_no_more_than_its_size",
                condition=Q(received_bytes__lte=F("size_bytes")),
            ),
            models.CheckConstraint(
                name="upload_is_checked_when_all_is_there",
                condition=Q(status=UploadStatus.RECEIVING, received_bytes__lt=F("size_bytes"))
                | Q(status__in=[UploadStatus.CHECKING, UploadStatus.ACCEPTED])
                & Q(received_bytes=F("size_bytes"))
                | Q(status=UploadStatus.REFUSED),
            ),
            models.CheckConstraint(
                name="upload_is_refused_for_a_reason",
                condition=~Q(status=UploadStatus.REFUSED) | ~Q(problem=""),
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("web:resumable-upload", args=[self.pk])
