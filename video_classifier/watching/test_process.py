"""`python -m`: tries a camera out for services.camera_tests, and ends.

It connects to an address that was checked before, which comes by the standard input, and writes
the first second of video into a file. It has no settings, no secrets and no database.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from video_classifier.ml.isolation import confinement

confinement.single_threaded_numpy()

from video_classifier.services.addresses import Address  # noqa: E402
from video_classifier.states import Fault  # noqa: E402
from video_classifier.watching import connecting, remuxing  # noqa: E402
from video_classifier.watching.limits import Limits  # noqa: E402
from video_classifier.watching.ring import Excerpt, Ring, StreamFacts, StreamPacket  # noqa: E402
from video_classifier.watching.sources import Picture, Source  # noqa: E402
from video_classifier.watching.wire import ConnectError  # noqa: E402

MEMORY = 2**30  # bytes of address space
RING_BYTES = 64_000_000
ENOUGH_SECONDS = 1.0  # of pictures, from the first keyframe on
ENOUGH_PICTURES = 4  # of a camera that sends few


class TimeUpError(Exception):
    """There is no more time to wait for the camera."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be tried."""

    address: Address
    machines: tuple[str, ...]  # IP addresses that were checked
    folder: Path  # for the file
    seconds: float

    @classmethod
    def read(cls, text: str) -> Order:
        told = json.loads(text)
        return cls(
            address=Address(**told["address"]),
            machines=tuple(told["machines"]),
            folder=Path(told["folder"]),
            seconds=float(told["seconds"]),
        )


def answer(order: Order) -> dict[str, Any]:
    """The file and what is in it, or the fault."""
    receiving = _Receiving()
    limits = replace(Limits(), connect=min(5.0, order.seconds), answer=order.seconds)
    target = connecting.Target(address=order.address, ips=order.machines)
    try:
        with _time_limit(order.seconds):
            source = connecting.connect(target, limits)
            try:
                receiving.take(source, limits)
            finally:
                source.close()
    except ConnectError as error:
        return {"fault": error.fault}
    except TimeUpError:
        if receiving.excerpt is None:
            return {"fault": receiving.fault}
    return _written(receiving.excerpt, order.folder)


class _Receiving:
    """What has come so far; its time may be up at any moment."""

    def __init__(self) -> None:
        self._ring = Ring(60.0, RING_BYTES)
        self._facts: StreamFacts | None = None
        self._pictures = 0
        self._began = 0.0

    @property
    def excerpt(self) -> Excerpt | None:
        return self._ring.newest(60.0)

    @property
    def fault(self) -> Fault:
        """Of a camera that has sent nothing that could be decoded."""
        return Fault.NO_KEYFRAME if self._pictures else Fault.NO_DATA

    def take(self, source: Source, limits: Limits) -> None:
        """Until there is enough."""
        for picture in source.pictures():
            self._pictures += 1
            if self._facts is None and picture.is_key:
                self._facts = connecting.facts(source, picture, limits)
                self._ring.begin(self._facts, datetime.now(UTC))
                self._pictures, self._began = 1, time.monotonic()
            if self._facts is not None:
                self._ring.add(_packet(picture))
                if self._is_enough:
                    return

    @property
    def _is_enough(self) -> bool:
        long_enough = time.monotonic() - self._began >= ENOUGH_SECONDS
        return long_enough and self._pictures >= ENOUGH_PICTURES


def _packet(picture: Picture) -> StreamPacket:
    return StreamPacket(
        data=picture.data,
        pts=picture.ticks,
        dts=picture.ticks,
        duration=0,
        is_key=picture.is_key,
        arrived=time.monotonic(),
    )


def _written(excerpt: Excerpt | None, folder: Path) -> dict[str, Any]:
    if excerpt is None:
        return {"fault": Fault.NO_VIDEO}
    file = folder / f"still{remuxing.suffix(excerpt.facts)}"
    try:
        remuxing.write(excerpt, file)
    except remuxing.RemuxError:
        return {"fault": Fault.NO_VIDEO}
    facts = excerpt.facts
    return {
        "file": file.name,
        "codec": facts.codec,
        "width": facts.width,
        "height": facts.height,
    }


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raises TimeUpError, also out of a read that waits. For the main thread."""

    def ring(*_: object) -> None:
        raise TimeUpError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def main() -> None:
    confinement.limit(memory=MEMORY)
    found = answer(Order.read(sys.stdin.read()))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
