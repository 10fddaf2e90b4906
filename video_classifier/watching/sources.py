"""What all kinds of cameras have in common: encoded pictures, one after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from video_classifier.ml.video.nal import NalLayout

_H264_IDR, _H264_MESSAGE, _H264_SETS = 5, 6, range(7, 9)
_RECOVERY_POINT = 6  # the kind of a message: decoding may begin here
_H264_SEQUENCE, _HEVC_SEQUENCE = 7, 33
_HEVC_KEYS, _HEVC_SETS = range(16, 24), range(32, 35)
_START = b"\0\0\0\1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An encoded one, with start codes where the codec has them."""

    data: bytes = field(repr=False)
    ticks: int  # by the camera's clock if it has one; rises without end
    is_key: bool
    arrived: float  # monotonic seconds: its last byte


class Place(Protocol):
    """What services.addresses knows of an address."""

    @property
    def scheme(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query(self) -> str: ...


class Source(ABC):
    """A camera that answered."""

    codec: str  # "h264", "hevc" or "mjpeg"
    time_base: Fraction  # seconds a tick

    @abstractmethod
    def pictures(self) -> Iterator[Picture]:
        """As they come, without end. Raises ConnectError."""

    @abstractmethod
    def abort(self) -> None:
        """Ends `pictures`, from another thread."""

    @abstractmethod
    def close(self) -> None:
        """Frees what it holds."""

    def head(self, key: Picture) -> bytes:
        """The keyframe with the parameter sets it needs."""
        return key.data


def units(codec: str, data: bytes) -> list[bytes]:
    """The NAL units of a picture, without empty ones."""
    return [unit for unit in NalLayout(codec, 0).units(data) if unit]


def kind(codec: str, unit: bytes) -> int:
    return unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63


def packed(of_picture: list[bytes]) -> bytes:
    return b"".join(_START + unit for unit in of_picture)


def is_key(codec: str, of_picture: list[bytes]) -> bool:
    """Whether decoding may begin with a picture of these NAL units."""
    kinds = {kind(codec, unit) for unit in of_picture}
    if codec == "hevc":
        return any(each in _HEVC_KEYS for each in kinds)
    return _H264_IDR in kinds or any(
        kind(codec, unit) == _H264_MESSAGE and unit[1:2] == bytes([_RECOVERY_POINT])
        for unit in of_picture
    )


def parameter_sets(codec: str, of_picture: list[bytes]) -> list[bytes]:
    kinds = _HEVC_SETS if codec == "hevc" else _H264_SETS
    return [unit for unit in of_picture if kind(codec, unit) in kinds]


def sequence_sets(codec: str, of_picture: list[bytes]) -> tuple[bytes, ...]:
    """Those that say how large pictures are."""
    wanted = _HEVC_SEQUENCE if codec == "hevc" else _H264_SEQUENCE
    return tuple(unit for unit in of_picture if kind(codec, unit) == wanted)
