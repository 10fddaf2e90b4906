"""Frames are found by the time at which they are on screen, and damage never passes for footage."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from tests.makers import videos
from tests.ml.conftest import Clips
from video_classifier.ml.contracts import ClipError, ClipSpec, Image, Sample
from video_classifier.ml.video import decoding, sampling
from video_classifier.ml.video.scaling import Scaler

SPEC = ClipSpec(frames=16, height=48, width=64)
RATES = {"mpeg2.ts": 25, "mpeg2.mpg": 25}
RAW = {"raw.h264", "raw.hevc"}  # no times at all
UNKNOWN_ORDER = {  # the decoder gives the pictures wrong times, or none
    *("h264.avi", "mpeg4.avi", "h264.asf", "h264.vob", "private.mpg"),
    *RAW,
}


def shown_at(name: str, number: int) -> float:
    """The second at which picture `number` of a clip comes up."""
    if name.startswith("uneven"):
        return videos.UNEVEN[number] / 1000
    return number / RATES.get(name, 10)


def numbers(sample: Sample) -> list[int]:
    return [videos.number_of(image) for image in sample.images]


def everything(path: Path) -> tuple[list[Image], list[Fraction], Fraction]:
    """All pictures of a clip, when each comes up, and the end: slow and obvious."""
    scaler = Scaler(width=SPEC.width, height=SPEC.height)
    with av.open(path) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        decoded = [(f.pts or 0, f.duration, scaler(f).image) for f in container.decode(stream)]
        first, (last, duration, _) = decoded[0][0], decoded[-1]
        times = [(pts - first) * stream.time_base for pts, _, _ in decoded]
        stays = duration or (last - decoded[-2][0])
        return [image for *_, image in decoded], times, (last + stays - first) * stream.time_base


@pytest.mark.parametrize("name", videos.WHOLE)
def test_frames_are_those_on_screen_in_the_middle_of_each_share(clips: Clips, name: str) -> None:
    sample = sampling.sample(clips(name), SPEC)

    for share, (time, number) in enumerate(zip(sample.times, numbers(sample), strict=True)):
        moment = (share + 0.5) * sample.length / SPEC.frames
        assert time == pytest.approx(shown_at(name, number), abs=0.002)
        assert time <= moment + 0.002
        assert time == sample.times[-1] or moment < shown_at(name, number + 1) + 0.002


@pytest.mark.parametrize("name", sorted(set(videos.WHOLE) - UNKNOWN_ORDER))
def test_frames_equal_those_of_decoding_everything(clips: Clips, name: str) -> None:
    images, times, end = everything(clips(name))
    moments = [(2 * share + 1) * end / (2 * SPEC.frames) for share in range(SPEC.frames)]
    picked = [max(n for n, time in enumerate(times) if time <= moment) for moment in moments]

    sample = sampling.sample(clips(name), SPEC)

    assert np.array_equal(sample.images, np.stack([images[number] for number in picked]))
    assert sample.times == tuple(float(times[number]) for number in picked)


@pytest.mark.parametrize("name", sorted(set(videos.WHOLE) - RAW))
def test_intact_clips_bring_no_warning(clips: Clips, name: str) -> None:
    assert sampling.sample(clips(name), SPEC).warnings == ()


@pytest.mark.parametrize("name", sorted(RAW))
def test_times_that_nothing_tells_are_reckoned_and_said_to_be(clips: Clips, name: str) -> None:
    sample = sampling.sample(clips(name), SPEC)

    assert sample.warnings == (
        "The file has no time stamps; times are reckoned at 10 frames a second.",
    )
    assert sample.length == pytest.approx(3)


def test_images_are_bytes_of_the_shape_asked_for(clips: Clips) -> None:
    sample = sampling.sample(clips("h264.mp4"), ClipSpec(frames=3, height=32, width=40))

    assert sample.images.shape == (3, 32, 40, 3)
    assert sample.images.dtype == np.uint8


def test_one_frame_is_given_as_often_as_wanted(clips: Clips) -> None:
    sample = sampling.sample(clips("one_frame.mp4"), SPEC)

    assert numbers(sample) == [0] * 16


def test_few_frames_repeat_in_order(clips: Clips) -> None:
    sample = sampling.sample(clips("few_frames.mp4"), SPEC)

    assert numbers(sample) == [0] * 3 + [1] * 3 + [2] * 4 + [3] * 3 + [4] * 3


@pytest.mark.parametrize("name", ["long_gop.mp4", "open_gop.ts"])
def test_a_stretch_is_sampled_alone(clips: Clips, name: str) -> None:
    sample = sampling.sample(clips(name), ClipSpec(frames=4, height=48, width=64), start=2, end=4)

    assert numbers(sample) == [22, 27, 32, 37]
    assert sample.times == pytest.approx((2.2, 2.7, 3.2, 3.7))


def test_a_stretch_beyond_the_end_stops_there(clips: Clips) -> None:
    sample = sampling.sample(clips("h264.mp4"), ClipSpec(frames=2, height=48, width=64), end=99)

    assert numbers(sample) == [7, 22]


@pytest.mark.parametrize("name", ["turned.mp4", "mirrored.mp4", "odd.mp4"])
def test_previews_are_the_same_pictures_upright(clips: Clips, name: str) -> None:
    sample = sampling.sample(clips(name), SPEC, preview_width=128)

    assert [videos.number_of(preview) for preview in sample.previews] == numbers(sample)
    assert {preview.shape for preview in sample.previews} == {
        (94 if name == "odd.mp4" else 96, 128, 3)
    }


def test_previews_have_the_shape_that_players_show(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "wide.mp4", 1, pixel_aspect=Fraction(4, 3))

    preview = sampling.sample(clip, SPEC, preview_width=128).previews[0]

    assert preview.shape == (72, 128, 3)


def test_no_previews_unless_asked_for(clips: Clips) -> None:
    assert sampling.sample(clips("h264.mp4"), SPEC).previews == ()


@pytest.mark.parametrize("name", videos.BROKEN)
def test_a_broken_clip_is_refused_with_its_reason(tmp_path: Path, name: str) -> None:
    broken = videos.BROKEN[name]
    clip = broken.make(tmp_path)

    with pytest.raises(ClipError, match=broken.says):
        sampling.sample(clip, SPEC)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi"])
def test_a_clip_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path, suffix: str) -> None:
    clip = videos.cut(videos.indexed_first(tmp_path / f"cut.{suffix}", 120), 0.6)

    sample = sampling.sample(clip, SPEC)

    assert 2 < sample.length < 10
    assert sample.warnings == (f"Only the first {sample.length:.1f} s of 12.0 s could be read.",)
    assert [shown_at(suffix, n) for n in numbers(sample)] == pytest.approx(sample.times, abs=0.01)


def test_a_transport_stream_that_is_cut_off_is_as_long_as_what_is_left(tmp_path: Path) -> None:
    clip = videos.cut(videos.write(tmp_path / "cut.ts", 120), 0.6)

    sample = sampling.sample(clip, SPEC)

    assert 2 < sample.length < 10
    assert [n / 10 for n in numbers(sample)] == pytest.approx(sample.times)


def test_a_piece_of_a_live_stream_lacks_nothing(tmp_path: Path) -> None:
    stream = videos.write(
        tmp_path / "stream.mp4",
        120,
        options={"x264-params": "scenecut=0"},
        muxing={"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    )
    piece = videos.from_fragment(stream, 7, tmp_path / "piece.mp4")

    sample = sampling.sample(piece, SPEC)

    assert sample.warnings == ()
    assert sample.length == pytest.approx(3.6)
    assert sample.content
    assert sample.content.share_decoded == 1
    assert set(numbers(sample)) <= set(range(84, 120))


def test_what_does_not_decode_at_the_end_counts_as_cut_off(tmp_path: Path) -> None:
    clip = videos.zeroed(videos.indexed_first(tmp_path / "half.mp4", 120), 0.5)

    sample = sampling.sample(clip, SPEC)

    assert sample.warnings == (f"Only the first {sample.length:.1f} s of 12.0 s could be read.",)
    assert [n / 10 for n in numbers(sample)] == pytest.approx(sample.times)


def test_a_beginning_that_does_not_decode_is_told(tmp_path: Path) -> None:
    clip = videos.zeroed(videos.indexed_first(tmp_path / "late.mp4", 120), 0, 0.3)

    sample = sampling.sample(clip, SPEC)

    missing = 12 - sample.length
    assert sample.warnings == (
        f"The first {missing:.1f} s of the clip could not be read; times count from there.",
    )
    assert [n / 10 - missing for n in numbers(sample)] == pytest.approx(sample.times)


def test_damage_in_the_middle_is_told_and_never_shown(tmp_path: Path) -> None:
    clip = videos.zeroed(videos.indexed_first(tmp_path / "hole.mp4", 120), 0.4, 0.6)

    sample = sampling.sample(clip, SPEC)

    assert sample.length == pytest.approx(12)
    assert len(sample.warnings) == 1
    assert "s within the clip are damaged and could not be read." in sample.warnings[0]
    assert [n / 10 for n in numbers(sample)] == pytest.approx(sample.times)
    assert max(later - earlier for earlier, later in pairwise(sample.times)) > 1


def test_all_pictures_come_at_the_rate_asked_for(clips: Clips) -> None:
    images, times = sampling.read_all(clips("h264.ts"), fps=5, height=48, width=64)

    assert [videos.number_of(image) for image in images] == list(range(0, 30, 2))
    assert times == pytest.approx(np.arange(15) / 5)


def test_pictures_repeat_where_the_clip_has_fewer(clips: Clips) -> None:
    images, times = sampling.read_all(clips("few_frames.mp4"), fps=20, height=48, width=64)

    assert [videos.number_of(image) for image in images] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert times.dtype == np.float64


def test_training_and_serving_scale_alike(clips: Clips) -> None:
    images, times = sampling.read_all(clips("h264.mp4"), fps=10, height=48, width=64)
    sample = sampling.sample(clips("h264.mp4"), SPEC)

    for time, image in zip(sample.times, sample.images, strict=True):
        assert np.array_equal(images[int(np.argmin(np.abs(times - time)))], image)


def test_a_file_that_is_no_video_has_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="not a video"):
        sampling.read_all(videos.text(tmp_path / "a.mp4", "no video"), fps=5, height=48, width=64)


@pytest.mark.fuzz
@pytest.mark.parametrize("name", ["faststart.mp4", "h264.mkv", "h264.ts", "mpeg4.avi", "vp9.webm"])
def test_random_damage_ends_in_pictures_or_in_a_sentence(
    clips: Clips, tmp_path: Path, name: str, seed: int
) -> None:
    clip = tmp_path / name
    clip.write_bytes(videos.garbled(clips(name).read_bytes(), seed=seed))

    try:
        sample = sampling.sample(clip, SPEC, preview_width=64)
    except ClipError as error:
        assert str(error).endswith(".")  # noqa: PT017 (either end is right, only these are)
    except MemoryError:  # FFmpeg wants to make room for what a damaged header claims:
        return  # the child's caller has a sentence for that
    else:
        assert sample.images.shape == SPEC.shape
        assert len(sample.previews) == SPEC.frames
        assert list(sample.times) == sorted(sample.times)


# A picture differs by 20 gray levels from another for each digit of its number, in binary.
DISTINCT = [0, 7, 8, 15, 16, 23, 24]  # of 0 to 29: each by three digits from the one before


@pytest.mark.parametrize("name", ["h264.mp4", "h264.avi", "uneven.mkv"])
def test_frames_like_the_one_before_can_be_left_out(clips: Clips, name: str) -> None:
    spec = ClipSpec(frames=len(DISTINCT), height=48, width=64, min_difference=50)

    assert numbers(sampling.sample(clips(name), spec)) == DISTINCT


def test_frames_are_left_out_within_a_stretch(clips: Clips) -> None:
    spec = ClipSpec(frames=3, height=48, width=64, min_difference=50)

    found = sampling.sample(clips("h264.mp4"), spec, start=0.75, end=1.65)

    assert numbers(found) == [8, 15, 16]
    assert found.times == (0.8, 1.5, 1.6)


def test_a_stretch_without_a_change_is_sampled_all_the_same(clips: Clips) -> None:
    spec = ClipSpec(frames=2, height=48, width=64, min_difference=50)

    assert numbers(sampling.sample(clips("h264.mp4"), spec, start=0.9, end=1.3)) == [10, 12]


def test_slow_changes_add_up() -> None:
    shades = [np.full((4, 4, 3), shade, np.uint8) for shade in range(10, 20)]

    assert sampling.distinct(shades, least=3) == [0, 3, 6, 9]


NEED_ALL = {*UNKNOWN_ORDER, "alt_ref.webm", "open_gop.mp4", "open_gop.ts"}


@pytest.mark.parametrize("name", sorted(set(videos.WHOLE) - NEED_ALL))
def test_intact_clips_need_not_be_decoded_whole(
    clips: Clips, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delattr(decoding, "decode_all")

    assert len(numbers(sampling.sample(clips(name), SPEC))) == SPEC.frames


def test_a_clip_that_starts_within_an_open_group_starts_with_its_keyframe(
    clips: Clips, tmp_path: Path
) -> None:
    clip = videos.from_keyframe(clips("open_gop.ts"), 2, tmp_path / "cut.ts")

    sample = sampling.sample(clip, SPEC)

    first = numbers(sample)[0]
    assert [(n - first) / 10 + sample.times[0] for n in numbers(sample)] == pytest.approx(
        sample.times
    )


def test_what_an_edit_list_cuts_away_is_not_shown(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "edited.mp4", shown_at=[100 * n - 1000 for n in range(30)])

    sample = sampling.sample(clip, SPEC)

    assert min(numbers(sample)) == 10
    assert [n / 10 - 1 for n in numbers(sample)] == pytest.approx(sample.times)


def test_a_clock_that_is_set_back_goes_on(clips: Clips, tmp_path: Path) -> None:
    clip = tmp_path / "joined.ts"
    clip.write_bytes(clips("h264.ts").read_bytes() * 2)

    sample = sampling.sample(clip, SPEC)

    assert sample.length == pytest.approx(6, abs=0.5)
    assert sum(later < earlier for earlier, later in pairwise(numbers(sample))) == 1


def test_lost_packets_of_a_transport_stream_take_what_builds_on_them(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "lossy.ts", 120, size=(320, 240))
    packets = [clip.read_bytes()[at : at + 188] for at in range(0, clip.stat().st_size, 188)]
    clip.write_bytes(b"".join(p for n, p in enumerate(packets) if n % 60 != 30))

    sample = sampling.sample(clip, SPEC)

    first = round(numbers(sample)[0] - sample.times[0] * 10)
    assert [(n - first) / 10 for n in numbers(sample)] == pytest.approx(sample.times)


def test_a_picture_of_which_a_part_is_missing_is_not_shown(tmp_path: Path) -> None:
    options = {"x264-params": "cabac=0:qp=10"}
    clip = videos.write(tmp_path / "torn.mkv", 16, gop=1, size=(320, 240), options=options)
    videos.tear(clip, range(4, 12))

    sample = sampling.sample(clip, SPEC)

    assert not set(numbers(sample)) & set(range(4, 12))


CAMERAS = "The file holds {} videos; only the first was analyzed. Export each camera on its own."


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_second_camera_in_a_file_is_named(clips: Clips, tmp_path: Path, suffix: str) -> None:
    slow = videos.write(tmp_path / "slow.mp4", 12, rate=4)
    clip = videos.side_by_side(tmp_path / f"both.{suffix}", clips("h264.mp4"), slow)

    sample = sampling.sample(clip, SPEC)

    assert sample.warnings == (CAMERAS.format(2),)
    assert sample.length == pytest.approx(3)


def test_a_still_before_the_video_is_none(clips: Clips, tmp_path: Path) -> None:
    still = videos.write(tmp_path / "still.mp4", 1)
    clip = videos.side_by_side(tmp_path / "both.mp4", still, clips("h264.mp4"))

    sample = sampling.sample(clip, SPEC)

    assert sample.warnings == ()
    assert numbers(sample) == numbers(sampling.sample(clips("h264.mp4"), SPEC))
