"""What a camera's own footage says of a model: its scores, and the thresholds that follow."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from video_classifier.models.analyses import Event
from video_classifier.models.cameras import Camera
from video_classifier.models.clips import Clip
from video_classifier.models.live import LiveEvent
from video_classifier.querysets import (
    CandidateScoreQuerySet,
    MeasureQuerySet,
    PlantedActQuerySet,
    ScoredTimeQuerySet,
)
from video_classifier.states import EndOfMeasure, Verdict

MOST_BUDGET = 1000  # false hints a camera-day
MOST_THEFTS = 20  # a day that a measure may tolerate


class Weights(models.Model):
    """Which weights gave a score. Scores are compared only where both sums are the same."""

    model = models.CharField(max_length=50, help_text="A folder.")
    model_sha256 = models.CharField("model SHA-256", max_length=64)
    detector_sha256 = models.CharField("detector SHA-256", max_length=64, blank=True)

    class Meta:
        abstract = True


class Scored(Weights):
    """What some weights made of footage, which may be deleted since."""

    is_shadow = models.BooleanField(
        "in the shadow", default=False, help_text="A version scored along, and decided nothing."
    )
    file = models.CharField(
        max_length=64, blank=True, help_text="Of a recording that is deleted: its SHA-256."
    )

    class Meta:
        abstract = True


class CandidateScore(Scored):
    """An event candidate in the footage of a camera, whatever its score. It keeps no picture.

    Of recordings that were uploaded, and of what was watched live; never of the clips that are cut
    from a live camera, which was scored already. Written by services.candidate_scores.
    """

    camera = models.ForeignKey(
        Camera, models.CASCADE, related_name="candidate_scores", db_index=False
    )
    clip = models.ForeignKey(
        Clip,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="candidate_scores",
        help_text="The recording; none if it was watched live, or the recording is deleted.",
    )
    event = models.ForeignKey(
        Event,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of a recording, if it became one: its answers are this candidate's.",
    )
    live_event = models.ForeignKey(
        LiveEvent, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    is_hint = models.BooleanField(
        default=False, help_text="By the thresholds of then. It stays when the event is deleted."
    )
    verdict = models.CharField(
        max_length=11,
        choices=Verdict,
        blank=True,
        help_text="Of a clip that is deleted: what people said.",
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    score = models.FloatField(help_text="0 to 1: the mean of its best windows.")
    height = models.FloatField(
        null=True, blank=True, help_text="Of the person, 0 to 1 of the picture's, as a median."
    )
    clothing = models.FloatField(
        null=True, blank=True, help_text="How bright the clothes are, 0 to 1."
    )
    light = models.FloatField(
        null=True, blank=True, help_text="How bright the whole picture is, 0 to 1."
    )

    objects = CandidateScoreQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        indexes = (
            models.Index(
                fields=["camera", "model_sha256", "started_at"], name="candidatescore_of_camera"
            ),
            models.Index(fields=["started_at"], name="candidatescore_by_time"),
            models.Index(fields=["file"], name="candidatescore_of_deleted", condition=~Q(file="")),
            models.Index(
                fields=["started_at"], name="candidatescore_answered", condition=~Q(verdict="")
            ),
        )
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(
                name="candidatescore_is_from_0_to_1", condition=Q(score__range=(0, 1))
            ),
            models.CheckConstraint(
                name="candidatescore_ends_after_its_start",
                condition=Q(ended_at__gte=F("started_at")),
            ),
        )

    def __str__(self) -> str:
        return f"Candidate at {self.camera}, {self.started_at:%Y-%m-%d %H:%M:%S}"


class ScoredTime(Scored):
    """How much footage of a camera was scored: of a recording, or of an hour watched live."""

    camera = models.ForeignKey(Camera, models.CASCADE, related_name="scored_times", db_index=False)
    clip = models.ForeignKey(
        Clip, models.SET_NULL, null=True, blank=True, related_name="scored_times"
    )
    is_live = models.BooleanField(default=False)
    start = models.DateTimeField(help_text="Of the recording; of live hours on the hour, UTC.")
    seconds = models.FloatField(default=0.0)

    objects = ScoredTimeQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=["camera", "model_sha256", "start"], name="scoredtime_of_camera"),
            models.Index(fields=["start"], name="scoredtime_by_time"),
            models.Index(fields=["file"], name="scoredtime_of_deleted", condition=~Q(file="")),
        )
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.UniqueConstraint(
                fields=["camera", "start", "model_sha256", "detector_sha256", "is_shadow"],
                name="scoredtime_of_an_hour_is_one",
                condition=Q(is_live=True),
            ),
            models.CheckConstraint(name="scoredtime_has_passed", condition=Q(seconds__gte=0)),
        )

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s of {self.camera}, {self.start:%Y-%m-%d %H} h"


class Measure(Weights):
    """Thresholds of one camera for one model, and the footage that they rest on.

    Written once by services.measures; only how it ends, and that its scores have drifted, are
    written later. Of a camera's measures with the same weights one holds at most. Results keep the
    thresholds that they were judged by.
    """

    camera = models.ForeignKey(Camera, models.CASCADE, related_name="measures")
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    # What somebody chose.
    budget = models.FloatField(
        "false hints a camera-day",
        validators=[MinValueValidator(0.001), MaxValueValidator(MOST_BUDGET)],
        help_text="At most so many on average.",
    )
    thefts = models.FloatField(
        "thefts a day",
        default=1.0,
        validators=[MinValueValidator(0), MaxValueValidator(MOST_THEFTS)],
        help_text="So many of the highest scores a day may be thefts that nobody has noticed.",
    )
    # What it rests on.
    first_at = models.DateTimeField(help_text="Of the footage.")
    last_at = models.DateTimeField()
    seconds = models.FloatField(help_text="Of footage that was scored.")
    day_seconds = models.FloatField(help_text="What a day of this camera is: its hours, or 24 h.")
    recordings = models.PositiveIntegerField(help_text="Files, and live hours, that it is made of.")
    candidates = models.PositiveIntegerField()
    # What came of it.
    low = models.FloatField(help_text="Below this score: no hint.")
    high = models.FloatField(help_text="From this score on: a hint. Between both: uncertain.")
    figures = models.JSONField(
        default=dict,
        help_text="What the page says of it: intervals, the share of thefts noticed, and so on.",
    )
    reference = models.JSONField(
        default=list, help_text="Quantiles of the scores, for the comparison with later weeks."
    )
    # How it goes on.
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    drift = models.JSONField(default=dict, blank=True, help_text="What the last check found.")
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    end = models.CharField(max_length=8, choices=EndOfMeasure, blank=True)

    objects = MeasureQuerySet.as_manager()

    class Meta:
        ordering = ("-made_at",)
        default_permissions = ("view",)
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.UniqueConstraint(
                fields=["camera", "model_sha256", "detector_sha256"],
                name="measure_of_a_camera_holds_alone",
                condition=Q(ended_at=None),
            ),
            models.CheckConstraint(
                name="measure_low_is_not_above_high",
                condition=Q(low__gte=0, high__gte=F("low"), high__lte=1),
            ),
            models.CheckConstraint(
                name="measure_ended_for_a_reason",
                condition=Q(ended_at=None, end="") | Q(ended_at__isnull=False) & ~Q(end=""),
            ),
            models.CheckConstraint(
                name="measure_rests_on_footage",
                condition=Q(seconds__gt=0, day_seconds__gt=0, last_at__gte=F("first_at")),
            ),
        )

    def __str__(self) -> str:
        return f"Measure of {self.camera} with {self.model}, {self.made_at:%Y-%m-%d}"


class PlantedAct(models.Model):
    """Staff acted a theft in front of a camera, so that what the model notices can be counted."""

    camera = models.ForeignKey(Camera, models.CASCADE, related_name="planted_acts")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)
    noted_at = models.DateTimeField(default=timezone.now, editable=False)
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )

    objects = PlantedActQuerySet.as_manager()

    class Meta:
        ordering = ("-started_at",)
        constraints = (
            models.CheckConstraint(
                name="plantedact_ends_after_its_start",
                condition=Q(ended_at__gt=F("started_at")),
            ),
        )

    def __str__(self) -> str:
        return f"Planted act at {self.camera}, {self.started_at:%Y-%m-%d %H:%M}"
