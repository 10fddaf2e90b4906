"""Warnings for the uploader, in sentences: what of a clip is missing or in doubt."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction

from video_classifier.ml.video import timeline
from video_classifier.ml.video.packets import Packets
from video_classifier.ml.video.source import Source
from video_classifier.ml.video.timeline import Pause, Timeline

_MAX_NAMED = 3  # pauses, one by one
_UNITS = (("year", 31_557_600), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


def of(shown: Timeline, clip: Source) -> Iterator[str]:
    """Sentences on further videos in the file, lost or damaged pictures, and pauses.

    `shown` are the pictures that could be decoded of a clip or a span of one.
    """
    known = clip.known
    if known.videos > 1:
        yield (
            f"The file holds {known.videos} videos; only the first was analyzed. Export each "
            "camera on its own."
        )
    if known.reckoned_rate:
        yield (
            f"The file has no time stamps; times are reckoned at {known.reckoned_rate:g} frames a "
            "second."
        )
    least = max(0.5, 2 * shown.length / len(shown.ticks))  # what an intact file may lack
    sent = known.sent
    if sent is None or shown.ticks[-1] > sent.end:  # the clock was set back: nothing to compare
        sent = shown
    late = float(sent.recorded(shown.ticks[0]))
    early = sent.length - float(sent.recorded(shown.end))
    lost = timeline.seconds_lost(sent, shown, least=least)
    if clip.is_whole:
        yield from _of_losses(shown, late, early + known.missing, lost, least=least)
    else:
        yield from _of_losses_in_span(clip, shown, late, early, lost, least=least)
    if doubtful := _seconds_in_doubt(known, shown):
        yield (
            "Pictures that others build on were lost on their way into the file: about "
            f"{max(doubtful, 0.1):.1f} s of the clip may look damaged."
        )
    yield from _of_pauses(tuple(shown.pauses(sent)) if clip.pauses is None else clip.pauses)


def _of_losses(
    shown: Timeline, late: float, early: float, lost: float, *, least: float
) -> Iterator[str]:
    if late > least:
        yield f"The first {late:.1f} s of the clip could not be read; times count from there."
    elif early > least:
        whole = shown.length + early
        yield f"Only the first {shown.length:.1f} s of {whole:.1f} s could be read."
    if lost:
        yield f"{lost:.1f} s within the clip are damaged and could not be read."


def _of_losses_in_span(  # noqa: PLR0913
    clip: Source, shown: Timeline, late: float, early: float, lost: float, *, least: float
) -> Iterator[str]:
    """A span's pictures keep their times, whatever is lost."""
    if late > least and not shown.since:  # no keyframe comes before the clip's first picture
        yield f"The first {late:.1f} s of the clip could not be read; times count from there."
        late = 0.0
    if damaged := sum(seconds for seconds in (late, early, lost) if seconds > least):
        end = shown.clock_end if clip.span.end is None else clip.span.end
        yield (
            f"{damaged:.1f} s between {_clock(clip.span.start)} and {_clock(end)} are damaged and "
            "could not be read."
        )
    if clip.known.missing > least:
        yield f"{clip.known.missing:.1f} s at the end of the recording could not be read."


def _seconds_in_doubt(known: Packets, shown: Timeline) -> float:
    """Seconds on screen of pictures between a lost reference and the next keyframe."""
    seconds = Fraction()
    for doubtful in known.doubtful:
        first = bisect_left(shown.ticks, doubtful.start)
        last = bisect_left(shown.ticks, doubtful.stop)
        if first < last:  # else they are known to be damaged, and left out
            end = shown.ticks[last] if last < len(shown.ticks) else shown.end
            seconds += shown.recorded(end) - shown.recorded(shown.ticks[first])
    return float(seconds)


def _of_pauses(pauses: Sequence[Pause]) -> Iterator[str]:
    for pause in pauses[:_MAX_NAMED]:
        if pause.is_jump:
            yield (
                f"The recorder's clock jumps forward by {_long(pause.seconds)} after "
                f"{_clock(pause.after)}, or nothing was recorded for so long; times go on as if "
                f"{timeline.AFTER_JUMP} s had passed."
            )
        else:
            yield (
                f"The recording pauses for {_long(pause.seconds)} after {_clock(pause.after)}; "
                "nothing can be said of that time."
            )
    if further := pauses[_MAX_NAMED:]:
        total = _long(sum(pause.seconds for pause in further))
        times = "once more" if len(further) == 1 else f"{len(further)} more times"
        yield f"After that the recording pauses {times}, for {total} altogether."


def _long(seconds: float) -> str:
    """In the largest unit of which there are at least two, or one with next to no remainder."""
    for unit, size in _UNITS:
        count = round(seconds / size)
        if count > 1 or (count == 1 and abs(seconds - size) < size / 20):
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds:.1f} seconds"


def _clock(seconds: float) -> str:
    """As pages show times: 0:03.2."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes}:{rest / 10:04.1f}"
    return f"{hours}:{minutes:02d}:{rest / 10:04.1f}" if hours else clock
