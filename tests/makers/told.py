"""Rows of alerts, and of what goes to channels, as services.alerts leaves them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from video_classifier.models import Alert, Camera, Channel, Delivery, Store
from video_classifier.models.cameras import MAIN
from video_classifier.services import secrets
from video_classifier.states import AlertKind, ChannelKind

AT = datetime(2026, 11, 26, 13, 3, 12, tzinfo=UTC)


def make_channel(name: str = "Desk", **fields: Any) -> Channel:
    usual: dict[str, Any] = {
        "kind": ChannelKind.EMAIL,
        "sealed_target": secrets.seal("ada@shop.example"),
    }
    return Channel.objects.create(name=name, **usual | fields)


def make_alert(name: str = "Back door", **fields: Any) -> Alert:
    """Of a camera, unless it is said otherwise."""
    zone = {"time_zone": "Europe/Berlin"}
    store = fields.pop("store", None) or Store.objects.get_or_create(name=MAIN)[0]
    Store.objects.filter(pk=store.pk).update(**zone)
    store.refresh_from_db()
    camera = Camera.objects.get_or_create(store=store, name=name)[0]
    usual: dict[str, Any] = {
        "kind": AlertKind.LIVE,
        "happened_at": AT,
        "store": store,
        "camera": camera,
    }
    return Alert.objects.create(**usual | fields)


def make_delivery(alert: Alert | None, channel: Channel | None, **fields: Any) -> Delivery:
    assert channel is not None
    return Delivery.objects.create(
        alert=alert,
        channel=channel,
        channel_name=channel.name,
        channel_kind=channel.kind,
        **fields,
    )
