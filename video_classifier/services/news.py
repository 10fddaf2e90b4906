"""Hints that somebody hasn't seen yet, for the bar on every page."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import DateTimeField, Subquery, Value
from django.db.models.functions import Coalesce

from video_classifier.models import Alert, AlertsRead
from video_classifier.querysets import AlertQuerySet

LONGEST = timedelta(days=1)  # older hints are no news


def unread(user: User, *, now: datetime) -> AlertQuerySet:
    """Hints of the last day that `user` sees and hasn't dismissed, the newest first.

    None of what is deleted or in the trash. It reads the rows of that time by an index of it.
    """
    oldest = Value(now - LONGEST, output_field=DateTimeField())
    until = Subquery(AlertsRead.objects.filter(user=user.pk).values("until"))
    return (
        Alert.objects.visible_to(user)
        .hints()
        .filter(created_at__gt=now - LONGEST)
        .filter(created_at__gt=Coalesce(until, oldest))
        .there()
        .order_by("-created_at", "-pk")
    )


def dismiss(user: User, *, until: datetime, now: datetime) -> None:
    """Everything up to `until` is no news for `user` any more."""
    # What is still to come is news, and what is older is none for anybody.
    until = max(min(until, now), now - LONGEST)
    with transaction.atomic():
        AlertsRead.objects.get_or_create(user=user, defaults={"until": until})
        AlertsRead.objects.filter(user=user, until__lt=until).update(until=until)
