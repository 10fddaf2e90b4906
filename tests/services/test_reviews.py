"""People's answers: kept as given, withdrawn by another, and added up for events and clips."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.conftest import FakePredictor, MakeAnalysis, MakeClip, MakeUser, segment_of
from tests.databases import together
from tests.makers.events import make_result_event
from video_classifier.models import Analysis, AuditEntry, Clip, Event, Review
from video_classifier.services import analyses, clips, reviews, segments, trash
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import LeaseLostError
from video_classifier.services.reviews import AnsweredMeanwhileError
from video_classifier.states import Action, Answer, Reason, Status, Turn, Verdict

YES, NO, UNSURE = Answer.CONFIRMED, Answer.FALSE_ALARM, Answer.UNSURE


@pytest.fixture
def event(make_analysis: MakeAnalysis) -> Event:
    """The only one of its clip, which is ten seconds long."""
    analysis = make_analysis(status=Status.DONE, model_sha256="f" * 64)
    Clip.objects.update(duration=10.0)
    analysis.clip.refresh_from_db()
    return make_result_event(analysis)


def say(event: Event, by: User, answer: Answer, **more: object) -> Review:
    return reviews.answer(event, event.analysis.clip, by, answer=answer, **more)  # type: ignore[arg-type]


def state(event: Event) -> tuple[str, str, str]:
    """Its verdict, whom it waits for, and the clip's verdict."""
    found = Event.objects.select_related("analysis__clip").get(pk=event.pk)
    return found.verdict, found.waits_for, found.analysis.clip.verdict


# Answering


def test_an_answer_says_what_was_known(event: Event, user: User) -> None:
    review = say(event, user, NO, reason=Reason.PUT_BACK, note=" Milk.\r\n", seconds=4.5)

    review.refresh_from_db()
    assert (review.answer, review.reason, review.note) == (NO, Reason.PUT_BACK, "Milk.")
    assert (review.by, review.seconds, review.is_blind) == (user, 4.5, False)
    assert (review.clip, review.event, review.analysis) == (
        event.analysis.clip,
        event,
        event.analysis,
    )
    assert (review.start, review.end, review.score, review.threshold) == (1.0, 3.0, 0.9, 0.5)
    assert (review.model, review.model_sha256) == ("standard", "f" * 64)


def test_it_is_noted_in_the_audit_log(event: Event, user: User) -> None:
    review = say(event, user, YES)

    entry = AuditEntry.objects.get(action=Action.REVIEWED)
    assert (entry.actor, entry.object_id) == (user.pk, str(event.analysis.clip_id))
    assert entry.store == event.analysis.clip.store_id  # whose managers may read it
    assert entry.details == {"review": review.pk, "answer": "confirmed", "event": event.pk}


@pytest.mark.parametrize("note", ["مرحبا بالعالم", "\u202eright to left", "👩🏽\u200d🚀 took 🥛"])
def test_a_note_is_kept_as_it_was_typed(event: Event, user: User, note: str) -> None:
    assert Review.objects.get(pk=say(event, user, YES, note=note).pk).note == note


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"note": "x" * 10_000}, "may have 2,000 characters, and this one has 10,000"),
        ({"note": "a\0b"}, "no text"),
        ({"note": "\ud800"}, "no text"),
        ({"reason": "staff"}, "belongs to a false alarm"),
        ({"answer": NO, "reason": "bored"}, "no such answer"),
        ({"answer": "thief"}, "no such answer"),
        ({"answer": Answer.WITHDRAWN}, "no such answer"),
        ({"answer": Answer.MISSED}, "can't be missed"),
    ],
)
def test_what_makes_no_sense_is_refused(
    event: Event, user: User, wrong: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        reviews.answer(event, event.analysis.clip, user, **{"answer": YES} | wrong)  # type: ignore[arg-type]

    assert not Review.objects.exists()


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_an_impossible_time_is_left_out(event: Event, user: User, seconds: float) -> None:
    assert say(event, user, YES, seconds=seconds).seconds is None


def test_a_clip_that_went_to_the_trash_is_not_answered(event: Event, user: User) -> None:
    trash.put(event.analysis.clip, by=user)

    with pytest.raises(Refused, match="deleted meanwhile"):
        say(event, user, YES)


def test_who_says_the_same_again_gets_the_same_answer(event: Event, user: User) -> None:
    first = say(event, user, YES)

    assert say(event, user, YES) == first
    assert say(event, user, YES, note="With the coat.") != first
    blind = say(event, user, YES, is_blind=True)
    assert blind != first
    assert say(event, user, YES, is_blind=True) == blind  # a key pressed twice


# Stretches


def test_a_stretch_is_marked_as_missed(event: Event, user: User) -> None:
    clip = event.analysis.clip
    review = reviews.answer(None, clip, user, answer=Answer.MISSED, start=5.0, end=8.0)

    clip.refresh_from_db()
    assert (review.event, review.start, review.end) == (None, 5.0, 8.0)
    assert (review.analysis, review.model, clip.verdict) == (
        event.analysis,
        "standard",
        Verdict.MISSED,
    )


@pytest.mark.parametrize(
    ("start", "end"),
    [
        *((None, None), (5.0, None), (5.0, 5.0), (8.0, 5.0), (-1.0, 5.0), (5.0, 12.0)),
        *((float("nan"), 5.0), (5.0, float("nan")), (5.0, float("inf"))),
    ],
)
def test_a_stretch_that_is_none_is_refused(
    event: Event, user: User, start: float | None, end: float | None
) -> None:
    with pytest.raises(Refused):
        reviews.answer(None, event.analysis.clip, user, answer=Answer.MISSED, start=start, end=end)


def test_a_clip_is_answered_as_a_whole(make_clip: MakeClip, user: User) -> None:
    clip = make_clip()

    review = reviews.answer(None, clip, user, answer=NO)

    clip.refresh_from_db()
    assert (review.start, review.analysis, review.model) == (None, None, "")
    assert clip.verdict == Verdict.FALSE_ALARM


# Verdicts


def test_two_people_confirm(event: Event, user: User, make_user: MakeUser) -> None:
    assert state(event) == ("", Turn.FIRST, "")

    say(event, user, YES)
    assert state(event) == (Verdict.CONFIRMED, Turn.SECOND, Verdict.CONFIRMED)

    say(event, make_user("dana"), YES)
    assert state(event) == (Verdict.CONFIRMED, "", Verdict.CONFIRMED)


def test_people_disagree(event: Event, user: User, make_user: MakeUser) -> None:
    say(event, user, YES)
    say(event, make_user("dana"), NO)

    assert state(event) == (Verdict.DISPUTED, Turn.SECOND, Verdict.DISPUTED)


def test_an_answer_outlives_its_account(event: Event, user: User) -> None:
    review = say(event, user, YES)

    user.delete()

    assert Review.objects.get(pk=review.pk).by is None
    reviews.refresh(event.analysis.clip)
    assert state(event)[0] == Verdict.CONFIRMED


def test_answers_go_with_their_clip(event: Event, user: User) -> None:
    reviews.undo(say(event, user, YES), user)

    clips.delete(event.analysis.clip)

    assert not Review.objects.exists()


# Undoing


def test_to_undo_is_another_row(event: Event, user: User) -> None:
    review = say(event, user, YES)

    withdrawn = reviews.undo(review, user)

    assert (withdrawn.answer, withdrawn.undoes) == (Answer.WITHDRAWN, review)
    assert state(event) == ("", Turn.FIRST, "")
    assert list(reviews.history(event.analysis.clip)) == [withdrawn, review]


def test_what_was_said_before_counts_again(event: Event, user: User) -> None:
    say(event, user, YES)

    reviews.undo(say(event, user, NO), user)

    assert state(event)[0] == Verdict.CONFIRMED


def test_what_others_said_is_not_undone(event: Event, user: User, make_user: MakeUser) -> None:
    with pytest.raises(Refused, match="Only who gave"):
        reviews.undo(say(event, user, YES), make_user("dana"))


def test_nothing_is_undone_twice(event: Event, user: User) -> None:
    review = say(event, user, YES)
    withdrawn = reviews.undo(review, user)

    for each in (review, withdrawn):
        with pytest.raises(Refused, match="undone already"):
            reviews.undo(each, user)


# Others, meanwhile


def test_who_did_not_know_of_another_answer_is_told(
    event: Event, user: User, make_user: MakeUser
) -> None:
    others = say(event, make_user("dana"), NO)

    with pytest.raises(AnsweredMeanwhileError, match="dana answered “False alarm”") as raised:
        say(event, user, YES, seen=0)

    assert raised.value.review == others
    assert Review.objects.count() == 1


def test_who_knows_of_it_is_not(event: Event, user: User, make_user: MakeUser) -> None:
    say(event, make_user("dana"), NO)

    say(event, user, YES, seen=reviews.newest(event, event.analysis.clip))

    assert state(event)[0] == Verdict.DISPUTED


def test_neither_own_nor_withdrawn_answers_are_told(
    event: Event, user: User, make_user: MakeUser
) -> None:
    dana = make_user("dana")
    reviews.undo(say(event, dana, NO), dana)
    say(event, user, NO)

    say(event, user, YES, seen=0)

    assert state(event)[0] == Verdict.CONFIRMED


@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_once_the_second_is_told(
    event: Event, user: User, make_user: MakeUser
) -> None:
    people = [user, make_user("dana")]

    def answer() -> object:
        try:
            return say(event, people.pop(), YES, seen=0)
        except AnsweredMeanwhileError as told:
            return told

    results = together(answer, times=2)

    assert {type(each) for each in results} == {Review, AnsweredMeanwhileError}
    assert state(event) == (Verdict.CONFIRMED, Turn.SECOND, Verdict.CONFIRMED)


@pytest.mark.django_db(transaction=True)
def test_two_windows_of_one_reviewer_answer_once(event: Event, user: User) -> None:
    found = together(lambda: say(event, user, YES, seen=0), times=4)

    assert len(set(found)) == 1
    assert state(event)[:2] == (Verdict.CONFIRMED, Turn.SECOND)


@pytest.mark.django_db(transaction=True)
def test_two_people_who_answer_at_once_both_count(
    event: Event, user: User, make_user: MakeUser
) -> None:
    people = [user, make_user("dana")]

    together(lambda: say(event, people.pop(), YES), times=2)

    assert state(event) == (Verdict.CONFIRMED, "", Verdict.CONFIRMED)


@pytest.mark.django_db(transaction=True)
def test_a_clip_that_is_trashed_meanwhile_waits_for_nobody(event: Event, user: User) -> None:
    def answer() -> None:
        with suppress(Refused):
            say(event, user, YES)

    def put() -> None:
        trash.put(event.analysis.clip, by=user)

    deeds = [answer, put]

    together(lambda: deeds.pop()(), times=2)  # noqa: PLW0108  (each takes its own)

    assert state(event)[1] == ""
    assert not Event.objects.get().is_current


# Which events are asked about


def test_the_trash_takes_events_out_of_the_queue_and_back(event: Event, user: User) -> None:
    trash.put(event.analysis.clip, by=user)
    assert not Event.objects.waiting().exists()

    trash.restore(event.analysis.clip, by=user)
    assert Event.objects.current().waiting().exists()


def test_the_next_result_takes_over(
    event: Event, user: User, make_analysis: MakeAnalysis, make_user: MakeUser
) -> None:
    say(event, user, YES)
    again = make_analysis(clip=event.analysis.clip, status=Status.DONE)

    later = make_result_event(again, start=2.0)
    elsewhere = make_result_event(again, start=6.0)

    assert state(event)[:2] == (Verdict.CONFIRMED, "")
    assert state(later)[:2] == (Verdict.CONFIRMED, Turn.SECOND)
    assert state(elsewhere)[:2] == ("", Turn.FIRST)
    say(later, make_user("dana"), YES)
    assert state(later) == (Verdict.CONFIRMED, "", Verdict.CONFIRMED)


def test_a_result_without_events_does_not_forget_what_was_confirmed(
    event: Event, user: User, make_analysis: MakeAnalysis
) -> None:
    say(event, user, YES)

    make_analysis(clip=event.analysis.clip, status=Status.DONE)
    reviews.refresh(event.analysis.clip)

    assert state(event) == (Verdict.CONFIRMED, "", Verdict.CONFIRMED)


def test_what_is_not_done_takes_nothing_over(event: Event, make_analysis: MakeAnalysis) -> None:
    for status in (Status.QUEUED, Status.FAILED, Status.CANCELLED):
        make_analysis(clip=event.analysis.clip, status=status)
    reviews.refresh(event.analysis.clip)

    assert state(event)[1] == Turn.FIRST


def test_events_wait_as_soon_as_their_analysis_closes(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()
    segment = segments.claim_next(worker="one")
    assert segment == segment_of(analysis)

    segments.run(segment, predictor=FakePredictor(0.9))

    assert state(Event.objects.get())[:2] == ("", Turn.FIRST)


def test_a_clip_that_is_gone_is_no_matter(make_clip: MakeClip) -> None:
    clip = make_clip()
    Clip.objects.all().delete()

    reviews.refresh(clip)


# The latest analysis


def test_another_analysis_is_the_one_that_lists_show(
    make_analysis: MakeAnalysis, user: User
) -> None:
    first = make_analysis(status=Status.DONE, queued_at=timezone.now() - timedelta(days=1))

    second = analyses.enqueue(first.clip, model="standard", user=user)
    assert list(Analysis.objects.filter(is_latest=True)) == [second]

    analyses.cancel(second)
    assert list(Analysis.objects.filter(is_latest=True)) == [first]


def test_one_that_is_cancelled_is_shown_where_there_is_no_other(
    make_analysis: MakeAnalysis,
) -> None:
    analyses.cancel(make_analysis())

    assert Analysis.objects.get().is_latest


@pytest.mark.django_db(transaction=True)
def test_an_analysis_that_closes_while_its_clip_is_trashed_locks_nobody_out(
    make_analysis: MakeAnalysis, user: User
) -> None:
    clip = make_analysis().clip
    segment = segments.claim_next(worker="one")
    assert segment is not None

    def run() -> None:
        with suppress(LeaseLostError):
            segments.run(segment, predictor=FakePredictor(0.9))

    def put() -> None:
        trash.put(clip, by=user)

    def answer() -> None:
        with suppress(Refused):
            reviews.answer(None, clip, user, answer=YES)

    deeds = [run, put, answer]

    together(lambda: deeds.pop()(), times=3)  # noqa: PLW0108  (each takes its own)

    assert not Event.objects.waiting().exists()
