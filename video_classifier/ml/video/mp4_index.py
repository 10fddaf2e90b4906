"""Counts the samples that the index of an MP4 or MOV file claims.

FFmpeg makes room for all of them when it opens the file, and a table of a few bytes can claim
billions. Here no more is read than the boxes' heads (ISO/IEC 14496-12).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

# Those in which FFmpeg looks for others, whichever box they are in themselves.
_PARENTS = frozenset(
    [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf", b"mvex", b"udta"]
)
_MAX_BOXES = 2_000_000  # about the number in a recording of several days in short fragments
_DEEPEST = 12
_LARGEST_TABLE = 2**24  # bytes that are looked at
_PCM_SAMPLES = 512  # FFmpeg takes at least so many samples of uncompressed sound for one


@dataclass(slots=True)
class _Track:
    """What decides how many entries FFmpeg makes for a track."""

    samples: int = 0
    edits: int = 0  # each may show all samples once more
    chunks: int = 0
    largest_chunk: int = 0  # samples
    is_sound: bool = False
    is_a_tick_each: bool = False  # the samples' duration

    @property
    def entries(self) -> int:
        if self.is_sound and self.is_a_tick_each:  # uncompressed: taken by chunks
            return self.chunks * (self.largest_chunk // _PCM_SAMPLES + 1)
        return self.samples * max(self.edits, 1)


@dataclass(slots=True)
class _Index:
    tracks: list[_Track] = field(default_factory=list)
    in_fragments: int = 0
    boxes: int = 0


def samples_claimed(path: Path) -> int:
    """Of all tracks together; 0 if the file is no MP4 or MOV. Raises OSError."""
    index = _Index()
    with path.open("rb") as file:
        _look(file, 0, path.stat().st_size, index, depth=0)
    if index.boxes > _MAX_BOXES:
        return index.boxes
    return index.in_fragments + sum(track.entries for track in index.tracks)


def _look(file: BinaryIO, start: int, end: int, index: _Index, *, depth: int) -> None:
    for kind, content, after in _boxes(file, start, end):
        index.boxes += 1
        if index.boxes > _MAX_BOXES:
            return
        if kind == b"trak":
            index.tracks.append(_Track())
        if kind in _PARENTS and depth < _DEEPEST:
            _look(file, content, after, index, depth=depth + 1)
        elif kind == b"trun":
            file.seek(content)
            index.in_fragments += _number(file.read(8), 4)
        elif index.tracks:
            file.seek(content)
            _note(kind, file, min(after - content, _LARGEST_TABLE), index.tracks[-1])


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each box, where its content starts, and where that ends."""
    at = start
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        content = at + 8
        if size == 1:
            size = int.from_bytes(file.read(8))
            content += 8
        elif size == 0:
            size = end - at
        if size < content - at:
            return
        yield kind, content, min(at + size, end)
        at += size


def _note(kind: bytes, file: BinaryIO, size: int, track: _Track) -> None:
    match kind:
        case b"hdlr":
            track.is_sound = file.read(12)[8:] == b"soun"
        case b"stsz" | b"stz2":
            track.samples = max(track.samples, _number(file.read(12), 8))
        case b"stts":
            content = file.read(16)
            track.is_a_tick_each = _number(content, 4) == _number(content, 12) == 1
        case b"stco" | b"co64":
            track.chunks = max(track.chunks, _number(file.read(8), 4))
        case b"stsc":
            track.largest_chunk = max(track.largest_chunk, _largest_chunk(file.read(size)))
        case b"elst":
            track.edits += _edits(file.read(size))


def _largest_chunk(content: bytes) -> int:
    """Samples; a row has a chunk's number, its samples and their description."""
    whole = content[8:][: (len(content) - 8) // 12 * 12]
    return max((samples for _, samples, _ in struct.iter_unpack(">III", whole)), default=0)


def _edits(content: bytes) -> int:
    """Those that show something; the others are pauses."""
    row = struct.Struct(">QqI" if content[:1] == b"\1" else ">IiI")
    whole = content[8:][: (len(content) - 8) // row.size * row.size]
    return sum(media_time >= 0 for _, media_time, _ in row.iter_unpack(whole))


def _number(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 4])
