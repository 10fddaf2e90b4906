"""Alerts: what happened, the channels that hear of it, and each attempt to get it there."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from video_classifier.models.analyses import Analysis
from video_classifier.models.cameras import Camera, Store
from video_classifier.models.jobs import Job
from video_classifier.models.live import LiveEvent
from video_classifier.querysets import AlertQuerySet, ChannelQuerySet, DeliveryQuerySet
from video_classifier.states import AlertKind, ChannelKind, Gathering, Status, Suppression

LONGEST_PAUSE = 24 * 60 * 60  # seconds


class Channel(models.Model):
    """Where alerts go, and which. Only services.channels writes it."""

    name = models.CharField(
        max_length=100,
        unique=True,
        error_messages={"unique": "There is a channel of that name."},
    )
    kind = models.CharField(max_length=8, choices=ChannelKind)
    # services.secrets seals both; what pages may show of them is in services.channels.
    sealed_target = models.TextField(
        editable=False, help_text="E-mail addresses, or where a webhook or Apprise leads."
    )
    sealed_key = models.TextField(
        editable=False, blank=True, help_text="With which a webhook's messages are signed."
    )
    is_enabled = models.BooleanField("in use", default=True)
    all_stores = models.BooleanField(default=False, help_text="Those to come, too.")
    stores = models.ManyToManyField(Store, related_name="channels", blank=True)
    cameras = models.ManyToManyField(
        Camera, related_name="channels", blank=True, help_text="None: all of its stores."
    )
    least_score = models.FloatField(
        default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Hints with a lower score are not told; 0: all are.",
    )
    tells_live = models.BooleanField("hints of live cameras", default=True)
    tells_recordings = models.BooleanField("hints in uploaded recordings", default=False)
    tells_faults = models.BooleanField("cameras offline, and a full disk", default=True)
    quiet_from = models.TimeField(
        null=True, blank=True, help_text="In the time zone of the store; none: never quiet."
    )
    quiet_until = models.TimeField(null=True, blank=True, help_text="May be after midnight.")
    faults_break_quiet = models.BooleanField("faults in quiet hours, too", default=False)
    camera_pause = models.PositiveIntegerField(
        default=60,
        validators=[MaxValueValidator(LONGEST_PAUSE)],
        help_text="Seconds after a hint of a camera in which no other of it is told.",
    )
    pause = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(LONGEST_PAUSE)],
        help_text="Seconds after a hint of any camera in which no other is told.",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(
                name="channel_is_quiet_from_and_until_or_never",
                condition=Q(quiet_from=None, quiet_until=None)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
            ),
            models.CheckConstraint(
                name="channel_least_score_is_from_0_to_1", condition=Q(least_score__range=(0, 1))
            ),
            models.CheckConstraint(
                name="channel_pauses_are_bounded",
                condition=Q(camera_pause__lte=LONGEST_PAUSE, pause__lte=LONGEST_PAUSE),
            ),
        )

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """Something that somebody may have to know. Told once to each channel that wants it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=9, choices=AlertKind)
    happened_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # None: of the whole site. A camera stays in its store.
    store = models.ForeignKey(Store, models.CASCADE, null=True, blank=True, related_name="+")
    camera = models.ForeignKey(
        Camera, models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    live_event = models.OneToOneField(
        LiveEvent, models.SET_NULL, null=True, blank=True, related_name="alert"
    )
    analysis = models.OneToOneField(
        Analysis, models.SET_NULL, null=True, blank=True, related_name="alert"
    )
    score = models.FloatField(null=True, blank=True, help_text="As of when it was told.")
    threshold = models.FloatField(null=True, blank=True)
    details = models.JSONField(
        default=dict, blank=True, help_text="Such as a camera's fault, or the space left."
    )

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=["store", "created_at"], name="alert_of_store"),
            models.Index(fields=["camera", "kind", "created_at"], name="alert_of_camera"),
            models.Index(fields=["created_at", "id"], name="alert_by_time"),
        )
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(
                name="alert_of_a_camera_has_its_store", condition=Q(camera=None) | ~Q(store=None)
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.happened_at:%Y-%m-%d %H:%M:%S}"


class Delivery(Job):
    """An alert on its way to a channel, or a digest of several; also the log of what went where.

    One of an alert waits, and is done once it was sent. What isn't sent by itself is cancelled,
    with the reason: a digest may carry it. Only services.alerts makes rows, and only
    services.deliveries moves them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    alert = models.ForeignKey(
        Alert, models.CASCADE, null=True, blank=True, related_name="deliveries"
    )
    channel = models.ForeignKey(
        Channel, models.SET_NULL, null=True, blank=True, related_name="deliveries", db_index=False
    )
    # As of then: the log outlives the channel.
    channel_name = models.CharField(max_length=100)
    channel_kind = models.CharField(max_length=8, choices=ChannelKind)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    gathers = models.CharField(
        max_length=5, choices=Gathering, blank=True, help_text="Of a digest: why there is one."
    )
    digest = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="members"
    )
    suppression = models.CharField(
        max_length=8, choices=Suppression, blank=True, help_text="Why it isn't sent by itself."
    )
    time_outs = models.PositiveSmallIntegerField(
        default=0, help_text="Attempts after which nobody knows whether it arrived."
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    lacks_snapshot = models.BooleanField(
        default=False, help_text="It was sent without the picture, which wasn't there in time."
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta(Job.Meta):
        verbose_name_plural = "deliveries"
        ordering = ("-created_at", "-id")
        indexes = (
            *Job.Meta.indexes,
            models.Index(fields=["channel", "created_at"], name="delivery_of_channel"),
            models.Index(fields=["created_at", "id"], name="delivery_by_time"),
        )
        constraints = (
            *Job.Meta.constraints,
            models.UniqueConstraint(
                fields=["channel", "alert"],
                condition=Q(channel__isnull=False),
                name="delivery_of_an_alert_to_a_channel_once",
            ),
            models.CheckConstraint(
                name="delivery_of_an_alert_or_a_digest",
                condition=Q(alert=None) & ~Q(gathers="") | Q(alert__isnull=False, gathers=""),
            ),
            models.CheckConstraint(
                name="delivery_is_cancelled_for_a_reason",
                condition=Q(status=Status.CANCELLED) & ~Q(suppression="")
                | ~Q(status=Status.CANCELLED) & Q(suppression=""),
            ),
            models.CheckConstraint(
                name="delivery_is_done_once_sent",
                condition=~Q(status=Status.DONE) | Q(sent_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_status_display()} to {self.channel_name}"


class AlertsRead(models.Model):
    """Up to when somebody has seen what the bar of new hints tells."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="alerts_read"
    )
    until = models.DateTimeField()

    class Meta:
        verbose_name_plural = "alerts read"

    def __str__(self) -> str:
        return f"{self.user}: {self.until:%Y-%m-%d %H:%M:%S}"
