"""The questions the project asks about analyses, each by its name."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

from video_classifier.states import Status

if TYPE_CHECKING:
    from video_classifier.models import Analysis  # noqa: F401


class AnalysisQuerySet(models.QuerySet["Analysis"]):
    def waiting(self) -> Self:
        """Queued, the longest waiting first."""
        return self.filter(status=Status.QUEUED).order_by("queued_at", "pk")

    def stalled(self, *, before: datetime) -> Self:
        """Running, with no sign of life since `before`: their worker is dead or lost."""
        return self.filter(status=Status.RUNNING, heartbeat_at__lt=before)

    def for_listing(self) -> Self:
        """With all that a row of a table shows, in one query."""
        return self.select_related("clip", "clip__uploaded_by", "requested_by").order_by(
            "-queued_at", "pk"
        )
