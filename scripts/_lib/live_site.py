"""A site of its own that watches simulated cameras, and what its rows say of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from scripts._lib.site_under_test import Site

# What arrives at a camera's address is played on this machine, where the site would not look.
SETTINGS = {"CAMERA_NETWORKS": "127.0.0.1/32", "WATCHER": "child"}

_ADD = """
import os, django
django.setup()
from django.contrib.auth.models import User
from video_classifier.models import Store
from video_classifier.services import feeds
by, store = User.objects.get(), Store.objects.get()
for line in os.environ["CAMERAS"].splitlines():
    name, address = line.split(" ")
    choices = feeds.Choices(model=os.environ["MODEL"], address=address)
    feeds.enable(feeds.create(store, name, choices, by=by), by=by)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedNow:
    """A camera as its row has it."""

    name: str
    state: str
    fault: str
    last_picture: datetime | None
    stride: float | None  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A live event."""

    camera: str
    started: datetime
    opened: datetime
    closed: datetime | None
    clip: str  # its key; "" without one
    no_clip: str


class LiveSite(Site):
    def __init__(self, data: Path, **environment: str) -> None:
        super().__init__(data, **SETTINGS | environment)

    def add_cameras(self, addresses: Sequence[tuple[str, str]], *, model: str) -> None:
        """Of the one store, by name and address, watched at once."""
        lines = "\n".join(f"{name} {address}" for name, address in addresses)
        self._environment |= {"CAMERAS": lines, "MODEL": model}
        self._run("-c", _ADD)

    def feeds(self) -> list[FeedNow]:
        rows = self.rows(
            "SELECT camera.name, state, fault, last_picture_at, stride FROM video_classifier_feed "
            "JOIN video_classifier_camera AS camera ON camera.id = camera_id"
        )
        return [
            FeedNow(name=name, state=state, fault=fault, last_picture=_moment(last), stride=stride)
            for name, state, fault, last, stride in rows
        ]

    def events(self) -> list[Seen]:
        rows = self.rows(
            "SELECT camera.name, started_at, opened_at, closed_at, clip_id, no_clip "
            "FROM video_classifier_liveevent "
            "JOIN video_classifier_camera AS camera ON camera.id = camera_id ORDER BY started_at"
        )
        return [
            Seen(
                camera=name,
                started=datetime.fromisoformat(started).replace(tzinfo=UTC),
                opened=datetime.fromisoformat(opened).replace(tzinfo=UTC),
                closed=_moment(closed),
                clip=clip or "",
                no_clip=why,
            )
            for name, started, opened, closed, clip, why in rows
        ]

    def watcher(self) -> psutil.Process | None:
        """The process that watches; None while there is none."""
        for each in self.processes():
            with suppress(psutil.NoSuchProcess):
                if "watch_cameras" in each.cmdline():
                    return each
        return None

    def watcher_memory(self) -> int:
        """Bytes that the watcher and its children hold: what they share counts once. 0 if none."""
        leader, found = self.watcher(), 0
        for each in [leader, *leader.children(recursive=True)] if leader else []:
            with suppress(psutil.NoSuchProcess):
                found += each.memory_full_info().pss
        return found


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
