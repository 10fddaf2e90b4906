"""What the database remembers: stores, clips, each analysis of one, and what was seen then."""

from __future__ import annotations

from video_classifier.models.accounts import OneTimePassword
from video_classifier.models.alerts import Alert, AlertsRead, Channel, Delivery
from video_classifier.models.analyses import Analysis, Event, HeatMap, Segment, Track
from video_classifier.models.api_keys import ApiKey
from video_classifier.models.audit import AuditEntry
from video_classifier.models.cameras import Camera, Membership, Store
from video_classifier.models.clips import BrowserCopy, Clip, SegmentCopy
from video_classifier.models.jobs import Job
from video_classifier.models.live import Feed, FeedHour, LiveEvent
from video_classifier.models.requests import RepeatableRequest
from video_classifier.models.uploads import Upload

__all__ = [
    "Alert",
    "AlertsRead",
    "Analysis",
    "ApiKey",
    "AuditEntry",
    "BrowserCopy",
    "Camera",
    "Channel",
    "Clip",
    "Delivery",
    "Event",
    "Feed",
    "FeedHour",
    "HeatMap",
    "Job",
    "LiveEvent",
    "Membership",
    "OneTimePassword",
    "RepeatableRequest",
    "Segment",
    "SegmentCopy",
    "Store",
    "Track",
    "Upload",
]
