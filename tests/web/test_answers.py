"""What people say of a clip and its events, on the pages of results and events."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.conftest import MakeAnalysis, MakeUser
from tests.makers.events import make_result_event
from video_classifier.models import Analysis, Clip, Event, Review
from video_classifier.services import reviews
from video_classifier.states import Answer, Prediction, Reason, Status, Verdict
from video_classifier.web.review import CHOICES, HINT, OF_A_CLIP

PART = {"HX-Request": "true", "HX-Target": "answers"}


@pytest.fixture
def analysis(make_analysis: MakeAnalysis) -> Analysis:
    return make_analysis(status=Status.DONE)


@pytest.fixture
def event(analysis: Analysis) -> Event:
    return make_result_event(analysis)


def of_event(event: Event) -> str:
    return reverse("web:event-answers", args=[event.analysis_id, event.number])


def of_clip(analysis: Analysis) -> str:
    return reverse("web:answers", args=[analysis.pk])


def test_an_event_is_answered_on_its_page(client: Client, event: Event) -> None:
    sent = {"answer": Answer.FALSE_ALARM, "reason": Reason.STAFF, "note": "Refill.", "seen": "0"}

    html = client.post(of_event(event), sent, headers=PART).content.decode()

    assert Review.objects.get().reason == Reason.STAFF
    for words in ("Saved: False alarm.", "False alarm, staff", "Refill.", "ada"):
        assert words in html


def test_the_second_person_is_told(client: Client, make_user: MakeUser, event: Event) -> None:
    reviews.answer(event, event.analysis.clip, make_user("Dana"), answer=Answer.CONFIRMED)
    sent = {"answer": Answer.UNSURE, "seen": "0"}

    told = client.post(of_event(event), sent, headers=PART)

    assert told.status_code == 409
    assert "Dana answered “Confirmed” just now." in told.content.decode()
    assert client.post(of_event(event), sent | {"anyway": "yes"}).status_code == 302
    assert Review.objects.count() == 2


def test_an_answer_of_ones_own_is_withdrawn_and_stays_in_the_history(
    client: Client, event: Event
) -> None:
    client.post(of_event(event), {"answer": Answer.CONFIRMED, "seen": "0"})
    review = Review.objects.get()

    html = client.post(of_event(event), {"undo": str(review.pk)}, headers=PART).content.decode()

    assert "data-withdrawn" in html
    assert not Review.objects.standing().exists()


def test_the_answers_stand_below_the_question(
    client: Client, analysis: Analysis, make_analysis: MakeAnalysis
) -> None:
    event = make_result_event(make_analysis(status=Status.DONE))

    of_a_clip, of_an_event, of_several = (
        client.get(address, headers=PART).content.decode()
        for address in (of_clip(analysis), of_event(event), of_clip(event.analysis))
    )

    assert f'<p id="answers-question" class="answers__field--all">{OF_A_CLIP}</p>' in of_a_clip
    assert 'role="group" aria-labelledby="answers-question"' in of_a_clip
    assert f">{HINT}</p>" in of_an_event
    assert "answers-question" not in of_several


def test_a_clip_without_events_is_answered_as_a_whole(client: Client, analysis: Analysis) -> None:
    client.post(of_clip(analysis), {"answer": Answer.FALSE_ALARM, "seen": "0"})

    review = Review.objects.get()
    assert (review.event, review.start) == (None, None)


def test_a_missed_stretch_is_marked(client: Client, analysis: Analysis) -> None:
    sent = {"answer": Answer.MISSED, "start": "0:00.5", "end": "1.5"}

    html = client.post(of_clip(analysis), sent, headers=PART).content.decode()

    review = Review.objects.get()
    assert (review.answer, review.start, review.end) == (Answer.MISSED, 0.5, 1.5)
    assert 'answers__verdict"><svg' in html
    assert "</svg> Missed</p>" in html
    assert Clip.objects.get().verdict == Verdict.MISSED


def test_a_result_without_a_hint_says_who_watched_it(
    client: Client, user: User, make_user: MakeUser, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(prediction=Prediction.NO_HINT, score=0.1, status=Status.DONE)
    mark = {"answer": Answer.MISSED, "start": "0:00.5", "end": "1.5"}

    before = client.get(analysis.get_absolute_url()).content.decode()
    at_once = client.post(of_clip(analysis), mark, headers=PART).content.decode()
    dana = make_user("Dana")
    reviews.answer(None, analysis.clip, dana, answer=Answer.MISSED, start=0.1, end=0.4)
    reviews.answer(None, analysis.clip, dana, answer=Answer.UNSURE)
    after = client.get(analysis.get_absolute_url()).content.decode()
    for each in Review.objects.filter(answer=Answer.MISSED):
        reviews.undo(each, each.by or user)
    answered = client.get(analysis.get_absolute_url()).content.decode()

    assert '<span id="watched">Not watched by a person yet.' in before
    assert '<span id="watched" hx-swap-oob="true"><strong><bdi>ada</bdi> marked' in at_once
    assert "<bdi>Dana</bdi> marked" in after
    assert "as missed, and 1 more stretch is marked." in after
    assert f"<bdi>Dana</bdi> has answered: {CHOICES[2].label}, the clip." in answered
    assert "Not watched" not in at_once + after + answered


@pytest.mark.parametrize(
    ("start", "end"),
    [("noon", "2"), ("1", "1"), ("1", "0:00"), ("0", "1:00:00"), ("", ""), ("nan", "1")],
)
def test_what_is_no_stretch_is_refused_in_a_sentence(
    client: Client, analysis: Analysis, start: str, end: str
) -> None:
    sent = {"answer": Answer.MISSED, "start": start, "end": end}

    response = client.post(of_clip(analysis), sent, headers=PART)

    assert response.status_code == 422
    assert 'data-tone="error"' in response.content.decode()
    assert not Review.objects.exists()
