"""Writes a model's card: what it learned from, and where not to use it."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from video_classifier.ml.crossvalidation import ELSEWHERE
from video_classifier.ml.digest import sha256
from video_classifier.ml.manifest import Entry
from video_classifier.ml.training import Course, Settings

LIMITS = (
    "A hint for a person who looks at the clip, never a proof: a person decides.",
    "Trained on few staged thefts in one room; expect worse in other shops, "
    "with other cameras and other ways of stealing.",
    "It looks at 16 moments of a clip: what happens between them it can't see. "
    "Cut long recordings to the visit in question.",
    "Not tested for how it treats people of different age, build, skin or dress: "
    "do not use it to single anybody out.",
)

_SUMMARIES = {
    "cnn_gru": "Looks at each frame in a coarse grid, then at their order, from scratch.",
    "cnn_lstm": "Looks at each frame, then at their order; small, learned from scratch.",
    "conv3d": "Looks at shape and movement at once; small, learned from scratch.",
    "mobilenetv2_gru": "Looks at each frame with a pretrained eye, then at their order, briefly.",
    "mobilenetv2_lstm": "Looks at each frame with a pretrained eye, then at their order.",
    "mobilenetv2_pool": "Looks at each frame with a pretrained eye; their order does not count.",
}


def summary(network: str) -> str:
    """A sentence for the person who chooses a model; empty for a network nobody described."""
    return _SUMMARIES.get(network, "")


def how_measured(entries: Sequence[Entry], *, folds: int) -> str:
    """How a card's metrics came about, in sentences."""
    if not folds:
        return "Not measured."
    groups = len({entry.group for entry in entries})
    return (
        f"Cross-validation in {folds} folds over {len(entries)} clips of {groups} people or "
        "recordings: each clip was scored by a network of the same recipe that had seen nobody "
        "in it. Clips from collections that hold both labels count for all figures but "
        f"{ELSEWHERE}; the 95 % intervals come from resampling whole people. The model itself "
        "was then trained on all of the clips but those of the few people who decided when to "
        "stop, so that these clips can't measure it again."
    )


_LIBRARIES = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "av", "opencv-python-headless")


def training_facts(
    table: Path, entries: Sequence[Entry], settings: Settings, course: Course
) -> Mapping[str, Any]:
    """What a reader needs to repeat the training, ready for JSON."""
    return {
        "manifest_sha256": sha256(table),
        "clips": len(entries),
        "groups": len({entry.group for entry in entries}),
        "settings": asdict(settings),
        "best_epoch": course.best.number,
        "epochs": [asdict(epoch) for epoch in course.epochs],
        "versions": _versions(),
        "clips_sha256": sorted(sha256(entry.path) for entry in entries),
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:  # one of the two builds of TensorFlow is not there
            continue
    return found
