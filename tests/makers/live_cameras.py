"""Cameras that are watched live, as a watcher that is well leaves them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.makers import videos
from video_classifier.models import Camera, Feed, LiveEvent, Store
from video_classifier.services import evidence, live_pictures
from video_classifier.states import Closing, Fault, FeedState


def make_feed(store: Store, name: str = "Till 2", **fields: Any) -> Feed:
    """Online, unless it is said otherwise."""
    now = timezone.now()
    online: dict[str, Any] = {
        "model": "i3d_person",
        "is_enabled": True,
        "worker": "one",
        "heartbeat_at": now,
        "state": FeedState.ONLINE,
        "since": now - timedelta(hours=1),
        "last_picture_at": now,
        "codec": "h264",
        "width": 640,
        "height": 360,
        "frame_rate": 10.0,
        "stride": 2.0,
    }
    camera = Camera.objects.create(store=store, name=name)
    return Feed.objects.create(camera=camera, sealed_address="sealed-secret", **online | fields)


def faulty(fault: Fault = Fault.STALLED) -> dict[str, Any]:
    return {"state": FeedState.FAULTY, "fault": fault}


def show_picture(feed: Feed, *, ago: float = 1.0, number: int = 0) -> bytes:
    content = evidence.jpeg(videos.picture(number), 80)
    live_pictures.write(feed.pk, content, taken_at=timezone.now() - timedelta(seconds=ago))
    return content


def make_event(feed: Feed, *, ago: float = 60.0, is_open: bool = False, **fields: Any) -> LiveEvent:
    """Of ten seconds, opened in the middle of it."""
    start = timezone.now() - timedelta(seconds=ago)
    closed = (
        {} if is_open else {"closed_at": start + timedelta(seconds=20), "closing": Closing.GONE}
    )
    facts: dict[str, Any] = {
        "started_at": start,
        "peak_at": start + timedelta(seconds=4),
        "ended_at": start + timedelta(seconds=10),
        "opened_at": start + timedelta(seconds=5),
        "model": "i3d_person",
        "score": 0.93,
        "threshold": 0.89,
    }
    return LiveEvent.objects.create(camera=feed.camera, **facts | closed | fields)
