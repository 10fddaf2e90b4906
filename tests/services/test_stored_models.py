"""Models that are made where files are in a bucket: each machine gets them, whole or not at all."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from tests import buckets
from tests.buckets import Service
from tests.conftest import MakeAnalysis, MakeModel, MakeStore
from tests.makers.versions import make_version, write_head
from video_classifier.integrations.bucket import Bucket
from video_classifier.ml.serving.bundle import NETWORK_FILE
from video_classifier.models import GivenNumber, ModelVersion, Store, StoredModel
from video_classifier.services import (
    backups,
    catalog,
    confidence,
    database,
    disk,
    files,
    jobs,
    model_copies,
    readiness,
    segments,
    stored_models,
    versions,
)
from video_classifier.services.errors import Refused
from video_classifier.states import Status

pytestmark = pytest.mark.django_db

s3, bucket = buckets.s3, buckets.bucket

Import = Callable[..., StoredModel]
Go = Callable[[str], Path]


@pytest.fixture
def store(make_store: MakeStore, make_model: MakeModel) -> Store:
    """With a model called “standard”, which every machine has."""
    make_model()
    return make_store()


@pytest.fixture
def go_to(settings: Settings, tmp_path: Path) -> Go:
    """Has all that follows happen in another process, on the machine of that name."""

    def go(name: str) -> Path:
        data = tmp_path / name
        (data / "uploads").mkdir(parents=True, exist_ok=True)
        settings.DATA_DIR, settings.FILE_UPLOAD_TEMP_DIR = data, data / "uploads"
        new_process()
        return data

    return go


def new_process() -> None:
    stored_models.forget()
    model_copies.forget()


@pytest.fixture
def take_in(make_model: MakeModel, settings: Settings, tmp_path: Path) -> Import:
    """As an import does, once the folder is made."""

    def make(name: str = "theirs", **card: object) -> StoredModel:
        made = tmp_path / f"made-{len(list(tmp_path.iterdir()))}"
        make_model(name, **card).rename(made)
        row = stored_models.stored(made, name)
        with stored_models.going_with_rows(row):
            pass
        return row

    return make


def in_bucket(bucket: Bucket) -> list[str]:
    return sorted(each.name for each in bucket.entries("models"))


def copies(data: Path) -> list[str]:
    """All files and folders of copies, but for locks."""
    found = (data / "model-copies").rglob("*")
    return sorted(path.name for path in found if path.suffix != model_copies.LOCK)


# Making


def test_a_version_is_used_on_a_machine_that_has_not_made_it(
    bucket: Bucket, store: Store, go_to: Go, make_analysis: MakeAnalysis
) -> None:
    maker = go_to("worker")
    version = make_version(store, threshold=0.25)
    go_to("web")

    card = catalog.usable("standard@1")
    versions.activate(version, store=store.pk, model="standard", by=None)
    analysis = make_analysis(
        status=Status.DONE, model=version.name, model_sha256=version.sha256, score=0.9
    )

    assert (card.threshold, card.served_sha256) == (0.25, version.sha256)
    assert confidence.card_of(analysis) == card
    assert catalog.load("standard@1").sha256 == version.sha256
    assert [path for path in maker.iterdir() if path.name != "uploads"] == []
    assert [name.split("/")[:3] for name in in_bucket(bucket)] == [["models", "standard", "1"]] * 2


@pytest.mark.parametrize("fault", ["403", "500", "hangs"])
def test_a_storage_that_takes_nothing_refuses_in_a_sentence_and_nothing_is_left(
    bucket: Bucket, s3: Service, store: Store, fault: str
) -> None:
    made = write_head("standard")
    if fault in {"cut", "hangs"}:
        buckets.hurry(bucket)
    s3.fault, s3.only = fault, "PUT"

    with pytest.raises(disk.AwayError, match="does not answer"):
        versions.add(made, store=store, model="standard")

    s3.fault = ""
    assert not ModelVersion.objects.exists()
    assert not StoredModel.objects.exists()
    assert in_bucket(bucket) == []
    assert versions.add(made, store=store, model="standard").name == "standard@2"


def test_what_is_stored_goes_where_its_row_can_not_be_written(bucket: Bucket, store: Store) -> None:
    def lose() -> None:
        msg = "the lease is lost"
        raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="lost"):
        versions.add(write_head("standard"), store=store, model="standard", together=lose)

    assert in_bucket(bucket) == []
    assert not ModelVersion.objects.exists()


# Listing


def test_lists_ask_for_rows_once_and_the_bucket_never(
    bucket: Bucket,
    s3: Service,
    store: Store,
    take_in: Import,
    go_to: Go,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    take_in("theirs", threshold=0.3)
    go_to("web")
    s3.asked.clear()

    with django_assert_num_queries(2):  # which there are, and what one is
        for _ in range(3):
            found = catalog.available()
            assert catalog.default_name() == "standard"
            assert catalog.shown("theirs") is not None

    thresholds = {each.name: each.card and each.card.threshold for each in found}
    assert thresholds == {"standard": 0.5, "theirs": 0.3}
    assert s3.asked == []


def test_without_a_bucket_nobody_asks_for_rows(
    store: Store, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    version = make_version(store)

    with django_assert_num_queries(0):
        assert catalog.names() == ("standard",)
        assert catalog.usable(version.name).name == version.name
        assert catalog.folder(version.name) == catalog.imported() / "standard" / "1"
    assert not StoredModel.objects.exists()


def test_what_lay_on_the_disk_before_there_was_a_bucket_is_still_used(
    bucket: Bucket, make_model: MakeModel
) -> None:
    catalog.imported().mkdir()
    make_model("old").rename(catalog.imported() / "old")

    assert catalog.usable("old").name == "old"
    assert catalog.names() == ("old",)
    assert catalog.left_on_disk() == ("old",)


# Copies


def test_of_several_who_want_a_model_one_fetches_it(
    bucket: Bucket, s3: Service, take_in: Import, go_to: Go
) -> None:
    found = stored_models.found(take_in())
    data = go_to("web")
    s3.asked.clear()
    places: list[Path] = []

    together = [
        threading.Thread(target=lambda: places.append(model_copies.folder(found)), name=f"{n}")
        for n in range(4)
    ]
    for each in together:
        each.start()
    for each in together:
        each.join()

    assert len(places) == 4
    assert len(set(places)) == 1
    assert sum(asked.startswith("GET") for asked in s3.asked) == len(found.files) == 2
    assert copies(data) == sorted([found.token, "theirs", *found.files])


@pytest.mark.parametrize("fault", ["cut", "403", "hangs"])
def test_a_copy_that_does_not_come_leaves_nothing_and_is_not_asked_for_again_at_once(
    bucket: Bucket, s3: Service, take_in: Import, go_to: Go, fault: str
) -> None:
    take_in()
    data = go_to("web")
    bucket.transfer_config.num_download_attempts = 1  # else five, which wait three times each
    if fault in {"cut", "hangs"}:
        buckets.hurry(bucket)
    s3.fault, s3.only = fault, "GET"

    with pytest.raises(disk.AwayError, match="does not answer"):
        catalog.usable("theirs")

    assert copies(data) == []
    s3.asked.clear()
    with pytest.raises(disk.AwayError):
        catalog.usable("theirs")
    assert s3.asked == []
    s3.fault = ""
    new_process()
    assert catalog.usable("theirs").name == "theirs"


def test_what_is_lost_or_damaged_in_the_bucket_is_said_and_asked_for_once(
    bucket: Bucket, s3: Service, take_in: Import, go_to: Go
) -> None:
    lost, damaged = take_in("lost"), take_in("damaged")
    bucket.remove(lost.stored_names)
    bucket.save(f"{damaged.folder}/{NETWORK_FILE}", ContentFile(b"WEIGHTS"))
    data = go_to("web")

    with pytest.raises(Refused, match="“lost” can't be used: its files are gone"):
        catalog.usable("lost")
    with pytest.raises(Refused, match=rf"its {NETWORK_FILE} is not what was stored"):
        catalog.usable("damaged")

    assert copies(data) == []
    s3.asked.clear()
    for name in ("lost", "damaged"):
        with pytest.raises(Refused):
            catalog.usable(name)
    assert s3.asked == []


def test_a_copy_that_was_damaged_or_cut_off_by_a_kill_is_fetched_anew(
    bucket: Bucket, take_in: Import, go_to: Go
) -> None:
    found = stored_models.found(take_in())
    go_to("web")
    file = model_copies.folder(found) / NETWORK_FILE
    file.write_bytes(b"WEIGHTS")
    os.utime(file, (0, 0))

    new_process()
    assert catalog.usable("theirs").name == "theirs"
    file.unlink()
    assert catalog.usable("theirs").name == "theirs"
    assert file.read_bytes() == b"weights"


def test_what_takes_a_models_place_is_noticed_and_the_old_files_go(
    bucket: Bucket,
    take_in: Import,
    go_to: Go,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take_in("theirs", threshold=0.3)
    data = go_to("web")
    before = catalog.folder("theirs")
    with django_capture_on_commit_callbacks(execute=True):
        take_in("theirs", threshold=0.4)
    monkeypatch.setattr(stored_models, "REMEMBERED_SECONDS", 0.0)

    assert catalog.usable("theirs").threshold == 0.4
    assert catalog.folder("theirs") != before
    assert before.is_dir()  # who has it in use goes on
    assert in_bucket(bucket) == sorted(StoredModel.objects.get().stored_names)
    model_copies.sweep(older=timedelta(seconds=-5))
    assert not before.exists()
    assert catalog.folder("theirs").is_dir()
    assert len(list((data / "model-copies").glob("*"))) == 2  # a copy and its lock


def test_one_who_read_the_row_before_a_model_was_replaced_gets_the_new_one(
    bucket: Bucket,
    take_in: Import,
    go_to: Go,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    old = stored_models.found(take_in("theirs", threshold=0.3))
    with django_capture_on_commit_callbacks(execute=True):
        new = take_in("theirs", threshold=0.4)
    go_to("web")

    assert model_copies.folder(old) == model_copies.place(stored_models.found(new))


def test_a_disk_without_room_is_said(
    bucket: Bucket, take_in: Import, go_to: Go, settings: Settings
) -> None:
    take_in()
    data = go_to("web")
    settings.DISK_FLOOR_BYTES = 2**63

    with pytest.raises(disk.DiskFullError, match="disk has no room for it"):
        catalog.usable("theirs")
    assert copies(data) == []


def test_an_analysis_waits_for_its_model_and_that_is_no_attempt(
    bucket: Bucket,
    s3: Service,
    take_in: Import,
    go_to: Go,
    make_analysis: MakeAnalysis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 60)  # its thread sees no row of this transaction
    take_in()
    make_analysis(model="theirs")
    go_to("worker")
    segment = segments.claim_next(worker="one")
    assert segment is not None
    s3.fault, s3.only = "500", "GET"

    segments.run(segment)

    segment.refresh_from_db()
    assert (segment.status, segment.attempts) == (Status.QUEUED, 0)
    assert segment.not_before > database.now()


def test_a_shadow_that_can_not_be_fetched_keeps_nobody_from_scoring(
    bucket: Bucket, s3: Service, store: Store, go_to: Go, caplog: pytest.LogCaptureFixture
) -> None:
    versions.start_shadow(make_version(store), by=None)
    go_to("web")
    s3.fault, s3.only = "500", "GET"

    assert versions.predictor(store.pk, "standard").name == "standard"
    assert "“standard@1” doesn't score along" in caplog.text


# What goes


def test_a_deleted_version_goes_everywhere_and_its_number_is_not_given_again(
    bucket: Bucket,
    store: Store,
    go_to: Go,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    data = go_to("web")
    version = make_version(store)
    catalog.usable(version.name)

    with django_capture_on_commit_callbacks(execute=True):
        versions.delete(version, by=None)

    assert in_bucket(bucket) == []
    assert not StoredModel.objects.exists()
    with pytest.raises(Refused, match="There is no model “standard@1”"):
        catalog.usable("standard@1")
    model_copies.sweep(older=timedelta(seconds=-5))
    assert list((data / "model-copies").iterdir()) == []
    assert make_version(store).name == "standard@2"
    assert GivenNumber.objects.get().number == 2


def test_the_daily_sweep_leaves_what_rows_name(
    bucket: Bucket, store: Store, take_in: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in()
    make_version(store)
    named = in_bucket(bucket)
    bucket.save("models/theirs/0123/card.json", ContentFile(b"of an import that was killed"))

    assert files.sweep().left == ()  # it may be on its way
    monkeypatch.setattr(files, "GRACE", timedelta(seconds=-5))

    assert files.sweep().left == ("models/theirs/0123/card.json",)
    assert in_bucket(bucket) == named


def test_copies_that_are_used_are_not_swept(bucket: Bucket, take_in: Import, go_to: Go) -> None:
    take_in()
    data = go_to("web")
    place = catalog.folder("theirs")
    (data / "model-copies" / "part-of-a-killed-process").mkdir()
    StoredModel.objects.all().delete()

    model_copies.sweep(older=timedelta(days=1))
    assert len(list((data / "model-copies").iterdir())) == 3
    long_ago = time.time() - 1e6
    for path in (data / "model-copies").rglob("*"):
        os.utime(path, (long_ago, long_ago))
    os.utime(place)
    model_copies.sweep(older=timedelta(days=1))

    assert [path.name for path in (data / "model-copies").iterdir()] == [place.parent.name]


# What is said


def test_a_version_in_use_that_is_lost_is_said_and_does_not_close_the_site(
    bucket: Bucket, store: Store, go_to: Go, settings: Settings
) -> None:
    settings.DEFAULT_MODEL = "standard"
    version = make_version(store)
    versions.activate(version, store=store.pk, model="standard", by=None)
    assert readiness.unreachable() == ()
    bucket.remove(version.stored.stored_names)
    go_to("web")

    (sentence,) = readiness.unreachable()

    assert sentence.startswith("“standard@1” is in use: The model “standard@1” can't be used")
    notes = [each.note for each in readiness.findings() if each.note]
    assert notes == [readiness.NO_VERSION]
    assert not [each for each in readiness.findings() if each.problem]


# Backups


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_elsewhere", [True, False], ids=["bucket", "disk"])
def test_a_backup_has_models_and_restores_them_to_either_storage(
    bucket: Bucket,
    store: Store,
    take_in: Import,
    go_to: Go,
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_elsewhere: bool,
) -> None:
    """Rows go their own way (tests/site/test_backup.py)."""
    take_in()
    version = make_version(store)
    made = backups.make(tmp_path / "saved")
    bucket.remove(in_bucket(bucket))
    monkeypatch.setattr(backups, "_has_rows", lambda: False)
    monkeypatch.setattr(backups, "_restore_rows", lambda _: None)
    go_to("new")
    if not is_elsewhere:
        settings.STORAGES = settings.STORAGES | {
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}
        }

    backups.restore(tmp_path / "saved")

    assert (made.gone, made.changed) == ((), ())
    assert stored_models.are_kept() == is_elsewhere
    assert catalog.usable("theirs").name == "theirs"
    assert catalog.usable(version.name).served_sha256 == version.sha256
    assert catalog.imported().exists() != is_elsewhere


@pytest.mark.django_db(transaction=True)
def test_a_backup_says_what_is_not_what_was_stored(
    bucket: Bucket, take_in: Import, tmp_path: Path
) -> None:
    row = take_in()
    bucket.save(f"{row.folder}/{NETWORK_FILE}", ContentFile(b"WEIGHTS"))
    bucket.delete(f"{row.folder}/card.json")

    made = backups.make(tmp_path / "saved")

    assert made.changed == (f"{row.folder}/{NETWORK_FILE}",)
    assert made.gone == (f"{row.folder}/card.json",)
