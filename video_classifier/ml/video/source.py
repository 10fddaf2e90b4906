"""A clip, or a span of one, and what its packets say of the pictures in it.

The packets of a long recording are read once, not once for each of its spans: those of the files
that were read last are remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from video_classifier.ml.contracts import WHOLE, ClipError, Span
from video_classifier.ml.video import containers, packets
from video_classifier.ml.video.packets import Packets
from video_classifier.ml.video.timeline import Pause, Timeline

_MAX_FILES = 4  # that are remembered, if their packets are few …
_MAX_PACKETS = containers.MAX_PACKETS  # … together, at about 150 bytes each: 300 MB

NOTHING_RECORDED = "Nothing was recorded in this stretch of the clip."
ONE_PIECE = (
    "The file doesn't say when its pictures are shown, so that no stretch of it can be read on its "
    "own. Export the recording again as MP4 with H.264, and upload that."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is to be decoded, and what of it was sent."""

    path: Path
    span: Span
    known: Packets  # all entries; what is missing or in doubt is of the span alone
    shown: Timeline | None  # of the span, by its packets; None if these don't say reliably
    pauses: tuple[Pause, ...] | None  # that begin in the span, by all packets; None: of the whole

    @property
    def is_whole(self) -> bool:
        return self.span == WHOLE


def read(path: Path, span: Span = WHOLE) -> Source:
    """Reads the packets, if they aren't remembered, and decodes none.

    Raises ClipError if it is no video, or nothing was recorded in the span.
    """
    if span == WHOLE:
        known = packets.read(path)
        return Source(path=path, span=span, known=known, shown=known.shown, pauses=None)
    return _read_recently(path).within(span)


# Not slotted: what is worked out once is kept beside.
@dataclass(frozen=True, kw_only=True)
class _Recording:
    """All packets of a long file."""

    path: Path
    known: Packets

    @cached_property
    def _shown(self) -> Timeline | None:
        return self.known.shown

    def within(self, span: Span) -> Source:
        """Raises ClipError if nothing was recorded in it."""
        whole, sent = self._shown, self.known.sent
        if whole is None or sent is None:
            raise ClipError(ONE_PIECE)
        try:
            shown = whole.within(span)
        except ValueError as error:
            raise ClipError(NOTHING_RECORDED) from error
        is_first = shown.ticks[0] == whole.ticks[0]
        is_last = shown.end == whole.end
        return Source(
            path=self.path,
            span=replace(span, end=None) if is_last else span,
            known=replace(
                self.known,
                sent=sent.between(
                    sent.ticks[0] if is_first else shown.ticks[0],
                    sent.end if is_last else shown.end,
                ),
                missing=self.known.missing if is_last else 0.0,
                videos=self.known.videos if is_first else 1,
            ),
            shown=shown,
            pauses=tuple(p for p in self._pauses if span.start <= p.after < span.until),
        )

    @cached_property
    def _pauses(self) -> tuple[Pause, ...]:
        if self._shown is None or self.known.sent is None:
            return ()
        return tuple(self._shown.pauses(self.known.sent))


_Key = tuple[Path, int, int, int]
_recent: OrderedDict[_Key, _Recording] = OrderedDict()


def _read_recently(path: Path) -> _Recording:
    """A file that changed is read again. Raises ClipError."""
    containers.refuse_empty(path)
    status = path.stat()
    key = path, status.st_ino, status.st_size, status.st_mtime_ns
    if (found := _recent.pop(key, None)) is None:
        found = _Recording(path=path, known=packets.read(path))
    _recent[key] = found
    while len(_recent) > 1 and _is_too_much():
        _recent.popitem(last=False)
    return found


def _is_too_much() -> bool:
    count = sum(len(recording.known.entries) for recording in _recent.values())
    return len(_recent) > _MAX_FILES or count > _MAX_PACKETS
