"""The results of several segments make that of the clip, once; what failed is named."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from tests.conftest import FakePredictor, MakeAnalysis, MakeClip, followed, make_segment
from tests.databases import plan
from tests.makers.deliveries import make_channel
from tests.makers.measures import make_measure
from video_classifier.ml.serving import no_result
from video_classifier.models import Alert, Analysis, Camera, Clip, Measure, Segment
from video_classifier.services import (
    alerts,
    analyses,
    candidates,
    conclusions,
    evidence,
    jobs,
    segments,
    trash,
)
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import LeaseLostError
from video_classifier.states import (
    EndOfMeasure,
    Prediction,
    Stage,
    Status,
    ThresholdOrigin,
    Turn,
    View,
)

MINUTE = 60.0


@pytest.fixture
def analysis(make_analysis: MakeAnalysis) -> Analysis:
    """Of a clip that is cut into three minutes."""
    made = make_analysis()
    Segment.objects.update(end=MINUTE)
    for number in (2, 3):
        make_segment(made, number=number, start=MINUTE * (number - 1), end=MINUTE * number)
    return made


def run(number: int, predictor: FakePredictor) -> None:
    """Runs the segment with that number, whichever has its turn."""
    waiting = Segment.objects.waiting()
    waiting.exclude(number=number).update(not_before=timezone.now() + timedelta(hours=1))
    waiting.filter(number=number).update(not_before=timezone.now())
    segment = segments.claim_next(worker=f"worker {number}")
    assert segment is not None
    segments.run(segment, predictor=predictor)


def after(*predictors: FakePredictor, order: tuple[int, ...] = (1, 2, 3)) -> Analysis:
    """The analysis, once its segments have been run in that order, each by its predictor."""
    for number in order:
        run(number, predictors[number - 1])
    return Analysis.objects.get()


# Combining


@pytest.mark.usefixtures("analysis")
@pytest.mark.parametrize(
    ("scores", "score", "prediction"),
    [
        ((0.1, 0.7, 0.3), 0.7, Prediction.HINT),
        ((0.1, 0.2, 0.5), 0.5, Prediction.HINT),
        ((0.4, 0.2, 0.3), 0.4, Prediction.NO_HINT),
    ],
)
def test_the_highest_score_of_a_segment_is_the_clips(
    scores: tuple[float, float, float], score: float, prediction: Prediction
) -> None:
    made = after(*(FakePredictor(each) for each in scores))

    assert (made.status, made.stage, made.prediction) == (Status.DONE, "", prediction)
    assert (made.score, made.threshold) == (score, 0.5)
    assert made.finished_at is not None


@pytest.mark.usefixtures("analysis")
def test_a_segment_without_a_result_does_not_take_the_clips_away() -> None:
    nobody = FakePredictor(no_result="There is nobody.")

    made = after(nobody, FakePredictor(0.3), nobody)

    assert (made.prediction, made.score, made.reason) == (Prediction.NO_HINT, 0.3, "")


@pytest.mark.usefixtures("analysis")
def test_without_any_result_the_reason_is_that_of_the_first_segment() -> None:
    reasons = ("It is black.", "Nothing moves.", "There is nobody.")

    made = after(*(FakePredictor(no_result=each) for each in reasons), order=(3, 2, 1))

    assert (made.prediction, made.score, made.reason) == (Prediction.NO_RESULT, None, reasons[0])


@pytest.mark.usefixtures("analysis")
def test_all_times_are_seconds_since_the_clips_first_picture() -> None:
    nobody = FakePredictor(no_result="There is nobody.")

    made = after(nobody, FakePredictor(tracks=(followed(0.2),)), nobody)

    assert made.frame_times == [60.5, 61.5]
    (track,) = made.tracks.all()
    assert (track.times, track.crop_times) == ([60.0, 61.0], [60.25, 60.75])


@pytest.mark.usefixtures("analysis")
def test_windows_of_whole_pictures_are_joined_in_order() -> None:
    made = after(*map(FakePredictor, (0.25, 0.123456, 0.5)), order=(3, 1, 2))

    assert made.windows == [[0.0, 2.0, 0.25], [60.0, 62.0, 0.1235], [120.0, 122.0, 0.5]]
    assert list(made.segments.values_list("score", flat=True)) == [0.25, 0.123456, 0.5]


@pytest.mark.usefixtures("analysis")
def test_windows_of_a_track_are_kept_with_it() -> None:
    nobody = FakePredictor(no_result="There is nobody.")

    made = after(nobody, FakePredictor(tracks=(followed(0.123456, since=1.0),)), nobody)

    track = made.tracks.get()
    assert (track.windows, track.score) == ([[61.0, 62.0, 0.1235]], 0.123456)
    assert made.windows == []


@pytest.mark.usefixtures("analysis")
@pytest.mark.parametrize(
    ("reason", "warnings"),
    [("Too little could be read.", []), (no_result.NOBODY, ["Half of it is damaged."])],
)
def test_of_what_is_a_gap_the_reason_is_enough(reason: str, warnings: list[str]) -> None:
    damaged = FakePredictor(no_result=reason, warnings=("Half of it is damaged.",))

    made = after(FakePredictor(), damaged, FakePredictor())

    assert made.warnings == warnings


@pytest.mark.usefixtures("analysis")
def test_warnings_come_once_and_seconds_add_up() -> None:
    cut, long = "It was cut off.", "It is long."

    made = after(
        FakePredictor(warnings=(long,)),
        FakePredictor(warnings=(cut, long)),
        FakePredictor(warnings=(cut,)),
    )

    assert made.warnings == [long, cut]
    assert made.seconds_reading == pytest.approx(0.6)
    assert made.seconds_classifying == pytest.approx(0.3)


@pytest.mark.usefixtures("analysis")
@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_tracks_are_numbered_through_by_segment_and_appearance(order: tuple[int, ...]) -> None:
    made = after(
        FakePredictor(tracks=(followed(0.1), followed(0.2))),
        FakePredictor(no_result="There is nobody."),
        FakePredictor(tracks=(followed(0.3), followed(0.9), followed(0.4))),
        order=order,
    )

    assert [
        (track.number, track.segment.number, track.number_in_segment, track.score)
        for track in made.tracks.select_related("segment")
    ] == [(1, 1, 1, 0.1), (2, 1, 2, 0.2), (3, 3, 1, 0.3), (4, 3, 2, 0.9), (5, 3, 3, 0.4)]
    assert (made.view, made.tracks_found, made.decided_by) == (View.PERSON, 5, 4)
    decider = candidates.deciding_track(made)
    assert decider is not None
    assert decider.score == made.score == 0.9


@pytest.mark.usefixtures("analysis")
def test_of_equal_scores_the_first_segments_is_the_clips() -> None:
    predictor = FakePredictor(tracks=(followed(0.7),))

    assert after(predictor, predictor, predictor, order=(3, 2, 1)).decided_by == 1


@pytest.mark.usefixtures("analysis")
def test_crops_of_every_segment_are_kept_and_the_film_is_of_the_one_that_decided() -> None:
    calm, excited = (FakePredictor(tracks=(followed(score),)) for score in (0.2, 0.7))

    made = after(calm, excited, calm)

    film = evidence.frame_files(made)
    crops = [name for track in made.tracks.all() for name in evidence.crop_files(track)]
    assert [name.rsplit("/")[-1] for name in film] == ["segment-0002-00.jpg", "segment-0002-01.jpg"]
    assert len(set(crops)) == 3 * 2
    assert evidence.read(film).shape[0] == 2
    assert evidence.read(crops).shape[0] == 6


@pytest.mark.usefixtures("analysis")
def test_a_result_says_where_its_threshold_comes_from_and_which_weights_made_it() -> None:
    predictor = FakePredictor(tracks=(followed(0.7),))

    made = after(predictor, predictor, predictor)

    assert made.threshold_origin == ThresholdOrigin.MODEL
    assert (made.model_sha256, made.detector_sha256) == (predictor.sha256, "d" * 64)


def measured(analysis: Analysis) -> Measure:
    """Its clip is of a camera with thresholds of its own; FakePredictor's is 0.5."""
    camera = Camera.objects.create(store=analysis.clip.store, name="Till")
    Clip.objects.update(camera=camera)
    return make_measure(camera, low=0.3, high=0.7)


@pytest.mark.parametrize(
    ("scores", "prediction", "hints"),
    [
        ((0.1, 0.2, 0.29), Prediction.NO_HINT, []),
        ((0.1, 0.6, 0.3), Prediction.UNCERTAIN, [False, False]),
        ((0.3, 0.7, 0.2), Prediction.HINT, [False, True]),
    ],
)
def test_the_measure_of_its_camera_decides(
    analysis: Analysis,
    scores: tuple[float, float, float],
    prediction: Prediction,
    hints: list[bool],
) -> None:
    measure = measured(analysis)

    made = after(*map(FakePredictor, scores))

    assert (made.prediction, made.low, made.threshold) == (prediction, 0.3, 0.7)
    assert (made.threshold_origin, made.measure) == (ThresholdOrigin.CAMERA, measure)
    assert list(made.events.values_list("is_hint", flat=True)) == hints
    assert list(made.events.values_list("number", flat=True)) == list(range(1, len(hints) + 1))
    assert set(made.segments.values_list("threshold", flat=True)) == {0.5}


def test_what_was_judged_before_keeps_its_thresholds(analysis: Analysis) -> None:
    measure = measured(analysis)
    after(*map(FakePredictor, (0.1, 0.6, 0.3)))

    Measure.objects.update(ended_at=timezone.now(), end=EndOfMeasure.REMOVED)

    made = Analysis.objects.get()
    assert (made.low, made.threshold, made.measure) == (0.3, 0.7, measure)


def test_without_a_result_no_measure_decides(analysis: Analysis) -> None:
    measured(analysis)

    made = after(*(FakePredictor(no_result="It is black.") for _ in range(3)))

    assert (made.prediction, made.low, made.measure) == (Prediction.NO_RESULT, None, None)


@pytest.mark.parametrize(("score", "told"), [(0.6, 0), (0.7, 1)])
def test_nobody_is_told_of_what_is_uncertain(analysis: Analysis, score: float, told: int) -> None:
    measured(analysis)
    make_channel(tells_recordings=True)

    after(*map(FakePredictor, (0.1, score, 0.3)))

    assert Alert.objects.count() == told


def test_uncertain_events_wait_in_the_review_queue(analysis: Analysis) -> None:
    measured(analysis)

    made = after(*map(FakePredictor, (0.1, 0.6, 0.2)))

    assert made.events.get().waits_for == Turn.FIRST


@pytest.mark.usefixtures("analysis")
def test_scores_of_different_weights_are_not_compared() -> None:
    newer = FakePredictor(0.9)
    newer.sha256 = "0" * 64

    made = after(FakePredictor(0.1), newer, newer)

    assert (made.status, made.error) == (Status.FAILED, conclusions.REPLACED)
    assert (made.prediction, made.score) == ("", None)


@pytest.mark.usefixtures("analysis")
def test_scores_with_different_thresholds_are_not_compared() -> None:
    stricter = FakePredictor(0.6, threshold=0.8)

    made = after(FakePredictor(0.55), stricter, stricter)

    assert (made.status, made.error) == (Status.FAILED, conclusions.REPLACED)


# Closing


def test_an_analysis_runs_from_its_first_segment_to_its_last(analysis: Analysis) -> None:
    seen = []

    for number in (2, 1, 3):
        run(number, FakePredictor(0.3, during=lambda _: seen.append(look(analysis))))
        seen.append(look(analysis))

    during = [(Status.RUNNING, stage) for stage in (*Stage,)]
    between = [(Status.RUNNING, Stage.CLASSIFYING)]
    assert seen == (during + between) * 2 + [*during, (Status.DONE, "")]


def look(analysis: Analysis) -> tuple[str, str]:
    analysis.refresh_from_db()
    return analysis.status, analysis.stage


@pytest.mark.django_db(transaction=True)
def test_two_segments_that_are_done_at_the_same_time_close_it_once(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    close = conclusions.close_if_complete
    monkeypatch.setattr(
        conclusions, "close_if_complete", lambda *a, **k: closed.append(close(*a, **k))
    )
    for _ in range(5):
        made = make_analysis()
        make_segment(made, number=2, start=MINUTE)
        together = threading.Barrier(2)

        def meet(stage: object, together: threading.Barrier = together) -> None:
            if stage == Stage.CLASSIFYING.value:
                together.wait(60)

        runs = [threading.Thread(target=take, args=(str(n), meet)) for n in range(2)]
        for each in runs:
            each.start()
        for each in runs:
            each.join()

        made.refresh_from_db()
        assert (made.status, made.frame_times) == (Status.DONE, [0.5, 1.5])
        assert [track.number for track in made.tracks.all()] == [1, 2]
        assert made.events.count() == 2

    assert sorted(closed) == [False] * 5 + [True] * 5


def take(worker: str, meet: Callable[[object], None]) -> None:
    try:
        segment = segments.claim_next(worker=worker)
        assert segment is not None
        segments.run(segment, predictor=FakePredictor(tracks=(followed(0.7),), during=meet))
    finally:
        connection.close()


@pytest.mark.usefixtures("analysis")
def test_a_result_is_kept_whatever_is_wrong_with_its_alert(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_channel()
    make = alerts.of_analysis

    def of_analysis(analysis: Analysis) -> None:
        assert make(analysis)
        raise ValueError

    monkeypatch.setattr(alerts, "of_analysis", of_analysis)

    made = after(*[FakePredictor(tracks=(followed(0.9),))] * 3)

    assert (made.status, made.events.count()) == (Status.DONE, 3)
    assert not Alert.objects.exists()
    assert f"analysis {made.pk} is kept, but no alert of it could be made" in caplog.text


def test_a_segment_that_fails_leaves_the_others_standing(analysis: Analysis) -> None:
    run(1, FakePredictor(0.9))
    run(2, FakePredictor(error=Refused("It ends in the middle.")))
    assert look(analysis)[0] == Status.RUNNING

    run(3, FakePredictor(0.3))

    assert look(analysis) == (Status.DONE, "")
    assert (analysis.prediction, analysis.score) == (Prediction.HINT, 0.9)
    assert analysis.warnings == ["From 1:00 to 2:00 there is no result. It ends in the middle."]


def test_parts_in_a_row_that_fail_for_the_same_reason_are_named_as_one(analysis: Analysis) -> None:
    broken = FakePredictor(error=Refused("It is torn."))
    run(3, broken)
    run(1, FakePredictor(0.2, warnings=("It is long.",)))

    run(2, broken)

    analysis.refresh_from_db()
    assert analysis.warnings == ["From 1:00 to 3:00 there is no result. It is torn.", "It is long."]


def test_it_fails_if_no_part_can_be_analyzed(analysis: Analysis) -> None:
    for number in (3, 1, 2):
        run(number, FakePredictor(error=Refused(f"Part {number} is torn.")))

    analysis.refresh_from_db()
    assert (analysis.status, analysis.error) == (Status.FAILED, "Part 1 is torn.")
    assert (analysis.prediction, analysis.score) == ("", None)


def test_the_last_to_end_closes_it_even_if_it_fails(analysis: Analysis) -> None:
    for number in (1, 2):
        run(number, FakePredictor(0.3))

    run(3, FakePredictor(error=Refused("It ends.")))

    assert look(analysis)[0] == Status.DONE


def test_a_segment_that_is_put_back_keeps_the_analysis_running_for_the_others(
    analysis: Analysis,
) -> None:
    run(1, FakePredictor(0.9))
    Segment.objects.update(not_before=timezone.now())
    assert segments.claim_next(worker="one") is not None

    assert segments.put_back(worker="one") == 1

    assert look(analysis)[0] == Status.RUNNING


def test_an_analysis_of_which_nothing_is_begun_any_more_waits_again(analysis: Analysis) -> None:
    assert segments.claim_next(worker="one") is not None
    assert look(analysis) == (Status.RUNNING, Stage.READING)

    segments.put_back(worker="one")

    assert look(analysis) == (Status.QUEUED, "")
    assert analysis.started_at is None
    assert analyses.place_in_queue(analysis) == 1


@pytest.mark.django_db
def test_the_analyses_that_wait_again_are_found_through_their_index() -> None:
    assert "analysis_by_status" in plan(Analysis.objects.idle())


def test_cancelling_takes_all_segments_along(analysis: Analysis) -> None:
    running = segments.claim_next(worker="one")
    assert running is not None

    assert analyses.cancel(analysis)

    assert not Segment.objects.unfinished().exists()
    with pytest.raises(LeaseLostError):
        jobs.beat(running)
    assert not analyses.cancel(analysis)


def test_the_trash_takes_segments_along_and_brings_back_what_was_cancelled_there(
    analysis: Analysis, make_analysis: MakeAnalysis, make_clip: MakeClip, user: User
) -> None:
    run(1, FakePredictor(0.9))
    unwanted = make_analysis(clip=analysis.clip)
    analyses.cancel(unwanted)
    trash.put(analysis.clip, by=user)
    assert not Segment.objects.unfinished().exists()

    trash.restore(analysis.clip, by=user)

    back = analysis.segments.values_list("status", flat=True)
    assert list(back) == [Status.DONE, Status.QUEUED, Status.QUEUED]
    assert look(analysis)[0] == Status.QUEUED
    assert unwanted.segments.get().status == Status.CANCELLED
    for number in (2, 3):
        run(number, FakePredictor(0.1))
    assert look(analysis)[0] == Status.DONE


def test_a_clip_is_one_segment_from_its_beginning_to_its_end(make_clip: MakeClip) -> None:
    analysis = analyses.enqueue(make_clip(), model="standard", user=None)

    segment = analysis.segments.get()
    assert (segment.number, segment.start, segment.end) == (1, 0.0, None)


def test_a_segment_is_queued_for_who_asked(make_clip: MakeClip, user: User) -> None:
    analysis = analyses.enqueue(make_clip(), model="standard", user=user)

    assert analysis.segments.get().requested_by == user
