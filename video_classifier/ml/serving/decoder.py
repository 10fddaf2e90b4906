"""Decoders, by which predictors read clips: in their own process, or in a child that may crash.

Footage of one's own (training, evaluation) is read in the process itself; what strangers upload
is read in a child.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from video_classifier.ml.contracts import (
    WHOLE,
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
from video_classifier.ml.isolation.children import (
    NOTHING,
    Child,
    ChildBrokeError,
    ChildDiedError,
    ChildKilledError,
    ChildTooLargeError,
    Meanwhile,
    Watch,
    idle,
)

MEMORY = 1536 * 2**20  # bytes of address space that reading a clip may take

# Of the C library: memory that was freed is kept for the next pictures. To give it back each time
# and take it again costs about a tenth of the time in which a clip is read. It is given back after
# each clip, and only what lies in the one arena of all threads can be.
_KEEPING = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
    "MALLOC_MMAP_THRESHOLD_": str(64 * 2**20),
}

_WRITING = {"copy", "remux", "copy_span", "blur_span", "cut"}  # operations of a source and a target

CRASHED = (
    "The program that reads clips crashed on this file, so it can't be analyzed. Export the clip "
    "again from the recorder, as MP4 with H.264, and upload that."
)
TOO_LARGE = (
    "It takes too much memory to read this clip: its pictures are too large, or the file is "
    "damaged. Export it again from the recorder, in a lower resolution, and upload that."
)

Value = TypeVar("Value")

OnWindow = Callable[[Window], None]


class Opened(Protocol):
    """A clip in which people are looked for."""

    def detect_frames(
        self, function: Callable[[Image], Value], *, height: int, width: int, strip: int = 0
    ) -> tuple[tuple[float, ...], tuple[Value, ...]]:
        """As `finder.detect_frames`: the pictures' seconds, and the values of `function`."""

    def take_windows(
        self,
        tracks: tuple[Track, ...],
        spec: ClipSpec,
        on_window: OnWindow,
        *,
        preview_width: int | None,
    ) -> Sample:
        """As `finder.take_windows`."""


class SampleWindows(Protocol):
    """As `windowing.sample_windows`."""

    def __call__(
        self,
        video: Path,
        spec: ClipSpec,
        on_window: OnWindow,
        /,
        *,
        span: Span = WHOLE,
        preview_width: int | None,
    ) -> Sample: ...


class Decoder(Protocol):
    """Anything that reads clips. All of it raises ClipError."""

    @property
    def take_windows(self) -> SampleWindows:
        """Of whole frames."""

    def open(self, video: Path, span: Span = WHOLE) -> Opened:
        """Reads the packets; of a span of the clip, what is in it is gone through.

        The clip is open until its windows are taken.
        """


class InProcess:
    """Reads clips in this process."""

    @property
    def take_windows(self) -> SampleWindows:
        from video_classifier.ml.video import windowing

        return windowing.sample_windows

    def open(self, video: Path, span: Span = WHOLE) -> Opened:
        return _OpenedHere(video, span)


IN_PROCESS = InProcess()


class _OpenedHere:
    def __init__(self, video: Path, span: Span) -> None:
        from video_classifier.ml.persons import finder

        self._reel = finder.reel(video, span)

    def detect_frames(
        self, function: Callable[[Image], Value], *, height: int, width: int, strip: int = 0
    ) -> tuple[tuple[float, ...], tuple[Value, ...]]:
        from video_classifier.ml.persons import finder

        self._reel, times, values = finder.detect_frames(
            self._reel,
            lambda _, image: function(image),
            height=height,
            width=width,
            strip=strip,
        )
        return times, values

    def take_windows(
        self,
        tracks: tuple[Track, ...],
        spec: ClipSpec,
        on_window: OnWindow,
        *,
        preview_width: int | None,
    ) -> Sample:
        from video_classifier.ml.persons import finder

        return finder.take_windows(self._reel, tracks, spec, on_window, preview_width=preview_width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Folders of which a child may read, and write, where the kernel has Landlock."""

    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()

    def has(self, other: Reach) -> bool:
        return _has_all((*self.readable, *self.writable), other.readable) and _has_all(
            self.writable, other.writable
        )

    def existing(self) -> Reach:
        """What is made later is asked for then: a child can't be let in afterwards."""
        return Reach(
            readable=tuple(each for each in self.readable if each.is_dir()),
            writable=tuple(each for each in self.writable if each.is_dir()),
        )

    def and_also(self, other: Reach) -> Reach:
        return Reach(
            readable=(*self.readable, *other.readable), writable=(*self.writable, *other.writable)
        )


NOWHERE = Reach()


def _has_all(folders: Iterable[Path], wanted: Iterable[Path]) -> bool:
    real = [folder.resolve() for folder in folders]
    return all(any(each.resolve().is_relative_to(one) for one in real) for each in wanted)


class InChild:
    """Reads clips in a child; what kills it is a ClipError, and the next clip gets a new one.

    The child is started with a reach that it can't extend: what lies beyond gets a new one, too.
    All of it raises UnreadableError, too.
    """

    def __init__(
        self, *, leads_group: bool = True, reach: Callable[[], Reach] = lambda: NOWHERE
    ) -> None:
        """`reach` is asked whenever a child is started, for what most calls need."""
        self._leads_group = leads_group
        self._asked_reach = reach
        self._reach = NOWHERE  # of the child
        self._calling = threading.Lock()  # none is replaced while it works
        self._starting = threading.Lock()
        self._child: Child | None = None

    def facts(self, video: Path, *, watch: Watch = idle) -> tuple[ClipFacts, bool]:
        """What the file is, and whether browsers play it. Raises ClipError."""
        meanwhile = Meanwhile(watch=watch)
        return self._call("facts", video, returns=tuple[ClipFacts, bool], meanwhile=meanwhile)

    def sample(
        self,
        video: Path,
        spec: ClipSpec,
        *,
        start: float = 0.0,
        end: float | None = None,
        watch: Watch = idle,
    ) -> Sample:
        """As `sampling.sample`, without previews. Raises ClipError."""
        meanwhile = Meanwhile(watch=watch)
        return self._call("sample", video, spec, start, end, returns=Sample, meanwhile=meanwhile)

    def take_windows(
        self,
        video: Path,
        spec: ClipSpec,
        on_window: OnWindow,
        *,
        span: Span = WHOLE,
        preview_width: int | None,
    ) -> Sample:
        meanwhile = Meanwhile(parts=Window, on_part=on_window)
        return self._call(
            "sample_windows", video, spec, span, preview_width, returns=Sample, meanwhile=meanwhile
        )

    def open(self, video: Path, span: Span = WHOLE) -> Opened:
        self._call("open", video, span, returns=type(None))
        return _OpenedInChild(self._call)

    def people(
        self, picture: Path, detector: Path, *, watch: Watch = idle
    ) -> tuple[tuple[tuple[Box, float], ...], str]:
        """As `persons.pictures.find`. Raises ClipError."""
        return self._call(
            "people",
            picture,
            detector,
            returns=tuple[tuple[tuple[Box, float], ...], str],
            meanwhile=Meanwhile(watch=watch),
        )

    def copy(self, source: Path, target: Path, *, watch: Watch = idle) -> None:
        """As `browser_copy.make`. Raises ClipError."""
        meanwhile = Meanwhile(watch=watch)
        self._call("copy", source, target, returns=type(None), meanwhile=meanwhile)

    def remux(self, source: Path, target: Path, *, watch: Watch = idle) -> bool:
        """As `browser_copy.remux`. Raises ClipError."""
        meanwhile = Meanwhile(watch=watch)
        return self._call("remux", source, target, returns=bool, meanwhile=meanwhile)

    def copy_span(self, source: Path, target: Path, span: Span, *, watch: Watch = idle) -> None:
        """As `browser_copy.make_span`. Raises ClipError."""
        meanwhile = Meanwhile(watch=watch)
        self._call("copy_span", source, target, span, returns=type(None), meanwhile=meanwhile)

    def blur_span(
        self, source: Path, target: Path, span: Span, track: Track | None, *, watch: Watch = idle
    ) -> None:
        """As `blurred_copy.make`. Raises ClipError."""
        meanwhile = Meanwhile(watch=watch)
        arguments = source, target, span, track
        self._call("blur_span", *arguments, returns=type(None), meanwhile=meanwhile)

    def cut(
        self,
        source: Path,
        target: Path,
        *,
        container: str,
        stretch: tuple[float, float],
        watch: Watch = idle,
    ) -> tuple[float, float, str]:
        """As `cutting.cut`: start, end and suffix of what was cut out. Raises ClipError."""
        return self._call(
            "cut",
            source,
            target,
            container,
            *stretch,
            returns=tuple[float, float, str],
            meanwhile=Meanwhile(watch=watch),
        )

    @property
    def worked(self) -> float:
        """Seconds of processor time of the child that there is; 0 without one."""
        child = self._child
        return 0.0 if child is None else child.worked

    def kill(self) -> None:
        """May be called from any thread; a call that runs ends with a ChildKilledError."""
        with self._starting:
            if self._child is not None:
                self._child.kill()

    def _call(
        self,
        operation: str,
        *arguments: object,
        returns: type[Value],
        meanwhile: Meanwhile = NOTHING,
    ) -> Value:
        try:
            with self._calling:
                child = self._running(_needed(operation, arguments))
                return child.call(operation, *arguments, returns=returns, meanwhile=meanwhile)
        except ChildKilledError:
            raise
        except ChildDiedError as error:
            raise ClipError(CRASHED) from error
        except ChildTooLargeError as error:
            self.kill()  # what it still holds is not known
            raise ClipError(TOO_LARGE) from error
        except ChildBrokeError:
            self.kill()
            raise

    def _running(self, needed: Reach) -> Child:
        with self._starting:
            is_there = self._child is not None and self._child.is_alive
            if self._child is None or not is_there or not self._reach.has(needed):
                if self._child is not None:
                    self._child.kill()
                usual = self._asked_reach().existing()
                self._reach = usual if usual.has(needed) else usual.and_also(needed)
                self._child = Child(
                    "video_classifier.ml.serving.decoder_process",
                    str(MEMORY),
                    _listed(self._reach.readable),
                    _listed(self._reach.writable),
                    errors={kind.__name__: kind for kind in (ClipError, UnreadableError)},
                    leads_group=self._leads_group,
                    settings=_KEEPING,
                )
            return self._child


def _needed(operation: str, arguments: Sequence[object]) -> Reach:
    """The folders of its paths, of which the second is written where one is made of another."""
    folders = [
        each if each.is_dir() else each.parent for each in arguments if isinstance(each, Path)
    ]
    read = len(folders) if operation not in _WRITING else 1
    return Reach(readable=tuple(folders[:read]), writable=tuple(folders[read:]))


def _listed(folders: Iterable[Path]) -> str:
    return json.dumps([str(each.absolute()) for each in folders])


class _Call(Protocol):
    def __call__(
        self,
        operation: str,
        *arguments: object,
        returns: type[Value],
        meanwhile: Meanwhile = NOTHING,
    ) -> Value: ...


class _OpenedInChild:
    def __init__(self, call: _Call) -> None:
        self._call = call

    def detect_frames(
        self, function: Callable[[Image], Value], *, height: int, width: int, strip: int = 0
    ) -> tuple[tuple[float, ...], tuple[Value, ...]]:
        values: dict[int, Value] = {}

        def take(part: tuple[int, Image]) -> None:
            place, image = part  # again, with other places, where damage was found
            values[place] = function(image)

        times, places = self._call(
            "detect_frames",
            height,
            width,
            strip,
            returns=tuple[tuple[float, ...], tuple[int, ...]],
            meanwhile=Meanwhile(parts=tuple[int, Image], on_part=take),
        )
        return times, tuple(values[place] for place in places)

    def take_windows(
        self,
        tracks: tuple[Track, ...],
        spec: ClipSpec,
        on_window: OnWindow,
        *,
        preview_width: int | None,
    ) -> Sample:
        meanwhile = Meanwhile(parts=Window, on_part=on_window)
        return self._call(
            "take_windows", tracks, spec, preview_width, returns=Sample, meanwhile=meanwhile
        )
