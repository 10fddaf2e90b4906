"""All files go to a bucket and back, each is compared, and nothing is lost on the way."""

from __future__ import annotations

import hashlib
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError, call_command

from tests import buckets
from tests.buckets import Service
from tests.conftest import MakeAnalysis, MakeClip, segment_of
from video_classifier.integrations.bucket import Bucket
from video_classifier.integrations.remote import StorageError
from video_classifier.models import Clip
from video_classifier.services import evidence, storage_moves

s3, bucket = buckets.s3, buckets.bucket


@pytest.fixture
def on_disk(bucket: Bucket, make_clip: MakeClip, make_analysis: MakeAnalysis) -> FileSystemStorage:
    """Rows whose files are on the disk still, while STORAGE_URL names the bucket."""
    disk = FileSystemStorage()
    for content in (b"first", b"second"):
        clip = make_clip(content=content)
        bucket.delete(str(clip.file.name))
        clip.file = disk.save(f"clips/{clip.pk}.mp4", ContentFile(content))
        clip.save()
    analysis = make_analysis(clip=clip)
    disk.save(evidence.frame_file(segment_of(analysis), 0), ContentFile(b"frame"))
    return disk


def sums(storage: FileSystemStorage | Bucket) -> set[str]:
    found = set()
    for name in Clip.objects.values_list("file", flat=True):
        with storage.open(name) as file:
            found.add(hashlib.sha256(file.read()).hexdigest())
    return found


def uploaded() -> set[str]:
    return set(Clip.objects.values_list("sha256", flat=True))


def moved(*arguments: str) -> str:
    out = StringIO()
    call_command("move_storage", *arguments, stdout=out)
    return out.getvalue()


def test_everything_goes_there_and_back(on_disk: FileSystemStorage, bucket: Bucket) -> None:
    assert "3 would be copied" in moved("--to", "bucket", "--dry-run")
    assert list(bucket.entries("clips")) == []

    assert moved("--to", "bucket", "--remove").startswith("3 copied (16 bytes), 0 were there")

    assert sums(bucket) == uploaded()
    assert len(list(bucket.entries("frames"))) == 1
    assert on_disk.listdir("clips")[1] == []
    assert moved("--to", "disk").startswith("3 copied")
    assert sums(on_disk) == uploaded()


def test_a_move_that_was_stopped_goes_on_where_it_was(
    on_disk: FileSystemStorage, s3: Service
) -> None:
    def stop(done: storage_moves.Moved) -> None:
        if done.copied == 2:
            s3.fault = "500"

    with pytest.raises(StorageError):
        storage_moves.move(to="bucket", after_each=stop)
    s3.fault = ""
    s3.asked.clear()

    assert moved("--to", "bucket").startswith("1 copied (5 bytes), 2 were there already")
    assert sum(asked.startswith("PUT") for asked in s3.asked) == 1
    assert moved("--to", "bucket").startswith("0 copied (0 bytes), 3 were there already")


def test_half_a_file_at_the_target_is_copied_again(
    on_disk: FileSystemStorage, bucket: Bucket
) -> None:
    bucket.save(str(Clip.objects.all()[0].file.name), ContentFile(b"fi"))

    moved("--to", "bucket")

    assert sums(bucket) == uploaded()


def test_what_is_damaged_or_missing_is_named(on_disk: FileSystemStorage, bucket: Bucket) -> None:
    first, second = (str(clip.file.name) for clip in Clip.objects.order_by("uploaded_at"))
    Path(on_disk.path(first)).write_bytes(b"other")
    on_disk.delete(second)
    out = StringIO()

    with pytest.raises(CommandError, match="Not all files"):
        call_command("move_storage", "--to", "bucket", stdout=out)

    assert f"{first} is not what was uploaded" in out.getvalue()
    assert f"{second} is missing" in out.getvalue()
    assert bucket.exists(first)


@pytest.mark.django_db
def test_without_a_bucket_there_is_nowhere_to_move() -> None:
    with pytest.raises(CommandError, match="STORAGE_URL has to name the bucket"):
        call_command("move_storage", "--to", "bucket")
