"""How people arrange their work: what they start with, saved filters, and tags."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from video_classifier.models.cameras import Store
from video_classifier.models.clips import Clip
from video_classifier.querysets import SavedViewQuerySet, TagQuerySet
from video_classifier.states import ListPage, StartPage


class Preferences(models.Model):
    """What somebody has chosen for themselves; without a row all is as shipped."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="preferences"
    )
    start_page = models.CharField(max_length=9, choices=StartPage, default=StartPage.UPLOAD)
    has_keys = models.BooleanField("single keys work", default=True)

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"Preferences of {self.user}"


class SavedView(models.Model):
    """Filters of a list, under a name. A shared one is seen by the members of its store."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views", db_index=False
    )
    page = models.CharField(max_length=7, choices=ListPage)
    name = models.CharField(max_length=60)
    query = models.TextField(
        blank=True, max_length=2000, help_text="The filters, as in the address."
    )
    shared_in = models.ForeignKey(
        Store, models.CASCADE, null=True, blank=True, related_name="saved_views"
    )

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=["owner", "page", "name"],
                name="savedview_name_is_unique",
                violation_error_message="You have a view of that name.",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word that members of a store put on clips."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="tags", db_index=False)
    name = models.CharField(max_length=30)
    clips = models.ManyToManyField(Clip, related_name="tags", blank=True)

    objects = TagQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=["store", "name"],
                name="tag_name_is_unique_in_its_store",
                violation_error_message="There is a tag of that name in this store.",
            ),
        )

    def __str__(self) -> str:
        return self.name
