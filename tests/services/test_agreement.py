"""How far people agree, and how often the model misses what they see."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.conftest import MakeAnalysis, MakeUser
from tests.makers.events import make_result_event
from video_classifier.models import Clip, Event, Review
from video_classifier.services import agreement, reviews
from video_classifier.states import Answer, Status

YES, NO, UNSURE = Answer.CONFIRMED, Answer.FALSE_ALARM, Answer.UNSURE


@pytest.fixture
def event(make_analysis: MakeAnalysis) -> Event:
    return make_result_event(make_analysis(status=Status.DONE))


@pytest.fixture
def dana(make_user: MakeUser) -> User:
    return make_user("dana")


def say(event: Event, by: User, answer: Answer) -> Review:
    return reviews.answer(event, event.analysis.clip, by, answer=answer)


# The figures


def test_cohens_kappa() -> None:
    """The example of most textbooks: 50 grants, two readers."""
    pairs = [(YES, YES)] * 20 + [(YES, NO)] * 5 + [(NO, YES)] * 10 + [(NO, NO)] * 15

    found = agreement.kappa(pairs)

    assert found is not None
    assert found.value == pytest.approx(0.4)
    assert (found.pairs, found.agreed) == (50, 35)
    assert found.low == pytest.approx(0.125, abs=0.001)
    assert found.high == pytest.approx(0.618, abs=0.001)


def test_who_always_disagrees_is_below_chance() -> None:
    found = agreement.kappa([(YES, NO), (NO, YES)])

    assert found is not None
    assert (found.value, found.low) == (-1.0, -1.0)


def test_few_pairs_that_agree_prove_little() -> None:
    found = agreement.kappa([(YES, YES), (NO, NO)])

    assert found is not None
    assert found.value == 1.0
    assert found.low < 0


@pytest.mark.parametrize("pairs", [[], [(YES, YES)] * 9])
def test_where_there_is_nothing_to_tell_there_is_no_figure(pairs: list[agreement.Pair]) -> None:
    assert agreement.kappa(pairs) is None


# What is counted


def test_pairs_are_of_two_people(event: Event, user: User, dana: User, make_user: MakeUser) -> None:
    say(event, user, YES)
    say(event, user, NO)  # not another person
    assert agreement.pairs(Review.objects.all()) == []

    say(event, dana, NO)
    say(event, make_user("kim"), UNSURE)
    assert agreement.pairs(Review.objects.all()) == [(YES, NO), (YES, UNSURE)]


def test_withdrawn_answers_and_those_without_a_name_are_none(
    event: Event, user: User, dana: User, make_user: MakeUser
) -> None:
    kim = make_user("kim")
    say(event, user, YES)
    reviews.undo(say(event, dana, NO), dana)
    say(event, kim, NO)
    kim.delete()

    assert agreement.pairs(Review.objects.all()) == []


def test_misses_are_of_ordinary_stretches_that_were_looked_at_blind(
    event: Event, user: User, dana: User
) -> None:
    clip = event.analysis.clip
    Clip.objects.update(duration=60.0)
    clip.refresh_from_db()
    for start, answer in enumerate((YES, NO, NO, UNSURE), 10):
        reviews.answer(None, clip, user, answer=answer, start=start, end=start + 5.0, is_blind=True)
    reviews.answer(event, clip, dana, answer=YES, is_blind=True)
    reviews.answer(None, clip, dana, answer=Answer.MISSED, start=1.0, end=2.0)

    found = agreement.misses(Review.objects.all())

    assert found is not None
    assert (found.count, found.of) == (1, 3)


def test_who_thinks_better_of_it_is_counted_once(event: Event, user: User) -> None:
    clip = event.analysis.clip
    Clip.objects.update(duration=60.0)
    clip.refresh_from_db()
    for answer in (YES, NO):
        reviews.answer(None, clip, user, answer=answer, start=9.5, end=19.5, is_blind=True)

    found = agreement.misses(Review.objects.all())

    assert found is not None
    assert (found.count, found.of) == (0, 1)


@pytest.mark.usefixtures("event")
def test_without_a_blind_look_nothing_is_known_of_misses() -> None:
    assert agreement.misses(Review.objects.all()) is None
