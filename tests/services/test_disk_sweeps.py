"""What is swept from a machine's disk, when, and by which of its processes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.utils import timezone

from tests import buckets
from tests.conftest import MakeClip
from tests.services.test_files import age
from video_classifier.integrations.bucket import Bucket
from video_classifier.services import disk_sweeps, files, live_pictures, local_copies, model_copies
from video_classifier.services.disk_sweeps import Sweeper

s3, bucket = buckets.s3, buckets.bucket
pytestmark = pytest.mark.django_db


def data() -> Path:
    return Path(configured.DATA_DIR)


def left() -> Path:
    """A copy of a clip that another machine has erased."""
    copy = data() / "copies" / "clips%2F2026%2F11%2Fx.mp4"
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(b"footage")
    return copy


def mark() -> Path:
    return data() / disk_sweeps.LOCK


def test_a_copy_of_erased_footage_goes_and_others_stay(bucket: Bucket, make_clip: MakeClip) -> None:
    erased, other = make_clip(), make_clip()
    for clip in (erased, other):
        with files.local_path(clip.file):
            pass
    bucket.delete(str(erased.file.name))
    type(erased).objects.filter(pk=erased.pk).delete()
    local_copies.folder().joinpath("left").touch()

    disk_sweeps.sweep_if_due()

    (kept,) = local_copies.folder().iterdir()
    assert kept.name.endswith(Path(str(other.file.name)).name)


def test_so_does_what_else_may_be_left_on_a_disk() -> None:
    uploads = Path(configured.FILE_UPLOAD_TEMP_DIR)
    (uploads / files.RESUMABLE).mkdir(exist_ok=True)
    places = (uploads / "x.mp4", uploads / files.RESUMABLE / "x", data() / "model-copies" / "x")
    for path in places:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"footage")
        age(path)
    live_pictures.write(1, b"left", taken_at=timezone.now())

    disk_sweeps.sweep_if_due()

    assert [path for path in places if path.exists()] == []
    assert live_pictures.stamp(1) is None


@pytest.mark.parametrize(
    ("ago", "swept"),
    [(timedelta(hours=23), False), (timedelta(days=1), True), (timedelta(hours=-2), True)],
)
def test_of_the_processes_of_a_machine_one_sweeps_it_once_a_day(
    ago: timedelta, *, swept: bool
) -> None:
    disk_sweeps.sweep_if_due()
    copy = left()
    before = time.time() - ago.total_seconds()
    os.utime(mark(), (before, before))  # in the future if a clock was ahead

    disk_sweeps.sweep_if_due()

    assert copy.exists() is not swept


def test_while_one_is_at_it_others_leave_it_alone() -> None:
    copy = left()

    with mark().open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        disk_sweeps.sweep()
        disk_sweeps.sweep_if_due()

    assert copy.exists()
    disk_sweeps.sweep_if_due()
    assert not copy.exists()


@pytest.fixture
def sweeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sweeper]:
    monkeypatch.setattr(disk_sweeps, "LOOK_SECONDS", 0.01)
    made = Sweeper()
    yield made
    made.stop()


def test_a_sweep_that_met_an_error_is_tried_again(
    sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Exception] = [OSError("the disk is away"), ValueError("nobody thought of")]
    swept: list[str] = []

    def sweep_models(**_: object) -> None:
        if errors:
            raise errors.pop()
        swept.append("models")

    for name, does in {
        "resumable.finish_left": lambda: 0,
        "files.sweep_here": lambda: None,
        "resumable.sweep": lambda: None,
        "live_pictures.sweep": lambda *_, **__: None,
        "Feed.objects.values_list": lambda *_, **__: [],
    }.items():
        monkeypatch.setattr(f"video_classifier.services.disk_sweeps.{name}", does)
    monkeypatch.setattr(model_copies, "sweep", sweep_models)

    sweeper.start()

    until(lambda: bool(mark().is_file() and mark().read_text()))
    sweeper.stop()
    assert errors == []
    assert swept == ["models"]


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)
