"""Pictures keep their shape, field order and brightness, also where a clip changes them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorTrc, Interpolation

from tests.makers import videos
from tests.ml.conftest import Clips
from video_classifier.ml.contracts import ClipSpec, Image
from video_classifier.ml.video import filters, sampling
from video_classifier.ml.video.reel import open_reel
from video_classifier.ml.video.scaling import FitWithin, Parts, Scaler, display_matrix

SPEC = ClipSpec(frames=16, height=48, width=64)


def decoded(path: Path) -> list[VideoFrame]:
    with av.open(path) as container:
        return list(container.decode(video=0))


def fitted(path: Path) -> list[Image]:
    """All pictures of a clip in full size."""
    reel = open_reel(path, rate=100)
    fit = FitWithin(width=2000, height=2000, pixel_aspect=reel.pixel_aspect)
    return list(reel.map(lambda _, frame: fit(frame)).values.values())


@pytest.mark.parametrize("name", ["h264.mp4", "hevc.ts", "ten_bit.mp4", "vp9.webm", "mjpeg.avi"])
def test_ordinary_pictures_are_scaled_and_nothing_else(clips: Clips, name: str) -> None:
    frame = decoded(clips(name))[5]
    scaling = Interpolation.AREA | Interpolation.FULL_CHR_H_INT
    scaling |= Interpolation.ACCURATE_RND | Interpolation.BITEXACT

    image = Scaler(width=32, height=32)(frame).image

    plain = frame.reformat(32, 32, "rgb24", interpolation=scaling, threads=1)
    assert (image == plain.to_ndarray()).all()


@pytest.mark.parametrize("codec", videos.INTERLACED)
def test_interlaced_pictures_show_one_moment(tmp_path: Path, codec: str) -> None:
    clip = videos.interlaced(tmp_path / "interlaced.ts", codec=codec)

    preview = sampling.sample(clip, SPEC, preview_width=160).previews[3]

    stored = videos.rgb(decoded(clip)[3])
    assert videos.combs(stored) > 8
    assert preview.shape == stored.shape
    assert videos.combs(preview) < 1
    assert all(videos.combs(image) < 1 for image in fitted(clip))


def test_each_part_of_a_clip_has_its_own_shape(tmp_path: Path) -> None:
    wide = videos.write(tmp_path / "a.ts", 20, size=(88, 72), pixel_aspect=Fraction(12, 11))
    square = videos.write(tmp_path / "b.ts", 20, size=(128, 72))
    clip = videos.joined(tmp_path / "joined.ts", wide, square)

    sample = sampling.sample(clip, SPEC, preview_width=240)

    assert {preview.shape for preview in sample.previews} == {(180, 240, 3), (135, 240, 3)}
    assert {image.shape for image in fitted(clip)} == {(72, 96, 3), (72, 128, 3)}


def test_a_change_of_the_pixels_alone_is_seen_at_its_very_picture(tmp_path: Path) -> None:
    narrow = videos.write(tmp_path / "a.ts", 20, pixel_aspect=Fraction(1, 1), b_frames=3)
    wide = videos.write(tmp_path / "b.ts", 20, pixel_aspect=Fraction(16, 9), b_frames=3)
    clip = videos.joined(tmp_path / "joined.ts", narrow, wide)
    told = filters.AspectReader()

    aspects = [told(frame) for frame in decoded(clip)]

    assert aspects == [1] * 20 + [Fraction(16, 9)] * 20


def test_the_container_is_believed_where_the_codec_says_something_else(tmp_path: Path) -> None:
    clip = tmp_path / "wide.mp4"
    content = videos.write(clip, pixel_aspect=Fraction(4, 3)).read_bytes()
    place = content.index(b"pasp") + 4
    clip.write_bytes(content[:place] + bytes([0, 0, 0, 2, 0, 0, 0, 1]) + content[place + 8 :])

    assert {image.shape for image in fitted(clip)} == {(48, 128, 3)}


@pytest.mark.parametrize("aspect", [Fraction(1, 20), Fraction(20)])
def test_pixels_of_an_impossible_shape_are_taken_as_square(
    tmp_path: Path, aspect: Fraction
) -> None:
    clip = videos.write(tmp_path / "odd.ts", pixel_aspect=aspect)

    previews = sampling.sample(clip, SPEC, preview_width=128).previews

    assert {preview.shape for preview in previews} == {(96, 128, 3)}


def test_a_slim_picture_makes_no_endless_preview(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "slim.avi", 3, codec="mjpeg", size=(16, 1600))

    previews = sampling.sample(clip, SPEC, preview_width=240).previews

    assert {preview.shape for preview in previews} == {(960, 10, 3)}


Linear = npt.NDArray[np.float64]  # (height, width, 3), 1 is white on an ordinary screen: 100 cd/m²

TO_BT2020 = np.array(
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
)  # BT.2087


def pq(light: Linear) -> Linear:
    power = (light / 100) ** 0.1593017578125
    return np.asarray(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def hlg(light: Linear) -> Linear:
    screen = light / 10
    luminance = screen @ (0.2627, 0.6780, 0.0593)
    scene = screen * np.maximum(luminance, 1e-9)[..., None] ** (1 / 1.2 - 1)
    high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)


@pytest.mark.parametrize(
    ("curve", "coded"), [(ColorTrc.SMPTE2084, pq), (ColorTrc.ARIB_STD_B67, hlg)]
)
def test_high_dynamic_range_is_shown_as_bright_as_the_same_in_ordinary_video(
    tmp_path: Path, curve: ColorTrc, coded: Callable[[Linear], Linear]
) -> None:
    ramp = np.linspace(0, 220, 160).astype(np.uint8)
    ordinary = (np.tile(ramp[None, :, None], (96, 1, 3)) * (1, 0.95, 0.8)).astype(np.uint8)
    light = (ordinary / 255) ** 2.4 @ TO_BT2020.T
    deep = VideoFrame.from_ndarray((coded(light) * 65535).astype(np.uint16), format="gbrp16le")
    clip = videos.write_images(
        tmp_path / "hdr.mp4",
        [deep] * 3,
        codec="libx265",
        pixels="yuv420p10le",
        options={"x265-params": "log-level=none:crf=4"},
        curve=curve,
    )

    image = fitted(clip)[0].astype(float)

    assert image.mean() == pytest.approx(ordinary.mean(), abs=4)
    assert image.std() == pytest.approx(ordinary.std(), abs=6)
    assert np.abs(image - ordinary)[:, :100].mean() < 3  # dark and middle tones stay as they are


def test_what_is_brighter_than_white_keeps_its_detail(tmp_path: Path) -> None:
    nits = np.repeat(np.array([100.0, 200.0, 400.0, 800.0]), 40)
    light = np.tile(nits[None, :, None] / 100, (96, 1, 3))
    deep = VideoFrame.from_ndarray((pq(light) * 65535).astype(np.uint16), format="gbrp16le")
    clip = videos.write_images(
        tmp_path / "hdr.mp4",
        [deep] * 3,
        codec="libx265",
        pixels="yuv420p10le",
        options=videos.QUIET_X265,
        curve=ColorTrc.SMPTE2084,
    )

    levels = fitted(clip)[0][48, 20::40, 1].astype(int)

    assert (np.diff(levels) >= 2).all()
    assert levels[-1] <= 255


@pytest.mark.parametrize("frames_in", [2, 5])
@pytest.mark.parametrize("codec", videos.INTERLACED)
def test_deinterlacing_gives_a_frame_for_each(tmp_path: Path, codec: str, frames_in: int) -> None:
    clip = videos.interlaced(tmp_path / "interlaced.mkv", frames_in, codec=codec)

    made = list(filters.deinterlaced(decoded(clip)))

    assert len(made) == frames_in
    assert all(videos.combs(videos.rgb(frame)) < 4 for frame in made)


def test_a_single_interlaced_frame_comes_out_too(tmp_path: Path) -> None:
    clip = videos.interlaced(tmp_path / "one.mkv", 1)

    assert len(list(filters.deinterlaced(decoded(clip)))) == 1


def test_progressive_frames_are_not_deinterlaced(clips: Clips) -> None:
    shown = decoded(clips("h264.mp4"))

    assert list(filters.deinterlaced(shown)) == shown


def test_deinterlacing_goes_on_where_the_size_changes(tmp_path: Path) -> None:
    interlaced = decoded(videos.interlaced(tmp_path / "a.ts", 4))
    progressive = decoded(videos.write(tmp_path / "b.ts", 4))

    made = filters.deinterlaced([*interlaced, *progressive, *interlaced])

    assert [frame.width for frame in made] == [160] * 4 + [64] * 4 + [160] * 4


def test_a_frame_is_gone_as_soon_as_nobody_needs_it(clips: Clips) -> None:
    frames: list[VideoFrame] = []
    open_reel(clips("h264.mp4"), rate=8.0).map(lambda _, frame: frames.append(frame))
    (frame, *_) = frames
    before = sys.getrefcount(frame)

    display_matrix(frame)

    assert sys.getrefcount(frame) == before  # it refers to nothing that refers to it


CUTS = [(0, 90, 0, 70), (13, 101, 55, 160), (120, 180, 201, 320), (61, 62, 77, 78), (50, 50, 3, 90)]


def noisy(pixels: str, *, size: tuple[int, int] = (320, 180)) -> VideoFrame:
    """Whatever is next to a pixel is of another color."""
    width, height = size
    image = np.random.default_rng(7).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixels)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "nv12"])
@pytest.mark.parametrize("size", [(320, 180), (322, 182)])
def test_a_part_has_the_very_bytes_of_the_whole(pixels: str, size: tuple[int, int]) -> None:
    frame = noisy(pixels, size=size)
    fit = FitWithin(width=2000, height=2000)
    whole = fit(frame)

    for top, bottom, left, right in CUTS:
        parts = fit.by_parts(frame)
        assert isinstance(parts, Parts)
        assert parts.shape == whole.shape
        cut = parts[top:bottom, left:right]
        np.testing.assert_array_equal(cut, whole[top:bottom, left:right])


def test_the_whole_is_made_once_and_only_for_large_parts() -> None:
    made: list[Image] = []
    fit = FitWithin(width=2000, height=2000)
    frame = noisy("yuv420p")
    whole = fit(frame)

    def convert() -> Image:
        made.append(whole)
        return whole

    parts = Parts(frame, convert)
    parts[0:60, 0:60]
    assert not made
    np.testing.assert_array_equal(parts[0:170, 0:310], whole[0:170, 0:310])
    np.testing.assert_array_equal(parts[0:180, 0:320], whole)
    assert len(made) == 1


@pytest.mark.parametrize(
    ("frame", "within"),
    [
        (noisy("yuv420p", size=(321, 181)), 2000),
        (noisy("yuv420p10le"), 2000),
        (noisy("yuv411p"), 2000),
        (noisy("yuv420p"), 200),
    ],
)
def test_of_pictures_of_another_kind_all_is_made(frame: VideoFrame, within: int) -> None:
    fit = FitWithin(width=within, height=within)

    made = fit.by_parts(frame)

    assert isinstance(made, np.ndarray)
    np.testing.assert_array_equal(made, fit(frame))


def test_what_players_turn_is_made_as_a_whole(clips: Clips) -> None:
    assert isinstance(
        FitWithin(width=99, height=99).by_parts(decoded(clips("turned.mp4"))[0]), np.ndarray
    )
