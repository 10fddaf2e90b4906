"""Trains a network on labelled footage and keeps the epoch that did best on unseen people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import ClipSpec, Floats, Integers
from video_classifier.ml.data.augmentation import Augmentation
from video_classifier.ml.data.footage import (
    ClipExamples,
    Examples,
    FeatureExamples,
    Footage,
    weights_sha256,
)
from video_classifier.ml.data.splits import Fold
from video_classifier.ml.networks import precision
from video_classifier.ml.training import checkpoint
from video_classifier.ml.training.mixing import balance, mix

if TYPE_CHECKING:
    import keras

_WARMUP = 0.1  # of a cosine schedule's steps
_PIXELS_AT_ONCE = 4  # clips; a pretrained backbone needs a quarter of a gigabyte for each


class Schedule(StrEnum):
    """How the learning rate goes over a training."""

    CONSTANT = "constant"
    COSINE = "cosine"  # up, then down to 0: Loshchilov & Hutter, "SGDR", ICLR 2017


class StopBy(StrEnum):
    """What decides how long a training goes, and which epoch of it is kept."""

    VALIDATION = "validation"  # a few people, who are held back for it
    EPOCHS = "epochs"  # their number: everybody is trained on, and the last epoch is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that decides how training goes, besides the footage."""

    seed: int = 42
    epochs: int = 60  # at most
    stop_by: StopBy = StopBy.VALIDATION
    patience: int = 12  # epochs without a better validation loss before it stops
    batch_size: int = 16
    learning_rate: float = 5e-4
    schedule: Schedule = Schedule.CONSTANT
    weight_decay: float = 1e-2
    label_smoothing: float = 0.05
    mixup: float = 0.4  # alpha of Zhang et al., "mixup", ICLR 2018
    averaging: float = 0.98  # momentum of the mean of the weights: Polyak & Juditsky 1992
    balanced: bool = True  # labels weigh the same, whatever their numbers of clips
    elsewhere: float = 0.2  # then the weight of sources with one label only, see `balance`
    variants: int = 24  # of each clip that a frozen backbone looks at
    augmentation: Augmentation = field(default_factory=Augmentation)
    fine_tune: int = 0  # convolutions at the backbone's end that learn after the head has
    fine_tune_epochs: int = 10  # at most
    fine_tune_learning_rate: float = 1e-5
    precision: str = precision.PLAIN  # the name of a Keras policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What one pass over the training data came to: binary cross-entropies."""

    number: int
    loss: float
    validation_loss: float | None  # None if nobody is held back


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a training went."""

    epochs: tuple[Epoch, ...]

    @property
    def best(self) -> Epoch:
        """The one that is kept: of those with a validation loss the one with the lowest."""
        checked = [epoch for epoch in self.epochs if epoch.validation_loss is not None]
        return min(checked, key=lambda epoch: epoch.validation_loss or 0, default=self.epochs[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """A part of a training: what learns, from what, how fast, and for how long."""

    name: str
    learner: keras.Model
    examples: Examples
    batch_size: int
    epochs: int
    learning_rate: float


@dataclass(slots=True, kw_only=True)
class _State:
    """Where a stage is between two epochs, besides what its learner remembers."""

    course: Course
    kept: checkpoint.Weights  # of the best epoch
    random: np.random.Generator  # draws the blends

    def told(self) -> dict[str, object]:
        """What weights don't tell, ready for JSON."""
        return {
            "epochs": [asdict(epoch) for epoch in self.course.epochs],
            "random": self.random.bit_generator.state,
        }


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
        unfinished: Cache | None = None,
        after_each_variant: Callable[[], None] = lambda: None,
    ) -> None:
        """`kept` is what a backbone sees; `unfinished` where a training goes on from."""
        from video_classifier.ml import networks

        self._make = partial(networks.build, name, spec, backbone_weights=backbone_weights)
        self._frozen = backbone_weights is not None and networks.is_pretrained(name)
        if settings.fine_tune and not self._frozen:
            msg = f"{name} has no pretrained backbone that could be fine-tuned."
            raise ValueError(msg)
        self._settings = settings
        self._entries = [clip.entry for clip in footage]
        self._targets = np.array([entry.target for entry in self._entries])
        self._clips = ClipExamples(footage, spec, settings.augmentation, seed=settings.seed)
        self._unfinished = unfinished or Cache()
        self._examples: Examples = self._clips
        self._facts: dict[str, object] = {}  # all that decides how a training goes, but the rows
        if self._unfinished.keeps:
            labels = [[entry.label, entry.source] for entry in self._entries]
            self._facts = {"network": name, "settings": asdict(settings), "labels": labels}
            self._facts |= self._clips.facts()
        if self._frozen:
            backbone = self._make().get_layer("backbone")
            self._facts["backbone"] = weights_sha256(backbone)
            self._examples = FeatureExamples(
                self._clips,
                backbone,
                variants=settings.variants,
                kept=kept,
                after_each=after_each_variant,
            )

    @property
    def goes_on(self) -> bool:
        """Whether an interrupted run with the same clips and settings left something."""
        return self._unfinished.find(**self._facts) is not None

    def fit(
        self, train: Integers, validation: Integers, *, after_epoch: Callable[[Epoch], None]
    ) -> tuple[keras.Model, Course]:
        """A network trained on the rows `train`, as it was at its best on `validation`.

        If the number of epochs alone decides, it is trained on both, as long as that. Raises
        NotFiniteError if the training breaks down.
        """
        import keras

        if self._settings.stop_by == StopBy.EPOCHS:
            train, validation = np.union1d(train, validation), validation[:0]
        keras.utils.set_random_seed(self._settings.seed)
        network = precision.build(self._settings.precision, self._make)
        course = Course(epochs=())
        for stage in self._stages(network):
            course = self._run(stage, course, train, validation, after_epoch)
        # Whoever saves the network gets the weights alone, without the optimizer's memory.
        trained = self._make()
        trained.set_weights(network.get_weights())
        return trained, course

    def scores(self, network: keras.Model, rows: Integers) -> Floats:
        """The score of each clip in `rows`, as the application would give it: (n,)."""
        if self._frozen and not self._settings.fine_tune:
            return _scores(network.get_layer("head"), self._examples, rows)
        return _scores(network, self._clips, rows)

    def unseen_scores(
        self, fold: Fold, *, after_epoch: Callable[[Epoch], None]
    ) -> tuple[Floats, Course | None]:
        """The scores of the fold's test rows by a network trained on its others.

        No course, and no training, if an interrupted run came so far.
        """
        facts = self._facts | {"fold": [rows.tolist() for rows in (fold.train, fold.test)]}
        known = self._unfinished.find(**facts)
        if known is not None:
            return known, None
        network, course = self.fit(fold.train, fold.validation, after_epoch=after_epoch)
        scores = self.scores(network, fold.test)
        self._unfinished.keep(scores, **facts)
        return scores, course

    def _stages(self, network: keras.Model) -> Iterator[_Stage]:
        """Behind a frozen backbone the head learns alone, before the backbone's end may join."""
        settings = self._settings
        yield _Stage(
            name="head" if self._frozen else "all",
            learner=network.get_layer("head") if self._frozen else network,
            examples=self._examples,
            batch_size=settings.batch_size,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
        )
        if settings.fine_tune:
            thaw(network.get_layer("backbone"), settings.fine_tune)
            yield _Stage(
                name="fine-tuning",
                learner=network,
                examples=self._clips,
                batch_size=min(settings.batch_size, _PIXELS_AT_ONCE),
                epochs=settings.fine_tune_epochs,
                learning_rate=settings.fine_tune_learning_rate,
            )

    def _weights(self, rows: Integers) -> Floats:
        chosen = [self._entries[row] for row in rows]
        if not self._settings.balanced or not chosen:
            return np.ones(len(chosen))
        return balance(chosen, elsewhere=self._settings.elsewhere)

    def _run(
        self,
        stage: _Stage,
        before: Course,
        train: Integers,
        validation: Integers,
        after_epoch: Callable[[Epoch], None],
    ) -> Course:
        self._compile(stage, clips=len(train))
        facts = self._facts | {
            "stage": stage.name,
            "rows": [train.tolist(), validation.tolist()],
        }
        self._unfinished.keep(np.empty(0), **self._facts)
        state = self._resume(stage, before, facts)
        for epoch in state.course.epochs[len(before.epochs) :]:
            after_epoch(epoch)
        while not self._is_over(stage, before, state.course):
            self._train_once(stage, state, train, validation)
            self._unfinished.keep(checkpoint.pack(stage.learner, state.kept, state.told()), **facts)
            after_epoch(state.course.epochs[-1])
        stage.learner.set_weights(state.kept)
        return state.course

    def _resume(self, stage: _Stage, before: Course, facts: dict[str, object]) -> _State:
        """Where an interrupted run left the stage, or its start."""
        random = np.random.default_rng(self._settings.seed)
        packed = self._unfinished.find(**facts)
        if packed is None:
            return _State(course=before, kept=stage.learner.get_weights(), random=random)
        kept, told = checkpoint.restore(packed, stage.learner)
        random.bit_generator.state = told["random"]
        course = Course(epochs=tuple(Epoch(**epoch) for epoch in told["epochs"]))
        return _State(course=course, kept=kept, random=random)

    def _train_once(
        self, stage: _Stage, state: _State, train: Integers, validation: Integers
    ) -> None:
        learner, number = stage.learner, len(state.course.epochs)
        blended, answers = mix(
            stage.examples.varied(number, train),
            self._targets[train],
            self._weights(train),
            alpha=self._settings.mixup,
            random=state.random,
        )
        loss = _pass(learner, blended, answers, batch_size=stage.batch_size)
        latest = learner.get_weights()
        precision.check_finite(loss, latest, policy=self._settings.precision)
        # Few clips throw a network from one side to the other: the mean of where it was
        # is what is looked at, and kept.
        learner.optimizer.finalize_variable_values(learner.trainable_variables)
        checked = self._check(learner, stage.examples, validation)
        epoch = Epoch(number=number + 1, loss=loss, validation_loss=checked)
        state.course = Course(epochs=(*state.course.epochs, epoch))
        if state.course.best is epoch:
            state.kept = learner.get_weights()
        learner.set_weights(latest)

    def _compile(self, stage: _Stage, *, clips: int) -> None:
        import keras

        settings = self._settings
        steps = stage.epochs * -(-clips // stage.batch_size)
        stage.learner.compile(
            optimizer=keras.optimizers.AdamW(
                learning_rate(settings.schedule, stage.learning_rate, steps=steps),
                weight_decay=settings.weight_decay,
                clipnorm=1.0,
                use_ema=True,
                ema_momentum=settings.averaging,
            ),
            loss=keras.losses.BinaryCrossentropy(label_smoothing=settings.label_smoothing),
        )
        stage.learner.optimizer.build(stage.learner.trainable_variables)

    def _is_over(self, stage: _Stage, before: Course, course: Course) -> bool:
        done = len(course.epochs) - len(before.epochs)
        if self._settings.stop_by == StopBy.EPOCHS or not done:
            return done >= stage.epochs
        waited = len(course.epochs) - max(course.best.number, len(before.epochs))
        return done >= stage.epochs or waited >= self._settings.patience

    def _check(
        self, learner: keras.Model, examples: Examples, validation: Integers
    ) -> float | None:
        if not len(validation):
            return None
        scores = _scores(learner, examples, validation)
        return cross_entropy(self._targets[validation], scores, self._weights(validation))


def learning_rate(
    schedule: Schedule, highest: float, *, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Of every step, or as a function of the step's number."""
    import keras

    if schedule == Schedule.CONSTANT:
        return highest
    warmup = round(_WARMUP * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=highest, warmup_steps=warmup
    )


def thaw(backbone: keras.Model, count: int) -> None:
    """Lets the last `count` convolutions learn; few clips would spoil batch normalization."""
    import keras

    backbone.trainable = True
    leaves = list(_leaves(backbone))
    for leaf in leaves:
        leaf.trainable = False
    learned = [
        leaf
        for leaf in leaves
        if leaf.weights and not isinstance(leaf, keras.layers.BatchNormalization)
    ]
    for leaf in learned[-count:]:
        leaf.trainable = True


def _leaves(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        yield from _leaves(layer) if hasattr(layer, "layers") else [layer]


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


def _scores(learner: keras.Model, examples: Examples, rows: Integers) -> Floats:
    """The score of each clip in `rows`, (n,): the highest of its persons'."""
    shown = [np.arange(*examples.bounds[row : row + 2]) for row in rows]
    inputs = examples.served[np.concatenate(shown)]
    found = learner.predict(inputs, batch_size=_PIXELS_AT_ONCE, verbose=0)
    scores = np.asarray(found, np.float64)[:, 0]
    return np.maximum.reduceat(scores, np.cumsum([0, *map(len, shown[:-1])]))
