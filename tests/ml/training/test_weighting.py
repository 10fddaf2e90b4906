"""Labels and sources count by their weights, not by how many clips they have."""

from __future__ import annotations

import pytest

from tests.makers.datasets import entry
from video_classifier.ml.training.weighting import of_people, sample_weights


def test_labels_weigh_the_same_whatever_their_number() -> None:
    entries = [entry(number, shoplifter=number < 2, group=str(number)) for number in range(10)]

    weights = sample_weights(entries, out_of_domain=0.2)

    assert weights.mean() == pytest.approx(1)
    assert weights[:2].sum() == pytest.approx(weights[2:].sum())


def test_a_large_source_does_not_drown_a_small_one() -> None:
    entries = [entry(0, shoplifter=True, group="a")]
    entries += [entry(number, shoplifter=False, group="b") for number in range(1, 3)]
    entries += [
        entry(number, shoplifter=False, group="c", source="street") for number in range(3, 93)
    ]

    weights = sample_weights(entries, out_of_domain=0.2)

    assert weights[3:].sum() / weights[1:].sum() == pytest.approx(0.2)
    assert weights[:1].sum() == pytest.approx(weights[1:].sum())


def test_each_person_counts_as_much_as_any_other() -> None:
    entries = [entry(number, shoplifter=True, group="often") for number in range(8)]
    entries += [entry(8, shoplifter=True, group="once")]
    entries += [entry(9, shoplifter=False, group=group) for group in ("often", "once")]

    weights = of_people(entries, one_label=0.25, out_of_domain=0.2)

    assert weights.mean() == pytest.approx(1)
    assert weights[:8].sum() == pytest.approx(weights[8])
    assert weights[:9].sum() == pytest.approx(weights[9:].sum())


@pytest.mark.parametrize("one_label", [0.25, 0.0])
def test_somebody_with_one_label_counts_less(one_label: float) -> None:
    entries = [
        entry(0, shoplifter=True, group="both"),
        entry(1, shoplifter=False, group="both"),
        entry(2, shoplifter=True, group="thefts only"),
    ]

    weights = of_people(entries, one_label=one_label, out_of_domain=0.2)

    assert weights[2] == pytest.approx(one_label * weights[0])
    assert weights[0] + weights[2] == pytest.approx(weights[1])


def test_where_nobody_has_both_labels_all_people_count() -> None:
    entries = [entry(number, shoplifter=number < 2, group=str(number)) for number in range(4)]

    weights = of_people(entries, one_label=0.0, out_of_domain=0.2)

    assert weights.tolist() == pytest.approx([1, 1, 1, 1])


def test_clips_of_people_from_elsewhere_get_no_more_than_their_share() -> None:
    entries = [entry(0, shoplifter=True, group="a"), entry(1, shoplifter=False, group="a")]
    entries += [
        entry(number, shoplifter=False, group=str(number), source="street")
        for number in range(2, 32)
    ]

    weights = of_people(entries, one_label=0.25, out_of_domain=0.2)

    assert weights[2:].sum() / weights[1:].sum() == pytest.approx(0.2)
    assert weights[0] == pytest.approx(weights[1:].sum())
