"""The texts of a model's card: summary, limits, how it was measured, and what it was trained on."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.evaluation.calibration import Calibration
from video_classifier.ml.evaluation.cross_validation import FALSE_ALARMS, in_domain
from video_classifier.ml.files import sha256
from video_classifier.ml.persons.windows import STEP
from video_classifier.ml.training.history import History
from video_classifier.ml.training.settings import StopBy, TrainingSettings
from video_classifier.ml.video.windowing import MAX_SECONDS, WINDOW_SECONDS

_KEPT_BACK = "but those of the few people who decided when to stop"

_SUMMARIES = {
    "cnn_gru": "A small CNN and a GRU, trained from scratch.",
    "cnn_lstm": "A small CNN and an LSTM, trained from scratch.",
    "conv3d": "A small 3D CNN, trained from scratch.",
    "i3d_person": "Inception-v1 I3D, pretrained on Kinetics-400: looks at movement.",
    "mobilenetv2_gru": "MobileNetV2, pretrained on ImageNet, and a GRU.",
    "mobilenetv2_lstm": "MobileNetV2, pretrained on ImageNet, and an LSTM.",
    "mobilenetv2_pool": "MobileNetV2, pretrained on ImageNet, pooled over time.",
    "person_ensemble": "MobileNetV2, pretrained on ImageNet; mean of a pooling and an LSTM head.",
    "yolo_cnn_lstm": "MobileNetV2, pretrained on ImageNet, and an LSTM.",
}


def summary(network: str) -> str:
    """A sentence for the person who chooses a model; empty for a network without a description."""
    return _SUMMARIES.get(network, "")


def limits(spec: ClipSpec) -> tuple[str, ...]:
    """What a card warns of, in sentences, whatever a network was trained on."""
    return (
        "A hint for a person who looks at the clip, never a proof: a person decides.",
        "Trained on few staged thefts in one room; expect worse in other shops, "
        "with other cameras and other ways of stealing.",
        _limit_in_time(spec),
        "Not tested for how it treats people of different age, build, skin or dress: "
        "do not use it to single anybody out.",
    )


def _limit_in_time(spec: ClipSpec) -> str:
    if spec.rate:
        return (
            f"It looks at {spec.frames / spec.rate:g} s at a time, again every {STEP:g} s: what "
            "takes longer it sees in pieces."
        )
    if spec.view is Region.PERSON:
        return (
            f"It looks at {spec.frames} moments of each track: what happens between them it can't "
            "see. Cut long recordings to the visit in question."
        )
    return (
        f"It looks at {spec.frames} moments of a clip, or of each {WINDOW_SECONDS:g} s of one that "
        f"is longer than {MAX_SECONDS:g} s: what happens between them it can't see."
    )


def how_measured(entries: Sequence[Entry], settings: TrainingSettings, *, folds: int | None) -> str:
    """How a card's metrics were measured, in sentences; `folds` None is leave-one-group-out."""
    if folds == 0:
        return "Not measured."
    groups = len({entry.group for entry in entries})
    way = "leaving out one person at a time" if folds is None else f"in {folds} folds"
    if folds is None and not in_domain(entries).all():
        way += ", and with each an even share of the recordings from collections of one label"
    kept_back = "" if settings.stop_by == StopBy.EPOCHS else f" {_KEPT_BACK}"
    return (
        f"Cross-validation {way}, over {len(entries)} clips of {groups} people or "
        "recordings: each clip was scored by a network of the same recipe that had seen nobody "
        "in it. Clips from collections that hold both labels count for all figures but the false "
        "alarms elsewhere; the 95 % intervals come from resampling whole people. The model itself "
        f"was then trained on all of the clips{kept_back}, so that these clips can't measure it "
        "again."
    )


def how_chosen(entries: Sequence[Entry], chosen: Calibration, *, false_alarms: float) -> str:
    """How a card's threshold was chosen, in sentences."""
    ordinary = np.array([entry.target == 0 for entry in entries])
    here = in_domain(entries)
    kinds = {
        "from collections that hold both labels": int((ordinary & here).sum()),
        "from elsewhere": int((ordinary & ~here).sum()),
    }
    sets = " and of ".join(f"the {count} {kind}" for kind, count in kinds.items() if count)
    sentences = [
        f"The temperature {chosen.temperature:.2f} and the threshold {chosen.threshold:.3f} were "
        "chosen on these out-of-fold scores: the lowest threshold at which at most "
        f"{false_alarms:.0%} of the ordinary clips get a hint, of {sets} alike. The figures hold "
        "at those that were chosen without the fold's own clips."
    ]
    sentences += [
        f"{count} ordinary clips {kind} are too few to promise {false_alarms:.0%}: the "
        "threshold lies above them all."
        for kind, count in kinds.items()
        if count and int(count * false_alarms) < 1
    ]
    return " ".join(sentences)


def how_left_out(count: int) -> str:
    """What happened to clips in which a network had nothing to look at; empty for none."""
    if not count:
        return ""
    return (
        f"Nothing to look at was found in {count} of the clips; they had no part in this. Such "
        "clips get no result."
    )


def how_kept_apart(source: str, *, clips: int, half: bool) -> str:
    """What a metric means on a source that was for testing only."""
    rest = "; the others were in training" if half else ""
    recordings = "half of the recordings" if half else "all recordings"
    return (
        f"{FALSE_ALARMS}{source} is the model's own, on {clips} clips of {recordings} of "
        f"{source}, on which nothing was trained or chosen{rest}."
    )


_LIBRARIES = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "av", "opencv-python-headless")


def training_facts(
    table: Path,
    entries: Sequence[Entry],
    settings: TrainingSettings,
    history: History,
    *,
    temperature: float,
) -> Mapping[str, Any]:
    """All that is needed to repeat the training, ready for JSON."""
    return {
        "manifest_sha256": sha256(table),
        "clips": len(entries),
        "groups": len({entry.group for entry in entries}),
        "settings": asdict(settings),
        "temperature": temperature,
        "best_epoch": history.best.number,
        "epochs": [asdict(epoch) for epoch in history.epochs],
        "versions": _versions(),
        "clips_sha256": sorted(sha256(entry.path) for entry in entries),
    }


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except ModuleNotFoundError:  # one of the two builds of TensorFlow is not there
            continue
    return versions
