"""Inspects clips for the audit: file metadata and one frame, but nothing of what happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from video_classifier.ml.contracts import ClipSpec, Image
from video_classifier.ml.data.footage import Unreadable, each
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.video import probe, sampling

_SPEC = ClipSpec(frames=3)  # the second one is from the middle


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """Metadata of a clip's file, and its brightness."""

    length: float  # seconds
    size: float  # bytes
    bit_rate: float  # bits per second
    brightness: float  # mean of all pixels, 0 to 255
    width: float  # pixels
    height: float
    frame_rate: float  # per second; 0 if the file doesn't say


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedClip:
    """All that a shortcut baseline gets of a clip."""

    entry: Entry
    facts: FileFacts
    frame: Image  # (height, width, 3) RGB, uint8, from the middle of the clip


def inspect(entry: Entry) -> InspectedClip:
    """Decodes three frames. Raises ClipError."""
    return from_frames(entry, sampling.sample(entry.path, _SPEC).images)


def from_frames(entry: Entry, images: Image) -> InspectedClip:
    """The same, from frames (n, height, width, 3) RGB, uint8, of the whole clip.

    Raises ClipError.
    """
    probed = probe.facts(entry.path)
    facts = FileFacts(
        length=probed.duration,
        size=probed.size_bytes,
        bit_rate=8 * probed.size_bytes / probed.duration if probed.duration else 0.0,
        brightness=float(images.mean()),
        width=probed.width,
        height=probed.height,
        frame_rate=probed.frame_rate or 0.0,
    )
    return InspectedClip(entry=entry, facts=facts, frame=images[len(images) // 2])


def inspect_all(
    entries: Iterable[Entry], *, advance: Callable[[], None] = lambda: None
) -> tuple[tuple[InspectedClip, ...], tuple[Unreadable, ...]]:
    """The clips that decode, and those that don't, each with its reason."""
    return each(entries, inspect, advance)
