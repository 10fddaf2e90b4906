"""Whatever a file does to the process that reads it, the next clip is served."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeModel, segment_of
from tests.makers import videos
from tests.makers.footage import ROOT
from video_classifier.ml.contracts import ClipError, Stage
from video_classifier.ml.isolation import children, confinement
from video_classifier.ml.isolation.children import Child
from video_classifier.ml.serving import decoder
from video_classifier.ml.serving.card import BundleError
from video_classifier.ml.serving.decoder import Reach
from video_classifier.ml.serving.folders import Folders
from video_classifier.models import Analysis, Clip, Segment
from video_classifier.services import catalog, sandbox, segments, trash
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import LeaseLostError
from video_classifier.states import Prediction, Status

MODEL = "conv3d"  # the smallest
SOON = 30  # seconds: of the two minutes for which a reader that hangs would be waited for

# The library's errors


@pytest.mark.parametrize("error", [ClipError("It has no frames."), BundleError("It is gone.")])
def test_what_the_library_cannot_use_is_refused_in_its_words(error: Exception) -> None:
    with pytest.raises(Refused, match=str(error)), sandbox.refusing():
        raise error


def test_a_model_that_is_gone_when_its_turn_comes_is_refused(
    make_model: MakeModel, settings: Settings
) -> None:
    folder = make_model("standard")
    predictor = catalog.load("standard")
    shutil.rmtree(folder)

    with pytest.raises(Refused, match="There is no model “standard”"):
        predictor.load()


# Uploads


def test_an_upload_is_looked_at_elsewhere(tmp_path: Path) -> None:
    facts, is_playable = sandbox.probe(videos.write(tmp_path / "clip.mp4", 5))

    assert (facts.container, facts.width, is_playable) == ("mp4", 64, True)


def test_what_is_no_video_keeps_its_sentence(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not a video"):
        sandbox.probe(videos.text(tmp_path / "clip.mp4", "buy milk"))


@pytest.mark.parametrize(("at_work", "said"), [(0.0, "takes too long"), (0.5, "disk too slow")])
def test_a_look_that_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_work: float, said: str
) -> None:
    """A child that waits, as for a disk that hangs, says nothing of the file."""
    clip = videos.write(tmp_path / "clip.mp4", 5)
    sandbox.probe(clip)
    child(sandbox._probes._kept).suspend()
    monkeypatch.setattr(sandbox, "PROBE_SECONDS", 0.2)
    monkeypatch.setattr(sandbox, "AT_WORK", at_work)

    with pytest.raises(Refused, match=said) as refused:
        sandbox.probe(clip)

    assert isinstance(refused.value, sandbox.BusyError) == bool(at_work)

    monkeypatch.undo()
    assert sandbox.probe(clip)


def once_it_was_asked(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """In the middle of the next look at an upload."""
    watch = sandbox.Deadline.__call__

    def act_and_watch(deadline: sandbox.Deadline) -> None:
        monkeypatch.setattr(sandbox.Deadline, "__call__", watch)
        act()
        watch(deadline)

    monkeypatch.setattr(sandbox.Deadline, "__call__", act_and_watch)


def test_a_file_that_crashes_the_reader_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = videos.write(tmp_path / "clip.mp4", 5)
    sandbox.probe(clip)
    reader = child(sandbox._probes._kept)
    reader.suspend()

    def crash() -> None:
        reader.send_signal(signal.SIGSEGV)
        reader.resume()

    once_it_was_asked(monkeypatch, crash)

    with pytest.raises(Refused, match="crashed"):
        sandbox.probe(clip)

    assert sandbox.probe(clip)


def test_a_reader_that_is_killed_says_nothing_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = videos.write(tmp_path / "clip.mp4", 5)
    sandbox.probe(clip)
    killed = child(sandbox._probes._kept)
    killed.suspend()
    once_it_was_asked(monkeypatch, killed.kill)

    with pytest.raises(sandbox.BusyError, match="interrupted"):
        sandbox.probe(clip)

    assert sandbox.probe(clip)


def test_a_child_that_takes_long_to_start_may_still_make_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a busy machine, which says nothing of what the camera sent."""
    now = [0.0]
    picture = np.zeros((48, 64, 3), np.uint8)

    class SlowToStart:
        def facts(self, _: Path, *, watch: Callable[[], None]) -> tuple[object, bool]:
            now[0] += 2 * sandbox.STILL_SECONDS
            watch()
            return SimpleNamespace(width=64, height=48), True

        def sample(self, *_: object, watch: Callable[[], None]) -> object:
            now[0] += 0.9 * sandbox.STILL_SECONDS
            watch()
            return SimpleNamespace(images=[picture])

    @contextmanager
    def one() -> Iterator[SlowToStart]:
        yield SlowToStart()

    monkeypatch.setattr(sandbox, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(sandbox._probes, "one", one)

    assert sandbox.still(tmp_path / "still.mp4", width=64) is picture

    monkeypatch.setattr(sandbox, "STILL_SECONDS", 4.0)
    monkeypatch.setattr(sandbox, "PROBE_SECONDS", 7.0)
    with pytest.raises(Refused, match="too long"):
        sandbox.still(tmp_path / "still.mp4", width=64)


def test_no_more_files_are_looked_at_at_once_than_there_are_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(sandbox, "_probes", sandbox._Probes())
    clip = videos.write(tmp_path / "clip.mp4", 5)
    busy, most, counting = 0, 0, threading.Lock()
    facts = decoder.InChild.facts

    def counted(*arguments: object, **how: object) -> object:
        nonlocal busy, most
        with counting:
            busy += 1
            most = max(most, busy)
        try:
            return facts(*arguments, **how)  # type: ignore[arg-type]
        finally:
            with counting:
                busy -= 1

    monkeypatch.setattr(decoder.InChild, "facts", counted)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(sandbox.probe, [clip] * 8))

    assert most == 2
    sandbox._probes.close()


def child(reader: decoder.InChild | None) -> psutil.Process:
    assert reader is not None
    assert reader._child is not None
    return psutil.Process(reader._child.pid)


# Analyses


def scorer() -> psutil.Process:
    assert sandbox._scorer._child is not None
    return psutil.Process(sandbox._scorer._child.pid)


def reader() -> psutil.Process:
    (found,) = scorer().children()
    return found


@pytest.fixture
def ready(
    settings: Settings, make_analysis: MakeAnalysis, make_clip: MakeClip, tmp_path: Path
) -> Clip:
    """A clip that was analyzed once, by a real model."""
    settings.MODELS_STORAGE = ROOT / "models_storage"
    content = videos.write(tmp_path / "clip.mp4", 60).read_bytes()
    clip = make_clip(content=content)
    run(make_analysis(clip=clip, status=Status.RUNNING, model=MODEL))
    return clip


def run(analysis: Analysis, **how: Any) -> None:
    segments.run(segment_of(analysis), **how)
    analysis.refresh_from_db()


@pytest.mark.keras
@pytest.mark.django_db(transaction=True)
def test_a_clip_is_read_and_scored_elsewhere(ready: Clip) -> None:
    analysis = Analysis.objects.get()

    assert (analysis.status, analysis.error) == (Status.DONE, "")
    assert len(analysis.frame_times) == 16


@pytest.mark.keras
@pytest.mark.usefixtures("ready")
@pytest.mark.django_db(transaction=True)
def test_a_reason_for_no_result_comes_from_elsewhere_too(
    make_analysis: MakeAnalysis, make_clip: MakeClip, tmp_path: Path
) -> None:
    one_picture = make_clip(content=videos.write(tmp_path / "one.mp4", 1).read_bytes())
    analysis = make_analysis(clip=one_picture, status=Status.RUNNING, model=MODEL)

    run(analysis)

    assert (analysis.status, analysis.prediction) == (Status.DONE, Prediction.NO_RESULT)
    assert "too few pictures" in analysis.reason


@pytest.mark.keras
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("for_good", [False, True])
def test_a_deleted_clip_ends_its_run_and_the_next_one_starts(
    ready: Clip,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    *,
    for_good: bool,
) -> None:
    monkeypatch.setattr(children, "PATIENCE", 60.0)  # for the scorer to end the call
    other = make_clip(content=Path(ready.file.path).read_bytes())
    running = make_analysis(clip=ready, status=Status.RUNNING, model=MODEL)
    warm = scorer().pid
    reader().suspend()  # it hangs
    end = ready.delete if for_good else partial(trash.put, ready, by=user)
    start = time.monotonic()
    while_it_is_read(monkeypatch, end)

    with pytest.raises(LeaseLostError):
        run(running)

    assert time.monotonic() - start < SOON
    following = make_analysis(clip=other, status=Status.RUNNING, model=MODEL)
    run(following)
    assert following.status == Status.DONE
    assert scorer().pid == warm


@pytest.mark.keras
@pytest.mark.django_db(transaction=True)
def test_a_run_that_takes_too_long_fails_with_a_sentence(
    ready: Clip, make_analysis: MakeAnalysis, settings: Settings
) -> None:
    settings.ANALYSIS_DEADLINE = settings.ANALYSIS_DEADLINE_MOST = timedelta(seconds=1)
    running = make_analysis(clip=ready, model=MODEL)
    segment = segments.claim_next(worker="one")
    assert segment is not None
    reader().suspend()

    segments.run(segment)

    running.refresh_from_db()

    assert running.status == Status.FAILED
    assert "longer than a clip of this length may take (1 min)" in running.error


@pytest.mark.keras
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["reader", "scorer"])
def test_a_crash_is_that_clips_failure_and_nobody_elses(
    ready: Clip,
    make_analysis: MakeAnalysis,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    who: str,
) -> None:
    running, following = (
        make_analysis(clip=ready, status=Status.RUNNING, model=MODEL) for _ in range(2)
    )
    settings.ANALYSIS_ATTEMPTS = 1
    crash(monkeypatch, reader() if who == "reader" else scorer(), signal.SIGSEGV)

    run(running)
    run(following)

    assert running.status == Status.FAILED
    assert ("crashed on this file" if who == "reader" else "given up") in running.error
    assert following.status == Status.DONE


@pytest.mark.keras
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["reader", "scorer"])
def test_a_clip_whose_child_was_killed_is_tried_again(
    ready: Clip, make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    running = make_analysis(clip=ready, status=Status.RUNNING, model=MODEL)
    crash(monkeypatch, reader() if who == "reader" else scorer(), signal.SIGKILL)

    run(running)

    waiting = segment_of(running)
    assert (waiting.status, waiting.worker, waiting.error) == (Status.QUEUED, "", "")
    assert segments.run_next(worker="two")
    running.refresh_from_db()
    assert running.status == Status.DONE


def crash(monkeypatch: pytest.MonkeyPatch, victim: psutil.Process, ends_by: signal.Signals) -> None:
    """In the middle of the next call."""
    suspended = reader()
    suspended.suspend()

    def end() -> None:
        victim.send_signal(ends_by)
        if victim.pid == suspended.pid and ends_by != signal.SIGKILL:
            victim.resume()

    while_it_is_read(monkeypatch, end)


def while_it_is_read(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """A moment after the next run has said that it reads its clip."""
    enter = segments._enter

    def enter_and_act(segment: Segment, stage: Stage) -> None:
        monkeypatch.setattr(segments, "_enter", enter)
        enter(segment, stage)
        threading.Timer(0.5, act).start()

    monkeypatch.setattr(segments, "_enter", enter_and_act)


def test_children_are_told_of_clips_and_models_and_of_nothing_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sandbox, "STRIDES", tmp_path)  # in tests that is the folder of all
    data, uploads = Path(settings.DATA_DIR), Path(settings.FILE_UPLOAD_TEMP_DIR)
    secret = data / "db.sqlite3", data / "secret_key", settings.BASE_DIR / ".env", Path("/etc")
    of_reader, of_scorer = sandbox.reach(), sandbox._reach_of_scorer()

    for reach in (of_reader, of_scorer):
        assert reach.has(Reach(readable=(settings.MEDIA_ROOT / "clips", uploads)))
        assert [each for each in secret if reach.has(Reach(readable=(each,)))] == []
    assert (of_reader.writable, of_scorer.writable) == ((uploads,), ())


@pytest.mark.skipif(not confinement.is_possible(), reason="this kernel has no such filter")
def test_the_child_that_reads_uploads_has_a_filter_of_system_calls(tmp_path: Path) -> None:
    sandbox.probe(videos.write(tmp_path / "clip.mp4", 5))

    reader = child(sandbox._probes._kept)

    status = Path(f"/proc/{reader.pid}/status").read_text(encoding="utf-8")
    assert "Seccomp:\t2" in status


@pytest.mark.skipif(not sandbox.closes_files(), reason="this kernel has no Landlock")
@pytest.mark.skipif(confinement.has_graphics_card(), reason="its driver needs files of its own")
def test_the_child_that_scores_reads_no_models_but_those_that_it_is_told_of(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("models") / "mine"
    elsewhere.mkdir()
    (elsewhere / "card.json").write_text("{}")
    model = Folders(model=elsewhere, detector=elsewhere)
    told_of_others = Child(
        "video_classifier.ml.serving.scorer_process",
        str(settings.MEDIA_ROOT.parent),
        errors={"BundleError": BundleError},
    )

    with pytest.raises(BundleError, match="Permission denied"):
        told_of_others.call("load", model, returns=type(None))
    with pytest.raises(Refused) as refusal:
        sandbox._scorer.call("load", model, returns=type(None))

    assert "Permission denied" not in str(refusal.value)
    told_of_others.kill()


@pytest.mark.keras
@pytest.mark.django_db(transaction=True)
def test_a_scorer_that_grows_too_large_is_ended(
    ready: Clip, make_analysis: MakeAnalysis, settings: Settings
) -> None:
    sandbox._scorer.close()
    settings.ANALYSIS_MEMORY = 100 * 2**20
    running = make_analysis(clip=ready, status=Status.RUNNING, model=MODEL)

    run(running)

    assert running.status == Status.FAILED
    assert "more memory than is allowed" in running.error
    sandbox._scorer.close()


@pytest.mark.keras
@pytest.mark.django_db(transaction=True)
def test_the_end_of_the_process_ends_a_run_and_puts_it_back(
    ready: Clip, make_analysis: MakeAnalysis
) -> None:
    running = make_analysis(
        clip=ready, status=Status.RUNNING, model=MODEL, heartbeat_at=timezone.now()
    )
    reader().suspend()
    ending = threading.Event()
    threading.Timer(0.5, ending.set).start()

    run(running, proceed=lambda: not ending.is_set())

    assert (running.status, segment_of(running).attempts) == (Status.QUEUED, 1)


def test_a_clip_may_not_choose_its_own_deadline(settings: Settings) -> None:
    settings.ANALYSIS_DEADLINE_MOST = timedelta(seconds=0)

    watch = segments.deadline(2e9)
    time.sleep(0.01)

    with pytest.raises(Refused, match="0 min"):
        watch()
