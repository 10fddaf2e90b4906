"""Tries a live camera: a child connects to it and writes a second of video, another one decodes.

This process opens no stream and loads no library that does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from video_classifier.models import Feed
from video_classifier.services import (
    addresses,
    evidence,
    feeds,
    live_pictures,
    sandbox,
)
from video_classifier.services.addresses import Address
from video_classifier.services.errors import Refused
from video_classifier.states import Fault

CHILD = "video_classifier.watching.test_process"
SECONDS = 15.0  # in which there is an answer
DECODE_SECONDS = 3.0  # of these, for the picture
AT_ONCE = 2
WIDTH = 960  # pixels of the picture
QUALITY = 85
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH")

BUSY = "Other cameras are being tested just now. Try again in half a minute."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a camera sent."""

    picture: bytes  # JPEG
    codec: str  # FFmpeg's name
    width: int  # of the stream, in pixels
    height: int


class CameraFaultError(Refused):
    """The camera gave no picture; the message says what to do."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(feeds.words_for(fault))
        self.fault = fault


def try_out(feed: Feed) -> Tried:
    """A picture, which is also kept as the camera's newest. Raises Refused with what to do."""
    until = time.monotonic() + SECONDS
    address = feeds.address_of(feed)
    machines = addresses.checked(address)
    if not _running.acquire(timeout=0):
        raise sandbox.BusyError(BUSY)
    try:
        with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
            found = _received(address, machines, Path(folder), until - DECODE_SECONDS)
    finally:
        _running.release()
    live_pictures.write_plain(feed.pk, found.picture)
    live_pictures.write(feed.pk, found.picture, taken_at=timezone.now())
    return found


_running = threading.BoundedSemaphore(AT_ONCE)


def _received(address: Address, machines: tuple[str, ...], folder: Path, until: float) -> Tried:
    seconds = max(1.0, until - time.monotonic())
    # By its input: what is on a command line or in an environment others may see.
    order = {
        "address": asdict(address),
        "machines": machines,
        "folder": str(folder),
        "seconds": seconds - 1,
    }
    answer = _answer(json.dumps(order).encode(), seconds)
    if answer.get("fault"):
        raise CameraFaultError(Fault(answer["fault"]))
    image = sandbox.still(folder / Path(answer["file"]).name, width=WIDTH)
    return Tried(
        picture=evidence.jpeg(image, QUALITY),
        codec=str(answer["codec"]),
        width=int(answer["width"]),
        height=int(answer["height"]),
    )


def _answer(order: bytes, seconds: float) -> dict[str, str]:
    """The child's; of one that doesn't answer, that it fell silent."""
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=settings.BASE_DIR,
        env={name: os.environ[name] for name in _INHERITED if name in os.environ},
        start_new_session=True,
    )
    try:
        answer, _ = child.communicate(order, timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"fault": Fault.NO_DATA}
    finally:
        _end(child)
    try:
        found: dict[str, str] = json.loads(answer)
    except ValueError:  # it crashed on what the camera sent
        return {"fault": Fault.BROKEN}
    return found


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
