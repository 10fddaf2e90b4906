"""What can be told of a clip at a glance, without a look at what happens in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from video_classifier.ml.contracts import ClipSpec, Image
from video_classifier.ml.data.footage import Unreadable, each
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.video import probe, sampling

_GLANCE = ClipSpec(frames=3)  # the second one is from the middle


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """Of the file, and none of what it shows."""

    length: float  # seconds
    size: float  # bytes
    bit_rate: float  # bits a second
    brightness: float  # mean of all pixels, 0 to 255
    width: float  # pixels
    height: float
    frame_rate: float  # a second; 0 if the file doesn't say


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A clip at a glance."""

    entry: Entry
    facts: FileFacts
    frame: Image  # (height, width, 3) RGB, uint8, from the middle of the clip


def look(entry: Entry) -> Look:
    """Decodes three frames. Raises ClipError."""
    return of(entry, sampling.sample(entry.path, _GLANCE).images)


def of(entry: Entry, images: Image) -> Look:
    """From frames (n, height, width, 3) all over the clip. Raises ClipError."""
    known = probe.facts(entry.path)
    facts = FileFacts(
        length=known.duration,
        size=known.size_bytes,
        bit_rate=8 * known.size_bytes / known.duration if known.duration else 0.0,
        brightness=float(images.mean()),
        width=known.width,
        height=known.height,
        frame_rate=known.frame_rate or 0.0,
    )
    return Look(entry=entry, facts=facts, frame=images[len(images) // 2])


def look_at_all(
    entries: Iterable[Entry], *, after_each: Callable[[], None] = lambda: None
) -> tuple[tuple[Look, ...], tuple[Unreadable, ...]]:
    """A glance at every clip; those that don't decode are named."""
    return each(entries, look, after_each)
