"""Times two ways to come from a clip to a prediction, by turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from video_classifier.ml.contracts import Outcome

Figures = dict[str, float]  # by the names of the parts, such as "decode"
Way = Callable[[Path], Figures]  # goes it once


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The figures of one way, and of the other, which is expected to take longer."""

    names: tuple[str, str]
    one: Figures
    other: Figures
    facts: Mapping[str, object] = field(default_factory=dict)  # to be told with the figures

    @property
    def ratios(self) -> Figures:
        """How many times as much the other takes, of what both have."""
        return {part: self.other[part] / self.one[part] for part in self.other if part in self.one}

    @property
    def report(self) -> dict[str, object]:
        """All of it, ready for JSON."""
        figures = zip(self.names, (self.one, self.other), strict=True)
        return {**self.facts, **dict(figures), "ratio": self.ratios}


def by_turns(
    ways: tuple[Way, Way], clips: Sequence[Path], runs: int, tick: Callable[[], None]
) -> tuple[Figures, Figures]:
    """The medians of each way; in turns, as whatever else the machine does slows down both."""
    taken = []
    for _ in range(runs):
        taken += [(ways[0](clip), ways[1](clip)) for clip in clips]
        tick()
    one, other = zip(*taken, strict=True)
    return _medians(one), _medians(other)


def parts(outcome: Outcome) -> Figures:
    """What an analysis took. Decoding includes what is done meanwhile, such as finding persons."""
    decode = outcome.seconds_reading + outcome.seconds_finding
    inference = outcome.seconds_classifying
    return {"decode": decode, "inference": inference, "whole": decode + inference}


def _medians(rows: Sequence[Figures]) -> Figures:
    return {part: median(row[part] for row in rows) for part in rows[0]}
