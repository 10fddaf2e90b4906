"""Runs of models over clips: their segments, whom they followed, what their scores come from."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from video_classifier.models.cameras import Store
from video_classifier.models.clips import Clip
from video_classifier.models.jobs import Job
from video_classifier.querysets import (
    AnalysisQuerySet,
    EventQuerySet,
    HeatMapQuerySet,
    SegmentQuerySet,
    TrackQuerySet,
)
from video_classifier.states import (
    Prediction,
    Stage,
    Status,
    ThresholdOrigin,
    Turn,
    Verdict,
    View,
)


class Result(models.Model):
    """What a model made of a stretch of video, and which weights did."""

    score = models.FloatField(null=True, blank=True, help_text="Score, 0 to 1.")
    threshold = models.FloatField(
        null=True, blank=True, help_text="From this score on: a hint at possible shoplifting."
    )
    reason = models.TextField(
        blank=True, help_text="Why there is no result, and what to do: sentences for the uploader."
    )
    model_sha256 = models.CharField("model SHA-256", max_length=64, blank=True)
    detector_sha256 = models.CharField(
        "detector SHA-256",
        max_length=64,
        blank=True,
        help_text="Of the weights that found the people; empty for a model of whole pictures.",
    )
    view = models.CharField(
        max_length=6, choices=View, default=View.FRAME, help_text="What the model looks at."
    )
    tracks_found = models.PositiveSmallIntegerField(
        default=0, help_text="More than were looked at, if there were too many."
    )
    decided_by = models.PositiveSmallIntegerField(
        "highest score", null=True, blank=True, help_text="The number of the track whose it is."
    )
    frame_times = models.JSONField(default=list, blank=True, help_text="Seconds, one a frame.")
    windows = models.JSONField(
        default=list,
        blank=True,
        help_text="Of whole pictures: start and end in seconds, and score, of each window.",
    )
    warnings = models.JSONField(default=list, blank=True, help_text="Sentences for the uploader.")
    seconds_reading = models.FloatField(null=True, blank=True)
    seconds_finding = models.FloatField(null=True, blank=True)
    seconds_classifying = models.FloatField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(
                name="%(class)s_score_is_from_0_to_1",
                condition=Q(score=None) | Q(score__range=(0, 1)),
            ),
            models.CheckConstraint(
                name="%(class)s_score_is_a_tracks_in_its_view",
                condition=Q(view=View.FRAME, decided_by=None)
                | Q(view=View.PERSON, decided_by__isnull=False, decided_by__gte=1)
                | Q(view=View.PERSON, decided_by=None, score=None),
            ),
        )


class Analysis(Result):
    """One run of one model over one clip: the plan, and the sum of its segments.

    queued -> running, with its first segment -> done, with its last | failed, if none of them
    could be analyzed. Queued or running -> paused -> queued. Unfinished -> cancelled. Only
    services.analyses and services.conclusions move a row, except that services.trash cancels it
    with its clip and queues it again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clip = models.ForeignKey(Clip, models.CASCADE, related_name="analyses")
    # The clip's, which never changes. Here too, so that an index of a list has it.
    store = models.ForeignKey(
        Store, models.PROTECT, related_name="+", editable=False, db_index=False
    )
    model = models.CharField(max_length=50, help_text="A folder in models_storage.")
    threshold_origin = models.CharField(
        max_length=6,
        choices=ThresholdOrigin,
        default=ThresholdOrigin.MODEL,
        help_text="Where the threshold comes from.",
    )
    low = models.FloatField(
        null=True,
        blank=True,
        help_text="From this score to the threshold: uncertain. None: the threshold decides alone.",
    )
    measure = models.ForeignKey(
        "Measure",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of the camera, if its thresholds decided.",
    )
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="analyses",
    )
    stage = models.CharField(max_length=11, choices=Stage, blank=True)
    prediction = models.CharField(max_length=9, choices=Prediction, blank=True)
    error = models.TextField(blank=True)

    is_latest = models.BooleanField(
        default=True, editable=False, help_text="Of its clip: the one that lists show."
    )
    queued_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = AnalysisQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "analyses"
        ordering = ("-queued_at",)
        indexes = (
            # Each serves the history: its order, or a filter and a column to sort by; and then the
            # store, so that of others' rows no more than the index is read.
            models.Index(fields=["queued_at", "id", "store"], name="analysis_history"),
            models.Index(fields=["status", "queued_at", "id", "store"], name="analysis_by_status"),
            models.Index(
                fields=["prediction", "queued_at", "id", "store"], name="analysis_by_prediction"
            ),
            models.Index(fields=["score", "queued_at", "id", "store"], name="analysis_by_score"),
            models.Index(  # the strongest hints first
                fields=["prediction", "score", "queued_at", "id", "store"],
                name="analysis_hints_by_score",
            ),
            models.Index(fields=["model", "queued_at", "id", "store"], name="analysis_by_model"),
            # The latest clips on the upload page.
            models.Index(fields=["requested_by", "queued_at", "id"], name="analysis_by_requester"),
        )
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            *Result.Meta.constraints,
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
                condition=~Q(
                    prediction__in=(Prediction.HINT, Prediction.UNCERTAIN, Prediction.NO_HINT)
                )
                | ~Q(score=None) & ~Q(threshold=None),
            ),
            models.CheckConstraint(
                name="analysis_is_uncertain_between_two_thresholds",
                condition=Q(low=None) & ~Q(prediction=Prediction.UNCERTAIN)
                | Q(low__gte=0, low__lte=F("threshold")),
            ),
            models.CheckConstraint(
                name="analysis_no_result_has_a_reason",
                condition=Q(prediction=Prediction.NO_RESULT, score=None) & ~Q(reason="")
                | ~Q(prediction=Prediction.NO_RESULT) & Q(reason=""),
            ),
            models.CheckConstraint(
                name="analysis_failed_says_why",
                condition=~Q(status=Status.FAILED) | ~Q(error=""),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_prediction_display() or self.get_status_display()} ({self.model})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.store_id = self.clip.store_id
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("web:result", args=[self.pk])

    @property
    def is_finished(self) -> bool:
        return self.status in {Status.DONE, Status.FAILED, Status.CANCELLED}

    @property
    def progress(self) -> str:
        """How far it has got, for a page to see whether what it shows is still true."""
        return f"{self.status}-{self.stage}"


class Segment(Job, Result):
    """A stretch of a clip, analyzed by one run: the job of an analysis. A short clip has one.

    All its times are seconds since the clip's first picture; numbers of tracks are its own.
    """

    analysis = models.ForeignKey(Analysis, models.CASCADE, related_name="segments")
    number = models.PositiveSmallIntegerField(help_text="From 1, in order of time.")
    start = models.FloatField(default=0.0, help_text="Seconds since the clip's first picture.")
    end = models.FloatField(null=True, blank=True, help_text="Seconds; none: the clip's end.")
    shadows = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="Until the analysis closes: by the SHA-256 of a head that scored along, "
        "the score of each window, by the number of its track, or 0.",
    )
    appearance = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="Until the analysis closes: how bright clothes and picture are in each window, "
        "0 to 1, by the number of its track, or 0.",
    )

    objects = SegmentQuerySet.as_manager()

    class Meta:
        ordering = ("number",)
        indexes = (*Job.Meta.indexes,)
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            *Job.Meta.constraints,
            *Result.Meta.constraints,
            models.UniqueConstraint(
                fields=["analysis", "number"], name="segment_number_stands_for_one"
            ),
            models.CheckConstraint(name="segment_number_is_from_one", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="segment_ends_after_its_start",
                condition=Q(start__gte=0) & (Q(end=None) | Q(end__gt=F("start"))),
            ),
            models.CheckConstraint(
                name="segment_has_a_result_when_done_and_only_then",
                condition=~Q(status=Status.DONE) & Q(score=None, reason="")
                | Q(status=Status.DONE, score=None) & ~Q(reason="")
                | Q(status=Status.DONE, reason="") & ~Q(score=None) & ~Q(threshold=None),
            ),
        )

    def __str__(self) -> str:
        return f"Segment {self.number}"


class Track(models.Model):
    """Somebody whom a model followed through a segment, as nothing but a number.

    A person who leaves and comes back gets a new track. Who is followed over the border of two
    segments has a row in each, with the same number; in the stretch that segments share, the later
    row holds.
    """

    analysis = models.ForeignKey(Analysis, models.CASCADE, related_name="tracks")
    segment = models.ForeignKey(Segment, models.CASCADE, related_name="tracks")
    number = models.PositiveSmallIntegerField(
        help_text="From 1, in order of appearance in the clip."
    )
    number_in_segment = models.PositiveSmallIntegerField(
        help_text="From 1, in order of appearance."
    )
    score = models.FloatField(help_text="Score, 0 to 1.")
    times = models.JSONField(help_text="Seconds, ascending, one a box.")
    boxes = models.JSONField(help_text="Left, top, right, bottom; 0 to 1 of the picture.")
    crop_times = models.JSONField(
        help_text="Seconds, one a picture of the window that the score comes from."
    )
    windows = models.JSONField(
        default=list,
        blank=True,
        help_text="Start and end in seconds, and score, of each window; older results have none.",
    )

    objects = TrackQuerySet.as_manager()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(
                fields=["segment", "number"], name="track_number_stands_for_one"
            ),
            models.UniqueConstraint(
                fields=["segment", "number_in_segment"],
                name="track_number_in_segment_stands_for_one",
            ),
            models.CheckConstraint(
                name="track_numbers_are_from_one",
                condition=Q(number__gte=1, number_in_segment__gte=1),
            ),
            models.CheckConstraint(
                name="track_score_is_from_0_to_1", condition=Q(score__range=(0, 1))
            ),
        )

    def __str__(self) -> str:
        return f"Track {self.number}"


class Event(models.Model):
    """An event candidate whose score reached the threshold. Times are seconds of the clip.

    Written when the analysis closes. A clip is a hint exactly when it has one that is a hint;
    results from before there were events have none. Where a camera's measure decides, there are
    uncertain ones, too: they go to the review queue, and nobody is told of them.
    """

    analysis = models.ForeignKey(Analysis, models.CASCADE, related_name="events")
    number = models.PositiveIntegerField(help_text="From 1, in order of time.")
    segment = models.ForeignKey(
        Segment, models.CASCADE, related_name="events", help_text="In which its peak is."
    )
    track = models.ForeignKey(
        Track,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="events",
        help_text="The row that its peak is of; none if whole pictures were scored.",
    )
    start = models.FloatField(help_text="Of its first window.")
    end = models.FloatField(help_text="Of its last window.")
    peak = models.FloatField(help_text="The middle of its best window.")
    score = models.FloatField(help_text="0 to 1: the mean of its best windows.")
    is_hint = models.BooleanField(default=True, help_text="Or uncertain.")
    # What the review queue asks: written when the analysis closes, then by services.reviews.
    store = models.ForeignKey(
        Store, models.PROTECT, related_name="+", editable=False, db_index=False
    )
    happened_at = models.DateTimeField(
        editable=False, help_text="Its start; of a clip whose time is unknown: of the upload."
    )
    is_current = models.BooleanField(
        default=False,
        editable=False,
        help_text="Of the latest result of its clip, which is not in the trash.",
    )
    verdict = models.CharField(
        max_length=11, choices=Verdict, blank=True, editable=False, help_text="None: no answer yet."
    )
    waits_for = models.CharField(
        max_length=6, choices=Turn, blank=True, editable=False, help_text="None: for nobody."
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("analysis", "number")
        indexes = (
            models.Index(
                fields=["is_hint", "score", "store", "id"],
                name="event_queue_by_score",
                condition=~Q(waits_for=""),
            ),
            models.Index(
                fields=["happened_at", "store", "id"],
                name="event_queue_by_time",
                condition=~Q(waits_for=""),
            ),
            models.Index(  # the dashboard's
                fields=["happened_at", "store", "verdict", "is_hint"],
                name="event_current",
                condition=Q(is_current=True),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["analysis", "number"], name="event_number_stands_for_one"
            ),
            models.CheckConstraint(name="event_number_is_from_one", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="event_peaks_between_its_start_and_end",
                condition=Q(start__gte=0, peak__gte=F("start"), peak__lte=F("end")),
            ),
            models.CheckConstraint(
                name="event_score_is_from_0_to_1", condition=Q(score__range=(0, 1))
            ),
            models.CheckConstraint(
                name="event_waits_only_if_current", condition=Q(waits_for="") | Q(is_current=True)
            ),
        )

    def __str__(self) -> str:
        return f"Event {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.place()
        super().save(*args, **kwargs)

    def place(self) -> None:
        """Fills in the store, and when it happened."""
        clip = self.analysis.clip
        self.store_id = clip.store_id
        self.happened_at = clip.moment_of(self.start) or clip.uploaded_at


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
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            *Job.Meta.constraints,
            models.CheckConstraint(
                name="heatmap_done_means_drawn",
                condition=~Q(status=Status.DONE) | ~Q(drops=[]),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_status_display()} heat map"
