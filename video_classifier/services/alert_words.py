"""What all messages about alerts share: how they say when, where, and what to look at."""

from __future__ import annotations

import unicodedata
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from video_classifier.models import Alert, Store
from video_classifier.states import AlertKind

LONGEST_LINE = 150
HINTS = (AlertKind.LIVE, AlertKind.RECORDING)
DASH = "\N{EN DASH}"

A_REASON_TO_LOOK = "This is only a reason to look: most such hints are false alarms."
NO_LINK = "Sign in to the site to see more."


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Local time."""

    zone: str

    @classmethod
    def of(cls, store: Store | None) -> Clock:
        return cls(zone=store.time_zone if store else settings.TIME_ZONE)

    def short(self, at: datetime) -> str:
        return f"{self._local(at):%Y-%m-%d %H:%M}"

    def words(self, at: datetime) -> str:
        """With the zone's name and how far it is from UTC then: an hour may come twice."""
        local = self._local(at)
        if self.zone == "UTC":
            return f"{local:%Y-%m-%d %H:%M:%S} UTC"
        offset = f"{local:%z}"
        return f"{local:%Y-%m-%d %H:%M:%S} {self.zone} (UTC{offset[:3]}:{offset[3:5]})"

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(zoneinfo.ZoneInfo(self.zone))


def subject(alert: Alert) -> str:
    where = alert.camera or (alert.store if alert.kind in HINTS else None)
    at = Clock.of(alert.store).short(alert.happened_at)
    head = f"{alert.get_kind_display()} {DASH} {one_line(str(where)) if where else ''}"
    if not where:
        return f"{head}{at}"
    return f"{head[: LONGEST_LINE - len(at) - 2]}, {at}"  # however long the name is, it says when


def camera(alert: Alert) -> str:
    """With its store, as several may have one of that name."""
    store = alert.store.name if alert.store else ""
    return one_line(f"{alert.camera.name} ({store})" if alert.camera else store)


def link(alert: Alert) -> str:
    """To what it tells of, for who signs in; "" if the site doesn't know how it is reached."""
    return absolute(reverse("web:alert", args=[alert.pk]))


def absolute(path: str) -> str:
    """The address of a page from outside; "" if the site doesn't know how it is reached."""
    return f"{settings.SITE_URL}{path}" if settings.SITE_URL else ""


def link_words(what: str, address: str) -> str:
    return f"{what}, after signing in: {address}" if address else NO_LINK


def unsaid_words(count: int) -> str:
    """Of alerts that were left out."""
    if not count:
        return ""
    alerts = "1 more alert was" if count == 1 else f"{count} more alerts were"
    return f"Since the last message {alerts} left out: too soon after another. The log has all."


def facts(alert: Alert) -> dict[str, object]:
    """Ready for JSON."""
    store, of_store = alert.store, alert.camera
    return {
        "alert": str(alert.pk),
        "kind": alert.kind,
        "happened_at": alert.happened_at.isoformat(),
        "time_zone": Clock.of(store).zone,
        "store": {"id": store.pk, "name": store.name} if store else None,
        "camera": {"id": of_store.pk, "name": of_store.name} if of_store else None,
        "score": alert.score,
        "threshold": alert.threshold,
        "link": link(alert),
    }


def one_line(text: str) -> str:
    """Nothing in a camera's name begins a line, or turns the direction of reading."""
    shown = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    return " ".join(shown.split())[:LONGEST_LINE]


def text(*paragraphs: Sequence[str]) -> str:
    """Without lines that have nothing to say."""
    kept = ["\n".join(filter(None, lines)) for lines in paragraphs]
    return "\n\n".join(filter(None, kept))
