"""Event candidates, found again in the window scores that were stored."""

from __future__ import annotations

import pytest

from tests.conftest import MakeAnalysis, MakeModel, MakeTrack
from video_classifier.models import Analysis
from video_classifier.services import candidates, catalog
from video_classifier.states import Status, View

RUN = [[0.0, 2.0, 0.2], [1.0, 3.0, 0.8], [2.0, 4.0, 0.6]]
LATER = [[20.0, 22.0, 0.5], [21.0, 23.0, 0.4]]  # after more than ten seconds


@pytest.fixture
def analysis(make_analysis: MakeAnalysis) -> Analysis:
    return make_analysis(
        status=Status.DONE, view=View.PERSON, decided_by=1, score=0.8, threshold=0.6
    )


def test_each_run_of_a_track_is_one(analysis: Analysis, make_track: MakeTrack) -> None:
    make_track(analysis=analysis, score=0.8, windows=[*RUN, *LATER])

    found = candidates.of(analysis)

    assert [(each.start, each.end, each.peak, each.score) for each in found] == [
        (0.0, 4.0, 2.0, 0.8),
        (20.0, 23.0, 21.0, 0.5),
    ]
    assert {each.track for each in found} == {1}


def test_they_are_in_order_of_time(analysis: Analysis, make_track: MakeTrack) -> None:
    make_track(analysis=analysis, number=1, score=0.8, windows=LATER)
    make_track(analysis=analysis, number=2, score=0.5, windows=RUN)

    assert [each.track for each in candidates.of(analysis)] == [2, 1]


def test_the_card_says_how_many_windows_count(
    analysis: Analysis, make_track: MakeTrack, make_model: MakeModel
) -> None:
    make_model(best_windows=2)
    analysis.model_sha256 = catalog.usable("standard").sha256
    make_track(analysis=analysis, score=0.7, windows=[*RUN, *LATER])

    assert [each.score for each in candidates.of(analysis)] == [0.7, pytest.approx(0.45)]


def test_rounding_moves_no_score_over_the_threshold(
    analysis: Analysis, make_track: MakeTrack
) -> None:
    make_track(analysis=analysis, score=0.59996, windows=[[0.0, 2.0, 0.6], [1.0, 3.0, 0.2]])

    assert [each.score for each in candidates.of(analysis)] == [0.59996]


def test_none_is_higher_than_the_score_of_its_track_without_the_card(
    analysis: Analysis, make_track: MakeTrack
) -> None:
    make_track(analysis=analysis, score=0.55, windows=[*RUN, [20.0, 22.0, 0.7]])

    assert [each.score for each in candidates.of(analysis)] == [0.55, 0.55]


def test_whole_pictures_have_them_too(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(status=Status.DONE, score=0.8, windows=[[0.0, 9.6, 0.8]])

    assert [(each.track, each.score) for each in candidates.of(analysis)] == [(None, 0.8)]


def test_results_from_before_there_were_windows_have_none(
    analysis: Analysis, make_track: MakeTrack
) -> None:
    make_track(analysis=analysis)

    assert candidates.of(analysis) == []
