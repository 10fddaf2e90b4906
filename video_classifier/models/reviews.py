"""What people say of events and clips, and who has seen what."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from video_classifier.models.analyses import Analysis, Event
from video_classifier.models.clips import Clip
from video_classifier.querysets import AppendOnlyError, ReviewQuerySet
from video_classifier.states import Answer, Reason

MOST_NOTE = 2000  # characters


class Review(models.Model):
    """An answer of one person to an event, to a clip, or about a stretch of it.

    Written once by services.reviews, and never changed: to undo one is another row. It goes with
    its clip alone. What it is about is told by the clip and the stretch, so that it also counts for
    the events of a later analysis there.
    """

    clip = models.ForeignKey(Clip, models.CASCADE, related_name="reviews")
    event = models.ForeignKey(
        Event,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="reviews",
        help_text="None: the clip, or a stretch of it.",
    )
    analysis = models.ForeignKey(
        Analysis, models.SET_NULL, null=True, blank=True, related_name="reviews"
    )
    start = models.FloatField(null=True, blank=True, help_text="Seconds; none: the whole clip.")
    end = models.FloatField(null=True, blank=True)
    answer = models.CharField(max_length=11, choices=Answer)
    reason = models.CharField(max_length=8, choices=Reason, blank=True)
    note = models.TextField(max_length=MOST_NOTE, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="reviews",
    )
    at = models.DateTimeField(default=timezone.now, editable=False)
    seconds = models.FloatField(
        null=True, blank=True, help_text="From when it was shown to the answer."
    )
    undoes = models.OneToOneField(
        "self", models.CASCADE, null=True, blank=True, related_name="undone_by"
    )
    is_blind = models.BooleanField(
        default=False, help_text="Neither score nor box was shown: it measures model and people."
    )
    # As of when it was answered; without an event the analysis' own.
    score = models.FloatField(null=True, blank=True)
    threshold = models.FloatField(null=True, blank=True)
    model = models.CharField(max_length=50, blank=True)
    model_sha256 = models.CharField("model SHA-256", max_length=64, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=["by", "at"], name="review_by_person"),
            models.Index(fields=["at", "id"], name="review_by_time"),
            models.Index(fields=["reason", "clip"], name="review_by_reason"),  # of the history
        )
        constraints = (
            models.CheckConstraint(
                name="review_stretch_has_a_start_and_an_end",
                condition=Q(start=None, end=None) | Q(start__gte=0, end__gt=F("start")),
            ),
            models.CheckConstraint(
                name="review_reason_is_of_a_false_alarm",
                condition=Q(reason="") | Q(answer=Answer.FALSE_ALARM),
            ),
            models.CheckConstraint(
                name="review_withdraws_another",
                condition=Q(answer=Answer.WITHDRAWN, undoes__isnull=False)
                | ~Q(answer=Answer.WITHDRAWN) & Q(undoes=None),
            ),
            models.CheckConstraint(
                name="review_missed_is_of_a_stretch",
                condition=~Q(answer=Answer.MISSED) | Q(event=None, start__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_answer_display()}, {self.at:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnlyError


class Visit(models.Model):
    """Somebody has an event of the queue before them, until then: others get another one first."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="visits")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    until = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["by", "event"], name="visit_of_an_event_is_noted_once"),
        )

    def __str__(self) -> str:
        return f"{self.by} at {self.event}"


class Opened(models.Model):
    """Somebody has opened a clip's page: lists show such rows differently."""

    clip = models.ForeignKey(Clip, models.CASCADE, related_name="+")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "opened"
        constraints = (models.UniqueConstraint(fields=["by", "clip"], name="opened_is_noted_once"),)

    def __str__(self) -> str:
        return f"{self.by} opened {self.clip}"
