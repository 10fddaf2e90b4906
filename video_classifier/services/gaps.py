"""What of a recording has no scores, and why: segments that failed or show nothing, and breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from video_classifier.ml.serving import no_result
from video_classifier.models import Analysis, Segment
from video_classifier.states import Status

NOT_RECORDED = "Nothing was recorded."
CANCELLED = "The analysis was cancelled before."

_BREAK = 1.0  # seconds between two segments from which on nothing was recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch of the clip without scores. Times are seconds since its first picture."""

    start: float
    end: float
    reason: str  # a sentence

    @property
    def is_break(self) -> bool:
        """Whether there was nothing to be looked at."""
        return self.reason == NOT_RECORDED

    @property
    def length(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What of a recording was looked at."""

    segments: int
    length: float  # of the clip, in seconds
    gaps: tuple[Gap, ...]  # in order of time
    nobody: float  # seconds in which nobody was found, which is no gap

    @property
    def is_long(self) -> bool:
        """Whether it was analyzed in several segments."""
        return self.segments > 1

    @property
    def recorded(self) -> float:
        return self.length - sum(gap.length for gap in self.gaps if gap.is_break)

    @property
    def missing(self) -> list[Gap]:
        """What was recorded, and not looked at."""
        return [gap for gap in self.gaps if not gap.is_break]

    @property
    def has_nobody(self) -> bool:
        """Whether nobody was found in all that was looked at."""
        looked_at = self.recorded - sum(gap.length for gap in self.missing)
        return self.nobody > 0 and self.nobody >= looked_at - _BREAK


def of(analysis: Analysis) -> Coverage:
    """Asks the database once."""
    fields = ("analysis_id", "number", "start", "end", "status", "score", "reason", "error")
    segments = list(analysis.segments.order_by("number").only(*fields))
    ends = (each.end for each in segments if each.end is not None)
    length = max(analysis.clip.duration, *ends, 0.0)
    empty = (each for each in segments if _found_nobody(each))
    return Coverage(
        segments=len(segments),
        length=length,
        gaps=tuple(sorted(_gaps(segments, length), key=lambda gap: gap.start)),
        nobody=sum(_end(each, length) - each.start for each in empty),
    )


def _found_nobody(segment: Segment) -> bool:
    return segment.status == Status.DONE and segment.reason == no_result.NOBODY


def _end(segment: Segment, length: float) -> float:
    return length if segment.end is None else segment.end


def _gaps(segments: Sequence[Segment], length: float) -> Iterator[Gap]:
    yield from _breaks(segments)
    if len(segments) > 1:
        for reason, group in groupby(segments, key=_why_not):
            if reason:
                of_it = list(group)
                end = _end(of_it[-1], length)
                yield Gap(start=of_it[0].start, end=end, reason=reason)


def _breaks(segments: Iterable[Segment]) -> Iterator[Gap]:
    for before, after in pairwise(segments):
        if before.end is not None and after.start - before.end > _BREAK:
            yield Gap(start=before.end, end=after.start, reason=NOT_RECORDED)


def _why_not(segment: Segment) -> str:
    """Why a segment has no scores; "" where it has, or where nobody was found."""
    if segment.status == Status.DONE:
        return "" if _found_nobody(segment) else segment.reason
    return segment.error or CANCELLED
