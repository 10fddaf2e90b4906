"""Evidence of a case as a ZIP: what is in it, and what goes wrong."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone
from PIL import Image
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeTrack, claimed
from tests.makers import videos
from video_classifier.ml.contracts import Span, Track
from video_classifier.ml.video import browser_copy, probe
from video_classifier.models import (
    AuditEntry,
    Camera,
    Case,
    CaseExport,
    CaseItem,
    Event,
    Review,
    Segment,
)
from video_classifier.services import (
    case_exports,
    cases,
    disk,
    evidence,
    files,
    jobs,
    sandbox,
    worker,
)
from video_classifier.services.cases import Subject
from video_classifier.services.errors import Refused
from video_classifier.states import Action, Answer, RecordedFrom, Status, View

NOON = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # in Berlin, the hour that comes twice
RTL = "متجر خلفي"


@pytest.fixture(autouse=True)
def _unwatched(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread of heartbeats has a connection of its own, and doesn't see the test's rows."""
    settings.ANALYSIS_HEARTBEAT = timedelta(minutes=10)
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 600.0)


@pytest.fixture
def case(make_store: MakeStore, user: User) -> Case:
    store = make_store("Berlin", time_zone="Europe/Berlin")
    return cases.create(store, Subject(name=f"{RTL} 😀🛒 <b>"), by=user)


@pytest.fixture
def item(
    case: Case,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    make_track: MakeTrack,
    user: User,
    tmp_path: Path,
) -> CaseItem:
    """An event from second 2.5 to 3.5 of six, with its still."""
    content = videos.write(tmp_path / "clip.mp4", 60, size=(320, 240)).read_bytes()
    clip = make_clip(
        name=f"{RTL}.mp4",
        content=content,
        duration=6.0,
        store=case.store,
        camera=Camera.objects.create(store=case.store, name="Aisle 4"),
        recorded_at=NOON,
        recorded_from=RecordedFrom.GIVEN,
    )
    analysis = make_analysis(
        clip=clip,
        status=Status.DONE,
        score=0.8,
        view=View.PERSON,
        decided_by=2,
        model_sha256="a" * 64,
    )
    track = make_track(
        analysis=analysis,
        number=2,
        crop_times=[2.5, 3.5],
        times=[2.0, 4.0],
        boxes=[[0.0, 0.0, 0.25, 1.0], [0.0, 0.0, 0.25, 1.0]],
    )
    picture = evidence.jpeg(videos.picture(85, width=320, height=240), 95)
    files.write({evidence.still_file(track): picture})
    event = Event.objects.create(
        analysis=analysis,
        number=3,
        segment=track.segment,
        track=track,
        start=2.5,
        end=3.5,
        peak=3.0,
        score=0.8,
    )
    return cases.add_event(case, event, by=user)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Span, Track | None]]:
    """What was blurred, without that it is."""
    asked: list[tuple[Span, Track | None]] = []

    def write(_: Path, target: Path, span: Span, track: Track | None, **__: object) -> None:
        asked.append((span, track))
        target.write_bytes(b"blurred")

    monkeypatch.setattr(sandbox, "blur_span", write)
    return asked


def made(case: Case, user: User, **chosen: bool) -> CaseExport:
    export = case_exports.ask(case, by=user, **chosen)
    assert case_exports.make_next(worker="one")
    export.refresh_from_db()
    return export


def unpacked(export: CaseExport) -> dict[str, bytes]:
    assert export.status == Status.DONE, export.error
    content = Path(export.file.path).read_bytes()
    assert hashlib.sha256(content).hexdigest() == export.sha256
    assert len(content) == export.size_bytes
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        assert found.testzip() is None
        return {name: found.read(name) for name in found.namelist()}


def sharp(jpeg: bytes, columns: slice) -> bool:
    with Image.open(io.BytesIO(jpeg)) as picture:
        image = np.asarray(picture.convert("L")).astype(int)[:, columns]
    return bool(np.abs(np.diff(image, axis=1)).max() > 100)


def test_an_export_has_originals_blurred_copies_stills_and_reports(
    case: Case, item: CaseItem, user: User
) -> None:
    cases.note(case, f"{RTL} 😀", by=user)
    cases.note(case, "The blue bag.", by=user, item=item)
    about = {"clip": item.clip, "event": item.event, "start": 2.5, "end": 3.5}
    Review.objects.create(**about, answer=Answer.CONFIRMED, by=user, note="Seen twice.")

    found = unpacked(made(case, user))

    assert list(found) == [
        *("originals/001.mp4", "blurred/001.mp4", "stills/001.jpg", "blurred/001.jpg"),
        *("report.pdf", "report.html", "report.css", "manifest.json", "SHA256SUMS"),
    ]
    assert hashlib.sha256(found["originals/001.mp4"]).hexdigest() == item.clip.sha256
    html = found["report.html"].decode()
    for told in (
        *("Aisle 4", "2026-10-25T02:30:02+02:00", "Europe/Berlin", "0.8000", "a" * 64),
        *(item.clip.sha256, "Confirmed, by ada", "Seen twice.", "The blue bag.", "&lt;b&gt;", RTL),
    ):
        assert told in html
    assert found["report.pdf"].startswith(b"%PDF")


def test_the_blurred_copy_shows_the_track_alone(
    case: Case, item: CaseItem, user: User, tmp_path: Path
) -> None:
    found = unpacked(made(case, user))

    (tmp_path / "blurred.mp4").write_bytes(found["blurred/001.mp4"])
    facts = probe.facts(tmp_path / "blurred.mp4")
    assert browser_copy.is_playable(facts)
    assert facts.duration == pytest.approx(5.0, abs=0.2)  # from 0.5 to 5.5
    assert sharp(found["stills/001.jpg"], slice(160, 320))
    assert sharp(found["blurred/001.jpg"], slice(0, 75))
    assert not sharp(found["blurred/001.jpg"], slice(100, 320))


def test_the_manifest_and_the_sums_can_be_checked(
    case: Case, item: CaseItem, user: User, quick: object
) -> None:
    found = unpacked(made(case, user))

    manifest: dict[str, Any] = json.loads(found["manifest.json"])
    assert "sha256sum -c SHA256SUMS" in manifest["how_to_check"]["commands"][0]
    for each in manifest["files"]:
        assert hashlib.sha256(found[each["name"]]).hexdigest() == each["sha256"]
        assert len(found[each["name"]]) == each["size_bytes"]
    (original,) = (each for each in manifest["files"] if each["name"].startswith("originals/"))
    assert original["called"] == item.clip.name
    assert original["sha256_at_upload"] == original["sha256"]
    lines = [line.split("  ") for line in found["SHA256SUMS"].decode().splitlines()]
    assert {name for _, name in lines} == found.keys() - {"SHA256SUMS"}
    for digest, name in lines:
        assert hashlib.sha256(found[name]).hexdigest() == digest


def test_a_file_that_changed_since_it_came_in_is_told(
    case: Case, item: CaseItem, user: User, quick: object
) -> None:
    Path(item.clip.file.path).write_bytes(b"changed")

    found = unpacked(made(case, user))

    assert found["originals/001.mp4"] == b"changed"
    assert "as it came in" in found["report.html"].decode()


def test_without_the_originals_nobody_else_is_seen(
    case: Case, item: CaseItem, user: User, quick: object
) -> None:
    found = unpacked(made(case, user, has_originals=False))

    assert {name for name in found if "/" in name} == {"blurred/001.mp4", "blurred/001.jpg"}
    assert "Not in this archive" in found["report.html"].decode()


def test_with_neither_there_is_the_report(case: Case, item: CaseItem, user: User) -> None:
    found = unpacked(made(case, user, has_originals=False, is_blurred=False))

    assert [name for name in found if "/" in name] == []


def test_a_clip_with_several_events_is_packed_once(
    case: Case, item: CaseItem, user: User, quick: list[tuple[Span, Track | None]]
) -> None:
    cases.add_clip(case, item.clip, by=user)

    found = unpacked(made(case, user))

    assert [name for name in found if name.startswith("originals/")] == ["originals/001.mp4"]
    assert [span for span, _ in quick] == [Span(), Span(0.5, 5.5)]
    assert [track and track.times for _, track in quick] == [None, (2.0, 4.0)]


def test_a_track_over_a_border_is_one(
    case: Case,
    item: CaseItem,
    make_track: MakeTrack,
    user: User,
    quick: list[tuple[Span, Track | None]],
) -> None:
    event = item.event
    assert event is not None
    second = Segment.objects.create(
        analysis=event.analysis, number=2, **claimed(timezone.now()), status=Status.CANCELLED
    )
    boxes = [[0.5, 0.0, 1.0, 1.0], [0.5, 0.0, 1.0, 1.0]]
    make_track(analysis=event.analysis, segment=second, number=2, times=[3.0, 5.0], boxes=boxes)

    made(case, user)

    ((_, track),) = quick
    assert track is not None
    assert track.times == (2.0, 3.0, 5.0)
    assert [box.left for box in track.boxes] == [0.0, 0.5, 0.5]


def test_long_stretches_are_not_blurred(
    case: Case, make_clip: MakeClip, user: User, quick: list[object]
) -> None:
    cases.add_clip(case, make_clip(store=case.store, duration=3600.0), by=user)

    found = unpacked(made(case, user))

    assert quick == []
    assert "more than 10 minutes" in found["report.html"].decode()


def test_what_cant_be_blurred_leaves_the_rest_standing(
    case: Case, item: CaseItem, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        msg = "The file is damaged there."
        raise Refused(msg)

    monkeypatch.setattr(sandbox, "blur_span", refuse)

    found = unpacked(made(case, user))

    assert "blurred/001.mp4" not in found
    assert "None: The file is damaged there." in found["report.html"].decode()


@pytest.mark.long
def test_a_case_of_500_events(
    case: Case, item: CaseItem, user: User, quick: list[object], settings: Settings
) -> None:
    event = item.event
    assert event is not None
    more = {"analysis": event.analysis, "segment": event.segment, "track": event.track}
    at = [0.01 * number for number in range(1, 500)]
    rows = [
        Event(number=3 + number, start=second, end=second + 0.5, peak=second, score=0.6, **more)
        for number, second in enumerate(at, 1)
    ]
    for row in rows:
        row.place()
    Event.objects.bulk_create(rows)
    CaseItem.objects.bulk_create(
        CaseItem(case=case, clip=item.clip, event=row, start=row.start, end=row.end) for row in rows
    )

    export = made(case, user)
    found = unpacked(export)

    assert export.done == len(quick) == 500
    assert len([name for name in found if name.startswith("blurred/")]) >= 500
    assert len(found["report.pdf"]) < 20_000_000
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())


# What goes wrong


def test_an_empty_case_is_refused(case: Case, user: User) -> None:
    with pytest.raises(Refused, match="nothing in"):
        case_exports.ask(case, by=user)


def test_there_is_one_at_a_time(case: Case, item: CaseItem, user: User) -> None:
    case_exports.ask(case, by=user)

    with pytest.raises(Refused, match="being made already"):
        case_exports.ask(case, by=user)


def test_with_a_full_disk_it_is_refused_at_once(
    case: Case, item: CaseItem, user: User, settings: Settings
) -> None:
    settings.DISK_FLOOR_BYTES = 2**60

    with pytest.raises(Refused, match="too full for this export"):
        case_exports.ask(case, by=user)

    assert not CaseExport.objects.exists()


def test_a_disk_that_runs_full_meanwhile_leaves_nothing(
    case: Case,
    item: CaseItem,
    user: User,
    quick: object,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)

    export = made(case, user)

    assert export.status == Status.FAILED
    assert "too full" in export.error
    assert not export.file
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.zip"))


def test_a_disk_that_is_write_protected_is_waited_for(
    case: Case, item: CaseItem, user: User, quick: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", refuse)

    export = made(case, user)

    assert (export.status, export.attempts) == (Status.QUEUED, 0)


def test_a_disk_that_runs_full_while_blurring_is_no_fault_of_the_clip(
    case: Case, item: CaseItem, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        monkeypatch.setattr(disk, "is_nearly_full", lambda *_: True)
        msg = "No copy could be made."
        raise Refused(msg)

    monkeypatch.setattr(sandbox, "blur_span", refuse)

    export = made(case, user)

    assert (export.status, "too full" in export.error) == (Status.FAILED, True)


def test_a_file_that_is_gone_is_named(
    case: Case, item: CaseItem, user: User, quick: object
) -> None:
    Path(item.clip.file.path).unlink()

    export = made(case, user)

    assert export.status == Status.FAILED
    assert f"“{item.clip.name}” is no longer there" in export.error


@pytest.mark.parametrize(
    "error", [sandbox.BusyError(sandbox.KILLED), OperationalError("cut off")], ids=["child", "base"]
)
def test_an_export_that_is_interrupted_is_made_after_all(
    case: Case,
    item: CaseItem,
    user: User,
    quick: list[object],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    blur = sandbox.blur_span

    def interrupt(*_: object, **__: object) -> None:
        monkeypatch.setattr(sandbox, "blur_span", blur)
        raise error

    monkeypatch.setattr(sandbox, "blur_span", interrupt)
    export = case_exports.ask(case, by=user)

    assert case_exports.make_next(worker="one")
    export.refresh_from_db()
    assert (export.status, export.error) == (Status.QUEUED, "")

    assert case_exports.make_next(worker="one")
    export.refresh_from_db()
    assert export.status == Status.DONE


def test_what_broke_on_our_side_is_told(
    case: Case, item: CaseItem, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "blur_span", lambda *_, **__: 1 / 0)

    assert made(case, user).error == case_exports.BROKE


def test_an_interrupted_export_goes_on_where_it_was(
    case: Case, item: CaseItem, user: User, quick: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases.add_clip(case, item.clip, by=user)
    export = case_exports.ask(case, by=user)
    pack = case_exports._pack

    def give_way(*_: object) -> None:
        raise jobs.GaveWayError

    monkeypatch.setattr(case_exports, "_pack", give_way)
    assert case_exports.make_next(worker="one")
    export.refresh_from_db()
    assert (export.status, export.attempts, export.done) == (Status.QUEUED, 0, 2)

    monkeypatch.setattr(case_exports, "_pack", pack)
    assert case_exports.make_next(worker="two")

    export.refresh_from_db()
    assert export.status == Status.DONE
    assert len(quick) == 2


def test_one_that_was_discarded_meanwhile_leaves_no_file(
    case: Case,
    item: CaseItem,
    user: User,
    quick: object,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    export = case_exports.ask(case, by=user)
    pack = case_exports._pack

    def discarded(*arguments: Any) -> None:
        pack(*arguments)
        assert case_exports.discard(export, by=user)

    monkeypatch.setattr(case_exports, "_pack", discarded)

    assert case_exports.make_next(worker="one")

    assert not CaseExport.objects.exists()
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.zip"))


# The end of one


def test_it_expires_after_a_week_with_its_file(
    case: Case,
    item: CaseItem,
    user: User,
    quick: object,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    export = made(case, user)
    now = export.finished_at
    assert now is not None

    assert case_exports.expire(now=now + timedelta(days=6, hours=23)) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert case_exports.expire(now=now + timedelta(days=7, seconds=1)) == 1

    assert not CaseExport.objects.exists()
    assert not Path(export.file.path).exists()


def test_it_goes_with_its_case(
    case: Case,
    item: CaseItem,
    user: User,
    quick: object,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    export = made(case, user)

    with django_capture_on_commit_callbacks(execute=True):
        cases.delete(case, by=user)

    assert not Path(export.file.path).exists()


def test_the_sweep_knows_it(case: Case, item: CaseItem, user: User, quick: object) -> None:
    export = made(case, user)

    assert str(export.file.name) in files._known()


def test_it_is_noted(case: Case, item: CaseItem, user: User) -> None:
    export = case_exports.ask(case, by=user)

    entry = AuditEntry.objects.get(action=Action.CASE_EXPORTED)
    assert entry.object_id == str(case.pk)
    assert entry.details == {"export": str(export.pk), "originals": 1, "blurred": 1}


def test_a_worker_makes_it(case: Case, item: CaseItem, user: User, quick: object) -> None:
    case_exports.ask(case, by=user)

    assert worker.step(worker="one", kinds=["case_exports"])

    assert CaseExport.objects.get().status == Status.DONE
