"""Copies that browsers play, and deletion without orphans."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import FakePredictor, MakeAnalysis, MakeClip, followed
from tests.databases import plan
from tests.makers import videos
from video_classifier.ml.video import browser_copy, probe
from video_classifier.models import Analysis, Clip
from video_classifier.querysets import ClipQuerySet
from video_classifier.services import analyses, clips, evidence, sandbox
from video_classifier.services.errors import Refused
from video_classifier.states import Playback


def files(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def write_copy(_source: Path, target: Path, **_: object) -> None:
    target.write_bytes(b"copy")


def complain(_source: Path, _target: Path, **_: object) -> None:
    msg = "It can't be copied."
    raise Refused(msg)


# Deletion


def test_deletion_leaves_neither_rows_nor_files(
    make_analysis: MakeAnalysis,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    clip = make_analysis().clip
    analysis = analyses.claim_next(worker="one")
    assert analysis is not None
    analyses.run(analysis, predictor=FakePredictor(tracks=(followed(0.5),)))
    clip.playable.save("copy.mp4", ContentFile(b"copy"))
    assert len(files(settings)) == 6  # the clip, its copy, two frames, two crops

    with django_capture_on_commit_callbacks(execute=True):
        clips.delete(clip)

    assert not Clip.objects.exists()
    assert not Analysis.objects.exists()
    assert files(settings) == []
    assert not default_storage.exists(evidence.folder(analysis))


def test_deletion_finds_the_copy_that_was_made_since(
    make_clip: MakeClip,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    monkeypatch.setattr(sandbox, "copy", write_copy)
    loaded_before = make_clip(playback=Playback.WANTED)
    clips.make_next_copy()

    with django_capture_on_commit_callbacks(execute=True):
        clips.delete(loaded_before)

    assert files(settings) == []


def test_a_deletion_that_is_rolled_back_keeps_the_files(
    make_clip: MakeClip,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    clip = make_clip()

    with django_capture_on_commit_callbacks(execute=False):
        clips.delete(clip)

    assert len(files(settings)) == 1


def test_rows_that_go_by_a_query_take_their_files_along(
    make_analysis: MakeAnalysis,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    make_analysis()

    with django_capture_on_commit_callbacks(execute=True):
        Clip.objects.all().delete()

    assert files(settings) == []


def test_another_clip_keeps_its_file(
    make_clip: MakeClip, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    kept = make_clip()

    with django_capture_on_commit_callbacks(execute=True):
        clips.delete(make_clip())

    assert kept.file.storage.exists(kept.file.name or "")


def test_a_second_deletion_does_nothing(make_clip: MakeClip) -> None:
    clip = make_clip()
    clips.delete(clip)

    clips.delete(clip)

    assert not Clip.objects.exists()


# Copies for browsers


def test_a_wanted_copy_is_made(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "copy", write_copy)
    make_clip(playback=Playback.WANTED)

    assert clips.make_next_copy()

    clip = Clip.objects.get()
    assert clip.playback == Playback.COPY
    assert Path(clip.playable.path).read_bytes() == b"copy"


def test_the_copy_is_one_that_browsers_play(make_clip: MakeClip, tmp_path: Path) -> None:
    video = videos.write(tmp_path / "made.avi", 5, codec="mjpeg", pixels="yuvj420p")
    make_clip(content=video.read_bytes(), playback=Playback.WANTED)

    clips.make_next_copy()

    copy = Path(Clip.objects.get().playable.path)
    assert browser_copy.is_playable(probe.facts(copy))


@pytest.mark.django_db
def test_the_wanted_are_found_through_their_index() -> None:
    assert "clip_copy_wanted" in plan(Clip.objects.wanting_a_copy())


def test_what_browsers_play_needs_no_copy(make_clip: MakeClip) -> None:
    make_clip()

    assert not clips.make_next_copy()


def later() -> None:
    """The pause after a failed attempt is over."""
    Clip.objects.update(copy_due_at=timezone.now())


def pause() -> timedelta:
    return Clip.objects.get().copy_due_at - timezone.now()


def test_a_copy_that_fails_is_tried_again_after_growing_pauses_and_then_given_up(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sandbox, "copy", complain)
    make_clip(playback=Playback.WANTED)

    for expected in clips.COPY_PAUSES:
        assert clips.make_next_copy()
        assert expected - timedelta(seconds=5) < pause() <= expected
        assert not clips.make_next_copy()
        later()
    assert clips.make_next_copy()

    assert "can't be copied" in caplog.text
    assert Clip.objects.get().playback == Playback.NONE
    assert not clips.make_next_copy()


def test_a_copy_that_works_at_last_is_kept(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip(playback=Playback.WANTED)
    monkeypatch.setattr(sandbox, "copy", complain)
    clips.make_next_copy()
    monkeypatch.setattr(sandbox, "copy", write_copy)
    later()

    assert clips.make_next_copy()

    assert Clip.objects.get().playback == Playback.COPY


def test_a_full_disk_is_no_failed_attempt(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def run_full(*_: object, **__: object) -> None:
        Path("/dev/full").write_bytes(b"copy")

    monkeypatch.setattr(sandbox, "copy", run_full)
    make_clip(playback=Playback.WANTED)

    for _ in range(5):
        assert clips.make_next_copy()
        later()

    clip = Clip.objects.get()
    assert (clip.playback, clip.copy_attempts) == (Playback.WANTED, 0)
    assert "there is no room for a copy" in caplog.text


def test_no_copy_takes_the_last_room(make_clip: MakeClip, settings: Settings) -> None:
    settings.DISK_FLOOR_BYTES = 2**60
    make_clip(playback=Playback.WANTED)

    assert not clips.make_next_copy()

    assert Clip.objects.get().playback == Playback.WANTED


def test_two_processes_do_not_make_the_same_copy(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []

    def write_beside_a_rival(source: Path, target: Path, **_: object) -> None:
        made.append(clips.make_next_copy())
        write_copy(source, target)

    monkeypatch.setattr(sandbox, "copy", write_beside_a_rival)
    make_clip(playback=Playback.WANTED)

    assert clips.make_next_copy()

    assert made == [False]
    assert Clip.objects.get().copy_attempts == 1


def test_of_two_that_see_the_same_row_one_makes_the_copy(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip(playback=Playback.WANTED)
    first = ClipQuerySet.first

    def seen_by_a_rival_too(rows: ClipQuerySet) -> Clip | None:
        found = first(rows)
        monkeypatch.undo()
        assert clips._claim() is not None
        return found

    monkeypatch.setattr(ClipQuerySet, "first", seen_by_a_rival_too)

    assert clips._claim() is None

    assert Clip.objects.get().copy_attempts == 1


def test_a_copy_under_way_keeps_its_claim(
    make_clip: MakeClip, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ANALYSIS_HEARTBEAT = timedelta()

    def take_long(source: Path, target: Path, *, watch: Callable[[], None]) -> None:
        later()
        watch()
        assert pause() > timedelta(seconds=30)
        write_copy(source, target)

    monkeypatch.setattr(sandbox, "copy", take_long)
    make_clip(playback=Playback.WANTED)

    clips.make_next_copy()

    assert Clip.objects.get().playback == Playback.COPY


def test_a_copy_whose_process_died_is_taken_up_after_its_lease(make_clip: MakeClip) -> None:
    make_clip(playback=Playback.WANTED)
    assert clips._claim() is not None
    assert clips._claim() is None

    later()

    assert clips._claim() is not None


def test_a_copy_that_was_given_up_can_be_asked_for(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "copy", write_copy)
    clip = make_clip(playback=Playback.NONE, copy_attempts=clips.COPY_ATTEMPTS)

    clips.ask_for_copy(clip)

    assert clips.make_next_copy()
    assert Clip.objects.get().playback == Playback.COPY


def test_what_browsers_play_gets_no_copy_by_asking(make_clip: MakeClip) -> None:
    clip = make_clip()

    clips.ask_for_copy(clip)

    assert Clip.objects.get().playback == Playback.ORIGINAL


def test_a_copy_that_has_to_wait_stays_wanted(make_clip: MakeClip, tmp_path: Path) -> None:
    video = videos.write(tmp_path / "made.avi", 5, codec="mjpeg", pixels="yuvj420p")
    make_clip(content=video.read_bytes(), playback=Playback.WANTED)

    assert clips.make_next_copy(proceed=lambda: False)

    clip = Clip.objects.get()
    assert (clip.playback, clip.copy_attempts) == (Playback.WANTED, 0)
    assert clips.make_next_copy()
    assert Clip.objects.get().playback == Playback.COPY


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

    clips.make_next_copy(proceed=proceed)

    assert begun
    assert list(uploads.iterdir()) == []
    assert files(settings) == [Path(clip.file.path)]


def test_a_copy_that_kills_the_process_is_not_tried_for_ever(make_clip: MakeClip) -> None:
    make_clip(playback=Playback.WANTED, copy_attempts=clips.COPY_ATTEMPTS)

    assert not clips.make_next_copy()

    assert Clip.objects.get().playback == Playback.NONE


def test_a_copy_that_another_process_made_first_is_kept(
    make_clip: MakeClip, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip(playback=Playback.WANTED)

    def write_after_a_rival(source: Path, target: Path, **_: object) -> None:
        Clip.objects.update(playback=Playback.COPY, playable="playable/rival.mp4")
        write_copy(source, target)

    monkeypatch.setattr(sandbox, "copy", write_after_a_rival)

    clips.make_next_copy()

    assert Clip.objects.get().playable.name == "playable/rival.mp4"
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
        clips.make_next_copy()

    assert files(settings) == []
