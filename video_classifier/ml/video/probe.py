"""Probes an uploaded file: its container, codec, size and length, by content, never by name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from video_classifier.ml.contracts import ClipError, ClipFacts
from video_classifier.ml.video import containers, packets, segmenting, timeline, tone
from video_classifier.ml.video.packets import Packets
from video_classifier.ml.video.scaling import Orientation

# By FFmpeg's names; the values are what such files are usually called.
_CONTAINERS = {
    "avi": "avi",
    "mpegts": "ts",
    "mpeg": "mpg",
    "flv": "flv",
    "asf": "asf",
    "h264": "h264",
    "hevc": "hevc",
}
_RATE_TOLERANCE = 0.1
_AT_ONCE = 0.001  # seconds
_WEBM = b"\x42\x82\x84webm"  # the EBML element DocType, its length and its value


def facts(path: Path) -> ClipFacts:
    """Facts about the video in `path`; reads its packets and decodes no more than its first frame.

    Raises ClipError, whose sentence says what is wrong and what to do, if the file
    is no video or no picture of it can be decoded.
    """
    with containers.opened(path) as (container, stream):
        frame = _first_frame(container, stream)
        containers.check_size(frame.width, frame.height)
        turn = Orientation.of(frame)
        width, height = frame.width, frame.height
        if turn.swaps_axes:
            width, height = height, width
        known = packets.read(path)
        return ClipFacts(
            container=_container(container, path),
            codec=stream.codec.canonical_name,
            pixel_format=frame.format.name,
            width=width,
            height=height,
            rotation=turn.degrees,
            frame_rate=_frame_rate(stream, known),
            duration=_duration(container, stream, known),
            size_bytes=path.stat().st_size,
            is_interlaced=frame.interlaced_frame,
            is_hdr=tone.is_hdr(frame),
            keeps_time=_is_first(container, stream) and _keeps_time(known, frame),
            segment_spans=segmenting.spans(known.shown),
            created=_created(container, stream),
        )


def _created(container: InputContainer, stream: VideoStream) -> float | None:
    """MP4 and MOV (ISO/IEC 14496-12, mvhd and mdhd) and Matroska say it in UTC, others don't."""
    said = container.metadata.get("creation_time") or stream.metadata.get("creation_time", "")
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:  # nothing, or in words of another container
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame:
    frame = next(containers.sound_frames(container, stream), None)
    if frame is not None:
        return frame
    if stream.width and stream.height:
        raise ClipError(containers.NOTHING_DECODES)
    msg = (
        "No picture in the file can be decoded: it doesn't say how large they are, or they have "
        f"more than {containers.MAX_PIXELS // 10**6} million pixels. Export the clip again from "
        "the recorder, in a lower resolution."
    )
    raise ClipError(msg)


def _container(container: InputContainer, path: Path) -> str:
    """FFmpeg has one name for MP4 and MOV and one for Matroska and WebM."""
    name = container.format.name
    if name.startswith("mov"):
        return "mov" if container.metadata.get("major_brand", "qt  ") == "qt  " else "mp4"
    if name.startswith("matroska"):
        with path.open("rb") as file:
            return "webm" if _WEBM in file.read(64) else "mkv"
    return _CONTAINERS[name]


def _frame_rate(stream: VideoStream, known: Packets) -> float | None:
    """Frames a second by the header, unless the pictures contradict it."""
    if known.reckoned_rate:
        return known.reckoned_rate
    claimed = float(stream.average_rate) if stream.average_rate else None
    if known.sent is None or not known.sent.length:
        return claimed
    measured = len(known.sent.ticks) / known.sent.length
    return claimed if claimed and abs(claimed / measured - 1) < _RATE_TOLERANCE else measured


def _is_first(container: InputContainer, stream: VideoStream) -> bool:
    """Whether players take this one of the videos, too."""
    return stream.index == containers.videos(container)[0].index


def _keeps_time(known: Packets, first: VideoFrame) -> bool:
    """Whether the first picture that decodes comes up at 0, and others by a clock without jumps."""
    shown = timeline.from_packets(known.entries, known.time_base)
    return (
        shown is not None
        and not known.has_over_long
        and shown.ticks[0] == first.pts
        and abs(first.pts * known.time_base) < _AT_ONCE
        and shown.on_clock(shown.ticks[-1]) == shown.ticks[-1] - shown.ticks[0]
    )


def _duration(container: InputContainer, stream: VideoStream, known: Packets) -> float:
    """As the packets say; a header may claim anything."""
    if known.sent is not None:
        return known.sent.length
    if known.reckoned_rate:
        return len(known.entries) / known.reckoned_rate
    return containers.video_seconds(container, stream) or containers.whole_seconds(container) or 0.0
