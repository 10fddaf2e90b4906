"""Shortcut tests of a model: do its scores follow who is in a clip, or what people look like?

Both take scores, or a function that scores windows, so that they work on a served model, and on
the networks of a cross-validation that never saw the people whom they score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from video_classifier.ml.contracts import Floats, Image, Integers
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.evaluation.intervals import auc_drop, measure
from video_classifier.ml.serving.card import Interval

PERMUTATIONS = 2000
MAX_IDENTITY_SHARE = 0.25  # corrected for chance; with more a sentence goes onto the card
MAX_P_VALUE = 0.01
MAX_KEPT = 0.5  # of what a ROC AUC is above 0.5; with more on still pictures looks are enough

_SMALLEST = 1e-4  # scores are clipped to this distance from 0 and 1: tables have four digits
_BLUR = 1 / 16  # standard deviation of the blur, as a share of the window's height

Score = Callable[[Image], Floats]  # (n, frames, h, w, 3) RGB uint8 to (n,), 0 to 1


class Version(StrEnum):
    """How the pictures of a window are changed before it is scored."""

    ORIGINAL = "original"
    GRAY = "gray"
    BLURRED = "blurred"
    REVERSED = "reversed in time"
    SHUFFLED = "shuffled in time"
    STILL = "one still picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityShare:
    """How much of the variance of a model's scores goes with who is in the clip."""

    share: float  # of the variance within a label, 0 to 1
    by_chance: float  # the mean of the same over permutations
    p_value: float  # share of permutations that reach it
    clips: int  # or recordings
    people: int

    @property
    def corrected(self) -> float:
        """0 where it is as by chance, 1 where who it is explains everything; at least 0."""
        return max(0.0, (self.share - self.by_chance) / (1 - self.by_chance))

    @property
    def sentence(self) -> str:
        """For a model's card; empty where identity explains little."""
        if self.corrected < MAX_IDENTITY_SHARE or self.p_value >= MAX_P_VALUE:
            return ""
        return (
            f"Who is in a clip explains {self.share:.0%} of the variance of its scores among clips "
            f"of one label, where chance gives {self.by_chance:.0%}: it scores people more than "
            "what they do."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionResult:
    """The ROC AUC of a model on changed pictures."""

    version: Version
    auc: Interval
    drop: Interval  # from the original's AUC; above 0 if the change hurts


def identity_share(
    targets: Integers, scores: Floats, groups: Sequence[str], *, seed: int = 42
) -> IdentityShare | None:
    """The share of the variance of scores that the person explains, beyond the label.

    Of (n,) targets 0 or 1, scores 0 to 1, and groups: one name a clip or recording. If
    some clips are pieces of one recording, pass recordings: such pieces score alike anyway.

    Two linear models of the logits are fitted: a mean for each label, and in addition an effect
    of each person. The share is the part of the first one's squared error that the second one
    removes: eta squared of the person, partial to the label, so that it counts for nothing that
    some people have more thefts. Many people with few clips explain much by chance: the same is
    computed for PERMUTATIONS permutations of the scores among clips of one label. None where
    nothing can be measured: nobody has two clips, or scores within a label are all alike.
    """
    from scipy.special import logit

    logits = logit(np.clip(scores, _SMALLEST, 1 - _SMALLEST))
    names, person_of = np.unique(np.asarray(groups), return_inverse=True)
    labels = np.eye(2)[targets]
    of_labels = _basis(labels)
    of_people = _basis(np.hstack((labels, np.eye(len(names))[person_of])))
    error = _squared_error(of_labels, logits[:, np.newaxis])
    if of_people.shape[1] == len(logits) or error[0] < 1e-9:  # noqa: PLR2004
        return None
    drawn = _permuted(logits, targets, np.random.default_rng(seed))
    # Permutations within a label leave the error of the label's means as it is.
    share = 1 - _squared_error(of_people, logits[:, np.newaxis])[0] / error[0]
    by_chance = 1 - _squared_error(of_people, drawn) / error[0]
    return IdentityShare(
        share=float(share),
        by_chance=float(by_chance.mean()),
        p_value=float((1 + (by_chance >= share - 1e-9).sum()) / (1 + PERMUTATIONS)),
        clips=len(logits),
        people=len(names),
    )


def version(windows: Image, of: Version) -> Image:
    """Windows, (n, frames, h, w, 3) RGB uint8, with changed pictures of the same shape.

    GRAY has no colors; BLURRED has shapes and movements but no face, print or object in a hand
    (Gaussian, its standard deviation a sixteenth of the height); REVERSED and SHUFFLED have the
    same pictures in another order, and STILL has the middle one alone, so that nothing moves.
    """
    frames = windows.shape[1]
    match of:
        case Version.ORIGINAL:
            return windows
        case Version.GRAY:
            return _each_picture(windows, _gray)
        case Version.BLURRED:
            return _each_picture(windows, _blurred)
        case Version.REVERSED:
            return windows[:, ::-1]
        case Version.SHUFFLED:
            return windows[:, np.random.default_rng(1).permutation(frames)]
        case Version.STILL:
            return np.repeat(windows[:, [frames // 2]], frames, axis=1)


def version_scores(
    windows: Image, score: Score, *, combine: Callable[[Floats], float] = np.max
) -> dict[Version, float]:
    """A clip's score in each version of its windows, (n, frames, h, w, 3) RGB uint8.

    `combine` makes the clip's score from those of its windows: the highest, unless the model has
    another rule.
    """
    return {
        each: float(combine(score(np.ascontiguousarray(version(windows, each)))))
        for each in Version
    }


def appearance(
    entries: Sequence[Entry], scores: Sequence[Mapping[Version, float]]
) -> tuple[VersionResult, ...]:
    """The ROC AUC of each version, from the `version_scores` of each clip.

    A network of movement keeps its AUC in gray and loses it on still pictures. Intervals come
    from resampling people; those of drops from the same resamples of both.
    """
    targets, groups = np.array([one.target for one in entries]), [one.group for one in entries]
    columns = {each: np.array([clip[each] for clip in scores]) for each in Version}
    original = columns[Version.ORIGINAL]
    return tuple(
        VersionResult(
            version=each,
            auc=measure(targets, column, threshold=0.5, groups=groups)["auc"],
            drop=auc_drop(targets, original, column, groups),
        )
        for each, column in columns.items()
    )


def appearance_sentences(results: Sequence[VersionResult]) -> tuple[str, ...]:
    """For a model's card: what it has learned instead of movement; none if it ranks no clips."""
    aucs = {result.version: result.auc for result in results}
    original, gray, still = (
        aucs[each].value for each in (Version.ORIGINAL, Version.GRAY, Version.STILL)
    )
    low = aucs[Version.ORIGINAL].low
    if original is None or gray is None or still is None or low is None or low <= 0.5:  # noqa: PLR2004
        return ()
    least = 0.5 + MAX_KEPT * (original - 0.5)
    sentences = []
    if still > least:
        sentences.append(
            f"On one still picture, repeated, it reaches AUC {still:.2f} of {original:.2f}: looks "
            "are most of what it judges by, not movement."
        )
    if gray < least:
        sentences.append(
            f"Without color its AUC falls from {original:.2f} to {gray:.2f}: it judges by colors."
        )
    return tuple(sentences)


def _basis(design: Floats) -> Floats:
    """An orthonormal basis, (n, rank), of the columns of (n, m)."""
    left, singular, _ = np.linalg.svd(design, full_matrices=False)
    return np.asarray(left[:, singular > 1e-9 * singular[0]])


def _squared_error(basis: Floats, columns: Floats) -> Floats:
    """What the linear model leaves of each of the columns, (n, m) to (m,)."""
    return np.asarray(((columns - basis @ (basis.T @ columns)) ** 2).sum(axis=0))


def _permuted(values: Floats, targets: Integers, random: np.random.Generator) -> Floats:
    """(n, PERMUTATIONS): each column has the values in another order within each label."""
    drawn = np.repeat(values[:, np.newaxis], PERMUTATIONS, axis=1)
    for label in np.unique(targets):
        drawn[targets == label] = random.permuted(drawn[targets == label], axis=0)
    return drawn


def _each_picture(windows: Image, change: Callable[[Image], Image]) -> Image:
    pictures = windows.reshape(-1, *windows.shape[2:])
    return np.stack([change(picture) for picture in pictures]).reshape(windows.shape)


def _gray(picture: Image) -> Image:
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8)


def _blurred(picture: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), _BLUR * len(picture)), np.uint8)
