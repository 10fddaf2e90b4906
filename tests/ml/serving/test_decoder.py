"""Pictures that a child decodes arrive as they would have in this process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.makers import crowd, videos
from tests.makers.crowd import Spotter, standing
from video_classifier.ml.contracts import ClipSpec, Image, Region
from video_classifier.ml.isolation.children import Meanwhile
from video_classifier.ml.serving import decoder
from video_classifier.ml.serving.decoder import IN_PROCESS, InChild, Reach


@pytest.fixture
def in_child() -> Iterator[InChild]:
    found = InChild()
    yield found
    found.kill()


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_child_finds_what_is_found_here(
    in_child: InChild, tmp_path: Path, *, is_damaged: bool
) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", standing(0.4), seconds=8)
    if is_damaged:
        clip = videos.zeroed(clip, 0.3, 0.6)
    detector = Spotter()

    here = IN_PROCESS.open(clip).detect_frames(detector.detect, height=96, width=128)
    there = in_child.open(clip).detect_frames(detector.detect, height=96, width=128)

    assert there[0] == here[0]
    for one, other in zip(there[1], here[1], strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is given back")
def test_a_clip_leaves_memory_with_its_last_window(in_child: InChild, tmp_path: Path) -> None:
    """Its pictures are kept until then, and what was freed is kept for the next ones."""
    clip = crowd.write(tmp_path / "clip.mp4", standing(0.4), seconds=20, size=(640, 480))
    opened = in_child.open(clip)
    opened.detect_frames(lambda _: None, height=96, width=128)
    assert in_child._child is not None
    child = psutil.Process(in_child._child.pid)
    before = child.memory_info().rss

    opened.take_windows((), ClipSpec(view=Region.PERSON), lambda _: None, preview_width=None)

    assert before - child.memory_info().rss > 20e6


def test_after_damage_only_the_pictures_that_come_again_count() -> None:
    """Those before may be of other places, or of one that comes again later."""

    def call(*_: object, meanwhile: Meanwhile, **__: Any) -> object:
        for place, shade in ((4, 1), (8, 2), (9, 3), (0, 4), (4, 5), (8, 6)):
            meanwhile.on_part((place, np.full((1, 1, 3), shade, np.uint8)))
        return (0.0, 0.5, 1.0), (0, 4, 8)

    def shade(image: Image) -> int:
        return int(image[0, 0, 0])

    opened = decoder._OpenedInChild(call)  # type: ignore[arg-type]
    times, shades = opened.detect_frames(shade, height=9, width=9)

    assert times == (0.0, 0.5, 1.0)
    assert shades == (4, 5, 6)


def test_a_clip_elsewhere_gets_a_child_that_may_read_there(
    in_child: InChild, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("one", "other", "made")]
    for folder in folders:
        folder.mkdir()
    first = videos.write(folders[0] / "first.mp4")
    second = videos.write(folders[0] / "second.mp4")
    third = videos.write(folders[1] / "third.mp4")

    pids = []
    for clip in (first, second, third):
        in_child.facts(clip)
        assert in_child._child is not None
        pids.append(in_child._child.pid)
    in_child.copy(third, folders[2] / "copy.mp4")

    assert pids[0] == pids[1] != pids[2]
    assert (folders[2] / "copy.mp4").stat().st_size > 0


def test_a_child_with_the_usual_reach_serves_all_of_it(tmp_path: Path) -> None:
    """But what is made after its start: that has to be asked for."""
    clips, made, later = (tmp_path / name for name in ("clips", "made", "later"))
    clips.mkdir()
    made.mkdir()
    reach = Reach(readable=(clips, later), writable=(made,))
    in_child = InChild(reach=lambda: reach)
    clip = videos.write(clips / "clip.mp4")

    in_child.facts(clip)
    assert in_child._child is not None
    pid = in_child._child.pid
    assert in_child.remux(clip, made / "copy.mp4")
    assert in_child._child.pid == pid
    later.mkdir()
    facts, _ = in_child.facts(videos.write(later / "clip.mp4"))

    assert facts.width == 64
    in_child.kill()
