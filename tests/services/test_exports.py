"""The history, and the events in it, as tables."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pytest_django import DjangoAssertNumQueries

from tests.conftest import EVEN, MakeAnalysis, MakeClip, MakeModel, MakeStore, MakeTrack
from tests.makers.footage import ROOT
from video_classifier.models import Analysis, Event
from video_classifier.querysets import AnalysisQuerySet
from video_classifier.services import catalog, exports, spreadsheets
from video_classifier.services.spreadsheets import Table
from video_classifier.states import Prediction, RecordedFrom, Status, ThresholdOrigin, View


def exported() -> list[dict[str, str]]:
    rows = Analysis.objects.for_listing()
    return read(exports.analyses_table(rows, in_pairs(rows)))


def exported_events() -> list[dict[str, str]]:
    link = "https://example.org{}".format
    rows = Analysis.objects.for_listing()
    return read(exports.events_table(rows, in_pairs(rows), link=link))


def in_pairs(rows: AnalysisQuerySet) -> list[list[UUID]]:
    """Their keys, two at a time."""
    keys = list(rows.values_list("pk", flat=True))
    return [keys[at : at + 2] for at in range(0, len(keys), 2)]


def read(table: Table) -> list[dict[str, str]]:
    text = "".join(spreadsheets.csv_lines(table))
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_line_says_all_about_an_analysis(make_analysis: MakeAnalysis) -> None:
    made = make_analysis(
        name="till.mp4",
        status=Status.DONE,
        prediction=Prediction.NO_HINT,
        score=0.25,
        model_sha256="ab" * 32,
        warnings=["It was cut off.", "It is dark."],
        queued_at=datetime(2025, 5, 1, 12, 30, tzinfo=UTC),
    )

    (line,) = exported()

    assert (line["clip"], line["sha256"]) == ("till.mp4", made.clip.sha256)
    assert (line["prediction"], line["score"], line["threshold"]) == ("No hint", "0.25", "0.5")
    assert (line["model"], line["model_sha256"]) == ("standard", "ab" * 32)
    assert line["warnings"] == "It was cut off. It is dark."
    assert line["queued_at"] == "2025-05-01T12:30:00+00:00"


@pytest.mark.parametrize(
    ("hour", "written"),
    [
        (0, "2025-10-26T02:30:00+02:00"),
        (1, "2025-10-26T02:30:00+01:00"),  # the clock was set back in between
    ],
)
def test_times_are_those_of_the_store_with_their_offset(
    make_analysis: MakeAnalysis, make_clip: MakeClip, make_store: MakeStore, hour: int, written: str
) -> None:
    clip = make_clip(store=make_store("Berlin", time_zone="Europe/Berlin"))
    make_analysis(clip=clip, queued_at=datetime(2025, 10, 26, hour, 30, tzinfo=UTC))

    (line,) = exported()

    assert line["queued_at"] == written


def test_a_recording_time_is_the_stores_with_its_offset(
    make_analysis: MakeAnalysis, make_clip: MakeClip, make_store: MakeStore
) -> None:
    at = datetime(2026, 11, 26, 13, 30, tzinfo=UTC)
    store = make_store("Nord", time_zone="Europe/Berlin")
    make_analysis(clip=make_clip(store=store, recorded_at=at, recorded_from="name"))

    (line,) = exported()

    assert line["recorded_at"] == "2026-11-26T14:30:00+01:00"
    assert line["recorded_from"] == "name"


def test_a_line_says_which_track_has_the_score(make_analysis: MakeAnalysis) -> None:
    make_analysis(
        status=Status.DONE,
        view=View.PERSON,
        decided_by=2,
        tracks_found=3,
        detector_sha256="d" * 64,
    )

    (line,) = exported()

    assert (line["view"], line["highest_score_track"], line["tracks_found"]) == ("person", "2", "3")
    assert line["detector_sha256"] == "d" * 64


def test_where_nobody_was_looked_for_there_is_no_number_of_tracks(
    make_analysis: MakeAnalysis,
) -> None:
    make_analysis(status=Status.DONE)

    (line,) = exported()

    assert (line["view"], line["highest_score_track"], line["tracks_found"]) == ("frame", "", "")


def test_a_line_has_the_confidence_and_what_it_means(
    make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model(confidence=EVEN)
    known = catalog.usable("standard").sha256
    make_analysis(status=Status.DONE, score=0.75, model_sha256=known)

    (line,) = exported()

    ends = (line["confidence"], line["confidence_low"], line["confidence_high"])
    assert ends == ("0.75", "0.5", "0.9")
    assert "75 of 100 such hints were thefts (50 to 90)" in line["confidence_means"]


def test_without_a_result_a_line_has_the_reason(make_analysis: MakeAnalysis) -> None:
    make_analysis(
        status=Status.DONE,
        prediction=Prediction.NO_RESULT,
        reason="Nobody could be seen.",
        score=None,
    )

    (line,) = exported()

    assert (line["prediction"], line["reason"]) == ("No result", "Nobody could be seen.")
    assert (line["score"], line["confidence"], line["confidence_means"]) == ("", "", "")


def test_no_line_calls_anybody_a_shoplifter(make_analysis: MakeAnalysis) -> None:
    for prediction in (Prediction.HINT, Prediction.NO_HINT):
        make_analysis(status=Status.DONE, prediction=prediction)

    assert "shoplifter" not in str(exported())


def test_what_is_not_known_yet_stays_empty(make_analysis: MakeAnalysis) -> None:
    make_analysis()

    (line,) = exported()

    assert (line["prediction"], line["score"], line["finished_at"]) == ("", "", "")


def test_only_what_was_asked_for_and_in_its_order(make_analysis: MakeAnalysis) -> None:
    for name in ("b.mp4", "a.mp4", "c.mp4"):
        make_analysis(name=name)

    wanted = Analysis.objects.exclude(clip__name="c.mp4").order_by("clip__name")
    lines = read(exports.analyses_table(Analysis.objects.all(), in_pairs(wanted)))

    assert [line["clip"] for line in lines] == ["a.mp4", "b.mp4"]


def test_what_nobody_may_see_any_longer_is_left_out(make_analysis: MakeAnalysis) -> None:
    keys = [[make_analysis(name=name).pk for name in ("a.mp4", "b.mp4", "c.mp4")]]

    lines = read(exports.analyses_table(Analysis.objects.exclude(clip__name="b.mp4"), keys))

    assert [line["clip"] for line in lines] == ["a.mp4", "c.mp4"]


def test_queries_do_not_grow_with_the_lines(
    make_analysis: MakeAnalysis, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    keys = [[make_analysis().pk for _ in range(5)]]

    with django_assert_num_queries(1):
        read(exports.analyses_table(Analysis.objects.all(), keys))


# Events


@pytest.fixture
def hint(make_analysis: MakeAnalysis, make_track: MakeTrack) -> Analysis:
    """With two events, of which the second is the stronger."""
    made = make_analysis(
        name="till.mp4", status=Status.DONE, score=0.8, view=View.PERSON, decided_by=2
    )
    track = make_track(analysis=made, number=2)
    for number, start, score in ((1, 12.0, 0.6), (2, 61.5, 0.8)):
        Event.objects.create(
            analysis=made,
            number=number,
            segment=track.segment,
            track=track,
            start=start,
            end=start + 6,
            peak=start + 2.5,
            score=score,
        )
    return made


@pytest.mark.usefixtures("hint")
def test_a_line_sums_up_the_events() -> None:
    (line,) = exported()

    figures = (line["events"], line["strongest_event"], line["first_event_s"])
    assert figures == ("2", "0.8", "12.0")


@pytest.mark.parametrize(
    ("fields", "events"),
    [
        ({"status": Status.DONE, "prediction": Prediction.NO_HINT, "score": 0.1}, "0"),
        ({"status": Status.DONE}, ""),  # a hint from before events were kept
        ({"status": Status.QUEUED}, ""),
    ],
)
def test_where_nobody_knows_of_events_their_number_is_empty(
    make_analysis: MakeAnalysis, fields: dict[str, Any], events: str
) -> None:
    make_analysis(**fields)

    (line,) = exported()

    assert (line["events"], line["strongest_event"], line["first_event_s"]) == (events, "", "")


def test_an_event_is_a_line(hint: Analysis) -> None:
    first, second = exported_events()

    assert (first["clip"], first["store"], first["event"]) == ("till.mp4", "Main", "1")
    assert (second["start_s"], second["end_s"], second["peak_s"]) == ("61.5", "67.5", "64.0")
    assert (second["score"], second["threshold"], second["track"]) == ("0.8", "0.5", "2")
    assert second["link"] == f"https://example.org/results/{hint.pk}/events/2/"
    assert second["peak_at"] == ""


def test_what_is_uncertain_is_told_from_hints(hint: Analysis) -> None:
    Analysis.objects.update(low=0.5, threshold=0.7, threshold_origin=ThresholdOrigin.CAMERA)
    Event.objects.filter(number=1).update(is_hint=False)

    first, second = exported_events()
    (line,) = exported()

    assert (first["prediction"], second["prediction"]) == ("Uncertain", "Possible shoplifting")
    assert (first["low_threshold"], first["threshold"]) == ("0.5", "0.7")
    assert (line["low_threshold"], line["threshold_origin"]) == ("0.5", "camera")


def test_events_of_uncertain_clips_are_exported(hint: Analysis) -> None:
    Analysis.objects.update(low=0.5, threshold=0.9, prediction=Prediction.UNCERTAIN)

    assert exports.count_events(Analysis.objects.all()) == 2


def test_the_clock_of_an_event_is_the_stores(hint: Analysis) -> None:
    hint.clip.recorded_at = datetime(2025, 10, 26, 0, 59, tzinfo=UTC)
    hint.clip.recorded_from = RecordedFrom.GIVEN
    hint.clip.save()
    hint.clip.store.time_zone = "Europe/Berlin"
    hint.clip.store.save()

    first, second = exported_events()

    assert first["peak_at"] == "2025-10-26T02:59:14+02:00"
    assert second["peak_at"] == "2025-10-26T02:00:04+01:00"


def test_events_come_in_the_order_of_their_analyses(
    make_analysis: MakeAnalysis, hint: Analysis
) -> None:
    for name in ("b.mp4", "a.mp4"):
        other = make_analysis(name=name, status=Status.DONE)
        for number in (2, 1):
            Event.objects.create(
                analysis=other,
                number=number,
                segment=other.segments.get(),
                start=number,
                end=number + 1,
                peak=number,
                score=0.9,
            )

    rows = Analysis.objects.order_by("clip__name")
    table = exports.events_table(rows, in_pairs(rows), link=str)

    order = [(line["clip"], line["event"]) for line in read(table)]
    assert order == [(f"{name}.mp4", n) for name in ("a", "b", "till") for n in ("1", "2")]


@pytest.mark.parametrize("columns", [exports.ANALYSES, exports.EVENTS])
def test_the_page_on_exports_has_each_column(columns: dict[str, object]) -> None:
    text = (ROOT / "docs/exports.md").read_text(encoding="utf-8")
    titles = {id(exports.ANALYSES): "## Results", id(exports.EVENTS): "## Events"}
    section = text.split(titles[id(columns)])[1].split("\n## ")[0]
    documented = [
        name
        for row in section.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    ]

    assert documented == list(columns)
