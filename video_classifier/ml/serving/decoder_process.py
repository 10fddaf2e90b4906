"""`python -m`: the child that reads untrusted files, without network and with little memory.

Of the file system it has the folders that it is told of, where the kernel has Landlock.
It serves `decoder.InChild`. ClipErrors are passed on; anything else that a file does (a
crash, a decompression bomb) ends this process only.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from video_classifier.ml.isolation import confinement

confinement.single_threaded_numpy()

from video_classifier.ml.contracts import (  # noqa: E402
    Box,
    ClipError,
    ClipFacts,
    ClipSpec,
    Image,
    Sample,
    Span,
    Track,
    UnreadableError,
    Window,
)
from video_classifier.ml.isolation import wire  # noqa: E402

if TYPE_CHECKING:
    from video_classifier.ml.video.reel import Reel


class Operations:
    """Each is called by its name, with arguments and results of the types it says."""

    def __init__(self) -> None:
        self._reel: Reel | None = None

    def facts(self, path: Path) -> tuple[ClipFacts, bool]:
        """What the file is, and whether browsers play it."""
        from video_classifier.ml.video import browser_copy, probe

        found = probe.facts(path)
        return found, browser_copy.is_playable(found)

    def sample(self, path: Path, spec: ClipSpec, start: float, end: float | None) -> Sample:
        from video_classifier.ml.video import sampling

        return sampling.sample(path, spec, start=start, end=end)

    def sample_windows(
        self,
        path: Path,
        spec: ClipSpec,
        span: Span,
        preview_width: int | None,
        emit: Callable[[Window], None],
    ) -> Sample:
        """Emits the windows of whole frames."""
        from video_classifier.ml.video import windowing

        try:
            return windowing.sample_windows(
                path, spec, emit, span=span, preview_width=preview_width
            )
        finally:
            _give_back()

    def open(self, path: Path, span: Span) -> None:
        """For `detect_frames` and `take_windows`; what was open before is closed."""
        from video_classifier.ml.persons import finder

        self._reel = None
        self._reel = finder.reel(path, span)

    def detect_frames(
        self, height: int, width: int, strip: int, emit: Callable[[tuple[int, Image]], None]
    ) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Emits pictures with their places; returns the seconds and places of those that count."""
        from video_classifier.ml.persons import finder

        def send(place: int, image: Image) -> int:
            emit((place, image))
            return place

        self._reel, times, places = finder.detect_frames(
            self._opened, send, height=height, width=width, strip=strip
        )
        return times, places

    def take_windows(
        self,
        tracks: tuple[Track, ...],
        spec: ClipSpec,
        preview_width: int | None,
        emit: Callable[[Window], None],
    ) -> Sample:
        """Emits the windows of the tracks, and closes the clip."""
        from video_classifier.ml.persons import finder

        try:
            return finder.take_windows(
                self._opened, tracks, spec, emit, preview_width=preview_width
            )
        finally:
            self._reel = None
            _give_back()

    def copy(self, source: Path, target: Path) -> None:
        from video_classifier.ml.video import browser_copy

        browser_copy.make(source, target)

    def remux(self, source: Path, target: Path) -> bool:
        """Whether a copy could be made without encoding."""
        from video_classifier.ml.video import browser_copy

        return browser_copy.remux(source, target)

    def copy_span(self, source: Path, target: Path, span: Span) -> None:
        from video_classifier.ml.video import browser_copy

        browser_copy.make_span(source, target, span)

    def blur_span(self, source: Path, target: Path, span: Span, track: Track | None) -> None:
        from video_classifier.ml.video import blurred_copy

        blurred_copy.make(source, target, span, track)

    def cut(
        self, source: Path, target: Path, container: str, start: float, end: float
    ) -> tuple[float, float, str]:
        from video_classifier.ml.video import cutting

        found = cutting.cut(source, target, container=container, start=start, end=end)
        return found.start, found.end, found.suffix

    def people(self, picture: Path, detector: Path) -> tuple[tuple[tuple[Box, float], ...], str]:
        """In a single picture."""
        from video_classifier.ml.persons import pictures

        return pictures.find(picture, detector)

    @property
    def _opened(self) -> Reel:
        if self._reel is None:
            msg = "no clip is open"
            raise RuntimeError(msg)
        return self._reel


def _give_back() -> None:
    """Hands freed memory back once a clip is done; within a clip it is kept (`decoder.InChild`)."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # not every C library has it
            ctypes.CDLL(None).malloc_trim(0)


def main() -> None:
    handle, memory = map(int, sys.argv[1:3])
    readable, writable = ([Path(each) for each in json.loads(text)] for text in sys.argv[3:5])
    confinement.die_with_parent()
    confinement.limit(memory=memory)
    confinement.close_files(readable=readable, writable=writable)
    confinement.isolate(may_start_programs=False)
    wire.Server(
        Connection(handle),
        wire.operations_of(Operations()),
        expected=(ClipError, UnreadableError),
        cancel=lambda: os._exit(1),  # nothing in it is worth waiting for
        abandoned=lambda: os._exit(0),
    ).serve()


if __name__ == "__main__":
    main()
