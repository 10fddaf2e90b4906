"""Publishes the pictures of live cameras for people: drawn, at their own pace, no more than needed.

A scoring brings the pictures of a stride all at once. A thread publishes them one after the
other, as far apart as they were taken; the pictures of the next stride take the place of those
that are left. Of a camera that gives no more pictures, the last one stays.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime

from video_classifier.ml.contracts import Box, Image
from video_classifier.services import live_pictures
from video_classifier.watching import drawing

logger = logging.getLogger(__name__)

EVERY = 1.0  # seconds from picture to picture
LOOKED_EVERY = 0.1  # while somebody looks
SLACK = 0.3  # of these, by which pictures may come earlier: they keep no such pace
COMPLAIN_EVERY = 60.0  # seconds; a full disk would fill the log


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTrack:
    """Somebody who was followed through the pictures of a stride."""

    boxes: tuple[Box | None, ...]  # one a picture; None: out of view
    score: float | None = None  # 0 to 1; None before there is one
    is_hint: bool = False  # there is an event of theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What came of a stride, for people to look at."""

    previews: tuple[Image, ...]  # (height, width, 3) RGB, uint8
    times: tuple[datetime, ...]  # aware, ascending; one a preview
    tracks: tuple[ShownTrack, ...] = ()
    score: float | None = None  # the highest; None: nothing was scored
    threshold: float
    is_hint: bool = False  # an event is open
    store: str
    camera: str
    time_zone: str  # the store's, an IANA name
    words: str = (
        ""  # such as “Looks every 4.0 s”: not “Live”, as the last picture may stay for long
    )

    def __post_init__(self) -> None:
        one_each = all(len(track.boxes) == len(self.times) for track in self.tracks)
        if len(self.previews) != len(self.times) or not one_each:
            msg = "each preview has a time, and in each track a box or none"
            raise ValueError(msg)

    def drawing(self, number: int) -> drawing.Drawing:
        people = [(track, track.boxes[number]) for track in self.tracks]
        return drawing.Drawing(
            picture=self.previews[number],
            at=self.times[number],
            people=tuple(
                drawing.Person(box=box, score=track.score, is_hint=track.is_hint)
                for track, box in people
                if box is not None
            ),
            score=self.score,
            threshold=self.threshold,
            is_hint=self.is_hint,
            place=f"{self.store} · {self.camera}",
            time_zone=self.time_zone,
            words=self.words,
        )


class _Playing:
    """The pictures of a stride that are left to be published."""

    def __init__(self, shown: Shown, now: float) -> None:
        first = shown.times[0]
        self.shown = shown
        self._due = [now + (each - first).total_seconds() for each in shown.times]
        self._next = 0

    @property
    def due(self) -> float:
        """When the next one is; infinity if none is left."""
        return self._due[self._next] if self._next < len(self._due) else float("inf")

    def take(self, now: float) -> int:
        """The number of the newest that is due; the ones before are skipped."""
        while self._next + 1 < len(self._due) and self._due[self._next + 1] <= now:
            self._next += 1
        self._next += 1
        return self._next - 1


class Publisher:
    """Writes the pictures of all cameras from one thread, which begins with the first of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._playing: dict[int, _Playing] = {}
        self._published: dict[int, float] = {}  # when the last one was due, by the monotonic clock
        self._complained = float("-inf")
        self._thread: threading.Thread | None = None
        self._stopped = False

    def show(self, camera: int, shown: Shown) -> None:
        """Returns at once. The pictures take the place of those that are left of the last ones."""
        if not shown.previews:
            return
        with self._changed:
            self._playing[camera] = _Playing(shown, time.monotonic())
            if self._thread is None:
                self._stopped = False
                self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)
                self._thread.start()
            self._changed.notify()

    def forget(self, camera: int) -> None:
        """Publishes nothing more of a camera that isn't watched any longer."""
        with self._changed:
            self._playing.pop(camera, None)
            self._published.pop(camera, None)

    def stop(self) -> None:
        with self._changed:
            thread, self._thread, self._stopped = self._thread, None, True
            self._playing.clear()
            self._changed.notify()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while (found := self._wait_for_one()) is not None:
            camera, picture = found
            try:
                live_pictures.write(camera, drawing.jpeg(picture), taken_at=picture.at)
                if live_pictures.is_plain_due(camera):
                    live_pictures.write_plain(camera, drawing.plain_jpeg(picture))
            except Exception:  # whatever is wrong with one, the others go on  # noqa: BLE001
                self._complain(camera)

    def _wait_for_one(self) -> tuple[int, drawing.Drawing] | None:
        """The next picture to be published; None when it is time to stop."""
        with self._changed:
            while not self._stopped:
                camera = min(self._playing, key=lambda each: self._playing[each].due, default=None)
                due = float("inf") if camera is None else self._playing[camera].due
                pause = due - time.monotonic()
                if camera is None or pause > 0:
                    self._changed.wait(None if pause == float("inf") else pause)
                    continue
                number = self._playing[camera].take(time.monotonic())
                if self._is_wanted(camera):
                    return camera, self._playing[camera].shown.drawing(number)
        return None

    def _is_wanted(self, camera: int) -> bool:
        """Whether it is long enough after the last one."""
        now = time.monotonic()
        every = LOOKED_EVERY if live_pictures.is_looked_at(camera) else EVERY
        wanted = self._published.get(camera, float("-inf")) + every
        if now < wanted - SLACK * every:
            return False
        self._published[camera] = max(now - SLACK * every, wanted)
        return True

    def _complain(self, camera: int) -> None:
        now = time.monotonic()
        if now - self._complained >= COMPLAIN_EVERY:
            self._complained = now
            logger.exception("the picture of camera %d could not be published", camera)


_publisher = Publisher()
show = _publisher.show
forget = _publisher.forget
stop = _publisher.stop
