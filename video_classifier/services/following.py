"""Who is who over the borders of a recording's segments, and which of their windows count."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from video_classifier.ml.contracts import LEAD, Span, Track, WindowScore
from video_classifier.ml.serving import joining

_ROUNDING = 1e-6  # seconds by which times that are the same may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A segment, and whom it followed."""

    span: Span
    tracks: tuple[Track, ...]  # in order of appearance


def near_borders(times: Sequence[float], span: Span) -> list[int]:
    """Which boxes of a track it takes to compare it with those of the segments around.

    The first and the last, and those near the borders of its own segment, `span`.
    """
    last = len(times) - 1
    early = bisect_right(times, span.start + LEAD)
    late = bisect_left(times, span.until - 2 * LEAD)
    return sorted({0, last, *range(early), *range(late, last + 1)})


def numbers(pieces: Iterable[Piece]) -> list[tuple[int, ...]]:
    """For each piece the numbers of its tracks: from 1, in order of appearance in the clip.

    Tracks that are joined have the same. Pieces come in order of time and are let go: no more than
    two of them, with all their boxes, are in memory at once.
    """
    found: list[tuple[int, ...]] = []
    since: list[float] = []  # when each comes into view
    before: Piece | None = None
    for piece in pieces:
        known = _known(before, found[-1], piece) if before else {}
        fresh = [at for at in range(len(piece.tracks)) if at not in known]
        known |= {at: len(since) + number for number, at in enumerate(fresh)}
        since += [piece.tracks[at].times[0] for at in fresh]
        found.append(tuple(known[at] for at in range(len(piece.tracks))))
        before = piece
    in_order = sorted(range(len(since)), key=since.__getitem__)
    number = {track: number for number, track in enumerate(in_order, 1)}
    return [tuple(number[track] for track in tracks) for tracks in found]


def _known(before: Piece, found: Sequence[int], piece: Piece) -> dict[int, int]:
    """Which tracks of a piece go on with one of the piece before."""
    start = max(piece.span.start - LEAD, before.span.start)
    if start >= before.span.until:  # a break in the recording, or a segment that failed
        return {}
    shared = Span(start, before.span.end)
    pairs = joining.join(before.tracks, piece.tracks, shared)
    return {later: found[earlier] for earlier, later in pairs}


def windows(rows: Sequence[Sequence[WindowScore]]) -> list[tuple[int, WindowScore]]:
    """The windows of a joined track in order of time, each with the number of its row, from 0.

    `rows` are those of its segments, in order of time. Where two have windows of the same stretch,
    those of the later one hold.
    """
    found: list[tuple[int, WindowScore]] = []
    until = inf
    for row in reversed(range(len(rows))):
        kept = [(row, each) for each in rows[row] if each.start < until - _ROUNDING]
        found = kept + found
        until = min([until, *(each.start for _, each in kept)])
    return found
