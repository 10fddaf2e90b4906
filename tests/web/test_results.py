"""What pages say of an analysis, a model and a score: each state, without a page."""

from __future__ import annotations

import pytest

from tests.conftest import EVEN, MEASURED, FakePredictor, MakeAnalysis, MakeModel
from video_classifier.ml.serving.card import Card, Interval
from video_classifier.models import Analysis, Clip, HeatMap
from video_classifier.services import catalog
from video_classifier.states import Playback, Prediction, Stage, Status
from video_classifier.web.players import Player
from video_classifier.web.quality import MISSES, ModelQuality
from video_classifier.web.results import (
    CHECK_THE_CLIP,
    LEANS,
    TOO_LOW,
    HeatMapPanel,
    ResultSummary,
    ScoreReading,
    Step,
    model_problem,
    reading,
    steps,
)


def card(**metrics: Interval) -> Card:
    return Card(
        name="fake",
        network="conv3d",
        summary="For tests.",
        spec=FakePredictor.card.spec,
        threshold=0.5,
        created="2025-01-01",
        metrics=metrics,
    )


def current(found: list[Step]) -> Step:
    (step,) = (each for each in found if each.is_current)
    return step


# Scores


@pytest.mark.parametrize(
    ("score", "digits"), [(0.91, "0.91"), (0.5, "0.50"), (0.4981, "0.498"), (0.49999, "0.5000")]
)
def test_a_score_has_digits_enough_to_show_its_side(score: float, digits: str) -> None:
    assert ScoreReading(score=score, threshold=0.5).digits == digits


def test_a_score_without_a_threshold_is_no_reading() -> None:
    assert reading(0.5, None) is None
    assert reading(None, 0.5) is None


@pytest.mark.parametrize(("score", "is_hint"), [(0.49, False), (0.5, True), (0.51, True)])
def test_a_hint_begins_at_the_threshold(score: float, *, is_hint: bool) -> None:
    assert ScoreReading(score=score, threshold=0.5).is_hint is is_hint


# Results


@pytest.mark.parametrize(
    ("status", "stage", "label", "icon"),
    [
        (Status.QUEUED, "", "Waiting", "hourglass"),
        (Status.QUEUED, Stage.FINDING, "Waiting", "hourglass"),
        (Status.RUNNING, "", "Running", "hourglass-split"),
        (Status.RUNNING, Stage.FINDING, "Looking for people", "hourglass-split"),
        (Status.FAILED, "", "Failed", "x-octagon"),
        (Status.CANCELLED, "", "Cancelled", "slash-circle"),
    ],
)
def test_without_a_prediction_it_says_how_far_it_is(
    status: Status, stage: str, label: str, icon: str
) -> None:
    result = ResultSummary(analysis=Analysis(status=status, stage=stage))

    assert (result.state, result.label, result.icon) == (status, label, icon)
    assert result.reading is None


@pytest.mark.parametrize(
    ("prediction", "score", "icon", "meaning"),
    [
        (Prediction.HINT, 0.95, "eye", CHECK_THE_CLIP),
        (Prediction.NO_HINT, 0.8, "", LEANS),
        (Prediction.NO_HINT, 0.2, "", TOO_LOW),
    ],
)
def test_a_prediction_says_what_it_means(
    prediction: Prediction, score: float, icon: str, meaning: str
) -> None:
    analysis = Analysis(status=Status.DONE, prediction=prediction, score=score, threshold=0.9)

    result = ResultSummary(analysis=analysis)

    assert (result.state, result.label) == (prediction, prediction.label)
    assert (result.icon, result.meaning) == (icon, meaning)


def test_only_stages_that_there_were_took_time() -> None:
    times = {"seconds_reading": 1.2, "seconds_classifying": 0.4}

    whole = ResultSummary(analysis=Analysis(seconds_finding=0.0, **times)).time_taken
    persons = ResultSummary(analysis=Analysis(seconds_finding=0.9, **times)).time_taken

    assert whole == "1.20 s reading, 0.40 s classifying"
    assert persons == "1.20 s reading, 0.90 s looking for people, 0.40 s classifying"


def test_confidence_is_a_share_with_its_ends_or_says_why_not(
    make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model(confidence=EVEN)
    sha256 = catalog.usable("standard").sha256
    analysis = make_analysis(status=Status.DONE, score=0.75, model_sha256=sha256)

    known = ResultSummary(analysis=analysis).confidence
    gone = ResultSummary(
        analysis=make_analysis(status=Status.DONE, model_sha256="0" * 64)
    ).confidence

    assert (known.value, known.ends) == ("75%", "50 to 90")
    assert "75 of 100 such hints" in known.sentence
    assert (gone.value, gone.ends) == ("", "")
    assert "no longer here" in gone.sentence


# The way to a result


@pytest.mark.parametrize(("place", "note"), [(1, "next in the queue"), (3, "place 3 in the queue")])
def test_a_waiting_one_is_at_its_place(place: int, note: str) -> None:
    found = steps(Analysis(status=Status.QUEUED), place=place, finds_people=False)

    assert current(found) == Step(
        label="Waiting",
        is_current=True,
        note=note,
        announcement=f"Waiting, place {place} in the queue",
    )
    assert not any(step.is_passed for step in found)


@pytest.mark.parametrize(
    ("stage", "label", "passed"),
    [
        ("", "Reading the clip", ["Waiting"]),
        (Stage.READING, "Reading the clip", ["Waiting"]),
        (Stage.FINDING, "Looking for people", ["Waiting", "Reading the clip"]),
        (
            Stage.CLASSIFYING,
            "Classifying",
            ["Waiting", "Reading the clip", "Looking for people"],
        ),
    ],
)
def test_a_running_one_has_passed_what_comes_before(
    stage: str, label: str, passed: list[str]
) -> None:
    found = steps(Analysis(status=Status.RUNNING, stage=stage), place=0, finds_people=True)

    assert current(found) == Step(label=label, is_current=True, announcement=label)
    assert [step.label for step in found if step.is_passed] == passed
    assert found[-1] == Step(label="Done")


def test_persons_are_looked_for_where_the_model_does_so_or_it_is_under_way() -> None:
    def listed(stage: str, *, finds_people: bool) -> bool:
        running = Analysis(status=Status.RUNNING, stage=stage)
        found = steps(running, place=0, finds_people=finds_people)
        return "Looking for people" in {step.label for step in found}

    assert listed("", finds_people=True)
    assert listed(Stage.FINDING, finds_people=False)  # the model is no longer here
    assert not listed("", finds_people=False)


# The player


@pytest.mark.parametrize(
    ("playback", "is_awaited", "plays"),
    [
        (Playback.ORIGINAL, False, True),
        (Playback.COPY, False, True),
        (Playback.WANTED, True, True),
        (Playback.NONE, False, False),
    ],
)
def test_a_clip_plays_unless_browsers_can_not(
    playback: Playback, *, is_awaited: bool, plays: bool
) -> None:
    player = Player(clip=Clip(playback=playback))

    assert (player.is_awaited, player.plays) == (is_awaited, plays)


# Heat maps


@pytest.mark.parametrize(
    ("status", "drops", "awaited", "drawn", "mattered"),
    [
        (Status.QUEUED, [], True, False, False),
        (Status.RUNNING, [], True, False, False),
        (Status.FAILED, [], False, False, False),
        (Status.DONE, [[0.0, 0.099]], False, True, False),
        (Status.DONE, [[0.0, 0.1]], False, True, True),
    ],
)
def test_a_heat_map_is_awaited_or_says_whether_something_mattered(
    make_analysis: MakeAnalysis,
    status: Status,
    drops: list[list[float]],
    awaited: bool,  # noqa: FBT001
    drawn: bool,  # noqa: FBT001
    mattered: bool,  # noqa: FBT001
) -> None:
    analysis = make_analysis(status=Status.DONE)
    HeatMap(analysis=analysis, status=status, drops=drops)

    panel = HeatMapPanel(analysis=analysis, moments=[], can_be_asked=True)

    assert (panel.is_awaited, panel.is_drawn) == (awaited, drawn)
    assert panel.something_mattered is mattered


def test_without_a_heat_map_there_is_nothing_to_wait_for(make_analysis: MakeAnalysis) -> None:
    panel = HeatMapPanel(analysis=make_analysis(), moments=[], can_be_asked=True)

    assert (panel.is_awaited, panel.is_drawn, panel.something_mattered) == (False, False, False)
    assert panel.error == ""


# Models


def test_a_model_that_was_not_measured_promises_nothing() -> None:
    quality = ModelQuality(card=card())

    assert quality.on_unseen_people.startswith("Not measured: ")
    assert quality.misses == MISSES
    assert not quality.may_be_guessing


def test_a_model_is_worded_in_clips_of_a_hundred() -> None:
    quality = ModelQuality(card=card(**MEASURED))

    assert quality.on_unseen_people == (
        "Notices about 46 of 100 clips with a theft (27 to 80); "
        "3 of 100 ordinary clips get a hint (0 to 20)."
    )
    assert quality.misses == "The model misses more than half of thefts."
    assert not quality.may_be_guessing


def test_of_clips_and_recordings_the_worse_figure_is_shown() -> None:
    quality = ModelQuality(
        card=card(
            **MEASURED,
            recall_by_recording=Interval(value=0.56, low=0.39, high=0.75),
            specificity_by_recording=Interval(value=0.71, low=0.35, high=1.0),
        )
    )

    assert quality.on_unseen_people == (
        "Notices about 46 of 100 clips with a theft (27 to 80); "
        "29 of 100 ordinary recordings get a hint (0 to 65)."
    )
    assert quality.may_be_guessing


def test_a_model_that_misses_more_by_recording_says_so() -> None:
    quality = ModelQuality(
        card=card(
            recall=Interval(value=0.76, low=0.59, high=0.88),
            recall_by_recording=Interval(value=0.67, low=0.42, high=0.86),
        )
    )

    assert quality.misses == "The model misses about 33 of 100 thefts."


def test_a_model_may_be_guessing_by_recording() -> None:
    by_recording = {"auc_by_recording": Interval(value=0.66, low=0.45, high=0.84)}
    quality = ModelQuality(card=card(auc=Interval(value=0.89, low=0.79, high=0.96), **by_recording))

    assert quality.may_be_guessing


def test_a_model_whose_scores_may_mean_nothing_may_be_guessing() -> None:
    assert ModelQuality(card=card(auc=Interval(value=0.7, low=0.5, high=0.9))).may_be_guessing


def test_figures_of_a_model_that_is_gone_or_another_are_not_shown() -> None:
    analysis = Analysis(model="old")

    assert "no longer here" in model_problem(analysis, card=None, measured=None)
    assert "has been replaced" in model_problem(analysis, card=card(), measured=None)
    assert model_problem(analysis, card=card(), measured=card()) == ""
