"""Pictures for training and testing a detector, split by scene."""

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
from video_classifier.ml.persons.detector import DetectorError
from video_classifier.ml.persons.detector_card import DetectorCard
from video_classifier.ml.video import probe, sampling

PICTURES_PER_SECOND = 5.0
MAX_PICTURES = 12  # of a clip: in a longer one they are further apart
LONGER_SIDE = 480  # pixels of a picture

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1  # of the scenes


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSplit:
    """The names of the scenes in each split."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Pictures of a clip, evenly spread."""

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
    if divided := [take for take, places in takes.items() if len(places) > 1]:
        msg = f"The manifest {table} has recordings in more than one scene: {', '.join(divided)}."
        raise ManifestError(msg)
    return scenes


def split(scenes: Mapping[str, Sequence[str]], *, seed: int) -> SceneSplit:
    """At random: a tenth of the scenes for validation, a fifth for the test.

    The scene with the most clips is always trained on: it would dominate any test.
    """
    largest = max(scenes, key=lambda name: len(scenes[name]))
    names = sorted(set(scenes) - {largest})
    np.random.default_rng(seed).shuffle(names)
    tested, validated = (int(len(scenes) * share) for share in (TEST_SHARE, VALIDATION_SHARE))
    return SceneSplit(
        test=tuple(names[:tested]),
        validation=tuple(names[tested : tested + validated]),
        train=(*names[tested + validated :], largest),
    )


def split_of(card: DetectorCard) -> SceneSplit:
    """As an earlier detector had it, so that both can be compared. Raises DetectorError."""
    found = card.training.get("scenes")
    if not isinstance(found, Mapping):
        msg = "The person detector doesn't say which scenes it was not trained on."
        raise DetectorError(msg)
    return SceneSplit(**{part: tuple(found[part]) for part in ("train", "validation", "test")})


def read(
    folder: Path,
    clips: Iterable[str],
    *,
    rate: float = PICTURES_PER_SECOND,
    at_most: int = MAX_PICTURES,
    advance: Callable[[], None] = lambda: None,
) -> list[Pictures]:
    """Some pictures of each clip. Raises ClipError for the first that can't be read."""
    pictures = []
    for clip in clips:
        pictures.append(_pictures(folder / clip, clip, rate=rate, at_most=at_most))
        advance()
    return pictures


def _pictures(path: Path, clip: str, *, rate: float, at_most: int) -> Pictures:
    facts = probe.facts(path)
    rate = min(rate, at_most / max(facts.duration, 1.0))
    images, times = _decoded(path, facts, rate=rate)
    return Pictures(
        clip=clip, images=images, times=tuple(times.tolist()), source_height=facts.height
    )


def read_all(path: Path) -> tuple[Image, npt.NDArray[np.float64]]:
    """Pictures of a clip, PICTURES_PER_SECOND, and their times in seconds. Raises ClipError."""
    return _decoded(path, probe.facts(path), rate=PICTURES_PER_SECOND)


def _decoded(path: Path, facts: ClipFacts, *, rate: float) -> tuple[Image, npt.NDArray[np.float64]]:
    """(n, height, width, 3) RGB uint8 in the clip's aspect ratio, and (n,) seconds."""
    scale = LONGER_SIDE / max(facts.height, facts.width)
    height, width = round(facts.height * scale), round(facts.width * scale)
    return sampling.read_all(path, fps=rate, height=height, width=width)
