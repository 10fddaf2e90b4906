"""From the queue to a result, and what happens when a run doesn't get there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from tests.conftest import (
    FakePredictor,
    MakeAnalysis,
    MakeClip,
    MakeModel,
    MakeUser,
    claimed,
    followed,
)
from tests.databases import together
from video_classifier.ml.contracts import Stage as MlStage
from video_classifier.models import Analysis
from video_classifier.querysets import AnalysisQuerySet
from video_classifier.services import analyses, catalog, clips, evidence, jobs
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import LeaseLostError, QueueFullError
from video_classifier.states import Prediction, Stage, Status, View
from video_classifier.web import overlays

LEASE = timedelta(seconds=60)


def claim(worker: str = "one") -> Analysis:
    analysis = analyses.claim_next(worker=worker)
    assert analysis is not None
    return analysis


def lose_lease() -> None:
    Analysis.objects.update(heartbeat_at=timezone.now() - 2 * LEASE)
    analyses.requeue_stalled()


# The queue


def test_claims_the_longest_waiting(make_analysis: MakeAnalysis) -> None:
    now = timezone.now()
    make_analysis(queued_at=now)
    oldest = make_analysis(queued_at=now - timedelta(hours=1))

    assert claim() == oldest


def test_a_claim_shows_life_and_counts_the_attempt(make_analysis: MakeAnalysis) -> None:
    make_analysis()

    claimed = claim("one")

    assert (claimed.status, claimed.stage) == (Status.RUNNING, Stage.READING)
    assert (claimed.worker, claimed.attempts) == ("one", 1)
    assert claimed.heartbeat_at is not None
    assert claimed.started_at is not None


def test_an_analysis_is_claimed_once(make_analysis: MakeAnalysis) -> None:
    make_analysis()

    claim("one")

    assert analyses.claim_next(worker="two") is None


def test_the_loser_of_a_race_takes_the_next(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    contested = make_analysis(queued_at=timezone.now() - timedelta(hours=1))
    spare = make_analysis()
    look = AnalysisQuerySet.first

    def look_while_a_rival_claims(queue: AnalysisQuerySet) -> Analysis | None:
        seen = look(queue)
        Analysis.objects.filter(pk=contested.pk, status=Status.QUEUED).update(
            status=Status.RUNNING, **claimed(timezone.now()) | {"worker": "rival"}
        )
        return seen

    monkeypatch.setattr(AnalysisQuerySet, "first", look_while_a_rival_claims)

    assert claim() == spare


@pytest.mark.django_db(transaction=True)
def test_threads_that_claim_together_share_no_analysis(make_analysis: MakeAnalysis) -> None:
    wanted = {make_analysis().pk for _ in range(12)}
    claimed: list[object] = []
    start = threading.Barrier(4)

    def claim_all(worker: str) -> None:
        try:
            start.wait()
            while analysis := analyses.claim_next(worker=worker):
                claimed.append(analysis.pk)
        finally:
            connection.close()

    workers = [threading.Thread(target=claim_all, args=(str(n),)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(claimed) == len(wanted)
    assert set(claimed) == wanted


def test_knows_its_place_in_the_queue(make_analysis: MakeAnalysis) -> None:
    now = timezone.now()
    first, second, third = (make_analysis(queued_at=now + timedelta(seconds=n)) for n in range(3))

    assert [analyses.place_in_queue(each) for each in (first, second, third)] == [1, 2, 3]
    claim()
    assert analyses.place_in_queue(third) == 2


def test_the_same_moment_still_gives_different_places(make_analysis: MakeAnalysis) -> None:
    now = timezone.now()
    both = [make_analysis(queued_at=now) for _ in range(2)]

    assert sorted(analyses.place_in_queue(each) for each in both) == [1, 2]


# A run


@pytest.mark.parametrize(
    ("score", "prediction"), [(0.49, Prediction.NO_HINT), (0.5, Prediction.HINT)]
)
def test_a_run_ends_in_a_prediction(
    make_analysis: MakeAnalysis, score: float, prediction: Prediction
) -> None:
    make_analysis()
    analysis = claim()

    analyses.run(analysis, predictor=FakePredictor(score))

    assert (analysis.status, analysis.stage) == (Status.DONE, "")
    assert (analysis.prediction, analysis.score, analysis.threshold) == (prediction, score, 0.5)


def test_a_prediction_says_how_it_came_about(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    analysis = claim()

    analyses.run(analysis, predictor=FakePredictor(warnings=("It was cut off.",)))

    assert analysis.model_sha256 == FakePredictor.sha256
    assert analysis.frame_times == [0.5, 1.5]
    assert analysis.warnings == ["It was cut off."]
    assert (analysis.seconds_reading, analysis.seconds_classifying) == (0.2, 0.1)
    assert analysis.finished_at is not None


def test_the_frames_are_kept_as_pictures(make_analysis: MakeAnalysis, settings: Settings) -> None:
    make_analysis()
    analysis = claim()

    analyses.run(analysis, predictor=FakePredictor())

    for number in range(2):
        with default_storage.open(evidence.frame_file(analysis, number)) as file:
            picture = Image.open(file)
            assert (picture.format, picture.width) == ("JPEG", settings.PREVIEW_WIDTH)


def test_the_tracks_looked_at_are_kept_and_the_highest_score_is_the_clips(
    make_analysis: MakeAnalysis,
) -> None:
    make_analysis()
    analysis = claim()

    analyses.run(
        analysis, predictor=FakePredictor(tracks=(followed(0.2), followed(0.81234567, since=4.1)))
    )

    assert (analysis.view, analysis.decided_by, analysis.persons_found) == (View.PERSON, 2, 2)
    assert (analysis.score, analysis.seconds_finding) == (0.81234567, 0.3)
    first, second = analysis.persons.all()
    assert (first.number, second.number, second.score) == (1, 2, 0.81234567)
    assert second.times == [4.1, 5.1]
    assert second.boxes == [[0.0, 0.25, 0.25, 0.75], [0.5, 0.25, 0.75, 0.75]]
    assert second.crop_times == [4.35, 4.85]
    assert overlays.track_of(second) == followed(0, since=4.1).track


def test_what_the_model_saw_of_a_person_is_kept_as_pictures(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    analysis = claim()

    analyses.run(analysis, predictor=FakePredictor(tracks=(followed(0.2), followed(0.8))))

    crops = evidence.read(evidence.crop_file(analysis, 2, number) for number in range(2))
    assert crops.shape == (2, 16, 16, 3)
    assert abs(crops.astype(int) - 200).max() <= 2


def test_of_equal_scores_the_first_is_the_clips(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    analysis = claim()

    analyses.run(analysis, predictor=FakePredictor(tracks=(followed(0.7), followed(0.7))))

    assert analysis.decided_by == 1


def test_a_result_names_all_weights_that_made_it(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    analysis = claim()

    analyses.run(analysis, predictor=FakePredictor(tracks=(followed(0.7),)))

    assert analysis.model_sha256 == FakePredictor.sha256
    assert analysis.detector_sha256 == "d" * 64


def test_with_nothing_to_judge_there_is_no_result_and_a_reason(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    analysis = claim()

    analyses.run(analysis, predictor=FakePredictor(no_result="Nothing moves in this clip."))

    assert (analysis.status, analysis.prediction) == (Status.DONE, Prediction.NO_RESULT)
    assert analysis.reason == "Nothing moves in this clip."
    assert (analysis.score, analysis.threshold, analysis.decided_by) == (None, None, None)
    assert default_storage.exists(evidence.frame_file(analysis, 0))  # to see for oneself


def test_a_model_of_whole_pictures_has_no_tracks(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    analysis = claim()

    analyses.run(analysis, predictor=FakePredictor(0.7))

    assert (analysis.view, analysis.decided_by) == (View.FRAME, None)
    assert not analysis.persons.exists()


def test_frames_left_by_a_run_that_died_are_replaced(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()
    default_storage.save(evidence.frame_file(analysis, 0), ContentFile(b"half a pict"))

    analyses.run(claim(), predictor=FakePredictor())

    folder = evidence.folder(analysis)
    assert sorted(default_storage.listdir(folder)[1]) == ["00.jpg", "01.jpg"]
    with default_storage.open(evidence.frame_file(analysis, 0)) as file:
        Image.open(file).load()


def test_each_stage_can_be_seen_while_it_lasts(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    analysis = claim()
    seen: list[str] = []

    def look(_: MlStage) -> None:
        seen.append(Analysis.objects.get().stage)

    analyses.run(analysis, predictor=FakePredictor(during=look))

    assert seen == ["reading", "finding", "classifying"]


def test_a_refusal_is_told_to_the_uploader(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    analysis = claim()

    analyses.run(analysis, predictor=FakePredictor(error=Refused("It has no frames.")))

    assert (analysis.status, analysis.error) == (Status.FAILED, "It has no frames.")
    assert (analysis.prediction, analysis.score) == ("", None)


def test_an_unknown_trouble_is_logged_and_told_in_a_sentence(
    make_analysis: MakeAnalysis, caplog: pytest.LogCaptureFixture
) -> None:
    make_analysis()
    analysis = claim()

    analyses.run(analysis, predictor=FakePredictor(error=ZeroDivisionError("secret detail")))

    assert (analysis.status, analysis.error) == (Status.FAILED, analyses.BROKE)
    assert "secret detail" in caplog.text


def test_a_score_that_is_no_number_gives_no_prediction(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    analysis = claim()

    analyses.run(analysis, predictor=FakePredictor(float("nan")))

    assert (analysis.status, analysis.prediction) == (Status.FAILED, "")


def test_a_model_that_is_gone_fails_with_its_sentence(make_analysis: MakeAnalysis) -> None:
    make_analysis(model="gone")
    analysis = claim()

    analyses.run(analysis)

    assert analysis.status == Status.FAILED
    assert "gone" in analysis.error


def test_runs_the_model_that_was_asked_for(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_analysis(model="careful")
    analysis = claim()
    predictors = {"careful": FakePredictor(0.75)}
    monkeypatch.setattr(catalog, "load", predictors.get)

    analyses.run(analysis)

    assert analysis.score == 0.75


# The lease


def test_a_run_that_lost_its_lease_changes_nothing(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    slow = claim("slow")
    lose_lease()
    quick = claim("quick")

    with pytest.raises(LeaseLostError):
        analyses.run(slow, predictor=FakePredictor(0.9))

    quick.refresh_from_db()
    assert (quick.status, quick.worker) == (Status.RUNNING, "quick")


@pytest.mark.parametrize("error", [None, Refused("It is bad."), ZeroDivisionError()])
def test_a_lease_lost_at_the_last_moment_changes_nothing(
    make_analysis: MakeAnalysis, error: Exception | None
) -> None:
    make_analysis()
    slow = claim("same worker")

    def be_overtaken(stage: MlStage) -> None:
        if stage is MlStage.CLASSIFYING:
            lose_lease()
            claim("same worker")

    with pytest.raises(LeaseLostError):
        analyses.run(slow, predictor=FakePredictor(0.9, error=error, during=be_overtaken))

    overtaker = Analysis.objects.get()
    assert (overtaker.status, overtaker.attempts) == (Status.RUNNING, 2)
    assert not default_storage.exists(evidence.folder(overtaker))


def test_a_run_with_a_heartbeat_is_left_alone(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    analysis = claim()
    Analysis.objects.update(started_at=timezone.now() - 2 * LEASE)
    jobs.beat(analysis)

    assert analyses.requeue_stalled() == 0
    assert Analysis.objects.get().status == Status.RUNNING


def test_a_stalled_run_goes_back_to_its_place(make_analysis: MakeAnalysis) -> None:
    earlier = make_analysis(queued_at=timezone.now() - timedelta(hours=1))
    make_analysis()
    claim()
    Analysis.objects.filter(pk=earlier.pk).update(heartbeat_at=timezone.now() - 2 * LEASE)

    assert analyses.requeue_stalled() == 1

    again = claim("two")
    assert (again, again.attempts) == (earlier, 2)


def test_what_stalls_too_often_fails_with_a_reason(
    make_analysis: MakeAnalysis, settings: Settings
) -> None:
    settings.ANALYSIS_ATTEMPTS = 2
    make_analysis()

    for _ in range(2):
        claim()
        lose_lease()

    given_up = Analysis.objects.get()
    assert given_up.status == Status.FAILED
    assert "stopped 2 times" in given_up.error
    assert given_up.finished_at is not None


@pytest.mark.django_db(transaction=True)
def test_the_heart_beats_while_a_run_lasts(make_analysis: MakeAnalysis, settings: Settings) -> None:
    settings.ANALYSIS_HEARTBEAT = timedelta(milliseconds=10)
    make_analysis()
    analysis = claim()
    beaten = threading.Event()

    def wait_for_a_beat(stage: MlStage) -> None:
        if stage is MlStage.READING:
            Analysis.objects.update(heartbeat_at=timezone.now() - LEASE)
            for _ in _patiently():
                if Analysis.objects.filter(heartbeat_at__gt=timezone.now() - LEASE / 2).exists():
                    beaten.set()
                    return

    analyses.run(analysis, predictor=FakePredictor(during=wait_for_a_beat))

    assert beaten.is_set()
    assert not [thread for thread in threading.enumerate() if "_tick" in thread.name]


def _patiently() -> Iterator[None]:
    """A thousand looks, ten seconds at most."""
    pause = threading.Event()
    for _ in range(1000):
        yield
        pause.wait(0.01)


def test_a_worker_that_ends_gives_back_only_its_own(make_analysis: MakeAnalysis) -> None:
    mine, other = (make_analysis(status=Status.RUNNING, worker=name) for name in ("one", "two"))

    assert analyses.put_back(worker="one") == 1

    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.status, mine.attempts) == (Status.QUEUED, 1)
    assert (other.status, other.attempts) == (Status.RUNNING, 1)


def test_what_is_given_back_waits_behind_all_others(make_analysis: MakeAnalysis) -> None:
    mine = make_analysis(
        status=Status.RUNNING, worker="one", queued_at=timezone.now() - timedelta(hours=1)
    )
    make_analysis()

    analyses.put_back(worker="one")

    mine.refresh_from_db()
    assert analyses.place_in_queue(mine) == 2
    assert mine.queued_at < timezone.now() - timedelta(minutes=59)  # it was added when it was


# Again, and no more


def test_again_keeps_the_earlier_result(
    make_analysis: MakeAnalysis, make_model: MakeModel, user: User
) -> None:
    make_model("careful")
    earlier = make_analysis(status=Status.DONE)

    later = analyses.again(earlier, model="careful", user=user)

    assert (later.clip, later.status, later.model) == (earlier.clip, Status.QUEUED, "careful")
    assert later.requested_by == user
    assert Analysis.objects.get(pk=earlier.pk).status == Status.DONE


def test_again_refuses_a_model_that_cannot_be_used(make_analysis: MakeAnalysis, user: User) -> None:
    earlier = make_analysis(status=Status.DONE)

    with pytest.raises(Refused, match="gone"):
        analyses.again(earlier, model="gone", user=user)

    assert Analysis.objects.count() == 1


def test_a_clip_deleted_while_it_runs_leaves_nothing(
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
) -> None:
    clip = make_clip()
    make_analysis(clip=clip)
    analysis = claim()

    def delete(stage: MlStage) -> None:
        if stage is MlStage.CLASSIFYING:
            clips.delete(clip)

    with pytest.raises(LeaseLostError):
        analyses.run(analysis, predictor=FakePredictor(during=delete))

    assert not Analysis.objects.exists()
    assert not default_storage.exists(evidence.folder(analysis))


def test_one_user_has_only_so_many_waiting(
    make_clip: MakeClip, make_user: MakeUser, settings: Settings
) -> None:
    settings.WAITING_PER_USER = 2
    ada, bob, clip = make_user("ada"), make_user("bob"), make_clip()
    for _ in range(2):
        analyses.enqueue(clip, model="standard", user=ada)

    with pytest.raises(QueueFullError, match="as one user may have: 2"):
        analyses.enqueue(clip, model="standard", user=ada)

    analyses.enqueue(clip, model="standard", user=bob)
    analyses.enqueue(clip, model="standard", user=None)
    analyses.claim_next(worker="one")
    analyses.enqueue(clip, model="standard", user=ada)


@pytest.mark.django_db(transaction=True)
def test_asking_many_times_at_once_gets_nobody_more_room(
    make_clip: MakeClip, user: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WAITING_PER_USER = 1
    clip = make_clip()
    check_room = analyses.check_room

    def ask() -> None:
        with suppress(QueueFullError):
            analyses.enqueue(clip, model="standard", user=user)

    def check_and_dawdle(user: User | None) -> None:
        check_room(user)
        time.sleep(0.3)

    monkeypatch.setattr(analyses, "check_room", check_and_dawdle)
    together(ask, times=2)

    assert Analysis.objects.count() == 1
