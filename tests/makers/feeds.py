"""Makes live cameras, as managers add them."""

from __future__ import annotations

from typing import Any

from video_classifier.models import Camera, Feed, Store
from video_classifier.models.cameras import MAIN
from video_classifier.services import secrets

ADDRESS = "rtsp://ada:pa55word@192.168.1.20/stream1?key=pa55word"


def make_feed(
    name: str = "Back door", *, store: Store | None = None, address: str = ADDRESS, **fields: Any
) -> Feed:
    """A row, without a look at what it says."""
    store = store or Store.objects.get_or_create(name=MAIN)[0]
    camera = Camera.objects.get_or_create(store=store, name=name)[0]
    usual = {"model": "standard", "sealed_address": secrets.seal(address)}
    return Feed.objects.create(camera=camera, **usual | fields)
