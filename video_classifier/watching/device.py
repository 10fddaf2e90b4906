"""Reads a camera that is plugged into this machine (V4L2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction

import av

from video_classifier.states import Fault
from video_classifier.watching.limits import Limits
from video_classifier.watching.remuxing import FORMATS
from video_classifier.watching.sources import Picture, Source
from video_classifier.watching.wire import ConnectError

_TICKS = 90_000  # a second, of our own clock


class DeviceSource(Source):
    """Made when the device was opened. Raises ConnectError."""

    time_base = Fraction(1, _TICKS)

    def __init__(self, path: str, limits: Limits, *, kind: str = "v4l2") -> None:
        times = (limits.connect, limits.dead)
        options = {"input_format": "mjpeg", "protocol_whitelist": "file"}
        try:
            self._container = av.open(path, "r", format=kind, options=options, timeout=times)
        except (av.FFmpegError, ValueError) as error:
            msg = "The device can't be opened. Check that the camera is plugged in, and not in use."
            raise ConnectError(Fault.REFUSED, msg) from error
        self.codec = self._container.streams.video[0].codec.canonical_name
        if self.codec not in FORMATS:
            self._container.close()
            msg = (
                "The device sends pictures that aren't encoded. Use one that sends MJPEG or H.264."
            )
            raise ConnectError(Fault.NO_VIDEO, msg)
        self._is_over = False

    def pictures(self) -> Iterator[Picture]:
        latest = -1
        for packet in self._container.demux(video=0):
            if self._is_over or not packet.size:
                return
            now = time.monotonic()
            latest = max(latest + 1, round(now * _TICKS))
            yield Picture(data=bytes(packet), ticks=latest, is_key=packet.is_keyframe, arrived=now)

    def abort(self) -> None:
        self._is_over = True

    def close(self) -> None:
        self._container.close()
