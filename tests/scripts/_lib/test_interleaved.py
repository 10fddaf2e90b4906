"""Ways are timed by turns, and a ratio is of what both have."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts._lib import interleaved
from scripts._lib.interleaved import Comparison, Timings

CLIPS = [Path("a.mp4"), Path("b.mp4")]


def test_ways_take_turns_on_each_clip() -> None:
    gone: list[str] = []

    def way(name: str) -> interleaved.Way:
        def go(clip: Path) -> Timings:
            gone.append(f"{name} {clip.stem}")
            return {"whole": float(len(gone))}

        return go

    one, other = interleaved.measure((way("one"), way("other")), CLIPS, 2, lambda: None)

    assert gone == ["one a", "other a", "one b", "other b"] * 2
    assert (one, other) == ({"whole": 4.0}, {"whole": 5.0})


def test_a_ratio_says_how_many_times_as_much_the_other_takes() -> None:
    both = Comparison(
        names=("frame", "persons"),
        one={"decode": 0.2, "whole": 0.4},
        other={"decode": 0.2, "detect": 0.6, "whole": 1.0},
        facts={"beside": "lstm"},
    )

    assert both.ratios == pytest.approx({"decode": 1.0, "whole": 2.5})
    assert both.report == {
        "beside": "lstm",
        "frame": both.one,
        "persons": both.other,
        "ratio": both.ratios,
    }
