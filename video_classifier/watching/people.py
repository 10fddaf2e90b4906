"""Who is in view of a camera: followed from stride to stride, until an event opens, and closes.

Tracks are joined as over the borders of segments, and candidates found by the rule of clips, in the
windows of the last minute. Times are seconds of the stretch.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from statistics import median
from uuid import UUID

import numpy as np
from PIL import Image as Still

from video_classifier.ml.contracts import (
    Box,
    EventCandidate,
    Image,
    Outcome,
    ScoredTrack,
    Span,
    Track,
    WindowScore,
)
from video_classifier.ml.serving import brightness, events, joining
from video_classifier.services.live_hints import Hint, Shown
from video_classifier.services.thresholds import Thresholds
from video_classifier.states import Closing
from video_classifier.watching import strides
from video_classifier.watching.strides import Polygon, Scored

LONGEST = 60.0  # seconds that an event may last
HORIZON = 50.0  # seconds of windows in which one may be found: it then has ten more
QUIET = 10.0  # seconds without a window after which an event has ended
PAUSE = 10.0  # seconds until somebody who stays may open another one
LEAST_WINDOWS = 5  # of a live candidate, if the model's k is not less
STRIP_WIDTH = 240  # pixels of the small pictures

_ROUNDING = 1e-6  # seconds by which times that are the same may differ
_SHIFT = 0.5  # seconds by which the same window may begin elsewhere in the next stride


@dataclass(slots=True, kw_only=True, eq=False)
class Happening:
    """An event while it happens."""

    start: float  # of the first window of its candidate, as it opened
    hint: Hint  # of its best moment so far
    until: float  # the end of its last window so far
    opened: float  # to which the stretch was looked at when it opened
    person: _Person
    judged_by: Thresholds  # those when it opened
    closing: Closing | None = None
    row: UUID | None = None  # of its live event, once that is written

    @property
    def is_hint(self) -> bool:
        """Or uncertain: it becomes a hint once its score is high enough."""
        return self.hint.score >= self.judged_by.high

    def close(self, why: Closing) -> None:
        """The hint stays; where the person was is known to the end by now."""
        self.closing = why
        self.hint = replace(self.hint, track=self.person.track)
        self.person.happening = None


@dataclass(slots=True, kw_only=True, eq=False)
class _Run:
    """A candidate while it lasts, whatever it scores; of an event as long as that is open."""

    person: _Person
    start: float
    until: float  # the end of its last window so far
    score: float | None = None  # as of its best moment; None: too few windows
    others: tuple[float, ...] = ()  # the same by each head in the shadow
    windows: list[WindowScore] = field(default_factory=list)  # for how they appear
    happening: Happening | None = None

    def is_over(self, now: float, people: Sequence[_Person]) -> bool:
        if self.happening is not None:
            return self.happening.closing is not None
        is_long = self.until - self.start >= LONGEST - _ROUNDING
        return is_long or self.person not in people or now - self.until >= QUIET - _ROUNDING

    @property
    def candidate(self) -> Candidate | None:
        """None if it had too few windows to be one."""
        if self.score is None:
            return None
        happening = self.happening
        boxes = zip(self.person.times, self.person.boxes, strict=True)
        heights = [box.bottom - box.top for at, box in boxes if self.start <= at <= self.until]
        look = brightness.of_windows(self.windows)
        return Candidate(
            start=happening.start if happening else self.start,
            end=max(happening.until, happening.start) if happening else self.until,
            score=happening.hint.score if happening else self.score,
            others=self.others,
            height=round(median(heights), 4) if heights else None,
            clothing=look.clothing,
            light=look.light,
            happening=happening,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One that is over, whatever it scored: by the rule of events, as if all were one."""

    start: float
    end: float
    score: float
    others: tuple[float, ...]  # by each head in the shadow, of the same windows
    height: float | None  # of the person, as a share of the picture's; None of whole pictures
    clothing: float | None  # as of a WindowScore, as medians
    light: float | None
    happening: Happening | None  # the event that it was


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Somebody in view just now, for people to look at."""

    track: Track
    score: float | None  # None: of them no window counts
    is_hint: bool  # an event of theirs is open, and is one


@dataclass(slots=True, kw_only=True, eq=False)
class _Person:
    """Somebody in view; or the whole pictures, which count as one."""

    last: Track | None = None  # as the last stride followed them
    times: list[float] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    windows: list[WindowScore] = field(default_factory=list)
    shown: Shown | None = None  # of the best window that isn't long ago
    since: float = -inf  # earlier windows belong to an event that has closed
    happening: Happening | None = None

    @property
    def track(self) -> Track | None:
        return Track(times=tuple(self.times), boxes=tuple(self.boxes)) if self.times else None

    def move(self, track: Track) -> None:
        """In what two strides share, the later one holds."""
        kept = bisect_left(self.times, track.times[0] - _ROUNDING)
        self.times[kept:], self.boxes[kept:] = track.times, track.boxes
        self.last = track

    def show(self, shown: Shown, *, not_before: float) -> None:
        """Keeps the better pictures."""
        if self.shown is None or self.shown.middle < not_before or shown.score > self.shown.score:
            self.shown = shown

    def picture_of(self, candidate: EventCandidate) -> Shown | None:
        """The pictures that are kept, if they are of it."""
        if self.shown and candidate.start <= self.shown.middle <= candidate.end:
            return self.shown
        return None

    def forget(self, before: float) -> None:
        """What is older, of boxes and windows, unless an event needs it."""
        if self.happening is not None:
            before = min(before, self.happening.start - _SHIFT)
        gone = bisect_left(self.times, before)
        del self.times[:gone], self.boxes[:gone]
        self.windows = [each for each in self.windows if each.start >= before]


class People:
    """Those in view in one stretch of a camera."""

    def __init__(self, *, best: int, thresholds: Thresholds, zones: Sequence[Polygon] = ()) -> None:
        """`best` is the k of the model's card.

        `thresholds` may be changed: an event that is open keeps those that it was opened by.
        """
        self._best, self.thresholds, self._zones = best, thresholds, zones
        self._least = min(best, LEAST_WINDOWS)
        self._people: list[_Person] = []
        self._open: list[Happening] = []
        self._runs: dict[_Person, _Run] = {}
        self._over: list[Candidate] = []
        self._until: float | None = None  # to which was looked

    @property
    def anybody(self) -> bool:
        """Whether somebody was in view at last."""
        return bool(self._people)

    @property
    def score(self) -> float | None:
        """The highest of those in view: of the candidate that each is in just now."""
        found = (self._candidate(each, len(each.windows)) for each in self._people)
        return max((candidate.score for candidate, _ in found if candidate), default=None)

    @property
    def views(self) -> list[View]:
        """Those whom the last stride followed; without any where whole pictures are scored."""
        return [
            View(
                track=each.last,
                score=candidate.score if candidate else None,
                is_hint=each.happening is not None and each.happening.is_hint,
            )
            for each in self._people
            if each.last is not None
            for candidate, _ in [self._candidate(each, len(each.windows))]
        ]

    def look(self, scored: Scored) -> list[Happening]:
        """Takes in a stride; returns the events that are open, and those that it has closed."""
        outcome = scored.outcome
        if outcome.tracks:
            self._people = self._joined(scored)
            strip = _strip(outcome)
            for person, found in zip(self._people, outcome.tracks, strict=True):
                windows = strides.outside(found.windows, found.track, self._zones)
                self._add(person, windows, _shown_of(found, scored, strip), scored)
        elif outcome.windows:
            self._people = self._people[:1] or [_Person()]
            self._add(self._people[0], outcome.windows, _shown_whole(scored), scored)
        else:
            self._people = []
        self._until = scored.until
        closed = self._closed(scored.until)
        self._end_runs(
            run for run in self._runs.values() if run.is_over(scored.until, self._people)
        )
        return closed

    def end(self) -> list[Happening]:
        """The stretch is over; returns the events that were open."""
        ended, self._open, self._people = self._open, [], []
        for each in ended:
            each.close(Closing.CUT_OFF)
        self._end_runs(self._runs.values())
        return ended

    def take_over(self) -> list[Candidate]:
        """Those that have ended since the last time."""
        taken, self._over = self._over, []
        return taken

    def _end_runs(self, ended: Iterable[_Run]) -> None:
        for run in list(ended):
            del self._runs[run.person]
            if (found := run.candidate) is not None:
                self._over.append(found)

    def _joined(self, scored: Scored) -> list[_Person]:
        """One for each track: who was in view before, or somebody new."""
        tracks = [_later(each.track, by=scored.start) for each in scored.outcome.tracks]
        before: dict[int, _Person] = {}
        if self._until is not None and scored.followed_from < self._until:
            known = [(each, each.last) for each in self._people if each.last is not None]
            shared = Span(scored.followed_from, self._until)
            for earlier, later in joining.join([last for _, last in known], tracks, shared):
                before[later] = known[earlier][0]
        found = [before.get(number) or _Person() for number in range(len(tracks))]
        for person, track in zip(found, tracks, strict=True):
            person.move(track)
        return found

    def _add(
        self, person: _Person, windows: Sequence[WindowScore], shown: Shown, scored: Scored
    ) -> None:
        person.show(shown, not_before=scored.until - HORIZON)
        person.forget(scored.until - LONGEST)
        if not windows:
            return
        by = scored.start
        fresh = [replace(each, start=each.start + by, end=each.end + by) for each in windows]
        kept = [each for each in person.windows if each.start < fresh[0].start - _ROUNDING]
        person.windows = kept + fresh
        for count in range(len(kept) + 1, len(person.windows) + 1):
            self._consider(person, count, shown, scored.until)

    def _consider(self, person: _Person, count: int, latest: Shown, now: float) -> None:
        """Opens an event, or lets it peak, as of the first `count` windows."""
        happening, last = person.happening, person.windows[count - 1]
        if happening is not None:
            if last.end > happening.start + LONGEST + _ROUNDING:
                return
            happening.until = max(happening.until, last.end)
        run = self._run(person, count)
        candidate, windows = self._candidate(person, count)
        if candidate is None or len(windows) < self._least:
            return
        hint = Hint(
            candidate=candidate,
            windows=windows,
            track=person.track,
            shown=person.picture_of(candidate) or latest,
        )
        if happening is None and candidate.score >= self.thresholds.least:
            person.happening = Happening(
                start=candidate.start,
                hint=hint,
                until=candidate.end,
                opened=now,
                person=person,
                judged_by=self.thresholds,
            )
            self._open.append(person.happening)
            if run is not None:
                run.happening = person.happening
        elif happening is not None and candidate.start < happening.start + QUIET:
            happening.hint = max(happening.hint, hint, key=lambda each: each.score)

    def _run(self, person: _Person, count: int) -> _Run | None:
        """The candidate that the last of the first `count` windows is in; None if it counts not.

        Unlike an event's its windows are never those of the one before: each moment counts once.
        """
        last = person.windows[count - 1]
        if last.start < person.since - _ROUNDING:
            return None
        run = self._runs.get(person)
        if run is not None and run.happening is None and self._ends(run, last):
            self._end_runs([run])
            run = None
        if run is None:
            run = self._runs[person] = _Run(person=person, start=last.start, until=last.end)
        run.until = max(run.until, last.end)
        run.windows.append(last)
        own = [each for each in person.windows[:count] if each.start >= run.start - _ROUNDING]
        if len(own) >= self._least:
            score = events.mean_of_best(np.array([each.score for each in own]), self._best)
            run.score = max(score, run.score or 0.0)
            run.others = self._others(own, run.others)
        return run

    def _others(
        self, windows: Sequence[WindowScore], before: tuple[float, ...]
    ) -> tuple[float, ...]:
        """The scores by the heads in the shadow, as of the best moment of each.

        Of a head that didn't score all of these windows there is none.
        """
        count = min(len(each.others) for each in windows)
        found = (
            events.mean_of_best(np.array([each.others[at] for each in windows]), self._best)
            for at in range(count)
        )
        return tuple(
            max(score, *before[at : at + 1]) if before[at : at + 1] else score
            for at, score in enumerate(found)
        )

    @staticmethod
    def _ends(run: _Run, last: WindowScore) -> bool:
        """Whether a window is no longer of it."""
        is_late = last.start - run.until >= QUIET - _ROUNDING
        return is_late or last.end > run.start + LONGEST + _ROUNDING

    def _candidate(
        self, person: _Person, count: int
    ) -> tuple[EventCandidate | None, tuple[WindowScore, ...]]:
        """The one that the last of the first `count` windows is in, and its windows."""
        if person.happening is not None:
            begin = person.happening.start - _SHIFT
        else:
            end = person.windows[count - 1].end if count else 0.0
            begin = max(person.since, end - HORIZON)
        counted = [each for each in person.windows[:count] if each.start >= begin - _ROUNDING]
        found = events.candidates(counted, best=self._best)
        if not found:
            return None, ()
        return found[-1], tuple(each for each in counted if each.start >= found[-1].start)

    def _closed(self, now: float) -> list[Happening]:
        """All that were open, of which some have just ended."""
        found = self._open
        for each in found:
            if now - each.start >= LONGEST - _ROUNDING:
                each.close(Closing.LONGEST)
                each.person.since = now + PAUSE
            # What opened late, as a busy machine looked late, is still to be seen by somebody.
            elif now - max(each.until, each.opened) >= QUIET - _ROUNDING:
                each.close(Closing.GONE)
                each.person.since = now
        self._open = [each for each in found if each.closing is None]
        return found


def _shown_of(found: ScoredTrack, scored: Scored, strip: tuple[Image, ...]) -> Shown:
    return Shown(
        score=max((each.score for each in found.windows), default=0.0),
        images=found.images,
        times=_seconds(found.times, scored),
        preview=found.preview,
        strip=strip,
        strip_times=_seconds(scored.outcome.sample.times, scored),
    )


def _shown_whole(scored: Scored) -> Shown:
    outcome = scored.outcome
    previews, times = outcome.sample.previews, _seconds(outcome.sample.times, scored)
    return Shown(
        score=max(each.score for each in outcome.windows),
        images=outcome.sample.images,
        times=times,
        preview=previews[len(previews) // 2] if previews else None,
        strip=_strip(outcome),
        strip_times=times,
    )


def _strip(outcome: Outcome) -> tuple[Image, ...]:
    """The whole pictures of a stride, small: they wait in memory for an event."""
    return tuple(map(_small, outcome.sample.previews))


def _small(image: Image) -> Image:
    height, width = image.shape[:2]
    if width <= STRIP_WIDTH:
        return image
    size = STRIP_WIDTH, max(1, round(height * STRIP_WIDTH / width))
    return np.asarray(Still.fromarray(image).resize(size))


def _seconds(times: Sequence[float], scored: Scored) -> tuple[float, ...]:
    """Of the stretch, where those of the file are given."""
    return tuple(time + scored.start for time in times)


def _later(track: Track, *, by: float) -> Track:
    return replace(track, times=tuple(time + by for time in track.times))
