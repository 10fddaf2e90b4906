"""Folders of models that lie in storage, where that is on another machine, and given numbers."""

from __future__ import annotations

import uuid
from typing import ClassVar, Final

from django.db import models
from django.db.models import Q
from django.utils import timezone

from video_classifier.models.versions import ModelVersion

FOLDER: Final = "models"  # in storage


class StoredModel(models.Model):
    """An imported model, or a version of one, whose files are in the bucket.

    None where files are on the disk. Only services.stored_models writes it: once all files are
    stored. What takes a model's place gets other files, and never writes over those that are read.
    """

    name = models.CharField(max_length=50, unique=True, help_text="As results name it.")
    version = models.OneToOneField(
        ModelVersion,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="stored",
        help_text="None: a model that was imported.",
    )
    token = models.UUIDField(default=uuid.uuid4, unique=True, help_text="In the files' names.")
    files = models.JSONField(help_text="Size and SHA-256 of each, by its name in the folder.")
    card = models.JSONField(help_text="As card.json has it: what lists say needs no file.")
    stored_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name",)
        default_permissions = ("view",)
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(
                name="storedmodel_version_is_named_as_one",
                condition=Q(version=None) & ~Q(name__contains="@")
                | Q(version__isnull=False, name__contains="@"),
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> str:
        """In storage: the place of the model among others, as on a disk, and its token."""
        return f"{FOLDER}/{self.name.replace('@', '/')}/{self.token.hex}"

    @property
    def stored_names(self) -> list[str]:
        return [f"{self.folder}/{name}" for name in self.files]


class GivenNumber(models.Model):
    """The newest number of a model's versions, so that none stands for two, however many go."""

    model = models.CharField(max_length=50, unique=True)
    number = models.PositiveIntegerField()

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.model}@{self.number}"
