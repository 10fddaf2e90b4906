"""What a digest says: how many alerts it gathers, of what, and which are the newest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Max, Min, Q
from django.urls import reverse

from video_classifier.integrations.messages import Message
from video_classifier.models import Delivery
from video_classifier.querysets import DeliveryQuerySet
from video_classifier.services import alert_words as words
from video_classifier.services.alert_words import DASH, HINTS, Clock
from video_classifier.states import AlertKind, Gathering

KIND = "digest"
LISTED = 20  # alerts that are listed one by one, the newest
REASONS: dict[str, str] = {
    Gathering.QUIET: "held back in quiet hours",
    Gathering.FLOOD: "many in a short time",
}


def compose(delivery: Delivery, *, unsaid: int) -> Message:
    members = _members(delivery)
    counted = _counted(members)
    rows = members.order_by("-alert__happened_at", "pk")[:LISTED]
    newest = [row.alert for row in rows if row.alert]
    link = words.absolute(f"{reverse('web:alerts')}?digest={delivery.pk}")
    title = f"{_number(counted)} {DASH} {REASONS[delivery.gathers]}"
    text = words.text(
        [f"{title}.", words.A_REASON_TO_LOOK if _are_hints(counted) else ""],
        [each.words for each in counted],
        [
            "The newest:" if _sum(counted) > LISTED else "One by one:",
            *(f"{words.subject(alert)} {words.link(alert)}".strip() for alert in newest),
        ],
        [words.link_words("All of them", link), words.unsaid_words(unsaid)],
    )
    facts = {
        "digest": str(delivery.pk),
        "reason": delivery.gathers,
        "count": _sum(counted),
        "suppressed": unsaid,
        "link": link,
        "newest": [words.facts(alert) for alert in newest],
    }
    return Message(
        id=str(delivery.pk),
        kind=KIND,
        subject=title,
        text=text,
        link=link,
        snapshot=None,
        snapshot_url="",
        at=delivery.created_at,
        data=facts,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """The alerts of a digest that are of one kind and camera."""

    kind: str
    store: str
    zone: str
    camera: str
    count: int
    first: datetime
    last: datetime

    @property
    def words(self) -> str:
        where = f"{self.camera} ({self.store})" if self.camera else self.store or "the whole site"
        clock = Clock(zone=self.zone)
        first, last = clock.short(self.first), clock.short(self.last)
        when = first if first == last else f"{first} to {last}"
        kind = AlertKind(self.kind).label
        return words.one_line(f"{kind} {DASH} {where}: {self.count}, {when} {self.zone}")


def _members(delivery: Delivery) -> DeliveryQuerySet:
    """But for those whose clip has gone into the trash meanwhile."""
    trashed = Q(alert__live_event__clip__trashed_at__isnull=False) | Q(
        alert__analysis__clip__trashed_at__isnull=False
    )
    members = Delivery.objects.filter(digest=delivery.pk, alert__isnull=False).exclude(trashed)
    return members.select_related("alert__camera", "alert__store")


def _counted(members: DeliveryQuerySet) -> list[_Counted]:
    of = ("alert__kind", "alert__store__name", "alert__store__time_zone", "alert__camera__name")
    rows = members.order_by(*of).values_list(*of)
    found = rows.annotate(Count("pk"), Min("alert__happened_at"), Max("alert__happened_at"))
    return [
        _Counted(
            kind=kind,
            store=store or "",
            zone=zone or settings.TIME_ZONE,
            camera=camera or "",
            count=count,
            first=first,
            last=last,
        )
        for kind, store, zone, camera, count, first, last in found
    ]


def _sum(counted: Sequence[_Counted]) -> int:
    return sum(each.count for each in counted)


def _are_hints(counted: Sequence[_Counted]) -> bool:
    return all(each.kind in HINTS for each in counted)


def _number(counted: Sequence[_Counted]) -> str:
    """Such as "7 hints of possible shoplifting", or "7 alerts" with others among them."""
    count = _sum(counted)
    many = "s" * (count != 1)
    if _are_hints(counted):
        return f"{count} hint{many} of possible shoplifting"
    return f"{count} alert{many}"
