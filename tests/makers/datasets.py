"""Manifest entries, file facts and decoded footage for tests of data sets and training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.ml.conftest import TINY
from video_classifier.ml.audit.file_facts import FileFacts, InspectedClip
from video_classifier.ml.contracts import NON_SHOPLIFTER, SHOPLIFTER
from video_classifier.ml.data.footage import Footage
from video_classifier.ml.data.manifest import Entry


def entry(
    number: int, *, shoplifter: bool, group: str, source: str = "shop", path: Path | None = None
) -> Entry:
    name = f"{number}.mp4"
    label = SHOPLIFTER if shoplifter else NON_SHOPLIFTER
    return Entry(path=path or Path(name), name=name, label=label, group=group, source=source)


def people(count: int, *, clips: int = 4) -> list[Entry]:
    """Each person with as many clips of one kind as of the other."""
    return [
        entry(person * clips + clip, shoplifter=clip % 2 == 0, group=f"person {person}")
        for person in range(count)
        for clip in range(clips)
    ]


def inspected(one: Entry, *, shade: int = 100, **facts: float) -> InspectedClip:
    """A gray clip, like any other but for the facts given."""
    usual = {
        "length": 10.0,
        "size": 1e6,
        "bit_rate": 8e5,
        "brightness": 100.0,
        "width": 640.0,
        "height": 480.0,
        "frame_rate": 30.0,
    }
    frame = np.full((128, 128, 3), shade, np.uint8)
    return InspectedClip(entry=one, facts=FileFacts(**usual | facts), frame=frame)


def footage(entries: list[Entry]) -> list[Footage]:
    """Thefts are bright, everything else is dark; no two clips are the same."""
    random = np.random.default_rng(1)
    found = []
    for one in entries:
        shade = 200 if one.target else 50
        pictures = random.integers(shade - 30, shade + 30, (8, 40, 40, 3)).astype(np.uint8)
        found.append(Footage(entry=one, inputs=pictures[None, ::2, :32, :32], frames=(pictures,)))
    assert found[0].inputs.shape[1:] == TINY.shape
    return found
