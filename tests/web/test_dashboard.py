"""The page of the dashboard: what waits, the figures, the drawings, and the file."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeUser
from tests.makers.live_cameras import faulty, make_feed
from tests.makers.reviews import answer, make_hint
from video_classifier.http.permissions import NO_STORE
from video_classifier.models import Analysis, AuditEntry, Camera, Review
from video_classifier.services.figures import Figures
from video_classifier.services.periods import DAYS, WEEKS
from video_classifier.states import Action, Answer, Status, Turn
from video_classifier.web import charts
from video_classifier.web.dashboard import Row

pytestmark = pytest.mark.postgresql

PAGE, FILE = "/dashboard/", "/dashboard.csv"
Made = Callable[..., Analysis]


@pytest.fixture
def made(make_clip: MakeClip, make_analysis: MakeAnalysis) -> Made:
    """A finished analysis of a clip of just now."""

    def make(*, model: str = "standard", **fields: Any) -> Analysis:
        clip = make_clip(**{"duration": 1800.0} | fields)
        return make_analysis(clip=clip, status=Status.DONE, model=model)

    return make


def page(client: Client, **query: Any) -> str:
    return html.unescape(client.get(PAGE, query).content.decode())


def lines(client: Client, **query: Any) -> list[dict[str, str]]:
    text = client.get(FILE, query).getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


# What is going on


def test_without_anything_it_says_so_and_shows_no_zeros(client: Client) -> None:
    shown = page(client)

    assert "Nothing to count yet" in shown
    assert "No camera is watched live." in shown
    assert "No clip of today has been analyzed." in shown
    assert '<svg class="chart"' not in shown
    assert "Download CSV" not in shown


def test_who_belongs_to_no_store_reads_whom_to_ask(make_user: MakeUser) -> None:
    client = Client()
    client.force_login(make_user("nobody", roles=[]))

    assert NO_STORE in page(client)


def test_it_says_how_many_hints_wait_and_what_happened_today(
    client: Client, user: User, made: Made
) -> None:
    analysis = made()
    make_hint(analysis, waits_for=Turn.FIRST)
    make_hint(analysis, start=9.0, waits_for=Turn.SECOND, verdict="confirmed")
    mine = make_hint(analysis, start=20.0, waits_for=Turn.SECOND)
    answer(mine, Answer.CONFIRMED, at=timezone.now(), by=user)  # it waits for somebody else

    shown = page(client)

    assert '<p class="now__number">2</p>' in shown
    assert '<a href="/review/">Review them</a>' in shown
    assert "3 hints</p>" in shown
    assert "in 1 clip that was analyzed; 1 without an answer" in shown


def test_it_names_the_cameras_that_are_not_live(client: Client, make_store: MakeStore) -> None:
    make_feed(make_store(), "Till 1")
    make_feed(make_store(), "Till 2", **faulty())
    make_feed(make_store(), "Till 3", is_enabled=False)
    make_feed(make_store("North"), "Not mine", **faulty())

    shown = page(client)

    assert "of 2 not live" in shown
    assert ">Till 2</a>: Offline" in shown
    assert ">Till 3</a>" not in shown
    assert "Not mine" not in shown


# Figures


def test_precision_has_its_interval(client: Client, made: Made) -> None:
    analysis = made()
    for number in range(4):
        what = Answer.CONFIRMED if number else Answer.FALSE_ALARM
        answer(make_hint(analysis, start=10.0 * number), what, at=timezone.now())

    shown = page(client)

    assert "75 % (30 to 95 %)" in shown
    assert "Precision a week" in shown


def test_what_is_not_measured_yet_is_no_zero(client: Client, made: Made) -> None:
    made()

    assert page(client).count("Not known yet") == 2


def test_agreement_and_misses_have_intervals(
    client: Client, user: User, made: Made, make_user: MakeUser
) -> None:
    analysis, now, dana = made(), timezone.now(), make_user("dana")
    for number, what in enumerate((Answer.CONFIRMED, Answer.FALSE_ALARM)):
        hint = make_hint(analysis, start=10.0 * number)
        answer(hint, what, at=now, by=user)
        answer(hint, what, at=now, by=dana)
    Review.objects.create(
        clip=analysis.clip, answer=Answer.FALSE_ALARM, by=user, is_blind=True, start=1.0, end=2.0
    )

    shown = page(client)

    assert "<strong>1.00 (-0.32 to 1.00)</strong>" in shown
    assert "2 of 2 pairs of answers are the same" in shown
    assert "<strong>0 % (0 to 79 %)</strong>" in shown
    assert "0 of 1 ordinary stretches" in shown


def test_without_answers_there_is_no_precision(client: Client, made: Made) -> None:
    make_hint(made())

    shown = page(client)

    assert "Hints a week" in shown
    assert "Precision a week" not in shown


def test_figures_of_several_are_told_apart_and_lead_to_each(
    client: Client, made: Made, make_store: MakeStore
) -> None:
    door = Camera.objects.create(store=make_store(), name="Door")
    make_hint(made(camera=door, model="one"))
    made(model="two")

    shown = page(client, span="days")

    assert "By day" in shown
    assert f'<a href="/dashboard/?span=days&camera={door.pk}">Door</a>' in shown
    assert "No camera named" in shown
    assert '<a href="/dashboard/?span=days&model=two">two</a>' in shown
    assert "By store" not in shown


def test_filters_narrow_all_figures(client: Client, made: Made) -> None:
    make_hint(made(model="one"))
    made(model="two")

    (row,) = lines(client, model="two")

    assert (row["model"], row["clips"], row["hints"]) == ("two", "1", "0")
    assert "0 hints in 1 clips" in page(client, model="two")


@pytest.mark.parametrize(
    "query",
    [{"store": "7000000"}, {"camera": "x"}, {"model": "moon"}, {"span": "ages"}, {"store": "\0"}],
)
def test_an_invalid_filter_shows_nothing_rather_than_all(
    client: Client, made: Made, query: dict[str, str]
) -> None:
    make_hint(made())

    assert "These filters are not valid" in page(client, **query)
    assert lines(client, **query) == []


def test_htmx_gets_the_figures_alone(client: Client, made: Made) -> None:
    made()

    response = client.get(PAGE, headers={"HX-Request": "true"})

    assert response["Vary"] == "HX-Request, Cookie"
    assert response.content.decode().lstrip().startswith('<section id="figures"')


def test_rows_beyond_the_most_are_in_the_file(
    client: Client, made: Made, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("video_classifier.web.dashboard.MOST_ROWS", 2)
    for number in range(4):
        made(camera=Camera.objects.create(store=make_store(), name=f"Camera {number}"))

    assert "2 more are in the CSV." in page(client)
    assert len(lines(client)) == 4


def test_it_asks_no_more_the_more_there_is(
    client: Client, made: Made, make_store: MakeStore
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(PAGE)
        return len(asked)

    make_hint(made(camera=Camera.objects.create(store=make_store(), name="Door")))
    few = queries()
    for number in range(8):
        make_hint(made(camera=Camera.objects.create(store=make_store(), name=f"Till {number}")))

    assert queries() <= few


# The file


def test_the_file_has_a_line_for_each_week_camera_and_model(
    client: Client, made: Made, user: User
) -> None:
    answer(make_hint(made()), Answer.CONFIRMED, at=timezone.now() + timedelta(seconds=90))

    (row,) = lines(client)

    assert (row["clips"], row["hours"], row["hints"], row["confirmed"]) == ("1", "0.5", "1", "1")
    assert (row["precision"], row["precision_high"]) == ("1.0", "1.0")
    assert row["store"] == "Main"
    assert 80 < float(row["answered_after_s"]) < 100
    entry = AuditEntry.objects.get(action=Action.EXPORTED)
    assert (entry.actor, entry.object_type, entry.details) == (user.pk, "figures", {"rows": 1})


def test_looking_at_the_head_is_no_export(client: Client) -> None:
    client.head(FILE)

    assert not AuditEntry.objects.filter(action=Action.EXPORTED).exists()


def test_a_name_in_the_file_is_no_formula(
    client: Client, made: Made, make_store: MakeStore
) -> None:
    made(camera=Camera.objects.create(store=make_store(), name="=1+1"))

    assert [row["camera"] for row in lines(client)] == ["'=1+1"]


# Drawings


def rows(*hints: int) -> list[Row]:
    return [
        Row(name=f"day {n}", day=str(n), figures=Figures(clips=1, unanswered=each))
        for n, each in enumerate(hints)
    ]


@pytest.mark.parametrize(
    ("hints", "room"), [(0, 2), (1, 2), (3, 4), (5, 10), (11, 20), (41, 100), (900, 1000)]
)
def test_the_scale_is_round(hints: int, room: int) -> None:
    assert charts.room_for(hints) == room


def test_bars_are_stacked_and_fit() -> None:
    figures = Figures(clips=1, confirmed=3, false_alarms=2, unsure=1, disputed=1, unanswered=3)

    (column,) = charts.drawing([Row(name="today", figures=figures)], DAYS).columns

    assert [part.kind for part in column.parts] == ["confirmed", "false-alarm", "unclear", "open"]
    assert sum(part.height for part in column.parts) == pytest.approx(1)
    assert column.parts[-1].top == pytest.approx(0)
    assert column.hints_title == (
        "today: hints 10, confirmed 3, false alarms 2, unclear 2, no answer 3"
    )


def test_a_drawing_is_said_in_a_sentence() -> None:
    found = charts.drawing(rows(2, 0, 7), WEEKS)

    assert found.hints_summary == "9 hints in 3 weeks, at most 7 in one."
    assert (found.most, found.half, found.has_precision) == (10, "5", False)


def test_some_dates_are_named_the_last_always() -> None:
    named = [each.is_named for each in charts.drawing(rows(*range(52)), WEEKS).columns]

    assert named[-1]
    assert sum(named) == 6


def test_a_day_without_clips_is_no_zero() -> None:
    row = Row(name="day", figures=Figures())

    assert {text for _, text in row.cells} == {"-"}
    (column,) = charts.drawing([row], DAYS).columns
    assert column.hints_title == "day: no clips"


def test_of_an_hour_that_comes_twice_both_are_in_the_day(
    client: Client, made: Made, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store("Berlin", time_zone="Europe/Berlin")
    for hour in (0, 1):  # 2:30 in summer time, and 2:30 again
        at = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
        make_hint(made(store=store, recorded_at=at, uploaded_at=at, recorded_from="given"))
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 10, 26, 12, tzinfo=UTC))
    client.force_login(User.objects.create_superuser("root"))

    (row,) = lines(client, span="days", store=store.pk)

    assert (row["from"], row["to"], row["hints"]) == ("2026-10-25", "2026-10-25", "2")
