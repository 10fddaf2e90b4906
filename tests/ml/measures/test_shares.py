"""Shares of thefts, with intervals that know how few people they are of."""

from __future__ import annotations

import pytest

from video_classifier.ml.measures.errors import MeasureError
from video_classifier.ml.measures.shares import share


def test_a_share_says_of_how_many_people_it_is() -> None:
    found = share([True, True, False, True], ["Ada", "Ada", "Bob", "Cy"])

    assert found.value == 3 / 4
    assert found.sentence == "3 of 4 (75 %; 95 %: 0 to 100 %), 3 people"


def test_people_who_differ_widen_the_interval() -> None:
    flags = [True] * 20 + [False] * 20

    by_two = share(flags, ["Ada"] * 20 + ["Bob"] * 20)
    by_all = share(flags, range(40))

    assert by_two.low == 0
    assert by_two.high == 1
    assert by_all.low == pytest.approx(0.35, abs=0.02)


def test_what_never_happened_is_not_known_never_to_happen() -> None:
    found = share([False] * 20, ["Ada"] * 20)

    assert found.low == 0
    assert found.high == pytest.approx(0.161, abs=0.001)  # Wilson's


def test_of_nothing_nothing_is_known() -> None:
    found = share([], [])

    assert found.value is None
    assert str(found) == "not known"


def test_each_clip_has_a_person() -> None:
    with pytest.raises(MeasureError):
        share([True], [])
