"""Scores that mean what they say, and a threshold for a stated share of false alarms.

Everything here is fitted on scores by networks that had not seen the people, and never on the
clips that are then measured: what is chosen on them can't be measured on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.evaluation.intervals import resamples
from video_classifier.ml.evaluation.metrics import BINS, bins_of
from video_classifier.ml.serving.confidence import Confidence

if TYPE_CHECKING:
    import keras

_POINTS = 33  # at which the interval of a confidence is kept
_ALIKE = 1e-4  # scores that differ by less tell nothing
_STEPS = 100  # of Newton's method, which takes about ten

_SURE = 1e-6  # scores are no nearer to 0 and 1
_SHARPEST, _SOFTEST = 0.05, 20.0  # temperatures; separable clips would ask for 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The clips whose scores lie between two tenths."""

    clips: int
    score: float  # on average
    share: float  # of clips with a theft


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What turns a network's own score into the one that is shown, and into a hint."""

    temperature: float = 1.0
    threshold: float = 0.5  # of scores at this temperature


def calibrate(
    targets: Integers, scores: Floats, counted: npt.NDArray[np.bool_], *, false_alarms: float
) -> Calibration:
    """A temperature, and a threshold for at most the share `false_alarms` of ordinary clips.

    Of (n,) targets 0 or 1 and scores 0 to 1. Clips that are not `counted` come from places
    without a theft, and are told apart by their looks: they tell nothing about how sure a
    score is. The share is kept among the counted clips and among the others, each by
    themselves: more easy clips must not make the threshold laxer.
    """
    temperature = fit_temperature(targets[counted], scores[counted])
    shown = tempered(scores, temperature)
    thresholds = [
        choose_threshold(targets[kind], shown[kind], false_alarms=false_alarms)
        for kind in (counted, ~counted)
        if (targets[kind] == 0).any()
    ]
    return Calibration(temperature=temperature, threshold=max(thresholds))


def tempered(scores: Floats, temperature: float) -> Floats:
    """Scores whose logits are divided by `temperature`, above 0 and below 1."""
    from scipy.special import expit

    return np.asarray(np.clip(expit(_logits(scores) / temperature), _SURE, 1 - _SURE))


def reliability(targets: Integers, scores: Floats) -> tuple[Bin, ...]:
    """The bins that the expected calibration error is made of, without the empty ones."""
    numbers = bins_of(scores)
    chosen = (numbers == number for number in range(BINS))
    return tuple(
        Bin(
            clips=int(rows.sum()),
            score=float(scores[rows].mean()),
            share=float(targets[rows].mean()),
        )
        for rows in chosen
        if rows.any()
    )


def choose_threshold(targets: Integers, scores: Floats, *, false_alarms: float) -> float:
    """The threshold that finds most among those with at most `false_alarms`, a share 0 to 1.

    Of (n,) targets 0 or 1 and scores 0 to 1. It lies in the middle of the gap between the
    highest score that must stay below it and the next. Raises ValueError without clips of
    target 0, and where too many of these score 1.
    """
    ordinary = np.sort(scores[targets == 0])[::-1]
    if not len(ordinary):
        msg = "A threshold for false alarms needs ordinary clips; there are none."
        raise ValueError(msg)
    allowed = int(false_alarms * len(ordinary) + 1e-9)  # 0.29 * 100 is a little less than 29
    below = float(ordinary[allowed]) if allowed < len(ordinary) else 0.0
    if below >= 1:
        msg = "Too many ordinary clips score 1: no threshold keeps false alarms so few."
        raise ValueError(msg)
    above = min((float(score) for score in scores if score > below), default=1.0)
    return (below + above) / 2


def fit_temperature(targets: Integers, scores: Floats) -> float:
    """What to divide the scores' logits by, so that scores are most likely, above 0.

    Above 1 the scores were too sure. Of (n,) targets 0 or 1 and scores 0 to 1; Guo et al.,
    "On Calibration of Modern Neural Networks", ICML 2017. The ranking of clips stays.
    """
    from scipy.optimize import minimize_scalar

    logits = _logits(scores)
    signs = np.where(targets == 1, -1.0, 1.0)

    def loss(sharpness: float) -> float:  # convex, unlike the loss over the temperature
        return float(np.logaddexp(0, signs * logits * sharpness).mean())

    best = minimize_scalar(loss, bounds=(1 / _SOFTEST, 1 / _SHARPEST), method="bounded")
    return float(1 / best.x)


def fit_confidence(
    targets: Integers, scores: Floats, groups: Sequence[str], *, seed: int = 42
) -> Confidence | None:
    """The share of thefts among clips with a score; None without clips of both labels.

    Of (n,) targets 0 or 1, scores 0 to 1 by networks that had not seen the people, and groups:
    one name a clip, of the person or recording.

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999: logistic regression with
    his targets, which are not quite 0 and 1. It is fitted to the logit of a score and not to the
    score: that leaves scores alone that are right already, and has no ceiling (Kull, Silva Filho
    & Flach, "Beta calibration", AISTATS 2017). Both labels weigh the same, whatever their
    number: an equal mix. The interval is the percentile bootstrap's over whole groups.
    """
    if len(np.unique(targets)) < 2 or np.ptp(scores) < _ALIKE:  # noqa: PLR2004
        return None
    logits = _logits(scores)
    whole = _platt(targets, logits, np.ones((1, len(targets))))[0]
    drawn = np.concatenate(
        [_platt(targets, logits, _of_both(targets, some)) for some in resamples(groups, seed)]
    )
    points = np.linspace(logits.min(), logits.max(), _POINTS)
    low, high = np.percentile(_sigmoid(drawn[:, :1] + drawn[:, 1:] * points), [2.5, 97.5], axis=0)
    return Confidence(
        intercept=round(float(whole[0]), 6),
        slope=round(float(whole[1]), 6),
        scores=_rounded(_sigmoid(points), 8),
        low=_rounded(low, 5),
        high=_rounded(high, 5),
    )


def _of_both(targets: Integers, weights: Floats) -> Floats:
    """Those resamples that hold clips of both labels, each a row of weights."""
    positives, clips = weights @ targets, weights.sum(axis=1)
    return np.asarray(weights[(positives > 0) & (positives < clips)])


def _platt(targets: Integers, logits: Floats, weights: Floats) -> Floats:
    """Intercept and slope for each row of (m, n) clip weights, (m, 2), by Newton's method."""
    positive = targets == 1
    counts = np.where(positive, weights @ positive[:, None], weights @ ~positive[:, None])
    wanted = np.where(positive, counts + 1, 1) / (counts + 2)
    weights = weights / counts / 2
    features = np.stack((np.ones_like(logits), logits), axis=1)
    found = np.zeros((len(weights), 2))
    for _ in range(_STEPS):
        shown = _sigmoid(found @ features.T)
        gradient = (weights * (shown - wanted)) @ features
        curvature = np.einsum("mn,ni,nj->mij", weights * shown * (1 - shown), features, features)
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient[:, :, None])[:, :, 0]
        found -= np.clip(step, -1, 1)
        if np.abs(gradient).max() < 1e-9:  # noqa: PLR2004
            break
    return found


def _sigmoid(logits: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(logits))


def _rounded(values: Floats, digits: int) -> tuple[float, ...]:
    return tuple(round(float(value), digits) for value in values)


def with_temperature(network: keras.Model, temperature: float) -> keras.Model:
    """The same layers, and after them what `tempered` does: it is in the network's file."""
    import keras
    from keras import ops

    if temperature == 1:
        return network
    score = ops.maximum(_SURE, ops.minimum(network.output, 1 - _SURE))
    shown = ops.sigmoid(ops.log(score / (1 - score)) / temperature)
    return keras.Model(network.input, shown, name=network.name)


def _logits(scores: Floats) -> Floats:
    from scipy.special import logit

    return np.asarray(logit(np.clip(scores, _SURE, 1 - _SURE)))
