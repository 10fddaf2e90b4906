"""Stands in for the watcher: pictures of a shop in which somebody walks."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import cv2
import numpy as np
from django.db import connection
from django.utils import timezone

from video_classifier.ml.contracts import Box, Image
from video_classifier.models import Feed
from video_classifier.services import live_pictures
from video_classifier.watching import drawing
from video_classifier.watching.drawing import Drawing, Person

PAUSE = 0.125  # seconds
HEARTBEAT = 5.0  # seconds: a test may last longer than a camera is believed to be watched


@dataclass(slots=True)
class FakeWatcher:
    """Writes pictures of cameras, all of them eight times a second, until it is stopped.

    It says that it is there meanwhile.
    """

    feeds: list[Feed]
    hints: set[int] = field(default_factory=set)  # cameras with an open event
    silent: set[int] = field(default_factory=set)  # cameras that give no more pictures
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self.write_all()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def write_all(self) -> None:
        for feed in self.feeds:
            if feed.pk not in self.silent:
                content = drawing.jpeg(self._drawing(feed))
                live_pictures.write(feed.pk, content, taken_at=timezone.now())

    def _run(self) -> None:
        heard = time.monotonic()
        while not self._ended.wait(PAUSE):
            self.write_all()
            if time.monotonic() - heard > HEARTBEAT:
                heard = time.monotonic()
                watched = Feed.objects.filter(pk__in=[feed.pk for feed in self.feeds])
                watched.update(heartbeat_at=timezone.now())
        connection.close()

    def _drawing(self, feed: Feed) -> Drawing:
        is_hint = feed.pk in self.hints
        left = 0.1 + 0.6 * abs((time.time() / 6 + feed.pk / 5) % 2 - 1)
        box = Box(left=left, top=0.3, right=left + 0.14, bottom=0.9)
        score = 0.93 if is_hint else 0.31
        return Drawing(
            picture=shop(box, bright=feed.pk % 2 == 0),
            at=timezone.now(),
            people=(Person(box=box, score=score, is_hint=is_hint),),
            score=score,
            threshold=0.89,
            is_hint=is_hint,
            place=f"{feed.camera.store} · {feed.camera}",
            time_zone=feed.camera.store.time_zone,
        )


def shop(somebody: Box, *, bright: bool = True) -> Image:
    """Shelves, and a figure in the box."""
    wall, floor, shelf = (190, 175, 120) if bright else (60, 45, 85)
    picture: Image = np.full((360, 640, 3), wall, np.uint8)
    picture[220:] = floor
    for left in range(20, 640, 110):
        for top in range(60, 200, 45):
            cv2.rectangle(picture, (left, top), (left + 90, top + 30), (shelf, shelf, 70), -1)
    x = round((somebody.left + somebody.right) * 320)
    top, bottom = round(somebody.top * 360), round(somebody.bottom * 360)
    cv2.circle(picture, (x, top + 20), 16, (150, 110, 90), -1)
    cv2.rectangle(picture, (x - 24, top + 38), (x + 24, bottom - 70), (40, 60, 110), -1)
    for side in (-14, 14):
        cv2.line(picture, (x + side, bottom - 70), (x + side, bottom - 4), (30, 30, 40), 16)
    return picture
