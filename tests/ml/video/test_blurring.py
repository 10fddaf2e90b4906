"""Pictures and stretches in which nobody can be recognized but one person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests.makers import videos
from video_classifier.ml.contracts import WHOLE, Box, ClipError, Image, Span, Track
from video_classifier.ml.video import blurred_copy, blurring, browser_copy, probe

NOISE = np.random.default_rng(7).integers(0, 256, (240, 320, 3)).astype(np.uint8)
LEFT = Box(left=0.0, top=0.0, right=0.4, bottom=1.0)


def detail(image: Image) -> float:
    """How much neighbors differ."""
    return float(np.abs(np.diff(image.astype(int), axis=1)).mean())


def pictures(path: Path) -> Iterator[Image]:
    with av.open(path) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24").astype(np.uint8)


def test_all_is_blurred_but_the_box() -> None:
    found = blurring.blurred(NOISE, LEFT)

    assert (found[:, :128] == NOISE[:, :128]).all()
    assert detail(found[:, 150:]) < detail(NOISE) / 20


def test_without_a_box_all_is_blurred() -> None:
    found = blurring.blurred(NOISE, None)

    assert found.shape == NOISE.shape
    assert detail(found) < detail(NOISE) / 20


@pytest.mark.parametrize(
    "box",
    [
        Box(left=-0.5, top=-0.5, right=-0.1, bottom=-0.1),
        Box(left=1.1, top=0.0, right=1.5, bottom=1.0),
    ],
)
def test_a_box_beyond_the_edge_leaves_nothing_clear(box: Box) -> None:
    assert detail(blurring.blurred(NOISE, box)) < detail(NOISE) / 20


def test_a_face_that_fills_a_tenth_of_the_picture_is_four_dots() -> None:
    board = np.indices((400, 400)).sum(axis=0) // 10 % 2 * 255
    image = np.repeat(board.astype(np.uint8)[:, :, None], 3, axis=2)

    found = blurring.blurred(image, None)

    assert int(found.max()) - int(found.min()) < 40  # hardly anything is left of stripes of a dot


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_a_stretch_is_copied_blurred_beside_the_track(tmp_path: Path, name: str) -> None:
    clip = videos.write(tmp_path / name, 60, size=(320, 240))
    track = Track(times=(2.0, 3.0), boxes=(LEFT, LEFT))

    blurred_copy.make(clip, tmp_path / "blurred.mp4", Span(1.5, 4.0), track)

    facts = probe.facts(tmp_path / "blurred.mp4")
    assert browser_copy.is_playable(facts)
    assert (facts.width, facts.height) == (320, 240)
    assert facts.duration == pytest.approx(2.5, abs=0.11)
    # Of the bars only the two on the left are as sharp as they were, while the track is in view.
    before, during = (list(pictures(tmp_path / "blurred.mp4"))[at] for at in (0, 10))
    sharp = videos.picture(25, width=320, height=240)
    assert detail(during[:, :120]) == pytest.approx(detail(sharp[:, :120]), abs=1.5)
    assert np.abs(np.diff(before.astype(int), axis=1)).max() < 80


def test_a_whole_clip_is_copied(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "clip.mp4", 20)

    blurred_copy.make(clip, tmp_path / "blurred.mp4", WHOLE, None)

    assert len(list(pictures(tmp_path / "blurred.mp4"))) == 20


def test_turned_pictures_are_upright_before_the_box_is_looked_for(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "clip.mp4", 20, size=(320, 240), turned=90)

    all_of_it = Box(left=0.0, top=0.0, right=1.0, bottom=1.0)
    track = Track(times=(0.0, 2.0), boxes=(all_of_it, all_of_it))

    blurred_copy.make(clip, tmp_path / "blurred.mp4", WHOLE, track)

    found = [videos.number_of(picture) for picture in pictures(tmp_path / "blurred.mp4")]
    assert found == list(range(20))


def test_sides_of_odd_lengths_are_made_even(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "clip.mkv", 10, size=(65, 47), pixels="yuv444p")

    blurred_copy.make(clip, tmp_path / "blurred.mp4", WHOLE, None)

    assert next(pictures(tmp_path / "blurred.mp4")).shape == (48, 66, 3)


def test_what_is_no_video_leaves_nothing(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"no video")

    with pytest.raises(ClipError):
        blurred_copy.make(clip, tmp_path / "blurred.mp4", WHOLE, None)

    assert list(tmp_path.iterdir()) == [clip]
