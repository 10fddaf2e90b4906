"""From the queue to a result, and what happens when a run doesn't get there."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from tests.conftest import (
    FakePredictor,
    MakeAnalysis,
    MakeClip,
    claimed,
    followed,
    segment_of,
)
from tests.databases import busy, lose_connection
from tests.makers.deliveries import make_channel
from video_classifier.ml.contracts import Outcome, UnreadableError
from video_classifier.ml.contracts import Stage as MlStage
from video_classifier.models import Alert, Analysis, Delivery, Segment
from video_classifier.querysets import SegmentQuerySet
from video_classifier.services import (
    analyses,
    catalog,
    clips,
    database,
    evidence,
    files,
    jobs,
    segments,
)
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import LeaseLostError
from video_classifier.states import Prediction, Stage, Status, View

LEASE = timedelta(seconds=60)


def claim(worker: str = "one") -> Segment:
    segment = segments.claim_next(worker=worker)
    assert segment is not None
    return segment


def run(segment: Segment, predictor: FakePredictor | None = None) -> Analysis:
    """The analysis after that."""
    segments.run(segment, predictor=predictor)
    return Analysis.objects.get(pk=segment.analysis_id)


def lose_lease() -> None:
    Segment.objects.update(heartbeat_at=timezone.now() - 2 * LEASE)
    segments.requeue_stalled()


# The queue


def test_claims_the_longest_waiting(make_analysis: MakeAnalysis) -> None:
    now = timezone.now()
    make_analysis(queued_at=now)
    oldest = make_analysis(queued_at=now - timedelta(hours=1))

    assert claim().analysis == oldest


def test_a_claim_shows_life_and_counts_the_attempt(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()

    segment = claim("one")

    assert (segment.status, segment.worker, segment.attempts) == (Status.RUNNING, "one", 1)
    assert segment.heartbeat_at is not None
    analysis.refresh_from_db()
    assert (analysis.status, analysis.stage) == (Status.RUNNING, Stage.READING)
    assert analysis.started_at is not None


def test_a_segment_is_claimed_once(make_analysis: MakeAnalysis) -> None:
    make_analysis()

    claim("one")

    assert segments.claim_next(worker="two") is None


def test_the_loser_of_a_race_takes_the_next(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    contested = make_analysis(queued_at=timezone.now() - timedelta(hours=1))
    spare = make_analysis()
    look = SegmentQuerySet.first

    def look_while_a_rival_claims(queue: SegmentQuerySet) -> Segment | None:
        seen = look(queue)
        Segment.objects.filter(analysis=contested, status=Status.QUEUED).update(
            status=Status.RUNNING, **claimed(timezone.now()) | {"worker": "rival"}
        )
        return seen

    monkeypatch.setattr(SegmentQuerySet, "first", look_while_a_rival_claims)

    assert claim().analysis == spare


@pytest.mark.django_db(transaction=True)
def test_threads_that_claim_together_share_no_segment(make_analysis: MakeAnalysis) -> None:
    wanted = {segment_of(make_analysis()).pk for _ in range(12)}
    claimed: list[object] = []
    start = threading.Barrier(4)

    def claim_all(worker: str) -> None:
        try:
            start.wait()
            while segment := segments.claim_next(worker=worker):
                claimed.append(segment.pk)
        finally:
            connection.close()

    workers = [threading.Thread(target=claim_all, args=(str(n),)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(claimed) == len(wanted)
    assert set(claimed) == wanted


# A run


@pytest.mark.parametrize(
    ("score", "prediction"), [(0.49, Prediction.NO_HINT), (0.5, Prediction.HINT)]
)
def test_a_run_ends_in_a_prediction(
    make_analysis: MakeAnalysis, score: float, prediction: Prediction
) -> None:
    make_analysis()
    segment = claim()

    analysis = run(segment, FakePredictor(score))

    assert (analysis.status, analysis.stage) == (Status.DONE, "")
    assert (analysis.prediction, analysis.score, analysis.threshold) == (prediction, score, 0.5)


@pytest.mark.parametrize(("score", "told"), [(0.9, 1), (0.4, 0)])
def test_a_hint_is_told_with_its_result(
    make_analysis: MakeAnalysis, score: float, told: int
) -> None:
    make_channel()
    make_analysis()

    analysis = run(claim(), FakePredictor(score))

    assert Alert.objects.filter(analysis=analysis).count() == told
    assert Delivery.objects.count() == told


def test_a_prediction_says_how_it_came_about(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    segment = claim()

    analysis = run(segment, FakePredictor(warnings=("It was cut off.",)))

    assert analysis.model_sha256 == FakePredictor.sha256
    assert analysis.frame_times == [0.5, 1.5]
    assert analysis.warnings == ["It was cut off."]
    assert (analysis.seconds_reading, analysis.seconds_classifying) == (0.2, 0.1)
    assert analysis.finished_at is not None


def test_the_frames_are_kept_as_pictures(make_analysis: MakeAnalysis, settings: Settings) -> None:
    make_analysis()
    segment = claim()

    analysis = run(segment, FakePredictor())

    names = evidence.frame_files(analysis)
    assert len(names) == 2
    for name in names:
        with default_storage.open(name) as file:
            picture = Image.open(file)
            assert (picture.format, picture.width) == ("JPEG", settings.PREVIEW_WIDTH)


def test_the_tracks_looked_at_are_kept_and_the_highest_score_is_the_clips(
    make_analysis: MakeAnalysis,
) -> None:
    make_analysis()
    segment = claim()

    analysis = run(segment, FakePredictor(tracks=(followed(0.2), followed(0.81234567, since=4.1))))

    assert (analysis.view, analysis.decided_by, analysis.tracks_found) == (View.PERSON, 2, 2)
    assert (analysis.score, analysis.seconds_finding) == (0.81234567, 0.3)
    first, second = analysis.tracks.all()
    assert (first.number, second.number, second.score) == (1, 2, 0.81234567)
    assert second.times == [4.1, 5.1]
    assert second.boxes == [[0.0, 0.25, 0.25, 0.75], [0.5, 0.25, 0.75, 0.75]]
    assert second.crop_times == [4.35, 4.85]
    assert evidence.motion_of(second) == followed(0, since=4.1).track


def test_what_the_model_saw_of_a_person_is_kept_as_pictures(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    segment = claim()

    analysis = run(segment, FakePredictor(tracks=(followed(0.2), followed(0.8))))

    crops = evidence.read(evidence.crop_files(analysis.tracks.get(number=2)))
    assert crops.shape == (2, 16, 16, 3)
    assert abs(crops.astype(int) - 200).max() <= 2


def test_of_equal_scores_the_first_is_the_clips(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    segment = claim()

    analysis = run(segment, FakePredictor(tracks=(followed(0.7), followed(0.7))))

    assert analysis.decided_by == 1


def test_a_result_names_all_weights_that_made_it(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    segment = claim()

    analysis = run(segment, FakePredictor(tracks=(followed(0.7),)))

    assert analysis.model_sha256 == FakePredictor.sha256
    assert analysis.detector_sha256 == "d" * 64


def test_a_model_that_was_replaced_after_it_was_chosen_is_named_as_the_one_that_scored(
    make_analysis: MakeAnalysis,
) -> None:
    class Replaced(FakePredictor):
        def analyze(self, *args: Any, **kwargs: Any) -> Outcome:
            return replace(super().analyze(*args, **kwargs), model_sha256="0" * 64)

    make_analysis()

    assert run(claim(), Replaced()).model_sha256 == "0" * 64


def test_with_nothing_to_judge_there_is_no_result_and_a_reason(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    segment = claim()

    analysis = run(segment, FakePredictor(no_result="Nothing moves in this clip."))

    assert (analysis.status, analysis.prediction) == (Status.DONE, Prediction.NO_RESULT)
    assert analysis.reason == "Nothing moves in this clip."
    assert (analysis.score, analysis.threshold, analysis.decided_by) == (None, None, None)
    assert default_storage.exists(evidence.frame_files(analysis)[0])  # to see for oneself


def test_a_model_of_whole_pictures_has_no_tracks(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    segment = claim()

    analysis = run(segment, FakePredictor(0.7))

    assert (analysis.view, analysis.decided_by) == (View.FRAME, None)
    assert not analysis.tracks.exists()


def test_frames_left_by_a_run_that_died_are_replaced(make_analysis: MakeAnalysis) -> None:
    name = evidence.frame_file(segment_of(make_analysis()), 0)
    default_storage.save(name, ContentFile(b"half a pict"))

    analysis = run(claim(), FakePredictor())

    folder = evidence.folder(analysis)
    assert sorted(default_storage.listdir(folder)[1]) == ["00.jpg", "01.jpg"]
    with default_storage.open(name) as file:
        Image.open(file).load()


def test_each_stage_can_be_seen_while_it_lasts(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    segment = claim()
    seen: list[str] = []

    def look(_: MlStage) -> None:
        seen.append(Analysis.objects.get().stage)

    segments.run(segment, predictor=FakePredictor(during=look))

    assert seen == ["reading", "finding", "classifying"]


def test_a_refusal_is_told_to_the_uploader(make_analysis: MakeAnalysis) -> None:
    error = Refused("It has no frames.")
    make_analysis()
    segment = claim()

    analysis = run(segment, FakePredictor(error=error))

    assert (analysis.status, analysis.error) == (Status.FAILED, str(error))
    assert (analysis.prediction, analysis.score) == ("", None)


def test_an_unknown_trouble_is_logged_and_told_in_a_sentence(
    make_analysis: MakeAnalysis, caplog: pytest.LogCaptureFixture
) -> None:
    make_analysis()
    segment = claim()

    analysis = run(segment, FakePredictor(error=ZeroDivisionError("secret detail")))

    assert (analysis.status, analysis.error) == (Status.FAILED, segments.BROKE)
    assert "secret detail" in caplog.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("attempts", "ends"), [(1, Status.QUEUED), (3, Status.FAILED)])
def test_a_database_that_others_kept_for_too_long_is_tried_again(
    make_analysis: MakeAnalysis, attempts: int, ends: Status
) -> None:
    make_analysis()
    Segment.objects.update(attempts=attempts - 1)
    segment = claim()
    with busy(Segment), pytest.raises(OperationalError) as kept:
        Segment.objects.update(start=1.0)

    analysis = run(segment, FakePredictor(error=kept.value))

    segment.refresh_from_db()
    assert (segment.status, segment.attempts, analysis.status) == (ends, attempts, ends)


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_connection_is_cut_is_tried_again(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_analysis()
    segment = claim()
    with monkeypatch.context() as there:
        there.setattr(evidence, "tracks", lose_connection)
        run(segment, FakePredictor())
    segment.refresh_from_db()
    assert segment.status == Status.QUEUED

    analysis = run(claim(), FakePredictor())

    assert analysis.status == Status.DONE


@pytest.mark.parametrize(("attempts", "ends"), [(1, Status.QUEUED), (3, Status.FAILED)])
def test_a_clip_that_can_not_be_read_is_tried_again_a_minute_later(
    make_analysis: MakeAnalysis, attempts: int, ends: Status
) -> None:
    make_analysis()
    Segment.objects.update(attempts=attempts - 1)
    segment = claim()

    analysis = run(segment, FakePredictor(error=UnreadableError("Input/output error")))

    segment.refresh_from_db()
    assert (segment.status, segment.attempts, analysis.status) == (ends, attempts, ends)
    assert analysis.error == (segments.UNREADABLE if ends == Status.FAILED else "")
    assert segments.claim_next(worker="another") is None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.ESTALE])
def test_a_disk_that_takes_no_pictures_is_waited_for_and_that_is_no_attempt(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, "not now")

    make_analysis()
    segment = claim()
    monkeypatch.setattr(files, "write", refuse)

    analysis = run(segment, FakePredictor())

    segment.refresh_from_db()
    waits = (Status.QUEUED, 0, Status.QUEUED)
    assert (segment.status, segment.attempts, analysis.status) == waits
    assert segment.not_before > database.now()
    assert not analysis.tracks.exists()


def test_a_score_that_is_no_number_gives_no_prediction(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    segment = claim()

    analysis = run(segment, FakePredictor(float("nan")))

    assert (analysis.status, analysis.prediction) == (Status.FAILED, "")


def test_a_model_that_is_gone_fails_with_its_sentence(make_analysis: MakeAnalysis) -> None:
    make_analysis(model="gone")
    segment = claim()

    analysis = run(segment)

    assert analysis.status == Status.FAILED
    assert "gone" in analysis.error


def test_runs_the_model_that_was_asked_for(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_analysis(model="careful")
    segment = claim()
    predictors = {"careful": FakePredictor(0.75)}
    monkeypatch.setattr(catalog, "load", predictors.get)

    analysis = run(segment)

    assert analysis.score == 0.75


# The lease


def test_a_run_that_lost_its_lease_changes_nothing(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    slow = claim("slow")
    lose_lease()
    quick = claim("quick")

    with pytest.raises(LeaseLostError):
        segments.run(slow, predictor=FakePredictor(0.9))

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
        segments.run(slow, predictor=FakePredictor(0.9, error=error, during=be_overtaken))

    overtaker = Segment.objects.get()
    assert (overtaker.status, overtaker.attempts) == (Status.RUNNING, 2)
    assert overtaker.analysis.status == Status.RUNNING
    assert not default_storage.exists(evidence.folder(overtaker.analysis))


def test_a_run_with_a_heartbeat_is_left_alone(make_analysis: MakeAnalysis) -> None:
    make_analysis()
    segment = claim()
    Segment.objects.update(claimed_at=timezone.now() - 2 * LEASE)
    jobs.beat(segment)

    assert segments.requeue_stalled() == 0
    assert Analysis.objects.get().status == Status.RUNNING


def test_a_stalled_run_goes_back_to_its_place(make_analysis: MakeAnalysis) -> None:
    earlier = make_analysis(queued_at=timezone.now() - timedelta(hours=1))
    make_analysis()
    claim()
    stalled = Segment.objects.filter(analysis=earlier)
    stalled.update(heartbeat_at=timezone.now() - 2 * LEASE)

    assert segments.requeue_stalled() == 1

    earlier.refresh_from_db()
    assert (earlier.status, earlier.stage, earlier.started_at) == (Status.QUEUED, "", None)
    again = claim("two")
    assert (again.analysis, again.attempts) == (earlier, 2)


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
    segment = claim()
    beaten = threading.Event()

    def wait_for_a_beat(stage: MlStage) -> None:
        if stage is MlStage.READING:
            Segment.objects.update(heartbeat_at=timezone.now() - LEASE)
            for _ in _patiently():
                if Segment.objects.filter(heartbeat_at__gt=timezone.now() - LEASE / 2).exists():
                    beaten.set()
                    return

    segments.run(segment, predictor=FakePredictor(during=wait_for_a_beat))

    assert beaten.is_set()
    assert not [thread for thread in threading.enumerate() if "_tick" in thread.name]


def _patiently() -> Iterator[None]:
    """Many looks, for a minute at most."""
    pause = threading.Event()
    for _ in range(6000):
        yield
        pause.wait(0.01)


def test_a_worker_that_ends_gives_back_only_its_own(make_analysis: MakeAnalysis) -> None:
    mine, other = (make_analysis(status=Status.RUNNING, worker=name) for name in ("one", "two"))

    assert segments.put_back(worker="one") == 1

    for analysis, status in ((mine, Status.QUEUED), (other, Status.RUNNING)):
        segment = segment_of(analysis)
        assert (segment.status, segment.attempts) == (status, 1)
        assert segment.analysis.status == status


def test_what_is_given_back_waits_behind_all_others(make_analysis: MakeAnalysis) -> None:
    mine = make_analysis(
        status=Status.RUNNING, worker="one", queued_at=timezone.now() - timedelta(hours=1)
    )
    make_analysis()

    segments.put_back(worker="one")

    mine.refresh_from_db()
    assert analyses.place_in_queue(mine) == 2
    assert mine.queued_at < timezone.now() - timedelta(minutes=59)  # it was added when it was


def test_a_clip_deleted_while_it_runs_leaves_nothing(
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
) -> None:
    clip = make_clip()
    make_analysis(clip=clip)
    segment = claim()

    def delete(stage: MlStage) -> None:
        if stage is MlStage.CLASSIFYING:
            clips.delete(clip)

    with pytest.raises(LeaseLostError):
        segments.run(segment, predictor=FakePredictor(during=delete))

    assert not Analysis.objects.exists()
    assert not default_storage.exists(evidence.folder(segment.analysis))


def test_a_clip_deleted_while_its_pictures_are_stored_leaves_none(
    make_clip: MakeClip, make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip()
    make_analysis(clip=clip)
    segment, write = claim(), files.write

    def overtaken(pictures: dict[str, bytes]) -> None:
        write(pictures)
        clips.delete(clip)

    monkeypatch.setattr(files, "write", overtaken)

    with pytest.raises(LeaseLostError):
        segments.run(segment, predictor=FakePredictor())

    assert not Analysis.objects.exists()
    assert not default_storage.exists(evidence.folder(segment.analysis))


@pytest.mark.django_db(transaction=True)
def test_pictures_are_stored_without_the_databases_lock(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_analysis()
    write, held = files.write, []

    def slow(pictures: dict[str, bytes]) -> None:
        held.append(connection.in_atomic_block)
        write(pictures)

    monkeypatch.setattr(files, "write", slow)

    assert run(claim(), FakePredictor()).status == Status.DONE

    assert held == [False]


def test_pictures_that_another_run_has_stored_meanwhile_are_left_alone(
    make_analysis: MakeAnalysis,
) -> None:
    make_analysis()
    slow = claim("slow")
    done: list[MlStage] = []

    def be_overtaken(stage: MlStage) -> None:
        if stage is MlStage.CLASSIFYING and not done:
            done.append(stage)
            lose_lease()
            segments.run(claim("quick"), predictor=FakePredictor())
            for name in evidence.frame_files(slow.analysis):
                default_storage.delete(name)

    with pytest.raises(LeaseLostError):
        segments.run(slow, predictor=FakePredictor(during=be_overtaken))

    assert not any(map(default_storage.exists, evidence.frame_files(slow.analysis)))
    assert Segment.objects.get().status == Status.DONE
