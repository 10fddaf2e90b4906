"""What the database remembers: clips, each time one was analyzed, and what was seen then."""

from __future__ import annotations

from video_classifier.models.accounts import OneTimePassword
from video_classifier.models.analyses import Analysis, HeatMap, Person
from video_classifier.models.audit import AuditEntry
from video_classifier.models.clips import Clip

__all__ = ["Analysis", "AuditEntry", "Clip", "HeatMap", "OneTimePassword", "Person"]
