"""A clip is what its content says; what can't be analyzed is refused with a sentence."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests import videos
from tests.ml.conftest import Clips
from video_classifier.ml import probe
from video_classifier.ml.clip import ClipError


@pytest.mark.parametrize(
    ("name", "container", "codec"),
    [
        ("h264.mp4", "mp4", "h264"),
        ("h264.mov", "mov", "h264"),
        ("h264.mkv", "mkv", "h264"),
        ("h264.ts", "ts", "h264"),
        ("h264.avi", "avi", "h264"),
        ("hevc.mp4", "mp4", "hevc"),
        ("vp8.webm", "webm", "vp8"),
        ("vp9.webm", "webm", "vp9"),
        ("av1.mp4", "mp4", "av1"),
        ("mjpeg.avi", "avi", "mjpeg"),
    ],
)
def test_container_and_codec_are_read_from_the_content(
    clips: Clips, tmp_path: Path, name: str, container: str, codec: str
) -> None:
    misnamed = tmp_path / "clip.jpg"
    misnamed.write_bytes(clips(name).read_bytes())

    facts = probe.facts(misnamed)

    assert (facts.container, facts.codec) == (container, codec)


@pytest.mark.parametrize("name", videos.WHOLE)
def test_size_and_length_are_those_shown(clips: Clips, name: str) -> None:
    clip = clips(name)

    facts = probe.facts(clip)

    assert (facts.width, facts.height) == ((67, 49) if name == "odd.mp4" else (64, 48))
    assert facts.duration > 0
    assert facts.size_bytes == clip.stat().st_size


def test_frame_rate_and_duration_come_from_the_header(clips: Clips) -> None:
    facts = probe.facts(clips("h264.mp4"))

    assert (facts.frame_rate, facts.duration) == (10, 3)


@pytest.mark.parametrize(("name", "degrees"), [("h264.mp4", 0), ("turned.mp4", 90)])
def test_rotation_is_what_a_player_turns_clockwise(clips: Clips, name: str, degrees: int) -> None:
    assert probe.facts(clips(name)).rotation == degrees


@pytest.mark.parametrize("degrees", [180, 270])
def test_other_rotations_are_read_too(tmp_path: Path, degrees: int) -> None:
    clip = videos.write(tmp_path / "turned.mp4", 1, turned=degrees)

    assert probe.facts(clip).rotation == degrees


def test_a_recording_without_a_length_is_measured(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "live.mkv", muxing={"live": "1"})

    assert probe.facts(clip).duration == pytest.approx(3, abs=0.1)


def test_pixel_format_tells_the_bit_depth(clips: Clips) -> None:
    assert probe.facts(clips("ten_bit.mp4")).pixel_format == "yuv420p10le"


@pytest.mark.parametrize("name", videos.BROKEN)
def test_a_broken_clip_is_refused_with_its_reason(tmp_path: Path, name: str) -> None:
    broken = videos.BROKEN[name]
    clip = broken.make(tmp_path)

    with pytest.raises(ClipError, match=broken.says):
        probe.facts(clip)


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="no longer there"):
        probe.facts(tmp_path / "gone.mp4")


def test_a_name_that_looks_like_an_address_is_only_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    clip = videos.write(tmp_path / "clip.mp4").rename("concat:clip.mp4")

    assert probe.facts(clip).codec == "h264"


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    clip = videos.cover_art(tmp_path / "song.mp4")

    with pytest.raises(ClipError, match="only sound or a still"):
        probe.facts(clip)


def test_pixels_that_are_not_square_do_not_change_the_stored_size(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "wide.mp4", 1, pixel_aspect=Fraction(4, 3))

    assert probe.facts(clip).width == 64


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ((8, 8), "8 by 8 pixels: too small to see anybody"),
        ((640, 8), "too small to see anybody"),
        ((8000, 6400), "more than 50 million pixels"),
    ],
)
def test_pictures_too_small_or_too_large_are_refused(
    tmp_path: Path, size: tuple[int, int], says: str
) -> None:
    clip = videos.write(tmp_path / "clip.avi", 1, codec="mjpeg", size=size)

    with pytest.raises(ClipError, match=says):
        probe.facts(clip)


def test_too_many_pixels_are_counted_where_the_header_tells_them(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "clip.mp4", 1, size=(8000, 6400))

    with pytest.raises(ClipError, match="8000 by 6400 pixels, 51 million in all; at most 50"):
        probe.facts(clip)


def test_fields_and_transfer_are_those_of_the_first_frame(clips: Clips, tmp_path: Path) -> None:
    progressive = probe.facts(clips("h264.mp4"))
    interlaced = probe.facts(videos.interlaced(tmp_path / "clip.mp4"))

    assert (progressive.is_interlaced, progressive.is_hdr) == (False, False)
    assert (interlaced.is_interlaced, interlaced.is_hdr) == (True, False)
