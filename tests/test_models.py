"""The rules that the database itself keeps."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError

from tests.conftest import MakeAnalysis, MakeClip, MakePerson
from video_classifier.models import Analysis, HeatMap
from video_classifier.states import Playback, Status, Verdict, View


@pytest.mark.parametrize(
    "broken",
    [
        {"status": Status.DONE, "score": 1.1},
        {"status": Status.DONE, "score": -0.1},
        {"status": Status.DONE, "verdict": ""},
        {"status": Status.DONE, "score": None},
        {"status": Status.DONE, "threshold": None},
        {"status": Status.DONE, "finished_at": None},
        {"status": Status.QUEUED, "verdict": Verdict.SHOPLIFTER},
        {"status": Status.FAILED, "score": 0.5},
        {"status": Status.FAILED, "error": ""},
        {"status": Status.RUNNING, "heartbeat_at": None},
        {"status": Status.DONE, "view": View.PERSON},
        {"status": Status.DONE, "view": View.PERSON, "decided_by": 0},
        {"status": Status.DONE, "decided_by": 1},
    ],
    ids=str,
)
def test_a_row_that_makes_no_sense_is_refused(
    make_analysis: MakeAnalysis, broken: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match="CHECK"):
        make_analysis(**broken)


@pytest.mark.parametrize("broken", [{"number": 0}, {"score": 1.1}, {"score": -0.1}], ids=str)
def test_a_person_that_makes_no_sense_is_refused(
    make_person: MakePerson, broken: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match="CHECK"):
        make_person(**broken)


def test_a_number_stands_for_one_person(
    make_analysis: MakeAnalysis, make_person: MakePerson
) -> None:
    analysis = make_analysis()
    make_person(analysis=analysis, number=3)

    with pytest.raises(IntegrityError, match="UNIQUE"):
        make_person(analysis=analysis, number=3)


@pytest.mark.parametrize(
    "broken",
    [{"status": Status.RUNNING}, {"status": Status.DONE}, {"status": Status.FAILED}],
    ids=str,
)
def test_a_heat_map_that_makes_no_sense_is_refused(
    make_analysis: MakeAnalysis, broken: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match="CHECK"):
        HeatMap.objects.create(analysis=make_analysis(), **broken)


def test_a_copy_has_its_file(make_clip: MakeClip) -> None:
    with pytest.raises(IntegrityError, match="CHECK"):
        make_clip(playback=Playback.COPY)


@pytest.mark.parametrize(
    ("verdict", "score", "confidence"),
    [(Verdict.SHOPLIFTER, 0.9, 0.9), (Verdict.NON_SHOPLIFTER, 0.25, 0.75), ("", None, None)],
)
def test_confidence_belongs_to_the_verdict(
    verdict: str, score: float | None, confidence: float | None
) -> None:
    assert Analysis(verdict=verdict, score=score).confidence == confidence


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"status": Status.RUNNING}, "Running (careful)"),
        ({"status": Status.DONE, "verdict": Verdict.SHOPLIFTER}, "Possible shoplifting (careful)"),
    ],
)
def test_reads_as_staff_may_read_it(fields: dict[str, str], name: str) -> None:
    assert str(Analysis(model="careful", **fields)) == name
