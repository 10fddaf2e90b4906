"""Watches live cameras: claims them, has them read and scored, and writes down how they fare.

Five kinds of threads: one supervises, one scores a camera after the other, one cuts clips, one
sends them to the storage, and each camera has its readers. A watchdog ends the process if one of
them hangs, but for the one that sends: the storage may be silent.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from django.db import DatabaseError, close_old_connections

from video_classifier.models import Feed
from video_classifier.services import (
    addresses,
    candidate_scores,
    disk,
    feeds,
    live_events,
    waiting_clips,
    watching,
)
from video_classifier.services.addresses import AddressError
from video_classifier.services.watching import Reports
from video_classifier.watching import pictures, strides
from video_classifier.watching.camera import Readers, WatchedCamera
from video_classifier.watching.connecting import Target
from video_classifier.watching.people import LONGEST, QUIET
from video_classifier.watching.reader import Reader
from video_classifier.watching.ring import Ring

logger = logging.getLogger(__name__)

TICK = 1.0  # seconds from look to look at the rows
IDLE = 0.1  # seconds until the next look whether a camera is due
SEND_AGAIN = 30.0  # seconds until the storage is asked again that was away
TIDY_SECONDS = 60.0  # from look to look whether clips that wait have rows
COUNT_SECONDS = 10.0  # from write to write of the hours
STUCK = 60.0  # seconds without a sign of life of a thread
STUCK_CODE = 70  # of the process that ends for it (EX_SOFTWARE of sysexits.h)
FAREWELL_SECONDS = 10.0  # for each thread to come to an end

RING_BYTES = 48 * 2**20  # of the stream that clips are cut from
SCORED_BYTES = 24 * 2**20  # of a smaller stream that is only scored
SCORED_SECONDS = 30.0
SPARE_SECONDS = 20.0  # that scoring and cutting may be late

_HUNG = (
    "The watcher ends, as its %s has shown no sign of life for %d s. Whatever started it has to "
    "start it again."
)

MakeReaders = Callable[[Feed], Readers]


def readers_of(feed: Feed) -> Readers:
    """Of its main stream; people are looked for in the smaller one, if there is one."""
    seconds = feed.pre_roll + LONGEST + QUIET + feed.post_roll + SPARE_SECONDS
    main = Reader(partial(_main_target, feed), Ring(seconds, RING_BYTES), name=feed.camera.name)
    if not feed.sealed_sub_address:
        return Readers(scored=main, recorded=main)
    small = Reader(
        partial(_small_target, feed),
        Ring(SCORED_SECONDS, SCORED_BYTES),
        name=f"{feed.camera.name}, small",
    )
    return Readers(scored=small, recorded=main)


def _main_target(feed: Feed) -> Target:
    """Resolved and checked anew. Raises AddressError."""
    address = feeds.address_of(feed)
    return Target(address=address, ips=addresses.checked(address))


def _small_target(feed: Feed) -> Target:
    address = feeds.sub_address_of(feed)
    if address is None:
        raise AddressError(addresses.NO_ADDRESS)
    return Target(address=address, ips=addresses.checked(address))


class Watcher:
    """Runs until it is stopped."""

    def __init__(
        self,
        *,
        most: int,
        make_readers: MakeReaders = readers_of,
        end_process: Callable[[int], object] = os._exit,
    ) -> None:
        self.name = f"{socket.gethostname()[:50]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._most, self._make_readers, self._end_process = most, make_readers, end_process
        self._cameras: dict[int, WatchedCamera] = {}
        self._leaving: list[WatchedCamera] = []  # no longer watched, with clips still to be cut
        self._changing = threading.Lock()  # of the two above
        self._reports = Reports(self.name)
        self._stopping = threading.Event()
        self._signs: dict[str, float] = {}  # of life, of each thread
        self._beaten = time.monotonic()
        self._beat_due = self._count_due = 0.0
        self._send_due = self._tidy_due = 0.0
        self._ticked = time.monotonic()
        self._disk_is_low = False

    def run(self) -> None:
        """Supervises; returns once it was stopped, and all is handed back."""
        strides.sweep()
        threads = [
            threading.Thread(target=self._loop, args=args, name=args[0], daemon=True)
            for args in (
                ("scoring", self.score_next, IDLE),
                ("cutting", self.cut_clips, TICK / 2),
                ("sending", self.send_clips, TICK / 2),
            )
        ]
        threading.Thread(target=self._watch_over, name="watchdog", daemon=True).start()
        for thread in threads:
            thread.start()
        self._loop("supervision", self.tick, TICK)
        for thread in threads:
            thread.join(FAREWELL_SECONDS)
        try:
            self._leave()
        finally:
            close_old_connections()

    def stop(self) -> None:
        self._stopping.set()

    @property
    def cameras(self) -> tuple[int, ...]:
        with self._changing:
            return tuple(self._cameras)

    def _loop(self, name: str, step: Callable[[], bool], pause: float) -> None:
        """Calls `step` again and again, after a pause if there was nothing to do."""
        while not self._stopping.is_set():
            if name != "sending":
                self._sign(name)
            try:
                worked = step()
            except DatabaseError:
                logger.warning("the watcher's %s waits for the database", name, exc_info=True)
                worked = False
            except Exception:
                logger.exception("the watcher's %s met an error and goes on", name)
                worked = False
            finally:
                close_old_connections()
            if not worked:
                self._stopping.wait(pause)
        self._signs.pop(name, None)

    def _sign(self, name: str) -> None:
        self._signs[name] = time.monotonic()

    def _watch_over(self) -> None:
        while not self._stopping.wait(TICK):
            self.check_signs()

    def check_signs(self) -> None:
        """Ends the process if a thread hangs: nothing else helps."""
        now = time.monotonic()
        hung = [name for name, at in list(self._signs.items()) if now - at > STUCK]
        with self._changing:
            stuck = [each for each in self._cameras.values() if each.is_stuck]
        hung += [f"reader of camera {each.pk}" for each in stuck]
        if hung:
            logger.critical(_HUNG, hung[0], STUCK)
            self._end_process(STUCK_CODE)

    # Supervision

    def tick(self) -> bool:
        """Heartbeat, what managers changed, how the cameras fare. Never says it would do more."""
        try:
            self._beat()
            self._follow_rows()
        except DatabaseError:
            if time.monotonic() - self._beaten > watching.LEASE.total_seconds():
                # By now another watcher may hold them.
                logger.warning("without the database for too long: all cameras are let go")
                self._drop(list(self._cameras))
            raise
        self._write_reports()
        return False

    def _beat(self) -> None:
        now = time.monotonic()
        if now >= self._beat_due:
            watching.beat(worker=self.name)
            self._beaten = now
            self._beat_due = now + watching.HEARTBEAT_SECONDS
            self._disk_is_low = disk.is_low()

    def _follow_rows(self) -> None:
        now = datetime.now(UTC)
        self._claim(now)
        held = {feed.pk: feed for feed in watching.held(worker=self.name)}
        wanted = {pk: feed for pk, feed in held.items() if feeds.is_open_at(feed, now)}
        before = self._cameras
        changed = [
            pk
            for pk, camera in before.items()
            if pk not in wanted or wanted[pk].revision != camera.feed.revision
        ]
        self._drop(changed)
        for pk, feed in wanted.items():
            if pk not in self._cameras:
                self._take_up(feed)
        # What is outside its hours takes no room; what was disabled still has our name.
        watching.release(worker=self.name, but=wanted)

    def _claim(self, now: datetime) -> None:
        room = self._most - len(self._cameras)
        is_open = partial(feeds.is_open_at, moment=now)
        for pk in watching.claim(worker=self.name, most=room, wanted=is_open):
            live_events.close_abandoned(pk)
            self._reports.forget(pk)

    def _take_up(self, feed: Feed) -> None:
        camera = WatchedCamera(feed, self._make_readers(feed))
        camera.start()
        with self._changing:
            self._cameras[feed.pk] = camera
        logger.info("watching camera %d", feed.pk)

    def _drop(self, cameras: list[int]) -> None:
        for pk in cameras:  # all at once: a reader may take seconds to end
            self._cameras[pk].leave()
        for pk in cameras:
            with self._changing:
                camera = self._cameras.pop(pk)
            camera.stop()
            self._count(camera)
            self._reports.forget(pk)
            with self._changing:
                self._leaving.append(camera)
            logger.info("camera %d is no longer watched, or in another way", pk)

    def _write_reports(self) -> None:
        now = time.monotonic()
        seconds, self._ticked = now - self._ticked, now
        counted = now >= self._count_due
        for pk, camera in list(self._cameras.items()):
            report = camera.report(disk_is_low=self._disk_is_low)
            camera.account(report, seconds)
            self._reports.write(pk, report)
            if counted:
                self._count(camera)
        if counted:
            self._count_due = now + COUNT_SECONDS

    @staticmethod
    def _count(camera: WatchedCamera) -> None:
        tally, now = camera.take_tally(), datetime.now(UTC)
        try:
            watching.count(camera.pk, tally, at=now)
            if camera.weights is not None:
                for weights in (camera.weights, *camera.shadows):
                    candidate_scores.record_seconds(
                        camera.pk,
                        weights,
                        tally.seconds_scored,
                        at=now,
                        is_shadow=weights is not camera.weights,
                    )
        except DatabaseError:  # figures that nobody misses much
            logger.warning("the hour of camera %d was not counted", camera.pk, exc_info=True)

    # Scoring

    def score_next(self) -> bool:
        """The camera whose turn it is: that was scored longest ago; whether there was one."""
        now = time.monotonic()
        with self._changing:
            cameras = list(self._cameras.values())
        for each in cameras:
            each.settle(now)
        due = [each for each in cameras if each.is_due(now)]
        if not due:
            return False
        min(due, key=lambda each: each.scored_at).look(alive=partial(self._sign, "scoring"))
        return True

    # Clips

    def cut_clips(self) -> bool:
        with self._changing:
            cameras, leaving = list(self._cameras.values()), list(self._leaving)
        for each in cameras:
            each.cut_clips()
            self._sign("cutting")
        for each in leaving:
            each.cut_clips(at_once=True)  # no more pictures come
            with self._changing:
                self._leaving.remove(each)
        return False

    def send_clips(self) -> bool:
        """To the storage, and ordinary ones out of memory; later, if it is away."""
        now = time.monotonic()
        if now >= self._tidy_due:
            self._tidy_due = now + TIDY_SECONDS
            waiting_clips.tidy()
        if now < self._send_due:
            return False
        self._send_due = now + SEND_AGAIN  # if it raises
        if not waiting_clips.send_left(worker=self.name):
            self._send_due = 0.0
            with self._changing:
                cameras = list(self._cameras.values())
            for each in cameras:
                each.keep_samples()
        return False

    def _leave(self) -> None:
        """Closes what is open, cuts the clips, and hands the cameras back.

        What the storage doesn't take now is sent when a watcher runs here again.
        """
        try:
            self._drop(list(self._cameras))
            self.cut_clips()
        finally:
            watching.release(worker=self.name)
            pictures.stop()
        waiting_clips.send_left(worker=self.name)
