"""Copies that browsers play: made once, tried again, given up, and asked for."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import MakeClip, claimed
from tests.makers import videos
from video_classifier.ml.video import browser_copy, probe
from video_classifier.models import BrowserCopy, Clip
from video_classifier.services import clips, copies, copy_runs, sandbox
from video_classifier.services.errors import Refused
from video_classifier.states import Playback, Status


def files(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def write_copy(_source: Path, target: Path, **_: object) -> None:
    target.write_bytes(b"copy")


def complain(_source: Path, _target: Path, **_: object) -> None:
    msg = "It can't be copied."
    raise Refused(msg)


def test_a_wanted_copy_is_made(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "copy", write_copy)
    make_clip(playback=Playback.WANTED)

    assert copies.make_next(worker="one")

    clip = Clip.objects.get()
    assert clip.playback == Playback.COPY
    assert Path(clip.playable.path).read_bytes() == b"copy"


@pytest.mark.django_db(transaction=True)  # its lease is looked at from another connection
def test_the_copy_is_one_that_browsers_play(make_clip: MakeClip, tmp_path: Path) -> None:
    video = videos.write(tmp_path / "made.avi", 5, codec="mjpeg", pixels="yuvj420p")
    make_clip(content=video.read_bytes(), playback=Playback.WANTED)

    copies.make_next(worker="one")

    copy = Path(Clip.objects.get().playable.path)
    assert browser_copy.is_playable(probe.facts(copy))


def test_what_browsers_play_needs_no_copy(make_clip: MakeClip) -> None:
    make_clip()

    assert not copies.make_next(worker="one")


def later() -> None:
    """The pause after a failed attempt is over."""
    BrowserCopy.objects.update(not_before=timezone.now())


def pause() -> timedelta:
    return BrowserCopy.objects.get().not_before - timezone.now()


def test_a_copy_that_fails_is_tried_again_after_growing_pauses_and_then_given_up(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sandbox, "copy", complain)
    make_clip(playback=Playback.WANTED)

    for expected in copy_runs.PAUSES:
        assert copies.make_next(worker="one")
        assert expected - timedelta(seconds=5) < pause() <= expected
        assert not copies.make_next(worker="one")
        later()
    assert copies.make_next(worker="one")

    assert "can't be copied" in caplog.text
    assert Clip.objects.get().playback == Playback.NONE
    assert not copies.make_next(worker="one")


def test_a_copy_that_works_at_last_is_kept(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip(playback=Playback.WANTED)
    monkeypatch.setattr(sandbox, "copy", complain)
    copies.make_next(worker="one")
    monkeypatch.setattr(sandbox, "copy", write_copy)
    later()

    assert copies.make_next(worker="one")

    assert Clip.objects.get().playback == Playback.COPY


def test_a_full_disk_is_no_failed_attempt(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def run_full(*_: object, **__: object) -> None:
        Path("/dev/full").write_bytes(b"copy")

    monkeypatch.setattr(sandbox, "copy", run_full)
    make_clip(playback=Playback.WANTED)

    for _ in range(5):
        assert copies.make_next(worker="one")
        later()

    clip = Clip.objects.get()
    assert (clip.playback, clip.browser_copy.attempts) == (Playback.WANTED, 0)
    assert "there is no room for a copy" in caplog.text


def test_no_copy_takes_the_last_room(make_clip: MakeClip, settings: Settings) -> None:
    settings.DISK_FLOOR_BYTES = 2**60
    make_clip(playback=Playback.WANTED)

    assert not copies.make_next(worker="one")

    assert Clip.objects.get().playback == Playback.WANTED


def test_two_processes_do_not_make_the_same_copy(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []

    def write_beside_a_rival(source: Path, target: Path, **_: object) -> None:
        made.append(copies.make_next(worker="one"))
        write_copy(source, target)

    monkeypatch.setattr(sandbox, "copy", write_beside_a_rival)
    make_clip(playback=Playback.WANTED)

    assert copies.make_next(worker="one")

    assert made == [False]
    assert BrowserCopy.objects.get().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_threads_that_race_make_each_copy_once(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = sorted(str(make_clip(playback=Playback.WANTED).pk) for _ in range(6))
    made: list[str] = []
    start = threading.Barrier(3)

    def note(source: Path, target: Path, **_: object) -> None:
        made.append(str(Clip.objects.get(file__endswith=source.name).pk))
        write_copy(source, target)

    def make_all(worker: str) -> None:
        try:
            start.wait()
            while copies.make_next(worker=worker):
                pass
        finally:
            connection.close()

    monkeypatch.setattr(sandbox, "copy", note)
    workers = [threading.Thread(target=make_all, args=(str(n),)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(made) == wanted


def test_a_copy_whose_process_died_is_taken_up_after_its_lease(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "copy", write_copy)
    make_clip(playback=Playback.WANTED)
    BrowserCopy.objects.update(status=Status.RUNNING, **claimed(timezone.now()))
    assert not copies.make_next(worker="two")

    BrowserCopy.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))

    assert copies.make_next(worker="two")
    assert BrowserCopy.objects.get().attempts == 2


def test_a_copy_that_was_given_up_can_be_asked_for(
    make_clip: MakeClip, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(playback=Playback.WANTED)
    monkeypatch.setattr(sandbox, "copy", complain)
    for _ in range(copy_runs.ATTEMPTS):
        assert copies.make_next(worker="one")
        later()
    monkeypatch.setattr(sandbox, "copy", write_copy)

    copies.ask(clip, user=user)

    job = BrowserCopy.objects.get()
    assert (job.status, job.attempts, job.requested_by) == (Status.QUEUED, 0, user)
    assert copies.make_next(worker="one")
    assert Clip.objects.get().playback == Playback.COPY


def test_what_browsers_play_gets_no_copy_by_asking(make_clip: MakeClip) -> None:
    clip = make_clip()

    copies.ask(clip, user=None)

    assert Clip.objects.get().playback == Playback.ORIGINAL


@pytest.mark.django_db(transaction=True)  # its lease is looked at from another connection
def test_a_copy_that_has_to_wait_stays_wanted(make_clip: MakeClip, tmp_path: Path) -> None:
    video = videos.write(tmp_path / "made.avi", 5, codec="mjpeg", pixels="yuvj420p")
    make_clip(content=video.read_bytes(), playback=Playback.WANTED)

    assert copies.make_next(worker="one", proceed=lambda: False)

    clip = Clip.objects.get()
    assert (clip.playback, clip.browser_copy.attempts) == (Playback.WANTED, 0)
    assert copies.make_next(worker="one")
    assert Clip.objects.get().playback == Playback.COPY


@pytest.mark.django_db(transaction=True)  # its lease is looked at from another connection
def test_a_copy_that_is_interrupted_leaves_nothing(
    make_clip: MakeClip, settings: Settings, tmp_path: Path
) -> None:
    video = videos.write(tmp_path / "made.avi", 2500, codec="mjpeg", pixels="yuvj420p")
    clip = make_clip(content=video.read_bytes(), playback=Playback.WANTED)
    uploads = Path(settings.FILE_UPLOAD_TEMP_DIR)
    begun: list[Path] = []

    def proceed() -> bool:
        begun.extend(uploads.glob("*/*"))
        return not begun

    copies.make_next(worker="one", proceed=proceed)

    assert begun
    assert list(uploads.iterdir()) == []
    assert files(settings) == [Path(clip.file.path)]


def test_a_copy_that_kills_the_process_is_not_tried_for_ever(
    make_clip: MakeClip, settings: Settings
) -> None:
    make_clip(playback=Playback.WANTED)
    dead = claimed(timezone.now() - timedelta(hours=1))
    attempts = {"attempts": settings.ANALYSIS_ATTEMPTS}
    BrowserCopy.objects.update(status=Status.RUNNING, **dead | attempts)

    assert not copies.make_next(worker="two")

    assert Clip.objects.get().playback == Playback.NONE
    assert "stopped 3 times" in BrowserCopy.objects.get().error


def test_a_copy_that_another_process_makes_now_is_left_to_it(
    make_clip: MakeClip, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip(playback=Playback.WANTED)

    def write_after_a_rival(source: Path, target: Path, **_: object) -> None:
        BrowserCopy.objects.update(worker="rival")
        write_copy(source, target)

    monkeypatch.setattr(sandbox, "copy", write_after_a_rival)

    copies.make_next(worker="one")

    assert Clip.objects.get().playback == Playback.WANTED
    assert not list(Path(settings.MEDIA_ROOT).glob("playable/**/*.mp4"))


def test_a_clip_deleted_while_it_is_copied_leaves_nothing(
    make_clip: MakeClip,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    clip = make_clip(playback=Playback.WANTED)

    def write_while_it_is_deleted(source: Path, target: Path, **_: object) -> None:
        clips.delete(clip)
        write_copy(source, target)

    monkeypatch.setattr(sandbox, "copy", write_while_it_is_deleted)

    with django_capture_on_commit_callbacks(execute=True):
        copies.make_next(worker="one")

    assert files(settings) == []
