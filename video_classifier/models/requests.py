"""What was asked of the API once, so that it is not done twice."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone


class RepeatableRequest(models.Model):
    """A request with an idempotency key, and its answer once there is one.

    Only services.idempotency writes it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of what was asked.")
    status = models.PositiveSmallIntegerField(null=True, help_text="None: not answered yet.")
    location = models.CharField(max_length=1000, blank=True)
    body = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    heartbeat_at = models.DateTimeField(
        default=timezone.now, help_text="When the process that works on it showed life."
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "key"], name="repeatable_request_key"),
        )

    def __str__(self) -> str:
        return f"Request {self.key}"
