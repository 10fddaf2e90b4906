"""What people said, for programs to read."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from tests.api.conftest import V1, Key, MakeKey
from tests.conftest import MakeAnalysis, MakeStore, MakeUser
from tests.makers.events import make_result_event
from video_classifier.models import Event
from video_classifier.services import reviews, trash
from video_classifier.states import Answer, Role, Status

pytestmark = pytest.mark.postgresql


@pytest.fixture
def event(make_analysis: MakeAnalysis) -> Event:
    return make_result_event(make_analysis(status=Status.DONE))


def address(event: Event) -> str:
    return f"/clips/{event.analysis.clip_id}/reviews"


def test_events_and_clips_have_their_verdict(api: Key, event: Event, user: User) -> None:
    clip = event.analysis.clip
    one = f"/analyses/{event.analysis_id}/events/{event.number}"
    before = [api.json_of(path)["verdict"] for path in (one, f"/clips/{clip.pk}")]

    reviews.answer(event, clip, user, answer=Answer.CONFIRMED)

    after = [api.json_of(path)["verdict"] for path in (one, f"/clips/{clip.pk}")]
    assert (before, after) == ([None, None], ["confirmed", "confirmed"])
    assert api.json_of("/events")["results"][0]["verdict"] == "confirmed"


def test_answers_are_listed_with_what_withdrew_them(api: Key, event: Event, user: User) -> None:
    clip = event.analysis.clip
    no = Answer.FALSE_ALARM
    given = reviews.answer(event, clip, user, answer=no, reason="staff", note="Apron")
    undone = reviews.undo(given, user)
    missed = reviews.answer(None, clip, user, answer=Answer.MISSED, start=1.0, end=1.5)

    newest, withdrawal, first = api.json_of(address(event))["results"]

    assert [newest["id"], withdrawal["id"], first["id"]] == [missed.pk, undone.pk, given.pk]
    assert (newest["event"], newest["start_s"], newest["end_s"]) == (None, 1.0, 1.5)
    assert (withdrawal["undoes"], first["is_withdrawn"]) == (given.pk, True)
    assert (first["event"], first["analysis"]) == (event.number, str(event.analysis_id))
    assert (first["by"], first["reason"], first["note"]) == ("ada", "staff", "Apron")
    assert (newest["reason"], newest["is_withdrawn"], newest["is_blind"]) == (None, False, False)


def test_they_are_read_only_and_go_the_way_of_the_clip(api: Key, event: Event, user: User) -> None:
    assert api.post(f"{V1}{address(event)}", {"answer": "confirmed"}).status_code == 405

    trash.put(event.analysis.clip, by=user)

    assert api.get(f"{V1}{address(event)}").status_code == 410


def test_those_of_other_stores_are_not_there(
    event: Event, make_user: MakeUser, make_store: MakeStore, make_key: MakeKey
) -> None:
    elsewhere = make_user("linus", store=make_store("North"), roles=[Role.MANAGER])

    assert make_key(elsewhere).get(f"{V1}{address(event)}").status_code == 404


def test_a_list_asks_as_often_for_one_as_for_many(
    api: Key,
    event: Event,
    make_user: MakeUser,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    reviews.answer(event, event.analysis.clip, make_user("grace"), answer=Answer.UNSURE)
    api.json_of(address(event))  # that the key was used is noted once
    with CaptureQueriesContext(connection) as asked:
        assert len(api.json_of(address(event))["results"]) == 1
    for number in range(5):
        by = make_user(f"user{number}")
        reviews.undo(reviews.answer(event, event.analysis.clip, by, answer=Answer.UNSURE), by)

    with django_assert_num_queries(len(asked)):
        assert len(api.json_of(address(event))["results"]) == 11


def test_who_owes_the_second_answer_is_not_told_the_first(
    api: Key, event: Event, user: User, make_user: MakeUser, make_key: MakeKey
) -> None:
    clip, grace = event.analysis.clip, make_user("grace")
    reviews.answer(event, clip, grace, answer=Answer.CONFIRMED)
    one = f"/analyses/{event.analysis_id}/events/{event.number}"
    paths = (one, f"/clips/{clip.pk}", f"/analyses/{event.analysis_id}")

    def verdicts(key: Key) -> list[str | None]:
        event_, of_clip, analysis = map(key.json_of, paths)
        listed = key.json_of("/events")["results"][0]
        found = [event_, of_clip, analysis["clip"], listed]
        return [each["verdict"] for each in found]

    assert verdicts(api) == [None] * 4
    assert api.json_of("/analyses", verdict="confirmed")["results"] == []
    assert len(api.json_of("/analyses", verdict="second")["results"]) == 1
    assert api.json_of(address(event))["results"] == []
    assert set(verdicts(make_key(grace))) == {"confirmed"}
    assert len(make_key(grace).json_of(address(event))["results"]) == 1

    reviews.answer(event, clip, user, answer=Answer.CONFIRMED)

    assert set(verdicts(api)) == {"confirmed"}
    assert len(api.json_of(address(event))["results"]) == 2
