"""Into the trash, out of it, and gone for good."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import FakePredictor, MakeAnalysis, MakeClip, claimed, followed
from tests.databases import plan
from video_classifier.models import Analysis, AuditEntry, Clip, HeatMap, Segment
from video_classifier.services import (
    analyses,
    clips,
    copies,
    evidence,
    files,
    heat_maps,
    jobs,
    queue,
    sandbox,
    segments,
    trash,
    worker,
)
from video_classifier.services.jobs import LeaseLostError
from video_classifier.states import Action, Playback, Status


def stored(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def noted(clip: Clip) -> list[str]:
    found = AuditEntry.objects.filter(object_type="clip", object_id=str(clip.pk))
    return list(found.order_by("id").values_list("action", flat=True))


def put_days_ago(clip: Clip, days: float, user: User) -> None:
    trash.put(clip, by=user)
    Clip.objects.filter(pk=clip.pk).update(trashed_at=timezone.now() - timedelta(days=days))


# In


def test_a_clip_in_the_trash_keeps_its_files_and_results(
    make_analysis: MakeAnalysis, user: User, settings: Settings
) -> None:
    analysis = make_analysis(status=Status.DONE)

    assert trash.put(analysis.clip, by=user)

    assert len(stored(settings)) == 1
    analysis.refresh_from_db()
    assert analysis.status == Status.DONE
    assert (analysis.clip.trashed_by, noted(analysis.clip)) == (user, [Action.TRASHED])


def test_a_second_time_changes_nothing(make_clip: MakeClip, user: User) -> None:
    clip = make_clip()
    trash.put(clip, by=user)

    assert not trash.put(clip, by=user)

    assert noted(clip) == [Action.TRASHED]


def test_what_is_queued_is_not_run(make_analysis: MakeAnalysis, user: User) -> None:
    trash.put(make_analysis().clip, by=user)

    assert not worker.step(worker="one")


@pytest.mark.parametrize("runs", [False, True])
def test_a_heat_map_is_cancelled(make_analysis: MakeAnalysis, user: User, *, runs: bool) -> None:
    clip = make_analysis(status=Status.DONE).clip
    heat_maps.ask(clip.analyses.get(), user=user)
    if runs:
        HeatMap.objects.update(status=Status.RUNNING, **claimed(timezone.now()))
    before = HeatMap.objects.get()

    trash.put(clip, by=user)

    assert HeatMap.objects.get().status == Status.CANCELLED
    assert not HeatMap.objects.held(before).exists()
    assert not worker.step(worker="one")


@pytest.mark.django_db(transaction=True)
def test_a_heat_map_that_was_drawn_meanwhile_stays(make_analysis: MakeAnalysis, user: User) -> None:
    clip = make_analysis(status=Status.DONE).clip
    heat_maps.ask(clip.analyses.get(), user=user)
    drawn = threading.Event()

    def draw() -> None:
        try:
            with transaction.atomic():
                HeatMap.objects.update(status=Status.DONE, drops=[[0.5]])
                drawn.set()
                time.sleep(0.5)  # the clip goes to the trash meanwhile
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(draw)
        drawn.wait()
        trash.put(clip, by=user)

    assert HeatMap.objects.get().status == Status.DONE


def test_who_waits_moves_up(make_analysis: MakeAnalysis, user: User) -> None:
    first, second = make_analysis(), make_analysis()
    trash.put(first.clip, by=user)

    assert analyses.place_in_queue(second) == 1


def test_an_analysis_that_runs_loses_its_lease(
    make_analysis: MakeAnalysis, user: User, settings: Settings
) -> None:
    clip = make_analysis().clip
    segment = segments.claim_next(worker="one")
    assert segment is not None
    predictor = FakePredictor(0.9, during=lambda _: trash.put(clip, by=user))

    with pytest.raises(LeaseLostError):
        segments.run(segment, predictor=predictor)

    assert Analysis.objects.get().status == Status.CANCELLED
    assert Segment.objects.get().status == Status.CANCELLED
    assert len(stored(settings)) == 1  # no pictures


def test_a_run_that_died_is_not_taken_up(
    make_analysis: MakeAnalysis, user: User, settings: Settings
) -> None:
    dead = timezone.now() - 2 * settings.ANALYSIS_LEASE
    trash.put(make_analysis(status=Status.RUNNING, heartbeat_at=dead).clip, by=user)

    assert not worker.step(worker="one")


def test_a_copy_that_was_wanted_is_not_made(make_clip: MakeClip, user: User) -> None:
    trash.put(make_clip(playback=Playback.WANTED), by=user)

    assert not copies.make_next(worker="one")


def test_a_copy_that_is_being_made_is_dropped(
    make_clip: MakeClip, user: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(playback=Playback.WANTED)

    def write_while_it_is_deleted(_source: Path, target: Path, **_: object) -> None:
        trash.put(clip, by=user)
        target.write_bytes(b"copy")

    monkeypatch.setattr(sandbox, "copy", write_while_it_is_deleted)
    copies.make_next(worker="one")

    assert len(stored(settings)) == 1
    assert Clip.objects.get().playback == Playback.WANTED


# Out


def test_restoring_brings_results_back_and_goes_on_with_the_rest(
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    clip = make_clip()
    statuses = (Status.DONE, Status.FAILED, Status.QUEUED, Status.RUNNING)
    runs = [make_analysis(clip=clip, status=status) for status in statuses]
    heat_maps.ask(runs[0], user=user)
    woken: list[bool] = []
    monkeypatch.setattr(queue, "_listeners", [lambda _: woken.append(True)])
    trash.put(clip, by=user)

    with django_capture_on_commit_callbacks(execute=True):
        assert trash.restore(clip, by=user)

    after = [Analysis.objects.get(pk=run.pk).status for run in runs]
    assert after == [Status.DONE, Status.FAILED, Status.QUEUED, Status.QUEUED]
    jobs_after = [Segment.objects.get(analysis=run).status for run in runs]
    assert jobs_after == after
    assert HeatMap.objects.get().status == Status.QUEUED
    assert Clip.objects.kept().get().trashed_by is None
    assert woken
    assert noted(clip) == [Action.TRASHED, Action.RESTORED]


def test_the_run_from_before_does_not_hold_what_was_restored(
    make_analysis: MakeAnalysis, user: User
) -> None:
    make_analysis()
    before = segments.claim_next(worker="one")
    assert before is not None
    trash.put(before.analysis.clip, by=user)
    trash.restore(before.analysis.clip, by=user)
    assert segments.claim_next(worker="one") is not None

    with pytest.raises(LeaseLostError):
        jobs.beat(before)


def test_what_is_not_in_the_trash_cannot_be_restored(make_clip: MakeClip, user: User) -> None:
    clip = make_clip()

    assert not trash.restore(clip, by=user)

    assert noted(clip) == []


# Gone


def test_purging_leaves_neither_rows_nor_files(
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    user: User,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    clip = make_clip()
    make_analysis(clip=clip)
    segment = segments.claim_next(worker="one")
    assert segment is not None
    segments.run(segment, predictor=FakePredictor(tracks=(followed(0.5),)))
    clip.playable.save("copy.mp4", ContentFile(b"copy"))
    files.write({evidence.heat_file(segment.analysis, 0): b"heat"})
    assert len(stored(settings)) == 7  # the clip, its copy, two frames, two crops, a heat map
    trash.put(clip, by=user)

    with django_capture_on_commit_callbacks(execute=True):
        assert trash.purge(clip, by=user)

    assert not Clip.objects.exists()
    assert not Analysis.objects.exists()
    assert stored(settings) == []
    assert not (Path(settings.MEDIA_ROOT) / evidence.folder(segment.analysis)).exists()
    assert noted(clip) == [Action.TRASHED, Action.PURGED]


def test_what_is_not_in_the_trash_is_not_purged(make_clip: MakeClip, user: User) -> None:
    clip = make_clip()

    assert not trash.purge(clip, by=user)

    assert Clip.objects.get() == clip


@pytest.mark.parametrize(("days", "left"), [(29.9, 1), (30.1, 0)])
def test_goes_by_itself_after_thirty_days(
    make_clip: MakeClip, user: User, days: float, left: int
) -> None:
    clip = make_clip()
    put_days_ago(clip, days, user)

    assert trash.purge_due(now=timezone.now()) == 1 - left

    assert Clip.objects.count() == left
    assert AuditEntry.objects.filter(action=Action.PURGED, actor=None).count() == 1 - left


def test_how_long_is_a_setting(make_clip: MakeClip, user: User, settings: Settings) -> None:
    settings.TRASH_KEEP = timedelta(days=3)
    put_days_ago(make_clip(), 4, user)

    assert trash.purge_due(now=timezone.now()) == 1


def test_what_was_not_deleted_stays(make_clip: MakeClip) -> None:
    make_clip()

    assert trash.purge_due(now=timezone.now() + timedelta(days=365)) == 0


@pytest.mark.django_db
def test_what_is_due_is_found_through_its_index() -> None:
    assert "clip_trash" in plan(trash.due(now=timezone.now()))


def test_nothing_is_noted_of_what_did_not_happen(
    make_clip: MakeClip, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip()
    trash.put(clip, by=user)

    def fail(_: Clip) -> None:
        msg = "disk full"
        raise OSError(msg)

    monkeypatch.setattr(clips, "delete", fail)

    with pytest.raises(OSError, match="disk full"):
        trash.purge(clip, by=user)
    assert noted(clip) == [Action.TRASHED]
    assert Clip.objects.get() == clip


def test_a_deletion_that_cannot_be_noted_does_not_happen(
    make_clip: MakeClip, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip()
    monkeypatch.setattr(AuditEntry.objects, "create", None)

    with pytest.raises(TypeError):
        trash.put(clip, by=user)

    assert Clip.objects.kept().exists()
