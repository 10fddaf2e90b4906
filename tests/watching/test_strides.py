"""A stride is scored by what scores clips, and so has the same scores."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests.conftest import FakePredictor, followed
from tests.makers import footage, streams, videos
from tests.watching.recordings import FileExcerpt, write
from video_classifier.ml.contracts import Box, ClipSpec, Region, Span, Track, WindowScore
from video_classifier.ml.serving import loading
from video_classifier.services import catalog
from video_classifier.services.errors import Refused
from video_classifier.watching import remuxing, strides
from video_classifier.watching.ring import Excerpt

MOVING = ClipSpec(view=Region.PERSON, rate=8.0)
SPREAD = ClipSpec()
SQUARE = [[0.0, 0.5], [0.5, 0.5], [0.5, 1.0], [0.0, 1.0]]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return videos.write(tmp_path / "till.mp4", 20)


# What is looked at


def test_a_model_with_a_rate_looks_at_what_came_since_the_last_time() -> None:
    reach = strides.reach(MOVING, since=10.0, newest=12.5)

    assert reach == 4.5  # with the lead
    assert strides.span(MOVING, start=7.0, end=12.5, since=10.0) == Span(3.0)


def test_what_is_older_than_ten_seconds_is_not_caught_up_with() -> None:
    assert strides.reach(MOVING, since=10.0, newest=100.0) == 12.0
    assert strides.span(MOVING, start=86.0, end=100.0, since=10.0) == Span(4.0)


def test_other_models_look_at_the_last_ten_seconds() -> None:
    assert strides.reach(SPREAD, since=29.0, newest=30.0) == 10.0
    assert strides.span(SPREAD, start=18.0, end=30.0, since=29.0) == Span(2.0)
    assert strides.span(SPREAD, start=0.0, end=4.0, since=3.0) == Span(0.0)


@given(
    start=st.floats(0, 1e6),
    length=st.floats(0.1, 100),
    ago=st.floats(-5, 100),
    spec=st.sampled_from([MOVING, SPREAD]),
)
def test_a_span_begins_in_its_file(start: float, length: float, ago: float, spec: ClipSpec) -> None:
    end = start + length

    found = strides.span(spec, start=start, end=end, since=end - ago)

    assert 0 <= found.start < end - start


# Scoring


def test_times_are_kept_apart_those_of_the_file_and_those_of_the_stretch(clip: Path) -> None:
    predictor = FakePredictor(tracks=(followed(0.75),))
    excerpt = FileExcerpt(path=clip, stretch=3, start=100.0, end=108.0)

    scored = strides.score(excerpt, Span(5.0), predictor, camera=7, write=write)

    assert (scored.camera, scored.stretch, scored.until) == (7, 3, 108.0)
    assert scored.followed_from == 103.0  # the lead before it is looked at, too
    assert scored.outcome.tracks[0].windows[0].start == 5.0


def test_the_file_is_gone_afterwards_even_if_it_can_not_be_analyzed(
    clip: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strides, "IN_MEMORY", tmp_path / "missing")
    excerpt = FileExcerpt(path=clip, end=2.0)

    with pytest.raises(Refused):
        strides.score(excerpt, Span(), FakePredictor(error=Refused("No.")), camera=1, write=write)

    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


def test_without_room_in_memory_the_file_lies_beside_uploads(
    clip: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strides, "ROOM", 2**62)
    places: list[Path] = []

    def noting(excerpt: FileExcerpt, target: Path) -> None:
        places.append(target)
        write(excerpt, target)

    strides.score(FileExcerpt(path=clip, end=2.0), Span(), FakePredictor(), camera=1, write=noting)

    assert Path(settings.FILE_UPLOAD_TEMP_DIR) in places[0].parents


# Ignored zones


def scored(*windows: tuple[float, float]) -> list[WindowScore]:
    return [WindowScore(start=start, end=end, score=0.5) for start, end in windows]


def walker() -> Track:
    """From left to right in ten seconds, with the feet at the bottom."""
    return Track(
        times=(0.0, 10.0),
        boxes=tuple(Box(left=left, top=0.2, right=left + 0.1, bottom=0.9) for left in (0.0, 0.9)),
    )


def test_windows_in_whose_middle_the_feet_are_in_a_zone_do_not_count() -> None:
    windows = scored((0, 2), (4, 6), (7, 9))

    assert strides.outside(windows, walker(), [SQUARE]) == tuple(windows[2:])
    assert strides.outside(windows, walker(), []) == tuple(windows)


def test_a_zone_of_less_than_three_points_contains_nobody() -> None:
    windows = scored((0, 2))

    assert strides.outside(windows, walker(), [[[0.1, 0.9]], []]) == tuple(windows)


def test_a_zone_of_thousands_of_points_is_a_zone() -> None:
    steps = [0.5 * step / 1250 for step in range(1250)]
    around = [
        *([x, 0.5] for x in steps),
        *([0.5, 0.5 + y] for y in steps),
        *([0.5 - x, 1.0] for x in steps),
        *([0.0, 1.0 - y] for y in steps),
    ]

    assert len(around) == 5000
    assert strides.outside(scored((0, 2), (7, 9)), walker(), [around]) == tuple(scored((7, 9)))


# As clips are scored


@pytest.mark.footage
def test_the_file_of_a_live_window_analyzed_again_has_the_same_scores(
    tmp_path: Path, settings: Settings
) -> None:
    """Packets of the ring, remuxed and scored by the child; then the file on its own."""
    recording = footage.FOOTAGE / "mnnit" / "shoplifters" / "shoplifting_001.mp4"
    footage.require(recording)
    settings.MODELS_STORAGE = footage.ROOT / "models_storage"
    settings.PERSON_DETECTOR = settings.MODELS_STORAGE / "person_detector"
    predictor = catalog.load("i3d_person")
    spec, kept = predictor.card.spec, tmp_path / "stride.mp4"
    ring = streams.ring_of(recording)
    newest = ring.newest(0.0)
    assert newest is not None
    since = newest.end - 4
    excerpt = ring.newest(strides.reach(spec, since=since, newest=newest.end))
    assert excerpt is not None
    span = strides.span(spec, start=excerpt.start, end=excerpt.end, since=since)

    def keeping(found: Excerpt, target: Path) -> None:
        remuxing.write(found, target)
        shutil.copyfile(target, kept)

    live = strides.score(excerpt, span, predictor, camera=1, write=keeping).outcome
    again = loading.load(
        settings.MODELS_STORAGE / "i3d_person", detector=settings.PERSON_DETECTOR
    ).analyze(kept, span=span)

    assert live.tracks
    assert len(live.tracks) == len(again.tracks)
    for one, other in zip(live.tracks, again.tracks, strict=True):
        assert [replace(each, score=0, light=None) for each in one.windows] == [
            replace(each, score=0, light=None) for each in other.windows
        ]
        assert [each.score for each in one.windows] == pytest.approx(
            [each.score for each in other.windows], abs=1e-5
        )


def test_what_killed_watchers_left_in_memory_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strides, "IN_MEMORY", tmp_path)
    old, new, others = (tmp_path / name for name in ("shoplift-old", "shoplift-new", "other"))
    for each in (old, new, others):
        each.mkdir()
        (each / "stride.mp4").touch()
    (tmp_path / "shoplift-link").symlink_to(others)
    for each in (old, others):
        os.utime(each, (0, 0))

    assert strides.sweep() == 1

    assert {each.name for each in tmp_path.iterdir()} == {"shoplift-new", "other", "shoplift-link"}
    assert (others / "stride.mp4").exists()
