"""What personal data there is, where and for how long: docs/personal-data.md with figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User

from video_classifier.models import (
    Alert,
    Analysis,
    AuditEntry,
    CandidateScore,
    Case,
    CaseExport,
    Clip,
    LiveEvent,
    Review,
    SignedIn,
    Upload,
    WaitingClip,
)
from video_classifier.services import alerts, case_exports, live_events, scored_footage

DATABASE, STORAGE = "Database", "Storage"
WITH_CLIP = "As long as their clip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One kind of it."""

    what: str  # as docs/personal-data.md has it
    where: str
    how_long: str
    count: int | None  # None: nothing that the database counts
    address: str = ""  # the name of the page that lists it

    @property
    def how_many(self) -> str:
        return "Not counted" if self.count is None else f"{self.count:,}"


def kinds() -> tuple[Kept, ...]:
    """Counts all of the site."""
    return (*_of_footage(), *_of_what_is_told(), *_of_accounts(), *_elsewhere())


def _of_footage() -> tuple[Kept, ...]:
    trash_days = settings.TRASH_KEEP.days
    return (
        Kept(
            what="Clips and recordings",
            where=STORAGE,
            how_long="By the days of their store; in a case as long as they are in it",
            count=Clip.objects.kept().count(),
            address="web:history",
        ),
        Kept(
            what="Clips in the trash",
            where=STORAGE,
            how_long=f"{_days(trash_days)} after they were deleted",
            count=Clip.objects.in_trash().count(),
            address="web:trash",
        ),
        Kept(
            what="Copies, stills and crops of clips", where=STORAGE, how_long=WITH_CLIP, count=None
        ),
        Kept(
            what="Copies of clips that are in a bucket",
            where="Disk of each machine that reads them",
            how_long="Until its daily sweep after their clip was deleted",
            count=None,
        ),
        Kept(
            what="Results: scores, tracks, events",
            where=DATABASE,
            how_long=WITH_CLIP,
            count=Analysis.objects.count(),
            address="web:history",
        ),
        Kept(
            what="Answers of reviewers, and notes on them",
            where=DATABASE,
            how_long=WITH_CLIP,
            count=Review.objects.count(),
        ),
        Kept(
            what="Live events and their pictures",
            where=f"{DATABASE}, {STORAGE.lower()}",
            how_long=f"With a clip as long as it, without one {_days(live_events.KEEP.days)}",
            count=LiveEvent.objects.count(),
            address="web:wall",
        ),
        Kept(
            what="Clips of live events that wait for the storage",
            where="Disk of the watcher's machine",
            how_long=f"Until they are sent, {_days(live_events.KEEP.days)} at most",
            count=WaitingClip.objects.count(),
        ),
        Kept(
            what="Newest picture of a live camera",
            where="Disk of the watcher's machine",
            how_long="Until the next one, a day at most",
            count=None,
        ),
        Kept(
            what="Candidates",
            where=DATABASE,
            how_long=f"{_days(scored_footage.KEEP.days)}, also when their clip is deleted",
            count=CandidateScore.objects.count(),
        ),
        Kept(
            what="Partial uploads",
            where="Disk of the web server",
            how_long=f"{_length(settings.UPLOAD_EXPIRY)} after the last byte",
            count=Upload.objects.count(),
        ),
    )


def _of_what_is_told() -> tuple[Kept, ...]:
    return (
        Kept(
            what="Alerts and where they were sent",
            where=DATABASE,
            how_long=f"{_days(alerts.KEEP.days)}; what was sent is kept by who received it",
            count=Alert.objects.count(),
            address="web:alerts",
        ),
        Kept(
            what="Cases and notes",
            where=DATABASE,
            how_long="Until a manager deletes the case",
            count=Case.objects.count(),
            address="web:cases",
        ),
        Kept(
            what="Exports of cases",
            where=STORAGE,
            how_long=_days(case_exports.KEEP.days),
            count=CaseExport.objects.count(),
            address="web:cases",
        ),
    )


def _of_accounts() -> tuple[Kept, ...]:
    months = settings.AUDIT_KEEP
    return (
        Kept(
            what="Accounts, roles, preferences, API keys",
            where=DATABASE,
            how_long="Until an administrator deletes the account",
            count=User.objects.count(),
            address="admin:auth_user_changelist",
        ),
        Kept(
            what="Sessions, failed sign-ins",
            where=DATABASE,
            how_long=_length(timedelta(seconds=settings.SESSION_COOKIE_AGE)),
            count=SignedIn.objects.count(),
        ),
        Kept(
            what="Audit log",
            where=DATABASE,
            how_long=f"{months} month{'s' if months > 1 else ''}" if months else "For ever",
            count=AuditEntry.objects.count(),
            address="web:audit",
        ),
    )


def _elsewhere() -> tuple[Kept, ...]:
    return tuple(
        Kept(what=what, where=where, how_long="Up to you", count=None)
        for what, where in (
            ("Log of the server", "Wherever it is sent"),
            ("Backups", "Wherever you put them"),
        )
    )


def _days(count: int) -> str:
    return f"{count} day{'s' if count != 1 else ''}"


def _length(length: timedelta) -> str:
    minutes = round(length / timedelta(minutes=1))
    hours, rest = divmod(minutes, 60)
    count, unit = (minutes, "minute") if rest else (hours, "hour")
    return f"{count} {unit}{'s' if count != 1 else ''}"
