"""The thread that analyzes: it starts when needed, goes on whatever happens, and stops."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import FakePredictor, MakeAnalysis, MakeClip
from video_classifier.ml.contracts import Stage
from video_classifier.models import Analysis, Clip, HeatMap, Segment
from video_classifier.querysets import SegmentQuerySet
from video_classifier.services import (
    analyses,
    catalog,
    heat_maps,
    jobs,
    queue,
    sandbox,
    segments,
    worker,
)
from video_classifier.states import Playback, Status

PATIENCE = 60.0  # seconds after which a test gives up waiting


@pytest.fixture(autouse=True)
def predictor(monkeypatch: pytest.MonkeyPatch) -> FakePredictor:
    fake = FakePredictor(0.9)
    monkeypatch.setattr(catalog, "load", lambda _: fake)
    return fake


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Counts the runs that came to an end."""
    count = threading.Semaphore(0)
    run = segments.run

    def counted(segment: Segment, *, proceed: Callable[[], bool]) -> None:
        try:
            run(segment, proceed=proceed)
        finally:
            count.release()

    monkeypatch.setattr(segments, "run", counted)
    return count


@pytest.fixture
def thread(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[worker.Worker]:
    """The process's worker, for once a real thread; only a bell wakes it."""
    settings.RUNNER = "thread"
    monkeypatch.setattr(worker, "IDLE_SECONDS", PATIENCE)
    monkeypatch.setattr(worker, "PAUSE_SECONDS", 0.01)
    made = worker.Worker()
    monkeypatch.setattr(worker, "_worker", made)
    yield made
    made.stop()


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "worker"]


# One step


def test_a_step_ends_the_longest_waiting(make_analysis: MakeAnalysis) -> None:
    first = make_analysis(queued_at=timezone.now() - timedelta(hours=1))
    make_analysis()

    assert worker.step(worker="one")

    assert Analysis.objects.get(status=Status.DONE) == first


@pytest.mark.django_db
def test_without_work_a_step_says_so() -> None:
    assert not worker.step(worker="one")


def test_a_step_takes_up_what_stalled(make_analysis: MakeAnalysis, settings: Settings) -> None:
    dead = timezone.now() - 2 * settings.ANALYSIS_LEASE
    make_analysis(status=Status.RUNNING, worker="dead", heartbeat_at=dead)

    assert worker.step(worker="one")

    assert Analysis.objects.get().status == Status.DONE


def test_clips_come_before_copies(
    make_analysis: MakeAnalysis, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "copy", lambda _, target, **__: Path(target).write_bytes(b"copy"))
    make_analysis(clip=make_clip(playback=Playback.WANTED))
    make_analysis()
    seen = []

    while worker.step(worker="one"):
        done = Analysis.objects.filter(status=Status.DONE).count()
        seen.append(
            (done, Clip.objects.get(pk__in=Clip.objects.order_by("uploaded_at")[:1]).playback)
        )

    assert seen == [(1, "wanted"), (2, "wanted"), (2, "copy")]


def test_heat_maps_come_before_copies(
    make_analysis: MakeAnalysis, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "copy", lambda _, target, **__: Path(target).write_bytes(b"copy"))
    make_clip(playback=Playback.WANTED)
    heat_maps.ask(make_analysis(status=Status.DONE), user=None)
    seen = []

    while worker.step(worker="one"):
        seen.append(
            (HeatMap.objects.get().is_finished, Clip.objects.filter(playback="copy").count())
        )

    assert seen == [(True, 0), (True, 1)]


@pytest.mark.parametrize(
    ("waits", "ending", "goes_on"),
    [(False, False, True), (True, False, False), (False, True, False)],
)
def test_a_copy_gives_way_to_a_clip_and_to_the_end(
    make_analysis: MakeAnalysis, *, waits: bool, ending: bool, goes_on: bool
) -> None:
    if waits:
        make_analysis()

    assert worker._nothing_better(lambda: ending, jobs.Pace(0), [Segment]) is goes_on


def test_a_copy_makes_way_for_what_stalled(make_analysis: MakeAnalysis, settings: Settings) -> None:
    dead = timezone.now() - 2 * settings.ANALYSIS_LEASE
    make_analysis(status=Status.RUNNING, worker="dead", heartbeat_at=dead)

    assert not worker._nothing_better(lambda: False, jobs.Pace(0), [Segment])


@pytest.mark.django_db
def test_a_copy_does_not_ask_for_each_picture(
    make_analysis: MakeAnalysis, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_analysis()

    with django_assert_num_queries(0):
        assert worker._nothing_better(lambda: False, jobs.Pace(60), [Segment])


def test_a_lost_lease_is_no_reason_to_stop(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_analysis()
    robbed = FakePredictor(during=lambda _: Segment.objects.update(worker="rival"))
    monkeypatch.setattr(catalog, "load", lambda _: robbed)

    assert worker.step(worker="one")

    assert Segment.objects.get().worker == "rival"


# The thread


@pytest.mark.django_db(transaction=True)
def test_the_first_clip_starts_the_thread(
    make_analysis: MakeAnalysis, thread: worker.Worker, closed: threading.Semaphore
) -> None:
    make_analysis()
    assert not running()

    worker.wake()

    assert closed.acquire(timeout=PATIENCE)
    assert Analysis.objects.get().status == Status.DONE


@pytest.mark.django_db(transaction=True)
def test_a_later_clip_wakes_the_same_thread(
    make_analysis: MakeAnalysis, thread: worker.Worker, closed: threading.Semaphore
) -> None:
    for _ in range(3):
        make_analysis()
        worker.wake()
        assert closed.acquire(timeout=PATIENCE)

    assert len(running()) == 1
    assert Analysis.objects.filter(status=Status.DONE).count() == 3


@pytest.mark.django_db(transaction=True)
def test_many_wakes_at_once_start_one_thread(thread: worker.Worker) -> None:
    wakers = [threading.Thread(target=worker.wake) for _ in range(20)]
    for waker in wakers:
        waker.start()
    for waker in wakers:
        waker.join()

    assert len(running()) == 1


@pytest.mark.django_db(transaction=True)
def test_the_thread_survives_a_broken_step(
    make_analysis: MakeAnalysis,
    thread: worker.Worker,
    closed: threading.Semaphore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make_analysis()
    look = SegmentQuerySet.waiting
    troubles = [OperationalError("disk trouble")]

    def look_with_trouble(queue: SegmentQuerySet) -> SegmentQuerySet:
        if troubles:
            raise troubles.pop()
        return look(queue)

    monkeypatch.setattr(SegmentQuerySet, "waiting", look_with_trouble)
    worker.wake()

    assert closed.acquire(timeout=PATIENCE)
    assert "disk trouble" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_work_that_nobody_announced_is_found(
    make_analysis: MakeAnalysis,
    thread: worker.Worker,
    closed: threading.Semaphore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.01)
    worker.wake()

    make_analysis()  # as another process would

    assert closed.acquire(timeout=PATIENCE)


@pytest.mark.django_db(transaction=True)
def test_stopping_ends_the_thread_and_waking_starts_another(thread: worker.Worker) -> None:
    worker.wake()
    worker.stop()
    assert not running()

    worker.wake()

    assert len(running()) == 1


@pytest.mark.django_db(transaction=True)
def test_stopping_puts_the_clip_at_hand_back(
    make_analysis: MakeAnalysis, thread: worker.Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_analysis()
    busy, given_up = threading.Event(), threading.Event()
    put_back = worker.put_back

    def break_down_once_given_up(stage: Stage) -> None:
        if stage is Stage.CLASSIFYING:
            busy.set()
            given_up.wait(PATIENCE)

    def put_back_and_go_on(*, worker: str) -> None:
        put_back(worker=worker)
        given_up.set()

    fake = FakePredictor(error=RuntimeError(), during=break_down_once_given_up)
    monkeypatch.setattr(catalog, "load", lambda _: fake)
    monkeypatch.setattr(worker, "put_back", put_back_and_go_on)
    worker.wake()
    assert busy.wait(PATIENCE)

    worker.stop()

    segment = Segment.objects.get()
    assert (segment.status, segment.attempts, segment.error) == (Status.QUEUED, 1, "")
    assert Analysis.objects.get().status == Status.QUEUED
    assert not running()


@pytest.mark.django_db(transaction=True)
def test_a_forked_process_starts_its_own_thread(thread: worker.Worker) -> None:
    worker.wake()

    worker._forget()  # what the child of a fork does first
    child = worker._worker
    child.wake()

    assert child is not thread
    assert len(running()) == 2
    child.stop()


def test_only_told_so_nobody_analyzes(settings: Settings) -> None:
    settings.RUNNER = "none"

    worker.wake()

    assert not running()


# The start of the server


@pytest.mark.django_db
def test_the_server_starts_the_worker_which_also_tidies(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[bool] = []
    monkeypatch.setattr(worker, "wake", lambda: woken.append(True))

    worker.start()

    assert woken


@pytest.mark.django_db(transaction=True)
def test_the_server_goes_on_with_what_was_left(
    make_analysis: MakeAnalysis, thread: worker.Worker, closed: threading.Semaphore
) -> None:
    make_analysis()

    worker.start()

    assert closed.acquire(timeout=PATIENCE)


@pytest.mark.django_db(transaction=True)
def test_a_database_without_tables_is_no_crash(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Segment._meta, "db_table", "nowhere")

    worker.start()

    assert "migrate" in caplog.text


@pytest.mark.django_db
def test_a_database_that_does_not_answer_yet_keeps_no_worker_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: object) -> None:
        msg = "connection refused"
        raise OperationalError(msg)

    woken: list[bool] = []
    monkeypatch.setattr(worker, "wake", lambda: woken.append(True))
    monkeypatch.setattr(SegmentQuerySet, "exists", fail)

    worker.start()

    assert woken


# Waking


def test_queueing_wakes_the_worker_once_it_is_committed(
    make_clip: MakeClip,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    woken: list[bool] = []
    monkeypatch.setattr(queue, "_listeners", [lambda _: woken.append(True)])

    with django_capture_on_commit_callbacks(execute=True):
        analyses.enqueue(make_clip(), model="standard", user=None)
        assert not woken

    assert woken


def test_this_process_listens() -> None:
    assert worker.wake in queue._listeners


def test_who_listens_twice_is_called_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_listeners", [])

    queue.subscribe(worker.wake)
    queue.subscribe(worker.wake)

    assert queue._listeners == [worker.wake]
