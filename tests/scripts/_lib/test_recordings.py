"""Recordings are made of a clip: an empty room, somebody now and then, and as long as wanted."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from scripts._lib import recordings
from scripts._lib.recordings import Kind
from tests.makers import crowd, videos
from tests.makers.crowd import ROOM, SKIN, walking
from video_classifier.ml.contracts import ClipError, Image


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "WIDTH", 320)
    monkeypatch.setattr(recordings, "HEIGHT", 120)
    monkeypatch.setattr(recordings, "RATE", 5)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return crowd.write(tmp_path / "clip.mp4", walking(0.1, speed=0.07), seconds=10)


def pictures(path: Path) -> list[Image]:
    with av.open(path) as container:
        found = (frame.to_ndarray(format="gray") for frame in container.decode(video=0))
        return [image.astype(np.uint8) for image in found]


def pale(image: Image) -> int:
    """How many columns show somebody."""
    return int((image.max(axis=0) > (ROOM + SKIN) / 2).sum())


def test_two_people_come_for_a_third_of_the_time(clip: Path, tmp_path: Path) -> None:
    made = recordings.write(tmp_path / "made.mp4", clip, Kind(with_people=True), seconds=60)

    found = pictures(made)
    assert len(found) == 60 * 5
    assert found[0].shape == (120, 320)
    left, right = ([pale(image[:, part]) for image in found] for part in np.s_[:160, 160:])
    shown = [
        number // 5
        for number, (one, two) in enumerate(zip(left, right, strict=True))
        if one and two
    ]
    assert set(shown) == {*range(20, 30), *range(50, 60)}


def test_without_people_the_room_is_left(clip: Path, tmp_path: Path) -> None:
    made = recordings.write(tmp_path / "made.mp4", clip, Kind(with_people=False), seconds=4)

    assert not any(map(pale, pictures(made)))


@pytest.mark.parametrize("b_frames", [0, 2])
def test_there_are_b_frames_if_they_are_wanted(clip: Path, tmp_path: Path, b_frames: int) -> None:
    kind = Kind(with_people=True, b_frames=b_frames)
    made = recordings.write(tmp_path / "made.mp4", clip, kind, seconds=4)

    with av.open(made) as container:
        assert bool(container.streams.video[0].codec_context.has_b_frames) == bool(b_frames)


@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_recording_is_made_longer_by_its_packets(
    clip: Path, tmp_path: Path, b_frames: int
) -> None:
    kind = Kind(with_people=True, b_frames=b_frames)
    once = recordings.write(tmp_path / "once.mp4", clip, kind, seconds=8)

    long = recordings.lengthen(once, tmp_path / "long.mp4", times=3)

    found, expected = pictures(long), pictures(once)
    assert len(found) == 3 * len(expected)
    for number, image in enumerate(found):
        np.testing.assert_array_equal(image, expected[number % len(expected)])
    with av.open(long) as container:
        times = [frame.time or 0.0 for frame in container.decode(video=0)]
    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([0.2] * 119)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="not a video"):
        recordings.write(
            tmp_path / "made.mp4",
            videos.text(tmp_path / "notes.mp4", "buy milk"),
            Kind(with_people=False),
            seconds=1,
        )
