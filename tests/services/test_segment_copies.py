"""Copies of the segments of a long recording: which goes first, what fails, and what goes away."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils import timezone
from pytest_django import (
    DjangoAssertNumQueries,
    DjangoCaptureOnCommitCallbacks,
    Settings,
)

from tests.conftest import MakeClip, MakeUser, claimed, make_deleter
from tests.makers import videos
from video_classifier.ml.contracts import Span
from video_classifier.ml.video import browser_copy, probe
from video_classifier.models import BrowserCopy, Clip, SegmentCopy
from video_classifier.services import copies, copy_runs, files, sandbox, segment_copies, trash
from video_classifier.services.errors import Refused
from video_classifier.states import Playback, Status

MINUTES = 12
SPANS = [[60.0 * n, 60.0 * (n + 1)] for n in range(MINUTES)]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The first second of each copy that was made, in that order."""
    starts: list[float] = []

    def write(_source: Path, target: Path, span: Span, **_: object) -> None:
        starts.append(span.start)
        target.write_bytes(b"copy")

    monkeypatch.setattr(sandbox, "copy_span", write)
    return starts


@pytest.fixture
def clip(make_clip: MakeClip) -> Clip:
    return make_long(make_clip)


def make_long(make_clip: MakeClip, **fields: object) -> Clip:
    """Of twelve minutes in HEVC."""
    known = {"codec": "hevc", "container": "mkv", "duration": 60.0 * MINUTES}
    wanted = {"playback": Playback.WANTED, "segment_spans": SPANS}
    return make_clip(**known | wanted | fields)  # type: ignore[arg-type]


def look(clip: Clip, second: float) -> None:
    segment_copies.look(segment_copies.of(clip), second)


def make_all() -> None:
    while copies.make_next(worker="one"):
        pass


def states(clip: Clip) -> list[str]:
    return [each.status for each in segment_copies.of(clip)]


# Which clips


def test_a_long_recording_that_has_to_be_encoded_gets_a_copy_of_each_segment(
    clip: Clip, made: list[float]
) -> None:
    make_all()

    assert made == [start for start, _ in SPANS]
    assert Clip.objects.get().playback == Playback.SEGMENTS
    assert {Path(each.file.path).read_bytes() for each in segment_copies.of(clip)} == {b"copy"}
    assert not BrowserCopy.objects.exists()


def test_a_long_recording_whose_pictures_can_be_copied_gets_one_copy(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remux(_source: Path, target: Path, **_: object) -> bool:
        target.write_bytes(b"whole")
        return True

    monkeypatch.setattr(sandbox, "remux", remux)
    make_long(make_clip, codec="h264")

    make_all()

    assert Path(Clip.objects.get().playable.path).read_bytes() == b"whole"
    assert not SegmentCopy.objects.exists()


def test_it_is_split_where_it_turns_out_that_they_cannot(
    make_clip: MakeClip, user: User, monkeypatch: pytest.MonkeyPatch, made: list[float]
) -> None:
    monkeypatch.setattr(sandbox, "remux", lambda *_, **__: False)
    clip = make_long(make_clip, codec="h264", uploaded_by=user)

    make_all()

    assert len(made) == MINUTES
    assert Clip.objects.get().playback == Playback.SEGMENTS
    assert BrowserCopy.objects.get().status == Status.DONE
    assert {each.requested_by for each in segment_copies.of(clip)} == {user}


@pytest.mark.django_db(transaction=True)  # its lease is looked at from another connection
def test_the_copies_are_some_that_browsers_play(make_clip: MakeClip, tmp_path: Path) -> None:
    video = videos.write(
        tmp_path / "long.mkv", 120, codec="libx265", rate=1, options=videos.QUIET_X265
    )
    spans = [[0.0, 60.0], [60.0, 120.0]]
    clip = make_long(make_clip, content=video.read_bytes(), segment_spans=spans)

    make_all()

    for each in segment_copies.of(clip):
        facts = probe.facts(Path(each.file.path))
        assert browser_copy.is_playable(facts)
        assert facts.duration == pytest.approx(60, abs=0.1)
        assert each.seconds_making is not None
        assert each.seconds_making > 0


@pytest.mark.django_db(transaction=True)  # its lease is looked at from another connection
@pytest.mark.parametrize(
    ("pixels", "playback"), [("yuv420p", Playback.COPY), ("yuv444p", Playback.SEGMENTS)]
)
def test_the_file_itself_decides_whether_its_pictures_can_be_copied(
    make_clip: MakeClip, tmp_path: Path, pixels: str, playback: Playback
) -> None:
    video = videos.write(tmp_path / "long.mkv", 120, rate=1, pixels=pixels)
    spans = [[0.0, 60.0], [60.0, 120.0]]
    make_long(make_clip, codec="h264", content=video.read_bytes(), segment_spans=spans)

    make_all()

    clip = Clip.objects.get()
    assert clip.playback == playback
    made = [each.file for each in segment_copies.of(clip)] or [clip.playable]
    assert all(browser_copy.is_playable(probe.facts(Path(each.path))) for each in made)


# The order


def test_the_one_at_the_playhead_is_made_first_and_then_those_that_follow(
    clip: Clip, made: list[float]
) -> None:
    look(clip, 455.5)

    make_all()

    ahead = [420.0, 480.0, 540.0, 600.0, 660.0]
    assert made == [*ahead, 0.0, 60.0, 120.0, 180.0, 240.0, 300.0, 360.0]


def test_who_goes_elsewhere_takes_the_order_along(clip: Clip, made: list[float]) -> None:
    look(clip, 600)
    copies.make_next(worker="one")
    look(clip, 120)
    copies.make_next(worker="one")

    assert made == [600.0, 120.0]
    waiting = SegmentCopy.objects.waiting().looked_at()
    assert waiting.count() == segment_copies.AHEAD - 1


def test_what_somebody_waits_for_goes_before_other_clips_and_the_rest_does_not(
    make_clip: MakeClip, clip: Clip, made: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy(_source: Path, target: Path, **_: object) -> None:
        made.append(-1)
        target.write_bytes(b"short")

    monkeypatch.setattr(sandbox, "copy", copy)
    make_clip(content=b"short", playback=Playback.WANTED)
    look(clip, 650)

    make_all()

    assert made[:4] == [600.0, 660.0, -1, 0.0]


def test_looking_on_writes_nothing_new(
    clip: Clip, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    look(clip, 130)
    rows = segment_copies.of(clip)

    with django_assert_num_queries(0):
        segment_copies.look(rows, 150)


def test_in_a_break_the_one_after_is_meant(make_clip: MakeClip) -> None:
    rows = segment_copies.of(make_long(make_clip, segment_spans=[[0.0, 60.0], [500.0, 560.0]]))

    assert [segment_copies.at(rows, second).number for second in (0, 59, 300, 500, 999)] == [
        *(1, 1, 2, 2, 2)
    ]


# How long it takes


def test_how_long_it_takes_is_known_from_those_that_are_made(clip: Clip, made: list[float]) -> None:
    first, *_ = segment_copies.of(clip)
    assert segment_copies.seconds_left(segment_copies.of(clip), first) is None

    copies.make_next(worker="one")
    SegmentCopy.objects.filter(number=1).update(seconds_making=20)
    rows = segment_copies.of(clip)
    assert segment_copies.seconds_left(rows, rows[3]) == pytest.approx(20)

    since = timezone.now() - timedelta(seconds=5)
    SegmentCopy.objects.filter(number=2).update(status=Status.RUNNING, **claimed(since))
    rows = segment_copies.of(clip)
    assert segment_copies.seconds_left(rows, rows[3]) == pytest.approx(40)
    assert segment_copies.seconds_left(rows, rows[1]) == pytest.approx(15, abs=1)


# What fails


def test_one_that_fails_three_times_is_given_up_and_the_others_are_made(
    clip: Clip, monkeypatch: pytest.MonkeyPatch, user: User, made: list[float]
) -> None:
    write = sandbox.copy_span

    def complain(source: Path, target: Path, span: Span, **_: object) -> None:
        if span.start == 120:
            msg = "The stretch is damaged."
            raise Refused(msg)
        write(source, target, span, watch=lambda: None)

    monkeypatch.setattr(sandbox, "copy_span", complain)
    for _ in range(copy_runs.ATTEMPTS):
        make_all()
        SegmentCopy.objects.update(not_before=timezone.now())

    assert states(clip) == [Status.DONE] * 2 + [Status.FAILED] + [Status.DONE] * (MINUTES - 3)
    assert SegmentCopy.objects.get(number=3).error == "The stretch is damaged."
    assert Clip.objects.get().playback == Playback.SEGMENTS

    monkeypatch.setattr(sandbox, "copy_span", write)
    copies.ask(clip, user=user)
    make_all()
    assert set(states(clip)) == {Status.DONE}


def test_one_that_kills_the_process_is_not_tried_for_ever(
    clip: Clip, settings: Settings, made: list[float]
) -> None:
    dead = claimed(timezone.now() - timedelta(hours=1)) | {"attempts": settings.ANALYSIS_ATTEMPTS}
    SegmentCopy.objects.filter(number=1).update(status=Status.RUNNING, **dead)

    make_all()

    assert states(clip) == [Status.FAILED] + [Status.DONE] * (MINUTES - 1)
    assert "stopped 3 times" in SegmentCopy.objects.get(number=1).error


def test_one_that_gives_way_keeps_its_place_and_leaves_no_file(
    clip: Clip, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watched(_source: Path, target: Path, _span: Span, *, watch: Callable[[], None]) -> None:
        target.write_bytes(b"half")
        watch()

    monkeypatch.setattr(sandbox, "copy_span", watched)
    look(clip, 600)

    assert copies.make_next(worker="one", proceed=lambda: False)

    assert set(states(clip)) == {Status.QUEUED}
    assert SegmentCopy.objects.get(number=11).attempts == 0
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


def test_a_worker_that_ends_puts_its_copy_back(clip: Clip) -> None:
    SegmentCopy.objects.filter(number=1).update(status=Status.RUNNING, **claimed(timezone.now()))

    assert copies.put_back(worker="one") == 1

    assert set(states(clip)) == {Status.QUEUED}


def test_no_copy_takes_the_last_room(clip: Clip, settings: Settings, made: list[float]) -> None:
    settings.DISK_FLOOR_BYTES = 2**60

    make_all()

    assert made == []


def test_a_full_disk_is_no_failed_attempt(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_full(*_: object, **__: object) -> None:
        Path("/dev/full").write_bytes(b"copy")

    monkeypatch.setattr(sandbox, "copy_span", run_full)

    assert copies.make_next(worker="one")

    row = SegmentCopy.objects.get(number=1)
    assert (row.status, row.attempts) == (Status.QUEUED, 0)
    assert row.not_before > timezone.now()


# Into the trash, and gone


def test_the_trash_cancels_what_waits_and_restoring_goes_on(
    clip: Clip, make_user: MakeUser, made: list[float]
) -> None:
    boss = make_deleter(make_user)
    copies.make_next(worker="one")

    trash.put(clip, by=boss)
    make_all()
    assert states(clip) == [Status.DONE] + [Status.CANCELLED] * (MINUTES - 1)

    trash.restore(clip, by=boss)
    make_all()
    assert set(states(clip)) == {Status.DONE}


def test_a_clip_trashed_while_a_segment_is_copied_leaves_no_file_of_it(
    clip: Clip, make_user: MakeUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = make_deleter(make_user)

    def write_while_it_is_trashed(_source: Path, target: Path, *_: object, **__: object) -> None:
        trash.put(clip, by=boss)
        target.write_bytes(b"copy")

    monkeypatch.setattr(sandbox, "copy_span", write_while_it_is_trashed)

    copies.make_next(worker="one")

    assert set(states(clip)) == {Status.CANCELLED}
    assert not [each for each in stored(settings) if "playable" in each.parts]


def stored(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_a_purge_takes_the_copies_along(
    clip: Clip,
    make_user: MakeUser,
    made: list[float],
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    boss = make_deleter(make_user)
    make_all()
    assert len(stored(settings)) == MINUTES + 1

    with django_capture_on_commit_callbacks(execute=True):
        trash.put(clip, by=boss)
        trash.purge(clip, by=boss)

    assert stored(settings) == []


def test_a_sweep_knows_them_and_misses_one_that_is_gone(
    clip: Clip, made: list[float], settings: Settings
) -> None:
    make_all()
    old = time.time() - 2 * files.GRACE.total_seconds()
    for path in stored(settings):
        os.utime(path, (old, old))

    assert files.sweep() == files.Swept(left=(), removed=0, missing=())

    Path(segment_copies.of(clip)[4].file.path).unlink()
    assert files.sweep().missing == (clip.pk,)


def test_each_segment_is_copied_once(clip: Clip) -> None:
    with pytest.raises(IntegrityError, match=r"segmentcopy_one_of_each_segment|UNIQUE"):
        SegmentCopy.objects.create(clip=clip, number=1, start=0, end=60)
