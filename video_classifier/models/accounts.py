"""What the site knows of an account beside Django's own user."""

from __future__ import annotations

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models
from django.utils import timezone


class OneTimePassword(models.Model):
    """Somebody whose password was made for them, and who has to choose another."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="one_time_password",
    )

    def __str__(self) -> str:
        return f"of {self.user}"


class SignedIn(models.Model):
    """A session of Django's as its user sees it: by which device, from where, until when.

    It goes with the session. Only services.sessions writes a row.
    """

    # Its key is a secret: who has it has the session. Rows have numbers of their own.
    session = models.OneToOneField(Session, models.CASCADE, related_name="signed_in")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sessions")
    device = models.CharField(max_length=80, help_text="In words, as its browser says.")
    address = models.GenericIPAddressField(
        null=True, blank=True, help_text="From where it was last used; of IPv6 the network."
    )
    since = models.DateTimeField(default=timezone.now, editable=False)
    last_seen = models.DateTimeField(default=timezone.now, help_text="To the minute.")

    class Meta:
        verbose_name = "session"
        ordering = ("-last_seen",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"of {self.user}"
