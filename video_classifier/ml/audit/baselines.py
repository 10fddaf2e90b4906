"""Shortcut baselines: classifiers on file metadata or one frame. If they work, labels leak."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from video_classifier.ml.audit.file_facts import InspectedClip
from video_classifier.ml.contracts import LABELS, ClipSpec, Floats, Image
from video_classifier.ml.data import splits
from video_classifier.ml.data.manifest import Entry, holds_both_labels
from video_classifier.ml.evaluation.intervals import measure
from video_classifier.ml.serving.card import Interval

if TYPE_CHECKING:
    import keras


NEAR_AUC = 0.05  # a baseline no further than this below the model is near it
FOLDS = 5
MIN_SHORTCUT_AUC = 0.7
MAX_P_VALUE = 0.01

_THUMBNAIL_SIDE = 16  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The result of one shortcut baseline."""

    sees: str  # completes "a classifier that sees only …"
    auc: Interval  # over sources with both labels, as on a model's card
    everywhere: Interval  # over all clips


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataShortcut:
    """One file fact that predicts the label by itself."""

    fact: str  # its name in FileFacts, with spaces
    auc: float  # 0.5 to 1, whichever label has the higher values


def measure_all(
    clips: Sequence[InspectedClip],
    *,
    seed: int = splits.SEED,
    backbone_weights: str | Path | None = None,
    advance: Callable[[], None] = lambda: None,
) -> tuple[Baseline, ...]:
    """Logistic regressions on the file facts alone and on one frame alone.

    They are cross-validated by group: each clip is scored by one fitted without its group; see
    `splits.refuse_too_few` for how many groups that takes. The frame is represented by ImageNet
    features of a frozen MobileNetV2 if there are weights, else by a thumbnail of colors and edges.
    Intervals come from resampling groups. `advance` is called once for each of the two.
    """
    baselines = []
    entries = [clip.entry for clip in clips]
    for sees, inputs in _inputs(clips, backbone_weights):
        scores = _out_of_fold_scores(entries, inputs, seed)
        both = holds_both_labels(entries)
        everywhere = np.ones_like(both)
        baselines.append(
            Baseline(
                sees=sees,
                auc=_auc(entries, scores, both),
                everywhere=_auc(entries, scores, everywhere),
            )
        )
        advance()
    return tuple(baselines)


def metadata_shortcuts(clips: Sequence[InspectedClip]) -> tuple[MetadataShortcut, ...]:
    """The file facts that predict the label by themselves, by AUC, descending.

    Their AUC is at least MIN_SHORTCUT_AUC with a p-value below MAX_P_VALUE (Mann & Whitney, "On a
    Test of Whether one of Two Random Variables is Stochastically Larger than the Other", 1947).
    """
    from scipy.stats import mannwhitneyu

    targets = np.array([clip.entry.target for clip in clips])
    if len(set(targets)) < len(LABELS):
        return ()
    facts = _facts(clips)
    shortcuts = []
    for name, values in zip(asdict(clips[0].facts), facts.T, strict=True):
        u, p_value = mannwhitneyu(values[targets == 1], values[targets == 0])
        area = float(u) / float((targets == 1).sum() * (targets == 0).sum())
        auc = max(area, 1 - area)
        if auc >= MIN_SHORTCUT_AUC and p_value < MAX_P_VALUE:
            shortcuts.append(MetadataShortcut(fact=name.replace("_", " "), auc=auc))
    return tuple(sorted(shortcuts, key=lambda shortcut: -shortcut.auc))


def warnings(baselines: Sequence[Baseline], model: Interval | None) -> tuple[str, ...]:
    """A sentence for each baseline that is better than guessing or near the model's AUC."""
    return tuple(sentence for baseline in baselines if (sentence := _sentence(baseline, model)))


def _sentence(baseline: Baseline, model: Interval | None) -> str:
    reaches = f"A classifier that sees only {baseline.sees} reaches AUC {baseline.auc}"
    if model is not None and _is_near(baseline.auc, model):
        return (
            f"{reaches}, near the model's {_auc_text(model)}: the model may have learned the "
            "footage and not what people do."
        )
    if baseline.auc.low is not None and baseline.auc.low > 0.5:  # noqa: PLR2004  (guessing)
        return f"{reaches}: the footage alone predicts the label better than guessing."
    return ""


def _auc_text(auc: Interval) -> str:
    """Without the interval where only the value was given."""
    return f"{auc.value:.2f}" if auc.low is None else str(auc)


def _is_near(baseline: Interval, model: Interval) -> bool:
    if baseline.value is None or model.value is None:
        return False
    low = model.value if model.low is None else model.low
    return baseline.value >= min(low, model.value - NEAR_AUC)


def _inputs(
    clips: Sequence[InspectedClip], backbone_weights: str | Path | None
) -> Iterator[tuple[str, Floats]]:
    yield "the file's facts (length, size, bit rate, brightness …)", _facts(clips)
    frames = np.stack([clip.frame for clip in clips])
    if backbone_weights is None:
        yield "a thumbnail of one frame", _thumbnails(frames)
    else:
        yield "one frame", _features(frames, backbone_weights)


def _facts(clips: Sequence[InspectedClip]) -> Floats:
    """(n, facts)."""
    return np.array([list(asdict(clip.facts).values()) for clip in clips], np.float64)


def _thumbnails(frames: Image) -> Floats:
    """(n, values) of frames (n, h, w, 3) uint8: colors and gradients on a coarse grid."""
    size = (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE)
    rows = []
    for frame in frames:
        gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
        gradient = np.hypot(cv2.Sobel(gray, -1, 1, 0), cv2.Sobel(gray, -1, 0, 1))
        channels = np.dstack((frame, gradient)).astype(np.float32)
        rows.append(cv2.resize(channels, size, interpolation=cv2.INTER_AREA).ravel())
    return np.array(rows, np.float64)


def _features(frames: Image, weights: str | Path) -> Floats:
    """(n, features) of frames (n, h, w, 3) uint8."""
    from video_classifier.ml.networks.backbone import mobilenetv2

    _, height, width, _ = frames.shape
    backbone: keras.Model = mobilenetv2(ClipSpec(frames=1, height=height, width=width), weights)
    return np.asarray(backbone.predict(frames, batch_size=64, verbose=0), np.float64)


def _out_of_fold_scores(entries: Sequence[Entry], inputs: Floats, seed: int) -> Floats:
    """(n,) of inputs (n, values)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    targets = np.array([entry.target for entry in entries])
    scores = np.full(len(entries), np.nan)
    count = min(FOLDS, *splits.groups_by_label(entries).values())
    for rest, test in splits.rest_and_test(entries, count=count, seed=seed):
        regression = make_pipeline(
            StandardScaler(),
            LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000),
        )
        regression.fit(inputs[rest], targets[rest])
        scores[test] = regression.predict_proba(inputs[test])[:, 1]
    return scores


def _auc(entries: Sequence[Entry], scores: Floats, in_domain: npt.NDArray[np.bool_]) -> Interval:
    chosen = list(compress(entries, in_domain))
    if not chosen:
        return Interval(value=None)
    targets = np.array([entry.target for entry in chosen])
    groups = [entry.group for entry in chosen]
    return measure(targets, scores[in_domain], threshold=0.5, groups=groups)["auc"]
