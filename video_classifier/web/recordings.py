"""What the result of a long recording comes to, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from video_classifier.models import Analysis
from video_classifier.services.conclusions import Stretch
from video_classifier.services.gaps import Coverage
from video_classifier.states import Prediction
from video_classifier.web.events import Marked, strongest
from video_classifier.web.results import ScoreReading, reading
from video_classifier.web.times import from_to, in_words

MOST_WARNINGS = 5  # that are shown at once


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSummary:
    """Of an analysis of one segment or several; only of several it says more than the analysis."""

    analysis: Analysis
    coverage: Coverage
    events: Sequence[Marked]

    @property
    def is_long(self) -> bool:
        return self.coverage.is_long

    @property
    def length(self) -> str:
        return in_words(self.coverage.recorded)

    @property
    def found(self) -> str:
        """How many events in how many hours."""
        count = len(self.events)
        events = "No event" if not count else "1 event" if count == 1 else f"{count} events"
        return f"{events} in {self.length} of recording."

    @property
    def strongest(self) -> Marked | None:
        return strongest(self.events)

    @property
    def strongest_reading(self) -> ScoreReading | None:
        best = self.strongest
        return reading(best.score, self.analysis.threshold, self.analysis.low) if best else None

    @property
    def strongest_times(self) -> str:
        best = self.strongest
        return from_to(best.start, best.end) if best else ""

    @property
    def nobody(self) -> str:
        """In how much of it nobody was found; "" if somebody was all the time."""
        if not self.coverage.nobody:
            return ""
        if self.coverage.has_nobody:
            return f"Nobody was found in {in_words(self.coverage.nobody)} of recording."
        return f"In {in_words(self.coverage.nobody)} of it nobody was found."

    @property
    def missing(self) -> str:
        """What was not looked at; "" if nothing is missing."""
        gaps = self.coverage.missing
        if not gaps:
            return ""
        length = in_words(sum(gap.length for gap in gaps))
        where = "in one stretch" if len(gaps) == 1 else f"in {len(gaps)} stretches"
        return f"{length} of it, {where}: what happens there is not known."

    @property
    def heading(self) -> str:
        """Of a recording without a result."""
        is_empty = self.is_long and self.coverage.has_nobody
        return "No result: nobody was found" if is_empty else "No result"

    @property
    def first_warnings(self) -> list[str]:
        return self._warnings[:MOST_WARNINGS]

    @property
    def more_warnings(self) -> list[str]:
        return self._warnings[MOST_WARNINGS:]

    @property
    def _warnings(self) -> list[str]:
        """Without those on stretches that are listed below the curve, with the same reasons."""
        listed = set(map(str, self._listed()))
        return [each for each in self.analysis.warnings if each not in listed]

    def _listed(self) -> Iterator[Stretch]:
        if self.analysis.threshold is None:  # there is no curve
            return
        for gap in self.coverage.missing:
            ends = (gap.end, None) if gap.end >= self.coverage.length else (gap.end,)
            for end in ends:
                yield Stretch(start=gap.start, end=end, reason=gap.reason)

    @property
    def no_curve(self) -> str:
        """Why there is no score curve; "" where there is one, or there never was."""
        if not self.is_long or self.analysis.prediction != Prediction.NO_RESULT:
            return ""
        found = "Nobody was found" if self.coverage.has_nobody else "There was nothing to judge"
        return f"{found}, so nothing was scored and there is no curve."

    @property
    def says_no_event(self) -> bool:
        """Whether the list of events is empty, and known to be: older hints have no list."""
        return not self.events and self.analysis.prediction == Prediction.NO_HINT
