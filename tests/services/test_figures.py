"""What follows from counts of hints and answers."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from video_classifier.services.figures import Figures, proportion, total


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (3, 10), (10, 10), (700, 1000)])
def test_the_interval_is_wilsons(successes: int, trials: int) -> None:
    found = proportion(successes, trials)

    expected = binomtest(successes, trials).proportion_ci(method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_nothing_has_no_proportion() -> None:
    assert proportion(0, 0) is None


def test_precision_is_of_those_on_which_people_agree() -> None:
    found = Figures(confirmed=3, false_alarms=1, unsure=10, disputed=10, unanswered=10).precision

    assert found is not None
    assert found.value == 0.75


def test_without_an_answer_there_is_no_precision_and_no_wait() -> None:
    found = Figures(clips=5, unanswered=2)

    assert (found.precision, found.wait, found.hints) == (None, None, 2)


def test_verdicts_are_counted_and_an_unknown_one_is_no_answer() -> None:
    found = Figures()

    for verdict in ("confirmed", "confirmed", "false_alarm", "unsure", "disputed", "", "new"):
        found.count(verdict, 1)

    assert (found.confirmed, found.false_alarms, found.unsure, found.disputed) == (2, 1, 1, 1)
    assert found.unanswered == 2


def test_parts_are_summed_and_waits_have_one_median() -> None:
    parts = [Figures(clips=1, seconds=2.0, waits=[1.0, 100.0]), Figures(missed=1, waits=[3.0])]

    found = total(parts)

    assert (found.clips, found.seconds, found.missed, found.wait) == (1, 2.0, 1, 3.0)
    assert total([]).is_empty
