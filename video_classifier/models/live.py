"""Cameras that are watched live: where their pictures come from, how they fare, what was seen."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from video_classifier.models.cameras import Camera
from video_classifier.models.clips import Clip
from video_classifier.querysets import FeedHourQuerySet, FeedQuerySet, LiveEventQuerySet
from video_classifier.states import Closing, Fault, FeedState

MOST_ROLL = 30  # seconds before or after an event that its clip may have


class Feed(models.Model):
    """How a camera is watched live: what managers chose, and how it fares just now.

    off -> connecting -> online <-> faulty. A watcher holds the row by a lease, as of a job. What
    managers chose is written by services.feeds, which raises `revision`; the state by
    services.watching, for the watcher that holds the row.
    """

    camera = models.OneToOneField(Camera, models.CASCADE, primary_key=True, related_name="feed")
    # services.secrets seals both; what pages may show of one is in services.feeds.
    sealed_address = models.TextField(editable=False)
    sealed_sub_address = models.TextField(editable=False, blank=True)
    model = models.CharField(max_length=50, help_text="A folder in models_storage.")
    is_enabled = models.BooleanField("watched", default=False)
    opens_at = models.TimeField(
        null=True, blank=True, help_text="In the store's time zone; none: all day."
    )
    closes_at = models.TimeField(null=True, blank=True, help_text="May be after midnight.")
    ignored_zones = models.JSONField(
        default=list,
        blank=True,
        help_text="Polygons of points, 0 to 1 from the left and from the top: who stands there "
        "is not looked at.",
    )
    pre_roll = models.PositiveSmallIntegerField(
        default=5, validators=[MaxValueValidator(MOST_ROLL)], help_text="Seconds before an event."
    )
    post_roll = models.PositiveSmallIntegerField(
        default=5, validators=[MaxValueValidator(MOST_ROLL)], help_text="Seconds after an event."
    )
    alerts = models.BooleanField(
        default=False, help_text="Whether events are told to anybody: a new camera only measures."
    )
    revision = models.PositiveIntegerField(
        default=1, editable=False, help_text="Raised by each change that a watcher has to notice."
    )

    worker = models.CharField(max_length=100, blank=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True, editable=False)
    state = models.CharField(
        max_length=10, choices=FeedState, default=FeedState.OFF, editable=False
    )
    fault = models.CharField(max_length=16, choices=Fault, blank=True, editable=False)
    since = models.DateTimeField(default=timezone.now, editable=False, help_text="Of the state.")
    last_picture_at = models.DateTimeField(null=True, blank=True, editable=False)
    codec = models.CharField(max_length=30, blank=True, editable=False)
    width = models.PositiveIntegerField(null=True, blank=True, editable=False)
    height = models.PositiveIntegerField(null=True, blank=True, editable=False)
    frame_rate = models.FloatField(
        null=True, blank=True, editable=False, help_text="Pictures a second that arrive."
    )
    stride = models.FloatField(
        null=True, blank=True, editable=False, help_text="Seconds from one scoring to the next."
    )
    score = models.FloatField(
        null=True, blank=True, editable=False, help_text="The highest of whom is in view; or none."
    )

    objects = FeedQuerySet.as_manager()

    class Meta:
        ordering = ("camera__store__name", "camera__name")
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(
                name="feed_opens_and_closes_or_neither",
                condition=Q(opens_at=None, closes_at=None)
                | Q(opens_at__isnull=False, closes_at__isnull=False),
            ),
            models.CheckConstraint(
                name="feed_rolls_are_bounded",
                condition=Q(pre_roll__lte=MOST_ROLL, post_roll__lte=MOST_ROLL),
            ),
            models.CheckConstraint(
                name="feed_is_faulty_for_a_reason",
                condition=Q(state=FeedState.FAULTY) & ~Q(fault="")
                | ~Q(state=FeedState.FAULTY) & Q(fault=""),
            ),
            models.CheckConstraint(
                name="feed_is_watched_by_somebody_alive",
                condition=Q(worker="") | Q(heartbeat_at__isnull=False),
            ),
            models.CheckConstraint(
                name="feed_score_is_from_0_to_1",
                condition=Q(score=None) | Q(score__range=(0, 1)),
            ),
        )

    def __str__(self) -> str:
        return f"Live feed of {self.camera}"


class FeedHour(models.Model):
    """How a camera fared in an hour. Kept for 30 days."""

    camera = models.ForeignKey(Camera, models.CASCADE, related_name="feed_hours", db_index=False)
    start = models.DateTimeField(help_text="On the hour, UTC.")
    seconds_online = models.FloatField(default=0.0, help_text="With pictures.")
    seconds_faulty = models.JSONField(default=dict, blank=True, help_text="By the fault.")
    reconnects = models.PositiveIntegerField(default=0)
    scorings = models.PositiveIntegerField(default=0)
    longest_stride = models.FloatField(default=0.0, help_text="Seconds.")
    events = models.PositiveIntegerField(default=0)

    objects = FeedHourQuerySet.as_manager()

    class Meta:
        ordering = ("camera", "start")
        constraints = (
            models.UniqueConstraint(fields=["camera", "start"], name="feedhour_is_counted_once"),
        )

    def __str__(self) -> str:
        return f"{self.camera}, {self.start:%Y-%m-%d %H} h"


class LiveEvent(models.Model):
    """An event as a camera's watcher saw it: opened while it happens, then closed, with its clip.

    Its score is that of the event candidate as of its best moment, by the rule of clips.
    Only services.live_events moves a row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    camera = models.ForeignKey(Camera, models.PROTECT, related_name="live_events", db_index=False)
    started_at = models.DateTimeField(help_text="Of its first window.")
    ended_at = models.DateTimeField(help_text="Of its last window so far.")
    peak_at = models.DateTimeField(help_text="The middle of its best window.")
    opened_at = models.DateTimeField(help_text="When the score reached the threshold.")
    closed_at = models.DateTimeField(null=True, blank=True)
    closing = models.CharField(
        max_length=10, choices=Closing, blank=True, help_text="Why it ended."
    )
    model = models.CharField(max_length=50)
    model_sha256 = models.CharField("model SHA-256", max_length=64, blank=True)
    score = models.FloatField(help_text="0 to 1: the mean of its best windows.")
    threshold = models.FloatField()
    low = models.FloatField(
        null=True,
        blank=True,
        help_text="From this score to the threshold: uncertain. None: the threshold decides alone.",
    )
    is_hint = models.BooleanField(
        default=True, help_text="Or uncertain: the score has not reached the threshold yet."
    )
    still = models.CharField(
        max_length=200, blank=True, help_text="The name in storage of the picture that shows it."
    )
    box = models.JSONField(
        default=list, blank=True, help_text="Left, top, right, bottom in it; 0 to 1."
    )
    clip = models.OneToOneField(
        Clip, models.SET_NULL, null=True, blank=True, related_name="live_event"
    )
    no_clip = models.TextField(blank=True, help_text="Why there is none: a sentence.")

    objects = LiveEventQuerySet.as_manager()

    class Meta:
        ordering = ("-opened_at",)
        indexes = (
            models.Index(fields=["camera", "opened_at"], name="liveevent_of_camera"),
            models.Index(fields=["opened_at", "id"], name="liveevent_by_time"),
            models.Index(
                fields=["camera"], name="liveevent_open", condition=Q(closed_at__isnull=True)
            ),
        )
        constraints = (
            models.CheckConstraint(
                name="liveevent_peaks_between_its_start_and_end",
                condition=Q(peak_at__gte=F("started_at"), peak_at__lte=F("ended_at")),
            ),
            models.CheckConstraint(
                name="liveevent_is_a_hint_or_uncertain",
                condition=Q(score__lte=1, threshold__gte=0)
                & (
                    Q(is_hint=True, score__gte=F("threshold"))
                    | Q(is_hint=False, score__lt=F("threshold"), score__gte=F("low"))
                ),
            ),
            models.CheckConstraint(
                name="liveevent_closed_for_a_reason",
                condition=Q(closed_at=None, closing="")
                | Q(closed_at__isnull=False) & ~Q(closing=""),
            ),
        )

    def __str__(self) -> str:
        return f"Live event of {self.camera}, {self.started_at:%Y-%m-%d %H:%M:%S}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def length(self) -> float:
        """In seconds."""
        started: datetime = self.started_at
        return (self.ended_at - started).total_seconds()


class WaitingClip(models.Model):
    """The clip of a live event that was cut and is not in storage yet.

    Its files are in a folder on the disk of the machine that cut it, which sends it. Only
    services.waiting_clips moves a row; it goes with its event.
    """

    live_event = models.OneToOneField(
        LiveEvent, models.CASCADE, primary_key=True, related_name="waiting_clip"
    )
    place = models.CharField(
        max_length=100, help_text="The folder of waiting clips, named after its machine."
    )
    size_bytes = models.PositiveBigIntegerField(help_text="With what is kept beside it.")
    waiting_since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("waiting_since", "pk")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"Waiting clip of {self.live_event}"
