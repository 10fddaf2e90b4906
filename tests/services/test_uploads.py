"""What comes in is kept whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import (
    SimpleUploadedFile,
    TemporaryUploadedFile,
    UploadedFile,
)
from pytest_django import Settings

from tests.conftest import MakeModel
from tests.makers import videos
from video_classifier.models import Analysis, Clip, Store
from video_classifier.services import analyses, uploads
from video_classifier.services.errors import Refused
from video_classifier.states import Playback, Status

Upload = Callable[..., TemporaryUploadedFile]


@pytest.fixture(autouse=True)
def _model(make_model: MakeModel) -> None:
    make_model("standard")


@pytest.fixture
def video(tmp_path: Path) -> bytes:
    return videos.write(tmp_path / "made.mp4", 5).read_bytes()


@pytest.fixture
def upload() -> Iterator[Upload]:
    """As the upload handler leaves it: a temporary file on disk."""
    made: list[TemporaryUploadedFile] = []

    def make(content: bytes, name: str = "till.mp4") -> TemporaryUploadedFile:
        file = TemporaryUploadedFile(name, "text/plain", len(content), None)
        made.append(file)
        file.write(content)
        file.flush()
        file.seek(0)
        return file

    yield make
    for file in made:
        file.close()


def accept(*, file: UploadedFile[bytes], user: User, model: str, **said: Any) -> Analysis:
    """To the one store that there is."""
    choices = uploads.Choices(model=model, store=Store.objects.get(), **said)
    return uploads.accept(file=file, user=user, choices=choices)


def kept(settings: Settings) -> list[Path]:
    folders = (settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR)
    return [path for each in folders for path in Path(each).rglob("*") if path.is_file()]


def test_a_clip_is_kept_and_queued(upload: Upload, video: bytes, user: User) -> None:
    analysis = accept(file=upload(video), user=user, model="standard")

    clip = Clip.objects.get()
    assert (analysis.clip, analysis.status, analysis.model) == (clip, Status.QUEUED, "standard")
    assert (analysis.requested_by, clip.uploaded_by) == (user, user)
    assert Path(clip.file.path).read_bytes() == video


def test_a_clip_is_described_by_its_content(upload: Upload, video: bytes, user: User) -> None:
    accept(file=upload(video, "holiday.avi"), user=user, model="standard")

    clip = Clip.objects.get()
    assert (clip.container, clip.codec, clip.width, clip.height) == ("mp4", "h264", 64, 48)
    assert (clip.size_bytes, clip.sha256) == (len(video), hashlib.sha256(video).hexdigest())
    assert clip.duration == pytest.approx(0.5, abs=0.11)
    assert clip.playback == Playback.ORIGINAL


def test_what_browsers_do_not_play_asks_for_a_copy(
    upload: Upload, tmp_path: Path, user: User
) -> None:
    video = videos.write(tmp_path / "made.avi", 5, codec="mjpeg", pixels="yuvj420p").read_bytes()

    accept(file=upload(video), user=user, model="standard")

    assert Clip.objects.get().playback == Playback.WANTED


def test_the_bytes_are_moved_and_not_copied(upload: Upload, video: bytes, user: User) -> None:
    file = upload(video)
    before = os.stat(file.temporary_file_path()).st_ino  # noqa: PTH116

    accept(file=file, user=user, model="standard")

    assert Path(Clip.objects.get().file.path).stat().st_ino == before


def test_a_file_in_memory_is_taken_too(video: bytes, user: User, settings: Settings) -> None:
    accept(file=SimpleUploadedFile("till.mp4", video), user=user, model="standard")

    clip = Clip.objects.get()
    assert Path(clip.file.path).read_bytes() == video
    assert kept(settings) == [Path(clip.file.path)]


@pytest.mark.parametrize("content", [b"", b"no video at all"])
def test_what_is_no_clip_is_refused_and_not_kept(
    upload: Upload, content: bytes, user: User, settings: Settings
) -> None:
    file = upload(content)

    with pytest.raises(Refused):
        accept(file=file, user=user, model="standard")
    file.close()

    assert not Clip.objects.exists()
    assert kept(settings) == []


def test_one_byte_beyond_the_limit_is_refused(
    upload: Upload, video: bytes, user: User, settings: Settings
) -> None:
    settings.CLIP_MAX_BYTES = len(video) - 1

    with pytest.raises(Refused, match=r"“till\.mp4” is larger than"):
        accept(file=upload(video), user=user, model="standard")


@pytest.mark.parametrize("model", ["", "unknown", "../standard"])
def test_a_model_that_cannot_be_used_is_refused(
    upload: Upload, video: bytes, user: User, model: str
) -> None:
    with pytest.raises(Refused, match="There is no model"):
        accept(file=upload(video), user=user, model=model)

    assert not Clip.objects.exists()


def test_rows_that_cannot_be_written_leave_no_file(
    upload: Upload,
    video: bytes,
    user: User,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        msg = "disk full"
        raise OSError(msg)

    monkeypatch.setattr(analyses, "enqueue", fail)

    with pytest.raises(OSError, match="disk full"):
        accept(file=upload(video), user=user, model="standard")

    assert not Clip.objects.exists()
    assert not Analysis.objects.exists()
    assert kept(settings) == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("till.mp4", "till.mp4"),
        ("../../etc/passwd", "passwd"),
        (r"C:\clips\till.mp4", "till.mp4"),
        ("/", "clip"),
        ("", "clip"),
        ("Kasse 3 – Übersicht 収銀.mp4", "Kasse 3 – Übersicht 収銀.mp4"),  # noqa: RUF001
        ("a\x00b\nc\r\x1b.mp4", "abc.mp4"),
        ("evil\u202e4pm.exe", "evil4pm.exe"),
        ("x" * 300, "x" * 255),
        ("x" * 400 + ".mp4", "x" * 251 + ".mp4"),
        ("x" * 400 + ". and so on and on", "x" * 255),
        (".mp4", ".mp4"),
    ],
)
def test_names_are_shown_but_never_trusted(given: str, shown: str) -> None:
    assert uploads.clean_name(given) == shown


def test_no_part_of_the_name_gets_into_the_path(
    upload: Upload, video: bytes, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = upload(video)
    monkeypatch.setattr(file, "_name", "../../evil.php")  # past Django's own cleaning

    accept(file=file, user=user, model="standard")

    clip = Clip.objects.get()
    assert clip.name == "evil.php"
    assert "evil" not in (clip.file.name or "")
    assert Path(clip.file.path).suffix == ".mp4"
