"""Pictures for training and measuring a detector, scene by scene: no scene is in two parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import ClipFacts, Image
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.video import probe, sampling

RATE = 5.0  # pictures a second of a clip
MOST = 12  # pictures of a clip: a longer one has them further apart
SIDE = 480  # pixels of a picture's longer side

TESTED, VALIDATED = 0.2, 0.1  # shares of the scenes


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The names of the scenes for each use."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Some moments of a clip."""

    clip: str  # as the manifest calls it
    images: Image  # (n, height, width, 3) RGB, uint8, in the clip's own shape
    times: tuple[float, ...]  # seconds since the clip's first frame
    source_height: int  # pixels of the clip's own pictures


def clips_by_scene(table: Path) -> Mapping[str, Sequence[str]]:
    """The paths in a manifest with the columns path and scene, labelled or not.

    Raises ManifestError, also if a recording (the column take) is in two scenes.
    """
    scenes, takes = defaultdict(list), defaultdict(set)
    for row in manifest.rows(table, "scene"):
        scenes[row["scene"]].append(row["path"])
        takes[row.get("take") or row["path"]].add(row["scene"])
    if torn := [take for take, places in takes.items() if len(places) > 1]:
        msg = f"The manifest {table} has recordings in more than one scene: {', '.join(torn)}."
        raise ManifestError(msg)
    return scenes


def parts(scenes: Mapping[str, Sequence[str]], *, seed: int) -> Parts:
    """A tenth of the scenes for validation and a fifth for the test, by lot.

    The scene with the most clips is always trained on: it would be most of any test.
    """
    largest = max(scenes, key=lambda name: len(scenes[name]))
    names = sorted(set(scenes) - {largest})
    np.random.default_rng(seed).shuffle(names)
    tested, validated = (int(len(scenes) * share) for share in (TESTED, VALIDATED))
    return Parts(
        test=tuple(names[:tested]),
        validation=tuple(names[tested : tested + validated]),
        train=(*names[tested + validated :], largest),
    )


def read(
    folder: Path, clips: Iterable[str], *, after_each: Callable[[], None] = lambda: None
) -> list[Pictures]:
    """Some pictures of each clip. Raises ClipError for the first that can't be read."""
    found = []
    for clip in clips:
        found.append(_pictures(folder / clip, clip))
        after_each()
    return found


def _pictures(path: Path, clip: str) -> Pictures:
    facts = probe.facts(path)
    images, times = _decoded(path, facts, rate=min(RATE, MOST / max(facts.duration, 1.0)))
    return Pictures(
        clip=clip, images=images, times=tuple(times.tolist()), source_height=facts.height
    )


def all_moments(path: Path) -> tuple[Image, npt.NDArray[np.float64]]:
    """The pictures of a clip, RATE a second, and their times. Raises ClipError."""
    return _decoded(path, probe.facts(path), rate=RATE)


def _decoded(path: Path, facts: ClipFacts, *, rate: float) -> tuple[Image, npt.NDArray[np.float64]]:
    """In the clip's own shape."""
    scale = SIDE / max(facts.height, facts.width)
    height, width = round(facts.height * scale), round(facts.width * scale)
    return sampling.read_all(path, fps=rate, height=height, width=width)
