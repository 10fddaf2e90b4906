"""A model's card: what it is, what it learned from, how well it does, and where not to use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from video_classifier.ml.contracts import LABELS, ClipSpec
from video_classifier.ml.serving.confidence import Confidence

REMEDY = "Restore the folder or train it again."


class BundleError(Exception):
    """The model can't be used, and the message, a sentence, says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A measured metric with its 95 % interval; None where it can't be measured."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None or self.low is None or self.high is None:
            return "not defined here"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A network in another format, beside the one it was made from, and how close their scores are.

    Made and measured by `ml.training.export`.
    """

    file: str  # in the model's folder; its name chooses the engine
    sha256: str  # of that file
    max_difference: float  # of a score, of those on `windows`
    windows: int  # inputs that were scored by both


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnHead:
    """A head of a store's own, which makes a version of a model: another end of its network.

    It lies in head.npz beside the card, and the network in the folder of the model `parent`.
    """

    parent: str
    sha256: str  # of head.npz, which names the network, too
    network_sha256: str  # of the parent's network.keras


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a model is, what it learned from, how well it does, and where not to use it."""

    name: str  # the folder
    network: str  # of ml.networks
    summary: str  # a sentence for the person who chooses a model
    spec: ClipSpec
    threshold: float  # a score from here on is a hint
    created: str  # ISO 8601 date
    best_windows: int = 1  # of an event candidate: its score is their mean
    sha256: str = ""  # of network.keras; `save` fills it in
    serving: Export | None = None  # what is served in its place; None: network.keras itself
    head: OwnHead | None = None  # of a version of a model; None: the network's own
    old_footage: str = ""  # SHA-256 of old_footage.npz, which heads are tested on; "": none
    parameters: int = 0  # `save` fills it in
    classes: tuple[str, ...] = LABELS
    metrics: Mapping[str, Interval] = field(default_factory=dict)
    measured: str = ""  # how the metrics were measured
    confidence: Confidence | None = None  # of a score; None if it was not measured
    limits: tuple[str, ...] = ()  # of use, a sentence each
    training: Mapping[str, Any] = field(default_factory=dict)  # data, seed, settings, versions

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            msg = f"the threshold {self.threshold} is not between 0 and 1"
            raise ValueError(msg)
        if self.best_windows < 1:
            msg = f"a score is the mean of at least one window, not of {self.best_windows}"
            raise ValueError(msg)
        if self.classes != LABELS:
            msg = f"its classes are not {' and '.join(LABELS)}"
            raise ValueError(msg)

    @property
    def served_sha256(self) -> str:
        """Of the file whose weights give the scores: what a result stores as its model's."""
        if self.head:
            return self.head.sha256
        return self.serving.sha256 if self.serving else self.sha256

    def describes(self, weights_sha256: str) -> bool:
        """Whether its figures hold for the scores of these weights.

        They were measured with network.keras; scores of its export are the same within
        `max_difference`. Results of before an export hold the one, later ones the other. The
        figures of a version are of its head, whatever runs the network.
        """
        if self.head:
            return weights_sha256 == self.head.sha256
        return weights_sha256 in {self.sha256, self.served_sha256} - {""}

    def has_network(self, network_sha256: str) -> bool:
        """Whether a head that belongs to this network can be used on this model."""
        return self.head is None and network_sha256 in {self.sha256, self.served_sha256} - {""}

    def was_trained_on(self, clip_sha256: str) -> bool:
        return clip_sha256 in self.training.get("clips_sha256", ())
