"""How many events there were a day, kept for the dashboard: what no longer holds is noted."""

from __future__ import annotations

from django.db import models

from video_classifier.models.cameras import Camera, Store
from video_classifier.states import Verdict


class CountedStore(models.Model):
    """From which day on the events of a store are counted, by the clocks of that zone."""

    store = models.OneToOneField(Store, models.CASCADE, primary_key=True, related_name="counted")
    time_zone = models.CharField(max_length=64)
    since = models.DateField()

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.store}, counted since {self.since}"


class EventCount(models.Model):
    """Current events of a day of a store, of one camera, model and verdict."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    camera = models.ForeignKey(Camera, models.CASCADE, null=True, related_name="+")
    model = models.CharField(max_length=50)
    verdict = models.CharField(max_length=11, choices=Verdict, blank=True)
    is_hint = models.BooleanField()
    events = models.PositiveIntegerField()

    class Meta:
        default_permissions = ("view",)
        indexes = (models.Index(fields=["store", "day"], name="eventcount_of_a_day"),)  # dashboard

    def __str__(self) -> str:
        return f"{self.events} events, {self.day}"


class ChangedEvents(models.Model):
    """Between these moments some counts of a store don't hold any more.

    Rows are only added and removed, never changed: those who write don't wait for each other.
    """

    store = models.ForeignKey(Store, models.CASCADE, related_name="changed_events")
    first = models.DateTimeField()
    last = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        verbose_name_plural = "changed events"

    def __str__(self) -> str:
        return f"{self.first:%Y-%m-%d %H:%M} to {self.last:%Y-%m-%d %H:%M}"
