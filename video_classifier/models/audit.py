"""The audit log."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils import timezone

from video_classifier.querysets import AppendOnlyError, AuditEntryQuerySet, AuditSealQuerySet
from video_classifier.states import Action


class AuditEntry(models.Model):
    """Somebody did something. Written once by services.audit, and never changed.

    Ids and no names: an entry outlives the account and the clip that it is about, and must not
    keep what was deleted with them.
    """

    at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    action = models.CharField(max_length=14, choices=Action)
    actor = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the account; none: the site itself, or a stranger."
    )
    object_type = models.CharField(max_length=20, blank=True)
    object_id = models.CharField(max_length=36, blank=True)
    store = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the store whose managers see it; none: nobody's."
    )
    details = models.JSONField(default=dict, blank=True)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audit log"
        ordering = ("-id",)
        default_permissions = ("view",)
        indexes = (
            # Of the page of the log: each has a filter, and then the order.
            models.Index(fields=["actor", "at", "id"], name="auditentry_by_actor"),
            models.Index(fields=["action", "at", "id"], name="auditentry_by_action"),
            models.Index(fields=["store", "at", "id"], name="auditentry_by_store"),
            models.Index(fields=["object_id", "at", "id"], name="auditentry_by_object"),
        )

    def __str__(self) -> str:
        return f"{self.get_action_display()}, {self.at:%Y-%m-%d %H:%M:%S}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnlyError


class AuditSeal(models.Model):
    """A link of the chain that shows whether the audit log was changed from outside.

    Each minute's entries are hashed, with the seal before. Months expire together: the first seal
    that is left then has its predecessor's hash, and no predecessor. Written by
    services.audit_seals.
    """

    sealed_at = models.DateTimeField(default=timezone.now, editable=False)
    first = models.BigIntegerField(help_text="Id of the first entry.")
    last = models.BigIntegerField(unique=True, help_text="Id of the last one.")
    count = models.PositiveIntegerField()
    previous = models.CharField(max_length=64, blank=True, help_text="Hash of the seal before.")
    sha256 = models.CharField("SHA-256", max_length=64)

    objects = AuditSealQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"Seal of entries {self.first} to {self.last}"
