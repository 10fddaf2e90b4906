"""What has broken the reading of pictures before, each as its manifest expects it."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.makers import videos
from tests.makers.footage import FOOTAGE, require
from video_classifier.ml.contracts import ClipError, ClipSpec, Image
from video_classifier.ml.duplicates import fingerprints, search
from video_classifier.ml.video import browser_copy, probe, sampling
from video_classifier.ml.video.reel import open_reel
from video_classifier.ml.video.scaling import FitWithin

SPEC = ClipSpec(frames=16, height=48, width=64)


def clip_that_breaks(name: str) -> Path:
    path = FOOTAGE.parent / "clips_that_break" / name
    require(path)
    return path


def copy_of(clip: Path, target: Path) -> list[Image]:
    browser_copy.make(clip, target)
    with av.open(target) as container:
        return [videos.rgb(frame) for frame in container.decode(video=0)]


def test_d1_to_hd(tmp_path: Path) -> None:
    clip = clip_that_breaks("d1_to_hd.ts")

    shapes = [preview.shape for preview in sampling.sample(clip, SPEC, preview_width=240).previews]
    copy = copy_of(clip, tmp_path / "copy.mp4")

    assert shapes == [(180, 240, 3)] * 8 + [(135, 240, 3)] * 8
    assert copy[-1][:60].max() < 40, "a wide picture leaves bars above and below in a copy of 4:3"


def test_inter_mbaff(tmp_path: Path) -> None:
    clip = clip_that_breaks("inter_mbaff.mp4")
    reel = open_reel(clip, rate=8)
    fit = FitWithin(width=640, height=480, pixel_aspect=reel.pixel_aspect)
    with av.open(clip) as container:
        stored = [videos.rgb(frame) for frame in container.decode(video=0)]

    seen = list(reel.map(lambda _, frame: fit(frame)).values.values())
    copy = copy_of(clip, tmp_path / "copy.mp4")

    combed = max(videos.combs(image) for image in stored)
    assert max(videos.combs(image) for image in seen) < combed / 2
    assert max(videos.combs(image) for image in copy) < combed * 0.8
    assert len(copy) == len(stored)


def test_hdr_pq(tmp_path: Path) -> None:
    """Compared with the ordinary clip that it was made from."""
    clip, original = (
        clip_that_breaks("hdr_pq.mp4"),
        FOOTAGE / "mnnit/shoplifters/shoplifting_001.mp4",
    )
    require(original)
    copy = tmp_path / "copy.mp4"
    browser_copy.make(clip, copy)

    ordinary = sampling.sample(original, SPEC, end=2.0).images

    for path in (clip, copy):
        images = sampling.sample(path, SPEC).images
        assert images.mean() == pytest.approx(ordinary.mean(), abs=4)
        assert images.std() == pytest.approx(ordinary.std(), abs=3)


@pytest.mark.parametrize("name", ["bomb_8192_h264_ref16.mp4", "bomb_8192_png.mkv"])
def test_bomb_8192(name: str) -> None:
    with pytest.raises(ClipError, match="50 million"):
        probe.facts(clip_that_breaks(name))


def test_sar_1_1000() -> None:
    previews = sampling.sample(clip_that_breaks("sar_1_1000.mkv"), SPEC, preview_width=240).previews

    assert {preview.shape for preview in previews} == {(180, 240, 3)}


def test_odd_1x1() -> None:
    with pytest.raises(ClipError, match="too small to see anybody"):
        probe.facts(clip_that_breaks("odd_1x1.mkv"))


@pytest.mark.parametrize(("name", "pictures"), [("ps_named.mp4", 150), ("raw_named.mp4", 90)])
def test_named_mp4(tmp_path: Path, name: str, pictures: int) -> None:
    clip = clip_that_breaks(name)

    facts = probe.facts(clip)
    sample = sampling.sample(clip, SPEC)
    copy = copy_of(clip, tmp_path / "copy.mp4")

    assert facts.duration == pytest.approx(pictures / 30, abs=0.05)
    assert sample.length == pytest.approx(pictures / 30, abs=0.001)
    assert len(copy) == pictures


def test_still_clock30_rooms() -> None:
    names = ("still_clock30_room1.mp4", "still_clock30_room2.mp4")

    found = search.find({name: fingerprints.compute(clip_that_breaks(name)) for name in names})

    assert found.pairs == ()
