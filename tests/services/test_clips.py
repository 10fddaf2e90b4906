"""Deletion without orphans."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import FakePredictor, MakeAnalysis, MakeClip, followed
from video_classifier.models import Analysis, Clip
from video_classifier.services import clips, copies, evidence, sandbox, segments
from video_classifier.states import Playback


def files(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def write_copy(_source: Path, target: Path, **_: object) -> None:
    target.write_bytes(b"copy")


# Deletion


def test_deletion_leaves_neither_rows_nor_files(
    make_analysis: MakeAnalysis,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    clip = make_analysis().clip
    segment = segments.claim_next(worker="one")
    assert segment is not None
    segments.run(segment, predictor=FakePredictor(tracks=(followed(0.5),)))
    clip.playable.save("copy.mp4", ContentFile(b"copy"))
    assert len(files(settings)) == 6  # the clip, its copy, two frames, two crops

    with django_capture_on_commit_callbacks(execute=True):
        clips.delete(clip)

    assert not Clip.objects.exists()
    assert not Analysis.objects.exists()
    assert files(settings) == []
    assert not default_storage.exists(evidence.folder(segment.analysis))


def test_deletion_finds_the_copy_that_was_made_since(
    make_clip: MakeClip,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    monkeypatch.setattr(sandbox, "copy", write_copy)
    loaded_before = make_clip(playback=Playback.WANTED)
    copies.make_next(worker="one")

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
