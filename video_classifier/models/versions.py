"""Versions of a model that learned from a store's reviews, and which of them is in use."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from video_classifier.models.cameras import Store
from video_classifier.models.jobs import Job
from video_classifier.querysets import (
    ActivationQuerySet,
    AppendOnlyError,
    ImprovementQuerySet,
    ModelVersionQuerySet,
)
from video_classifier.states import VersionState

MOST_WHY = 500  # characters


class Improvement(Job):
    """A job that makes a version of a model from what people said of a store's events."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="improvements")
    model = models.CharField(max_length=50, help_text="A folder in models_storage.")
    stage = models.CharField(max_length=200, blank=True, help_text="What it is busy with.")
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ImprovementQuerySet.as_manager()

    class Meta(Job.Meta):
        ordering = ("-waiting_since",)
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (*Job.Meta.constraints,)

    def __str__(self) -> str:
        return f"Improvement of {self.model} for {self.store}"


class ModelVersion(models.Model):
    """A head of a store's own on a model's network: a folder in DATA_DIR/models, while it is there.

    candidate -> shadow -> active -> retired; retired -> active, where somebody goes back. Only
    services.versions moves a row, and deletes one that neither results nor decisions name.
    """

    store = models.ForeignKey(Store, models.PROTECT, related_name="model_versions")
    model = models.CharField(max_length=50, help_text="A folder in models_storage.")
    number = models.PositiveIntegerField(help_text="From 1; of all stores' versions of the model.")
    state = models.CharField(
        max_length=9, choices=VersionState, default=VersionState.CANDIDATE, editable=False
    )
    sha256 = models.CharField("SHA-256", max_length=64, help_text="Of its head.")
    network_sha256 = models.CharField(
        "network SHA-256", max_length=64, help_text="Of the network that the head belongs to."
    )
    improvement = models.OneToOneField(
        Improvement, models.SET_NULL, null=True, blank=True, related_name="made"
    )
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    shadow_since = models.DateTimeField(null=True, blank=True, editable=False)
    card = models.JSONField(
        default=dict,
        help_text="Cameras, days, reviewers, kappa, and figures paired with the model in use.",
    )

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ("-number",)
        default_permissions = ("view",)
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.UniqueConstraint(
                fields=["model", "number"], name="modelversion_number_stands_for_one"
            ),
            models.UniqueConstraint(
                fields=["store", "model"],
                name="modelversion_in_the_shadow_is_alone",
                condition=Q(state=VersionState.SHADOW),
            ),
            models.UniqueConstraint(
                fields=["store", "model"],
                name="modelversion_active_is_alone",
                condition=Q(state=VersionState.ACTIVE),
            ),
            models.CheckConstraint(
                name="modelversion_number_is_from_one", condition=Q(number__gte=1)
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"{self.model}@{self.number}"


class Activation(models.Model):
    """Somebody had a store use a version of a model, or the model as it ships. Never changed."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="activations")
    model = models.CharField(max_length=50)
    version = models.ForeignKey(
        ModelVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="activations",
        help_text="None: the model as it ships.",
    )
    at = models.DateTimeField(default=timezone.now, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    why = models.CharField(max_length=MOST_WHY, blank=True, help_text="In the manager's words.")
    figures = models.JSONField(default=dict, help_text="Paired with what was in use before.")

    objects = ActivationQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        default_permissions = ("view",)
        indexes = (models.Index(fields=["store", "model"], name="activation_of_store"),)

    def __str__(self) -> str:
        return f"{self.version or self.model} at {self.store}, {self.at:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnlyError
