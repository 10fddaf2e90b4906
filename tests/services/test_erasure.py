"""Who was in front of a camera may have what it recorded exported, and erased."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeStore
from tests.makers.events import make_result_event
from tests.makers.hints import make_hint, make_recording_hint
from tests.makers.live_cameras import make_event, make_feed
from tests.makers.measures import WEIGHTS, make_score
from video_classifier.models import (
    Alert,
    AuditEntry,
    Camera,
    CandidateScore,
    Case,
    CaseExport,
    Clip,
    Event,
    Feed,
    LiveEvent,
    PlantedAct,
    ScoredTime,
    SegmentCopy,
)
from video_classifier.services import audit, cases, erasure, footage_exports, trash
from video_classifier.services.errors import Refused
from video_classifier.services.requested_footage import RequestedFootage
from video_classifier.states import Action, Prediction, RecordedFrom, Status

NOON = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=3)
HINT = {"status": Status.DONE, "prediction": Prediction.HINT}


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    return make_feed(make_store())


@pytest.fixture
def camera(feed: Feed) -> Camera:
    found: Camera = feed.camera
    return found


@pytest.fixture
def asked(camera: Camera) -> RequestedFootage:
    """Half an hour from noon on."""
    return RequestedFootage(camera=camera, start=NOON, end=after(30))


@pytest.fixture
def make_recording(make_clip: MakeClip, camera: Camera) -> Callable[..., Clip]:
    def make(minutes: float, *, seconds: float = 60, **fields: Any) -> Clip:
        facts: dict[str, Any] = {
            "recorded_at": after(minutes),
            "recorded_from": RecordedFrom.FILE,
            "camera": camera,
        }
        return make_clip(duration=seconds, **facts | fields)

    return make


def stored(settings: Settings) -> list[str]:
    return [path.name for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def hold(clip: Clip, user: User) -> Case:
    case = cases.create(clip.store, cases.Subject(name="Bicycles"), by=user)
    cases.add_clip(case, clip, by=user)
    return case


@pytest.mark.parametrize(
    ("start", "end"), [(NOON, NOON), (NOON, timezone.now() + timedelta(days=1))]
)
def test_a_time_that_is_none_or_not_over_is_refused(
    camera: Camera, start: datetime, end: datetime
) -> None:
    with pytest.raises(Refused):
        RequestedFootage(camera=camera, start=start, end=end)


def test_what_shows_any_of_that_time_goes_and_nothing_else(
    make_recording: Callable[..., Clip], make_clip: MakeClip, asked: RequestedFootage, user: User
) -> None:
    reaches_in = make_recording(-60, seconds=3601)
    inside, in_the_trash = make_recording(10), make_recording(11)
    trash.put(in_the_trash, by=user)
    before, later = make_recording(-2), make_recording(30)
    elsewhere = make_clip(recorded_at=after(10), recorded_from=RecordedFrom.FILE)

    found = erasure.erase(asked, by=user)

    assert set(found.clips) == {reaches_in.pk, inside.pk, in_the_trash.pk}
    assert set(Clip.objects.all()) == {before, later, elsewhere}


def test_results_copies_pictures_scores_and_alerts_go_too(
    make_recording: Callable[..., Clip],
    make_analysis: MakeAnalysis,
    feed: Feed,
    asked: RequestedFootage,
    user: User,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    clip = make_recording(10, playable="playable/a.mp4")
    for name in ("playable/a.mp4", "playable/b.mp4", "live/still.jpg"):
        default_storage.save(name, ContentFile(b"bytes"))
    copy = {"number": 1, "start": 0, "end": 60, "status": Status.DONE, "file": "playable/b.mp4"}
    SegmentCopy.objects.create(clip=clip, **copy)
    analysis = make_analysis(clip=clip, **HINT)
    make_result_event(analysis)
    make_recording_hint(analysis, camera=feed.camera)  # told days later
    facts: dict[str, Any] = {"started_at": after(5), "peak_at": after(5.1), "ended_at": after(5.2)}
    event = make_event(feed, opened_at=after(5.1), still="live/still.jpg", **facts)
    make_hint(feed, live_event=event)
    make_score(feed.camera, started_at=after(1))
    make_score(feed.camera, clip=clip, started_at=after(40))
    spared = make_score(feed.camera, started_at=after(31))
    hour = {**WEIGHTS, "camera": feed.camera, "is_live": True, "start": NOON}
    watched = ScoredTime.objects.create(seconds=3600, **hour)
    PlantedAct.objects.create(camera=feed.camera, started_at=after(1), ended_at=after(2))

    with django_capture_on_commit_callbacks(execute=True):
        erasure.erase(asked, by=user)

    for kind in (Clip, Event, LiveEvent, Alert, PlantedAct, SegmentCopy):
        assert not kind.objects.exists(), kind
    assert list(CandidateScore.objects.all()) == [spared]
    watched.refresh_from_db()
    assert watched.seconds == 1800  # what is left was watched without them
    assert stored(settings) == []


def test_the_audit_log_notes_each_clip_and_the_time(
    make_recording: Callable[..., Clip], asked: RequestedFootage, user: User
) -> None:
    clip = make_recording(10)

    erasure.erase(asked, by=user)

    of_clip, of_camera = AuditEntry.objects.filter(action=Action.ERASED).order_by("pk")
    assert (of_clip.object_id, of_clip.actor) == (str(clip.pk), user.pk)
    assert of_camera.object_id == str(asked.camera.pk)
    assert of_camera.details["since"] == NOON.isoformat()
    assert of_camera.details["clips"] == 1


def test_nothing_goes_while_one_is_held(
    make_recording: Callable[..., Clip], asked: RequestedFootage, user: User
) -> None:
    make_recording(5)
    hold(make_recording(10, name="till.mp4"), user)

    with pytest.raises(Refused, match=r"“till\.mp4” out of “Bicycles”"):
        erasure.erase(asked, by=user)

    assert Clip.objects.count() == 2


def test_nothing_goes_while_an_event_is_open(feed: Feed, user: User) -> None:
    make_event(feed, ago=60, is_open=True)
    now = timezone.now()

    with pytest.raises(Refused, match="still going on"):
        erasure.erase(
            RequestedFootage(camera=feed.camera, start=now - timedelta(hours=1), end=now), by=user
        )


def test_exports_of_a_case_that_it_was_in_go(
    make_recording: Callable[..., Clip], asked: RequestedFootage, user: User
) -> None:
    case = hold(make_recording(10), user)
    other = hold(make_recording(90), user)
    for each in (case, other):
        CaseExport.objects.create(case=each)
    cases.remove(case.items.get(), by=user)

    erasure.erase(asked, by=user)

    assert [each.case for each in CaseExport.objects.all()] == [other]


def test_clips_of_unknown_time_are_named_and_go_if_asked_for(
    make_clip: MakeClip, camera: Camera, asked: RequestedFootage, user: User
) -> None:
    unknown = make_clip(camera=camera)  # uploaded today
    make_clip(camera=camera, uploaded_at=after(-60))

    assert erasure.erase(asked, by=user).unknown == (unknown.pk,)
    assert erasure.erase(asked, by=user, unknown_too=True).clips == (unknown.pk,)
    assert Clip.objects.count() == 1


def test_an_export_has_the_files_and_what_is_known_of_them(
    make_recording: Callable[..., Clip],
    make_analysis: MakeAnalysis,
    feed: Feed,
    asked: RequestedFootage,
    user: User,
    tmp_path: Path,
) -> None:
    clip = make_recording(10, uploaded_by=user)
    make_result_event(make_analysis(clip=clip, requested_by=user, **HINT))
    default_storage.save("live/still.jpg", ContentFile(b"picture"))
    facts: dict[str, Any] = {"started_at": after(5), "peak_at": after(5.1), "ended_at": after(5.2)}
    event = make_event(feed, opened_at=after(5.1), still="live/still.jpg", **facts)
    make_score(feed.camera, started_at=after(1))

    footage_exports.write(asked, tmp_path / "out", by=user)

    told = json.loads((tmp_path / "out" / "manifest.json").read_text())
    (of_clip,), (of_event,) = told["clips"], told["live_events"]
    assert (tmp_path / "out" / of_clip["file"]).read_bytes() == b"video"
    assert (tmp_path / "out" / of_event["still"]).read_bytes() == b"picture"
    assert of_event["still"] == f"{event.pk}.jpg"
    assert of_clip["analyses"][0]["events"][0]["number"] == 1
    assert len(told["candidates"]) == 1
    assert user.username not in json.dumps(told)
    assert AuditEntry.objects.filter(action=Action.EXPORTED, object_type="camera").count() == 1


def test_an_export_overwrites_nothing_and_needs_every_file(
    make_recording: Callable[..., Clip], asked: RequestedFootage, user: User, tmp_path: Path
) -> None:
    clip = make_recording(10)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")

    with pytest.raises(Refused, match="not empty"):
        footage_exports.write(asked, tmp_path / "full", by=user)
    clip.file.delete(save=False)
    with pytest.raises(Refused, match="no longer there"):
        footage_exports.write(asked, tmp_path / "new", by=user)

    assert not AuditEntry.objects.filter(action=Action.EXPORTED).exists()


def test_of_an_export_that_breaks_off_nothing_is_left(
    make_recording: Callable[..., Clip],
    asked: RequestedFootage,
    user: User,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_recording(10)

    def run_full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def lose(*_: object, **__: object) -> None:
        raise OperationalError

    with monkeypatch.context() as broken:
        broken.setattr(footage_exports, "_candidates", run_full)  # once the clip is there
        with pytest.raises(Refused, match="no room left, in"):
            footage_exports.write(asked, tmp_path / "out", by=user)
    monkeypatch.setattr(audit, "record", lose)
    with pytest.raises(OperationalError):
        footage_exports.write(asked, tmp_path / "out", by=user)

    assert not list((tmp_path / "out").iterdir())


# The commands


def command(name: str, *options: str, store: str = "Main") -> str:
    out = StringIO()
    local = timezone.localtime(NOON).replace(tzinfo=None)
    until = local + timedelta(minutes=30)
    where = [f"--store={store}", "--camera=Till 2", f"--from={local}", f"--to={until}"]
    call_command(name, *options, *where, "--user=ada", stdout=out)
    return out.getvalue()


def test_a_dry_run_says_what_there_is_and_leaves_it(
    make_recording: Callable[..., Clip], user: User, tmp_path: Path
) -> None:
    clip = make_recording(10)

    assert f"{clip.pk}, of" in (told := command("erase_footage", "--dry-run"))
    assert "1 clip, 0 live events" in told
    assert "1 clip (5 bytes)" in command("export_footage", str(tmp_path / "out"), "--dry-run")
    assert not (tmp_path / "out").exists()
    assert Clip.objects.exists()
    assert "written to" in command("export_footage", str(tmp_path / "out"))
    assert "exports of cases erased." in command("erase_footage")
    assert not Clip.objects.exists()


def test_the_commands_refuse_with_a_sentence(
    make_recording: Callable[..., Clip], user: User
) -> None:
    hold(make_recording(10), user)

    with pytest.raises(CommandError, match="Nothing was erased"):
        command("erase_footage")
    with pytest.raises(CommandError, match="There is no store “Nowhere”"):
        command("erase_footage", store="Nowhere")
