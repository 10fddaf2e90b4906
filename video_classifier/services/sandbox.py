"""Has untrusted files read, and networks run, by child processes: this one loads no such library.

One child scores, kept warm from clip to clip; it has one of its own that decodes. Others look at
what is just being uploaded, at most one a core, or copy for browsers. Whatever happens to a child
is that file's failure, and the site goes on.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

from django.conf import settings

from video_classifier.ml.contracts import (
    UNWATCHED,
    WHOLE,
    Box,
    ClipError,
    ClipFacts,
    ClipSpec,
    Image,
    Outcome,
    Progress,
    Sample,
    Span,
    Stage,
    Track,
    UnreadableError,
)
from video_classifier.ml.isolation import confinement
from video_classifier.ml.isolation.children import (
    NOTHING,
    Child,
    ChildDiedError,
    ChildKilledError,
    ChildTooLargeError,
    Meanwhile,
    Watch,
)
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.serving.decoder import NOWHERE, InChild, Reach
from video_classifier.ml.serving.folders import Folders
from video_classifier.services import local_copies
from video_classifier.services.errors import Refused

Value = TypeVar("Value")

STRIDES = Path("/dev/shm")  # nosec B108  # noqa: S108  (where watchers keep what is scored next)
PROBE_SECONDS = 20.0  # to say what an upload is,
AT_WORK = 0.5  # of these, at least, on a file that is itself what takes so long
PROBE_BYTES_PER_SECOND = 40_000_000  # and more for a large one, whose packets are all read
STILL_SECONDS = 5.0  # of a second of video
CUT_SECONDS = 60.0  # all packets of the file are read

BUSY = "The server has too much to look at just now. Try again in a minute."
UNREADABLE = (
    "The server can't read this file from its storage just now. Try again in a few minutes; if it "
    "stays like this, tell your administrator."
)
KILLED = "The server was interrupted while it looked at this file. Try again."
WAITED = (
    "The server is too busy, or its disk too slow, to look at this file just now. Try again in a "
    "few minutes; if it stays like this, tell your administrator."
)
PROBE_TOO_LONG = (
    "It takes too long to find out what this file holds. Export the clip again from the recorder, "
    "as MP4 with H.264, and upload that."
)
CUT_TOO_LONG = "It takes too long to cut the event out of this clip. Download the whole clip."
STILL_TOO_LONG = "It takes too long to make a picture of what the camera sent. Try again."
PICTURE_TOO_LONG = "It takes too long to look at this picture. Send it smaller."
ANALYSIS_TOO_LARGE = (
    "Analyzing this clip takes more memory than is allowed. Cut it shorter or export it in a lower "
    "resolution, and upload that."
)
UNCONFINED = (
    "This system has no filter of system calls that fits: a file that took over the process that "
    "reads it could reach the network and start programs."
)

logger = logging.getLogger(__name__)


class BusyError(Refused):
    """Nothing is wrong with the file: later it may be looked at."""


class ScorerDiedError(Exception):
    """The child that scores, or the one that reads for it, ended in the middle of a run."""


INTERRUPTED = (BusyError, ScorerDiedError, UnreadableError)  # another attempt may well succeed
_OF_SCORER = (ClipError, UnreadableError, BundleError, ChildKilledError)


@contextmanager
def refusing() -> Iterator[None]:
    """Refuses with the library's own sentence where it can do nothing with a clip or a model."""
    try:
        yield
    except (ClipError, BundleError) as error:
        raise Refused(str(error)) from error


@contextmanager
def _reading() -> Iterator[None]:
    """As `refusing`; who is killed, or can't read the file, says nothing of it."""
    try:
        with refusing():
            yield
    except ChildKilledError as error:
        raise BusyError(KILLED) from error
    except UnreadableError as error:
        logger.warning("a file can't be read: %s", error)
        raise BusyError(UNREADABLE) from error


def closes_files() -> bool:
    """Whether the child that reads clips is kept from all other files on this system."""
    return confinement.can_close_files()


def lacks() -> str:
    """What the children can't give up on this system, in a sentence; empty if nothing."""
    return "" if confinement.is_possible() else UNCONFINED


def reach() -> Reach:
    """Where clips are: not the database, nor the site's key."""
    uploads = Path(settings.FILE_UPLOAD_TEMP_DIR)
    clips = Path(settings.MEDIA_ROOT), local_copies.folder(), STRIDES
    return Reach(readable=(*clips, Path(settings.PERSON_DETECTOR)), writable=(uploads,))


@cache
def _warn_once() -> None:
    if sentence := lacks():
        logger.warning("%s", sentence)


class Deadline:
    """A watch: refuses with its sentence once so many seconds have passed."""

    def __init__(self, seconds: float, sentence: str) -> None:
        self._until = time.monotonic() + seconds
        self._sentence = sentence

    def __call__(self) -> None:
        if time.monotonic() > self._until:
            raise Refused(self._sentence)


class _DeadlineAtWork(Deadline):
    """Refuses only where the child was at work: a disk that hangs says nothing of the file."""

    def __init__(self, decoder: InChild, seconds: float, sentence: str) -> None:
        super().__init__(seconds, sentence)
        self._decoder, self._before = decoder, decoder.worked
        self._least = seconds * AT_WORK

    def __call__(self) -> None:
        try:
            super().__call__()
        except Refused as refusal:
            if self._decoder.worked - self._before < self._least:
                raise BusyError(WAITED) from refusal
            raise


def probe(path: Path) -> tuple[ClipFacts, bool]:
    """What an uploaded file is, and whether browsers play it. Raises Refused."""
    seconds = PROBE_SECONDS + path.stat().st_size / PROBE_BYTES_PER_SECOND
    with _reading(), _probes.one() as decoder:
        return decoder.facts(path, watch=_DeadlineAtWork(decoder, seconds, PROBE_TOO_LONG))


def sample(
    path: Path, spec: ClipSpec, *, start: float = 0.0, end: float | None = None, watch: Watch
) -> Sample:
    """As `sampling.sample`, without previews. Raises Refused, and what `watch` raises."""
    with _reading():
        return _reader.sample(path, spec, start=start, end=end, watch=watch)


def copy(source: Path, target: Path, *, watch: Watch) -> None:
    """As `browser_copy.make`. Raises Refused, and what `watch` raises."""
    with _reading():
        _reader.copy(source, target, watch=watch)


def remux(source: Path, target: Path, *, watch: Watch) -> bool:
    """As `browser_copy.remux`. Raises Refused, and what `watch` raises."""
    with _reading():
        return _reader.remux(source, target, watch=watch)


def copy_span(source: Path, target: Path, span: Span, *, watch: Watch) -> None:
    """As `browser_copy.make_span`. Raises Refused, and what `watch` raises."""
    with _reading():
        _reader.copy_span(source, target, span, watch=watch)


def blur_span(source: Path, target: Path, span: Span, track: Track | None, *, watch: Watch) -> None:
    """As `blurred_copy.make`. Raises Refused, and what `watch` raises."""
    with _reading():
        _reader.blur_span(source, target, span, track, watch=watch)


def cut(
    source: Path, target: Path, *, container: str, stretch: tuple[float, float]
) -> tuple[float, float, str]:
    """As `cutting.cut`, while somebody waits for it. Raises Refused."""
    watch = Deadline(CUT_SECONDS, CUT_TOO_LONG)
    with _reading(), _probes.one() as decoder:
        return decoder.cut(source, target, container=container, stretch=stretch, watch=watch)


def still(path: Path, *, width: int) -> Image:
    """A picture from the beginning of a video, at most `width` pixels wide, in its own shape.

    Raises Refused.
    """
    starting = Deadline(PROBE_SECONDS, STILL_TOO_LONG)  # a child on a busy machine takes its time
    with _reading(), _probes.one() as decoder:
        facts, _ = decoder.facts(path, watch=starting)
        watch = Deadline(STILL_SECONDS, STILL_TOO_LONG)
        scale = min(1.0, width / facts.width)
        spec = ClipSpec(
            frames=1,
            width=max(1, round(facts.width * scale)),
            height=max(1, round(facts.height * scale)),
        )
        picture: Image = decoder.sample(path, spec, watch=watch).images[0]
    return picture


def people(picture: Path, detector: Path) -> tuple[tuple[tuple[Box, float], ...], str]:
    """As `persons.pictures.find`, while somebody waits for it. Raises Refused."""
    watch = Deadline(PROBE_SECONDS, PICTURE_TOO_LONG)
    with _reading(), _probes.one() as decoder:
        return decoder.people(picture, detector, watch=watch)


class _Probes:
    """Children that look at uploads, or cut: at most one a core; one is kept for the next."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(os.cpu_count() or 1)
        self._changing = threading.Lock()
        self._kept: InChild | None = None

    @contextmanager
    def one(self) -> Iterator[InChild]:
        """Raises Refused if none gets free in time."""
        if not self._free.acquire(timeout=PROBE_SECONDS):
            raise BusyError(BUSY)
        decoder = self._taken()
        try:
            yield decoder
        finally:
            self._keep(decoder)
            self._free.release()

    def _taken(self) -> InChild:
        _warn_once()
        with self._changing:
            kept, self._kept = self._kept, None
        return kept or InChild(reach=reach)

    def _keep(self, decoder: InChild) -> None:
        with self._changing:
            spare, self._kept = self._kept, decoder
        if spare is not None:
            spare.kill()

    def close(self) -> None:
        with self._changing:
            if self._kept is not None:
                self._kept.kill()
            self._kept = None


class ChildPredictor:
    """A model that is loaded and run in the child that scores."""

    def __init__(self, folders: Folders, card: Card) -> None:
        self.card = card
        self._model = folders

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def sha256(self) -> str:
        return self.card.served_sha256

    def load(self) -> None:
        """Now instead of with the first clip. Raises Refused."""
        _scorer.call("load", self._model, returns=type(None))

    def analyze(
        self,
        video: Path,
        *,
        span: Span = WHOLE,
        preview_width: int | None = None,
        progress: Progress = UNWATCHED,
    ) -> Outcome:
        """Raises Refused, ScorerDiedError, UnreadableError, and what `progress.check` raises."""
        return _scorer.call(
            "analyze",
            self._model,
            video,
            span,
            preview_width,
            returns=Outcome,
            meanwhile=Meanwhile(parts=Stage, on_part=progress.on_stage, watch=progress.check),
        )

    def score(self, images: Image) -> float:
        """Raises Refused and ScorerDiedError."""
        return _scorer.call("score", self._model, images, returns=float)


class _Scorer:
    """The child that scores; a new one takes the place of one that died.

    It is started with a reach that it can't extend: what lies beyond gets a new one, too.
    """

    def __init__(self) -> None:
        self._calling = threading.Lock()  # none is replaced while it works
        self._starting = threading.Lock()
        self._reach = NOWHERE  # of the child
        self._more = set[Path]()  # of that, what few calls need
        self._child: Child | None = None

    def call(
        self,
        operation: str,
        model: Folders,
        *arguments: object,
        returns: type[Value],
        meanwhile: Meanwhile = NOTHING,
    ) -> Value:
        clips = (each.resolve().parent for each in arguments if isinstance(each, Path))
        with self._calling:
            child = self._running(Reach(readable=(*model.real(), *clips)))
            try:
                with refusing():
                    return child.call(
                        operation, model, *arguments, returns=returns, meanwhile=meanwhile
                    )
            except ChildTooLargeError as error:
                child.kill()
                raise Refused(ANALYSIS_TOO_LARGE) from error
            except ChildDiedError as error:
                raise ScorerDiedError(str(error)) from error

    def _running(self, needed: Reach) -> Child:
        with self._starting:
            if self._child is not None and not self._reach.has(needed):
                self._child.kill()
            if self._child is None or not self._child.is_alive:
                _warn_once()
                usual = _reach_of_scorer().existing()
                more = {*self._more, *needed.readable}
                self._more = {each for each in more if not usual.has(Reach(readable=(each,)))}
                self._reach = usual.and_also(Reach(readable=tuple(self._more)))
                self._child = Child(
                    "video_classifier.ml.serving.scorer_process",
                    *sorted({str(each.absolute()) for each in self._reach.readable}),
                    errors={kind.__name__: kind for kind in _OF_SCORER},
                    memory=settings.ANALYSIS_MEMORY,
                )
            return self._child

    def close(self) -> None:
        with self._starting:
            if self._child is not None:
                self._child.kill()
            self._child = None


def _reach_of_scorer() -> Reach:
    """Models, and all that the child reads that decodes for it: it has no more than its parent."""
    made_here = Path(settings.DATA_DIR) / "models", Path(settings.DATA_DIR) / "model-copies"
    of_clips = reach()
    models = (Path(settings.MODELS_STORAGE), *made_here)
    return Reach(readable=(*models, *of_clips.readable, *of_clips.writable))


_probes, _reader, _scorer = _Probes(), InChild(reach=reach), _Scorer()


def close() -> None:
    """Ends the children; the next call starts others."""
    _probes.close()
    _reader.kill()
    _scorer.close()


def _forget() -> None:
    """A forked process has no children yet, and perhaps a lock that nobody will free."""
    global _probes, _reader, _scorer
    _probes, _reader, _scorer = _Probes(), InChild(reach=reach), _Scorer()


atexit.register(close)
os.register_at_fork(after_in_child=_forget)
