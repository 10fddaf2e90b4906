"""Calibrates scores and chooses a threshold for a given false-alarm rate.

Everything here is fitted on out-of-fold scores, and never on the clips that are measured with it.
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

_INTERVAL_POINTS = 33  # scores at which the interval of a confidence is stored
_MIN_SCORE_RANGE = 1e-4  # with less, a logistic regression on scores is undefined
_MAX_ITERATIONS = 100  # of Newton's method, which takes about ten

_EPSILON = 1e-6  # scores are clipped to this distance from 0 and 1
_MIN_TEMPERATURE, _MAX_TEMPERATURE = 0.05, 20.0  # for separable clips the best would be 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The clips with scores in one of ten intervals of equal width."""

    clips: int
    score: float  # on average
    share: float  # of clips with a theft


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Temperature and threshold: from a network's own score to the one shown, and to a hint."""

    temperature: float = 1.0
    threshold: float = 0.5  # of scores at this temperature


def calibrate(
    targets: Integers,
    scores: Floats,
    in_domain: npt.NDArray[np.bool_],
    *,
    false_alarms: float,
    temperature: float | None = None,
) -> Calibration:
    """A temperature, and a threshold for at most the share `false_alarms` of ordinary clips.

    Of (n,) targets 0 or 1 and scores 0 to 1. Clips out of domain come from sources of one label,
    which a network can recognize by their footage, so the temperature is fitted without them. The
    share holds among the clips in domain and among the others, each by themselves: more easy clips
    must not lower the threshold. A `temperature` that is given is taken instead.
    """
    if temperature is None:
        temperature = fit_temperature(targets[in_domain], scores[in_domain])
    shown = tempered(scores, temperature)
    thresholds = [
        choose_threshold(targets[kind], shown[kind], false_alarms=false_alarms)
        for kind in (in_domain, ~in_domain)
        if (targets[kind] == 0).any()
    ]
    return Calibration(temperature=temperature, threshold=max(thresholds))


def tempered(scores: Floats, temperature: float) -> Floats:
    """Scores, 0 to 1, with their logits divided by `temperature`; above 0 and below 1.

    Temperature scaling: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    from scipy.special import expit

    return np.asarray(np.clip(expit(_logits(scores) / temperature), _EPSILON, 1 - _EPSILON))


def reliability(targets: Integers, scores: Floats) -> tuple[Bin, ...]:
    """The bins of a reliability diagram, without empty ones, of (n,) targets and scores."""
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
    """The threshold of highest recall with a false-alarm rate of at most `false_alarms`, 0 to 1.

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
    """The temperature, above 0, that minimizes the cross-entropy of the scores.

    Above 1 the scores were overconfident. Of (n,) targets 0 or 1 and scores 0 to 1; Guo et al.,
    "On Calibration of Modern Neural Networks", ICML 2017. The ranking of clips stays.
    """
    from scipy.optimize import minimize_scalar

    logits = _logits(scores)
    signs = np.where(targets == 1, -1.0, 1.0)

    def loss(inverse: float) -> float:  # convex, unlike the loss over the temperature
        return float(np.logaddexp(0, signs * logits * inverse).mean())

    best = minimize_scalar(
        loss, bounds=(1 / _MAX_TEMPERATURE, 1 / _MIN_TEMPERATURE), method="bounded"
    )
    return float(1 / best.x)


def fit_confidence(
    targets: Integers, scores: Floats, groups: Sequence[str], *, seed: int = 42
) -> Confidence | None:
    """The share of thefts among clips with a given score; None without clips of both labels.

    Of (n,) targets 0 or 1, out-of-fold scores 0 to 1, and groups: one name a clip, of the person or
    recording.

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999: logistic regression with
    his targets, which are not quite 0 and 1. It is fitted to the logit of a score and not to the
    score itself: that can represent the identity, and has no ceiling below 1 (Kull, Silva Filho &
    Flach, "Beta calibration", AISTATS 2017). Both labels have equal weight, whatever their numbers
    of clips: an equal mix. The interval is the percentile bootstrap's over whole groups.
    """
    if len(np.unique(targets)) < 2 or np.ptp(scores) < _MIN_SCORE_RANGE:  # noqa: PLR2004
        return None
    logits = _logits(scores)
    estimate = _platt(targets, logits, np.ones((1, len(targets))))[0]
    resampled = np.concatenate(
        [_platt(targets, logits, _of_both(targets, rows)) for rows in resamples(groups, seed)]
    )
    points = np.linspace(logits.min(), logits.max(), _INTERVAL_POINTS)
    low, high = np.percentile(
        _sigmoid(resampled[:, :1] + resampled[:, 1:] * points), [2.5, 97.5], axis=0
    )
    return Confidence(
        intercept=round(float(estimate[0]), 6),
        slope=round(float(estimate[1]), 6),
        scores=_rounded(_sigmoid(points), 8),
        low=_rounded(low, 5),
        high=_rounded(high, 5),
    )


def _of_both(targets: Integers, weights: Floats) -> Floats:
    """The resamples, each a row of weights, that have clips of both labels."""
    positives, clips = weights @ targets, weights.sum(axis=1)
    return np.asarray(weights[(positives > 0) & (positives < clips)])


def _platt(targets: Integers, logits: Floats, weights: Floats) -> Floats:
    """Intercept and slope for each row of (m, n) clip weights, (m, 2), by Newton's method."""
    positive = targets == 1
    counts = np.where(positive, weights @ positive[:, None], weights @ ~positive[:, None])
    platt_targets = np.where(positive, counts + 1, 1) / (counts + 2)
    weights = weights / counts / 2
    features = np.stack((np.ones_like(logits), logits), axis=1)
    coefficients = np.zeros((len(weights), 2))
    for _ in range(_MAX_ITERATIONS):
        predicted = _sigmoid(coefficients @ features.T)
        gradient = (weights * (predicted - platt_targets)) @ features
        curvature = np.einsum(
            "mn,ni,nj->mij", weights * predicted * (1 - predicted), features, features
        )
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient[:, :, None])[:, :, 0]
        coefficients -= np.clip(step, -1, 1)
        if np.abs(gradient).max() < 1e-9:  # noqa: PLR2004
            break
    return coefficients


def _sigmoid(logits: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(logits))


def _rounded(values: Floats, digits: int) -> tuple[float, ...]:
    return tuple(round(float(value), digits) for value in values)


def with_temperature(network: keras.Model, temperature: float) -> keras.Model:
    """The network, followed by what `tempered` does, so that its file holds the temperature."""
    import keras
    from keras import ops

    if temperature == 1:
        return network
    score = ops.maximum(_EPSILON, ops.minimum(network.output, 1 - _EPSILON))
    shown = ops.sigmoid(ops.log(score / (1 - score)) / temperature)
    return keras.Model(network.input, shown, name=network.name)


def _logits(scores: Floats) -> Floats:
    from scipy.special import logit

    return np.asarray(logit(np.clip(scores, _EPSILON, 1 - _EPSILON)))
