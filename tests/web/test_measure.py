"""The page of a camera's own measure."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.conftest import MakeStore, MakeUser
from tests.makers.live_cameras import make_feed
from tests.makers.scored_hours import make_days, make_hour, make_measure, make_score
from video_classifier.http.permissions import MAY_NOT_MEASURE
from video_classifier.models import Camera, CandidateScore, Measure, PlantedAct
from video_classifier.services import measure_words, measures
from video_classifier.states import EndOfMeasure, Role, Verdict
from video_classifier.web.tails import tail

pytestmark = pytest.mark.postgresql

NOW = timezone.now().replace(minute=0, second=0, microsecond=0)
FIGURES = {
    "rank": 6,
    "rate": {"count": 5, "days": 3.0, "recordings": 72},
    "high_interval": [0.6, 0.8],
    "noticed": {"count": 0, "of": 0, "people": 0, "low": None, "high": None},
    "uncertain_noticed": {"count": 0, "of": 0, "people": 0, "low": None, "high": None},
    "uncertain_a_day": 2.0,
    "promised": [1.0, 2.0],
    "scene": "of-before",
}


@pytest.fixture
def camera(make_store: MakeStore) -> Camera:
    return Camera.objects.create(store=make_store(), name="Aisle 4")


@pytest.fixture
def measured(camera: Camera) -> Camera:
    """With two days of footage."""
    make_days(camera, 2, before=NOW)
    return camera


@pytest.fixture
def boss(make_user: MakeUser) -> User:
    return make_user("boss", roles=[Role.MANAGER])


@pytest.fixture
def manager(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


def page(client: Client, camera: Camera, **query: str | int) -> str:
    return unescape(client.get(f"/cameras/{camera.pk}/measure/", query).content.decode())


def take(client: Client, camera: Camera, **fields: str) -> Any:
    sent = {"budget": "1", "thefts": "1", "first": "", "last": "", "before": ""} | fields
    return client.post(f"/cameras/{camera.pk}/measure/", sent)


# What it says


def test_until_it_is_measured_the_promise_is_the_models(manager: Client, camera: Camera) -> None:
    html = page(manager, camera)

    assert measure_words.UNTIL_MEASURED in html
    assert measures.NOT_SCORED in html
    assert "Use these thresholds" not in html


def test_too_little_footage_says_what_is_there_and_what_is_missing(
    manager: Client, camera: Camera
) -> None:
    make_hour(camera, NOW, [0.2, 0.4])

    html = page(manager, camera)

    assert "1.0 h of this camera in 1 recording or live hour" in html
    assert "so 23.0 h are missing" in html
    assert "Use these thresholds" not in html


def test_a_budget_is_previewed_with_promise_basis_plot_and_table(
    manager: Client, measured: Camera
) -> None:
    html = page(manager, measured, budget="0.5", thefts="1")

    assert "at most 0.5 false hints a day if 1 case of shoplifting a day is among" in html
    assert "48.0 h of this camera" in html
    assert '<polyline class="tail__line"' in html
    assert "Scores as a table" in html
    assert not Measure.objects.exists()


def test_the_preview_alone_is_served_to_htmx(manager: Client, measured: Camera) -> None:
    address = f"/cameras/{measured.pk}/measure/?budget=1&thefts=1"
    response = manager.get(address, headers={"HX-Request": "true", "HX-Target": "preview"})

    html = response.content.decode()
    assert html.lstrip().startswith('<div class="preview" id="preview"')
    assert "HX-Request" in response["Vary"]
    assert "<html" not in html


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"budget": "0", "thefts": "1"}, measures.NO_BUDGET),
        ({"budget": "few", "thefts": "1"}, measures.WRONG_BUDGET),
        ({"budget": "nan", "thefts": "1"}, measures.WRONG_BUDGET),
        ({"budget": "1", "thefts": ""}, measures.WRONG_THEFTS),
        ({"budget": "1", "thefts": "1", "first": "monday"}, "Write the day as"),
        (
            {"budget": "1", "thefts": "1", "first": "2026-11-20", "last": "2026-11-10"},
            measures.WRONG_DAYS,
        ),
    ],
)
def test_what_is_wrong_with_a_budget_is_a_sentence(
    manager: Client, measured: Camera, query: dict[str, str], says: str
) -> None:
    html = page(manager, measured, **query)

    assert says in html
    assert "Use these thresholds" not in html


def test_who_does_not_manage_the_store_only_reads(client: Client, measured: Camera) -> None:
    html = page(client, measured)

    assert "A manager of the store can set a budget." in html
    assert "Note the act" not in html
    assert "Preview" not in html
    assert take(client, measured).status_code == 403
    acts = client.post(f"/cameras/{measured.pk}/acts/", {})
    assert MAY_NOT_MEASURE in unescape(acts.content.decode())


# Taken and ended


def test_a_measure_is_taken_and_says_who_and_when(
    manager: Client, measured: Camera, boss: User
) -> None:
    response = take(manager, measured)

    assert response.status_code == 302
    measure = Measure.objects.get()
    html = page(manager, measured)
    assert "by boss, with the model i3d_person" in html
    assert measure_words.of_measure(measure).promise in html
    assert "In force" in html
    assert measure_words.UNTIL_MEASURED not in html


def test_each_form_has_its_token(manager: Client, measured: Camera) -> None:
    take(manager, measured)
    manager.post(
        f"/cameras/{measured.pk}/acts/", {"at": "2026-07-01T14:03", "seconds": "9", "note": ""}
    )
    act = PlantedAct.objects.get()
    manager.post(f"/cameras/{measured.pk}/acts/{act.pk}/delete/")

    html = page(manager, measured, budget=1, thefts=1, undo="signed")

    _, _, main = html.partition("<main")
    forms = main.partition("</main>")[0].split("<form")[1:]
    sent = [each.partition("</form>")[0] for each in forms if 'method="post"' in each]
    assert len(sent) == 4
    assert [each for each in sent if "csrfmiddlewaretoken" not in each] == []


def test_going_back_to_the_model_is_one_click(manager: Client, measured: Camera) -> None:
    take(manager, measured)
    measure = Measure.objects.get()

    manager.post(f"/cameras/{measured.pk}/measure/end/", {"before": measure.pk})

    measure.refresh_from_db()
    assert measure.end == EndOfMeasure.REMOVED
    html = page(manager, measured)
    assert measure_words.UNTIL_MEASURED in html
    assert "Somebody went back to the model's own threshold" in html


def test_ending_it_twice_says_so(manager: Client, measured: Camera) -> None:
    take(manager, measured)
    where, sent = f"/cameras/{measured.pk}/measure/end/", {"before": Measure.objects.get().pk}
    manager.post(where, sent)

    response = manager.post(where, sent, follow=True)

    assert measures.ENDED in response.content.decode()


def test_who_comes_second_is_told_and_changes_nothing(manager: Client, measured: Camera) -> None:
    take(manager, measured)

    response = take(manager, measured, budget="5")

    assert response.status_code == 409
    assert measures.MEANWHILE in unescape(response.content.decode())
    assert Measure.objects.get().budget == 1


def test_a_form_that_is_not_valid_changes_nothing(manager: Client, measured: Camera) -> None:
    assert take(manager, measured, budget="few").status_code == 422
    assert take(manager, measured, budget="0").status_code == 409
    assert not Measure.objects.exists()


def test_drift_and_another_scene_ask_for_a_new_measure(
    manager: Client, make_store: MakeStore
) -> None:
    feed = make_feed(make_store())
    make_hour(feed.camera, NOW, [0.2])
    make_measure(feed.camera, now=NOW, figures=FIGURES, drift={"has_drifted": True})

    html = page(manager, feed.camera)

    assert "differ from those that were measured" in html
    assert "ignored zones were changed" in html


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({}, "compared with those of a week once it is a week old"),
        ({"checked_at": NOW, "drift": {}}, "nobody knows whether they have changed"),
        ({"checked_at": NOW, "recordings": 7}, "7 recordings are too few to say whether scores"),
        ({"checked_at": NOW, "recordings": 24}, "Scores haven't changed notably"),
    ],
    ids=["not yet", "nothing", "few", "enough"],
)
def test_what_the_weekly_look_found_is_said(
    manager: Client, camera: Camera, facts: dict[str, Any], says: str
) -> None:
    make_hour(camera, NOW, [0.2])
    recordings = facts.pop("recordings", 0)
    drift = {"statistic": 0.05, "p_value": 0.4, "has_drifted": False, "recordings": recordings}
    make_measure(camera, now=NOW, figures=FIGURES, **{"drift": drift} | facts)

    assert says in page(manager, camera)


# Acts for a test


def plant(client: Client, camera: Camera, **fields: str) -> Any:
    sent = {"at": "2026-07-01T14:03:20", "seconds": "20", "note": "Scarf"} | fields
    return client.post(f"/cameras/{camera.pk}/acts/", sent)


def test_an_act_is_noted_by_the_clock_of_the_store(manager: Client, camera: Camera) -> None:
    camera.store.time_zone = "Europe/Berlin"
    camera.store.save()

    plant(manager, camera)

    act = PlantedAct.objects.get()
    assert act.started_at.isoformat() == "2026-07-01T12:03:20+00:00"
    assert "1 Jul 2026, 14:03:20 CEST" in page(manager, camera)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"at": "noon"}, "Write day and time"),
        ({"at": "2199-07-01T14:03:20"}, "still to come"),
        ({"seconds": "0"}, "how long"),
        ({"note": "x" * 300}, "200 characters"),
    ],
)
def test_what_is_wrong_with_an_act_is_a_sentence(
    manager: Client, camera: Camera, fields: dict[str, str], says: str
) -> None:
    response = plant(manager, camera, **fields)

    assert response.status_code == 422
    assert says in unescape(response.content.decode())
    assert not PlantedAct.objects.exists()


def test_a_deleted_act_can_be_brought_back(manager: Client, camera: Camera) -> None:
    plant(manager, camera)
    act = PlantedAct.objects.get()

    response = manager.post(f"/cameras/{camera.pk}/acts/{act.pk}/delete/", follow=True)

    assert not PlantedAct.objects.exists()
    assert "The act was deleted." in response.content.decode()
    undo = response.context["undo"]
    manager.post(undo)
    assert PlantedAct.objects.get().note == "Scarf"


def test_an_act_of_another_camera_is_not_found(
    manager: Client, camera: Camera, make_store: MakeStore
) -> None:
    other = Camera.objects.create(store=make_store(), name="Till")
    plant(manager, camera)
    act = PlantedAct.objects.get()

    assert manager.post(f"/cameras/{other.pk}/acts/{act.pk}/delete/").status_code == 404


def test_so_many_queries_however_much_was_scored(manager: Client, camera: Camera) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            page(manager, camera, budget=1, thefts=1)
        return len(asked)

    make_days(camera, 1, before=NOW)
    take(manager, camera)
    page(manager, camera)  # which says that it was taken
    few = queries()
    make_days(camera, 2, before=NOW - timedelta(days=1))

    assert queries() == few == 26  # one counts the preview


def test_hints_without_an_answer_are_no_promise_of_few_false_ones(
    manager: Client, measured: Camera
) -> None:
    """Nobody has answered yet, so that not "0 in 2.0 days: fewer than 1.8 a day (95 %)"."""
    for minutes in (5, 15):
        at = NOW - timedelta(minutes=minutes)
        make_score(measured, at, 0.9, is_hint=True).save()

    shown = page(manager, measured)

    assert "0 to 2 in 2.0 days: 0 to 3.6 a day (95 %)" in shown
    assert "fewer than 1.8 a day" not in shown
    assert "2 hints have no clear answer yet: the higher figures take them for false." in shown

    CandidateScore.objects.filter(is_hint=True).update(verdict=Verdict.FALSE_ALARM)
    assert "2 in 2.0 days: 1.0 a day (95 %: 0.12 to 3.6)" in page(manager, measured)


# By group


def test_groups_are_shown_with_what_is_too_few_and_what_is_not_measured(
    manager: Client, measured: Camera
) -> None:
    html = page(manager, measured)

    for title in ("Brightness of clothes", "Size in the picture", "Light", "Time of day"):
        assert title in html
    assert "480 candidates of" in html
    assert "morning (6 to 12 h) <span" in html  # too few: it is of two or three days
    assert "Not known of 480 candidates." in html
    assert "darkest quarter" not in html
    assert "Age, sex, build and skin are not measured" in html


def test_without_candidates_there_are_no_groups(manager: Client, camera: Camera) -> None:
    make_hour(camera, NOW)

    assert "false hints by group" not in page(manager, camera)


# The drawing


def test_the_tail_goes_down_from_the_left_to_the_right() -> None:
    found = tail([0.1, 0.5, 0.6, 0.9], 2.0, low=0.55, high=0.8)

    assert found is not None
    assert found.first == 0.4
    points = [tuple(map(float, each.split(","))) for each in found.points.split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted(y for _, y in points)
    assert [(row.score, row.count, row.rate) for row in found.rows][:3] == [
        ("0.90", 1, "0.5"),
        ("0.80", 1, "0.5"),
        ("0.70", 1, "0.5"),
    ]
    assert "1 of 4 reach the threshold of 0.80, and 1 lie below it" in found.summary


def test_of_nothing_there_is_no_tail() -> None:
    assert tail([], 2.0, low=0.5, high=0.8) is None


def test_a_long_tail_is_thinned_out_but_for_its_end() -> None:
    found = tail([number / 20_000 for number in range(20_000)], 1.0, low=0.2, high=0.9)

    assert found is not None
    assert len(found.points.split()) < 1300


# Nobody's browser sends this


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_of_the_calendar_are_days_like_others(
    manager: Client, measured: Camera, day: str
) -> None:
    store = measured.store
    for zone in ("Asia/Tokyo", "America/New_York"):
        store.time_zone = zone
        store.save()

        for name in ("first", "last"):
            sent = {"budget": "1", "thefts": "1", name: day}
            answer = manager.get(f"/cameras/{measured.pk}/measure/", sent)
            assert answer.status_code == 200, (zone, name)


@pytest.mark.parametrize("year", ["0001-01-01", "9999-12-31"])
def test_an_act_at_the_end_of_the_calendar_is_refused(
    manager: Client, camera: Camera, year: str
) -> None:
    for zone in ("Asia/Tokyo", "America/New_York"):
        camera.store.time_zone = zone
        camera.store.save()

        answer = manager.post(
            f"/cameras/{camera.pk}/acts/", {"at": f"{year}T00:00:01", "seconds": "30"}
        )
        assert answer.status_code == 422, zone


@pytest.mark.parametrize("typed", ["nan", "inf", "-1", "1e308", "-1e308", "1e999", "0"])
def test_numbers_that_are_none_are_refused(manager: Client, measured: Camera, typed: str) -> None:
    assert take(manager, measured, budget=typed).status_code in {409, 422}
    assert take(manager, measured, thefts=typed if typed != "0" else "-0.1").status_code in {
        409,
        422,
    }
    assert not Measure.objects.exists()


@pytest.mark.parametrize("undo", ["a/b", "../../", "x" * 5000, "\u0663", "%00"])
def test_an_address_with_another_way_back_is_shown_all_the_same(
    manager: Client, camera: Camera, undo: str
) -> None:
    answer = manager.get(f"/cameras/{camera.pk}/measure/", {"undo": undo})

    assert answer.status_code == 200


@pytest.mark.parametrize("pk", ["9" * 18, "9" * 30])
def test_numbers_of_no_row_are_not_found(manager: Client, camera: Camera, pk: str) -> None:
    assert manager.get(f"/cameras/{pk}/measure/").status_code == 404
    assert manager.post(f"/cameras/{camera.pk}/acts/{pk}/delete/").status_code == 404
    ended = manager.post(f"/cameras/{camera.pk}/measure/end/", {"before": pk})
    assert ended.status_code == 302
