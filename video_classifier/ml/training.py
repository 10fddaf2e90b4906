"""Trains a network on labelled footage and keeps the epoch that did best on unseen people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from video_classifier.ml.augmentation import Augmentation
from video_classifier.ml.cache import Cache
from video_classifier.ml.clip import ClipSpec
from video_classifier.ml.dataset import ClipExamples, Examples, FeatureExamples, Footage
from video_classifier.ml.manifest import Entry, holds_both_labels
from video_classifier.ml.splits import Rows

if TYPE_CHECKING:
    import keras

Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that decides how training goes, besides the footage."""

    seed: int = 42
    epochs: int = 60  # at most
    patience: int = 12  # epochs without a better validation loss before it stops
    batch_size: int = 16
    learning_rate: float = 5e-4
    weight_decay: float = 1e-2
    label_smoothing: float = 0.05
    mixup: float = 0.4  # alpha of Zhang et al., "mixup", ICLR 2018
    averaging: float = 0.98  # momentum of the mean of the weights: Polyak & Juditsky 1992
    elsewhere: float = 0.2  # the weight of sources with one label only, see `balance`
    variants: int = 24  # of each clip that a frozen backbone looks at
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What one pass over the training data came to: binary cross-entropies."""

    number: int
    loss: float
    validation_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a training went."""

    epochs: tuple[Epoch, ...]
    best: Epoch


class Trainer:
    """Trains one kind of network, as often as wanted, on parts of the same footage."""

    def __init__(  # noqa: PLR0913
        self,
        name: str,
        spec: ClipSpec,
        footage: Sequence[Footage],
        settings: Settings,
        *,
        backbone_weights: str | Path | None,
        kept: Cache | None = None,
        after_each_variant: Callable[[], None] = lambda: None,
    ) -> None:
        from video_classifier.ml import networks

        self._build = partial(networks.build, name, spec, backbone_weights=backbone_weights)
        self._frozen = backbone_weights is not None and networks.is_pretrained(name)
        self._settings = settings
        self._entries = [clip.entry for clip in footage]
        self._targets = np.array([entry.target for entry in self._entries])
        self._examples = self._make_examples(footage, spec, kept, after_each_variant)

    def fit(
        self, train: Rows, validation: Rows, *, after_epoch: Callable[[Epoch], None]
    ) -> tuple[keras.Model, Course]:
        """A network trained on the rows `train`, as it was at its best on `validation`."""
        import keras

        keras.utils.set_random_seed(self._settings.seed)
        network = self._build()
        learner = self._learner(network)
        learner.compile(
            optimizer=keras.optimizers.AdamW(
                self._settings.learning_rate,
                weight_decay=self._settings.weight_decay,
                clipnorm=1.0,
                use_ema=True,
                ema_momentum=self._settings.averaging,
            ),
            loss=keras.losses.BinaryCrossentropy(label_smoothing=self._settings.label_smoothing),
        )
        course = self._run(learner, train, validation, after_epoch)
        # Whoever saves the network gets the weights alone, without the optimizer's memory.
        trained = self._build()
        trained.set_weights(network.get_weights())
        return trained, course

    def scores(self, network: keras.Model, rows: Rows) -> Floats:
        """The score of each clip in `rows`, as the application would give it: (n,)."""
        return _scores(self._learner(network), self._examples, rows)

    def _make_examples(
        self,
        footage: Sequence[Footage],
        spec: ClipSpec,
        kept: Cache | None,
        after_each_variant: Callable[[], None],
    ) -> Examples:
        settings = self._settings
        clips = ClipExamples(footage, spec, settings.augmentation, seed=settings.seed)
        if not self._frozen:
            return clips
        backbone = self._build().get_layer("backbone")
        return FeatureExamples(
            clips,
            backbone,
            variants=settings.variants,
            kept=kept,
            after_each=after_each_variant,
        )

    def _learner(self, network: keras.Model) -> keras.Model:
        """The part that changes: behind a frozen backbone only the head."""
        return network.get_layer("head") if self._frozen else network

    def _weights(self, rows: Rows) -> Floats:
        chosen = [self._entries[row] for row in rows]
        return balance(chosen, elsewhere=self._settings.elsewhere)

    def _run(
        self,
        learner: keras.Model,
        train: Rows,
        validation: Rows,
        after_epoch: Callable[[Epoch], None],
    ) -> Course:
        weights = self._weights(train)
        checks = self._weights(validation)
        random = np.random.default_rng(self._settings.seed)
        epochs: list[Epoch] = []
        best, kept = None, learner.get_weights()
        for number in range(self._settings.epochs):
            inputs = self._examples.varied(number, train)
            blended, answers = mix(
                inputs, self._targets[train], weights, alpha=self._settings.mixup, random=random
            )
            loss = _pass(learner, blended, answers, batch_size=self._settings.batch_size)
            latest = learner.get_weights()
            # Few clips throw a network from one side to the other: the mean of where it was
            # is what is looked at, and kept.
            learner.optimizer.finalize_variable_values(learner.trainable_variables)
            scores = _scores(learner, self._examples, validation)
            epoch = Epoch(
                number=number + 1,
                loss=loss,
                validation_loss=cross_entropy(self._targets[validation], scores, checks),
            )
            epochs.append(epoch)
            after_epoch(epoch)
            if best is None or epoch.validation_loss < best.validation_loss:
                best, kept = epoch, learner.get_weights()
            elif epoch.number - best.number >= self._settings.patience:
                break
            learner.set_weights(latest)
        assert best is not None  # noqa: S101  (there is at least one epoch)
        learner.set_weights(kept)
        return Course(epochs=tuple(epochs), best=best)


def mix(
    inputs: npt.NDArray[Number],
    targets: npt.NDArray[np.integer],
    weights: Floats,
    *,
    alpha: float,
    random: np.random.Generator,
) -> tuple[npt.NDArray[Number], Floats]:
    """As many blends of two clips as there are clips, and of their targets likewise.

    Inputs (n, ...) of any type, which the blends keep; targets (n,) 0 or 1; clips are
    drawn as often as their weights say. Few clips make a network sure of what it
    remembers; between two clips there is nothing to remember.
    """
    count = len(inputs)
    first, second = random.choice(count, (2, count), p=weights / weights.sum())
    shares = random.beta(alpha, alpha, count)
    wide = shares.reshape(-1, *[1] * (inputs.ndim - 1)).astype(np.float32)
    blended = inputs[first] * wide + inputs[second] * (1 - wide)
    return blended.astype(inputs.dtype), targets[first] * shares + targets[second] * (1 - shares)


def balance(entries: Sequence[Entry], *, elsewhere: float) -> Floats:
    """A weight for each clip, (n,), 1 on average. Both labels weigh the same in all.

    Sources that hold one label only are told apart by their looks. Together they get no
    more than the share `elsewhere` of their label, whatever the number of their clips:
    enough to learn what ordinary looks like in other places, too little to learn
    nothing else.
    """
    mixed = holds_both_labels(entries)
    kinds = list(zip((entry.label for entry in entries), mixed, strict=True))
    clips = Counter(kinds)
    labels = {label for label, _ in clips}
    weights = [_share(kind, clips, elsewhere) / clips[kind] for kind in kinds]
    return np.array(weights) * len(entries) / len(labels)


def _share(kind: tuple[str, bool], clips: Counter[tuple[str, bool]], elsewhere: float) -> float:
    """Of the weight of its label."""
    label, mixed = kind
    if (label, not mixed) not in clips:
        return 1.0
    return 1 - elsewhere if mixed else elsewhere


def cross_entropy(targets: npt.NDArray[np.integer], scores: Floats, weights: Floats) -> float:
    """Weighted mean binary cross-entropy, in nats."""
    sure = np.clip(scores, 1e-6, 1 - 1e-6)
    losses = -np.where(targets == 1, np.log(sure), np.log(1 - sure))
    return float(np.average(losses, weights=weights))


def _pass(
    learner: keras.Model, inputs: npt.NDArray[np.generic], targets: Floats, *, batch_size: int
) -> float:
    """Trains once on all of it and returns the mean loss.

    `Model.fit` would replace the weights by their mean at its end.
    """
    batches = [slice(start, start + batch_size) for start in range(0, len(inputs), batch_size)]
    losses = [learner.train_on_batch(inputs[batch], targets[batch]) for batch in batches]
    return float(np.average(losses, weights=[len(inputs[batch]) for batch in batches]))


def _scores(learner: keras.Model, examples: Examples, rows: Rows) -> Floats:
    """The score of each clip in `rows`, (n,): the highest of its persons'."""
    shown = [np.arange(*examples.bounds[row : row + 2]) for row in rows]
    inputs = examples.served[np.concatenate(shown)]
    scores = np.asarray(learner.predict(inputs, batch_size=16, verbose=0), np.float64)[:, 0]
    return np.maximum.reduceat(scores, np.cumsum([0, *map(len, shown[:-1])]))
