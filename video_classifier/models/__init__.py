"""What the database remembers: stores, clips, each analysis of one, and what was seen then."""

from __future__ import annotations

from video_classifier.models.accounts import OneTimePassword, SignedIn
from video_classifier.models.alerts import Alert, AlertsRead, Channel, Delivery
from video_classifier.models.analyses import Analysis, Event, HeatMap, Segment, Track
from video_classifier.models.api_keys import ApiKey
from video_classifier.models.audit import AuditEntry, AuditSeal
from video_classifier.models.cameras import Camera, Membership, Store
from video_classifier.models.cases import Case, CaseExport, CaseItem, CaseNote
from video_classifier.models.clips import BrowserCopy, Clip, SegmentCopy
from video_classifier.models.desk import Preferences, SavedView, Tag
from video_classifier.models.event_counts import ChangedEvents, CountedStore, EventCount
from video_classifier.models.jobs import Job
from video_classifier.models.limits import RequestCount
from video_classifier.models.live import Feed, FeedHour, LiveEvent, WaitingClip
from video_classifier.models.measures import CandidateScore, Measure, PlantedAct, ScoredTime
from video_classifier.models.requests import RepeatableRequest
from video_classifier.models.retention import Retention
from video_classifier.models.reviews import Opened, Review, Visit
from video_classifier.models.second_factors import AuthenticatorApp
from video_classifier.models.stored_models import GivenNumber, StoredModel
from video_classifier.models.uploads import Upload
from video_classifier.models.versions import Activation, Improvement, ModelVersion

__all__ = [
    "Activation",
    "Alert",
    "AlertsRead",
    "Analysis",
    "ApiKey",
    "AuditEntry",
    "AuditSeal",
    "AuthenticatorApp",
    "BrowserCopy",
    "Camera",
    "CandidateScore",
    "Case",
    "CaseExport",
    "CaseItem",
    "CaseNote",
    "ChangedEvents",
    "Channel",
    "Clip",
    "CountedStore",
    "Delivery",
    "Event",
    "EventCount",
    "Feed",
    "FeedHour",
    "GivenNumber",
    "HeatMap",
    "Improvement",
    "Job",
    "LiveEvent",
    "Measure",
    "Membership",
    "ModelVersion",
    "OneTimePassword",
    "Opened",
    "PlantedAct",
    "Preferences",
    "RepeatableRequest",
    "RequestCount",
    "Retention",
    "Review",
    "SavedView",
    "ScoredTime",
    "Segment",
    "SegmentCopy",
    "SignedIn",
    "Store",
    "StoredModel",
    "Tag",
    "Track",
    "Upload",
    "Visit",
    "WaitingClip",
]
