"""What answers come to, by the rules alone."""

from __future__ import annotations

from itertools import count
from uuid import UUID

import pytest

from video_classifier.services import verdicts
from video_classifier.services.verdicts import Candidate, Given
from video_classifier.states import Answer, Turn, Verdict

YES, NO, UNSURE, MISSED = Answer.CONFIRMED, Answer.FALSE_ALARM, Answer.UNSURE, Answer.MISSED
FIRST, LATER = UUID(int=1), UUID(int=2)
_ids = count(1)


def event(start: float = 10.0, end: float = 20.0, *, id: int = 1, of: UUID = FIRST) -> Candidate:  # noqa: A002
    return Candidate(id=id, analysis=of, start=start, end=end)


def said(answer: Answer, by: int | None = 1, about: Candidate | None = None) -> Given:
    about = about or event()
    return Given(
        id=next(_ids),
        by=by,
        answer=answer,
        analysis=about.analysis,
        event=about.id,
        start=about.start,
        end=about.end,
    )


def marked(answer: Answer, start: float | None = 10.0, end: float | None = 20.0) -> Given:
    return Given(id=next(_ids), by=1, answer=answer, analysis=FIRST, start=start, end=end)


def answers(about: Candidate, given: list[Given]) -> list[Answer]:
    return list(verdicts.answers_to(about, given).values())


# Verdicts and turns


@pytest.mark.parametrize(
    ("given", "verdict", "turn"),
    [
        ([], "", Turn.FIRST),
        ([YES], Verdict.CONFIRMED, Turn.SECOND),
        ([YES, YES], Verdict.CONFIRMED, ""),
        ([NO], Verdict.FALSE_ALARM, ""),
        ([YES, NO], Verdict.DISPUTED, Turn.SECOND),
        ([YES, NO, NO], Verdict.DISPUTED, ""),
        ([UNSURE], Verdict.UNSURE, ""),
        ([YES, UNSURE], Verdict.CONFIRMED, Turn.SECOND),
        ([NO, UNSURE], Verdict.FALSE_ALARM, ""),
        ([YES, NO, UNSURE], Verdict.DISPUTED, Turn.SECOND),
        ([MISSED], Verdict.CONFIRMED, Turn.SECOND),
    ],
)
def test_what_answers_come_to_and_who_is_next(given: list[Answer], verdict: str, turn: str) -> None:
    assert (verdicts.verdict(given), verdicts.turn(given)) == (verdict, turn)


# Whose answers count


def test_the_last_answer_of_each_person_counts() -> None:
    given = [said(YES, by=1), said(NO, by=2), said(NO, by=1)]

    assert answers(event(), given) == [NO, NO]


def test_of_deleted_accounts_the_last_answer_counts() -> None:
    assert answers(event(), [said(YES, by=None), said(NO, by=None)]) == [NO]


def test_another_event_of_the_same_result_is_somebody_else() -> None:
    beside = event(id=2)

    assert answers(beside, [said(YES)]) == []


# Carried over


@pytest.mark.parametrize(
    ("start", "end", "carried"),
    [
        (10.0, 20.0, True),
        (15.0, 25.0, True),
        (15.1, 25.1, False),
        (12.0, 13.0, True),  # within the other
        (19.5, 20.5, True),
        (19.6, 20.6, False),
        (20.0, 30.0, False),
        (12.0, 12.0, True),  # of no length
    ],
)
def test_half_of_the_shorter_one_has_to_overlap(start: float, end: float, *, carried: bool) -> None:
    later = event(start, end, id=2, of=LATER)

    assert answers(later, [said(YES)]) == ([YES] if carried else [])


def test_the_closest_of_several_earlier_events_counts() -> None:
    near, far = event(10.0, 20.0, id=1), event(5.0, 17.0, id=2)
    later = event(10.0, 19.0, id=3, of=LATER)

    assert answers(later, [said(YES, about=near), said(NO, about=far)]) == [YES]


def test_of_two_at_the_same_time_the_graver_counts() -> None:
    given = [said(YES, about=event(id=1)), said(NO, about=event(id=2))]

    assert answers(event(id=3, of=LATER), given) == [YES]


def test_an_answer_to_the_event_itself_comes_before_others() -> None:
    later = event(id=2, of=LATER)

    assert answers(later, [said(NO, about=later), said(YES)]) == [NO]


def test_what_was_marked_as_missed_is_said_of_an_event_found_later() -> None:
    assert answers(event(id=2, of=LATER), [marked(MISSED)]) == [MISSED]


def test_an_answer_to_the_whole_clip_is_no_answer_to_an_event() -> None:
    assert answers(event(id=2, of=LATER), [marked(YES, None, None)]) == []


# Clips


@pytest.mark.parametrize(
    ("current", "verdict"),
    [
        ([], ""),
        ([Verdict.FALSE_ALARM, Verdict.CONFIRMED, Verdict.DISPUTED], Verdict.CONFIRMED),
        ([Verdict.UNSURE, Verdict.DISPUTED, ""], Verdict.DISPUTED),
        ([Verdict.FALSE_ALARM, Verdict.UNSURE, ""], Verdict.UNSURE),
        ([Verdict.FALSE_ALARM, ""], ""),
        ([Verdict.FALSE_ALARM, Verdict.FALSE_ALARM], Verdict.FALSE_ALARM),
    ],
)
def test_the_gravest_is_the_clips(current: list[str], verdict: str) -> None:
    found = [(event(id=number), each) for number, each in enumerate(current)]

    assert verdicts.of_clip(found, [], []) == verdict


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (marked(NO, None, None), Verdict.FALSE_ALARM),
        (marked(MISSED), Verdict.MISSED),
        (marked(YES), Verdict.CONFIRMED),  # of a blind look
        (marked(NO), ""),
    ],
)
def test_without_events_what_people_said_of_the_clip_counts(given: Given, verdict: str) -> None:
    assert verdicts.of_clip([], [], [given]) == verdict


@pytest.mark.parametrize(
    ("events", "clip"),
    [
        (Verdict.CONFIRMED, Verdict.CONFIRMED),
        (Verdict.DISPUTED, Verdict.DISPUTED),
        (Verdict.UNSURE, Verdict.MISSED),
        ("", Verdict.MISSED),
        (Verdict.FALSE_ALARM, Verdict.MISSED),
    ],
)
def test_with_events_a_missed_stretch_counts_all_the_same(events: str, clip: str) -> None:
    found = [(event(), str(events))]

    assert verdicts.of_clip(found, [], [marked(MISSED, 50.0, 60.0)]) == clip


def test_what_was_confirmed_is_not_forgotten_by_another_model() -> None:
    earlier = [(event(), str(Verdict.CONFIRMED))]

    assert verdicts.of_clip([], earlier, []) == Verdict.CONFIRMED


def test_what_the_latest_result_has_too_is_judged_there() -> None:
    earlier = [(event(), str(Verdict.CONFIRMED))]
    current = [(event(id=2, of=LATER), str(Verdict.FALSE_ALARM))]

    assert verdicts.of_clip(current, earlier, []) == Verdict.FALSE_ALARM
