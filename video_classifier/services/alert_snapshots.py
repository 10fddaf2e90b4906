"""The picture of a hint that is told: its bytes, and an address that shows it for a day.

Who reads a message on a telephone isn't signed in there. The address is signed, leads to the one
picture and nothing else, and ends with its day, or earlier with its clip.
"""

from __future__ import annotations

from datetime import timedelta

from django.core import signing
from django.core.files.storage import default_storage
from django.urls import reverse

from video_classifier.models import Alert, Event, LiveEvent
from video_classifier.services import alert_words, evidence
from video_classifier.services.errors import Refused

GOOD_FOR = timedelta(days=1)

EXPIRED = "This address was good for a day. Sign in to see the event."
GONE = "There is no such picture any more."

_signer = signing.TimestampSigner(salt="alert snapshot")


class UnknownAddressError(Refused):
    """Nobody here has signed it."""


class GoneError(Refused):
    """It was good once."""


def address(alert: Alert) -> str:
    """Absolute; "" if the site doesn't know how it is reached."""
    token = _signer.sign(str(alert.pk))
    return alert_words.absolute(reverse("web:alert-snapshot", args=[token]))


def shown_by(token: str) -> bytes:
    """A JPEG. Raises UnknownAddressError and GoneError."""
    try:
        pk = _signer.unsign(token, max_age=GOOD_FOR)
    except signing.SignatureExpired:
        raise GoneError(EXPIRED) from None
    except signing.BadSignature:
        raise UnknownAddressError(GONE) from None
    alert = Alert.objects.filter(pk=pk).first()
    found = content(alert) if alert else None
    if found is None:
        raise GoneError(GONE)
    return found


def content(alert: Alert) -> bytes | None:
    """A JPEG; None if it isn't there yet, or no more, or its clip is in the trash."""
    name = _name(alert)
    if not name:
        return None
    try:
        with default_storage.open(name) as file:
            return bytes(file.read())
    except OSError:  # a better one has just taken its place, or the disk is full
        return None


def _name(alert: Alert) -> str:
    """In storage, as of now and not as of when the alert was loaded."""
    if alert.live_event_id is not None:
        events = LiveEvent.objects.filter(pk=alert.live_event_id, clip__trashed_at=None)
        return events.values_list("still", flat=True).first() or ""
    event = strongest(alert)
    return evidence.event_still(event) if event else ""


def strongest(alert: Alert) -> Event | None:
    """Of an alert of a recording, outside the trash."""
    events = Event.objects.filter(analysis=alert.analysis_id, analysis__clip__trashed_at=None)
    rows = events.select_related("segment", "track__segment", "analysis__clip")
    return rows.strongest_first().first()
