"""All files go to a bucket and back, each is compared, and nothing is lost on the way."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.core.management import CommandError, call_command
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests import buckets
from tests.buckets import Service
from tests.conftest import MakeAnalysis, MakeClip, MakeModel, MakeStore, segment_of
from tests.makers.versions import make_version
from video_classifier.integrations.bucket import Bucket
from video_classifier.integrations.remote import StorageError
from video_classifier.ml.serving import bundle
from video_classifier.models import Clip, ModelVersion, StoredModel
from video_classifier.services import catalog, disk, evidence, files, storage_moves, stored_models
from video_classifier.states import VersionState

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


# Models


@pytest.fixture
def models(
    bucket: Bucket, make_store: MakeStore, make_model: MakeModel, settings: Settings
) -> ModelVersion:
    """An imported model and a version of another, as a site without a bucket leaves them."""
    make_model()
    catalog.imported().mkdir()
    make_model("theirs").rename(catalog.imported() / "theirs")
    with_bucket = settings.STORAGES
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    }
    version = make_version(make_store())
    settings.STORAGES = with_bucket
    storage = storages["default"]
    assert isinstance(storage, Bucket)
    return version


def stored() -> list[str]:
    there = files.remote()
    assert there is not None
    return sorted(each.name for each in there.entries("models"))


def on_this_disk() -> list[str]:
    every = catalog.imported().rglob("*")
    found = (path for path in every if path.is_file())
    return sorted(path.relative_to(catalog.imported()).as_posix() for path in found)


ALL = ["standard/1/card.json", "standard/1/head.npz", "theirs/card.json", "theirs/network.keras"]


def test_models_go_there_and_back(
    models: ModelVersion, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    assert moved("--to", "bucket", "--dry-run").startswith("4 would be copied")
    assert stored() == []

    assert moved("--to", "bucket").startswith("4 copied")
    assert (len(stored()), on_this_disk()) == (4, ALL)
    assert "4 were there already, 4 removed" in moved("--to", "bucket", "--remove")

    assert on_this_disk() == []
    assert catalog.usable("theirs").name == "theirs"
    assert catalog.usable(models.name).served_sha256 == models.sha256

    assert moved("--to", "disk").startswith("4 copied")
    assert (len(stored()), on_this_disk()) == (4, ALL)
    with django_capture_on_commit_callbacks(execute=True):
        assert "4 were there already, 4 removed" in moved("--to", "disk", "--remove")
    assert (stored(), on_this_disk()) == ([], ALL)
    assert not StoredModel.objects.exists()


def test_a_move_of_models_that_was_stopped_goes_on(models: ModelVersion, s3: Service) -> None:
    def stop(done: storage_moves.Moved) -> None:
        s3.fault = "500"

    with pytest.raises(disk.AwayError, match="does not answer"):
        storage_moves.move(to="bucket", after_each=stop)
    s3.fault = ""

    assert StoredModel.objects.get().name == "theirs"
    assert "2 were there already" in moved("--to", "bucket")
    assert StoredModel.objects.count() == 2


@pytest.mark.parametrize("is_newer_here", [True, False])
def test_of_two_models_that_differ_the_one_that_was_made_last_is_right(
    models: ModelVersion, *, is_newer_here: bool
) -> None:
    moved("--to", "bucket")
    folder = catalog.imported() / "theirs"
    bundle.write_card(folder, replace(bundle.read_card(folder), threshold=0.25))
    ago = 1e6 * (-1 if is_newer_here else 1)
    written = time.time() - ago
    os.utime(folder / bundle.CARD_FILE, (written, written))

    moved("--to", "bucket")
    stored_models.forget()
    in_bucket = catalog.usable("theirs").threshold
    moved("--to", "disk")

    assert in_bucket == (0.25 if is_newer_here else 0.5)
    assert bundle.read_card(folder).threshold == in_bucket


def test_models_that_are_damaged_or_missing_are_named(models: ModelVersion) -> None:
    activated = ModelVersion.objects.filter(pk=models.pk)
    activated.update(state=VersionState.ACTIVE)
    head = catalog.own_folder(models.name)
    head.rename(head.with_name("aside"))
    out = StringIO()

    with pytest.raises(CommandError, match="Not all files"):
        call_command("move_storage", "--to", "bucket", stdout=out)
    assert "The model standard@1 is missing" in out.getvalue()

    head.with_name("aside").rename(head)
    activated.update(sha256="0" * 64)
    with pytest.raises(CommandError, match="Not all files"):
        call_command("move_storage", "--to", "bucket", stdout=out)
    assert "The model standard@1 is not what was uploaded" in out.getvalue()

    there = files.remote()
    assert there is not None
    there.remove(stored())
    (catalog.own_folder("theirs") / bundle.CARD_FILE).unlink()
    with pytest.raises(CommandError, match="Not all files"):
        call_command("move_storage", "--to", "disk", stdout=out)
    assert "The model theirs is missing" in out.getvalue()
