"""Features of labelled clips by a model's own backbone, computed once a clip and variant."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache as remembered
from functools import partial
from pathlib import Path

import numpy as np

from scripts._lib import console
from video_classifier.ml import openvino
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import ClipSpec, Floats32, Image
from video_classifier.ml.data.augmentation import Augmentation, augment_window
from video_classifier.ml.data.footage import Footage, clip_sha256, read_footage
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.persons import windows
from video_classifier.ml.persons.detector import Detector
from video_classifier.ml.serving.card import Card
from video_classifier.ml.training.recipe import settings_for
from video_classifier.ml.watch import UNWATCHED, Watch

COPIES = ("served", "copy 1", "mirrored")  # that heads are fitted to
ROOMS = ("room 1", "room 2")  # the same acts, by cameras that no training has seen
STEP = 2  # of the windows of a track every second one: those between see half of each

_VERSION = 1  # raise it when a variant would look different: the cache goes by it
# Another camera: the same picture mirrored or not, turned, closer, small, in other light
_ROOM = Augmentation(
    smallest_crop=0.7,
    rotation=12.0,
    brightness=0.15,
    contrast=0.3,
    recolor=1.0,
    gamma=1.0,
    shrink=1.0,
    noise=1.0,
    jpeg=1.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFeatures:
    """What the backbone sees in windows of the most prominent person of a clip."""

    entry: Entry
    variants: dict[str, Floats32]  # (windows, features) each, by its name


def add_options(parser: ArgumentParser) -> None:
    """Which clips they are of, what finds people in these, and where they are kept."""
    parser.add_argument(
        "--manifest",
        type=Path,
        default=Path("../shared/data/manifest.csv"),
        metavar="CSV",
        help="labelled clips (default: %(default)s)",
    )
    console.add_detector(parser)
    parser.set_defaults(detector=Path("models_storage/person_detector_nanodet"))
    parser.add_argument(
        "--cache", type=console.folder_to_write, required=True, metavar="FOLDER", help="of features"
    )


def extract(  # noqa: PLR0913
    entries: Sequence[Entry],
    card: Card,
    file: Path,
    *,
    detector: Detector,
    cache: Cache,
    variants: Sequence[str] = (*COPIES, *ROOMS),
    watch: Watch = UNWATCHED,
) -> tuple[ClipFeatures, ...]:
    """Of all clips in which somebody is found. `file` is the network that OpenVINO serves."""
    network = openvino.Network(file, with_features=True)
    found = []
    with watch.task("Running the backbone", len(entries)) as advance:
        for entry in entries:
            facts = {
                "what": "features of a clip",
                "version": _VERSION,
                "network": card.sha256,
                "detector": detector.sha256,
                "clip": clip_sha256(entry.path),
            }
            of_clip = _of_clip(entry, card.spec, network, detector, cache, facts, variants)
            if of_clip.variants:
                found.append(of_clip)
            advance()
    return tuple(found)


def _of_clip(  # noqa: PLR0913, PLR0917
    entry: Entry,
    spec: ClipSpec,
    network: openvino.Network,
    detector: Detector,
    cache: Cache,
    facts: dict[str, object],
    variants: Sequence[str],
) -> ClipFeatures:
    """Decodes it only if something isn't in the cache. Nobody there: nothing."""

    @remembered
    def footage() -> Footage | None:
        found, _ = read_footage([entry], spec, detector=detector, cache=cache)
        return found[0] if found else None

    def of(variant: str) -> Floats32:
        there = footage()
        inputs = () if there is None else _variant(there, spec, variant)
        seen = [network.run_all(window[np.newaxis])[1][0] for window in inputs]
        return np.array(seen, np.float32).reshape(len(seen), network.features)

    found = {name: cache.array(partial(of, name), **facts, variant=name) for name in variants}
    there = {name: features for name, features in found.items() if len(features)}
    return ClipFeatures(entry=entry, variants=there)


def _variant(clip: Footage, spec: ClipSpec, name: str) -> Iterator[Image]:
    """Every so many windows of the most prominent person, in their order."""
    if name in ("served", "mirrored"):
        step = 1 if name == "served" else -1
        yield from clip.inputs[clip.windows[:, 0] == 0][::STEP, ..., ::step, :]
        return
    kind, number = name.split()
    draw: Callable[[], np.random.Generator]
    if kind == "room":  # the same for every window
        settings, draw = _ROOM, lambda: np.random.default_rng((7, int(number)))
    else:
        random = np.random.default_rng((int(number), len(clip.inputs)))
        settings, draw = settings_for("i3d_person").augmentation, lambda: random
    frames = clip.frames[0]
    for start in windows.window_starts(len(frames), spec)[::STEP]:
        yield augment_window(frames[start : start + spec.frames], spec, settings, draw())
