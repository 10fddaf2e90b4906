"""Copies for browsers show the same pictures at the same times, and are whole or not there."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorTrc

from tests.makers import videos
from tests.ml.conftest import Clips
from video_classifier.ml.contracts import ClipError, ClipSpec, Image, Sample
from video_classifier.ml.video import browser_copy, packets, probe, sampling
from video_classifier.ml.video.scaling import Scaler
from video_classifier.ml.video.timeline import JUMP

SPEC = ClipSpec(frames=16, height=48, width=64)
PLAYED = {
    *("h264.mp4", "long_gop.mp4", "open_gop.mp4", "faststart.mp4"),
    *("h264.mov", "vp8.webm", "alt_ref.webm", "vp9.webm", "av1.mp4", "uneven.mp4", "sound.mp4"),
    *("turned.mp4", "mirrored.mp4", "one_frame.mp4", "few_frames.mp4"),
}


def shows(sample: Sample) -> list[int]:
    return [videos.number_of(image) for image in sample.images]


@pytest.mark.parametrize("name", videos.WHOLE)
def test_browsers_play_the_usual_codecs_in_their_containers(clips: Clips, name: str) -> None:
    assert browser_copy.is_playable(probe.facts(clips(name))) == (name in PLAYED)


@pytest.mark.parametrize("name", videos.WHOLE)
def test_a_copy_is_playable_and_shows_the_same(clips: Clips, tmp_path: Path, name: str) -> None:
    target = tmp_path / "copy.mp4"

    browser_copy.make(clips(name), target)

    original = sampling.sample(clips(name), SPEC)
    # Containers differ in how long the last picture of an uneven clip stays.
    copy = sampling.sample(target, SPEC, end=original.length)
    assert browser_copy.is_playable(probe.facts(target))
    assert shows(copy) == shows(original)
    assert np.abs(copy.images.astype(int) - original.images).mean() < 6
    assert copy.times == pytest.approx(original.times, abs=0.002)


def test_pictures_are_copied_where_browsers_know_their_codec(clips: Clips, tmp_path: Path) -> None:
    target = tmp_path / "copy.mp4"

    browser_copy.make(clips("h264.mkv"), target)

    assert (
        sampling.sample(target, SPEC).images == sampling.sample(clips("h264.mkv"), SPEC).images
    ).all()


def test_sound_is_dropped(clips: Clips, tmp_path: Path) -> None:
    target = tmp_path / "copy.mp4"

    browser_copy.make(clips("sound.mkv"), target)

    with av.open(target) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_the_index_comes_first(clips: Clips, tmp_path: Path) -> None:
    target = tmp_path / "copy.mp4"

    browser_copy.make(clips("h264.ts"), target)

    content = target.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_wide_pictures_shrink_to_an_even_size(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "wide.avi", 2, codec="mjpeg", size=(1922, 1081))

    browser_copy.make(clip, tmp_path / "copy.mp4")

    facts = probe.facts(tmp_path / "copy.mp4")
    assert (facts.width, facts.height) == (1280, 720)


def test_rotation_is_kept_when_encoding(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "turned.mp4", codec="mpeg4", turned=90)

    browser_copy.make(clip, tmp_path / "copy.mp4")

    facts = probe.facts(tmp_path / "copy.mp4")
    assert (facts.codec, facts.rotation) == ("h264", 90)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_clip_that_is_cut_off_is_copied_as_far_as_it_goes(tmp_path: Path, codec: str) -> None:
    clip = videos.cut(videos.write(tmp_path / "cut.mkv", 120, codec=codec), 0.6)

    browser_copy.make(clip, tmp_path / "copy.mp4")

    original = sampling.sample(clip, SPEC)
    assert sampling.sample(tmp_path / "copy.mp4", SPEC).length == pytest.approx(
        original.length, abs=0.11
    )


@pytest.mark.parametrize("name", videos.BROKEN)
def test_no_copy_is_left_of_a_broken_clip(tmp_path: Path, name: str) -> None:
    broken = videos.BROKEN[name]
    clip = broken.make(tmp_path)
    before = set(tmp_path.iterdir())

    with pytest.raises(ClipError, match=broken.says):
        browser_copy.make(clip, tmp_path / "copy.mp4")

    assert set(tmp_path.iterdir()) == before


def test_a_copy_that_cannot_be_written_is_a_clear_failure(clips: Clips, tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="No copy of the clip could be made"):
        browser_copy.make(clips("h264.ts"), tmp_path / "missing" / "copy.mp4")


def test_nothing_is_left_of_a_copy_that_cannot_take_its_place(clips: Clips, tmp_path: Path) -> None:
    target = tmp_path / "copy.mp4"
    target.mkdir()

    with pytest.raises(OSError, match=r"copy\.mp4"):
        browser_copy.make(clips("h264.ts"), target)

    assert list(tmp_path.iterdir()) == [target]


def test_uneven_times_are_kept_when_encoding(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "uneven.mkv", codec="mpeg4", shown_at=videos.UNEVEN)

    browser_copy.make(clip, tmp_path / "copy.mp4")

    original = sampling.sample(clip, SPEC)
    copy = sampling.sample(tmp_path / "copy.mp4", SPEC, end=original.length)
    assert copy.times == pytest.approx(original.times, abs=0.002)


def test_the_encoder_chooses_its_own_keyframes(clips: Clips, tmp_path: Path) -> None:
    browser_copy.make(clips("mjpeg.avi"), tmp_path / "copy.mp4")

    with av.open(tmp_path / "copy.mp4") as container:
        assert sum(packet.is_keyframe for packet in container.demux() if packet.size) < 5


def test_what_cannot_be_copied_is_encoded(clips: Clips, tmp_path: Path) -> None:
    clip = tmp_path / "joined.ts"
    clip.write_bytes(clips("h264.ts").read_bytes() * 2)

    browser_copy.make(clip, tmp_path / "copy.mp4")

    assert sampling.sample(tmp_path / "copy.mp4", SPEC).length == pytest.approx(6, abs=0.5)


def test_half_a_packet_is_not_copied(tmp_path: Path) -> None:
    clip = videos.cut(videos.indexed_first(tmp_path / "cut.mp4", 120), 0.6)

    browser_copy.make(clip, tmp_path / "copy.mp4")

    with av.open(tmp_path / "copy.mp4") as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        assert all(not frame.is_corrupt for frame in container.decode(video=0))


@pytest.mark.parametrize("codec", videos.INTERLACED)
def test_a_copy_of_an_interlaced_clip_has_no_combs(tmp_path: Path, codec: str) -> None:
    clip = videos.interlaced(tmp_path / "clip.mp4", codec=codec)
    target = tmp_path / "copy.mp4"

    browser_copy.make(clip, target)

    shown = decoded(target)
    assert not browser_copy.is_playable(probe.facts(clip))
    assert browser_copy.is_playable(probe.facts(target))
    assert len(shown) == 12
    assert max(videos.combs(image) for image in shown) < 4


def test_a_copy_of_an_hdr_clip_is_for_ordinary_screens(tmp_path: Path) -> None:
    gray = VideoFrame.from_ndarray(np.full((96, 160, 3), 0.3532 * 65535, np.uint16), "gbrp16le")
    clip = videos.write_images(
        tmp_path / "hdr.mp4",
        [gray] * 3,
        codec="libx265",
        pixels="yuv420p10le",
        options=videos.QUIET_X265,
        curve=ColorTrc.SMPTE2084,
    )
    target = tmp_path / "copy.mp4"

    browser_copy.make(clip, target)

    facts = probe.facts(target)
    assert (probe.facts(clip).is_hdr, facts.is_hdr) == (True, False)
    assert facts.pixel_format == "yuv420p"
    assert decoded(target)[0].mean() == pytest.approx(128, abs=3)  # 19.1 of 100 cd/m²


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_a_part_of_another_shape_is_shown_whole_in_a_copy(tmp_path: Path, codec: str) -> None:
    """White pictures, 4 to 3 and then 2 to 1, which leaves bars above and below."""
    white = np.full((72, 144, 3), 235, np.uint8)
    parts = [
        videos.write_images(tmp_path / name, [VideoFrame.from_ndarray(image)] * 20, codec=codec)
        for name, image in (("a.ts", white[:, :96]), ("b.ts", white))
    ]
    target = tmp_path / "copy.mp4"

    browser_copy.make(videos.joined(tmp_path / "joined.ts", *parts), target)

    shown = decoded(target)
    assert {image.shape for image in shown} == {(72, 96, 3)}
    assert shown[0].min() > 200
    assert shown[-1][:10].max() < 40
    assert shown[-1][-10:].max() < 40
    assert shown[-1][16:-16].min() > 200


def test_pixels_of_an_impossible_shape_are_square_in_a_copy(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "odd.ts", pixel_aspect=Fraction(1, 20))

    browser_copy.make(clip, tmp_path / "copy.mp4")

    with av.open(tmp_path / "copy.mp4") as container:
        assert (container.streams.video[0].sample_aspect_ratio or 1) == 1


def decoded(path: Path) -> list[Image]:
    with av.open(path) as container:
        return [videos.rgb(frame) for frame in container.decode(video=0)]


def numbers_in(path: Path) -> list[int]:
    with av.open(path) as container:
        scaler = Scaler(width=64, height=48)
        return [videos.number_of(scaler(frame).image) for frame in container.decode(video=0)]


LATE = {
    "an hour.ts": {"shown_at": [3_600_000 + 33 * n for n in range(60)]},
    "wrapping.ts": {"shown_at": [95_443_000 + 33 * n for n in range(60)]},
    "sound first.mp4": {"shown_at": [2000 + 33 * n for n in range(60)], "sound": 4.0},
    "late.webm": {"shown_at": [2000 + 33 * n for n in range(60)], "codec": "libvpx"},
    "fragments.mp4": {"muxing": {"movflags": "frag_keyframe+empty_moov"}},
    "mpeg4.mkv": {"codec": "mpeg4", "shown_at": [2000 + 33 * n for n in range(60)]},
}


@pytest.mark.parametrize("name", LATE)
def test_a_copy_begins_at_0_with_all_pictures(tmp_path: Path, name: str) -> None:
    clip = videos.write(tmp_path / name, 60, rate=30, **LATE[name])  # type: ignore[arg-type]
    target = tmp_path / "copy.mp4"

    browser_copy.make(clip, target)

    assert not browser_copy.is_playable(probe.facts(clip))
    assert browser_copy.is_playable(probe.facts(target))
    assert numbers_in(target) == list(range(60))
    original = sampling.sample(clip, SPEC)
    assert sampling.sample(target, SPEC, end=original.length).times == pytest.approx(
        original.times, abs=0.002
    )


@pytest.mark.parametrize("name", ["h264.mp4", "h264.ts", "mpeg2.ts", "mpeg4.avi"])
@pytest.mark.parametrize("seconds", [60, 21_000, 22_000, 1_700_000_000])
def test_a_copy_goes_by_the_clips_clock(
    clips: Clips, tmp_path: Path, name: str, seconds: float
) -> None:
    suffix = "ts" if name.endswith("ts") and seconds < 90_000 else "mkv"
    clip = videos.paused(clips(name), tmp_path / f"set.{suffix}", keyframe=1, seconds=seconds)
    sent = len(packets.read(clip).entries)

    browser_copy.make(clip, tmp_path / "copy.mp4")

    assert len(numbers_in(tmp_path / "copy.mp4")) == sent
    assert sampling.sample(tmp_path / "copy.mp4", SPEC).times == pytest.approx(
        sampling.sample(clip, SPEC).times, abs=0.002
    )


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_a_copy_has_room_for_the_longest_pause(tmp_path: Path, codec: str) -> None:
    """An MP4 tells times from picture to picture in 31 bits of ticks, and a TS has 90,000."""
    whole = videos.write(tmp_path / "whole.ts", rate=25, codec=codec)
    clip = videos.paused(whole, tmp_path / "clip.ts", keyframe=1, seconds=JUMP - 1)

    browser_copy.make(clip, tmp_path / "copy.mp4")

    assert numbers_in(tmp_path / "copy.mp4") == list(range(30))
    assert sampling.sample(tmp_path / "copy.mp4", SPEC).times == pytest.approx(
        sampling.sample(clip, SPEC).times, abs=0.002
    )


def test_a_clock_that_is_set_needs_a_copy_and_a_pause_does_not(
    clips: Clips, tmp_path: Path
) -> None:
    whole = clips("vp9.webm")
    pause = videos.paused(whole, tmp_path / "pause.webm", keyframe=1, seconds=600)
    jump = videos.paused(whole, tmp_path / "jump.webm", keyframe=1, seconds=1e9)

    assert browser_copy.is_playable(probe.facts(pause))
    assert not browser_copy.is_playable(probe.facts(jump))


def test_a_beginning_that_does_not_decode_is_not_copied(tmp_path: Path) -> None:
    clip = videos.zeroed(videos.indexed_first(tmp_path / "late.mp4", 120), 0, 0.3)

    browser_copy.make(clip, tmp_path / "copy.mp4")

    assert not browser_copy.is_playable(probe.facts(clip))
    assert sampling.sample(tmp_path / "copy.mp4", SPEC).times == pytest.approx(
        sampling.sample(clip, SPEC).times, abs=0.002
    )


def test_a_copy_is_of_the_video_that_moves(clips: Clips, tmp_path: Path) -> None:
    still = videos.write(tmp_path / "still.mp4", 1)
    clip = videos.side_by_side(tmp_path / "both.mkv", still, clips("h264.mp4"))

    browser_copy.make(clip, tmp_path / "copy.mp4")

    assert numbers_in(tmp_path / "copy.mp4") == list(range(30))
