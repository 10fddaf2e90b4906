"""Where a long recording is cut, so that it is analyzed piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from video_classifier.ml.contracts import Span
from video_classifier.ml.video.timeline import Timeline

MAX_SECONDS = 90.0  # recorded, of a clip that is analyzed in one piece
PIECE_SECONDS = 60.0  # recorded, of a piece of a longer one
MIN_SECONDS = 30.0  # of the last piece before the end or a pause; less belongs to the one before
MAX_PAUSE = 60.0  # seconds within a piece: after a longer pause another begins


def spans(shown: Timeline | None) -> tuple[tuple[float, float], ...]:
    """Start and end of each piece in seconds of the clip; none if it is analyzed in one.

    That is a short clip, and one whose packets don't say when its pictures are shown. Pieces begin
    every minute that was recorded, and after long pauses; where a picture comes less often than
    once a second, they are longer, so that there are never more of them than pictures.
    """
    if shown is None or shown.length <= MAX_SECONDS:
        return ()
    scale = max(1, ceil(shown.interval))
    found = tuple(
        piece
        for part in _between_pauses(shown, least=scale * MIN_SECONDS)
        for piece in shown.stretches(
            each=scale * PIECE_SECONDS, least=scale * MIN_SECONDS, span=part
        )
    )
    return found if len(found) > 1 else ()


def _between_pauses(shown: Timeline, *, least: float) -> Iterator[Span]:
    """Parts of a recording between its long pauses, each with `least` seconds recorded."""
    start, recorded = 0.0, 0.0
    for gap in shown.gaps(least=MAX_PAUSE):
        if min(gap.recorded - recorded, shown.length - gap.recorded) >= least:
            yield Span(start, gap.start)
            start, recorded = gap.end, gap.recorded
    yield Span(start)
