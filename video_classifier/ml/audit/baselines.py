"""What must not suffice to tell the labels apart: where it does, the data does the telling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from video_classifier.ml.audit.file_facts import Look
from video_classifier.ml.contracts import LABELS, ClipSpec, Floats, Image
from video_classifier.ml.data import splits
from video_classifier.ml.data.manifest import Entry, holds_both_labels
from video_classifier.ml.evaluation.intervals import measure
from video_classifier.ml.serving.card import Interval

if TYPE_CHECKING:
    import keras


NEAR = 0.05  # of an AUC: what is no further below the model's counts as near
FOLDS = 5
_THUMBNAIL = 16  # pixels wide and high


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """How well somebody tells the labels apart who has not watched the clips."""

    sees: str  # completes "a classifier that sees only …"
    auc: Interval  # over sources with both labels, as on a model's card
    everywhere: Interval  # over all clips


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """A single fact of the files that differs between the labels."""

    fact: str
    auc: float  # 0.5 to 1: how often one label's files have more of it than the other's


def measure_all(
    looks: Sequence[Look],
    *,
    seed: int = splits.SEED,
    backbone_weights: str | Path | None = None,
    after_each: Callable[[], None] = lambda: None,
) -> tuple[Baseline, ...]:
    """Logistic regressions that see the files' facts alone, and one frame alone, by group.

    Each clip is scored by a regression that has seen nothing of its group; see
    `splits.refuse_too_few` for how many groups that takes. The frame is shown as
    ImageNet features of a frozen MobileNetV2 if there are weights, else as a thumbnail of colors
    and edges. Intervals come from resampling groups.
    """
    found = []
    entries = [one.entry for one in looks]
    for sees, inputs in _views(looks, backbone_weights):
        scores = _unseen_scores(entries, inputs, seed)
        both = holds_both_labels(entries)
        everywhere = np.ones_like(both)
        found.append(
            Baseline(
                sees=sees,
                auc=_auc(entries, scores, both),
                everywhere=_auc(entries, scores, everywhere),
            )
        )
        after_each()
    return tuple(found)


def tells(looks: Sequence[Look]) -> tuple[Tell, ...]:
    """The facts that by themselves tell the labels apart, the clearest first.

    An AUC of 0.7 or more that chance gives less than once in a hundred times (Mann & Whitney
    1947).
    """
    from scipy.stats import mannwhitneyu

    targets = np.array([one.entry.target for one in looks])
    if len(set(targets)) < len(LABELS):
        return ()
    facts = _facts(looks)
    found = []
    for name, values in zip(asdict(looks[0].facts), facts.T, strict=True):
        more, chance = mannwhitneyu(values[targets == 1], values[targets == 0])
        auc = float(more) / float((targets == 1).sum() * (targets == 0).sum())
        if abs(auc - 0.5) >= 0.2 and chance < 0.01:  # noqa: PLR2004  (as the docstring says)
            found.append(Tell(fact=name.replace("_", " "), auc=max(auc, 1 - auc)))
    return tuple(sorted(found, key=lambda tell: -tell.auc))


def beside(baselines: Sequence[Baseline], model: Interval | None) -> tuple[str, ...]:
    """A sentence for each baseline that is better than guessing or near the model."""
    return tuple(sentence for one in baselines if (sentence := _sentence(one, model)))


def _sentence(baseline: Baseline, model: Interval | None) -> str:
    reaches = f"A classifier that sees only {baseline.sees} reaches AUC {baseline.auc}"
    if model is not None and _is_near(baseline.auc, model):
        return (
            f"{reaches}, near the model's {_shown(model)}: what the model has learned may be the "
            "footage and not what people do."
        )
    if baseline.auc.low is not None and baseline.auc.low > 0.5:  # noqa: PLR2004  (guessing)
        return f"{reaches}: the footage by itself tells the labels apart better than guessing."
    return ""


def _shown(figure: Interval) -> str:
    """A figure that somebody stated may come without its interval."""
    return f"{figure.value:.2f}" if figure.low is None else str(figure)


def _is_near(baseline: Interval, model: Interval) -> bool:
    if baseline.value is None or model.value is None:
        return False
    low = model.value if model.low is None else model.low
    return baseline.value >= min(low, model.value - NEAR)


def _views(
    looks: Sequence[Look], backbone_weights: str | Path | None
) -> Iterator[tuple[str, Floats]]:
    yield "the file's facts (length, size, bit rate, brightness …)", _facts(looks)
    frames = np.stack([one.frame for one in looks])
    if backbone_weights is None:
        yield "a thumbnail of one frame", _thumbnails(frames)
    else:
        yield "one frame", _features(frames, backbone_weights)


def _facts(looks: Sequence[Look]) -> Floats:
    """(n, facts)."""
    return np.array([list(asdict(one.facts).values()) for one in looks], np.float64)


def _thumbnails(frames: Image) -> Floats:
    """(n, h, w, 3) uint8 to (n, values): colors, and how steep the brightness is, in a grid."""
    size = (_THUMBNAIL, _THUMBNAIL)
    rows = []
    for frame in frames:
        gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
        steepness = np.hypot(cv2.Sobel(gray, -1, 1, 0), cv2.Sobel(gray, -1, 0, 1))
        seen = np.dstack((frame, steepness)).astype(np.float32)
        rows.append(cv2.resize(seen, size, interpolation=cv2.INTER_AREA).ravel())
    return np.array(rows, np.float64)


def _features(frames: Image, weights: str | Path) -> Floats:
    from video_classifier.ml.networks.backbone import mobilenetv2

    _, height, width, _ = frames.shape
    backbone: keras.Model = mobilenetv2(ClipSpec(frames=1, height=height, width=width), weights)
    return np.asarray(backbone.predict(frames, batch_size=64, verbose=0), np.float64)


def _unseen_scores(entries: Sequence[Entry], inputs: Floats, seed: int) -> Floats:
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


def _auc(entries: Sequence[Entry], scores: Floats, counted: npt.NDArray[np.bool_]) -> Interval:
    chosen = list(compress(entries, counted))
    if not chosen:
        return Interval(value=None)
    targets = np.array([entry.target for entry in chosen])
    groups = [entry.group for entry in chosen]
    return measure(targets, scores[counted], threshold=0.5, groups=groups)["auc"]
