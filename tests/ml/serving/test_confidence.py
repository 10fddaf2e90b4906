"""A confidence is how often such a prediction was right, and is fitted so that it says so."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import EVEN, MakeModel
from tests.makers.datasets import entry
from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.evaluation import cross_validation, score_table
from video_classifier.ml.evaluation.calibration import fit_confidence
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.confidence import Confidence

STORAGE = Path(__file__).parents[3] / "models_storage"
SHIPPED = ("person_ensemble", "mobilenetv2_lstm", "conv3d")


# As a card has it


@pytest.mark.parametrize(("score", "share"), [(0.25, 0.25), (0.5, 0.5), (0.75, 0.75)])
def test_of_a_hint_it_is_the_share_of_thefts(score: float, share: float) -> None:
    assert EVEN.of(score, hint=True).value == pytest.approx(share)


def test_without_a_hint_it_is_the_share_of_ordinary_clips() -> None:
    found = EVEN.of(0.25, hint=False)

    assert found == pytest.approx((0.75, 0.6, 0.9))
    assert found.low < found.value < found.high


def test_between_two_scores_the_interval_lies_between_theirs() -> None:
    assert EVEN.of(0.5, hint=True) == pytest.approx((0.5, 0.3, 0.65))


@pytest.mark.parametrize(("score", "nearest"), [(0.0, 0.05), (0.01, 0.05), (0.99, 0.95), (1, 0.95)])
def test_scores_that_no_clip_got_are_read_at_the_nearest_that_one_got(
    score: float, nearest: float
) -> None:
    assert EVEN.of(score, hint=True) == EVEN.of(nearest, hint=True)


def test_the_interval_holds_the_share() -> None:
    skewed = replace(EVEN, low=(0.9,) * 4, high=(0.95,) * 4)

    assert skewed.of(0.5, hint=True) == pytest.approx((0.5, 0.5, 0.95))


@pytest.mark.parametrize("scores", [(), (0.5,), (0.0, 0.5), (0.5, 1.0), (0.5, 0.4), (0.5, 0.5)])
def test_scores_that_make_no_sense_are_refused(scores: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rise between 0 and 1"):
        replace(EVEN, scores=scores, low=scores, high=scores)


def test_each_score_has_its_interval() -> None:
    with pytest.raises(ValueError, match="one interval for each"):
        replace(EVEN, low=(0.1,))


def test_a_card_keeps_it(make_model: MakeModel) -> None:
    assert bundle.read_card(make_model(confidence=EVEN)).confidence == EVEN
    assert bundle.read_card(make_model("other")).confidence is None


# Fitted


def drawn(
    count: int, *, thefts: float, sharpness: float = 1.0
) -> tuple[Integers, Floats, list[str]]:
    """Clips with so many thefts; the logits of their scores are `sharpness` times too large."""
    random = np.random.default_rng(1)
    targets = (random.random(count) < thefts).astype(int)
    logits = random.normal(np.where(targets == 1, 1.0, -1.0), np.sqrt(2))  # of the log odds
    scores = 1 / (1 + np.exp(-logits * sharpness))
    return targets, scores, [str(number) for number in range(count)]


def fitted(targets: Integers, scores: Floats, groups: list[str]) -> Confidence:
    found = fit_confidence(targets, scores, groups)
    assert found is not None
    return found


@pytest.mark.parametrize("thefts", [0.5, 0.1])
@pytest.mark.parametrize("sharpness", [1.0, 3.0])
def test_it_is_the_share_in_an_equal_mix_whatever_the_mix_was(
    thefts: float, sharpness: float
) -> None:
    found = fitted(*drawn(1000, thefts=thefts, sharpness=sharpness))

    for logit in (-2.0, 0.0, 2.0):
        score = 1 / (1 + np.exp(-logit * sharpness))
        assert found.of(score, hint=True).value == pytest.approx(1 / (1 + np.exp(-logit)), abs=0.06)


def test_scores_that_tell_nothing_are_right_half_of_the_time() -> None:
    targets, _, groups = drawn(800, thefts=0.3)
    scores = np.random.default_rng(2).random(800)

    found = fitted(targets, scores, groups)

    for score in (0.1, 0.5, 0.9):
        share = found.of(score, hint=True)
        assert share.value == pytest.approx(0.5, abs=0.06)
        assert share.low <= 0.5 <= share.high


def test_few_people_with_many_clips_make_it_uncertain() -> None:
    targets, scores, alone = drawn(200, thefts=0.5)
    people = [str(int(target) * 4 + number % 4) for number, target in enumerate(targets)]

    one, other = (fitted(targets, scores, groups).of(0.9, hint=True) for groups in (alone, people))

    assert other.value == one.value
    assert other != one


def test_it_is_the_same_every_time() -> None:
    targets, scores, groups = drawn(60, thefts=0.5)

    assert fit_confidence(targets, scores, groups) == fit_confidence(targets, scores, groups)
    assert fit_confidence(targets, scores, groups, seed=1) != fit_confidence(
        targets, scores, groups
    )


def test_labels_that_scores_separate_leave_some_doubt() -> None:
    targets, scores = np.array([0] * 10 + [1] * 10), np.linspace(0.01, 0.99, 20)

    share = fitted(targets, scores, [str(number) for number in range(20)]).of(0.99, hint=True)

    assert 0.9 < share.value < 1
    assert share.low < share.value


@pytest.mark.parametrize(
    ("targets", "scores"), [([1, 1], [0.2, 0.8]), ([0, 0], [0.2, 0.8]), ([0, 1], [0.5, 0.5])]
)
def test_where_there_is_nothing_to_tell_apart_there_is_none(
    targets: list[int], scores: list[float]
) -> None:
    assert fit_confidence(np.array(targets), np.array(scores), ["a", "b"]) is None


# From a table of scores


def test_clips_from_collections_of_one_label_have_no_part(tmp_path: Path) -> None:
    both = [entry(number, shoplifter=number % 2 == 0, group=str(number)) for number in range(8)]
    street = [entry(9, shoplifter=False, group="9", source="street")]
    scores = np.array([0.9, 0.1, 0.6, 0.4, 0.3, 0.7, 0.8, 0.2])

    alone = cross_validation.out_of_fold_confidence(both, scores)

    assert cross_validation.out_of_fold_confidence(both + street, np.append(scores, 0.01)) == alone


@pytest.mark.parametrize("name", SHIPPED)
def test_the_cards_have_what_their_tables_of_scores_give(name: str) -> None:
    (table,) = score_table.read(STORAGE / name / "unseen.csv")

    assert bundle.read_card(STORAGE / name).confidence == cross_validation.out_of_fold_confidence(
        table.entries, table.scores
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_of_the_shipped_models_higher_scores_are_more_often_thefts(name: str) -> None:
    card = bundle.read_card(STORAGE / name)
    assert card.confidence is not None

    shares = [card.confidence.of(score, hint=True) for score in np.linspace(0, 1, 50)]

    assert all(one.value <= other.value for one, other in pairwise(shares))
    assert all(0 <= share.low <= share.value <= share.high <= 1 for share in shares)


def test_a_confidence_of_a_model_that_guesses_holds_half() -> None:
    card = bundle.read_card(STORAGE / "conv3d")
    assert card.confidence is not None

    share = card.confidence.of(card.threshold, hint=True)

    assert share.low <= 0.5 <= share.high
    assert share.value == pytest.approx(0.5, abs=0.1)
