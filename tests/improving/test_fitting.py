"""What is chosen for a head out of fold: its threshold, its confidence, and what it forgets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.makers.old_footage import make_old_footage
from video_classifier.improving import fitting
from video_classifier.improving.fitting import Fitted
from video_classifier.improving.reading import Reviewed, Seen
from video_classifier.ml.contracts import LABELS
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.evaluation import calibration
from video_classifier.ml.training.old_footage import OldFootage

KERNEL, BIAS = np.full(3, 10.0), -15.0  # how bright it is
OLD = make_old_footage(count=40)
BY_THE_RULE = calibration.calibrate(
    OLD.targets, OLD.scores, OLD.inside, false_alarms=0.05, temperature=1.0
).threshold


def network(threshold: float = 0.5) -> Any:
    """As far as fitting looks at it."""
    card = SimpleNamespace(best_windows=2, threshold=threshold, sha256="a" * 64)
    return SimpleNamespace(card=card, kernel=KERNEL, bias=BIAS)


def seen(recordings: int, *, red: float = 0.3) -> list[Seen]:
    """A theft and an ordinary one of each recording; thefts are as much redder."""
    random = np.random.default_rng(1)
    return [_seen(number, label, random, red) for number in range(recordings) for label in (1, 0)]


def _seen(number: int, label: int, random: np.random.Generator, red: float) -> Seen:
    features = np.full((3, 3), 0.5, np.float32)
    features[:, 0] += red * label
    if red:
        features += random.normal(0, 0.05, 3).astype(np.float32)
    entry = Entry(path=Path(), name=f"{number} {label}", label=LABELS[label], group=str(number))
    reviewed = Reviewed(
        entry=entry, event=2 * number + label, camera="Till", day=None, reviewers=(1, 2)
    )
    return Seen(
        reviewed=reviewed,
        features=features,
        scores=1 / (1 + np.exp(-(features @ KERNEL + BIAS).astype(np.float64))),
    )


def fit(
    recordings: int = 12, *, old: OldFootage | None = OLD, threshold: float = BY_THE_RULE
) -> Fitted:
    return fitting.fit(network(threshold), seen(recordings), old)


def test_the_confidence_is_of_heads_that_had_not_seen_the_recording() -> None:
    found = fit()

    assert found.confidence is not None
    assert found.confidence.slope > 0
    assert "12 recordings with confirmed events and 12 with false alarms" in found.why_confidence
    red = found.confidence.of(found.confidence.scores[-1], hint=True)
    assert red.value > 0.6


def test_of_few_recordings_there_is_no_confidence_and_it_says_so() -> None:
    found = fit(9)

    assert found.confidence is None
    assert "of recordings with confirmed events it learned from 9" in found.why_confidence
    assert "it takes 10 of each" in found.why_confidence


def test_of_scores_that_order_nothing_there_is_no_confidence() -> None:
    found = fitting.fit(network(), seen(12, red=0.0), None)

    assert (found.confidence, found.why_confidence) == (None, fitting.NO_ORDER)


def test_the_threshold_is_chosen_by_the_rule_of_the_card() -> None:
    found = fit()

    assert found.old is not None
    again = calibration.calibrate(
        OLD.targets, found.old, OLD.inside, false_alarms=0.05, temperature=1.0
    )
    assert found.threshold == again.threshold != BY_THE_RULE
    assert "at most 5% get a hint" in found.why_threshold


@pytest.mark.parametrize(
    ("old", "threshold", "sentence"),
    [
        (None, BY_THE_RULE, "the footage that it learned from didn't come with it"),
        (make_old_footage(is_measured=False), BY_THE_RULE, "didn't come with it"),
        (OLD, BY_THE_RULE - 0.1, "that wasn't chosen by the usual rule"),
    ],
    ids=["no old footage", "not measured", "another rule"],
)
def test_else_the_threshold_is_the_models(
    old: OldFootage | None, threshold: float, sentence: str
) -> None:
    found = fit(old=old, threshold=threshold)

    assert found.threshold == threshold
    assert sentence in found.why_threshold


def test_old_footage_is_scored_as_by_a_head_that_had_not_seen_the_person() -> None:
    """By the model's out-of-fold scores and what the new head adds to the old one."""
    usual, doubtful = fit(), fit(old=replace(OLD, scores=np.full(len(OLD), 0.5)))

    assert usual.old is not None
    assert doubtful.old is not None
    features = OLD.features.astype(np.float64)
    added = features @ (usual.head.kernel - KERNEL) + usual.head.bias - BIAS
    assert doubtful.old == pytest.approx(1 / (1 + np.exp(-added)))
    logits = np.log(usual.old / (1 - usual.old))
    assert logits - OLD.logits == pytest.approx(added)


def test_thresholds_of_hints_are_chosen_without_the_person() -> None:
    scores = np.where(OLD.targets == 1, 0.9, 0.1)
    loud = np.flatnonzero(OLD.targets == 0)[0]
    scores[loud] = 0.95

    hints = fitting.hints_of(OLD, scores)

    assert hints[loud]
    assert not hints[OLD.targets == 0].all()


def test_scores_of_old_footage_are_kept_for_the_next_version(tmp_path: Path) -> None:
    found = fit()

    fitting.write_old(tmp_path, OLD, found)

    assert found.old is not None
    assert fitting.read_old(tmp_path, OLD) == pytest.approx(found.old, abs=1e-4)
    assert fitting.read_old(tmp_path, make_old_footage(count=30)) is None
    assert fitting.read_old(tmp_path / "nowhere", OLD) is None
