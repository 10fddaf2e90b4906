"""Trains a network on labelled footage, and keeps the epoch with the lowest validation loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.data.footage import Footage
from video_classifier.ml.data.splits import Fold
from video_classifier.ml.networks import precision
from video_classifier.ml.networks.pretrained import weights_sha256
from video_classifier.ml.training import checkpoint, linear, old_footage, optimization, phase
from video_classifier.ml.training.examples import ClipExamples, Examples, extract_features
from video_classifier.ml.training.history import Epoch, History
from video_classifier.ml.training.linear import LinearHead, WindowFeatures
from video_classifier.ml.training.old_footage import OldFootage
from video_classifier.ml.training.phase import Clips, Phase, Subsets
from video_classifier.ml.training.recipe import Recipe
from video_classifier.ml.training.settings import ClassWeights, StopBy
from video_classifier.ml.training.weighting import of_people, sample_weights
from video_classifier.ml.watch import UNWATCHED, Watch

if TYPE_CHECKING:
    import keras


class Trainer:
    """Trains by one recipe, as often as asked, on some clips or others of the same footage."""

    def __init__(
        self,
        recipe: Recipe,
        footage: Sequence[Footage],
        *,
        backbone_weights: str | Path | None = None,
        cache: Cache | None = None,
        checkpoints: Cache | None = None,
    ) -> None:
        """Nothing is computed yet. `cache` holds features of a frozen backbone; an interrupted
        training with the same clips and recipe resumes from `checkpoints`.
        """
        self.recipe = recipe
        self.footage = tuple(footage)
        self.entries = tuple(clip.entry for clip in footage)
        self._settings = recipe.settings
        self._targets = np.array([entry.target for entry in self.entries])
        self.backbone_weights = backbone_weights
        self._cache = cache
        self._checkpoints = checkpoints or Cache()
        self._examples: Examples | None = None
        self._features: WindowFeatures | None = None

    def prepare(self, watch: Watch = UNWATCHED) -> None:
        """Computes what is trained on: for a frozen backbone the features of every clip.

        That takes minutes, once; `fit` and `scores` call it themselves.
        """
        if self.is_linear:
            self._features_of_windows(watch)
        else:
            self._first_examples(watch)

    def _first_examples(self, watch: Watch = UNWATCHED) -> Examples:
        """What the first phase trains on."""
        if self._examples is None:
            self._examples = self._extracted(watch) if self.is_pretrained else self._clips
        return self._examples

    def _features_of_windows(self, watch: Watch = UNWATCHED) -> WindowFeatures:
        if self._features is None:
            backbone = self._build().get_layer("backbone")
            self._features = linear.extract(
                self.footage, self.recipe, backbone, cache=self._cache, watch=watch
            )
        return self._features

    @property
    def can_resume(self) -> bool:
        """Whether an interrupted training with the same clips and recipe left a checkpoint."""
        return self._checkpoints.find(**self._facts) is not None

    def fit(
        self, train: Integers, validation: Integers, *, watch: Watch = UNWATCHED
    ) -> tuple[keras.Model, History]:
        """A network trained on the rows `train`, with the weights that did best on `validation`.

        If the number of epochs alone decides, it is trained on both. `watch` gets each Epoch.
        Raises NotFiniteError if the training diverges.
        """
        import keras

        self.prepare(watch)
        if self.is_linear:
            return self._with_head(self._linear_head(train, validation), watch)
        facts = self._facts  # before the seed is set: building a backbone draws random weights
        if self._settings.stop_by == StopBy.EPOCHS:
            train, validation = np.union1d(train, validation), validation[:0]
        keras.utils.set_random_seed(self._settings.seed)
        network = precision.build(self._settings.precision, self._build)
        history = History()
        subsets = Subsets(train=self._chosen(train), validation=self._chosen(validation))
        for current in self._phases(network):
            history = self._run(current, history, subsets, facts, watch)
        # A saved network then holds its weights alone, without the optimizer's moments.
        trained = self._build()
        trained.set_weights(network.get_weights())
        return trained, history

    def scores(self, network: keras.Model, rows: Integers) -> Floats:
        """The score of each clip in `rows`, (n,), 0 to 1, as the application would give it."""
        best = self._settings.best_windows
        if self.is_linear:
            kernel, bias = network.get_layer("head").get_layer("score").get_weights()
            head = LinearHead(kernel=kernel[:, 0], bias=float(bias[0]), loss=np.nan)
            return self._scores_by(head, rows)
        if self.is_pretrained and not self._settings.fine_tune:
            head, examples = network.get_layer("head"), self._first_examples()
            return optimization.scores_of(head, examples, rows, best_windows=best)
        return optimization.scores_of(network, self._clips, rows, best_windows=best)

    def out_of_fold_scores(
        self, fold: Fold, *, watch: Watch = UNWATCHED
    ) -> tuple[Floats, History | None]:
        """The scores of the fold's test rows by a network trained on its others.

        No history, and no training, if they were in a checkpoint.
        """
        facts = self._facts | {"fold": [rows.tolist() for rows in (fold.train, fold.test)]}
        if (known := self._checkpoints.find(**facts)) is not None:
            return known, None
        if self.is_linear:
            head = self._linear_head(fold.train, fold.validation)
            scores, history = self._scores_by(head, fold.test), _history_of(head)
        else:
            network, history = self.fit(fold.train, fold.validation, watch=watch)
            scores = self.scores(network, fold.test)
        self._checkpoints.keep(scores, **facts)
        return scores, history

    def old_footage(self, network: keras.Model, scores: Floats | None) -> OldFootage:
        """What a linear head was fitted to, to test heads on that learn from a store's reviews.

        `network` has the head, and `scores` are (n,) out-of-fold ones, if the recipe was measured.
        """
        kernel, bias = network.get_layer("head").get_layer("score").get_weights()
        features = self._features_of_windows()
        rows = np.arange(len(self.entries))
        return old_footage.made(
            self.entries,
            [features.served[features.labelled[features.clips == row]] for row in rows],
            kernel=kernel[:, 0],
            bias=float(bias[0]),
            best=self._settings.best_windows,
            weights=self._chosen(rows).weights,
            scores=scores,
        )

    def _build(self) -> keras.Model:
        from video_classifier.ml import networks

        return networks.build(
            self.recipe.network, self.recipe.spec, backbone_weights=self.backbone_weights
        )

    @cached_property
    def is_pretrained(self) -> bool:
        """Whether the network has a backbone with weights of its own, which are frozen at first."""
        from video_classifier.ml import networks

        return self.backbone_weights is not None and networks.is_pretrained(self.recipe.network)

    @cached_property
    def is_linear(self) -> bool:
        """Whether a logistic regression on windows at a rate is all that is trained."""
        from video_classifier.ml import networks

        has_windows = self.recipe.spec.rate > 0
        return has_windows and self.is_pretrained and networks.has_linear_head(self.recipe.network)

    def _linear_head(self, train: Integers, validation: Integers) -> LinearHead:
        """Fitted to both: nobody has to be held back."""
        chosen = self._chosen(np.union1d(train, validation))
        return linear.fit(
            self._features_of_windows(),
            chosen.rows,
            chosen.targets,
            chosen.weights,
            penalty=self._settings.penalty,
        )

    def _scores_by(self, head: LinearHead, rows: Integers) -> Floats:
        features = self._features_of_windows()
        chosen = features.of_clips(rows)
        return optimization.scores_of_clips(
            head.scores(features.served[chosen]),
            features.windows[chosen],
            np.diff(features.bounds)[rows].tolist(),
            self._settings.best_windows,
        )

    def _with_head(self, head: LinearHead, watch: Watch) -> tuple[keras.Model, History]:
        network, history = self._build(), _history_of(head)
        network.get_layer("head").get_layer("score").set_weights(
            [head.kernel[:, np.newaxis], np.array([head.bias])]
        )
        watch.report(history.best)
        return network, history

    @cached_property
    def _clips(self) -> ClipExamples:
        settings = self._settings
        return ClipExamples(
            self.footage, self.recipe.spec, settings.augmentation, seed=settings.seed
        )

    def _extracted(self, watch: Watch) -> Examples:
        return extract_features(
            self._clips,
            self._build().get_layer("backbone"),
            copies=self._settings.augmented_copies,
            cache=self._cache,
            watch=watch,
        )

    @cached_property
    def _facts(self) -> dict[str, object]:
        """All that decides how a training goes, but for the rows. Nothing if nothing is saved."""
        if not self._checkpoints.keeps:
            return {}
        inputs = linear.facts(self.footage, self.recipe) if self.is_linear else self._clips.facts()
        facts = inputs | {
            "network": self.recipe.network,
            "settings": self.recipe.stored(),
            "labels": [[entry.label, entry.source] for entry in self.entries],
        }
        if self.is_pretrained:
            facts["backbone"] = weights_sha256(self._build().get_layer("backbone"))
        return facts

    def _chosen(self, rows: Integers) -> Clips:
        entries, weights = [self.entries[row] for row in rows], np.ones(len(rows))
        share = self._settings.out_of_domain
        if self._settings.class_weights == ClassWeights.BALANCED and entries:
            weights = sample_weights(entries, out_of_domain=share)
        elif self._settings.class_weights == ClassWeights.PEOPLE and entries:
            one_label = self._settings.one_label
            weights = of_people(entries, one_label=one_label, out_of_domain=share)
        return Clips(rows=rows, targets=self._targets[rows], weights=weights)

    def _phases(self, network: keras.Model) -> Iterator[Phase]:
        """Behind a frozen backbone the head is trained alone, before the backbone's end joins."""
        settings = self._settings
        yield Phase(
            name="head" if self.is_pretrained else "all",
            network=network.get_layer("head") if self.is_pretrained else network,
            examples=self._first_examples(),
            batch_size=settings.batch_size,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
        )
        if settings.fine_tune:
            optimization.unfreeze(network.get_layer("backbone"), settings.fine_tune)
            yield Phase(
                name="fine-tuning",
                network=network,
                examples=self._clips,
                batch_size=min(settings.batch_size, optimization.PIXEL_BATCH),
                epochs=settings.fine_tune_epochs,
                learning_rate=settings.fine_tune_learning_rate,
            )

    def _run(
        self,
        current: Phase,
        before: History,
        subsets: Subsets,
        facts: dict[str, object],
        watch: Watch,
    ) -> History:
        """Trains a phase to its end, from its last checkpoint on."""
        self._checkpoints.keep(np.empty(0), **facts)  # for `can_resume`
        rows = [clips.rows.tolist() for clips in (subsets.train, subsets.validation)]
        facts = facts | {"phase": current.name, "rows": rows}
        phase.compile_for(current, self._settings, clips=len(subsets.train.rows))
        packed = self._checkpoints.find(**facts)
        state = (
            phase.start(current, self._settings, before)
            if packed is None
            else checkpoint.restore(packed, current.network)
        )
        with watch.task(f"Training: {current.name}", current.epochs) as advance:
            for epoch in state.history.epochs[len(before.epochs) :]:
                watch.report(epoch)
                advance()
            while not phase.is_over(current, self._settings, before, state.history):
                phase.train_epoch(current, self._settings, state, subsets)
                self._checkpoints.keep(checkpoint.pack(current.network, state), **facts)
                watch.report(state.history.epochs[-1])
                advance()
        current.network.set_weights(state.best_weights)
        return state.history


def _history_of(head: LinearHead) -> History:
    return History(epochs=(Epoch(number=1, loss=head.loss, validation_loss=None),))
