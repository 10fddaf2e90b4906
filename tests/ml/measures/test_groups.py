"""Groups by how somebody appears, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from video_classifier.ml.measures import groups
from video_classifier.ml.measures.errors import MeasureError

VALUES = np.arange(8) / 10
SCORES = np.array([0.1, 0.3, 0.2, 0.2, 0.5, 0.7, 0.9, 0.9])
HINTS = SCORES > 0.6
PEOPLE = list("abababab")


def test_quarters_are_in_order_of_the_value() -> None:
    found = groups.by_quarter(VALUES, SCORES, HINTS, PEOPLE)

    assert [group.hints.count for group in found.groups] == [0, 0, 1, 2]
    assert [group.score for group in found.groups] == pytest.approx([0.2, 0.2, 0.6, 0.9])
    assert (found.groups[0].first, found.groups[0].last) == (0, 0.1)
    assert found.unmeasured == 0


def test_what_is_not_measured_is_counted_and_in_no_group() -> None:
    values = np.where(VALUES > 0.55, np.nan, VALUES)

    found = groups.by_quarter(values, SCORES, HINTS, PEOPLE)

    assert found.unmeasured == 2
    assert sum(group.hints.of for group in found.groups) == 6


def test_equal_values_are_of_one_group() -> None:
    found = groups.by_quarter(np.zeros(8), SCORES, HINTS, PEOPLE)

    assert [group.hints.of for group in found.groups] == [8, 0, 0, 0]
    assert found.groups[3].score is None


def test_others_are_grouped_by_the_same_values() -> None:
    borders = groups.quartiles(VALUES)

    found = groups.by_quarter([0.65], [0.9], [True], ["c"], borders=borders)

    assert [group.hints.of for group in found.groups] == [0, 0, 0, 1]


def test_one_person_gives_no_interval_of_a_mean() -> None:
    alone = groups.by_quarter(VALUES, SCORES, HINTS, ["a"] * 8).groups[0]
    two = groups.by_quarter(VALUES, SCORES, HINTS, PEOPLE).groups[0]

    assert alone.score_low is None
    assert (two.score_low, two.score_high) == pytest.approx((0.1, 0.3))


def test_a_day_has_four_parts() -> None:
    found = groups.by_part_of_day([0, 5.9, 6, 12, 23.5, np.nan], [0.5] * 6, [False] * 6, "abcdef")

    assert [group.hints.of for group in found.groups] == [2, 1, 1, 1]
    assert found.unmeasured == 1


def test_nothing_is_in_no_group() -> None:
    found = groups.by_quarter([], [], [], [])

    assert [group.hints.of for group in found.groups] == [0] * 4


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(MeasureError):
        groups.by_quarter([0.1], [0.1, 0.2], [True], ["a"])
    with pytest.raises(MeasureError):
        groups.by_part_of_day([24], [0.1], [True], ["a"])
