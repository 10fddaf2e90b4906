"""A live event that ends while the storage is away: its clip waits on the disk, and is sent."""

from __future__ import annotations

import errno
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests import buckets
from tests.buckets import Service
from tests.makers import videos
from tests.services import test_live_events as made
from tests.services.test_live_events import LENGTH, START
from video_classifier.integrations.bucket import Bucket
from video_classifier.models import Analysis, Clip, LiveEvent, WaitingClip
from video_classifier.services import (
    disk,
    erasure,
    files,
    live_events,
    live_stills,
    segments,
    uploads,
    waiting_clips,
)
from video_classifier.services.live_clips import Cut
from video_classifier.services.live_events import Told
from video_classifier.services.requested_footage import RequestedFootage
from video_classifier.states import Closing, Status

s3, bucket = buckets.s3, buckets.bucket
yardstick, feed, told, cut = made.yardstick, made.feed, made.told, made.cut

End = Callable[[], LiveEvent]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is; and what one test has seen of storage is nothing to the next."""
    monkeypatch.setattr(live_stills, "PATIENCE", 60.0)
    monkeypatch.setattr(live_events, "stills", live_stills.Stills())


@pytest.fixture
def end(told: Told, cut: Cut) -> End:
    """An event that ends, with its clip cut and not sent."""

    def end() -> LiveEvent:
        event = live_events.open_one(told)
        live_events.close(event, told, Closing.GONE)
        videos.write(cut.path, 100)
        waiting_clips.keep(event, told, cut, start=START, length=LENGTH)
        event.refresh_from_db()
        return event

    return end


def send() -> int:
    return waiting_clips.send_left(worker="two")


def stored(bucket: Bucket) -> set[str]:
    return {each.name for folder in files.OURS for each in bucket.entries(folder)}


@pytest.mark.parametrize("fault", ["403", "503", "cut", "hangs"])
def test_a_clip_waits_while_the_storage_is_away_and_comes_by_itself(
    bucket: Bucket,
    s3: Service,
    end: End,
    fault: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    if fault in {"cut", "hangs"}:
        buckets.hurry(bucket)
    s3.fault, s3.only = fault, "HEAD" if fault == "hangs" else ""
    event = end()

    assert send() == 1
    event.refresh_from_db()
    assert (event.clip, event.no_clip) == (None, live_events.ON_ITS_WAY)
    assert not Clip.objects.exists()

    s3.fault = ""
    with django_capture_on_commit_callbacks(execute=True):
        assert send() == 0
    event.refresh_from_db()
    assert event.clip is not None
    assert event.no_clip == ""
    assert {str(event.clip.file.name), event.still} < stored(bucket)
    analysis = Analysis.objects.get()
    assert (analysis.status, analysis.score) == (Status.DONE, event.score)
    assert not WaitingClip.objects.exists()
    assert not files.waiting_folder(event.pk).exists()
    assert not waiting_clips.are_here()


@pytest.mark.parametrize("only", ["PUT", "POST"])
def test_what_storage_took_of_it_does_not_stay_if_it_takes_no_more(
    bucket: Bucket, s3: Service, end: End, monkeypatch: pytest.MonkeyPatch, only: str
) -> None:
    event = end()
    keep, before = uploads.keep, stored(bucket)

    def away(*args: Any, **kwargs: Any) -> Analysis:
        assert stored(bucket) > before  # the pictures are there
        s3.fault, s3.only = "503", only
        return keep(*args, **kwargs)

    monkeypatch.setattr(uploads, "keep", away)
    left = send()
    s3.fault = ""

    if only == "POST":  # by which nothing is written
        assert left == 0
        return
    assert left == 1
    assert stored(bucket) == before
    assert not Clip.objects.exists()
    event.refresh_from_db()
    assert event.no_clip == live_events.ON_ITS_WAY


def test_storage_that_is_away_is_asked_about_the_first_of_many_alone(
    bucket: Bucket, s3: Service, end: End
) -> None:
    for _ in range(3):
        end()
    s3.fault = "503"
    s3.asked.clear()

    assert send() == 3

    assert len(s3.asked) == 3  # one request, tried three times


# Kills


def test_what_a_watcher_that_was_killed_has_cut_is_sent_by_the_next_one(
    told: Told, end: End
) -> None:
    event = end()

    live_events.close_abandoned(told.camera)
    waiting_clips.tidy()
    event.refresh_from_db()
    assert event.no_clip == live_events.ON_ITS_WAY

    assert send() == 0
    event.refresh_from_db()
    assert event.clip is not None


@pytest.mark.parametrize("is_abandoned", [True, False])
def test_a_kill_between_the_folder_and_its_row_loses_nothing(
    told: Told, end: End, monkeypatch: pytest.MonkeyPatch, *, is_abandoned: bool
) -> None:
    def killed(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(waiting_clips, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            end()
    if is_abandoned:
        live_events.close_abandoned(told.camera)
    assert not WaitingClip.objects.exists()

    waiting_clips.tidy()

    assert send() == 0
    assert LiveEvent.objects.get().clip is not None


def test_a_row_that_can_not_be_written_now_is_written_later(
    end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> bool:
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(waiting_clips, "_note", busy)
        event = end()
    assert event.no_clip == live_events.BEING_MADE

    waiting_clips.tidy()

    event.refresh_from_db()
    assert event.no_clip == live_events.ON_ITS_WAY


def test_a_kill_while_it_is_sent_sends_it_again_and_once(
    end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = end()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(segments, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            send()
    assert not Clip.objects.exists()

    assert send() == 0
    assert send() == 0
    assert Clip.objects.get().live_event == event


def test_a_folder_that_a_kill_left_after_it_was_sent_brings_no_deleted_clip_back(
    end: End, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    event = end()
    assert send() == 0  # what follows the commit is not done here
    assert files.waiting_folder(event.pk).exists()
    Clip.objects.all().delete()

    waiting_clips.tidy()

    event.refresh_from_db()
    assert (event.clip, event.no_clip) == (None, "")
    assert not WaitingClip.objects.exists()
    assert not files.waiting_folder(event.pk).exists()


def test_two_who_send_at_once_send_it_once(end: End) -> None:
    end()

    with waiting_clips._alone() as is_alone:
        assert is_alone
        assert send() == 0
        assert not Clip.objects.exists()

    assert send() == 0
    assert Clip.objects.count() == 1


def test_a_clip_of_another_machine_is_left_to_it(end: End) -> None:
    here = end()
    folder = files.waiting_folder(here.pk)
    WaitingClip.objects.update(place="elsewhere:1")
    shutil.rmtree(folder)

    waiting_clips.tidy()
    assert send() == 0

    here.refresh_from_db()
    assert here.no_clip == live_events.ON_ITS_WAY
    assert WaitingClip.objects.exists()


@pytest.mark.parametrize("name", ["", "event", "clip.mp4"])
def test_a_clip_that_is_lost_on_the_disk_is_said_to_be(end: End, name: str) -> None:
    event = end()
    if name:
        (files.waiting_folder(event.pk) / name).unlink()
    else:
        shutil.rmtree(files.waiting_folder(event.pk))

    waiting_clips.tidy()
    assert send() == 0

    event.refresh_from_db()
    assert event.no_clip == waiting_clips.LOST
    assert not WaitingClip.objects.exists()


def test_what_another_version_wrote_waits_for_it_and_holds_no_other_up(
    end: End, caplog: pytest.LogCaptureFixture
) -> None:
    event = end()
    end()
    (files.waiting_folder(event.pk) / waiting_clips.BESIDE).write_bytes(b"\xc0")

    assert send() == 1

    assert f"the clip of live event {event.pk} can't be sent" in caplog.text
    assert files.waiting_folder(event.pk).exists()
    assert Clip.objects.count() == 1


def test_a_bucket_that_is_not_there_is_no_loss(
    bucket: Bucket, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its service says that nothing is found."""
    event = end()
    monkeypatch.setattr(bucket, "bucket_name", "another-one")
    monkeypatch.setattr(bucket, "_bucket", None)

    assert send() == 1

    event.refresh_from_db()
    assert event.no_clip == live_events.ON_ITS_WAY


def test_the_daily_sweep_leaves_it_alone(end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "GRACE", timedelta(seconds=-10))
    end()

    files.sweep()

    assert send() == 0
    assert Clip.objects.exists()


# Its end


def test_erasing_what_was_recorded_then_erases_a_clip_that_waits(
    told: Told,
    end: End,
    user: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    event = end()
    asked = RequestedFootage(camera=event.camera, start=told.at(90), end=told.at(120))

    with django_capture_on_commit_callbacks(execute=True):
        erasure.erase(asked, by=user)

    assert not LiveEvent.objects.exists()
    assert not WaitingClip.objects.exists()
    assert not files.waiting_folder(event.pk).exists()


def test_what_is_erased_on_another_machine_goes_with_the_next_look(end: End) -> None:
    event = end()
    event.delete()

    waiting_clips.tidy()

    assert not files.waiting_folder(event.pk).exists()


def test_what_is_erased_while_it_is_sent_is_not_kept(
    bucket: Bucket, end: End, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    event = end()
    keep = uploads.keep

    def erased(*args: object, **kwargs: object) -> Analysis:
        LiveEvent.objects.filter(pk=event.pk).delete()
        return keep(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(uploads, "keep", erased)

    assert send() == 0

    assert "no more use" in caplog.text
    assert not Clip.objects.exists()
    assert not [name for name in stored(bucket) if name.startswith("clips/")]


def test_a_clip_that_arrives_while_its_time_is_erased_goes_too(
    told: Told, end: End, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = end()
    asked = RequestedFootage(camera=event.camera, start=told.at(90), end=told.at(120))
    plan = erasure.plan

    def then_it_arrives(*args: object, **kwargs: object) -> erasure.Plan:
        found = plan(*args, **kwargs)  # type: ignore[arg-type]
        send()
        return found

    monkeypatch.setattr(erasure, "plan", then_it_arrives)

    erasure.erase(asked, by=user)

    assert not Clip.objects.exists()
    assert not LiveEvent.objects.exists()


def test_it_goes_with_its_event_after_a_month(
    end: End, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    event = end()

    with django_capture_on_commit_callbacks(execute=True):
        live_events.purge(now=timezone.now() + live_events.KEEP + timedelta(hours=1))

    assert not LiveEvent.objects.exists()
    assert not files.waiting_folder(event.pk).exists()


# Room


def test_the_oldest_are_given_up_for_new_ones(
    end: End,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    first = end()
    size = WaitingClip.objects.get().size_bytes
    settings.WAITING_CLIPS_MAX_BYTES = int(2.5 * size)
    second = end()

    with django_capture_on_commit_callbacks(execute=True):
        third = end()

    first.refresh_from_db()
    assert first.no_clip == waiting_clips.GIVEN_UP
    assert not files.waiting_folder(first.pk).exists()
    assert set(WaitingClip.objects.values_list("pk", flat=True)) == {second.pk, third.pk}


def test_a_clip_that_never_fits_is_not_kept_and_nothing_is_given_up_for_it(
    end: End, settings: Settings
) -> None:
    end()
    settings.WAITING_CLIPS_MAX_BYTES = 10

    assert end().no_clip == waiting_clips.TOO_LARGE

    assert WaitingClip.objects.count() == 1


@pytest.mark.parametrize(("lacking", "waits"), [(1, "new"), (10**9, "old")])
def test_a_nearly_full_disk_costs_the_oldest_if_that_helps(
    end: End, monkeypatch: pytest.MonkeyPatch, lacking: int, waits: str
) -> None:
    first = end()
    monkeypatch.setattr(disk, "lacks_for_live", lambda: lacking)

    second = end()

    first.refresh_from_db()
    found = {first.pk: "old", second.pk: "new"}[WaitingClip.objects.get().pk]
    assert found == waits
    why = second.no_clip if waits == "old" else first.no_clip
    assert why == (waiting_clips.FULL if waits == "old" else waiting_clips.GIVEN_UP)


def test_live_cameras_leave_what_the_site_needs_of_the_disk(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil._ntuple_diskusage(total=1000, used=900, free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(disk, "LIVE_SHARE", 0.05)

    settings.DISK_FLOOR_BYTES = 130
    assert disk.lacks_for_live() == 30
    settings.DISK_FLOOR_BYTES = 100
    assert disk.lacks_for_live() == 0
    monkeypatch.setattr(disk, "LIVE_SHARE", 0.2)
    assert disk.lacks_for_live() == 100


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (errno.ENOSPC, waiting_clips.FULL),
        (errno.EIO, waiting_clips.FAILS),
        (errno.EROFS, waiting_clips.FAILS),
    ],
)
def test_a_disk_that_takes_no_clip_is_the_reason_why_there_is_none(
    end: End, settings: Settings, monkeypatch: pytest.MonkeyPatch, code: int, why: str
) -> None:
    def fails(_: Path) -> None:
        raise OSError(code, "told so")

    monkeypatch.setattr(waiting_clips, "_sync", fails)

    assert end().no_clip == why

    assert list(settings.FILE_UPLOAD_TEMP_DIR.rglob("clip.*")) == []


def test_without_room_for_its_result_a_clip_waits(
    end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where files are on the disk, too."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    event = end()
    with monkeypatch.context() as patched:
        patched.setattr(segments, "record", full)
        assert send() == 1

    assert send() == 0
    event.refresh_from_db()
    assert event.clip is not None


# The picture


def test_an_event_that_opened_without_a_picture_gets_one_with_its_clip(
    bucket: Bucket, s3: Service, told: Told, cut: Cut
) -> None:
    s3.fault = "403"
    event = live_events.open_one(told)
    live_events.close(event, told, Closing.GONE)
    waiting_clips.keep(event, replace(told), cut, start=START, length=LENGTH)
    assert event.still == ""
    s3.fault = ""

    assert send() == 0

    event.refresh_from_db()
    assert event.still in stored(bucket)
    assert event.box


def test_a_picture_that_the_storage_does_not_take_holds_nobody_up(
    bucket: Bucket, s3: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_stills, "PATIENCE", 0.05)
    s3.fault = "hangs"
    stills = live_stills.Stills()

    assert stills.store(b"first") == ""
    s3.fault = ""
    assert stills.store(b"second") == ""  # it isn't asked again so soon
    stills._pool.shutdown()  # what was on its way has come, and goes again

    assert stored(bucket) == set()


def test_a_picture_is_stored_and_removed_where_storage_answers(bucket: Bucket) -> None:
    stills = live_stills.Stills()
    name = stills.store(b"picture")
    assert name in stored(bucket)

    stills.discard([name])
    stills._pool.shutdown()

    assert stored(bucket) == set()
