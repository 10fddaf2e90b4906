"""Connects to a camera, at the addresses that were checked and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from video_classifier.ml.contracts import ClipError
from video_classifier.ml.video import containers
from video_classifier.states import Fault
from video_classifier.watching import remuxing, sources
from video_classifier.watching.device import DeviceSource
from video_classifier.watching.limits import Limits
from video_classifier.watching.mjpeg import MjpegSource
from video_classifier.watching.mjpeg import size as jpeg_size
from video_classifier.watching.ring import StreamFacts
from video_classifier.watching.rtsp import RtspSource
from video_classifier.watching.sources import Picture, Place, Source
from video_classifier.watching.wire import ConnectError, Wire, dial

_SECRET = {"rtsps", "https"}  # schemes with TLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A camera's address, and the IP addresses it leads to, all of which were checked just now."""

    address: Place = field(repr=False)
    ips: Sequence[str]


def connect(
    target: Target, limits: Limits, dialed: Callable[[Wire], None] = lambda _: None
) -> Source:
    """A camera that is about to send pictures. Raises ConnectError.

    `dialed` is told of each connection, so that another thread can abort it.
    """
    place = target.address

    def reach() -> Wire:
        is_secret = place.scheme in _SECRET
        wire = dial(target.ips, place.port, place.host, is_secret=is_secret, seconds=limits.connect)
        wire.extend(limits.answer)
        dialed(wire)
        return wire

    if place.scheme in {"rtsp", "rtsps"}:
        wire = reach()
        try:
            return RtspSource(wire, place, limits)
        except BaseException:
            wire.close()
            raise
    if place.scheme in {"http", "https"}:
        return MjpegSource(reach, place, limits)
    if place.scheme == "v4l2":
        return DeviceSource(place.path, limits)
    raise ConnectError(Fault.ADDRESS, "Cameras of this kind are not read.")


def form(source: Source, key: Picture) -> object:
    """What changes with the resolution: cheap, so that each keyframe can be asked; or None."""
    if source.codec == "mjpeg":
        return jpeg_size(key.data)
    return sources.sequence_sets(source.codec, sources.units(source.codec, key.data)) or None


def facts(source: Source, key: Picture, limits: Limits) -> StreamFacts:
    """Of a stretch that begins with this keyframe.

    Raises ConnectError if it is too large, RemuxError if it is damaged.
    """
    head = source.head(key)
    width, height = remuxing.size(source.codec, head)
    _check(width, height, limits)
    return StreamFacts(
        codec=source.codec, width=width, height=height, time_base=source.time_base, head=head
    )


def _check(width: int, height: int, limits: Limits) -> None:
    try:
        containers.check_size(width, height)
    except ClipError as error:
        small = min(width, height) < containers.MIN_SIDE
        fault = Fault.NO_VIDEO if small else Fault.TOO_LARGE
        raise ConnectError(fault, f"The pictures have {width} by {height} pixels.") from error
    if width * height > limits.pixels:
        msg = (
            f"The pictures have {width} by {height} pixels; at most "
            f"{limits.pixels // 10**6} million are watched. Set a lower resolution, or give the "
            "camera's sub-stream."
        )
        raise ConnectError(Fault.TOO_LARGE, msg)
