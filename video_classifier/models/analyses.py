"""Each run of a model over a clip, whom it followed, and where its score came from."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from video_classifier.models.clips import Clip
from video_classifier.models.jobs import Job
from video_classifier.querysets import AnalysisQuerySet, HeatMapQuerySet, PersonQuerySet
from video_classifier.states import Prediction, Stage, Status, View


class Analysis(Job):
    """One run of one model over one clip; it is also the job in the queue."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clip = models.ForeignKey(Clip, models.CASCADE, related_name="analyses")
    model = models.CharField(max_length=50, help_text="A folder in models_storage.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="analyses",
    )

    stage = models.CharField(max_length=11, choices=Stage, blank=True)

    prediction = models.CharField(max_length=9, choices=Prediction, blank=True)
    reason = models.TextField(
        blank=True, help_text="Why there is no result, and what to do: sentences for the uploader."
    )
    score = models.FloatField(null=True, blank=True, help_text="Score, 0 to 1.")
    threshold = models.FloatField(
        null=True, blank=True, help_text="From this score on: a hint at possible shoplifting."
    )
    model_sha256 = models.CharField("model SHA-256", max_length=64, blank=True)
    detector_sha256 = models.CharField(
        "detector SHA-256",
        max_length=64,
        blank=True,
        help_text="Of the weights that found the persons; empty for a model of whole pictures.",
    )
    view = models.CharField(
        max_length=6, choices=View, default=View.FRAME, help_text="What the model looks at."
    )
    persons_found = models.PositiveSmallIntegerField(
        "tracks found", default=0, help_text="More than were looked at, if there were too many."
    )
    decided_by = models.PositiveSmallIntegerField(
        "highest score", null=True, blank=True, help_text="The number of the track whose it is."
    )
    frame_times = models.JSONField(default=list, blank=True, help_text="Seconds, one a frame.")
    warnings = models.JSONField(default=list, blank=True, help_text="Sentences for the uploader.")
    seconds_reading = models.FloatField(null=True, blank=True)
    seconds_finding = models.FloatField(null=True, blank=True)
    seconds_classifying = models.FloatField(null=True, blank=True)

    queued_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = AnalysisQuerySet.as_manager()

    class Meta(Job.Meta):
        verbose_name_plural = "analyses"
        ordering = ("-queued_at",)
        indexes = (
            *Job.Meta.indexes,
            models.Index(fields=["-queued_at", "id"], name="analysis_history"),
        )
        constraints = (
            *Job.Meta.constraints,
            models.CheckConstraint(
                name="analysis_score_is_from_0_to_1",
                condition=Q(score=None) | Q(score__range=(0, 1)),
            ),
            models.CheckConstraint(
                name="analysis_done_means_predicted",
                condition=~Q(status=Status.DONE) | ~Q(prediction="") & ~Q(finished_at=None),
            ),
            models.CheckConstraint(
                name="analysis_predicted_only_when_done",
                condition=Q(status=Status.DONE) | Q(prediction="", score=None),
            ),
            models.CheckConstraint(
                name="analysis_prediction_has_a_score",
                condition=~Q(prediction__in=(Prediction.HINT, Prediction.NO_HINT))
                | ~Q(score=None) & ~Q(threshold=None),
            ),
            models.CheckConstraint(
                name="analysis_no_result_has_a_reason",
                condition=Q(prediction=Prediction.NO_RESULT, score=None) & ~Q(reason="")
                | ~Q(prediction=Prediction.NO_RESULT) & Q(reason=""),
            ),
            models.CheckConstraint(
                name="analysis_score_is_a_tracks_in_its_view",
                condition=Q(view=View.FRAME, decided_by=None)
                | Q(view=View.PERSON, decided_by__isnull=False, decided_by__gte=1)
                | Q(view=View.PERSON, decided_by=None, score=None),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_prediction_display() or self.get_status_display()} ({self.model})"

    def get_absolute_url(self) -> str:
        return reverse("web:result", args=[self.pk])

    @property
    def progress(self) -> str:
        """How far it has got, for a page to see whether what it shows is still true."""
        return f"{self.status}-{self.stage}"


class Person(models.Model):
    """Somebody whom a model followed through a clip, as nothing but the number of a track.

    A person who leaves and comes back gets a new track.
    """

    analysis = models.ForeignKey(Analysis, models.CASCADE, related_name="persons")
    number = models.PositiveSmallIntegerField(help_text="From 1, in order of appearance.")
    score = models.FloatField(help_text="Score, 0 to 1.")
    times = models.JSONField(help_text="Seconds, ascending, one a box.")
    boxes = models.JSONField(help_text="Left, top, right, bottom; 0 to 1 of the picture.")
    crop_times = models.JSONField(help_text="Seconds, one a picture that the model looked at.")

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = "track"
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(
                fields=["analysis", "number"], name="person_number_stands_for_one"
            ),
            models.CheckConstraint(name="person_number_is_from_one", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="person_score_is_from_0_to_1", condition=Q(score__range=(0, 1))
            ),
        )

    def __str__(self) -> str:
        return f"Track {self.number}"


class HeatMap(Job):
    """How much each part of the pictures mattered to a score.

    A failed one is queued again if somebody asks again.
    """

    analysis = models.OneToOneField(
        Analysis, models.CASCADE, primary_key=True, related_name="heat_map"
    )
    drops = models.JSONField(
        default=list, blank=True, help_text="Rows of how far the score falls with a part hidden."
    )

    objects = HeatMapQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = (
            *Job.Meta.constraints,
            models.CheckConstraint(
                name="heatmap_done_means_drawn",
                condition=~Q(status=Status.DONE) | ~Q(drops=[]),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_status_display()} heat map"
