"""What the lists and their members say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User

from tests.api.conftest import V1, Key, sentence
from tests.conftest import MEASURED, MakeAnalysis, MakeClip, MakeModel, MakeTrack
from video_classifier.api.documented import FILTERS
from video_classifier.http.filters import SORT, HistoryFilter
from video_classifier.models import Analysis, Camera, Case, Event, Store
from video_classifier.services import cases, trash
from video_classifier.states import RecordedFrom, Status, View

pytestmark = pytest.mark.postgresql


@pytest.fixture
def hint(
    make_clip: MakeClip, make_analysis: MakeAnalysis, make_track: MakeTrack, user: User
) -> Analysis:
    clip = make_clip(
        name="till.mp4",
        uploaded_by=user,
        recorded_at=datetime(2026, 11, 26, 9, tzinfo=UTC),
        recorded_from=RecordedFrom.GIVEN,
    )
    made = make_analysis(
        clip=clip, status=Status.DONE, score=0.8, view=View.PERSON, decided_by=1, requested_by=user
    )
    track = make_track(analysis=made, number=1, score=0.8)
    for number in (1, 2, 3):
        Event.objects.create(
            analysis=made,
            number=number,
            segment=track.segment,
            track=track,
            start=number,
            end=number + 1.5,
            peak=number + 1,
            score=0.8,
        )
    return made


def test_an_analysis_says_what_it_came_to(api: Key, hint: Analysis) -> None:
    told = api.json_of(f"/analyses/{hint.pk}")

    assert told["prediction"] == "hint"
    assert (told["score"], told["threshold"], told["highest_score_track"]) == (0.8, 0.5, 1)
    assert told["low_threshold"] is None
    assert told["clip"]["name"] == "till.mp4"
    assert told["clip"]["recorded_at"] == "2026-11-26T09:00:00Z"
    assert told["page"].endswith(f"/results/{hint.pk}/")
    assert "never an accusation" in told["note"]
    assert told["progress"] is None
    assert told["queued_at"].endswith("Z")
    assert api.get(told["events"]).status_code == api.get(told["tracks"]).status_code == 200
    assert api.get(told["clip"]["url"]).json()["id"] == str(hint.clip_id)


def test_one_that_waits_says_how_far_it_is(api: Key, make_analysis: MakeAnalysis) -> None:
    told = api.json_of(f"/analyses/{make_analysis().pk}")

    assert (told["status"], told["prediction"], told["score"]) == ("queued", None, None)
    assert told["progress"]["segments"] == 1
    assert told["progress"]["left_s"] is None


def test_events_have_their_times_and_links(api: Key, hint: Analysis) -> None:
    first, second, third = api.json_of(f"/analyses/{hint.pk}/events")["results"]

    assert (first["number"], first["start_s"], first["end_s"], first["peak_s"]) == (
        1,
        1.0,
        2.5,
        2.0,
    )
    assert second["peak_at"] == "2026-11-26T09:00:03Z"
    assert third["page"].endswith(f"/results/{hint.pk}/events/3/")
    assert api.get(third["url"]).json() == third
    assert [each["number"] for each in api.json_of("/events")["results"]] == [3, 2, 1]


def test_tracks_are_numbers_with_boxes(api: Key, hint: Analysis) -> None:
    (track,) = api.json_of(f"/analyses/{hint.pk}/tracks")["results"]

    assert (track["number"], track["score"]) == (1, 0.8)
    assert set(track["boxes"][0]) == {"time_s", "left", "top", "right", "bottom"}
    assert track["start_s"] <= track["boxes"][0]["time_s"] <= track["end_s"]


def test_pages_lead_through_everything_once(api: Key, make_analysis: MakeAnalysis) -> None:
    made = {str(make_analysis().pk) for _ in range(7)}

    page = api.json_of("/analyses", page_size=3)
    seen = [each["id"] for each in page["results"]]
    make_analysis()  # which comes in meanwhile, and pushes none to another page
    while page["next"]:
        page = api.get(page["next"]).json()
        seen += [each["id"] for each in page["results"]]

    assert len(seen) == len(made)
    assert set(seen) == made


@pytest.mark.parametrize("path", ["clips", "events", "stores", "cameras"])
def test_each_list_has_pages(api: Key, hint: Analysis, path: str) -> None:
    for number in (1, 2):
        Camera.objects.create(store=hint.clip.store, name=f"Till {number}")
    total = len(api.json_of(f"/{path}")["results"])

    page = api.json_of(f"/{path}", page_size=1)
    count = 1
    while page["next"]:
        page = api.get(page["next"]).json()
        count += len(page["results"])

    assert count == total >= 1


def test_the_filters_are_those_of_the_history(
    api: Key, hint: Analysis, make_clip: MakeClip, make_analysis: MakeAnalysis
) -> None:
    make_analysis(clip=make_clip(name="door.mp4"))
    store = Store.objects.get(pk=hint.clip.store_id)

    for query in ({"text": "TILL"}, {"hint": "yes"}, {"status": "done"}):
        found = api.json_of("/analyses", **query)["results"]
        assert [each["id"] for each in found] == [str(hint.pk)], query
    assert len(api.json_of("/analyses", store=store.pk)["results"]) == 2
    assert len(api.json_of("/events", hint="no")["results"]) == 0
    assert {each.name for each in FILTERS} == set(HistoryFilter.base_filters) - {SORT, "results"}


@pytest.mark.parametrize(
    "query",
    [
        "hint=perhaps",
        "since=yesterday",
        "store=999999",
        "store=99999999999999999999",
        "camera=x",
        "text=" + "a" * 201,
    ],
)
def test_a_filter_that_makes_no_sense_is_a_sentence(api: Key, query: str) -> None:
    response = api.get(f"{V1}/analyses?{query}")

    assert response.status_code == 400
    assert query.split("=", maxsplit=1)[0] in sentence(response)
    assert query.split("=", maxsplit=1)[0] in response.json()["errors"]


@pytest.mark.parametrize(
    "cursor",
    ["x", "cD1ub3c=", "bz0tMQ==", "cD0yMDI2LTExLTI2", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "", "é"],
)
@pytest.mark.parametrize("path", ["analyses", "events", "clips", "stores"])
def test_a_forged_cursor_is_refused_or_harmless(
    api: Key, hint: Analysis, path: str, cursor: str
) -> None:
    response = api.get(f"{V1}/{path}", {"cursor": cursor})

    assert response.status_code in {200, 400}
    if response.status_code == 400:
        assert "cursor" in sentence(response)


def test_what_is_in_the_trash_is_gone(api: Key, hint: Analysis, user: User) -> None:
    trash.put(hint.clip, by=user)

    for path in (
        f"clips/{hint.clip_id}",
        f"analyses/{hint.pk}",
        f"analyses/{hint.pk}/events",
        f"analyses/{hint.pk}/tracks",
    ):
        response = api.get(f"{V1}/{path}")
        assert response.status_code == 410, path
        assert "trash" in sentence(response)
    assert api.json_of("/clips")["results"] == api.json_of("/analyses")["results"] == []
    assert api.json_of("/events")["results"] == []


def test_a_clip_is_moved_to_the_trash(api: Key, hint: Analysis) -> None:
    assert api.delete(f"{V1}/clips/{hint.clip_id}").status_code == 204
    hint.clip.refresh_from_db()
    assert hint.clip.trashed_at is not None


def test_a_clip_that_is_in_a_case_is_not(api: Key, hint: Analysis, user: User) -> None:
    case = Case.objects.create(store=hint.store, name="Perfume shelf")
    cases.add_clip(case, hint.clip, by=user)

    response = api.delete(f"{V1}/clips/{hint.clip_id}")

    assert response.status_code == 409
    assert "in a case: “Perfume shelf”" in sentence(response)


def test_models_say_how_well_they_do(api: Key, make_model: MakeModel) -> None:
    make_model(metrics=MEASURED)
    (model,) = (each for each in api.json_of("/models") if each["name"] == "standard")

    assert model["is_usable"]
    assert set(model["metrics"]["recall"]) == {"value", "low", "high"}
    assert api.json_of("/models/standard") == model
    assert api.get(f"{V1}/models/none").status_code == 404


def test_an_analysis_is_paused_resumed_and_cancelled_once(
    api: Key, make_analysis: MakeAnalysis, user: User
) -> None:
    analysis = make_analysis(requested_by=user)
    address = f"{V1}/analyses/{analysis.pk}"

    assert api.post(f"{address}/resume").status_code == 409
    assert api.post(f"{address}/pause").json()["status"] == "paused"
    assert api.post(f"{address}/pause").status_code == 409
    assert api.post(f"{address}/resume").json()["status"] == "queued"
    assert api.post(f"{address}/cancel").json()["status"] == "cancelled"
    again = api.post(f"{address}/cancel")
    assert again.status_code == 409
    assert "finished" in sentence(again)


def test_what_is_nowhere_is_a_problem_too(api: Key) -> None:
    for address in (
        "",
        "nothing",
        "clips/",
        "clips/1",
        f"analyses/{'0' * 8}-0000-0000-0000-{'0' * 12}",
    ):
        response = api.get(f"{V1}/{address}")
        assert response.status_code == 404, address
        assert sentence(response)
    assert api.put(f"{V1}/clips").status_code == 405
