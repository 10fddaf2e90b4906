"""How often somebody has asked for something costly of late."""

from __future__ import annotations

from django.db import models


class RequestCount(models.Model):
    """Of one limit and one asker, in a window of time. Only services.limits writes a row.

    Several web processes count as one; a row whose window has ended counts nothing.
    """

    key = models.CharField(
        primary_key=True, max_length=64, help_text="The limit, and a digest of who asks."
    )
    ends = models.BigIntegerField(  # services.limits.purge looks for old ones
        db_index=True, help_text="When the window ends, in seconds since 1970."
    )
    count = models.PositiveIntegerField()

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.count} of {self.key}"
