"""Keys by which programs act as a user."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from video_classifier.querysets import ApiKeyQuerySet
from video_classifier.states import Scope

MARK = "slk_"  # each key begins so, by which scanners for leaked secrets can find one
NAME_LENGTH = 80
PREFIX_LENGTH = 8
DIGEST_LENGTH = 64


class ApiKey(models.Model):
    """One key of a user's. The key itself is stored nowhere, only its digest.

    live -> expired | revoked, and neither ends. Only services.api_keys writes a row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys")
    name = models.CharField(
        max_length=NAME_LENGTH, help_text="What it is used for, as its user says."
    )
    prefix = models.CharField(
        max_length=PREFIX_LENGTH, help_text=f"How the key goes on after {MARK}, to know it by."
    )
    digest = models.CharField(
        max_length=DIGEST_LENGTH,
        unique=True,  # services.api_keys.authenticate finds a key by it
        editable=False,
        help_text="SHA-256 of the whole key.",
    )
    scopes = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="None: never.")
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ("-created_at", "pk")
        default_permissions = ("view",)
        permissions = (("revoke_apikey", "Can revoke API key"),)
        constraints = (
            models.CheckConstraint(name="api_key_has_a_name", condition=~Q(name="")),
            models.CheckConstraint(name="api_key_has_a_scope", condition=~Q(scopes=[])),
            models.CheckConstraint(
                name="api_key_expires_after_it_was_made",
                condition=Q(expires_at=None) | Q(expires_at__gt=F("created_at")),
            ),
            models.CheckConstraint(  # a key that was stored by mistake is shorter
                name="api_key_digest_is_a_whole_one",
                condition=Exact(Length("digest"), DIGEST_LENGTH),
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.masked})"

    @property
    def masked(self) -> str:
        """As much of the key as may be shown."""
        return f"{MARK}{self.prefix}…"

    def allows(self, scope: Scope) -> bool:
        """Whether its user gave it that scope; what they may do themselves is another question."""
        return scope in self.scopes
