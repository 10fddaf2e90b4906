"""What a delivery says: words for people, and facts for programs. Never a name, never a verdict.

The name of an uploaded file isn't told either: people put names into it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from video_classifier.integrations.messages import Message
from video_classifier.models import Alert, Analysis, Delivery, Event
from video_classifier.services import (
    alert_digests,
    alert_snapshots,
    confidence,
    evidence,
)
from video_classifier.services import alert_words as words
from video_classifier.services.alert_words import HINTS, Clock
from video_classifier.states import AlertKind, Fault, Status, Suppression

NO_PICTURE = "There is no picture with this message: it was not there in time."
NO_CONFIDENCE = "How often such hints are right was measured on clips, not on live cameras."


def compose(delivery: Delivery) -> Message:
    """As of now. The snapshot of a hint is None as long as it isn't there."""
    unsaid, alert = _unsaid(delivery), delivery.alert
    if alert is None:
        return alert_digests.compose(delivery, unsaid=unsaid)
    if alert.kind == AlertKind.TEST:
        return _test(delivery, alert)
    return (
        _hint(delivery, alert, unsaid) if alert.kind in HINTS else _fault(delivery, alert, unsaid)
    )


def _unsaid(delivery: Delivery) -> int:
    """How many alerts were left out on the channel since its last message."""
    if delivery.channel_id is None:
        return 0
    of_channel = Delivery.objects.filter(channel=delivery.channel_id)
    sent = of_channel.filter(status=Status.DONE).exclude(pk=delivery.pk)
    sent = sent.exclude(alert__kind=AlertKind.TEST)  # which doesn't say it
    last = sent.order_by("-created_at").values_list("sent_at", flat=True).first()
    pauses = (Suppression.CAMERA, Suppression.CHANNEL)
    left_out = of_channel.filter(suppression__in=pauses)
    return left_out.filter(created_at__gt=last).count() if last else left_out.count()


# Hints


def _hint(delivery: Delivery, alert: Alert, unsaid: int) -> Message:
    seen = _seen(alert)
    snapshot = alert_snapshots.content(alert)
    url = alert_snapshots.address(alert) if snapshot else ""
    text = words.text(
        [f"{alert.get_kind_display()}. {words.A_REASON_TO_LOOK}"],
        [
            f"Camera: {words.camera(alert)}" if alert.camera else f"Store: {words.camera(alert)}",
            f"When: {Clock.of(alert.store).words(alert.happened_at)}",
            f"Where in the picture: {seen.place}" if seen.place else "",
            _score(alert),
            seen.confidence,
        ],
        [
            words.link_words("Look at it", words.link(alert)),
            f"The picture, for a day and without signing in: {url}" if url else "",
            "" if snapshot else NO_PICTURE,
            words.unsaid_words(unsaid),
        ],
    )
    facts = {
        **words.facts(alert),
        "box": list(seen.box) or None,
        "place": seen.place,
        "snapshot": url,
        "suppressed": unsaid,
    }
    return _message(delivery, alert, text, facts, snapshot=snapshot, snapshot_url=url)


def _score(alert: Alert) -> str:
    if alert.score is None or alert.threshold is None:
        return ""
    return f"Score: {alert.score:.2f}; from {alert.threshold:.2f} on there is a hint."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What else is known of a hint."""

    box: Sequence[float] = ()  # left, top, right, bottom; 0 to 1
    confidence: str = ""

    @property
    def place(self) -> str:
        return place_of(self.box) if self.box else ""


def _seen(alert: Alert) -> _Seen:
    if alert.live_event is not None:
        return _Seen(box=alert.live_event.box, confidence=NO_CONFIDENCE)
    event = alert_snapshots.strongest(alert)
    if event is None:
        return _Seen()
    return _Seen(box=_box(event), confidence=_confidence(event.analysis))


def _box(event: Event) -> Sequence[float]:
    """Of the person, where the event was strongest."""
    if event.track is None or not event.track.times:
        return ()
    box = evidence.motion_of(event.track).at(event.peak)
    return (box.left, box.top, box.right, box.bottom) if box else ()


def _confidence(analysis: Analysis) -> str:
    share = confidence.of(analysis)
    return confidence.sentence(share, hint=True) if share else ""


_ACROSS = ("left", "", "right")
_DOWN = ("upper", "", "lower")
_ALONE = {"upper": "top", "lower": "bottom", "": "middle"}


def place_of(box: Sequence[float]) -> str:
    """Where the middle of it is, by thirds: "lower left", "right", "top", "middle"."""
    left, top, right, bottom = box
    across, down = _third(_ACROSS, left, right), _third(_DOWN, top, bottom)
    return f"{down} {across}".strip() if across else _ALONE[down]


def _third(names: Sequence[str], first: float, last: float) -> str:
    return names[min(max(int((first + last) / 2 * 3), 0), 2)]


# Faults, and tests


def _fault(delivery: Delivery, alert: Alert, unsaid: int) -> Message:
    text = words.text(
        [_what(alert)],
        [
            f"Camera: {words.camera(alert)}" if alert.camera else "",
            f"When: {Clock.of(alert.store).words(alert.happened_at)}",
        ],
        [
            words.link_words("See how it is now", words.link(alert)),
            words.unsaid_words(unsaid),
        ],
    )
    return _message(delivery, alert, text, {**words.facts(alert), "suppressed": unsaid})


def _what(alert: Alert) -> str:
    if alert.kind == AlertKind.OFFLINE:
        fault = str(alert.details.get("fault", ""))
        why = f": {Fault(fault).label}." if fault in Fault.values else "."
        return f"The camera has given no pictures for five minutes{why}"
    if alert.kind == AlertKind.BACK:
        return "The camera gives pictures again."
    return _disk(alert.details.get("free_bytes"))


def _disk(free: object) -> str:
    """Live cameras give way before uploads are refused."""
    if not isinstance(free, int):
        return "The disk of the site is nearly full."
    gave_way = (
        "Uploads are refused" if free < settings.DISK_FLOOR_BYTES else "Live cameras keep no clips"
    )
    left = filesizeformat(free)
    return f"The disk of the site is nearly full: {left} are left. {gave_way} until there is room."


def _test(delivery: Delivery, alert: Alert) -> Message:
    text = words.text(
        [f"This is a test of the channel “{delivery.channel_name}”. It works if you read this."],
        [f"When: {Clock.of(alert.store).words(alert.happened_at)}"],
    )
    return _message(delivery, alert, text, words.facts(alert))


def _message(  # noqa: PLR0913
    delivery: Delivery,
    alert: Alert,
    text: str,
    facts: Mapping[str, object],
    *,
    snapshot: bytes | None = None,
    snapshot_url: str = "",
) -> Message:
    return Message(
        id=str(delivery.pk),
        kind=alert.kind,
        subject=words.subject(alert),
        text=text,
        link=words.link(alert),
        snapshot=snapshot,
        snapshot_url=snapshot_url,
        at=alert.happened_at,
        data=facts,
    )
