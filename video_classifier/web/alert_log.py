"""What the log says of each message: what it tells, where it goes, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst

from video_classifier.http.alert_filters import DIGEST
from video_classifier.models import Channel, Delivery
from video_classifier.querysets import DeliveryQuerySet, Visitor
from video_classifier.states import Gathering, Status, Suppression

RECENTLY = timedelta(days=1)
MOST_COUNTED = 100
TRYING_AGAIN = "Trying again"
PERHAPS = "It may have arrived before: an attempt ended without an answer."

# What is worth sending by itself after all.
SENT_ON_DEMAND = frozenset(
    {Suppression.CAMERA, Suppression.CHANNEL, Suppression.OFF, Suppression.TRASHED}
)
_LABELS: dict[str, str] = {
    Status.RUNNING: "Being sent",
    Status.DONE: "Sent",
    Status.FAILED: "Failed",
    Status.CANCELLED: "Not sent by itself",
}
_LOOKS: dict[str, tuple[str, str]] = {  # tone and icon
    Status.RUNNING: ("info", "send"),
    Status.DONE: ("success", "check-circle"),
    Status.FAILED: ("error", "x-octagon"),
    Status.CANCELLED: ("info", "slash-circle"),
}


def listed(user: Visitor) -> DeliveryQuerySet:
    """Those that `user` may see, with what a row shows, in one query."""
    managed = Delivery.objects.managed_by(user)
    inside = managed.filter(digest=OuterRef("pk")).order_by().values("digest")
    gathered = Subquery(inside.annotate(number=Count("pk")).values("number"))
    return managed.select_related("alert__camera", "alert__store", "channel").annotate(
        gathered=Coalesce(gathered, 0)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """A message in the log at the moment `now`, in words."""

    delivery: Delivery  # of `listed`
    now: datetime

    @property
    def is_digest(self) -> bool:
        return bool(self.delivery.gathers)

    @property
    def what(self) -> str:
        alert = self.delivery.alert
        if alert is None:
            number = self.gathered
            return f"Digest of {number} alert{'' if number == 1 else 's'}"
        return str(alert.get_kind_display())

    @property
    def gathered(self) -> int:
        found: int = self.delivery.gathered  # type: ignore[attr-defined]
        return found

    @property
    def about(self) -> str:
        """Which camera, or why alerts are gathered."""
        alert = self.delivery.alert
        if alert is None:
            return str(Gathering(self.delivery.gathers).label)
        return alert.camera.name if alert.camera else ""

    @property
    def store(self) -> str:
        alert = self.delivery.alert
        return str(alert.store) if alert and alert.store else ""

    @property
    def happened_at(self) -> datetime:
        return self.delivery.alert.happened_at if self.delivery.alert else self.delivery.created_at

    @property
    def label(self) -> str:
        if self.delivery.status != Status.QUEUED:
            return _LABELS.get(self.delivery.status, str(self.delivery.get_status_display()))
        if self.is_digest and self.is_resting and not self.delivery.attempts:
            return "Gathering"
        return TRYING_AGAIN if self.delivery.attempts else "Waiting"

    @property
    def tone(self) -> str:
        return self._look[0]

    @property
    def icon(self) -> str:
        return self._look[1]

    @property
    def _look(self) -> tuple[str, str]:
        if self.label == TRYING_AGAIN:
            return "warning", "arrow-repeat"
        return _LOOKS.get(self.delivery.status, ("info", "hourglass-split"))

    @property
    def is_resting(self) -> bool:
        """Whether it goes at a moment that is known."""
        return self.delivery.status == Status.QUEUED and self.delivery.not_before > self.now

    @property
    def moment(self) -> datetime | None:
        """When it was sent, or goes."""
        if self.delivery.status == Status.DONE:
            return self.delivery.sent_at
        return self.delivery.not_before if self.is_resting else None

    @property
    def remarks(self) -> list[str]:
        """Sentences: why it isn't sent, or what is wrong."""
        delivery = self.delivery
        found = []
        if delivery.suppression:
            found.append(f"{capfirst(str(delivery.get_suppression_display()))}.")
        if delivery.error and delivery.status != Status.DONE:
            found.append(delivery.error)
        if delivery.lacks_snapshot:
            found.append("Without the picture, which wasn't there in time.")
        if delivery.time_outs and delivery.status in {Status.QUEUED, Status.DONE}:
            found.append(PERHAPS)
        return found

    @property
    def channel_is_gone(self) -> bool:
        return self.delivery.channel is None

    @property
    def may_be_retried(self) -> bool:
        """services.deliveries has the last word."""
        if self.channel_is_gone:
            return False
        if self.delivery.status == Status.FAILED:
            return True
        return self.delivery.suppression in SENT_ON_DEMAND

    @property
    def retry_label(self) -> str:
        return "Try again" if self.delivery.status == Status.FAILED else "Send"

    @property
    def link(self) -> str:
        """To what it tells of; of a digest to what is in it; "" of a test and of a full disk."""
        alert = self.delivery.alert
        if alert is None:
            return f"{reverse('web:alerts')}?{urlencode({DIGEST: str(self.delivery.pk)})}"
        if alert.camera_id is None and alert.analysis_id is None:
            return ""
        return reverse("web:alert", args=[alert.pk])


def has_channels(user: Visitor) -> bool:
    return Channel.objects.managed_by(user).exists()


def failed_of(camera: int, user: Visitor, *, now: datetime) -> str:
    """That alerts of a camera got nowhere in the last day, by themselves or in a digest; or ""."""
    recent = Delivery.objects.visible_to(user).filter(
        alert__camera=camera, alert__created_at__gte=now - RECENTLY
    )
    failed = recent.filter(Q(status=Status.FAILED) | Q(digest__status=Status.FAILED))
    number = failed.order_by()[: MOST_COUNTED + 1].count()
    if not number:
        return ""
    shown = f"More than {MOST_COUNTED}" if number > MOST_COUNTED else str(number)
    messages = "message" if number == 1 else "messages"
    return f"{shown} {messages} about this camera could not be delivered in the last 24 hours."
