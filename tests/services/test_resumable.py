"""No kill, no full disk and no second writer leaves a wrong byte, or a clip twice."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeModel, MakeStore
from tests.makers import videos
from video_classifier.models import Analysis, Clip, Upload
from video_classifier.services import analyses, disk, files, resumable, uploads
from video_classifier.services.errors import Refused
from video_classifier.services.resumable import OffsetError
from video_classifier.states import UploadStatus

Begin = Callable[[bytes], Upload]


@pytest.fixture
def video(tmp_path: Path) -> bytes:
    return videos.write(tmp_path / "made.mp4", 5).read_bytes()


@pytest.fixture
def begin(make_model: MakeModel, make_store: MakeStore, user: User) -> Begin:
    make_model()

    def begin(content: bytes) -> Upload:
        choices = uploads.Choices(model="standard", store=make_store())
        file = resumable.File(name="till.mp4", size=len(content))
        created = resumable.create(file, user=user, choices=choices)
        return resumable.find(created.pk, user)

    return begin


def kept(settings: Settings) -> list[Path]:
    folders = (settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR)
    return [path for each in folders for path in Path(each).rglob("*") if path.is_file()]


def test_what_a_kill_left_behind_is_cut_off(begin: Begin, video: bytes) -> None:
    upload = begin(video)
    resumable.append(upload, [video[:100]], offset=0)
    with resumable.path_of(upload).open("ab") as file:  # written, and then killed before the row
        file.write(b"garbage" * 1000)

    resumable.append(upload, [video[100:]], offset=100)
    resumable.finish(upload)

    assert Path(Clip.objects.get().file.path).read_bytes() == video


def test_pieces_before_a_broken_connection_count(begin: Begin, video: bytes) -> None:
    upload = begin(video)

    def pieces() -> Iterator[bytes]:
        yield video[:100]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        resumable.append(upload, pieces(), offset=0)

    assert Upload.objects.get().received_bytes == 100
    assert resumable.path_of(upload).read_bytes() == video[:100]


def test_of_two_writers_one_wins_and_the_bytes_are_its_own(begin: Begin) -> None:
    upload = begin(bytes(300))
    same = resumable.find(upload.pk, upload.user)

    def first() -> Iterator[bytes]:
        yield b"a" * 100
        resumable.append(same, [], offset=0)  # it read the row before
        with pytest.raises(OffsetError):
            resumable.append(same, [b"b" * 100], offset=0)
        yield b"a" * 100

    resumable.append(upload, first(), offset=0)

    assert resumable.path_of(upload).read_bytes() == b"a" * 200
    assert Upload.objects.get().received_bytes == 200


@pytest.mark.django_db(transaction=True)
def test_of_many_writers_at_once_none_mixes_with_another(begin: Begin) -> None:
    upload = begin(bytes(8000))
    go, won = threading.Barrier(4), []

    def write(letter: bytes) -> None:
        mine = Upload.objects.select_related("user", "store", "camera").get(pk=upload.pk)
        go.wait()
        try:
            resumable.append(mine, [letter * 1000] * 7, offset=0)
        except OffsetError:
            pass
        else:
            won.append(letter)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(each,)) for each in (b"a", b"b", b"c", b"d")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(won) == 1
    assert resumable.path_of(upload).read_bytes() == won[0] * 7000
    assert Upload.objects.get().received_bytes == 7000


def test_a_disk_that_fills_while_a_piece_is_written_keeps_those_before(
    begin: Begin, video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(video)
    calls: list[int] = []

    def full_at_the_second(number: int) -> None:
        calls.append(number)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_at_the_second)

    with pytest.raises(disk.DiskFullError, match="What has arrived is kept"):
        resumable.append(upload, [video[:100], video[100:]], offset=0)

    assert Upload.objects.get().received_bytes == 100
    monkeypatch.undo()
    resumable.append(resumable.find(upload.pk, upload.user), [video[100:]], offset=100)
    assert resumable.path_of(upload).read_bytes() == video


def complete(begin: Begin, content: bytes) -> Upload:
    return resumable.append(begin(content), [content], offset=0)


def test_the_bytes_are_moved_and_not_copied(begin: Begin, video: bytes) -> None:
    upload = complete(begin, video)
    before = resumable.path_of(upload).stat().st_ino

    resumable.finish(upload)

    assert Path(Clip.objects.get().file.path).stat().st_ino == before
    assert not resumable.path_of(upload).exists()


class KilledError(BaseException):
    """The process is gone: nothing after it runs, but for what Python unwinds."""


def test_killed_between_the_move_and_the_rows_it_is_finished_later(
    begin: Begin, video: bytes, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    upload = complete(begin, video)

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as kill:
        kill.setattr(analyses, "enqueue", killed)
        with pytest.raises(KilledError):
            resumable.finish(upload)
    assert Upload.objects.get().status == UploadStatus.CHECKING

    assert resumable.finish_left() == 1

    clip = Clip.objects.get()
    assert Path(clip.file.path).read_bytes() == video
    assert kept(settings) == [Path(clip.file.path)]
    assert Upload.objects.get().analysis == Analysis.objects.get()


def test_a_name_that_a_kill_left_is_no_hindrance(begin: Begin, video: bytes) -> None:
    upload = complete(begin, video)
    os.link(resumable.path_of(upload), resumable.path_of(upload).with_suffix(".taken"))

    assert resumable.finish(upload).status == UploadStatus.ACCEPTED


def test_an_upload_is_checked_by_one_at_a_time(begin: Begin, video: bytes) -> None:
    upload = complete(begin, video)

    with resumable._alone(upload):
        assert resumable.finish(upload).status == UploadStatus.CHECKING
        with pytest.raises(Refused, match="is being checked"):
            resumable.discard(upload)

    assert resumable.finish(upload).status == UploadStatus.ACCEPTED
    assert resumable.finish(upload).status == UploadStatus.ACCEPTED
    assert Clip.objects.count() == 1


def test_who_left_the_store_meanwhile_leaves_no_clip(begin: Begin, video: bytes) -> None:
    upload = complete(begin, video)
    upload.user.memberships.all().delete()

    found = resumable.finish(upload)

    assert (found.status, found.problem) == (UploadStatus.REFUSED, resumable.CLOSED)
    assert not resumable.path_of(upload).exists()


@pytest.mark.django_db(transaction=True)
def test_unfinished_uploads_expire_with_their_bytes(begin: Begin, settings: Settings) -> None:
    upload, other = begin(bytes(10)), begin(bytes(10))
    Upload.objects.filter(pk=upload.pk).update(expires_at=timezone.now())

    assert resumable.tidy() == 1

    assert Upload.objects.get() == other
    assert kept(settings) == [resumable.path_of(other)]


def make_old(*paths: Path) -> None:
    two_days_ago = (timezone.now() - timedelta(days=2)).timestamp()
    for each in paths:
        os.utime(each, (two_days_ago, two_days_ago))


def test_bytes_without_a_row_go_once_they_are_old(begin: Begin) -> None:
    upload = begin(bytes(10))
    part = resumable.path_of(upload)
    orphan = part.with_name("6f0f7a24-94a4-4e3f-8f43-4f16f3c9a7d1.part")
    orphan.write_bytes(b"x")
    fresh = orphan.with_suffix(".taken")
    fresh.write_bytes(b"x")
    make_old(orphan, part)

    resumable.tidy()

    assert (orphan.exists(), fresh.exists(), part.exists()) == (False, True, True)


def test_the_daily_sweep_leaves_uploads_alone(begin: Begin) -> None:
    part = resumable.path_of(begin(bytes(10)))
    make_old(part, part.parent)

    files.sweep()

    assert part.exists()
