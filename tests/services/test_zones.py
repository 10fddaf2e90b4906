"""Zones that are ignored, as somebody types them."""

from __future__ import annotations

import pytest

from video_classifier.services import zones
from video_classifier.services.errors import Refused


def ring(points: int) -> str:
    """As many points as asked for, around a square."""
    upper = [f"{100 * each / points:.4f},10" for each in range(points - 2)]
    return " ".join([*upper, "99,90", "0,90"])


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", []),
        ("\n  \n", []),
        ("0,0 25,0 25,40 0,40", [[[0, 0], [0.25, 0], [0.25, 0.4], [0, 0.4]]]),
        ("0,0; 100,0; 50.5,100", [[[0, 0], [1, 0], [0.505, 1]]]),
        ("0,0 9,0 9,9\n\n0,0 1,0 1,1\n", [[[0, 0], [k, 0], [k, k]] for k in (0.09, 0.01)]),
        ("0,0 1e1,0 1e1,10", [[[0, 0], [0.1, 0], [0.1, 0.1]]]),
    ],
)
def test_a_zone_is_a_line_of_points(text: str, read: object) -> None:
    assert zones.read(text) == read


def test_what_is_kept_can_be_typed_again() -> None:
    kept = zones.read("0,0 25.55,0 25,40.1 0,40\n1,1 2,1 2,2")

    assert zones.written(kept) == "0,0 25.55,0 25,40.1 0,40\n1,1 2,1 2,2"
    assert zones.read(zones.written(kept)) == kept


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("50,50", zones.TOO_FEW_POINTS),
        ("0,0 50,50", zones.TOO_FEW_POINTS),
        (ring(101), zones.TOO_MANY_POINTS),
        (ring(5000), zones.TOO_MANY_POINTS),
        ("0,0 25,0 x,40", zones.NO_NUMBERS),
        ("0,0 25,0 40", zones.NO_NUMBERS),
        ("0,0 25,0 1,2,3", zones.NO_NUMBERS),
        ("0,0 25,0 nan,40", zones.NO_NUMBERS),
        ("0,0 25,0 inf,40", zones.NO_NUMBERS),
        ("0,0 25,0 1e999,40", zones.NO_NUMBERS),
        ("0,0 25,0 100.1,40", zones.OUTSIDE),
        ("0,0 25,0 25,-1", zones.OUTSIDE),
        ("0,0 25,0 1e300,40", zones.OUTSIDE),
        ("0,0 50,50 100,100", zones.NO_AREA),
        ("50,50 50,50 50,50", zones.NO_AREA),
        ("0,0 0.1,0 0,0.1", zones.NO_AREA),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_zone_is_refused_with_its_number(text: str, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        zones.read(f"0,0 25,0 25,40\n{text}")

    assert str(caught.value) == sentence.format(number=2)


def test_a_hundred_points_and_twenty_zones_are_the_most() -> None:
    assert len(zones.read("\n".join([ring(100)] * 20))) == 20

    with pytest.raises(Refused, match="too many zones: there may be 20"):
        zones.read("\n".join([ring(3)] * 21))
