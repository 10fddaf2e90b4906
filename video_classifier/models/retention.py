"""How long footage of a store is kept."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models

from video_classifier.models.cameras import Store


class Retention(models.Model):
    """Days from when it was recorded, by what people said of it; none: as long as there is room.

    A store without a row keeps all. Clips in a case stay, whatever is said here.
    """

    STATES: ClassVar[tuple[str, ...]] = ("ordinary", "waiting", "false_alarm", "confirmed")

    store = models.OneToOneField(Store, models.CASCADE, primary_key=True, related_name="retention")
    ordinary = models.PositiveIntegerField(
        "days without a hint", null=True, blank=True, validators=[MinValueValidator(1)]
    )
    waiting = models.PositiveIntegerField(
        "days with a hint that nobody has answered, or nobody can tell",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
    )
    false_alarm = models.PositiveIntegerField(
        "days of false alarms", null=True, blank=True, validators=[MinValueValidator(1)]
    )
    confirmed = models.PositiveIntegerField(
        "days of confirmed events", null=True, blank=True, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name_plural = "retention"

    def __str__(self) -> str:
        return f"Retention of {self.store}"
