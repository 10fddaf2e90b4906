"""What somebody has answered in their shift: the last word on each, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeUser
from tests.makers.events import make_result_event
from video_classifier.models import Event
from video_classifier.services import reviews, shifts
from video_classifier.services.shifts import Shift
from video_classifier.states import AT_THE_DESK, Answer, Status

YES, NO, UNSURE = AT_THE_DESK


@pytest.fixture
def events(make_analysis: MakeAnalysis) -> list[Event]:
    analysis = make_analysis(status=Status.DONE)
    type(analysis.clip).objects.update(duration=60.0)
    analysis.refresh_from_db()
    return [make_result_event(analysis, start=10.0 * number) for number in range(4)]


def say(event: Event, by: User, answer: Answer, seconds: float | None = None) -> None:
    reviews.answer(event, event.analysis.clip, by, answer=answer, seconds=seconds)


def of(user: User) -> Shift | None:
    return shifts.of(user, since=timezone.now() - timedelta(hours=8))


def test_answers_are_counted_by_kind_with_the_median_of_what_they_took(
    events: list[Event], user: User
) -> None:
    for event, answer, seconds in zip(events, (YES, NO, NO, UNSURE), (2, 9, 4, None), strict=True):
        say(event, user, answer, seconds)

    assert of(user) == Shift(confirmed=1, false_alarms=2, unsure=1, seconds=4.0)


def test_what_was_said_of_one_twice_counts_once_and_not_if_withdrawn(
    events: list[Event], user: User
) -> None:
    say(events[0], user, YES)
    say(events[0], user, NO)
    clip = events[0].analysis.clip
    reviews.answer(None, clip, user, answer=NO, is_blind=True, start=1.0, end=2.0)
    reviews.undo(reviews.answer(events[1], clip, user, answer=YES), user)

    assert of(user) == Shift(confirmed=0, false_alarms=2, unsure=0, seconds=None)


def test_before_the_shift_and_of_others_is_nothing(
    events: list[Event], user: User, make_user: MakeUser
) -> None:
    say(events[0], make_user("dana"), YES)
    reviews.answer(None, events[0].analysis.clip, user, answer=Answer.MISSED, start=1.0, end=2.0)
    say(events[1], user, YES)

    assert shifts.of(user, since=timezone.now() + timedelta(seconds=1)) is None
    assert shifts.of(user, since=timezone.now() - timedelta(hours=8)) == Shift(
        confirmed=1, false_alarms=0, unsure=0, seconds=None
    )
