"""Writes small real videos, whole and broken, whose frames carry their number."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from functools import wraps
from pathlib import Path
from typing import Concatenate, NamedTuple, ParamSpec

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from PIL import Image as Still

from video_classifier.ml.contracts import Image

QUIET_X265 = {"x265-params": "log-level=none"}

BITS = 8
BLACK, GRAY, WHITE = 16, 128, 235
TICK = Fraction(1, 1000)
UNEVEN = [number * number * 9 + 40 * number for number in range(31)]  # milliseconds

Maker = Callable[[Path], Path]
P = ParamSpec("P")


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


def _once(write: Callable[Concatenate[Path, P], Path]) -> Callable[Concatenate[Path, P], Path]:
    """Tests ask for the same video again and again: what was encoded is copied."""
    made: dict[tuple[str, str], bytes] = {}

    @wraps(write)
    def write_or_copy(path: Path, /, *args: P.args, **form: P.kwargs) -> Path:
        kind = path.suffix, repr((args, sorted(form.items())))
        if kind in made:
            path.write_bytes(made[kind])
        else:
            made[kind] = write(path, *args, **form).read_bytes()
        return path

    return write_or_copy


@_once
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


def write_images(
    path: Path,
    images: Sequence[VideoFrame],
    *,
    codec: str = "libx264",
    rate: int = 25,
    pixels: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    curve: ColorTrc | None = None,
) -> Path:
    """A video of the images; `curve` says that they are HDR, in BT.2020's colors."""
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=rate, options=dict(options or {}))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = images[0].width, images[0].height, pixels
        if curve is not None:
            coder = stream.codec_context
            coder.color_trc, coder.color_primaries = curve, ColorPrimaries.BT2020
            coder.colorspace, coder.color_range = Colorspace.BT2020, ColorRange.MPEG
        for number, image in enumerate(images):
            frame = image.reformat(
                format=pixels,
                dst_colorspace=None if curve is None else Colorspace.BT2020,
                dst_color_range=ColorRange.MPEG,
            )
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def draw(
    path: Path,
    picture: Callable[[int], Image],
    *,
    frames: int = 50,
    rate: int = 10,
    codec: str = "libx264",
) -> Path:
    """A video of what `picture` makes of 0, 1, 2 …"""
    images = [VideoFrame.from_ndarray(picture(number)) for number in range(frames)]
    return write_images(path, images, rate=rate, codec=codec)


INTERLACED = {
    "libx264": {"x264-params": "tff=1:crf=12"},
    "mpeg2video": {"flags": "+ildct+ilme", "b": "4000000"},
}


def interlaced(path: Path, frames: int = 12, *, codec: str = "libx264") -> Path:
    """A bright bar that moves by 6 pixels from field to field."""

    def field(number: int) -> Image:
        image = np.full((96, 160, 3), 60, np.uint8)
        image[:, 6 * number % 128 :][:, :32] = 200
        return image

    images = []
    for number in range(frames):
        image = field(2 * number)
        image[1::2] = field(2 * number + 1)[1::2]
        images.append(VideoFrame.from_ndarray(image))
    return write_images(path, images, codec=codec, options=INTERLACED[codec])


def rgb(frame: VideoFrame) -> Image:
    return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def combs(image: Image) -> float:
    """How much neighboring lines differ, in gray levels: next to nothing where bars are upright."""
    gray = image.astype(float).mean(2)
    return float(np.abs(gray[1:-1] - (gray[:-2] + gray[2:]) / 2).mean())


def joined(path: Path, *parts: Path) -> Path:
    """MPEG transport streams, one after the other."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def continued(target: Path, *parts: Path) -> Path:
    """Clips of one codec, one after the other by one clock."""
    with av.open(target, "w") as output:
        copied, after = None, Fraction()
        for part in parts:
            with av.open(part) as container:
                stream = container.streams.video[0]
                assert stream.time_base
                copied = copied or output.add_stream_from_template(stream)
                packets = [packet for packet in container.demux(stream) if packet.size]
                shift = round(after / stream.time_base) - min(p.pts or 0 for p in packets)
                for packet in packets:
                    packet.pts, packet.dts = (packet.pts or 0) + shift, (packet.dts or 0) + shift
                ends = max(packet.pts + (packet.duration or 0) for packet in packets if packet.pts)
                after = ends * stream.time_base
                for packet in packets:
                    packet.stream = copied
                    output.mux(packet)
    return target


def _write_av1(path: Path) -> Path:
    """Run by root, SVT-AV1 gives the thread that calls it real-time priority, and leaves it that.

    Browsers that are started later inherit it, and two of them can starve a machine of two cores.
    """
    if sys.platform != "linux":
        return write(path, codec="libsvtav1")
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        return write(path, codec="libsvtav1")
    finally:
        os.sched_setscheduler(0, *before)


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


def after_private_bytes(path: Path) -> Path:
    """As Hikvision's recorders export MPEG program streams."""
    path.write_bytes(b"IMKH" + bytes(range(36)) + path.read_bytes())
    return path


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
    "alt_ref.webm": lambda folder: write(
        folder / "alt_ref.webm",
        60,
        codec="libvpx",
        gop=30,
        options={"auto-alt-ref": "1", "lag-in-frames": "12", "arnr-maxframes": "5"},
    ),
    "vp9.webm": lambda folder: write(folder / "vp9.webm", codec="libvpx-vp9"),
    "av1.mp4": lambda folder: _write_av1(folder / "av1.mp4"),
    "mjpeg.avi": lambda folder: write(folder / "mjpeg.avi", codec="mjpeg"),
    "mpeg4.avi": lambda folder: write(folder / "mpeg4.avi", codec="mpeg4"),
    "mpeg2.ts": lambda folder: write(folder / "mpeg2.ts", codec="mpeg2video", rate=25),
    "mpeg2.mpg": lambda folder: write(folder / "mpeg2.mpg", codec="mpeg2video", rate=25),
    "h264.vob": lambda folder: write(folder / "h264.vob"),
    "private.mpg": lambda folder: after_private_bytes(write(folder / "private.vob")),
    "h264.flv": lambda folder: write(folder / "h264.flv"),
    "wmv2.wmv": lambda folder: write(folder / "wmv2.wmv", codec="wmv2", b_frames=0),
    "h264.asf": lambda folder: write(folder / "h264.asf"),
    "raw.h264": lambda folder: write(folder / "raw.h264"),
    "raw.hevc": lambda folder: write(folder / "raw.hevc", codec="libx265", options=QUIET_X265),
    "uneven.mp4": lambda folder: write(folder / "uneven.mp4", shown_at=UNEVEN),
    "uneven.mkv": lambda folder: write(folder / "uneven.mkv", shown_at=UNEVEN),
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


class Broken(NamedTuple):
    make: Maker
    says: str  # a part of the sentence that refuses it


def enlarge(path: Path, size: int) -> Path:
    """An MP4 of `size` bytes, by an empty box behind it."""
    room = size - path.stat().st_size
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", room, b"free") + bytes(room - 8))
    return path


def cut(path: Path, share: float) -> Path:
    """Leaves only the first `share` of the file."""
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * share)])
    return path


def zeroed(path: Path, start: float, end: float = 1.0) -> Path:
    """Zeroes from one share to another of the pictures in an MP4 with its index in front."""
    content = bytearray(path.read_bytes())
    first = content.index(b"mdat") + 4
    low, high = (first + round((len(content) - first) * share) for share in (start, end))
    content[low:high] = bytes(high - low)
    path.write_bytes(content)
    return path


def from_keyframe(source: Path, number: int, target: Path) -> Path:
    """A copy that starts, without encoding, at keyframe `number`."""
    with av.open(source) as container, av.open(target, "w") as output:
        stream = container.streams.video[0]
        copied = output.add_stream_from_template(stream)
        keys = 0
        for packet in container.demux(stream):
            keys += packet.is_keyframe
            if keys > number and packet.dts is not None:
                packet.stream = copied
                output.mux(packet)
    return target


def paused(source: Path, target: Path, *, keyframe: int, seconds: float) -> Path:
    """A copy in which keyframe `keyframe` and all after it come so much later."""
    with av.open(source) as container, av.open(target, "w") as output:
        stream = container.streams.video[0]
        copied = output.add_stream_from_template(stream)
        keys = 0
        for packet in container.demux(stream):
            if not packet.size:
                continue
            assert packet.pts is not None
            assert packet.dts is not None, "Matroska has no times of decoding"
            keys += packet.is_keyframe
            if keys > keyframe:
                packet.pts += round(seconds / packet.time_base)
                packet.dts += round(seconds / packet.time_base)
            packet.stream = copied
            output.mux(packet)
    return target


def from_fragment(source: Path, number: int, target: Path) -> Path:
    """A fragmented MP4 without its first `number` fragments, as a piece of a live stream is."""
    content, at = source.read_bytes(), 0
    kept, fragments = b"", 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4])
        kind = content[at + 4 : at + 8]
        fragments += kind == b"moof"
        if kind not in {b"moof", b"mdat"} or fragments > number:
            kept += content[at : at + size]
        at += size
    target.write_bytes(kept)
    return target


def rewritten(source: Path, target: Path, change: Callable[[int, bytes], bytes | None]) -> Path:
    """A copy whose packets have the content that `change` makes of it; None loses the packet."""
    with av.open(source) as container, av.open(target, "w") as output:
        stream = container.streams.video[0]
        copied = output.add_stream_from_template(stream, opaque=True)
        for number, packet in enumerate(container.demux(stream)):
            if packet.size and (content := change(number, bytes(packet))) is not None:
                made = Packet(content)
                made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
                made.time_base, made.is_keyframe = packet.time_base, packet.is_keyframe
                made.stream = copied
                output.mux(made)
    return target


def side_by_side(target: Path, *sources: Path) -> Path:
    """The first video of each file, as the videos of one."""
    with ExitStack() as stack, av.open(target, "w") as output:
        found = []
        for source in sources:
            container = stack.enter_context(av.open(source))
            copied = output.add_stream_from_template(container.streams.video[0])
            found.append((container, copied))
        packets = []
        for container, copied in found:
            for packet in container.demux(video=0):
                if packet.size and packet.dts is not None:
                    packets.append((packet.dts * packet.time_base, copied.index, packet))
                    packet.stream = copied
        for *_, packet in sorted(packets, key=lambda each: each[:2]):
            output.mux(packet)
    return target


def tear(path: Path, numbers: Collection[int]) -> Path:
    """Zeroes the second half of some pictures, in the order of decoding."""
    content = path.read_bytes()
    with av.open(path) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    for number in numbers:
        whole = packets[number]
        content = content.replace(whole, whole[: len(whole) // 2].ljust(len(whole), b"\0"))
    path.write_bytes(content)
    return path


def garbled(content: bytes, *, seed: int) -> bytes:
    """Some bits flipped, a block overwritten, or a part cut away, as `seed` has it."""
    random = np.random.default_rng(seed)
    found = bytearray(content)
    start = int(random.integers(len(found)))
    if seed % 3 == 0:
        for place in random.integers(len(found), size=20):
            found[place] ^= 1 << int(random.integers(8))
    elif seed % 3 == 1:
        found[start : start + 400] = random.bytes(len(found[start : start + 400]))
    else:
        del found[start : start + 2000]
    return bytes(found)


def indexed_first(path: Path, frames: int = 30) -> Path:
    """With the index in front, where it outlives a cut, in the containers that have a choice."""
    muxing = {"movflags": "faststart"} if path.suffix in {".mp4", ".mov"} else None
    return write(path, frames, muxing=muxing)


def without_index(path: Path) -> Path:
    content = write(path).read_bytes()
    path.write_bytes(content[: content.index(b"moov") - 4])
    return path


def encrypted(path: Path) -> Path:
    key = {"encryption_key": "76a6c65c5ea762046bd749a2e632ccbb"}
    kid = {"encryption_kid": "a7e61c373e219033c21091fa607bf3b8"}
    return write(path, muxing={"encryption_scheme": "cenc-aes-ctr", **key, **kid})


def only_sound(path: Path) -> Path:
    with av.open(path, "w") as container:
        _write_silence(container, container.add_stream("aac", rate=8000), 1.0)
    return path


def cover_art(path: Path) -> Path:
    """Sound with a picture to show meanwhile."""
    with av.open(path, "w") as container:
        sound = container.add_stream("aac", rate=8000)
        art = container.add_stream("png", rate=1)
        assert isinstance(art, VideoStream)
        art.width, art.height, art.pix_fmt = 64, 48, "rgb24"
        art.disposition = Disposition.attached_pic
        container.mux(art.encode(_frame(picture(0), "rgb24")))
        container.mux(art.encode())
        _write_silence(container, sound, 1.0)
    return path


def still(path: Path) -> Path:
    Still.fromarray(picture(5)).save(path)
    return path


def huge(path: Path) -> Path:
    """A PNG picture in a MOV file of a kilobyte that claims 60000 x 60000 pixels."""
    content = bytearray(write(path, 1, codec="png", pixels="rgb24").read_bytes())
    header = content.index(b"IHDR") + 4
    content[header : header + 8] = struct.pack(">II", 60000, 60000)
    content[header + 13 : header + 17] = struct.pack(
        ">I", zlib.crc32(content[header - 4 : header + 13])
    )
    path.write_bytes(content)
    return path


def text(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def playlist(folder: Path) -> Path:
    """An HLS playlist of a segment that is there and is a video."""
    segment = write(folder / "segment.ts")
    return text(
        folder / "playlist.mp4",
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:0\n"
        f"#EXTINF:3.0,\n{segment.name}\n#EXT-X-ENDLIST\n",
    )


def concatenation(folder: Path) -> Path:
    """A script that has FFmpeg open another video."""
    write(folder / "part.mp4")
    return text(folder / "script.mp4", "ffconcat version 1.0\nfile part.mp4\n")


def session_description(folder: Path) -> Path:
    return text(
        folder / "session.mp4",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    )


def noise(path: Path) -> Path:
    head = write(path).read_bytes()[:32]
    path.write_bytes(head + np.random.default_rng(7).bytes(5000))
    return path


BROKEN: Mapping[str, Broken] = {
    "empty.mp4": Broken(lambda folder: text(folder / "empty.mp4", ""), "is empty"),
    "text.mp4": Broken(lambda folder: text(folder / "text.mp4", "hello " * 500), "not a video"),
    "png.mp4": Broken(lambda folder: still(folder / "png.png"), "not a video"),
    "gif.mp4": Broken(lambda folder: still(folder / "gif.gif"), "not a video"),
    "jpeg.mp4": Broken(lambda folder: still(folder / "jpeg.jpg"), "not a video"),
    "playlist": Broken(playlist, "not a video"),
    "concatenation": Broken(concatenation, "not a video"),
    "session_description": Broken(session_description, "not a video"),
    "noise.mp4": Broken(lambda folder: noise(folder / "noise.mp4"), "no index"),
    "no_index.mp4": Broken(lambda folder: without_index(folder / "no_index.mp4"), "no index"),
    "only_sound.mp4": Broken(lambda folder: only_sound(folder / "only_sound.mp4"), "only sound"),
    "encrypted.mp4": Broken(lambda folder: encrypted(folder / "encrypted.mp4"), "encrypted"),
    "zeroed.mp4": Broken(
        lambda folder: zeroed(indexed_first(folder / "zeroed.mp4"), 0), "can be decoded"
    ),
    "too_wide.avi": Broken(
        lambda folder: write(folder / "too_wide.avi", 1, codec="mjpeg", size=(8208, 16)), "8192"
    ),
    "huge.mov": Broken(lambda folder: huge(folder / "huge.mov"), "can be decoded"),
}
