"""Clips in a bucket of an S3 service: kept, analyzed, copied, swept, and what its faults do."""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests import buckets
from tests.buckets import Service
from tests.conftest import FakePredictor, MakeAnalysis, MakeClip, MakeModel, MakeStore
from tests.makers import videos
from video_classifier.integrations import bucket as s3_storage
from video_classifier.integrations.bucket import Bucket
from video_classifier.integrations.remote import Remote, StorageError
from video_classifier.models import Analysis, Clip, Store, Upload
from video_classifier.services import (
    clips,
    copies,
    database,
    disk,
    evidence,
    files,
    jobs,
    local_copies,
    resumable,
    segments,
    uploads,
)
from video_classifier.states import Playback, Status, UploadStatus

s3, bucket = buckets.s3, buckets.bucket


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks after the lease sees nothing of a transaction that is never committed."""
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 60)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return videos.write(tmp_path / "made.avi", 5, codec="mjpeg", pixels="yuvj420p")


@pytest.fixture
def footage(bucket: Bucket, make_clip: MakeClip, video: Path) -> Clip:
    return make_clip(content=video.read_bytes(), playback=Playback.WANTED)


def kept() -> list[Path]:
    return sorted((Path(configured.DATA_DIR) / "copies").glob("*"))


def stored(bucket: Bucket) -> list[str]:
    return [each.name for folder in files.OURS for each in bucket.entries(folder)]


# What is kept


def test_it_is_a_storage_that_can_do_more_than_django_asks_for(bucket: Bucket) -> None:
    assert isinstance(bucket, Remote)
    assert files.remote() is bucket


def test_a_clip_is_analyzed_copied_and_deleted(
    footage: Clip,
    bucket: Bucket,
    make_analysis: MakeAnalysis,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    make_analysis(clip=footage)
    segment = segments.claim_next(worker="one")
    assert segment is not None

    segments.run(segment, predictor=FakePredictor())
    assert copies.make_next(worker="one")

    footage.refresh_from_db()
    assert (Analysis.objects.get().status, footage.playback) == (Status.DONE, Playback.COPY)
    assert bucket.exists(evidence.frame_file(segment, 0))
    assert [unquote(path.name) for path in kept()] == [footage.file.name]
    with django_capture_on_commit_callbacks(execute=True):
        clips.delete(footage)
    assert (stored(bucket), kept()) == ([], [])


def test_a_large_file_is_sent_in_parts_and_never_in_memory_as_a_whole(
    bucket: Bucket, s3: Service, tmp_path: Path
) -> None:
    big = tmp_path / "big.mp4"
    with big.open("wb") as file:
        file.truncate(2 * s3_storage.PART + 1)
    read: list[int] = []

    class Noted(File):  # type: ignore[type-arg]
        def read(self, size: int = -1) -> bytes:
            read.append(size)
            return bytes(super().read(size))

    with big.open("rb") as content:
        bucket.save("clips/big.mp4", Noted(content))

    assert bucket.size("clips/big.mp4") == 2 * s3_storage.PART + 1
    assert max(read) <= s3_storage.PART
    assert sum(asked.startswith("PUT") for asked in s3.asked) == 3  # parts


def test_pictures_are_written_over_those_of_an_earlier_attempt(bucket: Bucket) -> None:
    files.write({"frames/a/00.jpg": b"first", "frames/a/01.jpg": b"second"})
    files.write({"frames/a/00.jpg": b"again"})

    with default_storage.open("frames/a/00.jpg") as file:
        assert file.read() == b"again"
    assert stored(bucket) == ["frames/a/00.jpg", "frames/a/01.jpg"]


# Copies on the disk of a worker


def put(bucket: Bucket, name: str, size: int) -> str:
    return str(bucket.save(f"clips/{name}", ContentFile(b"x" * size)))


def use(bucket: Bucket, name: str) -> None:
    with local_copies.held(bucket, name, size=bucket.size(name)) as path:
        assert path.stat().st_size == bucket.size(name)


def names_kept() -> set[str]:
    return {unquote(path.name) for path in kept()}


def test_what_was_used_last_stays_when_there_is_no_room(bucket: Bucket, settings: Settings) -> None:
    settings.STORAGE_CACHE_BYTES = 250
    first, second, third = (put(bucket, name, 100) for name in ("1.mp4", "2.mp4", "3.mp4"))

    for name in (first, second, first, third):
        use(bucket, name)
        time.sleep(0.01)  # files have times of their own

    assert names_kept() == {first, third}
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


def test_what_is_read_may_be_removed_meanwhile(bucket: Bucket) -> None:
    name = put(bucket, "1.mp4", 100)

    with local_copies.held(bucket, name, size=100) as path:
        local_copies.forget(name)

        assert path.read_bytes() == b"x" * 100
    assert not path.exists()


def test_what_is_larger_than_the_limit_is_read_and_not_kept(
    bucket: Bucket, settings: Settings
) -> None:
    settings.STORAGE_CACHE_BYTES = 99

    use(bucket, put(bucket, "1.mp4", 100))

    assert kept() == []


def test_of_several_who_want_a_file_one_fetches_it(bucket: Bucket, s3: Service) -> None:
    name = put(bucket, "1.mp4", 100)
    readers = [
        threading.Thread(target=use, args=(bucket, name), name=f"reader {n}") for n in range(4)
    ]
    s3.asked.clear()

    for each in readers:
        each.start()
    for each in readers:
        each.join()

    assert sum(asked.startswith("GET") for asked in s3.asked) == 1


def test_half_a_copy_of_a_killed_process_is_fetched_again(bucket: Bucket) -> None:
    name = put(bucket, "1.mp4", 100)
    use(bucket, name)
    (whole,) = kept()
    whole.rename(whole.with_name(whole.name + local_copies.PART))
    os.truncate(kept()[0], 50)

    use(bucket, name)

    assert names_kept() == {name}


# Sweeping


def test_a_sweep_removes_what_no_row_knows_and_what_broke_off(
    footage: Clip, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, "left.mp4", 5)
    files.write({"frames/6f0f7a24-94a4-4e3f-8f43-4f16f3c9a7d1/00.jpg": b"left"})
    default_storage.save("backup/2026.tar", ContentFile(b"somebody else's"))
    begun = bucket._client.create_multipart_upload(Bucket=bucket.bucket_name, Key="clips/half.mp4")
    use(bucket, name=put(bucket, "elsewhere-deleted.mp4", 5))
    bucket.delete("clips/elsewhere-deleted.mp4")

    assert files.sweep().left == ()  # all may be on its way
    monkeypatch.setattr(files, "GRACE", timedelta(seconds=-5))
    swept = files.sweep()

    assert sorted(swept.left) == [
        "clips/left.mp4",
        "frames/6f0f7a24-94a4-4e3f-8f43-4f16f3c9a7d1",
    ]
    assert (swept.removed, swept.missing) == (2, ())
    assert stored(bucket) == [footage.file.name]
    assert bucket.exists("backup/2026.tar")
    uploads_left = bucket._client.list_multipart_uploads(Bucket=bucket.bucket_name)
    assert begun["UploadId"] not in str(uploads_left)
    assert kept() == []


def test_a_sweep_reads_every_page_of_a_listing(
    bucket: Bucket, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_storage, "AT_ONCE", 2)
    monkeypatch.setattr(files, "FEW", 4)
    monkeypatch.setattr(files, "GRACE", timedelta(seconds=-5))
    files.write({f"live/{number}.jpg": b"" for number in range(5)})

    swept = files.sweep()

    assert (len(swept.left), swept.refused) == (5, True)  # too many to be an accident


def test_a_row_without_its_file_is_named(footage: Clip, bucket: Bucket) -> None:
    bucket.delete(str(footage.file.name))

    assert files.sweep().missing == (footage.pk,)


# Faults


@pytest.mark.parametrize("fault", ["403", "500", "cut", "hangs"])
def test_an_upload_that_the_storage_does_not_take_is_refused_in_a_sentence(
    bucket: Bucket, s3: Service, fault: str, user: User, make_model: MakeModel, video: Path
) -> None:
    make_model("standard")
    if fault in {"cut", "hangs"}:
        buckets.hurry(bucket)
    s3.fault = fault
    file = SimpleUploadedFile("till.avi", video.read_bytes())
    choices = uploads.Choices(model="standard", store=Store.objects.get())

    with pytest.raises(disk.AwayError, match="does not answer"):
        uploads.accept(file=file, user=user, choices=choices)

    assert not Clip.objects.exists()
    s3.fault = ""
    uploads.accept(file=file, user=user, choices=choices)
    assert bucket.exists(str(Clip.objects.get().file.name))


@pytest.fixture
def upload(bucket: Bucket, user: User, make_model: MakeModel, video: Path) -> Upload:
    """A resumable one, of which all bytes have come."""
    make_model("standard")
    content = video.read_bytes()
    choices = uploads.Choices(model="standard", store=Store.objects.get())
    made = resumable.create(
        resumable.File(name="till.avi", size=len(content)), user=user, choices=choices
    )
    return resumable.append(made, [content], offset=0)


def test_a_resumable_upload_waits_for_the_storage(
    bucket: Bucket, s3: Service, upload: Upload
) -> None:
    s3.fault = "500"

    assert resumable.finish(upload).status == UploadStatus.CHECKING
    assert upload.problem == disk.AWAY
    s3.fault = ""
    assert resumable.finish_left() == 1
    assert bucket.exists(str(Clip.objects.get().file.name))


def test_an_upload_whose_bytes_are_on_another_machine_is_left_to_that(
    bucket: Bucket, upload: Upload
) -> None:
    here = resumable.path_of(upload)
    there = here.rename(here.with_name("on another disk"))

    assert resumable.finish_left() == 0
    upload.refresh_from_db()
    assert (upload.status, upload.problem) == (UploadStatus.CHECKING, "")

    there.rename(here)
    assert resumable.finish_left() == 1
    assert bucket.exists(str(Clip.objects.get().file.name))


@pytest.mark.parametrize(("fault", "only"), [("403", ""), ("500", ""), ("cut", "GET")])
def test_an_analysis_waits_for_the_storage_and_that_is_no_attempt(
    footage: Clip, s3: Service, fault: str, only: str, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(clip=footage)
    segment = segments.claim_next(worker="one")
    assert segment is not None
    s3.fault, s3.only = fault, only

    segments.run(segment, predictor=FakePredictor())

    segment.refresh_from_db()
    analysis.refresh_from_db()
    assert (segment.status, segment.attempts, analysis.status) == (
        Status.QUEUED,
        0,
        Status.QUEUED,
    )
    assert segment.not_before > database.now()


def test_a_result_whose_pictures_are_not_taken_is_worked_out_again(
    footage: Clip, s3: Service, make_analysis: MakeAnalysis
) -> None:
    make_analysis(clip=footage)
    segment = segments.claim_next(worker="one")
    assert segment is not None
    s3.fault, s3.only = "500", "PUT"

    segments.run(segment, predictor=FakePredictor())

    segment.refresh_from_db()
    assert (segment.status, segment.score) == (Status.QUEUED, None)


def test_no_error_shows_the_address_or_the_secret(bucket: Bucket, s3: Service) -> None:
    s3.fault = "403"

    with pytest.raises(StorageError) as refused:
        bucket.fetch("clips/x.mp4", BytesIO())

    assert str(refused.value) == "The storage refuses clips/x.mp4: Fault"


def test_what_is_not_there_is_no_fault_of_the_storage(bucket: Bucket) -> None:
    for ask in (bucket.size, bucket.open):
        with pytest.raises(FileNotFoundError):
            ask("clips/x.mp4")
