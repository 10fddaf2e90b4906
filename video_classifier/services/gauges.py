"""What is counted of alerts and live cameras, for programs that watch the site."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Min

from video_classifier.models import Alert, Delivery, Feed, WaitingClip
from video_classifier.services import database
from video_classifier.states import AlertKind, FeedState, Status

RECENTLY = timedelta(days=1)
FAILED = (
    "{count} in the last 24 hours got nowhere. The log of alerts (/alerts/?state=failed) says why "
    "of each: put its channel right, and choose “Try again”."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCamera:
    """How one that is watched fares."""

    id: int
    state: str
    lag: float | None  # seconds since its last picture
    stride: float | None  # seconds from scoring to scoring


def alerts() -> dict[str, int]:
    """By their kind."""
    found = dict(Alert.objects.order_by().values_list("kind").annotate(count=Count("pk")))
    return {kind: found.get(kind, 0) for kind in AlertKind.values}


def failed_alerts() -> str:
    """That messages of the last day reached nobody, and what to do; "" if all did."""
    recent = Delivery.objects.filter(created_at__gte=database.now() - RECENTLY)
    count = recent.filter(status=Status.FAILED).order_by().count()
    return FAILED.format(count=f"{count:,} alert{'s' * (count > 1)}") if count else ""


def cameras() -> tuple[LiveCamera, ...]:
    """Those that are to be watched."""
    now = database.now()
    rows = Feed.objects.enabled().order_by("pk")
    return tuple(
        LiveCamera(
            id=pk,
            state=state,
            lag=max((now - seen).total_seconds(), 0.0) if seen else None,
            stride=stride,
        )
        for pk, state, seen, stride in rows.values_list("pk", "state", "last_picture_at", "stride")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingClips:
    """Clips of live events that are on the disks of watchers and not in storage yet."""

    count: int
    oldest: timedelta  # how long the first has waited; none: zero
    places: tuple[str, ...]  # on which machines


def waiting_clips() -> WaitingClips:
    now = database.now()
    found = WaitingClip.objects.aggregate(count=Count("pk"), since=Min("waiting_since"))
    places = WaitingClip.objects.order_by("place").values_list("place", flat=True).distinct()
    return WaitingClips(
        count=found["count"],
        oldest=max(now - (found["since"] or now), timedelta()),
        places=tuple(places),
    )


def by_state(found: Sequence[LiveCamera]) -> dict[str, int]:
    counts = Counter(each.state for each in found)
    return {state: counts[state] for state in FeedState.values}
