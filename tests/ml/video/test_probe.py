"""A clip is what its content says; what can't be analyzed is refused with a sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.makers import videos
from tests.ml.conftest import Clips
from video_classifier.ml.contracts import ClipError
from video_classifier.ml.video import containers, probe


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
        ("mpeg2.mpg", "mpg", "mpeg2video"),
        ("private.mpg", "mpg", "h264"),
        ("h264.flv", "flv", "h264"),
        ("wmv2.wmv", "asf", "wmv2"),
        ("raw.h264", "h264", "h264"),
        ("raw.hevc", "hevc", "hevc"),
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


@pytest.mark.parametrize("name", ["h264.mp4", "raw.h264", "raw.hevc"])
def test_frame_rate_and_duration_come_from_the_header(clips: Clips, name: str) -> None:
    facts = probe.facts(clips(name))

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


# Read from FFmpeg's sources: none of these opens another file or address than the one it is given.
SELF_CONTAINED = {"mov", "avi", "matroska", "mpegts", "mpeg", "flv", "asf", "h264", "hevc"}


def test_only_formats_are_read_that_hold_their_pictures_themselves() -> None:
    assert set(containers.READ) <= SELF_CONTAINED


@pytest.mark.parametrize("suffix", ["mp4", "ts", "flv", "h264", "mpg"])
@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3.0,\n{other}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{other}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        '<?xml version="1.0"?><MPD><Period><BaseURL>{other}</BaseURL></Period></MPD>',
        "[Reference]\nRef1=http://127.0.0.1:9/{other}\n",
    ],
)
def test_a_list_of_others_is_refused_whatever_it_is_called(
    tmp_path: Path, suffix: str, content: str
) -> None:
    other = videos.write(tmp_path / "other.ts")
    listing = videos.text(tmp_path / f"list.{suffix}", content.format(other=other.name))

    with pytest.raises(ClipError, match="not a video"):
        probe.facts(listing)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"PK\x03\x04", "a ZIP archive. Unpack it"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture, not a video"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a sound recording"),
        (b"OggS\0\x02", "an Ogg file. Convert it with “ffmpeg -i IN OUT.mp4”"),
        (b"DHAV\xfd\0", "a Dahua recording .*ffmpeg -i IN -c copy OUT.mp4"),
        (b"\0\0\x01\xb3\x28\x01\xe0", "a raw MPEG video .* -c copy OUT.mp4"),
        (b"\x1a\x45\xdf\xa3", "an MKV or WebM file that can't be read. It is damaged"),
        (b"\0\0\0\x18stypmsdh", "a piece of a live stream .*cat INIT PIECE > OUT.mp4"),
        (b"\0\0\0\x64moof", "a piece of a live stream"),
        (bytes(range(40, 80)) + b"\0\0\0\x20ftypisom", "an MP4 behind 40 private bytes"),
        (b"\x9c\xe1\xf0", "not a video that can be read here. .*ffmpeg -i IN -c copy OUT.mp4"),
    ],
)
def test_a_refusal_says_what_was_found_and_what_to_do(
    tmp_path: Path, head: bytes, says: str
) -> None:
    file = tmp_path / "export.mp4"
    file.write_bytes(head + np.random.default_rng(3).bytes(6000))

    with pytest.raises(ClipError, match=says):
        probe.facts(file)


def test_facts_are_those_of_the_video_that_moves(clips: Clips, tmp_path: Path) -> None:
    still = videos.write(tmp_path / "still.mp4", 1, size=(128, 96))
    clip = videos.side_by_side(tmp_path / "both.mov", still, clips("long_gop.mp4"))

    facts = probe.facts(clip)

    assert facts.width == 64
    assert facts.duration == pytest.approx(12, abs=0.1)
    assert not facts.keeps_time  # players show the first video


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_says_when_the_file_says_it_was_recorded(tmp_path: Path, ending: str) -> None:
    made = tmp_path / f"clip.{ending}"
    with av.open(str(made), "w") as container:
        container.metadata["creation_time"] = "2026-11-26T13:30:00.000000Z"
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())

    assert probe.facts(made).created == datetime(2026, 11, 26, 13, 30, tzinfo=UTC).timestamp()
    assert probe.facts(videos.write(tmp_path / "none.mp4", 5)).created is None
