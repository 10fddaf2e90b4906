"""The history as a file for spreadsheets."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from tests.conftest import EVEN, MakeAnalysis, MakeClip, MakeModel, MakeStore
from video_classifier.models import Analysis
from video_classifier.services import catalog, exports
from video_classifier.states import Prediction, Status, View


def exported() -> list[dict[str, str]]:
    text = "".join(exports.history_csv(Analysis.objects.for_listing()))
    assert text.startswith("\ufeff")  # or Excel misreads every accent
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
    assert line["queued_at (UTC)"] == "2025-05-01 12:30:00"


def test_times_are_local_and_their_zone_is_said(
    make_analysis: MakeAnalysis, settings: Settings
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    make_analysis(queued_at=datetime(2025, 5, 1, 23, 30, tzinfo=UTC))

    (line,) = exported()

    assert line["queued_at (Europe/Berlin)"] == "2025-05-02 01:30:00"


def test_a_recording_time_is_the_stores_with_its_offset(
    make_analysis: MakeAnalysis, make_clip: MakeClip, make_store: MakeStore
) -> None:
    at = datetime(2026, 11, 26, 13, 30, tzinfo=UTC)
    store = make_store("Nord", time_zone="Europe/Berlin")
    make_analysis(clip=make_clip(store=store, recorded_at=at, recorded_from="name"))

    (line,) = exported()

    assert (line["recorded"], line["recorded_from"]) == ("2026-11-26 14:30:00+01:00", "name")


def test_semicolons_go_with_decimal_commas(make_analysis: MakeAnalysis) -> None:
    make_analysis(
        name="=till;1.5.mp4", status=Status.DONE, score=0.25, prediction=Prediction.NO_HINT
    )

    lines = exports.history_csv(Analysis.objects.for_listing(), semicolons=True)
    (line,) = csv.DictReader(io.StringIO("".join(lines).removeprefix("\ufeff")), delimiter=";")

    assert (line["score"], line["clip"]) == ("0,25", "'=till;1.5.mp4")
    assert line["width"] == str(Analysis.objects.get().clip.width)


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

    assert "shoplifter" not in "".join(exports.history_csv(Analysis.objects.for_listing()))


def test_what_is_not_known_yet_stays_empty(make_analysis: MakeAnalysis) -> None:
    make_analysis()

    (line,) = exported()

    assert (line["prediction"], line["score"], line["finished_at (UTC)"]) == ("", "", "")


def test_only_what_was_asked_for_and_in_its_order(make_analysis: MakeAnalysis) -> None:
    for name in ("b.mp4", "a.mp4", "c.mp4"):
        make_analysis(name=name)

    wanted = Analysis.objects.exclude(clip__name="c.mp4").order_by("clip__name")
    lines = list(exports.history_csv(wanted))

    assert len(lines) == 3
    assert "a.mp4" in lines[1]
    assert "b.mp4" in lines[2]


FULL_WIDTH = [chr(ord(sign) + 0xFEE0) for sign in "=+-@"]


@pytest.mark.parametrize("start", [*"=+-@\t\r\n", " =", *FULL_WIDTH])
def test_a_name_that_is_a_formula_is_made_harmless(make_analysis: MakeAnalysis, start: str) -> None:
    name = f"{start}HYPERLINK(0)"
    make_analysis(name=name)

    (line,) = exported()

    assert line["clip"] == f"'{name}"


def test_a_number_stays_a_number(make_analysis: MakeAnalysis) -> None:
    make_analysis(name="1-2.mp4", status=Status.DONE, score=1e-05, prediction=Prediction.NO_HINT)

    (line,) = exported()

    assert float(line["score"]) == 1e-05
    assert line["clip"] == "1-2.mp4"


def test_queries_do_not_grow_with_the_lines(
    make_analysis: MakeAnalysis, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        make_analysis()

    with django_assert_num_queries(1):
        exported()
