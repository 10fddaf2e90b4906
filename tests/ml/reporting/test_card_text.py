"""A card's limits fit the network's windows."""

from __future__ import annotations

import pytest

from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.reporting import card_text


@pytest.mark.parametrize(
    ("spec", "limit"),
    [
        (
            ClipSpec(frames=16, view=Region.PERSON, rate=8.0),
            "It looks at 2 s at a time, again every 1 s: what takes longer it sees in pieces.",
        ),
        (
            ClipSpec(frames=12, view=Region.PERSON),
            "It looks at 12 moments of each track: what happens between them it can't see. "
            "Cut long recordings to the visit in question.",
        ),
        (
            ClipSpec(frames=16),
            "It looks at 16 moments of a clip, or of each 10 s of one that is longer than 60 s: "
            "what happens between them it can't see.",
        ),
    ],
    ids=["with a rate", "spread over a track", "whole frames"],
)
def test_limits_say_what_a_network_misses(spec: ClipSpec, limit: str) -> None:
    limits = card_text.limits(spec)

    assert limit in limits
    assert sum("It looks at" in each for each in limits) == 1
