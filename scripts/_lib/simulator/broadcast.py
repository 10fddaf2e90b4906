"""Plays a camera's pictures in real time to all who look."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from scripts._lib.simulator import footage
from scripts._lib.simulator.faults import Control, Faults
from scripts._lib.simulator.footage import Form, Picture, Planted, Shot

MOST_WAITING = 200  # pictures for a client that is slow
_HALF = (320, 180)
_PATIENCE = 60.0  # seconds for the first clip to be encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A picture on the air, by the camera's own clock."""

    data: bytes
    second: float
    is_key: bool


class Client:
    """What one who looks still has to get. None says that the stream ended."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Sent | None] = queue.Queue(MOST_WAITING)
        self._needs_key = True

    def offer(self, picture: Sent, *, keyless: bool) -> None:
        """Whoever is too slow misses pictures up to the next keyframe, as with a real camera."""
        if self._needs_key and not picture.is_key and not keyless:
            return
        try:
            self._waiting.put_nowait(picture)
            self._needs_key = False
        except queue.Full:
            self._needs_key = True

    def end(self) -> None:
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            self._waiting.get_nowait()
            self._waiting.put_nowait(None)

    def next(self, timeout: float) -> Sent | None:
        """Raises queue.Empty if there is none in time."""
        return self._waiting.get(timeout=timeout)


class Broadcast:
    """A stream in one form. It runs whether anybody looks or not."""

    def __init__(
        self,
        clips: Sequence[Path],
        form: Form,
        control: Control,
        *,
        planted: Sequence[Planted] = (),
        speed: float = 1.0,
    ) -> None:
        self.form = form
        self._clips, self._planted, self._control, self._speed = clips, planted, control, speed
        self.asked: deque[Path] = deque()  # clips that are played next, once each
        self._clients: set[Client] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._head = b""
        self._has_head = threading.Event()
        self._thread = threading.Thread(target=self._play, name="simulator", daemon=True)

    def encode(self) -> None:
        """The first clip, so that its pictures don't come late, and then all at once."""
        footage.shot(self._clips[0], self.form)

    def start(self, began: float) -> None:
        """`began` is the monotonic second at which its program begins."""
        self._began = began
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self.disconnect()
        self._thread.join(5)

    def head(self) -> bytes:
        """The last keyframe, or the first one once there is one."""
        if self._control.now.large:
            return footage.large(self.form.codec).pictures[0].data
        self._has_head.wait(_PATIENCE)
        return self._head

    def plant(self, clip: Path) -> None:
        """Plays it once, as soon as what is on has ended."""
        footage.shot(clip, self.form)  # encoded now, so that no picture is late
        self.asked.append(clip)

    def disconnect(self) -> None:
        with self._lock:
            for client in self._clients:
                client.end()

    @contextmanager
    def client(self) -> Iterator[Client]:
        made = Client()
        with self._lock:
            self._clients.add(made)
        try:
            yield made
        finally:
            with self._lock:
                self._clients.discard(made)

    def _play(self) -> None:
        for start, end, shot in footage.played(self._clips, self.form, self._planted, self.asked):
            for number, picture in enumerate(shot.pictures):
                if start + picture.sent >= end:
                    break
                due = self._began + (start + picture.sent) / self._speed
                if self._ended.wait(max(0.0, due - time.monotonic())):
                    return
                self._send(start, shot, number)
            if self._ended.wait(max(0.0, self._began + end / self._speed - time.monotonic())):
                return

    def _send(self, start: float, shot: Shot, number: int) -> None:
        faults = self._control.now
        picture = shot.pictures[number]
        chosen = self._instead(number, shot, faults)
        if chosen is None:
            return
        if chosen.is_key and not faults.large:
            self._head = chosen.data
            self._has_head.set()
        if faults.stall or faults.empty or faults.silence:
            return
        second = start + picture.shown + faults.clock
        sent = Sent(data=chosen.data, second=second, is_key=chosen.is_key)
        if faults.keyless and sent.is_key and self.form.codec != "mjpeg":
            return
        with self._lock:
            for client in self._clients:
                client.offer(sent, keyless=faults.keyless)

    def _instead(self, number: int, shot: Shot, faults: Faults) -> Picture | None:
        """What goes out in the place of a picture; None if nothing does."""
        picture = shot.pictures[number]
        if faults.large:
            return footage.large(self.form.codec).pictures[0]
        if faults.size:
            return self._smaller(number, shot)
        return picture

    def _smaller(self, number: int, shot: Shot) -> Picture | None:
        if shot.clip is None:
            return None
        small = footage.shot(shot.clip, replace(self.form, size=_HALF, copy=False))
        return small.pictures[number] if number < len(small.pictures) else None
