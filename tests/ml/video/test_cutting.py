"""A stretch of a clip, as its packets were."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.makers import videos
from video_classifier.ml.contracts import ClipError
from video_classifier.ml.video import cutting


def payloads(path: Path) -> list[bytes]:
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def numbers(path: Path) -> list[int]:
    with av.open(path) as container:
        return [videos.number_of(videos.rgb(frame)) for frame in container.decode(video=0)]


CONTAINERS = [(container, frames) for container in ("mp4", "mov", "mkv", "ts") for frames in (0, 2)]


@pytest.mark.parametrize(("container", "b_frames"), [*CONTAINERS, ("avi", 0)])
def test_a_cut_has_the_packets_of_its_stretch_byte_by_byte(
    tmp_path: Path, container: str, b_frames: int
) -> None:
    source = videos.write(tmp_path / f"clip.{container}", 60, gop=12, b_frames=b_frames)
    target = tmp_path / f"cut.{container}"

    found = cutting.cut(source, target, container=container, start=2.75, end=3.65)

    shown = numbers(target)
    assert (shown[0], found.suffix) == (24, container)  # ten a second, a keyframe each twelve
    assert shown[-1] - shown[0] == len(shown) - 1
    assert 37 <= shown[-1] <= 40
    assert found.start == pytest.approx(2.4, abs=0.001)
    assert found.end == pytest.approx((shown[-1] + 1) / 10, abs=0.001)
    original, cut = payloads(source), payloads(target)
    first = original.index(cut[0])
    assert original[first : first + len(cut)] == cut


def test_a_cut_of_everything_is_all_of_it(tmp_path: Path) -> None:
    source = videos.write(tmp_path / "clip.mp4", 30)

    found = cutting.cut(source, tmp_path / "cut.mp4", container="mp4", start=0.0, end=99.0)

    assert (found.start, round(found.end, 3)) == (0.0, 3.0)
    assert payloads(tmp_path / "cut.mp4") == payloads(source)


def test_a_cut_begins_at_its_own_0_and_keeps_its_pace(tmp_path: Path) -> None:
    source = videos.write(tmp_path / "clip.mp4", 60)

    cutting.cut(source, tmp_path / "cut.mp4", container="mp4", start=2.5, end=3.0)

    with av.open(tmp_path / "cut.mp4") as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert times == pytest.approx([number / 10 for number in range(len(times))], abs=0.001)


def test_sound_is_left_out(tmp_path: Path) -> None:
    source = videos.write(tmp_path / "clip.mp4", 30, sound=3.0)

    cutting.cut(source, tmp_path / "cut.mp4", container="mp4", start=1.0, end=2.0)

    with av.open(tmp_path / "cut.mp4") as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_a_codec_that_its_container_does_not_hold_goes_into_another(tmp_path: Path) -> None:
    source = videos.write(tmp_path / "clip.mkv", 30, codec="ffv1", gop=1, b_frames=0)

    found = cutting.cut(source, tmp_path / "cut", container="flv", start=1.0, end=2.0)

    assert found.suffix == "mkv"
    assert numbers(tmp_path / "cut") == list(range(10, 22))


def test_without_an_index_the_stretch_is_found_all_the_same(tmp_path: Path) -> None:
    source = videos.write(tmp_path / "clip.ts", 60)

    found = cutting.cut(source, tmp_path / "cut.ts", container="ts", start=4.9, end=5.2)

    assert numbers(tmp_path / "cut.ts")[0] == 48
    assert found.start == pytest.approx(4.8, abs=0.001)


def test_a_clip_without_times_is_not_cut(tmp_path: Path) -> None:
    source = videos.write(tmp_path / "clip.h264", 30)

    with pytest.raises(ClipError, match="does not say when its pictures are shown"):
        cutting.cut(source, tmp_path / "cut", container="h264", start=1.0, end=2.0)

    assert not (tmp_path / "cut").exists()


def test_what_is_no_video_is_not_cut(tmp_path: Path) -> None:
    source = videos.text(tmp_path / "clip.mp4", "words")

    with pytest.raises(ClipError):
        cutting.cut(source, tmp_path / "cut", container="mp4", start=0.0, end=1.0)
