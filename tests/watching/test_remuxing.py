"""What comes out of a file that was written from a ring is what the camera sent, bit by bit."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import av
import pytest

from tests.makers import videos
from tests.makers.streams import decoded, facts_of, packets_of, ring_of, same
from tests.makers.videos import QUIET_X265, number_of
from video_classifier.ml.video import probe
from video_classifier.watching import remuxing, sources
from video_classifier.watching.remuxing import RemuxError

FORMS = {
    "h264": lambda path: videos.write(path, 48, b_frames=3, options={"b-adapt": "0"}),
    "hevc": lambda path: videos.write(path, 48, codec="libx265", options=QUIET_X265),
    "mjpeg": lambda path: videos.write(path.with_suffix(".avi"), 48, codec="mjpeg"),
    "uneven": lambda path: videos.write(path, 30, shown_at=videos.UNEVEN[:30]),
    "sound": lambda path: videos.write(path, 48, sound=5.0),
}


@pytest.mark.parametrize("form", FORMS)
def test_pictures_are_those_of_the_source(tmp_path: Path, form: str) -> None:
    source = FORMS[form](tmp_path / "source.mp4")
    excerpt = ring_of(source).newest(1000)
    assert excerpt is not None
    target = tmp_path / f"target{remuxing.suffix(excerpt.facts)}"

    remuxing.write(excerpt, target)

    ours, theirs = decoded(target), decoded(source)
    assert same(ours, theirs)
    first = theirs[0][0]
    assert [at for at, _ in ours] == pytest.approx([at - first for at, _ in theirs], abs=0.002)
    with av.open(str(target)) as container:
        assert not container.streams.audio


def test_one_ring_is_cut_twice_with_an_overlap(tmp_path: Path) -> None:
    source = FORMS["h264"](tmp_path / "source.mp4")
    ring, theirs = ring_of(source), decoded(source)

    for name, start, end in (("one", 0.0, 3.0), ("two", 1.3, 4.5), ("again", 0.0, 3.0)):
        excerpt = ring.between(start, end)
        assert excerpt is not None
        remuxing.write(excerpt, tmp_path / f"{name}.mp4")
        ours = decoded(tmp_path / f"{name}.mp4")
        first = round(excerpt.start * 10)
        assert first / 10 <= start
        assert ours[0][0] == 0
        assert number_of(ours[0][1]) == first
        assert same(ours, theirs[first : first + len(ours)])
        assert first + len(ours) > end * 10

    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "again.mp4").read_bytes()


def test_an_open_group_of_pictures_starts_at_its_keyframe(tmp_path: Path) -> None:
    source = videos.WHOLE["open_gop.mp4"](tmp_path)
    excerpt = ring_of(source).newest(1.0)
    assert excerpt is not None

    remuxing.write(excerpt, tmp_path / "target.mp4")

    ours = decoded(tmp_path / "target.mp4")
    assert same(ours, decoded(source)[-len(ours) :])
    assert ours[0][0] == 0
    assert number_of(ours[0][1]) == round(excerpt.start * 10)


@pytest.mark.parametrize("form", ["h264", "hevc"])
def test_sets_that_only_the_description_has_get_into_the_file(tmp_path: Path, form: str) -> None:
    source = FORMS[form](tmp_path / "source.mp4")
    excerpt = ring_of(source).newest(1000)
    assert excerpt is not None
    codec = excerpt.facts.codec
    bare = [
        replace(each, data=sources.packed(_without_sets(codec, each.data)))
        for each in excerpt.packets
    ]
    assert len(bare[0].data) < len(excerpt.packets[0].data)

    remuxing.write(replace(excerpt, packets=tuple(bare)), tmp_path / "target.mp4")

    assert same(decoded(tmp_path / "target.mp4"), decoded(source))


def _without_sets(codec: str, data: bytes) -> list[bytes]:
    units = sources.units(codec, data)
    sets = sources.parameter_sets(codec, units)
    return [unit for unit in units if unit not in sets]


def test_the_file_is_a_clip(tmp_path: Path) -> None:
    excerpt = ring_of(FORMS["mjpeg"](tmp_path / "source.mp4")).newest(1000)
    assert excerpt is not None
    remuxing.write(excerpt, tmp_path / "target.mkv")

    assert probe.facts(tmp_path / "target.mkv").duration == pytest.approx(4.8, abs=0.05)


def test_two_pictures_at_the_same_time_come_one_after_the_other(tmp_path: Path) -> None:
    source = videos.write(tmp_path / "source.mp4", 20, b_frames=0)
    excerpt = ring_of(source).newest(1000)
    assert excerpt is not None
    doubled = [replace(each, pts=each.pts // 18_000 * 18_000) for each in excerpt.packets]

    remuxing.write(replace(excerpt, packets=tuple(doubled)), tmp_path / "target.mp4")

    assert same(decoded(tmp_path / "target.mp4"), decoded(source))


def test_sizes_are_those_of_the_keyframe(tmp_path: Path) -> None:
    source = videos.write(tmp_path / "source.mp4", 10, size=(96, 80))

    facts = facts_of(source, packets_of(source))

    assert (facts.width, facts.height) == (96, 80)


@pytest.mark.parametrize("codec", ["h264", "hevc", "mjpeg"])
def test_a_keyframe_that_is_none_is_told(codec: str) -> None:
    with pytest.raises(RemuxError, match="keyframe"):
        remuxing.size(codec, b"\0\0\0\1nothing of the kind")


def test_nothing_is_not_written(tmp_path: Path) -> None:
    excerpt = ring_of(videos.write(tmp_path / "source.mp4", 10)).newest(10)
    assert excerpt is not None

    with pytest.raises(RemuxError):
        remuxing.write(replace(excerpt, packets=()), tmp_path / "target.mp4")


def test_thousands_of_pictures_at_the_same_two_times_keep_nobody_waiting() -> None:
    began = time.monotonic()

    made = remuxing._rising(iter([0, 1] * 30_000))

    assert made[:4] == [0, 1, 2, 3]
    assert len(set(made)) == 60_000
    assert time.monotonic() - began < 2
