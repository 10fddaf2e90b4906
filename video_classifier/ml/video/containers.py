"""Opens video containers, and only those that can't make FFmpeg open other files or addresses."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from video_classifier.ml.contracts import ClipError, UnreadableError
from video_classifier.ml.video import mp4_index, nal, signatures

MIN_SIDE = 16  # pixels: in less, nobody can be seen
MAX_SIDE = 8192
MAX_PACKETS = 2_000_000  # of all streams: seven hours with sound, 18 without
MAX_PIXELS = 50_000_000  # a picture; each takes six times as many bytes by the time it is scaled

# Formats that hold their pictures themselves, by FFmpeg's names. Playlists, concat scripts and the
# like would have FFmpeg open files and addresses of theirs.
READ = ("mov", "avi", "matroska", "mpegts", "mpeg", "flv", "asf", "h264", "hevc")
RAW = {"h264", "hevc"}  # pictures one after the other: nothing says when they are shown

_DEFAULT_RATE, _MAX_RATE = 25, 240  # frames a second, if a raw stream says none or another

_OPTIONS = {
    "format_whitelist": ",".join(READ),
    "protocol_whitelist": "fd",
    "max_pixels": str(MAX_PIXELS),
}
_PIECE = 2**20  # bytes
_MOVING = 0.1  # of the pictures of the video that has most; a still has fewer
_PICTURE_BRANDS = {"heic", "heix", "heim", "heis", "mif1", "avif"}

NOTHING_DECODES = (
    "The file says that it is a video, but no picture in it can be decoded. "
    "Export the clip again from the recorder."
)
_TOO_MANY = (
    f"The file has more than {MAX_PACKETS / 1e6:g} million pictures and pieces of sound, or claims "
    "to. Export a shorter stretch of the recording and upload that."
)


@contextmanager
def opened(path: Path, video: int | None = None) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its video stream: the first one that moves.

    That takes reading the file if it holds several, unless its index is already known to be
    `video`. Raises ClipError if it is not a video to analyze, and UnreadableError.
    """
    with _container(path) as container:
        found = videos(container)
        if video is not None and (known := [each for each in found if each.index == video]):
            yield container, _prepared(known[0])
            return
        number = _first_that_moves(path) if len(found) > 1 else 0
        yield container, _prepared(found[number])


def videos(container: InputContainer) -> list[VideoStream]:
    """Those that are not marked as covers; of these the ones in a known codec, if there are any.

    Raises ClipError if the file has none.
    """
    found = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not found:
        msg = "The file has no moving picture, only sound or a still. Upload the video itself."
        raise ClipError(msg)
    if container.metadata.get("major_brand") in _PICTURE_BRANDS:
        msg = "The file is a picture, not a video. Upload the video itself."
        raise ClipError(msg)
    known = [s for s in found if s.codec_context is not None]  # type: ignore[redundant-expr]
    return known or found[:1]  # PyAV's types admit no stream without a decoder


def moving(counts: Sequence[int]) -> list[int]:
    """Which of the videos that have so many pictures are none of the stills beside a video."""
    least = _MOVING * max(counts)
    return [number for number, count in enumerate(counts) if count >= least]


def _first_that_moves(path: Path) -> int:
    with _container(path) as container:
        found = videos(container)
        counts = Counter(packet.stream_index for packet in packets(container, *found))
        return moving([counts[video.index] for video in found])[0]


@contextmanager
def _container(path: Path) -> Iterator[InputContainer]:
    with ExitStack() as stack:
        try:
            container = _opened(path, stack)
        except av.FFmpegError:
            raise
        except OSError as error:
            raise UnreadableError(str(error)) from error
        yield container


def _opened(path: Path, stack: ExitStack) -> InputContainer:
    """Open until the end of `stack`. Raises ClipError, and OSError if the file can't be read."""
    refuse_empty(path)
    if mp4_index.samples_claimed(path) > MAX_PACKETS:  # FFmpeg would make room for all of them
        raise ClipError(_TOO_MANY)
    file = stack.enter_context(path.open("rb"))
    # By its descriptor: a name could be taken for an address, or for a sign of the format.
    options = {**_OPTIONS, "fd": str(file.fileno())}
    try:
        container = av.open("fd:", options=options, metadata_errors="replace")
    except MemoryError:  # FFmpeg's is one of its errors, too, and says nothing of the file
        raise
    except (av.FFmpegError, ValueError) as error:
        raise ClipError(signatures.why_not_read(path)) from error
    return stack.enter_context(container)


def packets(container: InputContainer, *streams: Stream) -> Iterator[Packet[Stream]]:
    """The packets of the streams as far as the file goes; damage to the container ends them.

    Raises ClipError if they are encrypted or more than MAX_PACKETS, and UnreadableError.
    """
    try:
        for number, packet in enumerate(container.demux(*streams)):
            if number >= MAX_PACKETS:
                raise ClipError(_TOO_MANY)
            if packet.has_sidedata("encryption_info"):
                msg = "The video is encrypted. Export the clip without copy protection."
                raise ClipError(msg)
            if packet.size:
                yield packet
    except MemoryError:
        raise
    except (av.FFmpegError, IndexError) as error:  # IndexError: PyAV, of streams that came late
        if isinstance(error, OSError):  # which FFmpeg also says of damage
            _check_readable(container)


def _check_readable(container: InputContainer) -> None:
    """Reads the whole file. Raises UnreadableError if that fails."""
    file, at = int(container.options["fd"]), 0
    try:
        while piece := os.pread(file, _PIECE, at):
            at += len(piece)
    except OSError as error:
        raise UnreadableError(str(error)) from error


def sound_frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """All frames that decode soundly, in the order shown.

    After damage there are none until the next keyframe, because they build on what is damaged.
    """
    return sound_frames_of(packets(container, stream), stream)


def sound_frames_of(sent: Iterable[Packet[Stream]], stream: VideoStream) -> Iterator[VideoFrame]:
    """Those of packets in a row, the first of which is a keyframe or the stream's first."""
    is_sound = True
    restarts: set[int | None] = set()  # when the keyframes are shown that came after the damage
    for packet in chain(sent, [None]):
        frames, is_whole = _decoded(stream, packet)
        if not is_whole:
            is_sound = False
            restarts.clear()
        elif packet is not None and packet.is_keyframe:
            restarts.add(packet.pts)
        for frame in frames:
            starts_anew = frame.key_frame and frame.pts in restarts
            is_sound = not frame.is_corrupt and (is_sound or starts_anew)
            if is_sound:
                yield frame


def _decoded(stream: VideoStream, packet: Packet[Stream] | None) -> tuple[list[VideoFrame], bool]:
    """The frames that come out after a packet, and whether the packet was whole."""
    is_whole = packet is None or not packet.is_corrupt
    try:
        return stream.codec_context.decode(packet), is_whole
    except MemoryError:
        raise
    except av.FFmpegError:
        bare = packet and _without_messages(stream, packet)
    if bare is None:
        return [], False
    try:
        return stream.codec_context.decode(bare), is_whole
    except MemoryError:
        raise
    except av.FFmpegError:
        return [], False


def _without_messages(stream: VideoStream, packet: Packet[Stream]) -> Packet[Stream] | None:
    """The packet without its SEI messages, which may be all that is wrong with it."""
    layout = layout_of(stream)
    content = layout and layout.without_messages(bytes(packet), sound_ones=True)
    return renewed(packet, content) if content else None


def renewed(packet: Packet[Stream], content: bytes) -> Packet[Stream]:
    """A packet like this one with other content."""
    made = Packet(content)
    made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
    made.time_base, made.is_keyframe = packet.time_base, packet.is_keyframe
    return made


def unit_reader(stream: VideoStream) -> nal.Reader | None:
    """None if the codec has no NAL units."""
    layout = layout_of(stream)
    return nal.Reader(layout, stream.codec_context.extradata) if layout else None


def layout_of(stream: VideoStream) -> nal.NalLayout | None:
    """How NAL units are packed in the stream; None if the codec has none."""
    return nal.NalLayout.of(stream.codec.canonical_name, stream.codec_context.extradata)


def time_base(stream: VideoStream) -> Fraction:
    """Seconds a tick."""
    return stream.time_base or Fraction(1, av.time_base)


def order_is_guessed(container: InputContainer, stream: VideoStream) -> bool:
    """Whether the container doesn't say in which order, or when, pictures are shown."""
    name = container.format.name
    return name in RAW or (name in {"avi", "asf"} and stream.codec_context.has_b_frames)


def frame_rate(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Frames a second on average, None if the file doesn't say."""
    return reckoned_rate(container, stream) or stream.average_rate


def reckoned_rate(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Frames a second of a file without time stamps, None if it has them."""
    if container.format.name not in RAW:
        return None
    rate = stream.codec_context.framerate
    return rate if rate and 1 <= rate <= _MAX_RATE else Fraction(_DEFAULT_RATE)


def video_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """The length of the video that the header gives, None if it gives none."""
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)  # FFmpeg cuts the duration to the file
    if not stream.duration:
        return None
    is_in_fragments = container.format.name.startswith("mov") and not stream.frames
    # FFmpeg counts those from 0, whenever the first begins that is in the file.
    start = stream.start_time or 0 if is_in_fragments else 0
    return float((stream.duration - start) * time_base(stream))


def whole_seconds(container: InputContainer) -> float | None:
    """The length of all streams together that the header gives, None if it gives none."""
    return container.duration / av.time_base if container.duration else None


def check_size(width: int, height: int) -> None:
    """Raises ClipError if pictures of so many pixels are not analyzed."""
    size = f"The picture is {width} by {height} pixels"
    if max(width, height) > MAX_SIDE:
        msg = (
            f"{size}; at most {MAX_SIDE} a side can be analyzed. "
            "Export the clip in a lower resolution."
        )
    elif width * height > MAX_PIXELS:
        msg = (
            f"{size}, {width * height // 10**6} million in all; at most "
            f"{MAX_PIXELS // 10**6} million can be analyzed. Export the clip in a lower resolution."
        )
    elif min(width, height) < MIN_SIDE:
        msg = (
            f"{size}: too small to see anybody in it. Export the clip in its full resolution, at "
            f"least {MIN_SIDE} pixels a side."
        )
    else:
        return
    raise ClipError(msg)


def refuse_empty(path: Path) -> None:
    """Raises ClipError if there is nothing in the file, or no file any more."""
    try:
        size = path.stat().st_size
    except OSError as error:
        msg = "The file is no longer there. Upload it again."
        raise ClipError(msg) from error
    if not size:
        msg = "The file is empty. Copy or export the clip again and upload that."
        raise ClipError(msg)


def _prepared(stream: VideoStream) -> VideoStream:
    if stream.codec_context is None:
        msg = (  # type: ignore[unreachable]  # PyAV's types admit no stream without a decoder
            "The video is in a codec that is not known here. Convert it to H.264 and upload that."
        )
        raise ClipError(msg)
    if stream.width and stream.height:  # a stream without a header may not say
        check_size(stream.width, stream.height)
    decoder = stream.codec_context
    # Without "explode", pictures of which a part is missing may come out as if they were whole.
    decoder.options = {"max_pixels": _OPTIONS["max_pixels"], "err_detect": "explode"}
    # With threads, damage is not always reported (H.264 by slices), or not always the same.
    decoder.thread_count = 1
    return stream
