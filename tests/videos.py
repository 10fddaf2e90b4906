"""Writes small real videos, whole and broken, whose frames carry their number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from video_classifier.ml.clip import Image

QUIET_X265 = {"x265-params": "log-level=none"}

BITS = 8
BLACK, GRAY, WHITE = 16, 128, 235
TICK = Fraction(1, 1000)

Maker = Callable[[Path], Path]


def picture(number: int, *, width: int = 64, height: int = 48) -> Image:
    """`number` in binary, as upright bars, the highest bit left, above a gray floor."""
    bits = [number >> place & 1 for place in reversed(range(BITS))]
    columns = np.arange(width) * BITS // width
    row = np.where(np.array(bits)[columns] == 1, WHITE, BLACK)
    image = np.full((height, width, 3), GRAY, np.uint8)
    image[: height * 3 // 4] = row[None, :, None]
    return image


def number_of(image: Image) -> int:
    """What `picture` wrote, if the image is upright."""
    height, width, _ = image.shape
    bars = image[height * 3 // 8, (np.arange(BITS) * 2 + 1) * width // (2 * BITS), 1]
    floor = int(image[height * 7 // 8, width // 2, 1])
    assert abs(floor - GRAY) < 30, f"the floor is {floor}: the picture is not upright"
    return sum(int(bar > GRAY) << place for place, bar in enumerate(reversed(bars)))


def write(
    path: Path,
    frames: int = 30,
    *,
    codec: str = "libx264",
    rate: int = 10,
    size: tuple[int, int] = (64, 48),
    pixels: str = "yuv420p",
    gop: int = 12,
    b_frames: int = 2,
    options: Mapping[str, str] | None = None,
    muxing: Mapping[str, str] | None = None,
    shown_at: Sequence[int] | None = None,
    turned: int = 0,
    mirrored: bool = False,
    pixel_aspect: Fraction | None = None,
    sound: float = 0.0,
) -> Path:
    """A video of pictures 0, 1, 2 … in the container that the suffix of `path` names.

    `shown_at` gives the milliseconds at which each frame comes up instead of a constant rate;
    `turned` is how far players turn the stored picture clockwise, before they mirror it;
    `sound` adds so many seconds of silence.
    """
    with av.open(path, "w", options=dict(muxing or {})) as container:
        stream = container.add_stream(codec, rate=rate, options=dict(options or {}))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = reversed(size) if turned % 180 else size
        stream.pix_fmt = pixels
        stream.gop_size = gop
        stream.max_b_frames = 0 if codec == "mjpeg" else b_frames
        if codec == "mjpeg":
            stream.codec_context.color_range = ColorRange.JPEG
        if pixel_aspect:
            stream.sample_aspect_ratio = pixel_aspect
        if turned or mirrored:
            stream.set_display_rotation(-turned, hflip=mirrored)
        if shown_at is not None:
            stream.codec_context.time_base = TICK
        silence = container.add_stream("aac", rate=8000) if sound else None
        for number in range(frames):
            shown = picture(number, width=size[0], height=size[1])
            frame = _frame(_as_stored(shown, turned, mirrored=mirrored), pixels)
            if shown_at is None:
                frame.pts, frame.time_base = number, Fraction(1, rate)
            else:
                frame.pts, frame.time_base = shown_at[number], TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if silence is not None:
            _write_silence(container, silence, sound)
    return path


def _as_stored(shown: Image, turned: int, *, mirrored: bool) -> Image:
    if mirrored:
        shown = shown[:, ::-1]
    return np.ascontiguousarray(np.rot90(shown, turned // 90))


def _frame(image: Image, pixels: str) -> VideoFrame:
    return VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixels)


def _write_silence(container: OutputContainer, stream: AudioStream, seconds: float) -> None:
    block = 1024
    for start in range(0, round(seconds * 8000), block):
        frame = AudioFrame.from_ndarray(np.zeros((1, block), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, start, Fraction(1, 8000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


WHOLE: Mapping[str, Maker] = {
    "h264.mp4": lambda folder: write(folder / "h264.mp4"),
    "long_gop.mp4": lambda folder: write(folder / "long_gop.mp4", 120, gop=250, b_frames=3),
    "open_gop.mp4": lambda folder: write(
        folder / "open_gop.mp4", 60, options={"x264-params": "open-gop=1:bframes=3"}
    ),
    "faststart.mp4": lambda folder: write(
        folder / "faststart.mp4", muxing={"movflags": "faststart"}
    ),
    "fragmented.mp4": lambda folder: write(
        folder / "fragmented.mp4", muxing={"movflags": "frag_keyframe+empty_moov"}
    ),
    "h264.mov": lambda folder: write(folder / "h264.mov"),
    "h264.mkv": lambda folder: write(folder / "h264.mkv"),
    "h264.ts": lambda folder: write(folder / "h264.ts"),
    "open_gop.ts": lambda folder: write(
        folder / "open_gop.ts", 60, options={"x264-params": "open-gop=1:bframes=3"}
    ),
    "h264.avi": lambda folder: write(folder / "h264.avi"),
    "hevc.mp4": lambda folder: write(folder / "hevc.mp4", codec="libx265", options=QUIET_X265),
    "hevc.ts": lambda folder: write(folder / "hevc.ts", codec="libx265", options=QUIET_X265),
    "ten_bit.mp4": lambda folder: write(
        folder / "ten_bit.mp4", codec="libx265", pixels="yuv420p10le", options=QUIET_X265
    ),
    "vp8.webm": lambda folder: write(folder / "vp8.webm", codec="libvpx"),
    "vp9.webm": lambda folder: write(folder / "vp9.webm", codec="libvpx-vp9"),
    "av1.mp4": lambda folder: write(folder / "av1.mp4", codec="libsvtav1"),
    "mjpeg.avi": lambda folder: write(folder / "mjpeg.avi", codec="mjpeg"),
    "mpeg4.avi": lambda folder: write(folder / "mpeg4.avi", codec="mpeg4"),
    "mpeg2.ts": lambda folder: write(folder / "mpeg2.ts", codec="mpeg2video", rate=25),
    "uneven.mp4": lambda folder: write(
        folder / "uneven.mp4", shown_at=[n * n * 9 + 40 * n for n in range(30)]
    ),
    "uneven.mkv": lambda folder: write(
        folder / "uneven.mkv", shown_at=[n * n * 9 + 40 * n for n in range(30)]
    ),
    "late.ts": lambda folder: write(
        folder / "late.ts", shown_at=[90_000_000 + 100 * n for n in range(30)]
    ),
    "turned.mp4": lambda folder: write(folder / "turned.mp4", turned=90),
    "mirrored.mp4": lambda folder: write(folder / "mirrored.mp4", turned=270, mirrored=True),
    "one_frame.mp4": lambda folder: write(folder / "one_frame.mp4", 1),
    "few_frames.mp4": lambda folder: write(folder / "few_frames.mp4", 5),
    "odd.mp4": lambda folder: write(
        folder / "odd.mp4", size=(67, 49), pixels="yuv444p", codec="libx264"
    ),
    "sound.mp4": lambda folder: write(folder / "sound.mp4", sound=9.0),
    "sound.mkv": lambda folder: write(folder / "sound.mkv", sound=9.0),
}
