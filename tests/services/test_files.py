"""Files go with their rows; a sweep finds what was left, and what is missing."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import InMemoryStorage, Storage, default_storage
from django.db import OperationalError, connection
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import FakePredictor, MakeAnalysis, MakeClip, MakeStore, segment_of
from tests.makers import videos
from video_classifier.models import Analysis, Clip, Store
from video_classifier.services import clips, copies, evidence, files, jobs, sandbox, segments
from video_classifier.states import Playback, Status

DAY = 24 * 60 * 60


def age(path: Path | str, days: float = 2) -> Path:
    """Makes it look as old."""
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment))
    return Path(path)


def store(name: str) -> Path:
    """A file as a kill between the move into storage and the commit leaves it."""
    return age(default_storage.path(default_storage.save(name, ContentFile(b"footage"))))


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["clips/2026/11/x.mp4", "playable/2026/11/x.mp4"])
def test_a_file_without_a_row_goes(name: str) -> None:
    orphan = store(name)

    assert files.sweep().removed == 1

    assert not orphan.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rows", [1, 0])
def test_where_nobody_knows_whether_a_row_was_written_its_file_stays(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """The connection is lost after the commit has reached the database, or before."""
    commit = connection.commit

    def lose() -> None:
        if rows:
            commit()
        msg = "server closed the connection unexpectedly"
        raise OperationalError(msg)

    name = default_storage.save("clips/x.mp4", ContentFile(b"footage"))
    monkeypatch.setattr(connection, "commit", lose)
    with pytest.raises(OperationalError), files.going_with_rows(name):
        make_store("Harbor")
    monkeypatch.undo()

    assert Store.objects.filter(name="Harbor").count() == rows
    assert default_storage.exists(name)


@pytest.mark.django_db
def test_without_its_row_a_file_goes_at_once() -> None:
    name = default_storage.save("clips/x.mp4", ContentFile(b"footage"))

    with pytest.raises(OperationalError), files.going_with_rows(name):
        raise OperationalError

    assert not default_storage.exists(name)


@pytest.mark.django_db
def test_pictures_of_an_analysis_that_is_gone_go_with_their_folder() -> None:
    picture = store("frames/6f0f7a24-94a4-4e3f-8f43-4f16f3c9a7d1/00.jpg")
    age(picture.parent)

    files.sweep()

    assert not picture.parent.exists()


def test_what_belongs_to_a_row_stays(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()
    clip = analysis.clip
    clip.playable.save("copy.mp4", ContentFile(b"copy"))
    files.write({evidence.frame_file(segment_of(analysis), 0): b"frame"})
    kept = [
        age(clip.file.path),
        age(clip.playable.path),
        age(default_storage.path(evidence.frame_file(segment_of(analysis), 0))),
        age(default_storage.path(evidence.folder(analysis))),
    ]

    assert files.sweep().left == ()

    assert all(path.exists() for path in kept)


def test_what_is_in_the_trash_stays(make_clip: MakeClip) -> None:
    clip = make_clip()
    Clip.objects.update(trashed_at=clip.uploaded_at)
    age(clip.file.path)

    assert files.sweep().left == ()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["README", "backup/2026.tar"])
def test_what_somebody_else_put_beside_it_stays(name: str) -> None:
    foreign = store(name)

    assert files.sweep().left == ()

    assert foreign.exists()


@pytest.mark.django_db
def test_what_may_be_on_its_way_stays() -> None:
    fresh = age(store("clips/2026/11/x.mp4"), days=0.9)

    files.sweep()

    assert fresh.exists()


@pytest.mark.django_db
def test_old_leftovers_of_uploads_go(settings: Settings) -> None:
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR)
    old, coming_in, half_copied = folder / "old.upload", folder / "new.upload", folder / "copying"
    for file in (old, coming_in):
        file.touch()
    half_copied.mkdir()
    (half_copied / "copy.mp4").touch()
    age(old)
    age(half_copied)

    files.sweep()

    assert list(folder.iterdir()) == [coming_in]


@pytest.mark.django_db
def test_a_dry_run_removes_nothing() -> None:
    orphan = store("clips/2026/11/x.mp4")

    swept = files.sweep(remove=False)

    assert (swept.left, swept.removed) == ((orphan,), 0)
    assert orphan.exists()


@pytest.mark.django_db
def test_so_many_that_it_may_be_the_wrong_database_stay(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FEW", 2)
    orphans = [store(f"clips/2026/11/{number}.mp4") for number in range(3)]

    assert files.sweep().refused

    assert all(path.exists() for path in orphans)
    assert "right database" in caplog.text
    assert files.sweep(force=True).removed == 3


@pytest.mark.django_db
def test_a_link_is_removed_and_not_followed(settings: Settings, tmp_path: Path) -> None:
    elsewhere = age(_written(tmp_path / "elsewhere.mp4"))
    link = Path(settings.MEDIA_ROOT) / "clips" / "link.mp4"
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    moment = time.time() - 2 * DAY
    os.utime(link, (moment, moment), follow_symlinks=False)

    files.sweep()

    assert not link.is_symlink()
    assert elsewhere.exists()


def _written(path: Path) -> Path:
    path.write_bytes(b"footage")
    return path


# Files that can't be removed


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operating system refuses, as with `chattr +i`."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "remove", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    monkeypatch.setattr(shutil, "rmtree", refuse)


def test_a_deletion_whose_files_stay_is_no_error_and_tried_again(
    make_analysis: MakeAnalysis,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    request: pytest.FixtureRequest,
) -> None:
    clip = make_analysis().clip
    path = age(clip.file.path)
    request.getfixturevalue("stuck")

    with django_capture_on_commit_callbacks(execute=True):
        clips.delete(clip)

    assert not Clip.objects.exists()
    assert path.exists()
    assert "the next sweep tries again" in caplog.text
    assert files.sweep().removed == 0  # still stuck, and the sweep goes on
    monkeypatch.undo()
    assert files.sweep(force=True).removed == 1
    assert not path.exists()


# Rows that miss their file


def test_a_row_that_misses_its_file_is_counted_and_logged(
    make_clip: MakeClip, caplog: pytest.LogCaptureFixture
) -> None:
    clip = make_clip()
    make_clip()
    Path(clip.file.path).unlink()

    with caplog.at_level(logging.ERROR):
        swept = files.sweep()

    assert (swept.missing, files.missing()) == ((clip.pk,), 1)
    assert str(clip.pk) in caplog.text


def test_a_row_with_its_file_is_not(make_clip: MakeClip) -> None:
    make_clip()

    files.sweep()

    assert files.missing() == 0


# Storage that is somewhere else, whose files have no path


class Elsewhere(Storage):
    """As little as a storage has to have."""

    def __init__(self) -> None:
        self._there = InMemoryStorage()

    def _open(self, name: str, mode: str) -> File[bytes]:
        return self._there.open(name, mode)

    def _save(self, name: str, content: File[bytes]) -> str:
        return self._there.save(name, content)

    def delete(self, name: str) -> None:
        self._there.delete(name)

    def exists(self, name: str) -> bool:
        return self._there.exists(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        return self._there.listdir(path)

    def size(self, name: str) -> int:
        return self._there.size(name)


@pytest.fixture
def elsewhere(settings: Settings) -> None:
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": f"{__name__}.Elsewhere"}}


@pytest.fixture
def footage(elsewhere: None, make_clip: MakeClip, tmp_path: Path) -> Clip:
    video = videos.write(tmp_path / "made.avi", 5, codec="mjpeg", pixels="yuvj420p")
    clip = make_clip(content=video.read_bytes(), playback=Playback.WANTED)
    with pytest.raises(NotImplementedError):
        clip.file.path  # noqa: B018
    return clip


def test_a_file_of_this_machine_is_read_where_it_is(make_clip: MakeClip) -> None:
    clip = make_clip()

    with files.local_path(clip.file) as path:
        assert path == Path(clip.file.path)

    assert path.exists()


def test_of_a_file_elsewhere_there_is_a_copy_as_long_as_it_is_read(footage: Clip) -> None:
    with files.local_path(footage.file) as path:
        assert sandbox.probe(path)[0].codec == "mjpeg"

    assert not path.exists()


def test_a_file_that_is_gone_elsewhere_is_missed_in_a_sentence(
    footage: Clip, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(clip=footage)
    footage.file.storage.delete(str(footage.file.name))
    segment = segments.claim_next(worker="one")
    assert segment is not None

    segments.run(segment, predictor=FakePredictor())

    analysis.refresh_from_db()
    assert (analysis.status, analysis.error) == (Status.FAILED, files.MISSING)


def test_a_clip_that_is_stored_elsewhere_is_analyzed(
    footage: Clip, make_analysis: MakeAnalysis
) -> None:
    make_analysis(clip=footage)
    segment = segments.claim_next(worker="one")
    assert segment is not None

    segments.run(segment, predictor=FakePredictor())

    assert Analysis.objects.get().status == Status.DONE
    assert default_storage.exists(evidence.frame_file(segment, 0))


@pytest.mark.usefixtures("footage")
def test_a_clip_that_is_stored_elsewhere_gets_its_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    # Who looks after the lease sees nothing of a transaction that is never committed.
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 60)

    copies.make_next(worker="one")

    clip = Clip.objects.get()
    assert clip.playback == Playback.COPY
    with files.local_path(clip.playable) as copy:
        assert sandbox.probe(copy)[1]  # browsers play it


def test_a_clip_that_is_stored_elsewhere_goes_with_all_that_was_made_of_it(
    footage: Clip,
    make_analysis: MakeAnalysis,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    name = evidence.frame_file(segment_of(make_analysis(clip=footage)), 0)
    files.write({name: b"frame"})

    with django_capture_on_commit_callbacks(execute=True):
        clips.delete(footage)

    assert not default_storage.exists(str(footage.file.name))
    assert not default_storage.exists(name)


@pytest.mark.django_db
def test_pictures_that_were_written_in_part_go_where_no_analysis_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    analysis = Analysis()
    names = [f"{evidence.folder(analysis)}/{number:02}.jpg" for number in range(2)]
    save = default_storage.save

    def full(name: str, content: Any) -> str:
        if name == names[1]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(name, content)

    monkeypatch.setattr(default_storage, "save", full)

    with (
        pytest.raises(OSError, match="No space"),
        files.with_pictures(analysis, dict.fromkeys(names, b"picture")),
    ):
        pytest.fail("nothing says that they are there")

    assert not default_storage.exists(evidence.folder(analysis))


def test_nobody_else_knows_the_path_of_a_stored_file() -> None:
    package = Path(files.__file__).parent.parent
    asks = re.compile(r"\b(file|playable)\.path\b|storage\.path\(")

    found = [path for path in package.rglob("*.py") if asks.search(path.read_text("utf-8"))]

    assert found == [Path(files.__file__)]
