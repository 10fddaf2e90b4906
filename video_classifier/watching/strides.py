"""Scores what a camera has sent since the last time: its packets, in a file, as of a clip."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeVar

from django.conf import settings

from video_classifier.ml.contracts import (
    LEAD,
    UNWATCHED,
    ClipSpec,
    Outcome,
    Predictor,
    Progress,
    Span,
    Track,
    WindowScore,
)

LOOK_BACK = 10.0  # seconds that a model without a rate looks at
MOST = 10.0  # seconds that are caught up with: who comes late looks at the newest alone
SHORTEST = 0.05  # seconds; a span has some length
WIDTH = 640  # pixels of the pictures for people …
SMALL = 320  # … while nobody is in view, and nobody looks
IN_MEMORY = Path("/dev/shm")  # nosec B108  # noqa: S108  (where systems have a file system in memory)
ROOM = 64 * 2**20  # bytes that a stride may need there
LEFT_SECONDS = 600.0  # after which no stride is still scored
_PREFIX = "shoplift-"

Polygon = Sequence[Sequence[float]]  # points, 0 to 1 from the left and from the top


class Excerpt(Protocol):
    """Packets of one stretch of a stream, from a keyframe on; `watching.ring` has them."""

    @property
    def stretch(self) -> int:
        """The number of the stretch."""

    @property
    def start(self) -> float:
        """Of its first picture, in seconds of the stretch."""

    @property
    def end(self) -> float:
        """Of its last picture."""


AnyExcerpt = TypeVar("AnyExcerpt", bound=Excerpt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What came of a stride. Times of the outcome are those of the file; others of the stretch."""

    camera: int
    stretch: int
    start: float  # of the file
    span: Span  # of the file that was looked at
    until: float  # to which the stretch was looked at
    outcome: Outcome

    @property
    def followed_from(self) -> float:
        """From then on people were followed: `LEAD` seconds before the span, if there are any."""
        return self.start + max(0.0, self.span.start - LEAD)


def reach(spec: ClipSpec, *, since: float, newest: float, lead: float = LEAD) -> float:
    """How many seconds, back from the newest picture, a stride needs in its file.

    Where nobody was in view, nobody has to be followed before the span: without a lead, half as
    many pictures are looked at.
    """
    if not spec.rate:
        return LOOK_BACK
    return min(newest - since, MOST) + lead


def span(spec: ClipSpec, *, start: float, end: float, since: float) -> Span:
    """The part of a file from `start` to `end`, in seconds of the stretch, that is to be scored.

    Of a model with a rate, what came since the last time; of another one the last ten seconds.
    """
    wanted = max(since, end - MOST) if spec.rate else end - LOOK_BACK
    return Span(max(0.0, min(wanted, end - SHORTEST) - start))


def score(  # noqa: PLR0913
    excerpt: AnyExcerpt,
    looked_at: Span,
    predictor: Predictor,
    *,
    camera: int,
    write: Callable[[AnyExcerpt, Path], None],
    width: int = WIDTH,
    progress: Progress = UNWATCHED,
) -> Scored:
    """Writes the excerpt into a file and has the span of it analyzed.

    That nobody is there, or nothing moves, is an outcome without a prediction. Raises Refused,
    sandbox.ScorerDiedError, and what `write` and `progress.check` raise.
    """
    with _folder() as folder:
        file = folder / "stride.mp4"
        write(excerpt, file)
        outcome = predictor.analyze(file, span=looked_at, preview_width=width, progress=progress)
    return Scored(
        camera=camera,
        stretch=excerpt.stretch,
        start=excerpt.start,
        span=looked_at,
        until=excerpt.end,
        outcome=outcome,
    )


@contextmanager
def _folder() -> Iterator[Path]:
    """For our eyes alone, and in memory where there is room."""
    has_room = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ROOM
    place = IN_MEMORY if has_room else Path(settings.FILE_UPLOAD_TEMP_DIR)
    with TemporaryDirectory(prefix=_PREFIX, dir=place) as folder:
        yield Path(folder)


def sweep() -> int:
    """Removes what watchers that were killed left in memory, which nothing else frees; how many."""
    before = time.time() - LEFT_SECONDS
    left = [each for each in IN_MEMORY.glob(f"{_PREFIX}*") if _is_left(each, before)]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def _is_left(folder: Path, before: float) -> bool:
    """Ours, as anybody may make folders there, and older than any stride lasts."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return is_ours and found.st_mtime < before


def outside(
    windows: Sequence[WindowScore], track: Track, zones: Sequence[Polygon]
) -> tuple[WindowScore, ...]:
    """The windows of a track that count: in their middle the feet stand in no ignored zone."""
    return tuple(each for each in windows if not _stands_in(zones, track, each))


def _stands_in(zones: Sequence[Polygon], track: Track, window: WindowScore) -> bool:
    box = track.at((window.start + window.end) / 2) if zones else None
    if box is None:
        return False
    feet = (box.left + box.right) / 2, box.bottom
    return any(_contains(zone, *feet) for zone in zones)


def _contains(zone: Polygon, x: float, y: float) -> bool:
    """By the even-odd rule; what has fewer than three points contains nothing."""
    inside = False
    if len(zone) < 3:  # noqa: PLR2004
        return False
    x2, y2 = zone[-1]
    for x1, y1 in zone:
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            inside = not inside
        x2, y2 = x1, y1
    return inside
