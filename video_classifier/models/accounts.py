"""What the site knows of an account beside Django's own user."""

from __future__ import annotations

from django.conf import settings
from django.db import models


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
