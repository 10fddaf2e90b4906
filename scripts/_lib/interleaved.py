"""Times two ways from a clip to a prediction, interleaved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from video_classifier.ml.contracts import Outcome

Timings = dict[str, float]  # seconds by part, such as "decode"
Way = Callable[[Path], Timings]  # analyzes a clip once


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The timings of one way, and of another, which is expected to take longer."""

    names: tuple[str, str]
    one: Timings
    other: Timings
    facts: Mapping[str, object] = field(default_factory=dict)  # to be reported with the timings

    @property
    def ratios(self) -> Timings:
        """The other's timings divided by the one's, for the parts that both have."""
        return {part: self.other[part] / self.one[part] for part in self.other if part in self.one}

    @property
    def report(self) -> dict[str, object]:
        """All of it, ready for JSON."""
        timings = zip(self.names, (self.one, self.other), strict=True)
        return {**self.facts, **dict(timings), "ratio": self.ratios}


def measure(
    ways: tuple[Way, Way], clips: Sequence[Path], runs: int, advance: Callable[[], None]
) -> tuple[Timings, Timings]:
    """The medians of each way. Interleaved, as other load then slows down both."""
    pairs = []
    for _ in range(runs):
        pairs += [(ways[0](clip), ways[1](clip)) for clip in clips]
        advance()
    one, other = zip(*pairs, strict=True)
    return medians(one), medians(other)


def timings_of(outcome: Outcome) -> Timings:
    """Of an analysis, in seconds. Finding people is done while decoding, and counts as that."""
    decode = outcome.seconds_reading + outcome.seconds_finding
    inference = outcome.seconds_classifying
    return {"decode": decode, "inference": inference, "whole": decode + inference}


def medians(rows: Sequence[Timings]) -> Timings:
    """Of each part, over all rows."""
    return {part: median(row[part] for row in rows) for part in rows[0]}
