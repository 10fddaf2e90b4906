"""Stores, their cameras, and who works with the footage of which store."""

from __future__ import annotations

import zoneinfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from video_classifier.querysets import CameraQuerySet, StoreQuerySet
from video_classifier.states import Role

MAIN = "Main"  # the store of a site that has only one


def default_time_zone() -> str:
    return str(settings.TIME_ZONE)


def validate_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        msg = f"“{name}” is not a time zone. Use an IANA name such as Europe/Berlin."
        raise ValidationError(msg, code="time_zone")


class Store(models.Model):
    """A shop whose footage is looked at by its members."""

    name = models.CharField(max_length=100, unique=True)
    time_zone = models.CharField(
        max_length=64,
        default=default_time_zone,
        validators=[validate_time_zone],
        help_text="IANA name, such as Europe/Berlin.",
    )

    objects = StoreQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Camera(models.Model):
    """Where in a store footage comes from. It stays in its store: its clips are there, too."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="cameras")
    name = models.CharField(max_length=100)

    objects = CameraQuerySet.as_manager()

    class Meta:
        ordering = ("store__name", "name")
        constraints = (
            models.UniqueConstraint(
                fields=["store", "name"],
                name="camera_name_is_unique_in_its_store",
                violation_error_message="There is a camera of that name in this store.",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One role of one user in one store; somebody may have several."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    store = models.ForeignKey(Store, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role)

    class Meta:
        ordering = ("store__name", "user__username", "role")
        constraints = (
            models.UniqueConstraint(
                fields=["user", "store", "role"],
                name="membership_is_noted_once",
                violation_error_message="This user has that role in that store already.",
            ),
            models.CheckConstraint(
                name="membership_role_is_known", condition=Q(role__in=Role.values)
            ),
        )

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()} of {self.store}"
