"""Makes channels, live events that are told to them, and deliveries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.makers.feeds import make_feed
from video_classifier.integrations.messages import Message
from video_classifier.models import Alert, Channel, Delivery, Feed, LiveEvent, Store
from video_classifier.services import secrets
from video_classifier.states import AlertKind, ChannelKind, Status

NOON = datetime.fromisoformat("2026-11-26T12:00:00+00:00")
PICTURE = b"\xff\xd8 a JPEG"


class Clock:
    """Shows the time that a test wants; stands in for the database's."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **time: float) -> None:
        self.now += timedelta(**time)


def make_channel(name: str = "Office", *, stores: tuple[Store, ...] = (), **fields: Any) -> Channel:
    """Of all stores, unless some are given; without cool-downs."""
    usual: dict[str, Any] = {
        "kind": ChannelKind.EMAIL,
        "sealed_target": secrets.seal("office@example.com"),
        "all_stores": not stores,
        "camera_pause": 0,
        "tells_recordings": True,
    }
    channel = Channel.objects.create(name=name, **usual | fields)
    channel.stores.set(stores)
    return channel


def make_watched(name: str = "Till", **fields: Any) -> Feed:
    """A live camera whose events are told."""
    return make_feed(name, **{"is_enabled": True, "alerts": True} | fields)


def new_event(feed: Feed, at: datetime = NOON, **fields: Any) -> LiveEvent:
    """Not in the database yet."""
    facts: dict[str, Any] = {
        "camera": feed.camera,
        "started_at": at,
        "peak_at": at,
        "ended_at": at + timedelta(seconds=5),
        "opened_at": at + timedelta(seconds=5),
        "model": "standard",
        "score": 0.9,
        "threshold": 0.5,
    }
    return LiveEvent(**facts | fields)


def make_event(feed: Feed, at: datetime = NOON, **fields: Any) -> LiveEvent:
    event = new_event(feed, at, **fields)
    event.save()
    return event


def make_delivery(channel: Channel, **fields: Any) -> Delivery:
    """Of a fault of the site, unless another alert is given."""
    usual: dict[str, Any] = {"channel_name": channel.name, "channel_kind": channel.kind}
    if "gathers" not in fields and "alert" not in fields:
        usual["alert"] = Alert.objects.create(kind=AlertKind.DISK, happened_at=NOON)
    if fields.get("status") == Status.FAILED:
        usual["error"] = "The mailbox is full."
    return Delivery.objects.create(channel=channel, **usual | fields)


def message(delivery: Delivery, *, snapshot: bytes | None = PICTURE) -> Message:
    return Message(
        id=str(delivery.pk),
        kind=delivery.alert.kind if delivery.alert else "digest",
        subject="Possible shoplifting",
        text="Look.",
        link="",
        snapshot=snapshot,
        snapshot_url="",
        at=NOON,
        data={},
    )
