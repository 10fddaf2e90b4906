"""Makes channels and what goes there, as services make them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from tests.conftest import claimed
from video_classifier.models import Alert, Camera, Channel, Delivery, Store
from video_classifier.services import secrets
from video_classifier.states import AlertKind, ChannelKind, Gathering, Status, Suppression

TARGETS = {
    ChannelKind.EMAIL: "night@shop.example",
    ChannelKind.WEBHOOK: "https://93.184.215.14/hook/pa55word",
    ChannelKind.APPRISE: "tgram://123456789:pa55word-pa55word-pa55word-pa55wor/4711",
}


def make_channel(
    name: str = "Night shift",
    *,
    kind: ChannelKind = ChannelKind.EMAIL,
    stores: Iterable[Store] = (),
    cameras: Iterable[Camera] = (),
    **fields: Any,
) -> Channel:
    """A row, without a look at what it says."""
    found = Channel.objects.create(
        name=name, kind=kind, sealed_target=secrets.seal(TARGETS[kind]), **fields
    )
    found.stores.set(stores)
    found.cameras.set(cameras)
    return found


def make_delivery(
    channel: Channel,
    *,
    kind: AlertKind = AlertKind.LIVE,
    camera: Camera | None = None,
    status: Status = Status.QUEUED,
    **fields: Any,
) -> Delivery:
    """Of an alert of its own."""
    alert = Alert.objects.create(
        kind=kind,
        happened_at=timezone.now(),
        camera=camera,
        store=camera.store if camera else None,
        score=0.9,
        threshold=0.5,
    )
    return _make(channel, status, alert=alert, **fields)


def make_digest(
    channel: Channel,
    *,
    gathers: Gathering = Gathering.FLOOD,
    status: Status = Status.QUEUED,
    **fields: Any,
) -> Delivery:
    return _make(channel, status, gathers=gathers, **fields)


def _make(channel: Channel, status: Status, **fields: Any) -> Delivery:
    now = timezone.now()
    usual: dict[Status, dict[str, object]] = {
        Status.RUNNING: claimed(now),
        Status.DONE: claimed(now) | {"sent_at": now},
        Status.FAILED: claimed(now) | {"error": "The mailbox is full (452)."},
        Status.CANCELLED: {"suppression": Suppression.CAMERA},
    }
    names = {"channel_name": channel.name, "channel_kind": channel.kind}
    return Delivery.objects.create(
        channel=channel, status=status, **names | usual.get(status, {}) | fields
    )
